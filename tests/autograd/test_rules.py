"""Every rule of NumPy's functions equals its function, on drawn arguments."""

from __future__ import annotations

import inspect
import zlib
from typing import Any

import numpy as np
import pytest

from neural_network.autograd import Tensor
from neural_network.autograd.protocols import RULES, UFUNCS
from neural_network.functional.op import Call, call
from tests.autograd.draws import Draw, all_drawers, compare, run

DRAWERS = all_drawers()
METHODS = {
    np.sum: "sum", np.mean: "mean", np.prod: "prod", np.max: "max", np.min: "min", np.var: "var",
    np.std: "std", np.cumsum: "cumsum", np.cumprod: "cumprod", np.trace: "trace",
    np.diagonal: "diagonal", np.ravel: "ravel", np.reshape: "reshape", np.swapaxes: "swapaxes",
    np.squeeze: "squeeze", np.repeat: "repeat", np.take: "take", np.dot: "dot",
    np.round: "round", np.astype: "astype", np.copy: "copy",
}  # fmt: skip
OPERATORS: dict[str, Any] = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b, "matmul": lambda a, b: a @ b, "power": lambda a, b: a**b,
}  # fmt: skip


def seed_of(name: str) -> int:
    return zlib.crc32(name.encode())


def test_every_rule_has_a_drawer_and_the_names_of_its_function() -> None:
    assert {f.__name__ for f in (*RULES, *UFUNCS)} == {f.__name__ for f in DRAWERS}
    for function, rule in RULES.items():
        try:
            known = inspect.signature(function).parameters.values()
        except ValueError:  # NumPy does not tell
            continue
        if not any(p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in known):
            several = inspect.Parameter.VAR_POSITIONAL
            own = {p.name for p in inspect.signature(rule).parameters.values() if p.kind != several}
            assert own <= {p.name for p in known}, function.__name__


@pytest.mark.parametrize("function", DRAWERS, ids=lambda f: f.__name__)
def test_a_rule_equals_its_function(function: Any) -> None:
    found = run(function, DRAWERS[function], 60, seed_of(function.__name__))
    assert found["agrees"] >= 10, found


@pytest.mark.parametrize("function", METHODS, ids=lambda f: f.__name__)
def test_a_method_equals_that_of_arrays(function: Any) -> None:
    name, agreed = METHODS[function], 0
    for number in range(60):
        rng = np.random.default_rng([seed_of(name), number])
        args, kwargs = DRAWERS[function](Draw(rng))
        first = np.asarray(args[0])
        result = compare(
            lambda a, *args, **kwargs: getattr(a, name)(*args, **kwargs),
            Call((first, *args[1:]), kwargs), rng, first=True,
        )  # fmt: skip
        agreed += result == "agrees"
    assert agreed >= 10


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_equals_that_of_arrays(name: str) -> None:
    agreed = 0
    for number in range(60):
        rng = np.random.default_rng([seed_of(name), number])
        args, _ = DRAWERS[getattr(np, name)](Draw(rng))
        if not any(isinstance(a, np.ndarray) for a in args):
            continue
        sides = [np.asarray(args[0]), args[1]]
        if not isinstance(args[0], np.ndarray):
            sides = [args[0], np.asarray(args[1])]
        agreed += compare(OPERATORS[name], call(*sides), rng, first=True) == "agrees"
    assert agreed >= 10


def test_partition_leaves_numbers_where_numpy_does() -> None:
    rng = np.random.default_rng(0)
    for dtype in ("float16", "float32", "float64", "int8"):
        a = (rng.standard_normal((4, 9)) * 9).astype(dtype)
        for kth, axis in ((1, 1), ([2, 3], 0), (-4, None)):
            parted = np.partition(Tensor(a), kth, axis)
            np.testing.assert_array_equal(parted.data, np.partition(a, kth, axis))


def test_reductions_of_ufuncs() -> None:
    for ufunc, function in [(np.add, np.sum), (np.multiply, np.prod), (np.maximum, np.max)]:
        for number in range(30):
            rng = np.random.default_rng(number)
            drawn = DRAWERS[function](Draw(rng))
            compare(ufunc.reduce, drawn, rng)


def test_a_wrong_rule_is_found() -> None:
    """The comparison itself: values, types, slopes, errors."""
    wrong: dict[str, tuple[Any, Any]] = {
        "value": (np.negative, lambda a: a),
        "shape": (np.negative, lambda a: (-a).reshape(1, -1)),
        "type": (np.negative, lambda a: -a.astype("float64")),
        "slope": (np.negative, lambda a: -a.detach()),
        "error": (lambda a: np.flip(a, 7), lambda a: a),
    }
    for name, (right, other) in wrong.items():
        dtype = "float32" if name == "type" else "float64"

        def both(a: Any, right: Any = right, other: Any = other) -> Any:
            return right(a) if isinstance(a, np.ndarray) else other(a)

        drawn = call(np.array([0.5, 1.5], dtype))
        with pytest.raises(AssertionError):
            compare(both, drawn, np.random.default_rng(0), first=True)
