"""Rules of functions that rearrange, repeat, cut and join arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError
from neural_network.functional import reductions, shaping


@rule(np.reshape)
def reshape(a: Any, shape: Any) -> Any:
    return shaping.reshape(a, shape)


@rule(np.ravel)
def ravel(a: Any) -> Any:
    return shaping.reshape(a, -1)


@rule(np.transpose)
def transpose(a: Any, axes: Any = None) -> Any:
    return shaping.transpose(a, axes)


@rule(np.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    return swapaxes(x, -1, -2)


@rule(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    # NumPy rearranges an array whose sizes are the numbers of its axes.
    numbered = np.broadcast_to(np.zeros(()), tuple(range(a.ndim)))
    return shaping.transpose(a, np.moveaxis(numbered, source, destination).shape)


@rule(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    numbered = np.broadcast_to(np.zeros(()), tuple(range(a.ndim)))
    return shaping.transpose(a, np.swapaxes(numbered, axis1, axis2).shape)


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
    raised = [a if np.ndim(a) >= 2 else shaping.reshape(a, (1, -1)) for a in arrays]
    return raised[0] if len(raised) == 1 else tuple(raised)


# --- joining and cutting ----------------------------------------------------------------


@rule(np.concatenate)
def concatenate(arrays: Any, axis: int = 0) -> Any:
    return shaping.concatenate(arrays, axis)


@rule(np.stack)
def stack(arrays: Any, axis: int = 0) -> Any:
    return shaping.stack(arrays, axis)


@rule(np.vstack)
def vstack(tup: Any) -> Any:
    return shaping.concatenate([atleast_2d(a) for a in tup], 0)


@rule(np.hstack)
def hstack(tup: Any) -> Any:
    return shaping.concatenate(tup, 0 if np.ndim(tup[0]) == 1 else 1)


@rule(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return shaping.split(ary, indices_or_sections, axis)


@rule(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    if mode != "constant" or np.any(np.asarray(constant_values)):
        raise DroppedGradientError("numpy.pad: has a rule for zeros only")
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2))
    return shaping.pad(array, tuple((int(a), int(b)) for a, b in widths))


# --- choosing elements --------------------------------------------------------------------


def places(a: Any, choose: Callable[[Any], Any]) -> Any:
    """Rearrange the indices of the elements by NumPy, then index with them."""
    return shaping.index(shaping.reshape(a, -1), choose(np.arange(a.size).reshape(a.shape)))


@rule(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    axes = reductions.normal_axes(axis, m.ndim)
    return shaping.index(m, tuple(slice(None, None, -1 if i in axes else 1) for i in range(m.ndim)))


@rule(np.take)
def take(a: Any, indices: Any, axis: int | None = None) -> Any:
    return places(a, lambda numbered: np.take(numbered, indices, axis))


@rule(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    return places(a, lambda numbered: np.repeat(numbered, repeats, axis))


@rule(np.tile)
def tile(A: Any, reps: Any) -> Any:
    return places(A, lambda numbered: np.tile(numbered, reps))


@rule(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return places(a, lambda numbered: np.roll(numbered, shift, axis))


@rule(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return places(a, lambda numbered: np.diagonal(numbered, offset, axis1, axis2))


@rule(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return diagonal(v, k)
    size = v.size + abs(k)
    rows = np.arange(v.size) + max(0, -k)
    return shaping.unindex(v, (rows, rows + k), (size, size))


@rule(np.sort)
def sort(a: Any, axis: int = -1) -> Any:
    order = np.argsort(a.data, axis=axis)
    return places(a, lambda numbered: np.take_along_axis(numbered, order, axis))
