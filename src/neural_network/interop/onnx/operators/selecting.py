"""Parts of arrays: slices, rows by number, masks of triangles."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from neural_network.errors import ShapeError, sentence
from neural_network.interop.onnx.limits import affordable
from neural_network.interop.onnx.table import exported, operator
from neural_network.interop.onnx.types import integers, number
from neural_network.layers.dense import Embedding
from neural_network.lifting import array_under


@operator("Slice", moves=True)
def cut(
    data: Any, starts: Any = None, ends: Any = None, axes: Any = None, steps: Any = None
) -> Any:
    """Take every so many-th number between two places, along some axes."""
    firsts, lasts = integers(starts), integers(ends)
    along = list(range(len(firsts))) if axes is None else integers(axes)
    strides = [1] * len(firsts) if steps is None else integers(steps)
    if not len(firsts) == len(lasts) == len(along) == len(strides):
        lengths = f"{len(firsts)}, {len(lasts)}, {len(along)} and {len(strides)}"
        expected = "as many starts as ends, axes and steps"
        raise ShapeError(sentence("Slice", "starts", expected, lengths))
    key = [slice(None)] * data.ndim
    for axis, *ends_of_axis, step in zip(along, firsts, lasts, strides, strict=True):
        size = data.shape[axis]
        first, last = (place + size if place < 0 else place for place in ends_of_axis)
        # −1 as an end would mean the last one to Python: before the first is None.
        if step > 0:
            key[axis] = slice(max(first, 0), max(last, 0), step)
        else:
            end = None if last < 0 else min(last, size - 1)
            key[axis] = slice(min(first, size - 1), end, step) if first >= 0 else slice(0, 0)
    return data[tuple(key)]


@operator("Gather", moves=True)
def gather(data: Any, indices: Any, *, axis: int = 0) -> Any:
    """Take what stands at the given places along an axis."""
    places = array_under(indices).astype(np.int64)
    rest = [n for i, n in enumerate(data.shape) if i != axis % data.ndim]
    affordable("Gather", (*rest, *places.shape), data.dtype.itemsize)
    return np.take(data, places, axis)


@exported("Gather", Embedding)
def _embedding(layer: Embedding, graph: Any, X: str) -> Any:
    return graph.node("Gather", [graph.parameter(layer.weight), X], axis=0)


@operator("GatherElements", moves=True)
def gather_elements(data: Any, indices: Any, *, axis: int = 0) -> Any:
    """Take one number for each place, along an axis."""
    places = array_under(indices).astype(np.int64)
    along = normalize_axis_index(axis, data.ndim)
    # The other axes may be shorter in the indices.
    whole = tuple(slice(None) if i == along else slice(0, n) for i, n in enumerate(places.shape))
    size = data.shape[along]
    return np.take_along_axis(data[whole], np.where(places < 0, places + size, places), along)


@operator("Trilu", moves=True)
def triangle(input: Any, k: Any = None, *, upper: int = 1) -> Any:
    """Keep one triangle of each matrix."""
    offset = 0 if k is None else int(number(k))
    return np.triu(input, offset) if upper else np.tril(input, offset)


@operator("OneHot")
def one_hot(indices: Any, depth: Any, values: Any, *, axis: int = -1) -> Any:
    """Mark the class of each place along a new axis."""
    size = int(number(depth))
    places = array_under(indices).astype(np.int64)
    affordable("OneHot", (*places.shape, size), values.dtype.itemsize)
    off, on = values
    inside = (places >= -size) & (places < size)
    marks = (np.arange(size) == (places % size)[..., None]) & inside[..., None]
    return np.moveaxis(np.where(marks, on, off).astype(values.dtype), -1, axis)
