"""Convolution over channels-last pictures, with all that may follow while a row is in the cache.

Pictures lie in memory as (N, H, W, C), so that the numbers under one row of a filter are one
run of ``fw · C`` neighbours. A tile of sums reads them where they are: no window is copied.
Filters come as a matrix (fh · fw · C, filters), padded to whole vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.products import products
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.tile import LANES, largest

# What an entry of ``places`` says where no number of the window passed its gradient on.
NOWHERE = 255
# Numbers of which a task adds up the shares, at most.
PIECE = 8192


@part
def add_up(shares: Any, blocks: int, size: int, begin: int) -> None:
    """Add to ``PIECE`` numbers of the first block, from ``begin`` on, those of the others.

    The blocks, of ``size`` numbers each, lie one after the other.
    """
    length = min(PIECE, size - begin)
    total = shares[begin : begin + length]
    for block in range(1, blocks):
        more = shares[block * size + begin : block * size + begin + length]
        for i in range(length):
            total[i] += more[i]


@part
def add_up_all(shares: Any, blocks: int, size: int) -> None:
    """Add to the first block all others, in order."""
    for begin in range(0, size, PIECE):
        add_up(shares, blocks, size, begin)


@part
def _inside(row: int, taps: int, begin: int, end: int) -> Any:
    """Return which of the taps from a row on is the first inside, and how many are."""
    upper = max(0, begin - row)
    return upper, max(0, min(taps, end - row) - upper)


@kernel
def convolve(
    X: Any, W: Any, b: Any, out: Any, begin: int, end: int,
    fh: int, fw: int, sh: int, sw: int, top: int, left: int, rectify: bool, planar: bool, band: int,
) -> None:  # fmt: skip
    """Fill ``out`` with the sums under each window, plus ``b``; ``rectify`` makes it max(0, ·).

    Args:
        X: (N, H, W, C), contiguous, padded.
        begin, end: the rows of ``X`` that are no padding; others are not looked at.
        W: (fh · fw · C, columns), the columns padded to whole vectors.
        b: (F,) of what is added; empty for nothing.
        out: (N, OH, OW, F), of any strides.
        fh, fw: size of the filters.
        sh, sw: steps of the window.
        top, left: where the first window stands.
        rectify: whether relu follows.
        planar: in ``out`` the numbers of a filter lie side by side.
        band: rows of outputs that one task computes.
    """
    _, height, width, channels = X.shape
    pictures, rows, places, filters = out.shape
    columns = W.shape[1]
    bands = -(-rows // band)
    numbers, weights = X.reshape(-1), W.reshape(-1)
    line = width * channels
    for task in prange(pictures * bands):
        n, first = task // bands, (task % bands) * band
        sums = np.empty(places * columns, X.dtype)
        for i in range(first, min(first + band, rows)):
            row = top + i * sh
            upper, runs = _inside(row, fh, begin, end)
            products(
                places, columns, numbers, (n * height + row + upper) * line + left * channels,
                sw * channels, 1, runs, line, fw * channels,
                weights, upper * fw * channels * columns, columns, fw * channels * columns,
                sums, 0, columns, False,
            )  # fmt: skip
            for j in range(places):
                found = sums[j * columns : j * columns + filters]
                if b.size > 0:
                    for f in range(filters):
                        found[f] += b[f]
                if rectify:
                    for f in range(filters):
                        # Written so that NaN stays: no comparison with it is true.
                        found[f] = np.float32(0) if found[f] < 0 else found[f]
            _hand_out_row(sums, columns, out[n, i], planar)


@part
def _largest_of_row(
    sums: Any, places: int, down: int, along: int, high: int, wide: int, columns: int,
    best: Any, which: Any,
) -> None:  # fmt: skip
    """Keep the largest of each pooling window of a row, for all columns."""
    for q in range(places):
        at, to, done = q * wide * along, q * columns, 0
        while columns - done >= LANES:
            largest(LANES, sums, at + done, down, along, high, wide, best, which, to + done)
            done += LANES
        while columns - done >= 8:
            largest(8, sums, at + done, down, along, high, wide, best, which, to + done)
            done += 8


@part
def _hand_out_row(row: Any, columns: int, target: Any, planar: bool) -> None:
    """Copy a row of places, padded to whole vectors, to (places, filters) of any strides."""
    places, filters = target.shape
    if planar:
        for f in range(filters):
            for q in range(places):
                target[q, f] = row[q * columns + f]
    else:
        for q in range(places):
            found = row[q * columns :]
            for f in range(filters):
                target[q, f] = found[f]


@kernel
def convolve_and_pool(
    X: Any, W: Any, b: Any, out: Any, chosen: Any, begin: int, end: int,
    fh: int, fw: int, sh: int, sw: int, ph: int, pw: int, rectify: bool, planar: bool, band: int,
) -> None:  # fmt: skip
    """Convolve, and keep the largest sum of each window of ph × pw neighbours.

    Args:
        X, W, b, begin, end, fh, fw, sh, sw, rectify: as in ``convolve``.
        out: (N, PH, PW, F), of any strides.
        chosen: (N, PH, PW, F) uint8: which of the window's places, row by row, had the
            largest sum first; ``NOWHERE`` where relu or NaN stops every gradient.
        ph, pw: size of the pooling window, and its step.
        planar: in ``out`` the numbers of a filter lie side by side.
        band: rows of ``out`` that one task computes.
    """
    _, height, width, channels = X.shape
    pictures, rows, places, filters = out.shape
    columns = W.shape[1]
    bands = -(-rows // band)
    numbers, weights = X.reshape(-1), W.reshape(-1)
    line = width * channels
    seen = places * pw
    for task in prange(pictures * bands):
        n, first = task // bands, (task % bands) * band
        sums = np.empty(ph * seen * columns, X.dtype)
        best = np.empty(places * columns, X.dtype)
        which = np.empty(places * columns, np.uint8)
        lifted = np.zeros(places * columns, X.dtype)
        if b.size > 0:
            for q in range(places):
                lifted[q * columns : q * columns + filters] = b
        for p in range(first, min(first + band, rows)):
            for r in range(ph):
                row = (p * ph + r) * sh
                upper, runs = _inside(row, fh, begin, end)
                products(
                    seen, columns, numbers, (n * height + row + upper) * line,
                    sw * channels, 1, runs, line, fw * channels,
                    weights, upper * fw * channels * columns, columns, fw * channels * columns,
                    sums, r * seen * columns, columns, False,
                )  # fmt: skip
            _largest_of_row(
                sums, places, seen * columns, columns, ph, pw, columns, best, which
            )  # fmt: skip
            for i in range(places * columns):
                largest_sum = best[i] + lifted[i]
                passes = largest_sum > 0 if rectify else not np.isnan(largest_sum)
                which[i] = which[i] if passes else NOWHERE
                best[i] = np.float32(0) if rectify and largest_sum < 0 else largest_sum
            _hand_out_row(best, columns, out[n, p], planar)
            _hand_out_row(which, columns, chosen[n, p], False)


@kernel
def filters_gradient(
    X: Any, G: Any, partial: Any, begin: int, end: int, rows: int, places: int,
    fh: int, fw: int, sh: int, sw: int, top: int, left: int, block: int,
) -> None:  # fmt: skip
    """Add up, for each filter and tap, what the windows showed times their gradient.

    Args:
        X: (N, H, W, C), contiguous, padded.
        G: (N, GH, GW, columns), contiguous: the gradients, padded to whole vectors.
        partial: (blocks, fh · fw · C, columns), to be filled: the sum over each block; in the
            first of them the sum of all.
        begin, end, fh, fw, sh, sw: as in ``convolve``.
        rows, places: outputs of the convolution, OH and OW.
        top, left: where in ``G`` the gradients begin.
        block: pictures in a block.
    """
    pictures, height, width, channels = X.shape
    _, high, wide, columns = G.shape
    numbers, gradients, sums = X.reshape(-1), G.reshape(-1), partial.reshape(-1)
    line, run = width * channels, fw * channels
    for task in prange(partial.shape[0]):
        partial[task] = 0
        for n in range(task * block, min(task * block + block, pictures)):
            for m in range(fh):
                # Outputs whose window has this tap inside the picture.
                first = max(0, -(-(begin - m) // sh))
                last = min(rows, -(-(end - m) // sh))
                products(
                    run, columns, numbers, (n * height + first * sh + m) * line, 1, sw * channels,
                    max(0, last - first), sh * line, places,
                    gradients, ((n * high + top + first) * wide + left) * columns,
                    columns, wide * columns, sums,
                    (task * fh + m) * run * columns, columns, True,
                )  # fmt: skip
    for task in prange(-(-fh * run * columns // PIECE)):
        add_up(sums, partial.shape[0], fh * run * columns, task * PIECE)


@part
def _copy_row(source: Any, target: Any, planar: bool) -> None:
    """Copy (W, C) numbers in the order in which ``source`` lies in memory."""
    places, channels = source.shape
    if planar:
        for c in range(channels):
            for j in range(places):
                target[j, c] = source[j, c]
    else:
        for j in range(places):
            for c in range(channels):
                target[j, c] = source[j, c]


@kernel
def channels_last(X: Any, out: Any, top: int, left: int, planar: bool) -> None:
    """Copy (N, H, W, C) pictures of any strides into the middle of larger ones, zeros around.

    ``planar``: in ``X`` the numbers of a channel lie side by side.
    """
    pictures, height, width, _ = X.shape
    for n in prange(pictures):
        out[n, :top] = 0
        out[n, top + height :] = 0
        for i in range(height):
            target = out[n, top + i]
            target[:left] = 0
            target[left + width :] = 0
            _copy_row(X[n, i], target[left : left + width], planar)


@part
def _let_through(
    source: Any, out: Any, target: Any, total: Any, rectify: bool, planar: bool
) -> None:
    """Copy a row of gradients that relu let through, and add them up by filters."""
    places, filters = source.shape
    if planar:
        for f in range(filters):
            found = np.float32(0)
            for j in range(places):
                g = np.float32(0) if rectify and not out[j, f] > 0 else source[j, f]
                target[j, f] = g
                found += g
            total[f] += found
    else:
        for j in range(places):
            for f in range(filters):
                g = np.float32(0) if rectify and not out[j, f] > 0 else source[j, f]
                target[j, f] = g
                total[f] += g


@kernel
def masked(
    G: Any, out: Any, result: Any, partial: Any, rectify: bool, top: int, left: int, planar: bool
) -> None:
    """Copy gradients into the middle of larger arrays; relu lets through what was above 0.

    Zeros stand left and right of it; rows above and below stay as they are.

    Args:
        G: (N, OH, OW, F), of any strides.
        out: (N, OH, OW, F): what relu returned; not looked at without ``rectify``.
        result: (N, H, W, columns), contiguous.
        partial: (N, F), to be filled: the sum over each picture, which is the bias's share; in
            the first of them the sum of all.
        rectify: whether relu followed.
        top, left: where the middle begins.
        planar: in ``G`` the numbers of a filter lie side by side.
    """
    pictures, rows, places, filters = G.shape
    for n in prange(pictures):
        total = partial[n]
        total[:] = 0
        for i in range(rows):
            whole = result[n, top + i]
            whole[:left] = 0
            whole[left + places :] = 0
            whole[left : left + places, filters:] = 0
            target = whole[left : left + places, :filters]
            _let_through(G[n, i], out[n, i], target, total, rectify, planar)
    add_up_all(partial.reshape(-1), pictures, filters)
