"""Rules of functions that rearrange, repeat, cut and join arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError
from neural_network.functional import elementwise, shaping
from neural_network.lifting import array_under, is_tensor, joined, tensors_in

_np: Any = np  # whose stubs differ between releases


@rule(np.reshape)
def reshape(a: Any, shape: Any, order: Any = "C") -> Any:
    if isinstance(order, str) and order == "C":
        return shaping.reshape(a, shape)
    target = np.broadcast_to(np.False_, a.shape).reshape(shape, order=order).shape
    if _order_of(a, order) == "C":
        return shaping.reshape(a, target)
    return shaping.transpose(shaping.reshape(shaping.transpose(a), target[::-1]))


@rule(np.ravel)
def ravel(a: Any, order: Any = "C") -> Any:
    if isinstance(order, str) and order == "C":
        return shaping.reshape(a, -1)
    return reshape(a, -1, _order_of(a, order))


def _order_of(a: Any, order: Any) -> str:
    """Return "C" or "F", as the memory has it for "A" and "K".

    Raises:
        DroppedGradientError: an order that is neither.
        ValueError: no such order.
    """
    np.ravel(np.zeros(()), order)  # raises where NumPy does
    if order in ("C", "F"):
        return str(order)
    flags = a.data.flags
    if order == "K" and not flags.forc:
        raise DroppedGradientError("numpy.ravel: order='K' has a rule for contiguous arrays only")
    return "F" if flags.fnc else "C"


@rule(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    return shaping.transpose(a, axes)


@rule(np.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    return swapaxes(x, -1, -2)


def _in_order_of(a: Any, moving: Callable[[Any], Any]) -> Any:
    """Move axes as NumPy does in an array whose sizes are the numbers of its axes."""
    numbered = np.broadcast_to(np.zeros(()), tuple(range(a.ndim)))
    return shaping.transpose(a, moving(numbered).shape)


@rule(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    return _in_order_of(a, lambda x: np.moveaxis(x, source, destination))


@rule(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    return _in_order_of(a, lambda x: np.swapaxes(x, axis1, axis2))


@rule(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    return shaping.reshape(a, np.squeeze(a.data, axis).shape)


@rule(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    return shaping.reshape(a, np.expand_dims(a.data, axis).shape)


@rule(np.broadcast_to)
def broadcast_to(array: Any, shape: Any) -> Any:
    return shaping.broadcast_to(array, shape)


@rule(np.atleast_2d)
def atleast_2d(*arrays: Any) -> Any:
    raised = raise_each(np.atleast_2d, arrays)
    return raised[0] if len(raised) == 1 else tuple(raised)


def raise_each(function: Callable[[Any], Any], arrays: Sequence[Any]) -> list[Any]:
    """Give each array the shape that a function of NumPy gives it."""
    together = [joined(a) for a in arrays]
    return [shaping.reshape(a, function(array_under(a)).shape) for a in together]


@rule(np.full_like)
def full_like(a: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    if not tensors_in((fill_value,)):
        return np.full_like(array_under(a), fill_value, dtype=dtype, shape=shape)
    like = np.empty_like(array_under(a), dtype=dtype, shape=shape)
    filled = joined(fill_value)
    if filled.ndim > like.ndim:  # NumPy ignores axes of size 1 in front
        filled = shaping.reshape(filled, filled.shape[filled.ndim - like.ndim :])
    return elementwise.cast(shaping.broadcast_to(filled, like.shape), like.dtype)


# --- joining and cutting ----------------------------------------------------------------


@rule(np.concatenate)
def concatenate(arrays: Any, axis: int | None = 0) -> Any:
    return shaping.concatenate(list(arrays), axis)


@rule(np.stack)
def stack(arrays: Any, axis: int = 0) -> Any:
    return shaping.stack(list(arrays), axis)


@rule(np.vstack)
def vstack(tup: Any) -> Any:
    return shaping.concatenate(raise_each(np.atleast_2d, tup), 0)


@rule(np.hstack)
def hstack(tup: Any) -> Any:
    arrays = raise_each(np.atleast_1d, tup)
    return shaping.concatenate(arrays, 0 if arrays and arrays[0].ndim == 1 else 1)


@rule(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return shaping.split(ary, indices_or_sections, axis)


# Modes of padding that copy numbers of the array.
COPYING = ("edge", "wrap", "reflect", "symmetric")


@rule(np.pad)
def pad(
    array: Any,
    pad_width: Any,
    mode: str = "constant",
    constant_values: Any = None,
    reflect_type: str = "even",
) -> Any:
    if mode in COPYING and reflect_type == "even" and constant_values is None:
        return places(array, lambda numbered: _np.pad(numbered, pad_width, mode))
    if mode != "constant" or reflect_type != "even":
        _np.pad(array.data, pad_width, mode)  # raises where NumPy does
        raise DroppedGradientError(f"numpy.pad: has no rule for mode={mode!r}, {reflect_type!r}")
    # NumPy pads a single number, so that the widths are as it reads them.
    single = np.pad(np.ones((1,) * array.ndim, bool), pad_width)
    before = np.unravel_index(single.argmax(), single.shape)
    widths = tuple((int(b), n - 1 - int(b)) for b, n in zip(before, single.shape, strict=True))
    if not widths:
        return elementwise.cast(array, array.dtype)
    padded = shaping.pad(array, widths)
    constants = joined(0 if constant_values is None else constant_values)
    if is_tensor(constants):
        if constants.ndim:
            raise DroppedGradientError(
                "numpy.pad: constant_values: has a rule for one tensor of a single number only"
            )
        around = elementwise.cast(constants, array.dtype)
    elif np.any(constants):
        around = np.pad(np.zeros(array.shape, array.dtype), widths, constant_values=constants)
    else:
        return padded
    inside = np.pad(np.ones(array.shape, bool), widths)
    return elementwise.where(inside, padded, around)


# --- choosing elements --------------------------------------------------------------------


def places(a: Any, choose: Callable[[Any], Any]) -> Any:
    """Rearrange the indices of the elements by NumPy, then index with them."""
    shape = np.shape(array_under(a))
    return shaping.index(shaping.reshape(a, -1), choose(np.arange(prod(shape)).reshape(shape)))


@rule(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    np.flip(np.broadcast_to(np.False_, m.shape), axis)  # raises where NumPy does
    axes = range(m.ndim) if axis is None else axis if isinstance(axis, tuple | list) else (axis,)
    key = [slice(None)] * m.ndim
    for place in axes:
        key[place] = slice(None, None, -1)
    return shaping.index(m, tuple(key))


@rule(np.take)
def take(a: Any, indices: Any, axis: int | None = None, mode: Any = "raise") -> Any:
    return places(a, lambda numbered: np.take(numbered, array_under(indices), axis, mode=mode))


@rule(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    return places(a, lambda numbered: np.compress(array_under(condition), numbered, axis))


@rule(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    return places(a, lambda numbered: np.repeat(numbered, array_under(repeats), axis))


@rule(np.tile)
def tile(A: Any, reps: Any) -> Any:
    return places(A, lambda numbered: np.tile(numbered, array_under(reps)))


@rule(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return places(a, lambda numbered: np.roll(numbered, shift, axis))


@rule(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return places(a, lambda numbered: np.diagonal(numbered, offset, axis1, axis2))


@rule(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    shape = np.diag(np.broadcast_to(np.False_, v.shape), k).shape
    if v.ndim == 2:
        return diagonal(v, k)
    rows = np.arange(v.size) + max(0, -k)
    return shaping.unindex(v, (rows, rows + k), shape)


@rule(np.sort)
def sort(a: Any, axis: int | None = -1, kind: Any = None, stable: Any = None) -> Any:
    if a.ndim == 0:
        np.sort(a.data, axis)  # raises, unless the axis is None
    order = np.argsort(a.data, axis=axis, kind=kind, stable=stable)
    return places(a, lambda numbered: np.take_along_axis(numbered, order, axis))
