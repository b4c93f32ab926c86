"""Max and sum pooling of images, and their gradients.

There are kernels for both memory orders. Channels first, a task is one plane: windows are taken
from every position of the flattened plane, one side of the window after the other, so that the
loops are long; then the positions where windows begin are picked out. Channels last, the inner
loop runs over channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.copies import copy, fill
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.runtime.layouts import (
    Array,
    Sizes,
    channels_last,
    empty,
    in_memory_order,
)


def window_max(X: Array, outputs: Sizes, taps: Sizes, stride: Sizes) -> Array:
    """Return the largest number of each window; NaN if it contains one.

    Args:
        X: (N, C, H, W), float32 or float64.
        outputs: OH and OW.
        taps: height and width of the window.
        stride: its steps.

    Returns:
        (N, C, OH, OW), in the memory order of ``X``.
    """
    shape, one = (*X.shape[:2], *outputs), X.dtype.type(1)
    return _run(pool_planes, pool_pixels, shape, (X,), *taps, *stride, one, True)


def window_max_gradient(g: Array, X: Array, out: Array, taps: Sizes, stride: Sizes) -> Array:
    """Return the gradient for ``X``: each window's goes to the first of its largest numbers.

    Args:
        g: the gradient for the result, (N, C, OH, OW).
        X, out: argument and result of ``window_max``.
        taps, stride: as there.
    """
    bodies = max_gradient_of_planes, max_gradient_of_pixels
    return _run(*bodies, X.shape, (X, g, out), *taps, *stride)


def window_sum(X: Array, outputs: Sizes, taps: Sizes, stride: Sizes, divisor: float = 1.0) -> Array:
    """Return the sum of each window, divided by a number; arguments as in ``window_max``."""
    shape, number = (*X.shape[:2], *outputs), X.dtype.type(divisor)
    return _run(pool_planes, pool_pixels, shape, (X,), *taps, *stride, number, False)


def window_sum_gradient(
    g: Array, sizes: Sizes, taps: Sizes, stride: Sizes, divisor: float = 1.0
) -> Array:
    """Return the gradient for images of these ``sizes`` (H, W); see ``window_sum``."""
    bodies = sum_gradient_of_planes, sum_gradient_of_pixels
    return _run(*bodies, (*g.shape[:2], *sizes), (g,), *taps, *stride, g.dtype.type(divisor))


def _run(planes: Any, pixels: Any, shape: Sizes, arrays: tuple[Array, ...], *numbers: Any) -> Array:
    """Run the kernel for the memory order of the first array; return a result of this shape."""
    last = channels_last(arrays[0])
    memory, out = empty(shape, arrays[0].dtype, last)
    given = [in_memory_order(array, last) for array in arrays]
    if last:
        pixels(*given, memory, *numbers)
    else:  # (N, C, H, W) → (N · C, H, W)
        planes(*(array.reshape(-1, *array.shape[2:]) for array in (*given, memory)), *numbers)
    return out


@part
def _combine(total: Any, numbers: Any, count: int, maximum: bool) -> None:
    """Keep the larger ones in ``total``, or add to it."""
    if maximum:
        for i in range(count):
            if numbers[i] > total[i] or numbers[i] != numbers[i]:  # NaN is kept
                total[i] = numbers[i]
    else:
        for i in range(count):
            total[i] += numbers[i]


@kernel
def pool_planes(
    X: Any, out: Any, fh: int, fw: int, sh: int, sw: int, divisor: Any, maximum: bool
) -> None:
    """(P, H, W) → (P, OH, OW): the maximum of each window, or its sum, over ``divisor``."""
    planes, height, width = X.shape
    rows, columns = out.shape[1:]
    for p in prange(planes):
        plane = X[p].reshape(height * width)
        total = plane.copy()
        count = (height - fh + 1) * width
        for a in range(1, fh):
            _combine(total, plane[a * width :], count, maximum)
        tall = total[:count].copy()
        count -= fw - 1
        for b in range(1, fw):
            _combine(total, tall[b:], count, maximum)
        if not maximum:
            for q in range(count):
                total[q] = total[q] / divisor
        for i in range(rows):
            for j in range(columns):
                out[p, i, j] = total[i * sh * width + j * sw]


@kernel
def pool_pixels(
    X: Any, out: Any, fh: int, fw: int, sh: int, sw: int, divisor: Any, maximum: bool
) -> None:
    """(N, H, W, C) → (N, OH, OW, C), as ``pool_planes``."""
    images, rows, columns, channels = out.shape
    for task in prange(images * rows):
        n, i = task // rows, task % rows
        for j in range(columns):
            total = out[n, i, j]
            copy(X[n, i * sh, j * sw], total)
            for tap in range(1, fh * fw):
                numbers = X[n, i * sh + tap // fw, j * sw + tap % fw]
                # Not ``_combine``: for so few numbers its call counts.
                if maximum:
                    for c in range(channels):
                        if numbers[c] > total[c] or numbers[c] != numbers[c]:  # NaN is kept
                            total[c] = numbers[c]
                else:
                    for c in range(channels):
                        total[c] += numbers[c]
            if not maximum:
                for c in range(channels):
                    total[c] = total[c] / divisor


@kernel
def max_gradient_of_planes(
    X: Any, g: Any, out: Any, gradient: Any, fh: int, fw: int, sh: int, sw: int
) -> None:
    """Add ``g`` (P, OH, OW) to the first maximum of each window of ``X`` (P, H, W)."""
    planes, rows, columns = out.shape
    one = X.dtype.type(1)
    zero = X.dtype.type(0)
    for p in prange(planes):
        gradient[p] = zero
        for i in range(rows):
            top = i * sh
            if fh == 2 and fw == 2 and sw == 2 and sh >= 2:
                # The most common window, written out so that the compiler vectorizes it.
                line, above, below = out[p, i], X[p, top], X[p, top + 1]
                upper, lower = gradient[p, top], gradient[p, top + 1]
                for j in range(columns):
                    largest = line[j]
                    first = one if above[2 * j] == largest else zero
                    free = one - first
                    second = free if above[2 * j + 1] == largest else zero
                    free -= second
                    third = free if below[2 * j] == largest else zero
                    free -= third
                    fourth = free if below[2 * j + 1] == largest else zero
                    grad = g[p, i, j]
                    upper[2 * j] = grad * first
                    upper[2 * j + 1] = grad * second
                    lower[2 * j] = grad * third
                    lower[2 * j + 1] = grad * fourth
                continue
            for j in range(columns):
                left = j * sw
                largest, grad, free = out[p, i, j], g[p, i, j], one
                for a in range(fh):
                    for b in range(fw):
                        chosen = free if X[p, top + a, left + b] == largest else zero
                        gradient[p, top + a, left + b] += grad * chosen
                        free -= chosen


@kernel
def max_gradient_of_pixels(
    X: Any, g: Any, out: Any, gradient: Any, fh: int, fw: int, sh: int, sw: int
) -> None:
    """Add ``g`` (N, OH, OW, C) to the first maximum of each window of ``X``."""
    images, rows, columns, channels = out.shape
    height = X.shape[1]
    one = X.dtype.type(1)
    zero = X.dtype.type(0)
    # Where windows overlap, only whole images are independent.
    bands = rows if fh <= sh else 1
    for task in prange(images * bands):
        n, band = task // bands, task % bands
        first, end = (band, band + 1) if bands > 1 else (0, rows)
        gradient[n, first * sh : height if end == rows else end * sh] = zero
        free = np.empty(channels, X.dtype)
        for i in range(first, end):
            for j in range(columns):
                largest, grad = out[n, i, j], g[n, i, j]
                free[:] = one
                for tap in range(fh * fw):
                    numbers = X[n, i * sh + tap // fw, j * sw + tap % fw]
                    target = gradient[n, i * sh + tap // fw, j * sw + tap % fw]
                    for c in range(channels):
                        chosen = free[c] if numbers[c] == largest[c] else zero
                        target[c] += grad[c] * chosen
                        free[c] -= chosen


@kernel
def sum_gradient_of_planes(
    g: Any, gradient: Any, fh: int, fw: int, sh: int, sw: int, divisor: Any
) -> None:
    """Add ``g`` (P, OH, OW) to each number of its window in (P, H, W)."""
    planes, rows, columns = g.shape
    width = gradient.shape[2]
    zero = g.dtype.type(0)
    for p in prange(planes):
        gradient[p] = zero
        line = np.empty(width, g.dtype)
        for i in range(rows):
            line[:] = zero
            for b in range(fw):
                for j in range(columns):
                    line[j * sw + b] += g[p, i, j] / divisor
            for a in range(fh):
                target = gradient[p, i * sh + a]
                for q in range(width):
                    target[q] += line[q]


@kernel
def sum_gradient_of_pixels(
    g: Any, gradient: Any, fh: int, fw: int, sh: int, sw: int, divisor: Any
) -> None:
    """Add ``g`` (N, OH, OW, C) to each number of its window in (N, H, W, C)."""
    images, rows, columns, channels = g.shape
    height = gradient.shape[1]
    zero = g.dtype.type(0)
    # Where windows overlap, only whole images are independent.
    bands = rows if fh <= sh else 1
    for task in prange(images * bands):
        n, band = task // bands, task % bands
        first, end = (band, band + 1) if bands > 1 else (0, rows)
        gradient[n, first * sh : height if end == rows else end * sh] = zero
        for i in range(first, end):
            for j in range(columns):
                grad = g[n, i, j]
                for tap in range(fh * fw):
                    target = gradient[n, i * sh + tap // fw, j * sw + tap % fw]
                    for c in range(channels):
                        target[c] += grad[c] / divisor


@kernel
def mean_of_pixels(X: Any, out: Any) -> None:
    """(N, H, W, C) → (N, C): the mean over all places, summed row by row."""
    images, height, width, channels = X.shape
    count = X.dtype.type(height * width)
    for n in prange(images):
        total, mean = np.empty(channels, X.dtype), out[n]
        fill(mean, 0, channels, X.dtype.type(0))
        for i in range(height):
            fill(total, 0, channels, X.dtype.type(0))
            for j in range(width):
                _combine(total, X[n, i, j], channels, False)
            _combine(mean, total, channels, False)
        for c in range(channels):
            mean[c] /= count


@kernel
def mean_gradient_of_pixels(g: Any, gradient: Any) -> None:
    """Fill (N, H, W, C) with its share of ``g`` (N, C) at each place."""
    images, height, width, channels = gradient.shape
    count = g.dtype.type(height * width)
    for n in prange(images):
        share = np.empty(channels, g.dtype)
        for c in range(channels):
            share[c] = g[n, c] / count
        for i in range(height):
            for j in range(width):
                copy(share, gradient[n, i, j])
