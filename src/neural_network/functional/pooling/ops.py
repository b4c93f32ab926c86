"""Pooling over any number of spatial axes as two ops: ``window_max`` and ``window_sum``.

They take padded arrays, whose last axes are the spatial ones. Compiled bodies
(``kernels/pooling.py``) compute large arrays with two spatial axes.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.functional.elementwise import widened
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.functional.shaping import unindex
from neural_network.functional.window import Sizes, Window
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.kernels.runtime.layouts import computable

# Numbers of images whose gradients are computed at once by NumPy: they stay in the cache.
BLOCK = 1 << 16


def route(shape: Sizes, window: Window, *arrays: Any) -> Any:
    """Return the file of compiled bodies if they apply, or None, for NumPy.

    They apply to large plain arrays with two spatial axes and without dilation.

    Args:
        shape: of the padded input.
        window: how the pooling window slides.
        arrays: what the body reads.
    """
    if len(window.taps) != 2 or window.dilation != (1, 1) or len(shape) > 4:
        return None
    if not kernel_wanted("pooling", prod(shape), *arrays):
        return None
    from neural_network.kernels import pooling

    return pooling


def _four_axes(array: Array) -> Array:
    """Return a view (N, C, H, W)."""
    return array[(None,) * (4 - array.ndim)]


def _shaped(array: Array, shape: Sizes) -> Array:
    """Return the array in a shape; one that has it stays itself, the owner of its memory."""
    return array if array.shape == shape else array.reshape(shape)


@op
def window_max(X: Any, window: Window) -> Array:
    """Return the largest number of each window; of equal ones the first has the gradient.

    NumPy takes maxima of maxima, one axis after the other, so that a window costs the sum of
    its sides and not their product.

    Args:
        X: padded, (…, *window.padded).
        window: how it slides.
    """
    if kernels := route(X.shape, window, X):
        maxima: Array = kernels.window_max(
            _four_axes(X), window.outputs, window.taps, window.stride
        )
        return _shaped(maxima, X.shape[:-2] + window.outputs)
    largest: Array = X
    for axis, (first, *others) in enumerate(window.axis_slices(), start=X.ndim - len(window.taps)):
        before = (slice(None),) * axis
        longer = largest
        largest = longer[(*before, first)].copy("K")
        for place in others:
            np.maximum(largest, longer[(*before, place)], out=largest)
    return largest


@gradient(window_max, "X")
def _(g: Any, X: Any, out: Any, window: Window) -> Any:
    if kernels := route(X.shape, window, X, g, out):
        arrays = [_four_axes(array) for array in (g, X, out)]
        return _shaped(kernels.window_max_gradient(*arrays, window.taps, window.stride), X.shape)
    if window.taps == window.stride and max(window.dilation) == 1 and computable(g, X, out):
        return _gradient_apart(g, X, out, window)
    total: Any = 0
    found: Any = None
    for tap in window.tap_slices():
        place = (..., *tap)
        chosen, found = _chosen(X[place], out, found)
        total = total + unindex(g * chosen, place, X.shape)
    return total


def _gradient_apart(g: Array, X: Array, out: Array, window: Window) -> Array:
    """Return the gradient of ``window_max`` where no number is under two windows.

    It is written in place, some images at a time, which stay in the cache for all taps.
    """
    covered = all(
        o * t == n for o, t, n in zip(window.outputs, window.taps, window.padded, strict=True)
    )
    total = np.empty_like(X) if covered else np.zeros_like(X)
    arrays: list[Any] = [g, X, out, total]
    if X.ndim == len(window.taps):
        arrays = [array[None] for array in arrays]
    images = max(1, BLOCK * len(arrays[1]) // max(1, X.size))
    for first in range(0, len(arrays[1]), images):
        grads, numbers, largest, result = (array[first : first + images] for array in arrays)
        found: Any = None
        for tap in window.tap_slices():
            chosen, found = _chosen(numbers[(..., *tap)], largest, found)
            np.multiply(grads, chosen, out=result[(..., *tap)])
    return total


def _chosen(numbers: Any, largest: Any, found: Any) -> tuple[Any, Any]:
    """Return where numbers are the first of a window that equal its largest.

    Args:
        numbers: under one tap of each window.
        largest: the largest number of each window.
        found: where a tap before has equalled it; None for the first tap.

    Returns:
        Where this tap is the first, and where it or one before has equalled it.
    """
    equal = np.equal(numbers, largest)  # NaN equals nothing
    if found is None:
        return equal, equal
    return np.greater(equal, found), np.logical_or(equal, found)


@op
def window_sum(X: Any, window: Window, divisor: float = 1.0) -> Array:
    """Return the sum of each window divided by a number; arguments as in ``window_max``."""
    if kernels := route(X.shape, window, X):
        sums: Array = kernels.window_sum(
            _four_axes(X), window.outputs, window.taps, window.stride, divisor
        )
        return _shaped(sums, X.shape[:-2] + window.outputs)
    first, *others = window.tap_slices()
    total: Array = X[(..., *first)].copy("K")
    for place in others:
        total += X[(..., *place)]
    if divisor != 1:
        total /= divisor
    return total


@gradient(window_sum, "X")
def _(g: Any, X_shape: Sizes, window: Window, divisor: float) -> Any:
    if kernels := route(X_shape, window, g):
        found = kernels.window_sum_gradient(
            _four_axes(g), window.padded, window.taps, window.stride, divisor
        )
        return _shaped(found, X_shape)
    share = widened(g) / divisor if divisor != 1 else g
    total: Any = 0
    for place in window.tap_slices():
        total = total + unindex(share, (..., *place), X_shape)
    return total


WINDOWS = [
    ((2, 1), Window.of("pool", (6,), (3,), 2)),
    ((1, 2), Window.of("pool", (5, 6), (2, 3), (1, 2), 0, (2, 1))),
    ((1, 1), Window.of("pool", (3, 4, 3), (2, 2, 2), (1, 2, 1))),
]


@samples(window_max)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for shape, window in WINDOWS:
        yield call(rng.standard_normal((*shape, *window.padded)), window)


@samples(window_sum)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for (shape, window), divisor in zip(WINDOWS, (1.0, 4.0, 1.0), strict=True):
        yield call(rng.standard_normal((*shape, *window.padded)), window, divisor)
