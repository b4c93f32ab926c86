"""Batch normalization: statistics, result and gradients, each in one pass over memory.

Mean and variance are computed by blocks in float64: the block's mean, then the sum of squared
differences from it while the block is in the cache. The blocks are then combined in order. So a
large mean costs the variance no digits. A block is one channel of an image where memory is
channels first, and ``ROWS`` rows of all channels where it is channels last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.moments import combine, mean_and_squares
from neural_network.kernels.runtime.compiler import kernel, prange
from neural_network.kernels.runtime.layouts import Array, channels_last, empty, in_memory_order

# Rows of a block, channels last: 16 kB for 64 channels of float32.
ROWS = 64


def moments(X: Array) -> tuple[Array, Array]:
    """Return mean and variance of each channel, (C,) and (C,) in float64.

    Args:
        X: (N, C, …), float32 or float64.
    """
    last = _last(X)
    numbers = _by_channel(X, last)
    mean, variance = np.empty((2, X.shape[1]))
    (moments_of_rows if last else moments_of_planes)(
        numbers, *_two_sums(numbers, last), mean, variance
    )
    return mean, variance


def normalize(X: Array, mean: Array, scale: Array, shift: Array) -> Array:
    """Return ``(X − mean) · scale + shift``, all three (C,) float64, in ``X``'s memory order."""
    last = _last(X)
    memory, out = empty(X.shape, X.dtype, last)
    run = normalize_rows if last else normalize_planes
    run(_by_channel(X, last), mean, scale, shift, _flat(memory, last))
    return out


def normalize_gradients(
    g: Array, X: Array, mean: Array, over: Array, gamma: Array
) -> tuple[Array, Array, Array]:
    """Return the gradients for X, γ and β.

    With ``x̂ = (X − mean) · over`` they are ``γ · over · (g − mean(g) − x̂ · mean(g · x̂))``,
    ``Σ g · x̂`` and ``Σ g``.

    Args:
        g: the gradient for the result, (N, C, …).
        X: the normalized array.
        mean: (C,) its mean, float64.
        over: (C,) ``1 / √(variance + ε)``, float64.
        gamma: (C,).
    """
    last = _last(X)
    grad, numbers = _by_channel(g, last), _by_channel(X, last)
    memory, gradient = empty(X.shape, X.dtype, last)
    count = X.size // X.shape[1]
    sums, products = _two_sums(numbers, last)
    (products_of_rows if last else products_of_planes)(grad, numbers, mean, sums, products)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        for_beta = np.sum(sums, axis=0)
        for_gamma = np.sum(products, axis=0) * over
        by_g = gamma * over
        by_X = -by_g * over * for_gamma / count
        rest = -by_g * for_beta / count
        run = combine_rows if last else combine_planes
        run(grad, numbers, mean, by_g, by_X, rest, _flat(memory, last))
        return gradient, for_gamma.astype(X.dtype), for_beta.astype(X.dtype)


def _last(X: Array) -> bool:
    """Return whether memory consists of rows of channels, as that of (N, C) does."""
    return channels_last(X) or X.size == X.shape[0] * X.shape[1]


def _by_channel(X: Array, last: bool) -> Array:
    """(N, C, …) → (N · places, C) or (N, C, places)."""
    return _flat(in_memory_order(X, last), last)


def _flat(array: Array, last: bool) -> Array:
    return array.reshape(-1, array.shape[-1]) if last else array.reshape(*array.shape[:2], -1)


def _two_sums(numbers: Array, last: bool) -> tuple[Array, Array]:
    """Return memory for two sums of each block and channel: (blocks, C) and (blocks, C)."""
    blocks = -(-len(numbers) // ROWS) if last else len(numbers)
    first, second = np.empty((2, blocks, numbers.shape[-1 if last else 1]))
    return first, second


@kernel
def moments_of_planes(X: Any, means: Any, squares: Any, mean_of_all: Any, variance: Any) -> None:
    """(N, C, P) → mean and sum of squared differences from it, (N, C); and of all, (C,)."""
    images, channels, places = X.shape
    for task in prange(images * channels):
        n, c = task // channels, task % channels
        means[n, c], squares[n, c] = mean_and_squares(X[n, c])
    combine(means, squares, places, images * places, mean_of_all, variance)


@kernel
def moments_of_rows(X: Any, means: Any, squares: Any, mean_of_all: Any, variance: Any) -> None:
    """(M, C) → mean and sum of squared differences from it of each ``ROWS`` rows; and of all."""
    rows, channels = X.shape
    for block in prange(len(means)):
        start, stop = block * ROWS, min((block + 1) * ROWS, rows)
        mean, square = means[block], squares[block]
        mean[:] = 0.0
        square[:] = 0.0
        for row in range(start, stop):
            numbers = X[row]
            for c in range(channels):
                mean[c] += numbers[c]
        for c in range(channels):
            mean[c] /= stop - start
        for row in range(start, stop):
            numbers = X[row]
            for c in range(channels):
                difference = numbers[c] - mean[c]
                square[c] += difference * difference
    combine(means, squares, ROWS, rows, mean_of_all, variance)


@kernel
def normalize_planes(X: Any, mean: Any, scale: Any, shift: Any, out: Any) -> None:
    """(N, C, P) → (N, C, P)."""
    images, channels, places = X.shape
    for task in prange(images * channels):
        n, c = task // channels, task % channels
        plane, to = X[n, c], out[n, c]
        for p in range(places):
            to[p] = (plane[p] - mean[c]) * scale[c] + shift[c]


@kernel
def normalize_rows(X: Any, mean: Any, scale: Any, shift: Any, out: Any) -> None:
    """(M, C) → (M, C)."""
    rows, channels = X.shape
    for row in prange(rows):
        numbers, to = X[row], out[row]
        for c in range(channels):
            to[c] = (numbers[c] - mean[c]) * scale[c] + shift[c]


@kernel
def products_of_planes(g: Any, X: Any, mean: Any, sums: Any, products: Any) -> None:
    """(N, C, P) → Σ g and Σ g · (X − mean), (N, C)."""
    images, channels, places = X.shape
    for task in prange(images * channels):
        n, c = task // channels, task % channels
        grad, plane, middle = g[n, c], X[n, c], mean[c]
        total, product = 0.0, 0.0
        for p in range(places):
            total += grad[p]
            product += grad[p] * (plane[p] - middle)
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
            grad, numbers = g[row], X[row]
            for c in range(channels):
                total[c] += grad[c]
                product[c] += grad[c] * (numbers[c] - mean[c])


@kernel
def combine_planes(
    g: Any, X: Any, mean: Any, by_g: Any, by_X: Any, rest: Any, gradient: Any
) -> None:
    """``g · by_g + (X − mean) · by_X + rest`` of (N, C, P)."""
    images, channels, places = X.shape
    for task in prange(images * channels):
        n, c = task // channels, task % channels
        grad, plane, to = g[n, c], X[n, c], gradient[n, c]
        for p in range(places):
            to[p] = grad[p] * by_g[c] + (plane[p] - mean[c]) * by_X[c] + rest[c]


@kernel
def combine_rows(g: Any, X: Any, mean: Any, by_g: Any, by_X: Any, rest: Any, gradient: Any) -> None:
    """``g · by_g + (X − mean) · by_X + rest`` of (M, C)."""
    rows, channels = X.shape
    for row in prange(rows):
        grad, numbers, to = g[row], X[row], gradient[row]
        for c in range(channels):
            to[c] = grad[c] * by_g[c] + (numbers[c] - mean[c]) * by_X[c] + rest[c]
