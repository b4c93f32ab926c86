"""Gradients of a convolution with max pooling behind it, from the maxima only.

With pooling windows of two by two, three quarters of the convolution's gradient are zeros, and
relu adds more. The rest is a list of (filter, position, number). For each entry, the window's
numbers are added to the filter's gradient, and the filter to the images' gradient: a quarter of
the products of a transposed convolution, and no zeros are multiplied.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.convolution.tiles import NOWHERE, PIECE, add_blocks, add_piece
from neural_network.kernels.copies import fill
from neural_network.kernels.products import products
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.tile import exchange

# Bytes of the rows of an image that are processed at once.
BAND = 20480


@part
def _add_gradients(
    values: Any, offsets: Any, first: int, count: int, x: Any, dx: Any, at: int,
    w: Any, dw: Any, w_at: int, length: int,
) -> None:  # fmt: skip
    """Add to both gradients, ``length`` numbers of each; see ``exchange``.

    That of the images is not computed if ``dx`` is empty.
    """
    both, whole = dx.size > 0, length - length % 4
    exchange(values, offsets, first, count, x, dx, at, w, dw, w_at, whole, both)
    for c in range(whole, length):
        total = dw[w_at + c]
        for k in range(first, first + count):
            here = at + offsets[k] + c
            total += values[k] * x[here]
            if both:
                dx[here] += values[k] * w[w_at + c]
        dw[w_at + c] = total


@kernel
def sparse_gradients(
    X: Any, W: Any, G: Any, argmax: Any, dX: Any, partial: Any, partial_b: Any,
    fh: int, fw: int, sh: int, sw: int, ph: int, pw: int, block: int,
) -> None:  # fmt: skip
    """Compute the gradients of ``convolve_and_pool`` for images, filters and bias.

    Args:
        X: (N, H, W, C), contiguous, padded.
        W: (F, fh · fw · C), contiguous.
        G: (N, PH, PW, F), of any strides: the gradient for the result.
        argmax: (N, PH, PW, F), filled by ``convolve_and_pool``.
        dX: (N, H, W, C), contiguous, to be filled; or empty.
        partial: (blocks, F, fh · fw · C), to be filled: the filters' gradient of each block of
            images; in the first block the sum of all.
        partial_b: (blocks, F), to be filled likewise: the bias's gradient.
        fh, fw, sh, sw, ph, pw: as in ``convolve_and_pool``.
        block: images of a block.
    """
    images, height, width, channels = X.shape
    _, rows, positions, filters = G.shape
    numbers, dx = X.reshape(-1), dX.reshape(-1)
    weights, sums = W.reshape(-1), partial.reshape(-1)
    line, run = width * channels, fw * channels
    taps, along = fh * run, pw * sw * channels
    # Offset of each position of a pooling window from its corner.
    tap_offset = np.empty(NOWHERE + 1, np.int32)
    fill(tap_offset, 0, NOWHERE + 1, np.int32(0))  # np.zeros would be computed by all threads
    for tap in range(ph * pw):
        tap_offset[tap] = tap // pw * sh * line + tap % pw * sw * channels
    # Rows of pooling windows whose images and gradients fit the first-level cache.
    depth = max(1, min(rows, (BAND // (4 * line) - fh) // (ph * sh) + 1))
    for task in prange(partial.shape[0]):
        bias = partial_b[task]
        fill(bias, 0, filters, np.float32(0))
        fill(sums, task * filters * taps, (task + 1) * filters * taps, np.float32(0))
        own_weights = sums[task * filters * taps : (task + 1) * filters * taps]
        # For each filter, the maxima of these rows: their offsets in the image and gradients.
        capacity, half = depth * positions, (positions + 1) // 2
        count = np.empty(filters, np.int64)
        offsets = np.empty(filters * capacity, np.int32)
        values = np.empty(filters * capacity, X.dtype)
        for n in range(task * block, min(task * block + block, images)):
            if dX.size > 0:
                fill(dx, n * height * line, (n + 1) * height * line, np.float32(0))
            for first in range(0, rows, depth):
                top = (n * height + first * ph * sh) * line
                fill(count, 0, filters, 0)
                for p in range(first, min(first + depth, rows)):
                    down = (p - first) * ph * sh * line
                    # Every second window, and then the others: neighbours overlap, and reading
                    # numbers that were just written is slow.
                    for turn in range(positions):
                        q = 2 * turn if turn < half else 2 * (turn - half) + 1
                        taps_at, grad, corner = argmax[n, p, q], G[n, p, q], down + q * along
                        for f in range(filters):
                            tap, g = taps_at[f], grad[f]
                            # Zeros (of dropout) add nothing, and are left out, too.
                            passes = (tap != NOWHERE) & (g != 0)
                            # Written in any case, and kept only if counted: this needs no branch.
                            k = f * capacity + count[f]
                            offsets[k], values[k] = corner + tap_offset[tap], g
                            count[f] += passes
                            bias[f] += g if passes else np.float32(0)
                for m in range(fh):
                    for f in range(filters):
                        _add_gradients(
                            values, offsets, f * capacity, count[f], numbers, dx, top + m * line,
                            weights, own_weights, f * taps + m * run, run,
                        )  # fmt: skip
    for task in prange(-(-filters * taps // PIECE)):
        add_piece(sums, partial.shape[0], filters * taps, task * PIECE)
    add_blocks(partial_b.reshape(-1), partial_b.shape[0], filters)


@kernel
def dense_gradients(
    X: Any, G: Any, argmax: Any, partial: Any, partial_b: Any,
    rows: int, positions: int, fh: int, fw: int, sh: int, sw: int, ph: int, pw: int, block: int,
) -> None:  # fmt: skip
    """Compute the gradients of ``convolve_and_pool`` for filters and bias only.

    For windows of few numbers (one channel), where lists would cost more than they save: the
    convolution's gradient is written to a buffer in the cache, with its zeros.

    Args:
        X, G, argmax, partial_b, fh, fw, sh, sw, ph, pw, block: as in ``sparse_gradients``.
        partial: (blocks, fh · fw · C, columns), to be filled; in the first block the sum of all.
        rows, positions: the convolution's output sizes that pooling reads.
    """
    images, height, width, channels = X.shape
    filters, columns = G.shape[3], partial.shape[2]
    numbers, sums = X.reshape(-1), partial.reshape(-1)
    line, run = width * channels, fw * channels
    # Offset of each position of a pooling window from its corner. Gradients that are 0 because of
    # relu or NaN are written behind the end of the buffer's used part.
    size = rows * positions * columns
    for task in prange(partial.shape[0]):
        partial[task] = 0
        partial_b[task] = 0
        total = partial_b[task]
        tap_offset = np.empty(NOWHERE + 1, np.int64)
        fill(tap_offset, 0, NOWHERE + 1, 0)  # for a tap that is none
        for tap in range(ph * pw):
            tap_offset[tap] = (tap // pw * positions + tap % pw) * columns
        conv_grad = np.empty(size + filters, X.dtype)
        for n in range(task * block, min(task * block + block, images)):
            conv_grad[:] = 0
            for p in range(G.shape[1]):
                for q in range(G.shape[2]):
                    taps_at, grad = argmax[n, p, q], G[n, p, q]
                    corner = (p * ph * positions + q * pw) * columns
                    tap_offset[NOWHERE] = size - corner
                    for f in range(filters):
                        conv_grad[corner + tap_offset[taps_at[f]] + f] = grad[f]
                        total[f] += grad[f] if taps_at[f] != NOWHERE else np.float32(0)
            for m in range(fh):
                products(
                    run, columns, numbers, (n * height + m) * line, 1, sw * channels,
                    rows, sh * line, positions, conv_grad, 0, columns, positions * columns,
                    sums, (task * fh + m) * run * columns, columns, True,
                )  # fmt: skip
    for task in prange(-(-fh * run * columns // PIECE)):
        add_piece(sums, partial.shape[0], fh * run * columns, task * PIECE)
    add_blocks(partial_b.reshape(-1), partial_b.shape[0], filters)
