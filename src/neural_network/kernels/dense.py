"""Dense layers: matrix products in blocks that fit the cache, each on one thread.

The blocks, and the order of each sum, depend on sizes only, so the result is the same for any
number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.products import products
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.tile import WIDTH

# Rows of a block, and the products of each sum that a block computes at once: 512 · 64 numbers of
# the weights are 128 KB, which stay in the second-level cache.
ROWS, DEPTH = 64, 512
# Narrow products are cut into at least this many tasks, of at least this many rows.
TASKS, FEWEST = 4, 12
# Rows of the weight's gradient that a task computes at most.
BAND = 96


@kernel
def affine(X: Any, W: Any, b: Any, out: Any, relu: bool) -> None:
    """Fill ``out`` with X · W + b, or with relu of it.

    Args:
        X: (N, inputs), contiguous.
        W: (inputs, columns), contiguous, padded to whole vectors.
        b: (units,), or empty.
        out: (N, units), contiguous.
        relu: whether to apply relu.
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
        kept = min(width, units - left)
        for i in range(rows):
            row = sums[i * WIDTH : i * WIDTH + kept]
            target = out[first + i, left : left + kept]
            if b.size > 0:
                for c in range(kept):
                    row[c] += b[left + c]
            for c in range(kept):
                target[c] = np.float32(0) if relu and row[c] < 0 else row[c]


@kernel
def affine_backward(
    X: Any, W: Any, G: Any, out: Any, masked: Any, dW: Any, db: Any, dX: Any, relu: bool
) -> None:
    """Compute the gradients of ``affine``: three products, the last of them if needed.

    Args:
        X: (N, inputs), contiguous.
        W: (inputs, units), contiguous.
        G: (N, units), contiguous: the gradient for the result of ``affine``.
        out: (N, units): that result; not read without ``relu``.
        masked: (N, columns), contiguous, to be filled with ``G`` where relu passed, padded with
            zeros to whole vectors.
        dW: (inputs, units), contiguous, to be filled with Xᵀ · masked.
        db: (units,), to be filled with the sums of ``masked`` over rows.
        dX: (N, inputs), contiguous, to be filled with masked · Wᵀ; or empty.
        relu: whether ``affine`` applied relu.
    """
    inputs, columns = X.shape[1], masked.shape[1]
    for task in prange(-(-columns // WIDTH)):
        _relu_backward(task * WIDTH, G, out, masked, db, relu)
    # An even number of tasks, so that two threads get the same work. A task of the second product
    # has about as many operations as one of the third.
    weights = 2 * -(-inputs // (2 * BAND))
    band = -(-inputs // weights)
    others = -(-inputs // WIDTH) if dX.size > 0 else 0
    for task in prange(weights + others):
        if task < weights:
            _weight_rows(task * band, min(band, inputs - task * band), X, masked, dW)
        else:
            _input_columns((task - weights) * WIDTH, masked, W, dX)


@part
def _weight_rows(first: int, rows: int, X: Any, masked: Any, dW: Any) -> None:
    """Compute some rows of Xᵀ · masked."""
    (count, inputs), units, columns = X.shape, dW.shape[1], masked.shape[1]
    numbers, grad, result = X.reshape(-1), masked.reshape(-1), dW.reshape(-1)
    if rows <= 0:
        return
    # A padded result is computed in a buffer and copied.
    narrow = units != columns
    sums = np.empty(rows * columns if narrow else 0, X.dtype)
    target, at = (sums, 0) if narrow else (result, first * columns)
    products(
        rows, columns, numbers, first, 1, inputs, 1, 0, count,
        grad, 0, columns, 0, target, at, columns, False,
    )  # fmt: skip
    if narrow:
        for i in range(rows):
            for u in range(units):
                dW[first + i, u] = sums[i * columns + u]


@part
def _relu_backward(left: int, G: Any, out: Any, masked: Any, bias: Any, relu: bool) -> None:
    """Copy some columns of the gradient, masked by relu, and sum them over rows."""
    count, units = G.shape
    kept, width = min(WIDTH, units - left), min(WIDTH, masked.shape[1] - left)
    total = np.zeros(WIDTH, G.dtype)
    for n in range(count):
        source, target = G[n, left : left + kept], masked[n, left : left + width]
        if relu:
            passed = out[n, left : left + kept]
            for c in range(kept):
                target[c] = source[c] if passed[c] > 0 else np.float32(0)
        else:
            for c in range(kept):
                target[c] = source[c]
        for c in range(kept):
            total[c] += target[c]
        for c in range(kept, width):
            target[c] = np.float32(0)
    bias[left : left + kept] = total[:kept]


@part
def _input_columns(left: int, masked: Any, W: Any, out: Any) -> None:
    """Compute some columns of masked · Wᵀ."""
    (inputs, units), (count, columns) = W.shape, masked.shape
    width = min(WIDTH, inputs - left)
    grad, target = masked.reshape(-1), out.reshape(-1)
    # The transposed weights of these columns; zeros beyond the last one.
    transposed = np.zeros(units * WIDTH, out.dtype)
    for i in range(width):
        row = W[left + i]
        for u in range(units):
            transposed[u * WIDTH + i] = row[u]
    narrow = width != WIDTH
    sums = np.empty(count * WIDTH if narrow else 0, out.dtype)
    to, at, step = (sums, 0, WIDTH) if narrow else (target, left, inputs)
    products(
        count, WIDTH, grad, 0, columns, 1, 1, 0, units, transposed, 0, WIDTH, 0, to, at, step, False
    )
    if narrow:
        for n in range(count):
            out[n, left:] = sums[n * WIDTH : n * WIDTH + width]
