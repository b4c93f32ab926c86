"""Arrays put together and taken apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.interop.onnx.limits import affordable
from neural_network.interop.onnx.table import operator
from neural_network.interop.onnx.types import integers
from neural_network.lifting import array_under


@operator("Concat", moves=True)
def concat(*inputs: Any, axis: int = 1) -> Any:
    """Join along an axis."""
    affordable("Concat", (sum(array_under(one).nbytes for one in inputs),), 1)
    return np.concatenate(inputs, axis)


@operator("Split", moves=True)
def split(
    input: Any,
    split: Any = None,
    *,
    axis: int = 0,
    num_outputs: int | None = None,
    outputs: int,
) -> Any:
    """Cut along an axis, into parts of the given sizes or into as many as there are outputs."""
    size = input.shape[axis]
    if split is None:
        count = outputs if num_outputs is None else num_outputs
        if count != outputs:
            raise ArgumentError(sentence("Split", "num_outputs", f"{outputs} outputs", count))
        each = -(-size // count)
        sizes = [each] * (count - 1) + [size - each * (count - 1)]
    else:
        sizes = integers(split)
    if sum(sizes) != size or min(sizes, default=0) < 0 or len(sizes) != outputs:
        expected = f"{outputs} sizes that add up to the {size} along axis {axis}"
        raise ShapeError(sentence("Split", "split", expected, sizes))
    return tuple(np.split(input, np.cumsum(sizes)[:-1].tolist(), axis))


@operator("Expand", moves=True)
def expand(input: Any, shape: Any) -> Any:
    """Broadcast with a shape."""
    wanted = np.broadcast_shapes(input.shape, tuple(integers(shape)))
    affordable("Expand", wanted, input.dtype.itemsize)
    return np.broadcast_to(input, wanted)


@operator("Tile", moves=True)
def tile(input: Any, repeats: Any) -> Any:
    """Repeat along each axis."""
    counts = integers(repeats)
    if len(counts) != input.ndim:
        raise ShapeError(sentence("Tile", "repeats", f"{input.ndim} numbers", counts))
    sizes = [n * max(count, 0) for n, count in zip(input.shape, counts, strict=True)]
    affordable("Tile", sizes, input.dtype.itemsize)
    return np.tile(input, counts)
