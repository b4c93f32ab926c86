"""Optimizers that are bound to a model: ``step`` and ``zero_grad`` in a loop of one's own."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.training.data import Batch

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 5)).astype("float32")
Y = RNG.integers(0, 3, 24)

MAKES: dict[str, Callable[..., nn.Optimizer]] = {
    "sgd": lambda **more: nn.SGD(0.1, weight_decay=0.1, **more),
    "momentum": lambda **more: nn.SGD(0.1, 0.9, weight_decay=0.1, **more),
    "nesterov": lambda **more: nn.SGD(0.1, 0.9, nesterov=True, **more),
    "rmsprop": lambda **more: nn.RMSprop(0.01, momentum=0.5, centered=True, **more),
    "adagrad": lambda **more: nn.Adagrad(0.1, weight_decay=0.1, **more),
    "adam": lambda **more: nn.Adam(0.01, weight_decay=0.1, **more),
    "adamw": lambda **more: nn.AdamW(0.01, **more),
    "lion": lambda **more: nn.Lion(0.001, weight_decay=0.1, **more),
}
every_optimizer = pytest.mark.parametrize("name", MAKES)


def network(seed: int = 0) -> nn.Sequential:
    layers = (nn.Dense(6, "relu"), nn.BatchNorm(), nn.Dense(4, "tanh"), nn.Dense(3))
    return nn.Sequential(*layers).initialize((5,), rng=seed)


def backward(model: nn.Layer, optimizer: nn.Optimizer, some: Any = slice(None)) -> None:
    optimizer.zero_grad()
    nn.softmax_cross_entropy(model(X[some]), Y[some]).backward()


def step(model: nn.Layer, optimizer: nn.Optimizer, count: int = 1, **more: Any) -> None:
    for _ in range(count):
        backward(model, optimizer)
        optimizer.step(**more)


def numbers(layer: nn.Layer) -> list[Any]:
    return [parameter.data.copy() for parameter in layer.parameters()]


def same(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def by_parameter(optimizer: nn.Optimizer, model: nn.Layer, slot: str) -> list[Any]:
    cuts = np.cumsum([p.data.size for p in model.parameters()])
    return np.split(optimizer.slots_state[slot], cuts[:-1])


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


# --- what it may be bound to -------------------------------------------------------------


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


# --- state and description ---------------------------------------------------------------


@every_optimizer
def test_it_is_saved_and_goes_on(name: str, tmp_path: Path) -> None:
    model = network()
    optimizer = MAKES[name](parameters=model)
    model[0].freeze()
    step(model, optimizer, 3)
    model[0].unfreeze()
    step(model, optimizer, 2)
    nn.save(model, tmp_path / "model.safetensors")
    nn.save_arrays(tmp_path / "optimizer.safetensors", optimizer.state())
    again = nn.load(tmp_path / "model.safetensors").train()
    other = MAKES[name](parameters=again)
    other.load_state(nn.load_arrays(tmp_path / "optimizer.safetensors"))
    assert other.steps == 5
    step(model, optimizer, 2)
    step(again, other, 2)
    assert same(numbers(model), numbers(again))


def test_states_that_do_not_fit() -> None:
    optimizer = nn.SGD(0.1, 0.9, parameters=nn.Parameter(np.zeros(4)))
    state: dict[str, Any] = {"steps": np.array(7), "velocity": np.zeros(4, "float32")}
    good = {"part_ends": np.array([1, 4]), "part_steps": np.array([2, 7])}
    for ends, steps, message in (
        ([1, 3], [2, 7], r"part_ends: expected growing numbers up to 4, received \[1, 3\]"),
        ([4, 1], [2, 7], "part_ends: expected growing"),
        ([0, 4], [2, 7], "part_ends: expected growing"),
        (np.zeros(0, int), np.zeros(0, int), "part_ends: expected growing"),
        ([1, 4], [2], r"state\['part_steps'\]: expected the shape \(2,\)"),
        ([1, 4], [2, -1], r"state\['part_steps'\]: expected a count of at least 0"),
        ([1, 4], [2, 8], "part_steps: expected at most 7, the number of all steps, received 8"),
        ([1.0, 4.0], [2, 7], r"state\['part_ends'\]: expected the dtype int64"),
    ):
        with pytest.raises(nn.ArgumentError, match=message):
            optimizer.load_state(
                {**state, "part_ends": np.array(ends), "part_steps": np.array(steps)}
            )
        assert optimizer.steps == 0
    with pytest.raises(
        nn.ArgumentError, match="expected the names steps velocity, received part_e"
    ):
        optimizer.load_state({**state, "part_ends": good["part_ends"]})
    with pytest.raises(nn.ArgumentError, match="expected the names steps velocity, received steps"):
        optimizer.load_state({"steps": state["steps"], **good})
    optimizer.load_state({**state, **good})
    assert optimizer._counts == [(0, 1, 2), (1, 4, 7)]
    optimizer.load_state(state)
    assert optimizer._counts == [(0, 4, 7)]


def test_parameters_are_no_part_of_its_description() -> None:
    model = network()
    bound, plain = nn.AdamW(0.5, parameters=model), nn.AdamW(0.5)
    assert repr(bound) == repr(plain)
    assert bound.settings() == plain.settings()
    assert bound.parameters is model
    assert plain.parameters is None


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_copy_of_both_stays_a_pair(how: str) -> None:
    model = network()
    optimizer = nn.Adam(0.01, parameters=model)
    step(model, optimizer, 2)
    pair = (model, optimizer)
    other, copied = copy.deepcopy(pair) if how == "deepcopy" else pickle.loads(pickle.dumps(pair))
    before = numbers(model)
    step(other, copied, 2)
    assert same(numbers(model), before)
    step(model, optimizer, 2)
    assert same(numbers(model), numbers(other))
    assert copied.parameters is other


def test_a_subclass_passes_parameters_on() -> None:
    class Ball(nn.Optimizer):
        slots = ("velocity",)

        def __init__(self, rate: float, *, parameters: Any = None) -> None:
            super().__init__(rate, parameters=parameters)
            self.rate_given = rate

        def apply(self, parameters: Any, gradients: Any, state: Any, rate: float) -> None:
            seen.add(self.steps)
            state["velocity"] -= rate * gradients
            parameters += state["velocity"]

    seen: set[int] = set()
    model = network()
    optimizer = Ball(0.1, parameters=model)
    model[0].freeze()
    before = numbers(model[0])
    step(model, optimizer, 2)
    assert same(numbers(model[0]), before)
    assert seen == {1, 2}


# --- mistakes ----------------------------------------------------------------------------

MODEL = network()
MISTAKES: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: nn.Adam(0.5).step(), nn.ArgumentError, r"Adam.step: parameters: expected an optimizer of a model: Adam\(0.5, parameters=model\), received none"),
    (lambda: nn.SGD(nn.Cosine(0.1)).step(), nn.ArgumentError, r"SGD\(…, parameters=model\)"),
    (lambda: nn.Lion().zero_grad(), nn.ArgumentError, r"Lion.zero_grad: .*Lion\(0.0001, parameters=model\)"),
    (lambda: nn.Adam(MODEL), nn.DTypeError, r"Adam: learning_rate: expected a finite number above 0, received a Sequential; Adam\(0.001, parameters=model\) binds it"),  # type: ignore[arg-type]
    (lambda: nn.SGD(MODEL.parameters(), 0.1), nn.DTypeError, r"received a list; SGD\(0.001, parameters=model\) binds it"),  # type: ignore[arg-type]
    (lambda: nn.SGD(parameters=[]), nn.ArgumentError, "SGD: parameters: expected a model, a layer, a Parameter or a list of them, received an empty list"),
    (lambda: nn.SGD(parameters=nn.Flatten().initialize((2,))), nn.ArgumentError, "SGD: parameters: expected parameters to train, received none"),
    (lambda: nn.SGD(parameters=np.zeros(3)), nn.DTypeError, "SGD: parameters: expected a model, .* received ndarray"),  # type: ignore[arg-type]
    (lambda: nn.SGD(parameters=nn.Dense), nn.DTypeError, "SGD: parameters: expected a model, .* received the class Dense"),  # type: ignore[arg-type]
    (lambda: nn.SGD(parameters="model"), nn.DTypeError, "SGD: parameters: expected a model, .* received str"),  # type: ignore[arg-type]
    (lambda: nn.SGD(parameters={"a": MODEL}), nn.DTypeError, "SGD: parameters: expected a model, .* received dict"),
    (lambda: nn.SGD(parameters=[MODEL, 3]), nn.DTypeError, r"SGD: parameters\[1\]: expected a layer or Parameter, received int"),  # type: ignore[list-item]
    (lambda: nn.SGD(parameters=MODEL.named_parameters()), nn.DTypeError, r"SGD: parameters\[0\]: expected a layer or Parameter, received tuple"),  # type: ignore[arg-type]
    (lambda: nn.SGD(parameters=nn.Tensor([1.0], requires_grad=True)), nn.DTypeError, "SGD: parameters: expected a model, .* received Tensor"),
    (lambda: nn.SGD(parameters=nn.Buffer([1.0])), nn.DTypeError, "SGD: parameters: expected a model, .* received Buffer"),
    (lambda: nn.SGD(parameters=[network(), network().astype("float64")]).step(), nn.DTypeError, "SGD.step: parameters: expected one floating type .* received float32 and float64"),
    (lambda: nn.SGD(parameters=network().astype("float16")).step(), nn.DTypeError, "SGD.step: parameters: expected float32 or float64, received dtype float16"),
]  # fmt: skip


@pytest.mark.parametrize(("mistake", "kind", "message"), MISTAKES)
def test_mistakes(mistake: Callable[[], Any], kind: Any, message: str) -> None:
    with pytest.raises(kind, match=message):
        mistake()


@pytest.mark.parametrize(
    ("gradient", "kind", "message"),
    [
        (np.zeros((6, 5), "f"), nn.ShapeError, r"the gradient of 0.weight: expected the shape \(5, 6\)"),
        ([1.0], nn.DTypeError, "the gradient of 0.weight: expected a NumPy array, received list"),
        (nn.Tensor(np.zeros((5, 6))), nn.DTypeError, "expected a NumPy array, received Tensor"),
        (np.zeros((5, 6), complex), nn.DTypeError, "expected real numbers, received dtype complex128"),
    ],
)  # fmt: skip
def test_assigned_gradients(gradient: Any, kind: Any, message: str) -> None:
    model = network()
    optimizer = nn.Adam(parameters=model)
    backward(model, optimizer)
    before = numbers(model)
    model[0].weight.grad = gradient
    for deed in (optimizer.step, lambda: nn.clip_by_norm(model, 1.0)):
        with pytest.raises(kind, match=message):
            deed()
    assert same(numbers(model), before)
    assert optimizer.steps == 0
    for other in (np.ones((5, 6)), np.ones((5, 6), int)):  # which float32 holds
        model[0].weight.grad = other
        optimizer.step()


def test_what_is_differentiated_outside_is_refused() -> None:
    model = network()
    optimizer = nn.SGD(0.1, parameters=model)
    before = numbers(model)

    def by_backward(x: Any) -> Any:
        (model(X).sum() * x).backward()
        optimizer.step()
        return x

    def by_assignment(x: Any) -> Any:
        backward(model, optimizer)
        model[0].weight.grad = model[0].weight.data * x
        optimizer.step()
        return x

    with pytest.raises(nn.GradientError, match="backward: expected a tensor that does not depend"):
        nn.grad(by_backward)(2.0)
    with pytest.raises(nn.DTypeError, match="SGD.step: the gradient of 0.weight: expected a NumPy"):
        nn.grad(by_assignment)(2.0)
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
