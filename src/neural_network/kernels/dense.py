"""Dense layers: matrix products in blocks that fit the cache, each on one thread.

The blocks, and the order of each sum, depend on sizes only, so the result is the same for any
number of threads.

BLAS is not called: on one thread it has no clear advantage for sizes of layers, as
``python benchmarks/thresholds.py products`` prints beside these kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.copies import copy
from neural_network.kernels.products import PADDED_TO, products
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.tile import WIDTH, add_bias, relu_backward, transpose

# Rows of a block, and the products of each sum that a block computes at once: 512 · 64 numbers of
# the weights are 128 KB, which stay in the second-level cache.
ROWS, DEPTH = 64, 512
# Narrow products are cut into at least this many tasks, of at least this many rows.
TASKS, FEWEST = 4, 12
# Rows of the weight's gradient that a task computes at most.
BAND = 96
# Rows of the batch that one sum of the weight's gradient adds up at once.
SAMPLES = 256
# Batches of at least so many rows, as those of sequences, are halved where a layer is so narrow
# that the second thread would have nothing to do.
HALVED = 256


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
    numbers, weights, results = X.reshape(-1), W.reshape(-1), out.reshape(-1)
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
        biases = np.zeros(WIDTH, X.dtype)
        for c in range(kept if b.size > 0 else 0):
            biases[c] = b[left + c]
        whole = kept // 8 * 8
        add_bias(rows, whole, sums, WIDTH, biases, results, first * units + left, units, relu)
        for c in range(whole, kept):
            for i in range(rows):
                total = sums[i * WIDTH + c] + biases[c]
                out[first + i, left + c] = np.float32(0) if relu and total < 0 else total


@kernel
def affine_backward(
    X: Any, W: Any, G: Any, out: Any, masked: Any, dW: Any, db: Any, dX: Any, relu: bool
) -> None:
    """Compute the gradients of ``affine``: three products, the last of them if needed.

    Args:
        X: (N, inputs), contiguous.
        W: (inputs, units), contiguous.
        G: (N, units), contiguous: the gradient for the result of ``affine``.
        out: (N, units), contiguous: that result; without ``relu`` its numbers do not matter.
        masked: (N, columns), contiguous, that may be overwritten: ``G`` where relu passed, padded
            with zeros to whole vectors. It is kept in panels of ``WIDTH`` columns, one after the
            other, because rows far apart would fall into the same sets of the cache.
        dW: (inputs, units), contiguous, to be filled with Xᵀ · masked.
        db: (units,), to be filled with the sums of ``masked`` over rows.
        dX: (N, inputs), contiguous, to be filled with masked · Wᵀ; or empty.
        relu: whether ``affine`` applied relu.
    """
    (count, inputs), columns = X.shape, masked.shape[1]
    # A gradient that nothing is done to, as narrow as a panel, is one already.
    whole = not relu and columns <= WIDTH and columns == G.shape[1]
    panels = G.reshape(-1) if whole else masked.reshape(-1)
    halves = 2 if columns <= WIDTH and count >= HALVED else 1
    sums = np.empty((halves, db.shape[0]), G.dtype)
    for task in prange(halves * -(-columns // WIDTH)):
        half = task % halves
        begin, end = half * count // halves, (half + 1) * count // halves
        if whole:
            _sum_rows(begin, end, G, sums[half])
        else:
            _masked_panel(
                begin, end, task // halves * WIDTH, columns, G, out, panels, sums[half], relu
            )
    for u in range(db.shape[0]):
        db[u] = sums[0, u] + sums[1, u] if halves > 1 else sums[0, u]
    # An even number of tasks, so that two threads get the same work. A task of the second product
    # has about as many operations as one of the third.
    weights = 2 * -(-inputs // (2 * BAND))
    band = -(-inputs // weights)
    cut = 2 if inputs <= WIDTH and count >= HALVED else 1
    others = cut * -(-inputs // WIDTH) if dX.size > 0 else 0
    for task in prange(weights + others):
        if task < weights:
            _weight_rows(task * band, min(band, inputs - task * band), columns, X, panels, dW)
        else:
            half, panel = (task - weights) % cut, (task - weights) // cut
            begin, end = half * count // cut, (half + 1) * count // cut
            _input_columns(begin, end, panel * WIDTH, panels, W, dX)


@part
def _sum_rows(begin: int, end: int, G: Any, bias: Any) -> None:
    """Sum some rows of the gradient."""
    for u in range(bias.shape[0]):
        bias[u] = np.float32(0)
    for n in range(begin, end):
        row = G[n]
        for u in range(bias.shape[0]):
            bias[u] += row[u]


@part
def _masked_panel(
    begin: int, end: int, left: int, columns: int, G: Any, out: Any, panels: Any, bias: Any,
    relu: bool,
) -> None:  # fmt: skip
    """Copy some columns of some rows of the gradient, masked by relu, and sum them over rows."""
    count, units = G.shape
    width, kept = min(WIDTH, columns - left), min(WIDTH, units - left)
    grad, passed = G.reshape(-1), out.reshape(-1)
    total = np.zeros(WIDTH, G.dtype)
    whole = kept // 8 * 8
    for n in range(begin, end):
        at, to = n * units + left, left * count + n * width
        relu_backward(grad, passed, at, panels, to, total, whole, relu)
        for c in range(whole, kept):
            value = np.float32(0) if relu and not passed[at + c] > 0 else grad[at + c]
            panels[to + c] = value
            total[c] += value
        for c in range(kept, width):
            panels[to + c] = np.float32(0)
    copy(total, bias[left : left + kept])


@part
def _weight_rows(first: int, rows: int, columns: int, X: Any, panels: Any, dW: Any) -> None:
    """Compute some rows of Xᵀ · masked."""
    (count, inputs), units = X.shape, dW.shape[1]
    numbers, result = X.reshape(-1), dW.reshape(-1)
    if rows <= 0:
        return
    # A padded result is computed in a buffer and copied.
    narrow = units != columns
    sums = np.empty(rows * columns if narrow else 0, X.dtype)
    target, at = (sums, 0) if narrow else (result, first * columns)
    for n in range(0, max(1, count), SAMPLES):
        length = min(SAMPLES, count - n)
        for left in range(0, columns, WIDTH):
            width = min(WIDTH, columns - left)
            products(
                rows, width, numbers, n * inputs + first, 1, inputs, 1, 0, length,
                panels, left * count + n * width, width, 0, target, at + left, columns, n > 0,
            )  # fmt: skip
    if narrow:
        for i in range(rows):
            for u in range(units):
                dW[first + i, u] = sums[i * columns + u]


@part
def _input_columns(begin: int, end: int, left: int, panels: Any, W: Any, out: Any) -> None:
    """Compute some columns of some rows of masked · Wᵀ."""
    (inputs, units), count, rows = W.shape, out.shape[0], end - begin
    width = min(WIDTH, inputs - left)
    narrow = width != WIDTH
    sums = np.empty(rows * WIDTH if narrow else 0, out.dtype)
    to, step = (sums, WIDTH) if narrow else (out.reshape(-1), inputs)
    at = 0 if narrow else begin * inputs + left
    # The transposed weights of these columns; zeros beyond the last one.
    transposed = np.zeros(min(DEPTH, units) * WIDTH, out.dtype)
    columns = -(-units // PADDED_TO) * PADDED_TO
    for first in range(0, units, DEPTH):
        depth = min(DEPTH, units - first)
        _transposed_rows(W, left, width, first, depth, transposed)
        panel, whole = first * count, depth // WIDTH
        products(
            rows, WIDTH, panels, panel + begin * WIDTH, WIDTH, 1, whole, count * WIDTH, WIDTH,
            transposed, 0, WIDTH, WIDTH * WIDTH, to, at, step, first > 0,
        )  # fmt: skip
        done = whole * WIDTH
        if depth > done:
            last = columns - first - done
            products(
                rows, WIDTH, panels, panel + done * count + begin * last, last, 1, 1, 0,
                depth - done, transposed, done * WIDTH, WIDTH, 0, to, at, step, True,
            )  # fmt: skip
    if narrow:
        for n in range(rows):
            copy(sums[n * WIDTH : n * WIDTH + width], out[begin + n, left:])


@part
def _transposed_rows(
    W: Any, left: int, width: int, first: int, depth: int, transposed: Any
) -> None:
    """Transpose some columns of some rows of the weights."""
    units, numbers = W.shape[1], W.reshape(-1)
    high, deep = width // 8 * 8, depth // 8 * 8
    for i in range(0, high, 8):
        at = (left + i) * units + first
        for u in range(0, deep, 8):
            transpose(numbers, at + u, units, transposed, u * WIDTH + i, WIDTH)
    for i in range(width):
        row = W[left + i, first : first + depth]
        for u in range(deep if i < high else 0, depth):
            transposed[u * WIDTH + i] = row[u]
