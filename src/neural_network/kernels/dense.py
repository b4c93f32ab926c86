"""Dense layers: matrix products cut into blocks that fit the cache, each on one thread.

How a product is cut, and each of its sums, depends on sizes alone, so the result is the same on
any number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.products import products
from neural_network.kernels.runtime.compiler import kernel, part, prange
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
def gradients(
    X: Any, W: Any, G: Any, out: Any, spread: Any, dW: Any, db: Any, dX: Any, rectify: bool
) -> None:
    """Carry the gradient of ``affine`` back: three products, of which the last may be left out.

    Args:
        X: (N, inputs), contiguous.
        W: (inputs, units), contiguous.
        G: (N, units), contiguous: the gradient behind relu.
        out: (N, units): what relu returned; not looked at without ``rectify``.
        spread: (N, columns), contiguous, to be filled: what relu let through of ``G``, padded
            to whole vectors.
        dW: (inputs, units), contiguous, to be filled with Xᵀ · spread.
        db: (units,), to be filled with the sums of ``spread`` over rows.
        dX: (N, inputs), contiguous, to be filled with spread · Wᵀ; or empty.
        rectify: whether relu followed.
    """
    inputs, columns = X.shape[1], spread.shape[1]
    for task in prange(-(-columns // WIDTH)):
        _let_through(task * WIDTH, G, out, spread, db, rectify)
    # An even number of tasks, so that two threads have the same to do. Those of the second
    # product are as many operations as those of the third.
    weights = 2 * -(-inputs // (2 * BAND))
    band = -(-inputs // weights)
    others = -(-inputs // WIDTH) if dX.size > 0 else 0
    for task in prange(weights + others):
        if task < weights:
            _weights_share(task * band, min(band, inputs - task * band), X, spread, dW)
        else:
            _inputs_share((task - weights) * WIDTH, spread, W, dX)


@part
def _weights_share(first: int, rows: int, X: Any, spread: Any, dW: Any) -> None:
    """Compute some rows of Xᵀ · spread."""
    (count, inputs), units, columns = X.shape, dW.shape[1], spread.shape[1]
    numbers, slopes, found = X.reshape(-1), spread.reshape(-1), dW.reshape(-1)
    if rows <= 0:
        return
    # What is padded takes a way round.
    narrow = units != columns
    sums = np.empty(rows * columns if narrow else 0, X.dtype)
    target, at = (sums, 0) if narrow else (found, first * columns)
    products(
        rows, columns, numbers, first, 1, inputs, 1, 0, count,
        slopes, 0, columns, 0, target, at, columns, False,
    )  # fmt: skip
    if narrow:
        for i in range(rows):
            for u in range(units):
                dW[first + i, u] = sums[i * columns + u]


@part
def _let_through(left: int, G: Any, out: Any, spread: Any, bias: Any, rectify: bool) -> None:
    """Copy some columns of the gradients that relu let through, and sum them over rows."""
    count, units = G.shape
    shown, width = min(WIDTH, units - left), min(WIDTH, spread.shape[1] - left)
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


@part
def _inputs_share(left: int, spread: Any, W: Any, out: Any) -> None:
    """Compute some columns of spread · Wᵀ."""
    (inputs, units), (count, columns) = W.shape, spread.shape
    width = min(WIDTH, inputs - left)
    slopes, target = spread.reshape(-1), out.reshape(-1)
    # The weights of these columns, turned; those beyond the last stay 0.
    turned = np.zeros(units * WIDTH, out.dtype)
    for i in range(width):
        row = W[left + i]
        for u in range(units):
            turned[u * WIDTH + i] = row[u]
    narrow = width != WIDTH
    sums = np.empty(count * WIDTH if narrow else 0, out.dtype)
    to, at, step = (sums, 0, WIDTH) if narrow else (target, left, inputs)
    products(
        count, WIDTH, slopes, 0, columns, 1, 1, 0, units, turned, 0, WIDTH, 0, to, at, step, False
    )
    if narrow:
        for n in range(count):
            out[n, left:] = sums[n * WIDTH : n * WIDTH + width]
