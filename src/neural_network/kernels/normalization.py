"""Batch normalization: the statistics, the result, and the way back, each one walk.

Mean and variance are taken block by block, in float64: a block's mean first, then the
squares of what is left of it, while it is in the cache. Then blocks are joined, in their
order. So a large mean takes no digit from the variance. Blocks are a channel of a picture
where memory is channels first, and a few rows of all channels where it is channels last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, prange
from neural_network.kernels.runtime.layouts import Array, channels_last, empty, in_memory_order

# Rows of a block, channels last: with 64 channels of float32, 16 kB.
ROWS = 64


def moments(X: Array) -> tuple[Array, Array]:
    """Return mean and variance of each channel, (C,) and (C,) in float64.

    Args:
        X: (N, C, …), float32 or float64.
    """
    last = _last(X)
    seen = _by_channel(X, last)
    count = X.size // X.shape[1]
    means, squares = _room(seen, last)
    (moments_of_rows if last else moments_of_planes)(seen, means, squares)
    size = ROWS if last else seen.shape[2]
    held = np.minimum(size, count - size * np.arange(len(means)))[:, None]
    with np.errstate(invalid="ignore", over="ignore"):  # ∞ − ∞ is NaN, and says so
        # About the first block's mean, which is near the others': their differences are small.
        mean = means[0] + np.sum((means - means[0]) * held, axis=0) / count
        squares += np.square(means - mean) * held
        return mean, np.sum(squares, axis=0) / count


def normalize(X: Array, mean: Array, scale: Array, shift: Array) -> Array:
    """Return ``(X − mean) · scale + shift``, all three (C,) in float64, in the order of ``X``."""
    last = _last(X)
    seen, out = empty(X.shape, X.dtype, last)
    run = normalize_rows if last else normalize_planes
    run(_by_channel(X, last), mean, scale, shift, _flat(seen, last))
    return out


def normalize_gradients(
    g: Array, X: Array, mean: Array, over: Array, gamma: Array
) -> tuple[Array, Array, Array]:
    """Return the loss's gradients for X, γ and β.

    With ``x̂ = (X − mean) · over`` they are ``γ · over · (g − mean(g) − x̂ · mean(g · x̂))``,
    ``Σ g · x̂`` and ``Σ g``.

    Args:
        g: that for the result, (N, C, …).
        X: what was normalized.
        mean: (C,) its mean, float64.
        over: (C,) ``1 / √(variance + ε)``, float64.
        gamma: (C,).
    """
    last = _last(X)
    given, seen = _by_channel(g, last), _by_channel(X, last)
    room, gradient = empty(X.shape, X.dtype, last)
    count = X.size // X.shape[1]
    sums, products = _room(seen, last)
    (products_of_rows if last else products_of_planes)(given, seen, mean, sums, products)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        for_beta = np.sum(sums, axis=0)
        for_gamma = np.sum(products, axis=0) * over
        by_g = gamma * over
        by_X = -by_g * over * for_gamma / count
        rest = -by_g * for_beta / count
        run = combine_rows if last else combine_planes
        run(given, seen, mean, by_g, by_X, rest, _flat(room, last))
        return gradient, for_gamma.astype(X.dtype), for_beta.astype(X.dtype)


def _last(X: Array) -> bool:
    """Say whether rows of channels go through memory: (N, C) lies that way too."""
    return channels_last(X) or X.size == X.shape[0] * X.shape[1]


def _by_channel(X: Array, last: bool) -> Array:
    """(N, C, …) → (N · places, C) or (N, C, places)."""
    return _flat(in_memory_order(X, last), last)


def _flat(seen: Array, last: bool) -> Array:
    return seen.reshape(-1, seen.shape[-1]) if last else seen.reshape(*seen.shape[:2], -1)


def _room(seen: Array, last: bool) -> tuple[Array, Array]:
    """Return room for two numbers for each block and channel: (blocks, C) and (blocks, C)."""
    blocks = -(-len(seen) // ROWS) if last else len(seen)
    first, second = np.empty((2, blocks, seen.shape[-1 if last else 1]))
    return first, second


@kernel
def moments_of_planes(X: Any, means: Any, squares: Any) -> None:
    """(N, C, P) → mean and summed squares about it, (N, C)."""
    pictures, channels, places = X.shape
    for task in prange(pictures * channels):
        n, c = task // channels, task % channels
        plane = X[n, c]
        total = 0.0
        for p in range(places):
            total += plane[p]
        mean = total / places
        square = 0.0
        for p in range(places):
            left = plane[p] - mean
            square += left * left
        means[n, c] = mean
        squares[n, c] = square


@kernel
def moments_of_rows(X: Any, means: Any, squares: Any) -> None:
    """(M, C) → mean and summed squares about it of each ``ROWS`` rows, (blocks, C)."""
    rows, channels = X.shape
    for block in prange(len(means)):
        start, stop = block * ROWS, min((block + 1) * ROWS, rows)
        mean, square = means[block], squares[block]
        mean[:] = 0.0
        square[:] = 0.0
        for row in range(start, stop):
            seen = X[row]
            for c in range(channels):
                mean[c] += seen[c]
        for c in range(channels):
            mean[c] /= stop - start
        for row in range(start, stop):
            seen = X[row]
            for c in range(channels):
                left = seen[c] - mean[c]
                square[c] += left * left


@kernel
def normalize_planes(X: Any, mean: Any, scale: Any, shift: Any, out: Any) -> None:
    """(N, C, P) → (N, C, P)."""
    pictures, channels, places = X.shape
    for task in prange(pictures * channels):
        n, c = task // channels, task % channels
        plane, to = X[n, c], out[n, c]
        for p in range(places):
            to[p] = (plane[p] - mean[c]) * scale[c] + shift[c]


@kernel
def normalize_rows(X: Any, mean: Any, scale: Any, shift: Any, out: Any) -> None:
    """(M, C) → (M, C)."""
    rows, channels = X.shape
    for block in prange(-(-rows // ROWS)):
        for row in range(block * ROWS, min((block + 1) * ROWS, rows)):
            seen, to = X[row], out[row]
            for c in range(channels):
                to[c] = (seen[c] - mean[c]) * scale[c] + shift[c]


@kernel
def products_of_planes(g: Any, X: Any, mean: Any, sums: Any, products: Any) -> None:
    """(N, C, P) → Σ g and Σ g · (X − mean), (N, C)."""
    pictures, channels, places = X.shape
    for task in prange(pictures * channels):
        n, c = task // channels, task % channels
        given, plane, middle = g[n, c], X[n, c], mean[c]
        total, product = 0.0, 0.0
        for p in range(places):
            total += given[p]
            product += given[p] * (plane[p] - middle)
        sums[n, c] = total
        products[n, c] = product


@kernel
def products_of_rows(g: Any, X: Any, mean: Any, sums: Any, products: Any) -> None:
    """(M, C) → Σ g and Σ g · (X − mean) of each ``ROWS`` rows, (blocks, C)."""
    rows, channels = X.shape
    for block in prange(len(sums)):
        total, product = sums[block], products[block]
        total[:] = 0.0
        product[:] = 0.0
        for row in range(block * ROWS, min((block + 1) * ROWS, rows)):
            given, seen = g[row], X[row]
            for c in range(channels):
                total[c] += given[c]
                product[c] += given[c] * (seen[c] - mean[c])


@kernel
def combine_planes(
    g: Any, X: Any, mean: Any, by_g: Any, by_X: Any, rest: Any, gradient: Any
) -> None:
    """``g · by_g + (X − mean) · by_X + rest`` of (N, C, P)."""
    pictures, channels, places = X.shape
    for task in prange(pictures * channels):
        n, c = task // channels, task % channels
        given, plane, to = g[n, c], X[n, c], gradient[n, c]
        for p in range(places):
            to[p] = given[p] * by_g[c] + (plane[p] - mean[c]) * by_X[c] + rest[c]


@kernel
def combine_rows(g: Any, X: Any, mean: Any, by_g: Any, by_X: Any, rest: Any, gradient: Any) -> None:
    """``g · by_g + (X − mean) · by_X + rest`` of (M, C)."""
    rows, channels = X.shape
    for block in prange(-(-rows // ROWS)):
        for row in range(block * ROWS, min((block + 1) * ROWS, rows)):
            given, seen, to = g[row], X[row], gradient[row]
            for c in range(channels):
                to[c] = given[c] * by_g[c] + (seen[c] - mean[c]) * by_X[c] + rest[c]
