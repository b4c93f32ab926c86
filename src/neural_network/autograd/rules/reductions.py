"""Rules of sums, extremes and other functions along axes."""

from __future__ import annotations

from operator import index as as_index
from typing import Any

import numpy as np

from neural_network.autograd.rules.shaping import diagonal
from neural_network.autograd.rules.table import rule
from neural_network.functional import elementwise, reductions, shaping
from neural_network.functional.reductions import normal_axis
from neural_network.lifting import joined


@rule(np.sum)
def sum(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return reductions.sum(a, axis, keepdims, dtype)


@rule(np.mean)
def mean(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return reductions.mean(a, axis, keepdims, dtype)


@rule(np.var)
def var(
    a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    return reductions.var(a, axis, keepdims, ddof, dtype)


@rule(np.std)
def std(
    a: Any, axis: Any = None, dtype: Any = None, ddof: float = 0, keepdims: bool = False
) -> Any:
    return reductions.std(a, axis, keepdims, ddof, dtype)


@rule(np.max, np.amax)
def max(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return reductions.max(a, axis, keepdims)


@rule(np.min, np.amin)
def min(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return reductions.min(a, axis, keepdims)


@rule(np.prod)
def prod(a: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return reductions.prod(a, axis, keepdims, dtype)


@rule(np.cumsum)
def cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return reductions.cumsum(a, axis, dtype)


@rule(np.cumprod)
def cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return reductions.cumprod(a, axis, dtype)


@rule(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return reductions.sum(diagonal(a, offset, axis1, axis2), -1, False, dtype)


@rule(np.diff)
def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue
) -> Any:
    a, (before, after) = joined(a), (joined(end) for end in (prepend, append))
    if np.ndim(a) == 0 or as_index(n) < 1:
        np.diff(np.zeros(np.shape(a)), n, axis)  # raises, unless n is 0
        return a
    axis = normal_axis(axis, a.ndim)
    edge = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    ends = [
        shaping.broadcast_to(end, edge) if end is not np._NoValue and np.ndim(end) == 0 else end
        for end in (before, after)
    ]
    parts = [part for part in (ends[0], a, ends[1]) if part is not np._NoValue]
    a = shaping.concatenate(parts, axis) if len(parts) > 1 else a
    lead = (slice(None),) * axis
    subtract = np.not_equal if a.dtype == bool else elementwise.subtract
    for _ in range(n):
        later, earlier = (shaping.index(a, (*lead, s)) for s in (slice(1, None), slice(None, -1)))
        a = subtract(later, earlier)
    return a
