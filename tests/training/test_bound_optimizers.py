"""Optimizers that are bound to a model: as those of a trainer; what is frozen does not move."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.training.data import Batch
from tests.training.bound import (
    MAKES,
    X,
    Y,
    backward,
    by_parameter,
    every_optimizer,
    network,
    numbers,
    same,
    step,
)

# --- the same as a trainer ---------------------------------------------------------------


class Recording(nn.Trainer):
    """Notes its batches, and freezes and unfreezes a layer on the way."""

    def train_step(self, batch: Batch) -> float:
        batches.append((batch.X, batch.y))
        return super().train_step(batch)

    def _begin_step(self, feed: Any) -> None:
        thaw(self.model, self.step)
        super()._begin_step(feed)


batches: list[Any] = []


def thaw(model: Any, step: int) -> None:
    if step == 0:
        model[0].freeze()
    if step == 3:
        model[0].unfreeze()
        model[2].freeze()
    if step == 6:
        model[2].unfreeze()


@pytest.mark.parametrize("kernels", ["numpy", "auto", "numba"])
@every_optimizer
def test_a_loop_of_ones_own_gives_the_bits_of_fit(name: str, kernels: str) -> None:
    batches.clear()
    fitted, own = network(), network()
    with nn.use_kernels(kernels):
        trainer = Recording(fitted, MAKES[name](), rng=0, progress=False, clip_norm=0.5)
        trainer.fit(X, Y, epochs=3, batch_size=8)
        optimizer = MAKES[name](parameters=own)
        assert len(batches) == 9
        for count, (x, y) in enumerate(batches):
            thaw(own, count)
            # A trainer holds the statistics of a frozen batch norm, too; none is frozen here.
            optimizer.zero_grad()
            nn.softmax_cross_entropy(own(x), y).backward()
            nn.clip_by_norm(own, 0.5)
            optimizer.step()
    assert same(numbers(fitted), numbers(own))
    state = trainer.optimizer.state()
    for key, array in optimizer.state().items():
        np.testing.assert_array_equal(array, state[key])


@every_optimizer
def test_a_trainer_takes_a_bound_optimizer(name: str, tmp_path: Path) -> None:
    plain, bound = network(), network()
    path = tmp_path / "run.checkpoint"
    for model, optimizer in ((plain, MAKES[name]()), (bound, MAKES[name](parameters=bound))):
        trainer = nn.Trainer(
            model, optimizer, callbacks=[nn.Checkpoint(path)], rng=0, progress=False
        )
        trainer.fit(X, Y, epochs=2, batch_size=8)
    assert same(numbers(plain), numbers(bound))
    # A checkpoint does not say what the optimizer is bound to.
    again = network()
    for optimizer in (MAKES[name](), MAKES[name](parameters=again)):
        other = nn.Trainer(again, optimizer, callbacks=[nn.Checkpoint(path)], rng=0, progress=False)
        other.fit(X, Y, epochs=2, batch_size=8, resume=path)
        assert same(numbers(again), numbers(bound))
    # A loop of one's own goes on with the state of the training.
    count = trainer.optimizer.steps
    step(bound, trainer.optimizer)
    assert trainer.optimizer.steps == count + 1
    assert {part[2] for part in trainer.optimizer._counts} == {count + 1}


def test_a_trainer_refuses_an_optimizer_of_another_model() -> None:
    model, other = network(), network()
    text = "Trainer: optimizer: expected one that is bound to all of the trainer's model"
    for parameters in (other, model[0], [*model, other[0]], [model[0].weight], nn.Dense(3)):
        with pytest.raises(nn.ArgumentError, match=text):
            nn.Trainer(model, nn.Adam(parameters=parameters))
    for parameters in (model, [model], list(model), model.parameters(), [model, model[0]]):
        assert nn.Trainer(model, nn.Adam(parameters=parameters)).optimizer.parameters
    layers = [nn.Dense(4), nn.Dense(3)]  # that have no parameters yet
    trainer = nn.Trainer(layers, nn.Adam(parameters=layers), rng=0, progress=False)
    trainer.fit(X, Y)
    assert trainer.optimizer.steps == 1
    with pytest.raises(nn.ArgumentError, match=text):
        nn.Trainer(layers, nn.Adam(parameters=[nn.Dense(4), nn.Dense(3)]))


# --- what is frozen ----------------------------------------------------------------------


@every_optimizer
def test_a_frozen_parameter_never_moves(name: str) -> None:
    model = network()
    optimizer = MAKES[name](parameters=model)
    step(model, optimizer, 2)
    model[0].freeze()
    model[3].bias.requires_grad = False
    before = [*numbers(model[0]), model[3].bias.data.copy()]
    state = {slot: array.copy() for slot, array in optimizer.slots_state.items()}
    free = model[2].weight.data.copy()
    for some in (slice(None), slice(8)):
        backward(model, optimizer, some)
        # A gradient that is left over, or assigned, is no gradient of a frozen parameter.
        model[0].weight.grad = np.ones((5, 6), "float32")
        optimizer.step()
    assert same([*numbers(model[0]), model[3].bias.data], before)
    assert not np.array_equal(model[2].weight.data, free)
    frozen = np.concatenate([np.full(p.data.size, not p.requires_grad) for p in model.parameters()])
    assert frozen.any()
    for slot, array in state.items():
        np.testing.assert_array_equal(optimizer.slots_state[slot][frozen], array[frozen])


@every_optimizer
def test_what_is_frozen_from_the_beginning_has_no_moments(name: str) -> None:
    model = network()
    model[0].freeze()
    before = numbers(model[0])
    optimizer = MAKES[name](parameters=model)
    step(model, optimizer, 3)
    for slot in optimizer.slots:
        weight, bias, *others = by_parameter(optimizer, model, slot)
        assert not weight.any()
        assert not bias.any()
        assert all(array.any() for array in others)
    # Unfrozen, it begins as if the optimizer were new.
    assert same(numbers(model[0]), before)
    model[0].unfreeze()
    fresh = copy.deepcopy(model)
    other = MAKES[name](parameters=fresh[0])
    backward(fresh, other)
    other.step()
    step(model, optimizer)
    assert same(numbers(model[0]), numbers(fresh[0]))


def test_a_parameter_that_is_unfrozen_later_has_its_own_correction() -> None:
    """Adam's first step is as long as the rate, whenever it comes."""
    one, other = nn.Parameter(np.zeros(3)), nn.Parameter(np.zeros(2))
    optimizer = nn.Adam(0.5, parameters=[one, other])
    other.requires_grad = False
    for _ in range(50):
        optimizer.zero_grad()
        ((one * 3.0).sum() + (other * 2.0).sum()).backward()
        optimizer.step()
    assert not other.data.any()
    other.requires_grad = True
    optimizer.zero_grad()
    ((one * 3.0).sum() + (other * 2.0).sum()).backward()
    optimizer.step()
    np.testing.assert_allclose(other.data, -0.5, rtol=1e-6)
    assert optimizer.state()["part_steps"].tolist() == [51, 1]


def test_frozen_for_a_while_it_goes_on_with_its_moments() -> None:
    """As in PyTorch: a pause changes nothing."""
    paused, plain = network(), network()
    first, second = (nn.Adam(0.01, parameters=model[0]) for model in (paused, plain))
    gradients = [np.full((5, 6), number, "float32") for number in (1, 2, -3)]
    for number, gradient in enumerate(gradients):
        if number == 2:
            paused[0].freeze()
            paused[0].weight.grad = gradient
            first.step()
            paused[0].unfreeze()
        paused[0].weight.grad = plain[0].weight.grad = gradient
        first.step()
        second.step()
    assert same(numbers(paused), numbers(plain))


def test_all_frozen_or_without_a_gradient_nothing_moves() -> None:
    model = network()
    optimizer = nn.AdamW(0.1, weight_decay=0.5, parameters=model)
    before = numbers(model)
    optimizer.step()
    backward(model, optimizer)
    model.freeze()
    optimizer.step()
    assert same(numbers(model), before)
    assert optimizer.steps == 0


@pytest.mark.parametrize("trainer", [False, True])
def test_what_the_loss_does_not_depend_on_does_not_move(trainer: bool) -> None:
    class Half(nn.Layer):
        def __init__(self) -> None:
            self.used, self.unused = nn.Dense(3), nn.Dense(3)
            self.both = True

        def forward(self, X: Any) -> Any:
            return self.used(X) + self.unused(X) if self.both else self.used(X)

    model = Half().initialize((5,), rng=0)
    optimizer = nn.AdamW(0.1, weight_decay=0.5, parameters=model)
    step(model, optimizer, 2)
    model.both, before = False, numbers(model.unused)
    if trainer:
        nn.Trainer(model, optimizer, rng=0, progress=False).fit(X, Y, batch_size=8)
    else:
        step(model, optimizer, 2)
    assert same(numbers(model.unused), before)
    assert model.used.bias.data.any()


def test_a_trainer_steps_what_one_of_the_accumulated_batches_reaches() -> None:
    class Changing(nn.Layer):
        def __init__(self) -> None:
            self.first, self.second, self.calls = nn.Dense(3), nn.Dense(3), 0

        def forward(self, X: Any) -> Any:
            if not self.training:
                return self.first(X) + self.second(X)
            self.calls += 1
            return self.first(X) if self.calls % 2 else self.second(X)

    model = Changing().initialize((5,), rng=0)
    before = numbers(model)
    nn.Trainer(model, rng=0, progress=False, accumulate=2).fit(X, Y, batch_size=12)
    assert not any(map(np.array_equal, numbers(model), before))
