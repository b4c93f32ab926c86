"""Pooling, along one, two or three spatial axes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from neural_network.functional.pooling.ops import window_max, window_sum
from neural_network.functional.pooling.pool import counts_of, padded_by
from neural_network.functional.window import Window, per_axis
from neural_network.interop.onnx.operators.convolution import check_padded, pads_of, spatial_axes
from neural_network.interop.onnx.table import exported, operator
from neural_network.interop.onnx.types import is_floating
from neural_network.layers.pooling import AvgPool2D, GlobalAvgPool2D, MaxPool2D
from neural_network.lifting import array_under


def _window(
    name: str,
    X: Any,
    kernel_shape: Any,
    auto_pad: str,
    pads: Any,
    strides: Any,
    dilations: Any,
    ceil_mode: int,
) -> Window:
    axes = spatial_axes(name, X)
    taps = per_axis(name, "kernel_shape", kernel_shape, axes)
    steps, spacing = (tuple(each) if each else (1,) * axes for each in (strides, dilations))
    padding = pads_of(name, auto_pad, pads, X.shape[2:], taps, steps, spacing)
    check_padded(name, X, padding)
    return Window.of(
        name, X.shape[2:], taps, steps, padding, spacing, ceil_mode=bool(ceil_mode), name="window"
    )


@operator("MaxPool")
def max_pool(
    X: Any,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Any = None,
    kernel_shape: Any,
    pads: Any = None,
    storage_order: int = 0,
    strides: Any = None,
    outputs: int,
) -> Any:
    """Largest number of each window, and its place in the input."""
    window = _window("MaxPool", X, kernel_shape, auto_pad, pads, strides, dilations, ceil_mode)
    lowest = -np.inf if is_floating(X) else np.iinfo(X.dtype).min
    padded = padded_by(X, window, lowest)
    maxima = window_max(padded, window)
    if outputs == 1:
        return maxima
    return maxima, _places(array_under(padded), array_under(maxima), window, storage_order)


def _places(padded: Any, maxima: Any, window: Window, storage_order: int) -> Any:
    """Return the number of each maximum among all numbers of the input."""
    order = "F" if storage_order else "C"
    inside = np.arange(prod(window.sizes)).reshape(window.sizes, order=order)  # type: ignore[call-overload]  # one of the two
    numbers = np.full(window.padded, -1)  # padding is no place, even where it equals a maximum
    within: Any = window.inside
    numbers[within] = inside
    places = np.full(maxima.shape, -1)
    for tap in window.tap_slices():
        here: tuple[Any, ...] = (..., *tap)
        found = (padded[here] == maxima) & (places < 0) & (numbers[tap] >= 0)
        places = np.where(found, numbers[tap], places)
    rows = prod(maxima.shape[:2])
    first = np.arange(rows).reshape(*maxima.shape[:2], *[1] * len(window.sizes))
    return places + first * prod(window.sizes)


@operator("AveragePool")
def average_pool(
    X: Any,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Any = None,
    kernel_shape: Any,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    """Mean of each window."""
    window = _window("AveragePool", X, kernel_shape, auto_pad, pads, strides, dilations, ceil_mode)
    counts = counts_of(window, bool(count_include_pad)).astype(X.dtype)
    return window_sum(padded_by(X, window, 0), window) / counts


@operator("LpPool")
def lp_pool(
    X: Any,
    *,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Any = None,
    kernel_shape: Any,
    p: float = 2,
    pads: Any = None,
    strides: Any = None,
) -> Any:
    """p-norm of each window."""
    window = _window("LpPool", X, kernel_shape, auto_pad, pads, strides, dilations, ceil_mode)
    powers = padded_by(np.power(np.abs(X), p), window, 0)
    return np.power(window_sum(powers, window), 1 / p)


def _everywhere(name: str, X: Any) -> tuple[int, ...]:
    spatial_axes(name, X, most=62)
    return tuple(range(2, X.ndim))


@operator("GlobalAveragePool")
def global_average_pool(X: Any) -> Any:
    """Mean over all places."""
    return np.mean(X, axis=_everywhere("GlobalAveragePool", X), keepdims=True)


@operator("GlobalMaxPool")
def global_max_pool(X: Any) -> Any:
    """Largest number of all places."""
    return np.max(X, axis=_everywhere("GlobalMaxPool", X), keepdims=True)


@operator("GlobalLpPool")
def global_lp_pool(X: Any, *, p: float = 2) -> Any:
    """p-norm over all places."""
    powers = np.power(np.abs(X), p)
    return np.power(np.sum(powers, axis=_everywhere("GlobalLpPool", X), keepdims=True), 1 / p)


# --- export ----------------------------------------------------------------------------


def _attributes(layer: Any, dilation: tuple[int, ...], shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the window of a layer as attributes."""
    window = Window.of(
        "export", shape[2:], layer.kernel_size, layer.stride, layer.padding, dilation,
        ceil_mode=layer.ceil_mode,
    )  # fmt: skip
    before = [first for first, _ in window.pads]
    # What the last window reads behind the input. Padding that no window reads would be another
    # window to ONNX where sizes are rounded up; here such a one does not count.
    after = [
        max((count - 1) * step + reach - size - first, 0)
        for count, step, reach, size, first in zip(
            window.outputs, window.stride, window.reach, window.sizes, before, strict=True
        )
    ]
    most = [last for _, last in window.pads]
    # Padding that counts in no mean may be as much as is read, if it is less than a window.
    free = not getattr(layer, "count_include_pad", False)
    if free and all(last < taps for last, taps in zip(after, window.taps, strict=True)):
        most = after
    ceil = any(last > given for last, given in zip(after, most, strict=True))
    after = [min(pair) for pair in zip(after, most, strict=True)]
    return {
        "kernel_shape": list(layer.kernel_size),
        "strides": list(layer.stride),
        "dilations": list(dilation),
        "pads": [*before, *after],
        "ceil_mode": int(ceil),
    }


@exported("MaxPool", MaxPool2D)
def _max_pool(layer: MaxPool2D, graph: Any, X: str) -> Any:
    return graph.node("MaxPool", [X], **_attributes(layer, layer.dilation, graph.shape(X)))


@exported("AveragePool", AvgPool2D)
def _avg_pool(layer: AvgPool2D, graph: Any, X: str) -> Any:
    attributes = _attributes(layer, (1, 1), graph.shape(X))
    include = int(layer.count_include_pad)
    return graph.node("AveragePool", [X], count_include_pad=include, **attributes)


@exported("GlobalAveragePool", GlobalAvgPool2D)
def _global_avg_pool(_layer: GlobalAvgPool2D, graph: Any, X: str) -> Any:
    return graph.node("Flatten", [graph.node("GlobalAveragePool", [X])], axis=1)
