"""Rules of sums, extremes and other functions along axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.autograd.rules.shaping import diagonal, expand_dims, moveaxis
from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError
from neural_network.functional import elementwise, linear, reductions, shaping


@rule(np.sum)
def sum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return reductions.sum(a, axis, keepdims)


@rule(np.mean)
def mean(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return reductions.mean(a, axis, keepdims)


@rule(np.var)
def var(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    return reductions.var(a, axis, keepdims, ddof)


@rule(np.std)
def std(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    return elementwise.sqrt(reductions.var(a, axis, keepdims, ddof))


@rule(np.max)
def max(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return reductions.max(a, axis, keepdims)


@rule(np.min)
def min(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return reductions.min(a, axis, keepdims)


@rule(np.prod)
def prod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Multiply along one axis, element by element: the gradient is right where one is 0."""
    if axis is None:
        a, axis = shaping.reshape(a, -1), 0
        if keepdims:
            raise DroppedGradientError("numpy.prod: keepdims has no rule without an axis")
    lead = (slice(None),) * (axis % a.ndim)
    total: Any = 1.0
    for i in range(a.shape[axis]):
        total = elementwise.multiply(shaping.index(a, (*lead, i)), total)
    return expand_dims(total, axis) if keepdims else total


@rule(np.cumsum)
def cumsum(a: Any, axis: int | None = None) -> Any:
    if axis is None:
        a, axis = shaping.reshape(a, -1), 0
    size = a.shape[axis]
    moved = moveaxis(a, axis, -1)
    return moveaxis(linear.matmul(moved, np.triu(np.ones((size, size), a.dtype))), -1, axis)


@rule(np.cumprod)
def cumprod(a: Any, axis: int | None = None) -> Any:
    if axis is None:
        a, axis = shaping.reshape(a, -1), 0
    lead = (slice(None),) * (axis % a.ndim)
    totals = [shaping.index(a, (*lead, 0))]
    for i in range(1, a.shape[axis]):
        totals.append(elementwise.multiply(totals[-1], shaping.index(a, (*lead, i))))
    return shaping.stack(totals, axis)


@rule(np.trace)
def trace(a: Any, offset: int = 0) -> Any:
    return reductions.sum(diagonal(a, offset))


@rule(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    lead = (slice(None),) * (axis % a.ndim)
    for _ in range(n):
        later, earlier = (shaping.index(a, (*lead, s)) for s in (slice(1, None), slice(None, -1)))
        a = elementwise.subtract(later, earlier)
    return a


@rule(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if ord not in (None, 2) or (ord == 2 and x.ndim != 1 and not isinstance(axis, int)):
        raise DroppedGradientError(f"numpy.linalg.norm: no rule for ord={ord!r}")
    return elementwise.sqrt(reductions.sum(elementwise.square(x), axis, keepdims))
