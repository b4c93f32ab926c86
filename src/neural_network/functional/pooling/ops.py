"""Pooling layers: the largest number or the mean of each window, in 1, 2 or 3 dimensions.

Two ops do it for any number of spatial dimensions, on padded arrays whose last axes
are the spatial ones: ``window_max`` and ``window_sum``. The faces pad, and divide by
how many numbers a window holds where that differs from window to window.
Over two dimensions compiled twins (``kernels/pooling.py``) do large arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_flag, as_floating, check_ndim, check_not_empty, rounded
from neural_network.errors import ShapeError, sentence
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.functional.shaping import unindex
from neural_network.functional.window import (
    Pads,
    Sizes,
    output_sizes,
    per_axis,
    reach,
    resolve_padding,
    tap_slices,
    times,
)
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.kernels.runtime.layouts import plain

Rng: TypeAlias = "np.random.Generator"


def _compiled(shape: Sizes, taps: Sizes, dilation: Sizes, *arrays: Any) -> Any:
    """Return the compiled bodies if they are to do this: two axes, windows without gaps."""
    if len(taps) != 2 or dilation != (1, 1) or len(shape) > 4 or not plain(*arrays):
        return None
    if not kernel_wanted("pooling", prod(shape)):
        return None
    from neural_network.kernels import pooling

    return pooling


def _pictures(array: Array) -> Array:
    """Return a view of four axes."""
    return array[(None,) * (4 - array.ndim)]


def _places(X: Any, taps: Sizes, stride: Sizes, dilation: Sizes) -> list[tuple[Any, ...]]:
    """Return, for every tap, the index of what it sees from all outputs."""
    none = ((0, 0),) * len(taps)
    sizes = X.shape[X.ndim - len(taps) :]
    outputs = output_sizes("pool", sizes, taps, stride, none, dilation, "window")
    return [(..., *tap_slices(tap, outputs, stride, dilation)) for tap in np.ndindex(*taps)]


def _shaped(array: Array, shape: Sizes) -> Array:
    """Return the array in a shape; one that has it stays itself, the owner of its memory."""
    return array if array.shape == shape else array.reshape(shape)


@op
def window_max(X: Any, taps: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Return the largest number of each window; of equal ones the first has the gradient.

    A maximum of maxima: one axis after the other, so that a window costs the sum of
    its sides and not their product.
    """
    if bodies := _compiled(X.shape, taps, dilation, X):
        maxima: Array = bodies.window_max(_pictures(X), taps, stride)
        return _shaped(maxima, X.shape[:-2] + maxima.shape[-2:])
    largest: Array = X
    for axis in range(len(taps)):
        line, step, spacing = ([1] * len(taps) for _ in range(3))
        line[axis], step[axis], spacing[axis] = taps[axis], stride[axis], dilation[axis]
        first, *rest = _places(largest, tuple(line), tuple(step), tuple(spacing))
        seen = largest
        largest = seen[first].copy("K")
        for place in rest:
            np.maximum(largest, seen[place], out=largest)
    return largest


@gradient(window_max, "X")
def _(g: Any, X: Any, out: Any, taps: Sizes, stride: Sizes, dilation: Sizes) -> Any:
    if bodies := _compiled(X.shape, taps, dilation, X, g, out):
        arrays = (_pictures(array) for array in (g, X, out))
        return _shaped(bodies.window_max_gradient(*arrays, taps, stride), X.shape)
    apart = taps == stride and set(dilation) == {1} and plain(g, X, out)
    total: Any = np.zeros_like(X) if apart else 0
    taken: Any = None
    for place in _places(X, taps, stride, dilation):
        chosen = np.equal(X[place], out)  # NaN equals nothing
        if taken is None:
            taken = chosen
        else:
            chosen, taken = np.greater(chosen, taken), np.logical_or(chosen, taken)
        if apart:  # no number is under two windows
            np.multiply(g, chosen, out=total[place])
        else:
            total = total + unindex(g * chosen, place, X.shape)
    return total


@op
def window_sum(X: Any, taps: Sizes, stride: Sizes, dilation: Sizes, divisor: float = 1.0) -> Array:
    """Return the sum of each window, divided by a number."""
    if bodies := _compiled(X.shape, taps, dilation, X):
        sums: Array = bodies.window_sum(_pictures(X), taps, stride, divisor)
        return _shaped(sums, X.shape[:-2] + sums.shape[-2:])
    first, *rest = _places(X, taps, stride, dilation)
    total: Array = X[first].copy("K")
    for place in rest:
        total += X[place]
    if divisor != 1:
        total /= divisor
    return total


@gradient(window_sum, "X")
def _(g: Any, X_shape: Sizes, taps: Sizes, stride: Sizes, dilation: Sizes, divisor: float) -> Any:
    if bodies := _compiled(X_shape, taps, dilation, g):
        given = bodies.window_sum_gradient(_pictures(g), X_shape[-2:], taps, stride, divisor)
        return _shaped(given, X_shape)
    share = g / divisor if divisor != 1 else g
    total: Any = 0
    for place in _places(np.broadcast_to(np.zeros(()), X_shape), taps, stride, dilation):
        total = total + unindex(share, place, X_shape)
    return total


@samples(window_max)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((2, 1, 6)), (3,), (2,), (1,))
    yield call(rng.standard_normal((1, 2, 5, 6)), (2, 3), (1, 2), (2, 1))
    yield call(rng.standard_normal((1, 1, 3, 4, 3)), (2, 2, 2), (1, 2, 1), (1, 1, 1))


@samples(window_sum)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((2, 1, 6)), (3,), (2,), (1,))
    yield call(rng.standard_normal((1, 2, 5, 6)), (2, 3), (1, 2), (2, 1), 4.0)
    yield call(rng.standard_normal((1, 1, 3, 4, 3)), (2, 2, 2), (1, 2, 1), (1, 1, 1))


def pool_max(
    function: str,
    X: ArrayLike,
    size: object,
    stride: object,
    padding: object,
    dilation: object,
    ceil_mode: bool,
    axes: int,
) -> Array:
    """Check a call of any number of spatial axes, and take the maxima."""
    (X,), dtype = as_floating(function, X=X)
    taps, steps, spacing, pads, extra = _window(
        function, X, size, stride, padding, dilation, ceil_mode, axes
    )
    padded = _padded(X, pads, extra, -np.inf)
    return rounded(window_max(padded, taps, steps, spacing), dtype)


def pool_mean(
    function: str,
    X: ArrayLike,
    size: object,
    stride: object,
    padding: object,
    ceil_mode: bool,
    count_include_pad: bool,
    axes: int,
) -> Array:
    """Check a call of any number of spatial axes, and take the means."""
    (X,), dtype = as_floating(function, X=X)
    taps, steps, once, pads, extra = _window(function, X, size, stride, padding, 1, ceil_mode, axes)
    if not any(side for pair in pads for side in pair) and not any(extra):
        return rounded(window_sum(X, taps, steps, once, prod(taps)), dtype)
    # How many numbers each window really holds: the rest that ceil_mode adds never
    # counts, the padding if it is asked to.
    sizes = X.shape[-axes:]
    if as_flag(function, "count_include_pad", count_include_pad):
        sizes = tuple(n + sum(pair) for n, pair in zip(sizes, pads, strict=True))
        counted = _padded(np.ones(sizes, X.dtype), ((0, 0),) * axes, extra, 0)
    else:
        counted = _padded(np.ones(sizes, X.dtype), pads, extra, 0)
    counts = window_sum(counted, taps, steps, once)
    return rounded(window_sum(_padded(X, pads, extra, 0), taps, steps, once) / counts, dtype)


def _window(
    function: str,
    X: Array,
    size: object,
    stride: object,
    padding: object,
    dilation: object,
    ceil_mode: bool,
    axes: int,
) -> tuple[Sizes, Sizes, Sizes, Pads, Sizes]:
    """Return taps, steps, dilation, padding, and how much ceil_mode adds at each end."""
    check_ndim(function, "X", X, axes + 2)
    check_not_empty(function, "X", X)
    taps = per_axis(function, "size", size, axes)
    steps = taps if stride is None else per_axis(function, "stride", stride, axes)
    spacing = per_axis(function, "dilation", dilation, axes)
    covered, sizes = reach(taps, spacing), X.shape[2:]
    pads = resolve_padding(function, padding, sizes, covered, steps)
    # A window of nothing but padding would have no largest number and no mean.
    if any(max(pair) * 2 > cover for pair, cover in zip(pads, covered, strict=True)):
        expected = f"at most half of the window {times(covered)}"
        raise ShapeError(sentence(function, "padding", expected, repr(padding)))
    outputs = output_sizes(function, sizes, taps, steps, pads, spacing, "window")
    extra = [0] * axes
    if as_flag(function, "ceil_mode", ceil_mode):
        for i, (n, pair, s) in enumerate(zip(sizes, pads, steps, strict=True)):
            rest = n + sum(pair) - covered[i] - (outputs[i] - 1) * s
            # One window more where numbers are left over and it begins before the end.
            if rest > 0 and outputs[i] * s < n + pair[0]:
                extra[i] = s - rest
    return taps, steps, spacing, pads, tuple(extra)


def _padded(X: Array, pads: Pads, extra: Sizes, value: float) -> Array:
    """Put a number around the last axes; what is around has no gradient."""
    widths = [(before, after + more) for (before, after), more in zip(pads, extra, strict=True)]
    if not any(side for pair in widths for side in pair):
        return X
    around: list[tuple[int, int]] = [(0, 0)] * (X.ndim - len(pads)) + widths
    out: Array = np.pad(X, around)
    if value == 0:
        return out
    inside = np.pad(np.ones(X.shape[-len(pads) :], bool), widths)
    return np.where(inside, out, np.asarray(value, X.dtype))
