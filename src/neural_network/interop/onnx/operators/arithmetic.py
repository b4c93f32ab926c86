"""Element by element: arithmetic, elementary functions, comparisons."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from neural_network.errors import ShapeError, sentence
from neural_network.functional import elementwise
from neural_network.functional.error_function import erf
from neural_network.interop.onnx.limits import check_broadcast
from neural_network.interop.onnx.table import as_setting, exported, operator
from neural_network.interop.onnx.types import is_floating
from neural_network.lifting import array_under


def divide(A: Any, B: Any) -> Any:
    """Divide; whole numbers towards zero."""
    if is_floating(A):
        return np.divide(A, B)
    quotient = np.floor_divide(A, B)
    inexact = np.not_equal(quotient * B, A) & (np.less(A, 0) != np.less(B, 0))
    return (quotient + inexact).astype(A.dtype)


def power(X: Any, Y: Any) -> Any:
    """Raise to a power, in the type of the base; whole numbers have no gradient."""
    X, Y = (X, Y) if is_floating(X) else (array_under(X), array_under(Y))
    return np.power(X, Y).astype(X.dtype)


def modulo(A: Any, B: Any, *, fmod: int = 0) -> Any:
    """Return the remainder, with the sign of the divisor, or with ``fmod`` of the dividend."""
    return np.fmod(A, B) if fmod else np.mod(A, B)


UNARY: dict[str, Callable[[Any], Any]] = {
    "Abs": np.abs, "Neg": np.negative, "Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log,
    "Reciprocal": np.reciprocal, "Floor": np.floor, "Ceil": np.ceil, "Round": np.rint,
    "Sign": np.sign, "Erf": erf, "Sin": np.sin, "Cos": np.cos, "Tan": np.tan, "Asin": np.arcsin,
    "Acos": np.arccos, "Atan": np.arctan, "Sinh": np.sinh, "Cosh": np.cosh, "Asinh": np.arcsinh,
    "Acosh": np.arccosh, "Atanh": np.arctanh, "Not": np.logical_not, "IsNaN": np.isnan,
}  # fmt: skip
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": divide, "Pow": power,
    "Equal": np.equal, "Less": np.less, "LessOrEqual": np.less_equal, "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal, "And": np.logical_and, "Or": np.logical_or,
    "Xor": np.logical_xor,
}  # fmt: skip
VARIADIC: dict[str, Callable[[Any, Any], Any]] = {
    "Max": np.maximum, "Min": np.minimum, "Sum": np.add,
}  # fmt: skip


def _unary(function: Callable[[Any], Any]) -> Callable[..., Any]:
    def compute(X: Any, *, consumed_inputs: Any = None) -> Any:
        return function(X)

    return compute


def _binary(name: str, function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def compute(
        A: Any,
        B: Any,
        *,
        axis: int | None = None,
        broadcast: int = 0,
        consumed_inputs: Any = None,
        opset: int,
    ) -> Any:
        if opset < 7:
            B = _placed(name, A, B, axis) if broadcast else B
        check_broadcast(name, A, B)
        return function(A, B)

    return compute


def _placed(name: str, A: Any, B: Any, axis: int | None) -> Any:
    """Return B with axes added so that its first is the given one of A, as ONNX 1 to 6 say."""
    if axis is None:
        return B
    behind = A.ndim - normalize_axis_index(axis, A.ndim) - B.ndim
    if behind < 0:
        raise ShapeError(sentence(name, "axis", f"a place for {B.shape} in {A.shape}", axis))
    return np.reshape(B, (*B.shape, *[1] * behind))


def _variadic(name: str, function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def compute(*data_0: Any, consumed_inputs: Any = None) -> Any:
        check_broadcast(name, *data_0)
        return reduce(function, data_0)

    return compute


for _name, _function in UNARY.items():
    operator(_name)(_unary(_function))
for _name, _of_two in BINARY.items():
    operator(_name)(_binary(_name, _of_two))
for _name, _of_two in VARIADIC.items():
    operator(_name)(_variadic(_name, _of_two))
operator("Mod")(modulo)


@operator("Mean")
def mean(*data_0: Any) -> Any:
    """Mean of several arrays."""
    check_broadcast("Mean", *data_0)
    return reduce(np.add, data_0) / len(data_0)


@operator("Clip", fixed=("min", "max"))
def clip(input: Any, min: Any = None, max: Any = None, *, consumed_inputs: Any = None) -> Any:
    """Cut off at the ends, of which ``max`` goes first where they are crossed."""
    if min is None and max is None:
        return input
    low, high = [
        None if end is None else np.asarray(array_under(end)).astype(input.dtype)
        for end in (min, max)
    ]
    return np.clip(input, low, high)


@operator("IsInf")
def is_infinite(X: Any, *, detect_negative: int = 1, detect_positive: int = 1) -> Any:
    """Find infinite numbers."""
    array = array_under(X)
    up, down = array == np.inf, array == -np.inf
    return (up & bool(detect_positive)) | (down & bool(detect_negative))


@operator("Where")
def where(condition: Any, X: Any, Y: Any) -> Any:
    """Choose from two arrays."""
    check_broadcast("Where", condition, X, Y)
    return np.where(condition, X, Y)


# --- export ----------------------------------------------------------------------------

_WRITTEN = {
    "Abs": elementwise.absolute, "Neg": elementwise.negative, "Sqrt": elementwise.sqrt,
    "Exp": elementwise.exp, "Log": elementwise.log, "Sign": elementwise.sign, "Erf": erf,
    "Sin": elementwise.sin, "Cos": elementwise.cos,
}  # fmt: skip


def _writes(name: str) -> Any:
    return lambda _function, graph, X: graph.node(name, [X])


for _name, _written in _WRITTEN.items():
    exported(_name, _written)(_writes(_name))


@exported("Mul", elementwise.square)
def _square(_function: Any, graph: Any, X: str) -> Any:
    return graph.node("Mul", [X, X])


@exported("Clip", elementwise.clip)
def _clip(_function: Any, graph: Any, X: str, low: Any = None, high: Any = None) -> Any:
    ends = [("low", low), ("high", high)]
    values = [None if end is None else as_setting("clip", name, end) for name, end in ends]
    dtype = graph.model.dtype
    names = ["" if end is None else graph.constant(np.asarray(end, dtype)) for end in values]
    return graph.node("Clip", [X, *names])
