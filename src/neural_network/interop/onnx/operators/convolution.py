"""Convolution and its transpose, along one, two or three spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, ShapeError, brief, sentence
from neural_network.functional.convolution.transpose import (
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from neural_network.functional.window import Window, resolve_padding
from neural_network.interop.onnx.limits import affordable
from neural_network.interop.onnx.table import exported, operator
from neural_network.layers.convolution import (
    CONVOLUTIONS,
    Conv1D,
    Conv2D,
    Conv3D,
    ConvTranspose2D,
    DepthwiseConv2D,
)

TRANSPOSED = {1: conv_transpose1d, 2: conv_transpose2d, 3: conv_transpose3d}
SAME = ("SAME_UPPER", "SAME_LOWER")


def pads_of(
    name: str,
    auto_pad: str,
    pads: Sequence[int] | None,
    sizes: Sequence[int],
    taps: Sequence[int],
    strides: Sequence[int],
    dilations: Sequence[int],
) -> list[tuple[int, int]]:
    """Return the (before, after) padding of each spatial axis.

    Args:
        name: of the operator.
        auto_pad: ONNX's word for a padding that follows from the sizes.
        pads: all numbers before, then all after; None for none.
        sizes, taps, strides, dilations: of the input and the window.
    """
    axes = len(sizes)
    if auto_pad in SAME:
        reach = tuple(d * (t - 1) + 1 for t, d in zip(taps, dilations, strict=True))
        found = resolve_padding(name, "same", tuple(sizes), reach, tuple(strides))
        return [pair if auto_pad == "SAME_UPPER" else (pair[1], pair[0]) for pair in found]
    if auto_pad not in ("NOTSET", "", "VALID"):
        expected = "NOTSET, VALID, SAME_UPPER or SAME_LOWER"
        raise ArgumentError(sentence(name, "auto_pad", expected, brief(auto_pad)))
    if pads is None or auto_pad == "VALID":
        return [(0, 0)] * axes
    if len(pads) != 2 * axes:
        raise ShapeError(sentence(name, "pads", f"{2 * axes} numbers", len(pads)))
    return list(zip(pads[:axes], pads[axes:], strict=True))


def check_padded(name: str, X: Any, pads: Sequence[tuple[int, int]]) -> None:
    """Refuse a padding beyond the budget; pooling takes several arrays of the size."""
    padded = [n + before + after for n, (before, after) in zip(X.shape[2:], pads, strict=True)]
    affordable(name, (*X.shape[:2], *padded), 4 * X.dtype.itemsize)


def spatial_axes(name: str, X: Any, *, most: int = 3) -> int:
    """Return how many spatial axes an input has."""
    axes = X.ndim - 2
    if not 1 <= axes <= most:
        expected = f"(N, C, …) with 1 to {most} spatial axes"
        raise ShapeError(sentence(name, "X", expected, f"shape {X.shape}"))
    return int(axes)


def check_kernel_shape(name: str, W: Any, kernel_shape: Sequence[int] | None) -> None:
    """Raise ShapeError unless the filters have the sizes that the attribute says."""
    if kernel_shape is not None and tuple(kernel_shape) != tuple(W.shape[2:]):
        expected = f"filters of {tuple(kernel_shape)}, as kernel_shape says"
        raise ShapeError(sentence(name, "W", expected, f"shape {W.shape}"))


@operator("Conv", cost=lambda _X, W, *_, out: prod(out.shape[1:]) * prod(W.shape[1:]))
def conv(
    X: Any,
    W: Any,
    B: Any = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    """Convolution."""
    axes = spatial_axes("Conv", X)
    if W.ndim != X.ndim:
        raise ShapeError(sentence("Conv", "W", f"{X.ndim} dimensions", f"shape {W.shape}"))
    check_kernel_shape("Conv", W, kernel_shape)
    steps, spacing = (tuple(each) if each else (1,) * axes for each in (strides, dilations))
    padding = pads_of("Conv", auto_pad, pads, X.shape[2:], W.shape[2:], steps, spacing)
    check_padded("Conv", X, padding)
    window = Window.of("Conv", X.shape[2:], W.shape[2:], steps, padding, spacing)
    affordable("Conv", (len(X), len(W), *window.outputs), X.dtype.itemsize)
    if not len(X):
        return np.zeros((0, len(W), *window.outputs), X.dtype)
    return CONVOLUTIONS[axes](
        X, W, steps, padding,  # type: ignore[arg-type]  # one number for each of the axes
        dilation=spacing,  # type: ignore[arg-type]  # likewise
        groups=group, bias=B, precise=False,
    )  # fmt: skip


@operator("ConvTranspose", cost=lambda X, W, *_, out: prod(X.shape[1:]) * prod(W.shape[1:]))
def conv_transpose(
    X: Any,
    W: Any,
    B: Any = None,
    *,
    auto_pad: str = "NOTSET",
    dilations: Any = None,
    group: int = 1,
    kernel_shape: Any = None,
    output_padding: Any = None,
    output_shape: Any = None,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    """Transposed convolution: all of it, of which ``pads`` are cut off."""
    name = "ConvTranspose"
    axes = spatial_axes(name, X)
    check_kernel_shape(name, W, kernel_shape)
    steps, spacing = (tuple(each) if each else (1,) * axes for each in (strides, dilations))
    more = tuple(output_padding) if output_padding else (0,) * axes
    if W.ndim != X.ndim or len(more) != axes:
        raise ShapeError(sentence(name, "W", f"{X.ndim} dimensions", f"shape {W.shape}"))
    taps = W.shape[2:]
    whole = [
        s * (n - 1) + d * (t - 1) + 1
        for n, s, d, t in zip(X.shape[2:], steps, spacing, taps, strict=True)
    ]
    begins, sizes = [], []
    wanted = list(output_shape)[-axes:] if output_shape else None
    if wanted is None and auto_pad in SAME:
        wanted = [n * s for n, s in zip(X.shape[2:], steps, strict=True)]
    for axis in range(axes):
        if wanted is not None:
            total = whole[axis] + more[axis] - wanted[axis]
            begin = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
            end = total - begin
        elif pads is not None and auto_pad != "VALID":
            begin, end = pads[axis], pads[axes + axis]
        else:
            begin = end = 0
        begins.append(begin)
        sizes.append(whole[axis] + more[axis] - begin - end)
    maps = W.shape[1] * group
    for shape in (whole, sizes):
        affordable(name, (len(X), maps, *shape), X.dtype.itemsize)
    if min(sizes) < 1:
        raise ShapeError(sentence(name, "pads", "less than the result", f"sizes {sizes}"))
    if not len(X):
        return np.zeros((0, maps, *sizes), X.dtype)
    out = TRANSPOSED[axes](X, W, steps, dilation=spacing, groups=group)
    out = _cut(out, begins, sizes)
    return out if B is None else out + np.reshape(B, (-1, *[1] * axes))


def _cut(X: Any, begins: Sequence[int], sizes: Sequence[int]) -> Any:
    """Return a part of the spatial axes, with zeros where it reaches beyond them."""
    if begins == [0] * len(begins) and tuple(sizes) == X.shape[2:]:
        return X
    widths, places = [(0, 0), (0, 0)], [slice(None), slice(None)]
    for n, begin, size in zip(X.shape[2:], begins, sizes, strict=True):
        before, after = max(-begin, 0), max(begin + size - n, 0)
        widths.append((before, after))
        places.append(slice(begin + before, begin + before + size))
    if any(max(pair) for pair in widths):
        X = np.pad(X, widths)
    return X[tuple(places)]


# --- export ----------------------------------------------------------------------------


@exported("Conv", Conv1D, Conv2D, Conv3D, DepthwiseConv2D)
def _conv(layer: Any, graph: Any, X: str) -> Any:
    reach = tuple(d * (t - 1) + 1 for t, d in zip(layer.kernel_size, layer.dilation, strict=True))
    sizes = graph.shape(X)[2:]
    pads = resolve_padding("Conv", layer.padding, sizes, reach, layer.stride)
    # It depends on the size of the input; ONNX Runtime has no such rule with a dilation.
    same = layer.padding == "same" and prod(layer.stride) > 1 == prod(layer.dilation)
    fixed = {"pads": [n for side in zip(*pads, strict=True) for n in side]}
    padding: dict[str, Any] = {"auto_pad": "SAME_UPPER"} if same else fixed
    maps = graph.node(
        "Conv", [X, graph.parameter(layer.weight), *graph.parameters(layer.bias)],
        kernel_shape=list(layer.kernel_size), strides=list(layer.stride),
        dilations=list(layer.dilation), group=layer.groups, **padding,
    )  # fmt: skip
    return graph.function(layer, layer.activation, maps)


@exported("ConvTranspose", ConvTranspose2D)
def _conv_transpose(layer: ConvTranspose2D, graph: Any, X: str) -> Any:
    maps = graph.node(
        "ConvTranspose", [X, graph.parameter(layer.weight), *graph.parameters(layer.bias)],
        kernel_shape=list(layer.kernel_size), strides=list(layer.stride),
        dilations=list(layer.dilation), group=layer.groups, pads=[*layer.padding, *layer.padding],
        output_padding=list(layer.output_padding),
    )  # fmt: skip
    return graph.function(layer, layer.activation, maps)
