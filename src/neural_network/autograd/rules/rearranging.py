"""Rules of more functions that turn, cut and join arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from neural_network.autograd.rules.arguments import as_array, stand_in, untyped
from neural_network.autograd.rules.shaping import diag, flip, places, swapaxes
from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError
from neural_network.functional import elementwise, shaping
from neural_network.lifting import array_under

# --- turning ----------------------------------------------------------------------------


@rule(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    # NumPy rearranges an array whose sizes are the numbers of its axes.
    a = as_array(a)
    sizes = np.broadcast_to(np.zeros(()), tuple(range(a.ndim)))
    return shaping.transpose(a, np.rollaxis(sizes, axis, start).shape)


@rule(np.fliplr)
def fliplr(m: Any) -> Any:
    np.fliplr(stand_in(m))
    return flip(as_array(m), 1)


@rule(np.flipud)
def flipud(m: Any) -> Any:
    np.flipud(stand_in(m))
    return flip(as_array(m), 0)


@rule(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    m = as_array(m)
    np.rot90(stand_in(m), k, axes)
    if k % 4 == 0:
        return shaping.index(m, ...)
    if k % 4 == 2:
        return flip(flip(m, axes[0]), axes[1])
    if k % 4 == 1:
        return swapaxes(flip(m, axes[1]), *axes)
    return flip(swapaxes(m, *axes), axes[1])


@rule(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    m = as_array(m)
    return elementwise.where(untyped.tri(*m.shape[-2:], k=k, dtype=bool), m, np.zeros((), m.dtype))


@rule(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    m = as_array(m)
    above = ~untyped.tri(*m.shape[-2:], k=k - 1, dtype=bool)
    return elementwise.where(above, m, np.zeros((), m.dtype))


@rule(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return diag(shaping.reshape(as_array(v), -1), k)


@rule(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    a = as_array(a)
    shape = np.resize(np.zeros(1, bool), new_shape).shape
    if a.size == 0 and 0 not in shape:
        raise DroppedGradientError("numpy.resize: has no rule for empty arrays; use np.zeros")
    return places(a, lambda numbers: np.resize(numbers, new_shape))


# --- shapes together ----------------------------------------------------------------------


def _each(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the rule of a function that gives each array more axes."""

    def raised(*arys: Any) -> Any:
        arrays = [as_array(a) for a in arys]
        out = [shaping.reshape(a, function(stand_in(a)).shape) for a in arrays]
        return out[0] if len(out) == 1 else tuple(out)

    return raised


rule(np.atleast_1d)(_each(np.atleast_1d))
rule(np.atleast_3d)(_each(np.atleast_3d))


@rule(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    arrays = [as_array(a) for a in args]
    shape = np.broadcast_shapes(*[a.shape for a in arrays])
    return tuple(shaping.broadcast_to(a, shape) for a in arrays)


@rule(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    arrays = [as_array(x) for x in xi]
    plain = untyped.meshgrid(*map(stand_in, arrays), copy=False, sparse=sparse, indexing=indexing)
    out = []
    for i, (x, like) in enumerate(zip(arrays, plain, strict=True)):
        axis = 1 - i if indexing == "xy" and i < 2 and len(arrays) > 1 else i
        column = shaping.reshape(x, [-1 if k == axis else 1 for k in range(len(arrays))])
        out.append(shaping.broadcast_to(column, like.shape))
    return type(plain)(out)


# --- cutting ------------------------------------------------------------------------------


def cut(a: Any, indices_or_sections: Any, axis: int) -> list[Any]:
    """Return the pieces of an array along an axis, as ``np.array_split`` cuts it."""
    axis = normalize_axis_index(axis, a.ndim)
    pieces = np.array_split(np.arange(a.shape[axis]), indices_or_sections)
    lead = (slice(None),) * axis
    ranges = [slice(p[0], p[-1] + 1) if len(p) else slice(0, 0) for p in pieces]
    return [shaping.index(a, (*lead, part)) for part in ranges]


@rule(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    ary = as_array(ary)
    np.array_split(stand_in(ary), indices_or_sections, axis)
    return cut(ary, indices_or_sections, axis)


@rule(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    ary = as_array(ary)
    np.hsplit(stand_in(ary), indices_or_sections)
    return cut(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@rule(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    ary = as_array(ary)
    np.vsplit(stand_in(ary), indices_or_sections)
    return cut(ary, indices_or_sections, 0)


@rule(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    ary = as_array(ary)
    np.dsplit(stand_in(ary), indices_or_sections)
    return cut(ary, indices_or_sections, 2)


@rule(np.unstack)
def unstack(x: Any, axis: int = 0) -> Any:
    x = as_array(x)
    np.unstack(stand_in(x), axis=axis)
    lead = (slice(None),) * normalize_axis_index(axis, x.ndim)
    return tuple(shaping.index(x, (*lead, i)) for i in range(x.shape[axis]))


# --- joining ------------------------------------------------------------------------------


@rule(np.dstack)
def dstack(tup: Any) -> Any:
    arrays = [as_array(a) for a in tup]
    solid = [shaping.reshape(a, np.atleast_3d(stand_in(a)).shape) for a in arrays]
    return shaping.concatenate(solid, 2)


@rule(np.column_stack)
def column_stack(tup: Any) -> Any:
    arrays = [as_array(a) for a in tup]
    columns = [shaping.reshape(a, (-1, 1)) if a.ndim < 2 else a for a in arrays]
    return shaping.concatenate(columns, 1)


@rule(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    arr, values = as_array(arr), as_array(values)
    if axis is None:
        arr, values, axis = shaping.reshape(arr, -1), shaping.reshape(values, -1), 0
    return shaping.concatenate([arr, values], axis)


@rule(np.block)
def block(arrays: Any) -> Any:
    zeros = _mapped(stand_in, arrays)
    ndim = np.block(zeros).ndim  # NumPy checks the depths and shapes
    return _block(arrays, _depth(arrays), ndim)


def _mapped(function: Callable[[Any], Any], nested: Any) -> Any:
    return [_mapped(function, x) for x in nested] if isinstance(nested, list) else function(nested)


def _depth(nested: Any) -> int:
    return 1 + _depth(nested[0]) if isinstance(nested, list) else 0


def _block(nested: Any, depth: int, ndim: int) -> Any:
    """Join lists of this depth, the innermost along the last axis."""
    if isinstance(nested, list):
        return shaping.concatenate([_block(x, depth - 1, ndim) for x in nested], ndim - depth)
    a = as_array(nested)
    return shaping.reshape(a, (1,) * (ndim - a.ndim) + a.shape)


@rule(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr, values = as_array(arr), as_array(values)
    obj = array_under(obj)
    # NumPy inserts the places of the values, which begin after those of the array.
    numbers = np.arange(arr.size).reshape(arr.shape)
    inserted = np.arange(arr.size, arr.size + values.size).reshape(values.shape)
    chosen = np.insert(numbers, obj, inserted, axis)
    both = [shaping.reshape(part, -1) for part in (arr, values.astype(arr.dtype))]
    return shaping.index(shaping.concatenate(both), chosen)


@rule(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    return places(as_array(arr), lambda numbers: np.delete(numbers, array_under(obj), axis))
