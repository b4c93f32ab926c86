"""Reductions along axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, brief, sentence
from neural_network.functional import reductions as functions
from neural_network.functional.reductions import logsumexp
from neural_network.interop.onnx.table import exported, operator
from neural_network.interop.onnx.types import integers, is_floating
from neural_network.lifting import array_under


def _typed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a reduction that keeps the type of whole numbers, which NumPy widens."""

    def compute(X: Any, axis: Any, keepdims: bool) -> Any:
        return function(X, axis=axis, keepdims=keepdims).astype(X.dtype)

    return compute


def _extreme(function: Callable[..., Any], of_nothing: float) -> Callable[..., Any]:
    """Return max or min, which of no number is the type's lowest or highest."""

    def compute(X: Any, axis: Any, keepdims: bool) -> Any:
        array = array_under(X)
        if array.size:
            return function(X, axis=axis, keepdims=keepdims)
        if is_floating(X):
            start = of_nothing
        else:
            limits = (
                (0, 1) if X.dtype.kind == "b" else (np.iinfo(X.dtype).min, np.iinfo(X.dtype).max)
            )
            start = limits[of_nothing > 0]
        return function(array, axis=axis, keepdims=keepdims, initial=start).astype(X.dtype)

    return compute


def _log_sum_exp(X: Any, axis: Any, keepdims: Any) -> Any:
    if array_under(X).size == 0 or not is_floating(X):
        total = np.sum(np.exp(X.astype(np.float64)), axis=axis, keepdims=keepdims)
        return np.log(total).astype(X.dtype)
    return logsumexp(X, axis=axis, keepdims=keepdims)


_sum = _typed(np.sum)
# What is done with one number, where no axis is reduced; and along axes.
REDUCTIONS: dict[str, Callable[[Any, Any, bool], Any]] = {
    "ReduceSum": _sum,
    "ReduceMean": _typed(np.mean),
    "ReduceProd": _typed(np.prod),
    "ReduceMax": _extreme(np.max, -np.inf),
    "ReduceMin": _extreme(np.min, np.inf),
    "ReduceL1": lambda X, axis, keepdims: _sum(np.abs(X), axis, keepdims),
    "ReduceL2": lambda X, axis, keepdims: np.sqrt(_sum(np.square(X), axis, keepdims)).astype(
        X.dtype
    ),
    "ReduceSumSquare": lambda X, axis, keepdims: _sum(np.square(X), axis, keepdims),
    "ReduceLogSum": lambda X, axis, keepdims: np.log(_sum(X, axis, keepdims)).astype(X.dtype),
    "ReduceLogSumExp": _log_sum_exp,
}


def _reduction(function: Callable[[Any, Any, bool], Any]) -> Callable[..., Any]:
    def compute(
        data: Any, axes: Any = None, *, keepdims: int = 1, noop_with_empty_axes: int = 0
    ) -> Any:
        chosen = [] if axes is None else integers(axes)
        if not chosen and noop_with_empty_axes:
            return function(data, (), True)
        every = tuple(range(data.ndim))
        return function(data, tuple(chosen) if chosen else every, bool(keepdims))

    return compute


for _name, _function in REDUCTIONS.items():
    operator(_name)(_reduction(_function))


def _place(function: Callable[..., Any]) -> Callable[..., Any]:
    def compute(data: Any, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Any:
        array = array_under(data)
        if select_last_index:
            turned = np.flip(array, axis)
            places = array.shape[axis] - 1 - function(turned, axis=axis, keepdims=bool(keepdims))
        else:
            places = function(array, axis=axis, keepdims=bool(keepdims))
        return places.astype(np.int64)

    return compute


operator("ArgMax")(_place(np.argmax))
operator("ArgMin")(_place(np.argmin))


@operator("CumSum")
def cumulative_sum(x: Any, axis: Any, *, exclusive: int = 0, reverse: int = 0) -> Any:
    """Running sum along an axis."""
    (along,) = integers(axis)
    x = np.flip(x, along) if reverse else x
    total = np.cumsum(x, axis=along)
    if exclusive:
        total = total - x
    return (np.flip(total, along) if reverse else total).astype(x.dtype)


# --- export ----------------------------------------------------------------------------

_WRITTEN = {
    "ReduceMean": functions.mean, "ReduceSum": functions.sum, "ReduceMax": functions.max,
    "ReduceMin": functions.min, "ReduceLogSumExp": functions.logsumexp,
}  # fmt: skip


def _writes(name: str) -> Any:
    def write(
        function: Any,
        graph: Any,
        X: str,
        axis: Any = None,
        keepdims: Any = False,
        dtype: Any = None,
    ) -> Any:
        called = function.__name__
        if axis is None or 0 in np.atleast_1d(axis):
            expected = "axes of a row, such as axis=(2, 3), which leave the rows apart"
            raise ArgumentError(sentence(called, "axis", expected, brief(axis)))
        if dtype is not None:
            raise ArgumentError(sentence(called, "dtype", "none, the type of its input", dtype))
        axes = graph.constant(np.array(np.atleast_1d(axis), np.int64))
        return graph.node(name, [X, axes], keepdims=int(keepdims))

    return write


for _name, _written in _WRITTEN.items():
    exported(_name, _written)(_writes(_name))
