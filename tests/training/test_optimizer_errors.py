"""What optimizers refuse, before anything is changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn

CONSTRUCTORS = [
    (lambda: nn.SGD(0), "SGD: learning_rate: expected a finite number above 0, received 0.0"),
    (lambda: nn.Adam(np.nan), "Adam: learning_rate: expected a finite number above 0"),
    (lambda: nn.SGD("fast"), "SGD: learning_rate: expected a finite number above 0, received 'fast'"),
    (lambda: nn.SGD(lambda time: 1), "SGD: learning_rate: expected a finite number above 0"),
    (lambda: nn.Lion(weight_decay=-1), "Lion: weight_decay: expected a finite number from 0 up"),
    (lambda: nn.AdamW(weight_decay=np.inf), "AdamW: weight_decay: expected a finite number"),
    (lambda: nn.SGD(momentum=1.5), "SGD: momentum: expected a finite number from 0 to 1"),
    (lambda: nn.SGD(nesterov=True), "SGD: momentum: expected above 0 with nesterov, received 0.0"),
    (lambda: nn.SGD(momentum=0.5, nesterov=1), "SGD: nesterov: expected True or False, received 1"),
    (lambda: nn.Adagrad(epsilon=0), "Adagrad: epsilon: expected a finite number above 0, received 0.0"),
    (lambda: nn.RMSprop(alpha=1), "RMSprop: alpha: expected a number below 1, received 1.0"),
    (lambda: nn.RMSprop(alpha=-0.1), "RMSprop: alpha: expected a finite number from 0 to 1"),
    (lambda: nn.RMSprop(epsilon=0), "RMSprop: epsilon: expected a finite number above 0"),
    (lambda: nn.RMSprop(momentum=-1), "RMSprop: momentum: expected a finite number from 0 to 1"),
    (lambda: nn.RMSprop(centered="no"), "RMSprop: centered: expected True or False, received 'no'"),
    (lambda: nn.Adam(betas=0.9), "Adam: betas: expected two numbers, received 0.9"),
    (lambda: nn.AdamW(betas=(0.9,)), "AdamW: betas: expected two numbers, received (0.9,)"),
    (lambda: nn.Lion(betas=(0.9, 1)), "Lion: betas[1]: expected a number below 1, received 1.0"),
    (lambda: nn.Adam(betas=(-1, 0.9)), "Adam: betas[0]: expected a finite number from 0 to 1"),
    (lambda: nn.AdamW(epsilon=-1), "AdamW: epsilon: expected a finite number above 0"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), CONSTRUCTORS)
def test_hyperparameters(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(nn.ArgumentError, match=re.escape(message)):
        make()


def frozen() -> Any:
    array = np.zeros(4)
    array.flags.writeable = False
    return array


Z = np.zeros(4)
BUFFERS: list[tuple[Any, Any, dict[str, Any], type[Exception], str]] = [
    ([0.0] * 4, Z, {}, nn.DTypeError, "parameters: expected a NumPy array, received list"),
    (Z, [0.0] * 4, {}, nn.DTypeError, "gradients: expected a NumPy array, received list"),
    (np.zeros(4, int), Z, {}, nn.DTypeError, "parameters: expected float32 or float64"),
    (np.zeros(4, "f2"), Z, {}, nn.DTypeError, "parameters: expected float32 or float64"),
    (np.zeros(4, ">f8"), Z, {}, nn.DTypeError, "parameters: expected float32 or float64"),
    (np.zeros((2, 2)), Z, {}, nn.ShapeError, "parameters: expected 1 dimension"),
    (np.zeros(3), Z, {}, nn.ShapeError, "parameters: expected the shape (4,) of start"),
    (Z, np.zeros(1), {}, nn.ShapeError, "gradients: expected the shape (4,) of parameters"),
    (np.zeros(4, "f"), Z, {}, nn.DTypeError, "parameters: expected the dtype float64 of start"),
    (Z, np.zeros(4, "f"), {}, nn.DTypeError, "gradients: expected the dtype float64 of parameters"),
    (frozen(), Z, {}, nn.ArgumentError, "parameters: expected an array to write to, received a"),
    (Z, Z, {"rate": -1}, nn.ArgumentError, "rate: expected a finite number from 0 up"),
    (Z, Z, {"rate": "0.1"}, nn.DTypeError, "rate: expected a finite number from 0 up"),
    (Z, Z, {"where": [2]}, nn.DTypeError, "where: expected slices of step 1, received 2"),
    (Z, Z, {"where": [slice(0, 4, 2)]}, nn.DTypeError, "where: expected slices of step 1"),
    (Z, Z, {"where": [slice(0.0, 4)]}, nn.DTypeError, "where: expected a whole number"),
    (Z, Z, {"where": [slice(-2, None)]}, nn.ArgumentError, "where: expected a whole number"),
    (Z, Z, {"where": [slice(2, 5)]}, nn.ArgumentError, "where: expected parts of 0 to 4"),
    (Z, Z, {"where": [slice(3, 2)]}, nn.ArgumentError, "where: expected parts of 0 to 4"),
    (
        Z, Z, {"where": [slice(1, 3), slice(0, 2)]}, nn.ArgumentError,
        "where: expected parts that do not overlap, received (0, 2) and (1, 3)",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "gradients", "more", "kind", "message"), BUFFERS)
def test_buffers(parameters: Any, gradients: Any, more: Any, kind: Any, message: str) -> None:
    optimizer = nn.Adam()
    optimizer.start(np.zeros(4))
    with pytest.raises(kind, match=re.escape("Adam.update: " + message)):
        optimizer.update(parameters, gradients, **more)
    assert optimizer.steps == 0


def test_start_takes_buffers_only() -> None:
    with pytest.raises(nn.DTypeError, match="Adam.start: parameters: expected float32 or float64"):
        nn.Adam().start(np.zeros(3, dtype=int))
    with pytest.raises(nn.ShapeError, match="SGD.start: parameters: expected 1 dimension"):
        nn.SGD().start(np.zeros((3, 1)))


@pytest.mark.parametrize("verb", ["update", "state", "load_state"])
def test_nothing_goes_before_start(verb: str) -> None:
    arguments = {"update": (Z, Z), "state": (), "load_state": ({},)}[verb]
    with pytest.raises(nn.ArgumentError, match=r"state: expected a call of start\(\) before"):
        getattr(nn.Adam(), verb)(*arguments)


STATES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"squares": None}, nn.ArgumentError, "state: expected the names mean squares steps, received"),
    ({"extra": Z}, nn.ArgumentError, "received extra mean squares steps"),
    ({"mean": np.zeros(3)}, nn.ShapeError, "state['mean']: expected the shape (4,)"),
    ({"mean": np.zeros(4, "f")}, nn.DTypeError, "state['mean']: expected the dtype float64"),
    ({"squares": Z + np.inf}, nn.ArgumentError, "state['squares']: expected finite numbers"),
    ({"steps": np.array(2.0)}, nn.DTypeError, "state['steps']: expected the dtype int64"),
    ({"steps": np.array([2])}, nn.ShapeError, "state['steps']: expected the shape ()"),
    ({"steps": np.array(-2)}, nn.ArgumentError, "state['steps']: expected a count of at least 0"),
    ({"mean": "mean"}, nn.DTypeError, "state['mean']: expected real numbers"),
]


@pytest.mark.parametrize(("change", "kind", "message"), STATES)
def test_states(change: Any, kind: Any, message: str) -> None:
    optimizer = nn.Adam()
    optimizer.start(Z)
    state = {"steps": np.array(7), "mean": Z + 1, "squares": Z + 1, **change}
    state = {name: array for name, array in state.items() if array is not None}
    with pytest.raises(kind, match=re.escape(message)):
        optimizer.load_state(state)
    assert optimizer.steps == 0
    assert not any(array.any() for array in optimizer.slots_state.values())
    with pytest.raises(nn.DTypeError, match="Adam.load_state: state: expected a table of arrays"):
        optimizer.load_state([1])  # type: ignore[arg-type]
