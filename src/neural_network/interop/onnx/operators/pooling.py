"""Pooling, along one, two or three spatial axes."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from neural_network.functional.pooling.adaptive import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    windows_of,
)
from neural_network.functional.pooling.ops import window_max, window_sum
from neural_network.functional.pooling.pool import (
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    counts_of,
    global_avg_pool,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    padded_by,
)
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


def _attributes(window: Window, *, count_include_pad: bool = False) -> dict[str, Any]:
    """Return a window as attributes; padding may count in a mean."""
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
    free = not count_include_pad
    if free and all(last < taps for last, taps in zip(after, window.taps, strict=True)):
        most = after
    ceil = any(last > given for last, given in zip(after, most, strict=True))
    after = [min(pair) for pair in zip(after, most, strict=True)]
    return {
        "kernel_shape": list(window.taps),
        "strides": list(window.stride),
        "dilations": list(window.dilation),
        "pads": [*before, *after],
        "ceil_mode": int(ceil),
    }


_GEOMETRY = ("stride", "padding", "ceil_mode")


@exported("MaxPool", MaxPool2D)
def _max_pool(layer: MaxPool2D, graph: Any, X: str) -> Any:
    options = {name: getattr(layer, name) for name in (*_GEOMETRY, "dilation")}
    return _max_pool_of(max_pool2d, graph, X, layer.kernel_size, **options)


@exported("AveragePool", AvgPool2D)
def _avg_pool(layer: AvgPool2D, graph: Any, X: str) -> Any:
    options = {name: getattr(layer, name) for name in (*_GEOMETRY, "count_include_pad")}
    return _avg_pool_of(avg_pool2d, graph, X, layer.kernel_size, **options)


@exported("MaxPool", max_pool1d, max_pool2d, max_pool3d)
def _max_pool_of(
    function: Any,
    graph: Any,
    X: str,
    size: Any = 2,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Any:
    window = _window_of(function, graph, X, size, stride, padding, dilation, ceil_mode)
    return graph.node("MaxPool", [X], **_attributes(window))


@exported("AveragePool", avg_pool1d, avg_pool2d, avg_pool3d)
def _avg_pool_of(
    function: Any,
    graph: Any,
    X: str,
    size: Any = 2,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    window = _window_of(function, graph, X, size, stride, padding, 1, ceil_mode)
    attributes = _attributes(window, count_include_pad=count_include_pad)
    return graph.node("AveragePool", [X], count_include_pad=int(count_include_pad), **attributes)


def _window_of(
    function: Any, graph: Any, X: str, size: Any, stride: Any, padding: Any, *others: Any
) -> Window:
    """Return the window of a function's call, whose options it has checked."""
    name, sizes = function.__name__, graph.shape(X)[2:]
    dilation, ceil_mode = others
    taps = per_axis(name, "size", size, len(sizes))
    steps = taps if stride is None else stride
    return Window.of(name, sizes, taps, steps, padding, dilation, ceil_mode=ceil_mode)


@exported("GlobalAveragePool", GlobalAvgPool2D, global_avg_pool)
def _global_avg_pool(_layer: Any, graph: Any, X: str) -> Any:
    return graph.node("Flatten", [graph.node("GlobalAveragePool", [X])], axis=1)


@exported("AveragePool", adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)
def _adaptive_avg_pool(function: Any, graph: Any, X: str, output_size: Any) -> Any:
    return _adaptive(function, graph, X, output_size, "AveragePool", "ReduceSum")


@exported("MaxPool", adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d)
def _adaptive_max_pool(function: Any, graph: Any, X: str, output_size: Any) -> Any:
    return _adaptive(function, graph, X, output_size, "MaxPool", "ReduceMax")


def _adaptive(
    function: Any, graph: Any, X: str, output_size: Any, pool: str, reduction: str
) -> str:
    """Write one window where all are alike, else those of each axis by their indices."""
    sizes, dtype = graph.shape(X)[2:], graph.samples[X].dtype
    outputs = per_axis(function.__name__, "output_size", output_size, len(sizes))
    if not any(n % m for n, m in zip(sizes, outputs, strict=True)):
        taps = [n // m for n, m in zip(sizes, outputs, strict=True)]
        return str(graph.node(pool, [X], kernel_shape=taps, strides=taps))
    for axis, (n, m) in enumerate(zip(sizes, outputs, strict=True), start=2):
        indices, counts = windows_of(n, m)
        if reduction == "ReduceMax":  # a number twice changes no maximum
            indices = np.where(counts, indices, indices[:, :1])
        elif not counts.all():  # what does not count is a zero behind the axis
            pads = [graph.constant(np.array(value, np.int64)) for value in ([0, 1], [axis])]
            X = graph.node("Pad", [X, pads[0], "", pads[1]])
            indices = np.where(counts, indices, n)
        X = graph.node("Gather", [X, graph.constant(indices.astype(np.int64))], axis=axis)
        within = graph.constant(np.array([axis + 1], np.int64))
        X = graph.node(reduction, [X, within], keepdims=0)
        if reduction == "ReduceSum":
            of_each = counts.sum(axis=1).reshape(m, *[1] * (len(sizes) + 1 - axis))
            X = graph.node("Div", [X, graph.setting(of_each.astype(dtype))])
    return X
