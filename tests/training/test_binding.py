"""What an optimizer may be bound to, and how its state follows changes of a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.training.bound import backward, by_parameter, network, numbers, same, step


def test_models_layers_parameters_and_lists_of_them() -> None:
    found = []
    for choose in (
        lambda m: m,
        lambda m: [m],
        list,
        lambda m: m.parameters(),
        lambda m: (parameter for parameter in m.parameters()),
        lambda m: [m[3], m[0], *m[2].parameters(), m[1], m],
    ):
        model = network()
        optimizer = nn.Adam(0.01, parameters=choose(model))
        step(model, optimizer, 3)
        found.append(numbers(model))
    assert all(same(one, found[0]) for one in found)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_part_of_a_model(dtype: str) -> None:
    for choose in (
        lambda m: m[2],
        lambda m: [m[2]],
        lambda m: m[2].parameters(),
        lambda m: [m[2].bias, m[2].weight],
        lambda m: [m[0], m[2]],
    ):
        model, whole = (network().astype(dtype) for _ in range(2))
        flat = model.flat_parameters()
        optimizer, other = nn.Adam(0.01, parameters=choose(model)), nn.Adam(0.01, parameters=whole)
        for _ in range(2):
            backward(model, other)
            backward(model, optimizer)
            for mine, theirs in zip(model.parameters(), whole.parameters(), strict=True):
                theirs.grad = mine.grad
            chosen = {id(p) for p in optimizer._binding.named_parameters() for p in p[1:]}
            for mine, theirs in zip(model.parameters(), whole.parameters(), strict=True):
                theirs.requires_grad = id(mine) in chosen
            optimizer.step()
            other.step()
        assert same(numbers(model), numbers(whole))
        assert model.flat_parameters() is flat  # it was not moved


def test_parameters_alone() -> None:
    for start in (np.zeros(2), np.zeros((2, 3)), np.asfortranarray(np.ones((3, 4))), np.float32(1)):
        parameter = nn.Parameter(start)
        optimizer = nn.SGD(0.5, parameters=parameter)
        (parameter * 2.0).sum().backward()
        optimizer.step()
        np.testing.assert_array_equal(parameter.data, np.asarray(start) - 1)


def test_shared_parameters_count_once() -> None:
    model = nn.Sequential(nn.Dense(5), nn.Dense(5), nn.Dense(3)).initialize((5,), rng=0)
    model[1].weight = model[0].weight
    for parameters in (model, list(model), [*model.parameters(), model]):
        optimizer = nn.SGD(0.5, parameters=parameters)
        backward(model, optimizer)
        before, slope = model[0].weight.data.copy(), model[0].weight.grad.copy()
        optimizer.step()
        np.testing.assert_array_equal(model[1].weight.data, before - np.float32(0.5) * slope)
        assert model[1].weight is model[0].weight


def test_a_model_that_is_not_built_yet() -> None:
    model = nn.Sequential(nn.Dense(4), nn.Dense(3))
    optimizer = nn.SGD(0.5, 0.9, parameters=model)
    for method in (optimizer.step, optimizer.state):
        with pytest.raises(nn.ArgumentError, match="model: expected a model that is built"):
            method()
    optimizer.zero_grad()
    step(model, optimizer)
    assert optimizer.steps == 1
    assert optimizer.slots_state["velocity"].size == model.flat_parameters().size == 24 + 15


def test_exchanged_layers() -> None:
    """Layers that stay keep their state; new ones begin as those of a new optimizer."""
    model = network()
    optimizer = nn.Adam(0.01, parameters=model)
    step(model, optimizer, 5)
    mean = by_parameter(optimizer, model, "mean")
    model[3] = nn.Dense(3)
    model.insert(0, nn.Dense(5))
    model.initialize((5,), rng=1)
    old, new = model[1].weight, model[0].weight
    before = new.data.copy()
    backward(model, optimizer)
    slope = old.grad.copy()
    optimizer.step()
    assert optimizer.steps == 6
    assert optimizer._counts[0] == (0, 30, 1)
    np.testing.assert_allclose(  # the first step of Adam is as long as the rate
        np.abs(new.data - before)[np.abs(new.grad) > 1e-4], 0.01, rtol=1e-3
    )
    moved = by_parameter(optimizer, model, "mean")
    expected = np.float32(0.9) * mean[0] + np.float32(1 - 0.9) * slope.ravel()
    np.testing.assert_allclose(moved[2], expected, rtol=1e-6)
    # Removed layers are forgotten, also those that come again.
    layer = model[1]
    model.remove(1)
    model.insert(1, nn.Dense(6, "relu")).initialize((5,), rng=2)
    step(model, optimizer)
    model[1] = layer
    step(model, optimizer)
    assert common(optimizer, model, layer.weight) == 1


def test_exchanged_layers_keep_their_own_counts() -> None:
    model = network()
    optimizer = nn.Adam(0.01, parameters=model)
    model[2].freeze()
    step(model, optimizer, 3)
    model[2].unfreeze()
    step(model, optimizer, 2)
    model[3] = nn.Dense(3)
    model.initialize((5,), rng=1)
    step(model, optimizer)
    counts = [common(optimizer, model, model[place].weight) for place in (0, 2, 3)]
    assert counts == [6, 3, 1]


def common(optimizer: nn.Optimizer, model: nn.Layer, parameter: Any) -> int:
    """The number of steps of a parameter."""
    place = 0
    for other in model.parameters():
        if other is parameter:
            break
        place += other.data.size
    return next(count for start, stop, count in optimizer._counts if start <= place < stop)


def test_another_type_keeps_the_state() -> None:
    model, wide = network(), network()
    optimizers = [nn.Adam(0.01, parameters=each) for each in (model, wide)]
    for each, optimizer in zip((model, wide), optimizers, strict=True):
        step(each, optimizer, 2)
    wide.astype("float64")
    step(model, optimizers[0], 2)
    step(wide, optimizers[1], 2)
    assert optimizers[1].slots_state["mean"].dtype == np.float64
    for mine, theirs in zip(numbers(model), numbers(wide), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-5)


def test_two_optimizers_of_one_model() -> None:
    """Two rates: each moves its own part, and zero_grad resets its own part alone."""
    model = network()
    body, head = nn.SGD(0.1, parameters=list(model)[:3]), nn.Adam(0.01, parameters=model[3])
    step(model, body)
    assert model[3].weight.grad is not None
    before = numbers(model)
    head.step()
    after = numbers(model)
    assert same(before[:-2], after[:-2])
    assert not any(map(np.array_equal, before[-2:], after[-2:]))
    head.zero_grad()
    assert model[3].weight.grad is None
    assert model[0].weight.grad is not None


# --- rates -------------------------------------------------------------------------------


def test_schedules() -> None:
    model, other = network(), network()
    falling, fixed = nn.SGD(nn.Cosine(0.5), parameters=model), nn.SGD(0.5, parameters=other)
    for done in range(4):
        step(model, falling, rate=falling.rate(done, 4))
        fixed.learning_rate = nn.Cosine(0.5)(done, 4)
        step(other, fixed)
    assert same(numbers(model), numbers(other))
    before = numbers(model)
    with pytest.raises(
        nn.ArgumentError, match="SGD.step: rate: expected a number, because learning"
    ):
        step(model, falling)
    for rate in (-1.0, np.nan, "0.1"):
        with pytest.raises(
            nn.ArgumentError, match="SGD.step: rate: expected a finite number from 0"
        ):
            step(model, falling, rate=rate)
        fixed.learning_rate = rate  # type: ignore[assignment]
        with pytest.raises(
            nn.ArgumentError, match="SGD.step: rate: expected a finite number from 0"
        ):
            step(other, fixed)
    assert same(numbers(model), before)


# --- one pass ----------------------------------------------------------------------------


def test_a_model_is_one_pass_over_one_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: list[Any] = []
    apply = nn.SGD.apply

    def noted(self: Any, parameters: Any, *others: Any) -> None:
        passes.append(parameters)
        apply(self, parameters, *others)

    monkeypatch.setattr(nn.SGD, "apply", noted)
    model = network()
    for parameters in (model, list(model), model.parameters(), list(model)[2:]):
        passes.clear()
        with nn.use_kernels("numpy"):
            step(model, nn.SGD(0.1, parameters=parameters))
        assert len(passes) == 1
        assert np.shares_memory(passes[0], model.flat_parameters())
