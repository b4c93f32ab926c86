"""The largest number, or the sum, of each window of pictures, and their gradients.

Each for both orders of memory. Channels first, one task is a plane: windows are taken
along it without regard to where a row ends, one side of the window after the other, so
that the loops are long; then the places where windows really begin are picked out.
Channels last, the inner loop goes over channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, prange
from neural_network.kernels.runtime.layouts import (
    Array,
    Sizes,
    channels_last,
    empty,
    in_memory_order,
)


def window_max(X: Array, outputs: Sizes, taps: Sizes, stride: Sizes) -> Array:
    """Return the largest number of each window; NaN where there is one.

    Args:
        X: (N, C, H, W), float32 or float64.
        outputs: OH and OW.
        taps: height and width of the window.
        stride: its steps.

    Returns:
        (N, C, OH, OW), in the same order of memory.
    """
    last = channels_last(X)
    seen, out = empty((*X.shape[:2], *outputs), X.dtype, last)
    run = max_of_pixels if last else max_of_planes
    run(_by_task(in_memory_order(X, last), last), _by_task(seen, last), *taps, *stride)
    return out


def window_max_gradient(g: Array, X: Array, out: Array, taps: Sizes, stride: Sizes) -> Array:
    """Return the loss's gradient for ``X``; equal largest numbers share.

    Args:
        g: that for the maxima, (N, C, OH, OW).
        X, out: what ``window_max`` was given, and what it returned.
        taps, stride: as there.
    """
    last = channels_last(X)
    seen, gradient = empty(X.shape, X.dtype, last)
    run = max_of_pixels_gradient if last else max_of_planes_gradient
    arrays = (_by_task(in_memory_order(array, last), last) for array in (g, X, out))
    run(*arrays, _by_task(seen, last), *taps, *stride)
    return gradient


def window_sum(X: Array, outputs: Sizes, taps: Sizes, stride: Sizes, divisor: float = 1.0) -> Array:
    """Return the sum of each window divided by a number; otherwise as ``window_max``."""
    last = channels_last(X)
    seen, out = empty((*X.shape[:2], *outputs), X.dtype, last)
    run = sum_of_pixels if last else sum_of_planes
    arrays = _by_task(in_memory_order(X, last), last), _by_task(seen, last)
    run(*arrays, *taps, *stride, X.dtype.type(divisor))
    return out


def window_sum_gradient(
    g: Array, sizes: Sizes, taps: Sizes, stride: Sizes, divisor: float = 1.0
) -> Array:
    """Return the loss's gradient for pictures of these ``sizes`` (H, W); see ``window_sum``."""
    last = channels_last(g)
    seen, gradient = empty((*g.shape[:2], *sizes), g.dtype, last)
    run = sum_of_pixels_gradient if last else sum_of_planes_gradient
    arrays = _by_task(in_memory_order(g, last), last), _by_task(seen, last)
    run(*arrays, *taps, *stride, g.dtype.type(divisor))
    return gradient


def _by_task(array: Array, last: bool) -> Array:
    """(N, C, H, W) → (N · C, H · W): planes; (N, H, W, C) as it is."""
    return array if last else array.reshape(-1, *array.shape[2:])


@kernel
def max_of_planes(X: Any, out: Any, fh: int, fw: int, sh: int, sw: int) -> None:
    """(P, H, W) → (P, OH, OW)."""
    planes, height, width = X.shape
    rows, columns = out.shape[1:]
    for p in prange(planes):
        plane = X[p].reshape(height * width)
        largest = plane.copy()
        count = (height - fh + 1) * width
        for a in range(1, fh):
            seen = plane[a * width : a * width + count]
            for q in range(count):
                if seen[q] > largest[q] or seen[q] != seen[q]:  # NaN goes on
                    largest[q] = seen[q]
        tall = largest[:count].copy()
        count -= fw - 1
        for b in range(1, fw):
            seen = tall[b : b + count]
            for q in range(count):
                if seen[q] > largest[q] or seen[q] != seen[q]:  # NaN goes on
                    largest[q] = seen[q]
        for i in range(rows):
            for j in range(columns):
                out[p, i, j] = largest[i * sh * width + j * sw]


@kernel
def max_of_pixels(X: Any, out: Any, fh: int, fw: int, sh: int, sw: int) -> None:
    """(N, H, W, C) → (N, OH, OW, C)."""
    pictures, rows, columns, channels = out.shape
    for task in prange(pictures * rows):
        n, i = task // rows, task % rows
        for j in range(columns):
            largest = out[n, i, j]
            largest[:] = X[n, i * sh, j * sw]
            for tap in range(1, fh * fw):
                seen = X[n, i * sh + tap // fw, j * sw + tap % fw]
                for c in range(channels):
                    if seen[c] > largest[c] or seen[c] != seen[c]:  # NaN goes on
                        largest[c] = seen[c]


@kernel
def max_of_planes_gradient(
    g: Any, X: Any, out: Any, gradient: Any, fh: int, fw: int, sh: int, sw: int
) -> None:
    """Give ``g`` (P, OH, OW) to the first of the largest of each window of ``X`` (P, H, W)."""
    planes, rows, columns = out.shape
    one = X.dtype.type(1)
    none = X.dtype.type(0)
    for p in prange(planes):
        gradient[p] = none
        for i in range(rows):
            top = i * sh
            if fh == 2 and fw == 2 and sw == 2 and sh >= 2:
                # The usual window, written out: the compiler makes vectors of it.
                line, above, below = out[p, i], X[p, top], X[p, top + 1]
                upper, lower = gradient[p, top], gradient[p, top + 1]
                for j in range(columns):
                    here = line[j]
                    first = one if above[2 * j] == here else none
                    free = one - first
                    second = free if above[2 * j + 1] == here else none
                    free -= second
                    third = free if below[2 * j] == here else none
                    free -= third
                    fourth = free if below[2 * j + 1] == here else none
                    wanted = g[p, i, j]
                    upper[2 * j] = wanted * first
                    upper[2 * j + 1] = wanted * second
                    lower[2 * j] = wanted * third
                    lower[2 * j + 1] = wanted * fourth
                continue
            for j in range(columns):
                left = j * sw
                here, wanted, free = out[p, i, j], g[p, i, j], one
                for a in range(fh):
                    for b in range(fw):
                        chosen = free if X[p, top + a, left + b] == here else none
                        gradient[p, top + a, left + b] += wanted * chosen
                        free -= chosen


@kernel
def max_of_pixels_gradient(
    g: Any, X: Any, out: Any, gradient: Any, fh: int, fw: int, sh: int, sw: int
) -> None:
    """Give ``g`` (N, OH, OW, C) to the first of the largest of each window of ``X``."""
    pictures, rows, columns, channels = out.shape
    height = X.shape[1]
    one = X.dtype.type(1)
    none = X.dtype.type(0)
    # Where windows overlap, only whole pictures are apart.
    bands = rows if fh <= sh else 1
    for task in prange(pictures * bands):
        n, band = task // bands, task % bands
        first, end = (band, band + 1) if bands > 1 else (0, rows)
        gradient[n, first * sh : height if end == rows else end * sh] = none
        free = np.empty(channels, X.dtype)
        for i in range(first, end):
            for j in range(columns):
                here, wanted = out[n, i, j], g[n, i, j]
                free[:] = one
                for tap in range(fh * fw):
                    seen = X[n, i * sh + tap // fw, j * sw + tap % fw]
                    given = gradient[n, i * sh + tap // fw, j * sw + tap % fw]
                    for c in range(channels):
                        chosen = free[c] if seen[c] == here[c] else none
                        given[c] += wanted[c] * chosen
                        free[c] -= chosen


@kernel
def sum_of_planes(X: Any, out: Any, fh: int, fw: int, sh: int, sw: int, divisor: Any) -> None:
    """(P, H, W) → (P, OH, OW)."""
    planes, height, width = X.shape
    rows, columns = out.shape[1:]
    for p in prange(planes):
        plane = X[p].reshape(height * width)
        total = plane.copy()
        count = (height - fh + 1) * width
        for a in range(1, fh):
            seen = plane[a * width : a * width + count]
            for q in range(count):
                total[q] += seen[q]
        tall = total[:count].copy()
        count -= fw - 1
        for b in range(1, fw):
            seen = tall[b : b + count]
            for q in range(count):
                total[q] += seen[q]
        for i in range(rows):
            for j in range(columns):
                out[p, i, j] = total[i * sh * width + j * sw] / divisor


@kernel
def sum_of_pixels(X: Any, out: Any, fh: int, fw: int, sh: int, sw: int, divisor: Any) -> None:
    """(N, H, W, C) → (N, OH, OW, C)."""
    pictures, rows, columns, channels = out.shape
    for task in prange(pictures * rows):
        n, i = task // rows, task % rows
        for j in range(columns):
            total = out[n, i, j]
            total[:] = X[n, i * sh, j * sw]
            for tap in range(1, fh * fw):
                seen = X[n, i * sh + tap // fw, j * sw + tap % fw]
                for c in range(channels):
                    total[c] += seen[c]
            for c in range(channels):
                total[c] = total[c] / divisor


@kernel
def sum_of_planes_gradient(
    g: Any, gradient: Any, fh: int, fw: int, sh: int, sw: int, divisor: Any
) -> None:
    """Give every number under a window (P, H, W) its ``g`` (P, OH, OW)."""
    planes, rows, columns = g.shape
    width = gradient.shape[2]
    none = g.dtype.type(0)
    for p in prange(planes):
        gradient[p] = none
        line = np.empty(width, g.dtype)
        for i in range(rows):
            line[:] = none
            for b in range(fw):
                for j in range(columns):
                    line[j * sw + b] += g[p, i, j] / divisor
            for a in range(fh):
                given = gradient[p, i * sh + a]
                for q in range(width):
                    given[q] += line[q]


@kernel
def sum_of_pixels_gradient(
    g: Any, gradient: Any, fh: int, fw: int, sh: int, sw: int, divisor: Any
) -> None:
    """Give every number under a window (N, H, W, C) its ``g`` (N, OH, OW, C)."""
    pictures, rows, columns, channels = g.shape
    height = gradient.shape[1]
    none = g.dtype.type(0)
    # Where windows overlap, only whole pictures are apart.
    bands = rows if fh <= sh else 1
    for task in prange(pictures * bands):
        n, band = task // bands, task % bands
        first, end = (band, band + 1) if bands > 1 else (0, rows)
        gradient[n, first * sh : height if end == rows else end * sh] = none
        for i in range(first, end):
            for j in range(columns):
                wanted = g[n, i, j]
                for tap in range(fh * fw):
                    given = gradient[n, i * sh + tap // fw, j * sw + tap % fw]
                    for c in range(channels):
                        given[c] += wanted[c] / divisor
