"""Rules of functions that choose elements, and of counts with weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.autograd.rules.arguments import as_array, cast, untyped
from neural_network.autograd.rules.shaping import places
from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError
from neural_network.functional import elementwise, shaping
from neural_network.lifting import array_under, is_tensor


@rule(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    conditions = [array_under(condition) for condition in condlist]
    choices = [x if type(x) in (int, float) else as_array(x) for x in choicelist]
    default = default if type(default) in (int, float) else as_array(default)
    plain = np.select(conditions, [array_under(x) for x in choices], array_under(default))
    out = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        out = elementwise.where(condition, choice, out)
    return cast(out, plain.dtype)


@rule(np.choose)
def choose(a: Any, choices: Any, mode: str = "raise") -> Any:
    chosen = array_under(as_array(a))
    if isinstance(choices, list | tuple):
        arrays = [as_array(x) for x in choices]
    else:
        arrays = list(as_array(choices))
    ends = np.cumsum([0, *[x.size for x in arrays]])
    numbers = [
        np.arange(start, start + x.size).reshape(x.shape)
        for start, x in zip(ends, arrays, strict=False)
    ]
    found = untyped.choose(chosen, numbers, mode=mode)
    out = shaping.index(shaping.concatenate([shaping.reshape(x, -1) for x in arrays]), found)
    dtype = untyped.choose(chosen, array_under(choices), mode=mode).dtype
    return cast(out, dtype)


@rule(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    chosen = array_under(as_array(indices))
    return places(as_array(arr), lambda numbers: np.take_along_axis(numbers, chosen, axis))


@rule(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    chosen = array_under(as_array(condition))
    return places(as_array(arr), lambda numbers: np.extract(chosen, numbers))


@rule(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect") -> Any:
    a = as_array(a)
    parted = untyped.partition(array_under(a), kth, axis, kind)
    if axis is None:
        a, axis = shaping.reshape(a, -1), 0
    # Not argpartition, which leaves the numbers on a side of kth in another order.
    order = np.empty(a.shape, np.intp)
    ranks = np.argsort(parted, axis, kind="stable")
    np.put_along_axis(order, ranks, np.argsort(array_under(a), axis, kind="stable"), axis)
    return places(a, lambda numbers: np.take_along_axis(numbers, order, axis))


@rule(np.bincount)
def bincount(x: Any, weights: Any = None, minlength: int = 0) -> Any:
    if is_tensor(x) and x.requires_grad:
        raise DroppedGradientError("numpy.bincount: has no rule for places with a gradient")
    bins = array_under(as_array(x))
    plain = np.bincount(bins, array_under(weights), minlength)
    if weights is None:
        return plain
    weights = as_array(weights)
    return shaping.unindex(elementwise.cast(weights, plain.dtype), (bins,), plain.shape)


# --- real numbers ---------------------------------------------------------------------------


@rule(np.real)
def real(val: Any) -> Any:
    return as_array(val)


@rule(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    return as_array(a)
