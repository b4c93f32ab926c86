"""The way back through a convolution and the pooling behind it, along the maxima alone.

Behind a pooling window of two by two, three quarters of the convolution's gradient is zero,
and relu adds more. What is left is a list: this filter, this place, this number. For each
entry the window's numbers go into the filter's gradient, and the filter into the picture's:
a quarter of the products that a convolution backwards would take, and no zeros are multiplied.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.convolution.tiles import NOWHERE, PIECE, add_up, add_up_all
from neural_network.kernels.products import products
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.tile import LANES, exchange, gather

# Bytes of a band of pictures.
BAND = 20480


@part
def _add_rows(
    values: Any, places: Any, first: int, count: int, w: Any, w_at: int, y: Any, y_at: int,
    length: int,
) -> None:  # fmt: skip
    """Add rows of ``w``, each times its value, to ``length`` numbers of ``y``; see ``gather``."""
    done = 0
    while length - done >= 6 * LANES:
        gather(6, LANES, values, places, first, count, w, w_at + done, y, y_at + done)
        done += 6 * LANES
    while length - done >= 2 * LANES:
        gather(2, LANES, values, places, first, count, w, w_at + done, y, y_at + done)
        done += 2 * LANES
    if length - done >= LANES:
        gather(1, LANES, values, places, first, count, w, w_at + done, y, y_at + done)
        done += LANES
    while length - done >= 4:
        gather(1, 4, values, places, first, count, w, w_at + done, y, y_at + done)
        done += 4
    for c in range(done, length):
        total = y[y_at + c]
        for k in range(first, first + count):
            total += values[k] * w[w_at + places[k] + c]
        y[y_at + c] = total


@part
def _exchange_rows(
    values: Any, places: Any, first: int, count: int, x: Any, dx: Any, at: int,
    w: Any, dw: Any, w_at: int, length: int,
) -> None:  # fmt: skip
    """Give to both sides of the products of ``length`` numbers; see ``exchange``."""
    done = 0
    while length - done >= 6 * LANES:
        exchange(6, LANES, values, places, first, count, x, dx, at + done, w, dw, w_at + done)
        done += 6 * LANES
    while length - done >= 2 * LANES:
        exchange(2, LANES, values, places, first, count, x, dx, at + done, w, dw, w_at + done)
        done += 2 * LANES
    if length - done >= LANES:
        exchange(1, LANES, values, places, first, count, x, dx, at + done, w, dw, w_at + done)
        done += LANES
    while length - done >= 4:
        exchange(1, 4, values, places, first, count, x, dx, at + done, w, dw, w_at + done)
        done += 4
    for c in range(done, length):
        for k in range(first, first + count):
            place = at + places[k] + c
            dw[w_at + c] += values[k] * x[place]
            dx[place] += values[k] * w[w_at + c]


@part
def _give_rows(
    values: Any, places: Any, first: int, count: int, x: Any, dx: Any, at: int,
    w: Any, dw: Any, w_at: int, length: int,
) -> None:  # fmt: skip
    """Give to the filters, and to the pictures if ``dx`` has room for it."""
    if dx.size > 0:
        _exchange_rows(values, places, first, count, x, dx, at, w, dw, w_at, length)
    else:
        _add_rows(values, places, first, count, x, at, dw, w_at, length)


@kernel
def follow_maxima(
    X: Any, W: Any, G: Any, chosen: Any, dX: Any, partial: Any, partial_b: Any,
    fh: int, fw: int, sh: int, sw: int, ph: int, pw: int, block: int,
) -> None:  # fmt: skip
    """Carry the gradient of ``convolve_and_pool`` back to pictures, filters and bias.

    Args:
        X: (N, H, W, C), contiguous, padded.
        W: (F, fh · fw · C), contiguous.
        G: (N, PH, PW, F), of any strides: the gradient behind pooling and relu.
        chosen: what ``convolve_and_pool`` noted.
        dX: (N, H, W, C), contiguous, to be filled; or empty, if nobody asks for it.
        partial: (blocks, F, fh · fw · C), to be filled: the filters' gradient by blocks; in the
            first of them the sum of all.
        partial_b: (blocks, F), to be filled likewise: the bias's.
        fh, fw, sh, sw, ph, pw: as in ``convolve_and_pool``.
        block: pictures in a block.
    """
    pictures, height, width, channels = X.shape
    _, rows, places, filters = G.shape
    numbers, shares = X.reshape(-1), dX.reshape(-1)
    weights, sums = W.reshape(-1), partial.reshape(-1)
    line, run = width * channels, fw * channels
    taps, along = fh * run, pw * sw * channels
    # From a pooling window's corner to each of its taps; what went nowhere stays there.
    distance = np.zeros(NOWHERE + 1, np.int32)
    for tap in range(ph * pw):
        distance[tap] = tap // pw * sh * line + tap % pw * sw * channels
    # So many rows at once as leave pictures and their gradients in the first-level cache.
    depth = max(1, min(rows, (BAND // (4 * line) - fh) // (ph * sh) + 1))
    for task in prange(partial.shape[0]):
        partial[task] = 0
        partial_b[task] = 0
        bias = partial_b[task]
        own_weights = sums[task * filters * taps : (task + 1) * filters * taps]
        # For each filter: the places that it chose, as distances in the picture, and the
        # gradients there.
        room = depth * places
        count = np.empty(filters, np.int64)
        place = np.empty(filters * room, np.int32)
        value = np.empty(filters * room, X.dtype)
        for n in range(task * block, min(task * block + block, pictures)):
            if dX.size > 0:
                dX[n] = 0
            for first in range(0, rows, depth):
                top = (n * height + first * ph * sh) * line
                count[:] = 0
                for p in range(first, min(first + depth, rows)):
                    down = (p - first) * ph * sh * line
                    # Every second window, and then the others: neighbours overlap, and to
                    # read what has only just been written takes long.
                    for turn in range(places):
                        q = 2 * turn if 2 * turn < places else 2 * (turn - (places + 1) // 2) + 1
                        noted, slopes, corner = chosen[n, p, q], G[n, p, q], down + q * along
                        for f in range(filters):
                            tap, g = noted[f], slopes[f]
                            # Zeros (of dropout) have nothing to give, and are left out as well.
                            passes = (tap != NOWHERE) & (g != 0)
                            # Written in any case, and counted if it counts: no branch to guess.
                            k = f * room + count[f]
                            place[k], value[k] = corner + distance[tap], g
                            count[f] += passes
                            bias[f] += g if passes else np.float32(0)
                for m in range(fh):
                    for f in range(filters):
                        _give_rows(
                            value, place, f * room, count[f], numbers, shares, top + m * line,
                            weights, own_weights, f * taps + m * run, run,
                        )  # fmt: skip
    for task in prange(-(-filters * taps // PIECE)):
        add_up(sums, partial.shape[0], filters * taps, task * PIECE)
    add_up_all(partial_b.reshape(-1), partial_b.shape[0], filters)


@kernel
def gather_maxima(
    X: Any, G: Any, chosen: Any, partial: Any, partial_b: Any,
    rows: int, places: int, fh: int, fw: int, sh: int, sw: int, ph: int, pw: int, block: int,
) -> None:  # fmt: skip
    """Carry the gradient of ``convolve_and_pool`` back to filters and bias alone.

    For windows of few numbers (one channel), where lists would cost more than they save:
    the gradient before pooling is laid out in the cache, zeros included.

    Args:
        X, G, chosen, partial_b, fh, fw, sh, sw, ph, pw, block: as in ``follow_maxima``.
        partial: (blocks, fh · fw · C, columns), to be filled, the first with the sum of all.
        rows, places: outputs of the convolution that pooling looked at.
    """
    pictures, height, width, channels = X.shape
    filters, columns = G.shape[3], partial.shape[2]
    numbers, sums = X.reshape(-1), partial.reshape(-1)
    line, run = width * channels, fw * channels
    # From a pooling window's corner to each of its taps; what went nowhere goes to a place
    # behind the last, where it does no harm.
    size = rows * places * columns
    for task in prange(partial.shape[0]):
        partial[task] = 0
        partial_b[task] = 0
        total = partial_b[task]
        distance = np.empty(NOWHERE + 1, np.int64)
        for tap in range(ph * pw):
            distance[tap] = (tap // pw * places + tap % pw) * columns
        spread = np.empty(size + filters, X.dtype)
        for n in range(task * block, min(task * block + block, pictures)):
            spread[:] = 0
            for p in range(G.shape[1]):
                for q in range(G.shape[2]):
                    noted, slopes = chosen[n, p, q], G[n, p, q]
                    corner = (p * ph * places + q * pw) * columns
                    distance[NOWHERE] = size - corner
                    for f in range(filters):
                        spread[corner + distance[noted[f]] + f] = slopes[f]
                        total[f] += slopes[f] if noted[f] != NOWHERE else np.float32(0)
            for m in range(fh):
                products(
                    run, columns, numbers, (n * height + m) * line, 1, sw * channels,
                    rows, sh * line, places, spread, 0, columns, places * columns,
                    sums, (task * fh + m) * run * columns, columns, True,
                )  # fmt: skip
    for task in prange(-(-fh * run * columns // PIECE)):
        add_up(sums, partial.shape[0], fh * run * columns, task * PIECE)
    add_up_all(partial_b.reshape(-1), partial_b.shape[0], filters)
