"""Dense layers: matrix products cut into blocks that fit the cache, each on one thread.

How a product is cut depends on its sizes alone, and each sum is taken from first to last,
so the result is the same on any number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.compiler import kernel, prange
from neural_network.kernels.products import products
from neural_network.kernels.tile import WIDTH

# Rows of a block; products of a block that are summed before the next block of rows comes:
# 512 · 64 numbers of the weights are 128 KB, and stay in the second-level cache.
ROWS, DEPTH = 64, 512
# Narrow products are cut into so many tasks at least, of so many rows at least.
TASKS, FEWEST = 4, 12
# Rows of a weight's gradient that a task computes, at most.
BAND = 96


@kernel
def affine(X: Any, W: Any, b: Any, out: Any, rectify: bool) -> None:
    """Fill ``out`` with X · W + b; ``rectify`` makes it max(0, ·).

    Args:
        X: (N, inputs), contiguous.
        W: (inputs, columns), contiguous, padded to whole vectors.
        b: (units,), or empty for nothing.
        out: (N, units), contiguous.
        rectify: whether relu follows.
    """
    count, inputs = X.shape
    columns, units = W.shape[1], out.shape[1]
    numbers, weights = X.reshape(-1), W.reshape(-1)
    wide = -(-columns // WIDTH)
    high = max(-(-count // ROWS), min(TASKS // wide, -(-count // FEWEST)))
    band = -(-count // high)
    for task in prange(high * wide):
        first, left = task // wide * band, task % wide * WIDTH
        rows, width = min(band, count - first), min(WIDTH, columns - left)
        sums = np.empty(ROWS * WIDTH, X.dtype)
        for k in range(0, inputs, DEPTH):
            products(
                rows, width, numbers, first * inputs + k, inputs, 1, 1, 0,
                min(DEPTH, inputs - k), weights, k * columns + left, columns, 0,
                sums, 0, WIDTH, k > 0,
            )  # fmt: skip
        shown = min(width, units - left)
        for i in range(rows):
            found = sums[i * WIDTH : i * WIDTH + shown]
            target = out[first + i, left : left + shown]
            if b.size > 0:
                for c in range(shown):
                    found[c] += b[left + c]
            for c in range(shown):
                target[c] = np.float32(0) if rectify and found[c] < 0 else found[c]


@kernel
def slopes(G: Any, out: Any, spread: Any, bias: Any, rectify: bool) -> None:
    """Copy gradients (N, units) into padded columns, those that relu let through; sum them.

    Args:
        G: (N, units), contiguous.
        out: (N, units): what relu returned; not looked at without ``rectify``.
        spread: (N, columns), contiguous, to be filled.
        bias: (units,), to be filled with the sums over rows.
        rectify: whether relu followed.
    """
    count, units = G.shape
    columns = spread.shape[1]
    for task in prange(-(-columns // WIDTH)):
        left = task * WIDTH
        shown, width = min(WIDTH, units - left), min(WIDTH, columns - left)
        total = np.zeros(WIDTH, G.dtype)
        for n in range(count):
            source, target = G[n, left : left + shown], spread[n, left : left + width]
            if rectify:
                passed = out[n, left : left + shown]
                for c in range(shown):
                    target[c] = source[c] if passed[c] > 0 else np.float32(0)
            else:
                for c in range(shown):
                    target[c] = source[c]
            for c in range(shown):
                total[c] += target[c]
            for c in range(shown, width):
                target[c] = np.float32(0)
        bias[left : left + shown] = total[:shown]


@kernel
def weights_gradient(X: Any, G: Any, out: Any) -> None:
    """Fill ``out`` with Xᵀ · G.

    Args:
        X: (N, inputs), contiguous.
        G: (N, columns), contiguous, padded to whole vectors.
        out: (inputs, columns), contiguous.
    """
    count, inputs = X.shape
    columns = G.shape[1]
    numbers, gradients, sums = X.reshape(-1), G.reshape(-1), out.reshape(-1)
    # An even number of tasks, so that two threads have the same to do.
    tasks = 2 * -(-inputs // (2 * BAND))
    band = -(-inputs // tasks)
    for task in prange(tasks):
        first = task * band
        rows = min(band, inputs - first)
        if rows > 0:
            products(
                rows, columns, numbers, first, 1, inputs, 1, 0, count,
                gradients, 0, columns, 0, sums, first * columns, columns, False,
            )  # fmt: skip


@kernel
def inputs_gradient(G: Any, W: Any, out: Any) -> None:
    """Fill ``out`` with G · Wᵀ.

    Args:
        G: (N, units), contiguous.
        W: (inputs, units), contiguous.
        out: (N, inputs), contiguous.
    """
    count, units = G.shape
    inputs = W.shape[0]
    gradients, target = G.reshape(-1), out.reshape(-1)
    for task in prange(-(-inputs // WIDTH)):
        left = task * WIDTH
        width = min(WIDTH, inputs - left)
        # The weights of this task, turned; columns beyond the last stay 0.
        turned = np.zeros(units * WIDTH, G.dtype)
        for i in range(width):
            row = W[left + i]
            for u in range(units):
                turned[u * WIDTH + i] = row[u]
        if width == WIDTH:
            products(
                count, WIDTH, gradients, 0, units, 1, 1, 0, units,
                turned, 0, WIDTH, 0, target, left, inputs, False,
            )  # fmt: skip
        else:
            sums = np.empty(count * WIDTH, G.dtype)
            products(
                count, WIDTH, gradients, 0, units, 1, 1, 0, units,
                turned, 0, WIDTH, 0, sums, 0, WIDTH, False,
            )  # fmt: skip
            for n in range(count):
                out[n, left:] = sums[n * WIDTH : n * WIDTH + width]
