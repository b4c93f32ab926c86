"""Shapes: the same numbers in another order, and numbers around them."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from neural_network.errors import ArgumentError, ShapeError, brief, sentence
from neural_network.functional import shaping as functions
from neural_network.interop.onnx.limits import affordable
from neural_network.interop.onnx.table import exported, operator
from neural_network.interop.onnx.types import integers, number
from neural_network.layers.activation import Flatten


@operator("Flatten", moves=True)
def flatten(input: Any, *, axis: int = 1) -> Any:
    """Make a matrix: the axes before one, and those from it on."""
    first = axis if axis == input.ndim else normalize_axis_index(axis, input.ndim)
    return np.reshape(input, (prod(input.shape[:first]), prod(input.shape[first:])))


@exported("Flatten", Flatten)
def _flatten(_layer: Flatten, graph: Any, X: str) -> Any:
    return graph.node("Flatten", [X], axis=1)


@operator("Reshape", moves=True)
def reshape(
    data: Any,
    shape: Any = None,
    *,
    allowzero: int = 0,
    consumed_inputs: Any = None,
) -> Any:
    """Give another shape: 0 keeps a size, −1 follows from the others."""
    sizes = integers(shape)
    if not allowzero:
        if 0 in sizes[data.ndim :]:
            raise ShapeError(sentence("Reshape", "shape", f"0 for axes of {data.shape}", sizes))
        sizes = [data.shape[i] if n == 0 else n for i, n in enumerate(sizes)]
    return np.reshape(data, sizes)


@operator("Transpose", moves=True)
def transpose(data: Any, *, perm: Any = None) -> Any:
    """Put the axes in another order."""
    return np.transpose(data, perm)


@operator("Squeeze", moves=True)
def squeeze(data: Any, axes: Any = None) -> Any:
    """Remove axes of size 1."""
    return np.squeeze(data, None if axes is None else tuple(integers(axes)))


@operator("Unsqueeze", moves=True)
def unsqueeze(data: Any, axes: Any) -> Any:
    """Add axes of size 1."""
    return np.expand_dims(data, tuple(integers(axes)))


@operator("Pad", fixed=("constant_value",), moves=True)
def pad(
    data: Any,
    pads: Any = None,
    constant_value: Any = None,
    axes: Any = None,
    *,
    mode: str = "constant",
    paddings: Any = None,
    value: float = 0.0,
) -> Any:
    """Put numbers around an array, or cut some off where a padding is negative."""
    words = {"constant": "constant", "reflect": "reflect", "edge": "edge", "wrap": "wrap"}
    if mode not in words:
        raise ArgumentError(sentence("Pad", "mode", f"one of {', '.join(words)}", brief(mode)))
    numbers = integers(paddings if pads is None else pads)  # as version 1 calls them
    along = list(range(data.ndim))
    if axes is not None:
        along = [normalize_axis_index(axis, data.ndim) for axis in integers(axes)]
    if len(numbers) != 2 * len(along):
        raise ShapeError(sentence("Pad", "pads", f"{2 * len(along)} numbers", len(numbers)))
    widths = [(0, 0)] * data.ndim
    for axis, before, after in zip(
        along, numbers[: len(along)], numbers[len(along) :], strict=True
    ):
        widths[axis] = (before, after)
    sizes = [n + before + after for n, (before, after) in zip(data.shape, widths, strict=True)]
    if min(sizes, default=0) < 0:
        raise ShapeError(sentence("Pad", "pads", f"no more cut off than {data.shape}", numbers))
    affordable("Pad", sizes, data.dtype.itemsize)
    inside = [
        slice(max(-before, 0), n - max(-after, 0))
        for n, (before, after) in zip(data.shape, widths, strict=True)
    ]
    around = [(max(before, 0), max(after, 0)) for before, after in widths]
    data = data[tuple(inside)]
    if mode != "constant":
        return np.pad(data, around, mode=mode)  # type: ignore[call-overload]  # one of NumPy's
    fill = value if number(constant_value) is None else number(constant_value)
    return np.pad(data, around, constant_values=fill)


@operator("DepthToSpace", moves=True)
def depth_to_space(input: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    """Move channels into blocks of places."""
    n, c, h, w = input.shape
    b = blocksize
    if _is_depth_first("DepthToSpace", mode):
        blocks = np.reshape(input, (n, b, b, c // b**2, h, w))
        turned = np.transpose(blocks, (0, 3, 4, 1, 5, 2))
    else:
        blocks = np.reshape(input, (n, c // b**2, b, b, h, w))
        turned = np.transpose(blocks, (0, 1, 4, 2, 5, 3))
    return np.reshape(turned, (n, c // b**2, h * b, w * b))


@operator("SpaceToDepth", moves=True)
def space_to_depth(input: Any, *, blocksize: int, mode: str = "DCR") -> Any:
    """Move blocks of places into channels."""
    n, c, h, w = input.shape
    b = blocksize
    blocks = np.reshape(input, (n, c, h // b, b, w // b, b))
    order = (0, 3, 5, 1, 2, 4) if _is_depth_first("SpaceToDepth", mode) else (0, 1, 3, 5, 2, 4)
    return np.reshape(np.transpose(blocks, order), (n, c * b * b, h // b, w // b))


def _is_depth_first(name: str, mode: str) -> bool:
    if mode not in ("DCR", "CRD"):
        raise ArgumentError(sentence(name, "mode", "'DCR' or 'CRD'", brief(mode)))
    return mode == "DCR"


@exported("Reshape", functions.reshape)
def _reshape(_function: Any, graph: Any, X: str, shape: Any = -1) -> Any:
    sizes = [int(size) for size in np.atleast_1d(shape)]
    if sizes[0] != -1 or 0 in sizes:
        expected = "a shape of any number of rows: −1 first, then sizes of at least 1"
        raise ArgumentError(sentence("reshape", "shape", expected, brief(shape)))
    return graph.node("Reshape", [X, graph.constant(np.array(sizes, np.int64))])


@exported("Transpose", functions.transpose)
def _transpose(_function: Any, graph: Any, X: str, axes: Any = None) -> Any:
    order = [] if axes is None else [int(axis) % len(axes) for axis in axes]
    if order[:1] != [0]:
        expected = "an order of the axes that leaves the rows first, such as (0, 2, 1)"
        raise ArgumentError(sentence("transpose", "axes", expected, brief(axes)))
    return graph.node("Transpose", [X], perm=order)
