"""Bound optimizers: saved and copied, described, and mistakes."""

from __future__ import annotations

import copy
import itertools
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.training.bound import MAKES, X, backward, every_optimizer, network, numbers, same, step

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


def test_it_may_be_bound_to_something_else() -> None:
    class Old(nn.SGD):
        def __init__(self, rate: float) -> None:
            super().__init__(rate, 0.9)

    model, other = network(0), network(1)
    optimizer, twin = Old(0.1), nn.SGD(0.1, 0.9, parameters=other)
    for each in (model, other):
        optimizer.parameters = each
        assert optimizer.parameters is each
        before = numbers(model)
        step(each, optimizer, 2)
    assert same(numbers(model), before)  # the second one was bound
    again = network(1)
    twin.parameters = again.parameters()
    step(again, twin, 2)
    assert same(numbers(again), numbers(other))
    twin.parameters = None
    with pytest.raises(nn.ArgumentError, match="SGD.step: parameters: expected an optimizer of"):
        twin.step()
    with pytest.raises(nn.DTypeError, match="SGD: parameters: expected a model"):
        twin.parameters = 3  # type: ignore[assignment]


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
    (lambda: nn.Adam(MODEL), nn.DTypeError, r"Adam: the learning rate comes first; here: nn.Adam\(0.001, parameters=model\)"),  # type: ignore[arg-type]
    (lambda: nn.SGD(MODEL.parameters(), 0.1), nn.DTypeError, r"here: nn.SGD\(0.1, parameters=model\)"),  # type: ignore[arg-type]
    (lambda: nn.SGD(parameters=[]), nn.ArgumentError, "SGD: parameters: expected a model, a layer, a Parameter or a list of them, received an empty list"),
    (lambda: nn.SGD(parameters=nn.Flatten().initialize((2,))), nn.ArgumentError, "SGD: parameters: expected parameters to train, received none"),
    (lambda: nn.SGD(parameters=np.zeros(3)), nn.DTypeError, "SGD: parameters: expected a model, .* received ndarray"),  # type: ignore[arg-type]
    (lambda: nn.SGD(parameters=nn.Dense), nn.DTypeError, "SGD: parameters: expected a model, .* received the class Dense"),  # type: ignore[arg-type]
    (lambda: nn.SGD(parameters="model"), nn.DTypeError, "SGD: parameters: expected a model, .* received str"),  # type: ignore[arg-type]
    (lambda: nn.SGD(parameters={"a": MODEL}), nn.DTypeError, "SGD: parameters: expected a model, .* received dict"),
    (lambda: nn.SGD(parameters=set(MODEL.parameters())), nn.DTypeError, "SGD: parameters: expected a model, .* received set"),
    (lambda: nn.SGD(parameters=itertools.count()), nn.DTypeError, r"SGD: parameters\[0\]: expected a layer or Parameter, received int"),  # type: ignore[arg-type]
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
