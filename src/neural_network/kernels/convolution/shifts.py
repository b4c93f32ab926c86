"""Filters that read one channel: every tap is the picture, moved, times a weight.

A picture lies flat in memory, so a tap is one distance for all places: what it sees
from place ``i`` is number ``i + distance``. Whole rows run on into one another, and the few
places between them, where a window would hang over the edge, are computed and left out. So the
innermost loop is long, even in a picture of 28 × 28, and reads memory in its order.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural_network.kernels.convolution.single_channel import LITTLE, RUN
from neural_network.kernels.runtime.compiler import kernel, part, prange

Array = NDArray[Any]
Sizes = tuple[int, ...]

# Places that one thread takes at a time. Fixed, so that threads change no result.
SHARE = 1 << 15

# A float32 product or sum is off by at most u = 2⁻²⁴ of itself, so a sum is off by at most
# depth · u of the sum of its terms' sizes, where depth is the longest way of a term
# through products and sums (the powers of u beside it are 1e-6 of that).
# A chain of 9 products is 9 deep; each chain added to the sum of those before is 1 more, so
# that a block of 7 chains is 9 + 6 = 15 deep. Blocks are added in float64, and the total is
# rounded once to float32: 16 · 2⁻²⁴ = 9.54e-7, under the millionth that is promised.
# It holds only where sums are taken as written: these parts are compiled without leave to
# reorder them.
CHAINS = 7
MOST, MANY, SOME = 9, 8, 4

exact = part(flags=frozenset({"contract"}))


def by_shifts(X: Array, W: Array, out: Array, stride: Sizes, dilation: Sizes) -> None:
    """Fill ``out`` with the sums under each window.

    Args:
        X: (N, G, 1, *sizes), of one to three sizes; float32 or float64.
        W: (G, F, 1, *taps), of the same type.
        out: (N, G, F, *outputs), of the same type, contiguous.
        stride, dilation: a number for each size.
    """
    lead = (1,) * (6 - out.ndim)
    stride, dilation = lead + stride, lead + dilation
    pictures = X.reshape(*X.shape[:2], *lead, *X.shape[3:])
    maps = out.reshape(*out.shape[:3], *lead, *out.shape[3:])
    taps = lead + W.shape[3:]
    flat, pitches, distances = _planes(pictures, taps, maps.shape[3:], stride, dilation)
    # A kernel is compiled once for what can be written to and once for what cannot.
    flat.flags.writeable = False
    weights = np.ascontiguousarray(W.reshape(*W.shape[:2], -1))
    shifts(flat, weights, distances, chains(weights.shape[2]), pitches[1], pitches[0], maps)


def _planes(
    X: Array, taps: Sizes, outputs: Sizes, stride: Sizes, dilation: Sizes
) -> tuple[Array, list[int], Array]:
    """Lay pictures out flat, so that windows step by one number whatever the stride.

    With a stride s, a tap sees every s-th row, beginning at one of s. Each such part that
    a tap looks at becomes a picture of its own, a plane, behind which the next one lies.

    Returns:
        (N, G, numbers); how far slices and rows of a plane lie apart; and, for each tap, how
        far what it sees lies from the first number.
    """
    starts = [np.arange(t) * d for t, d in zip(taps, dilation, strict=True)]
    if all(s == 1 for s in stride):
        sizes, planes = X.shape[2:], X
        of_plane: Array = np.zeros(taps, int)
        moved = starts
    else:
        phases, which = zip(
            *(np.unique(o % s, return_inverse=True) for o, s in zip(starts, stride, strict=True)),
            strict=True,
        )
        moved = [o // s for o, s in zip(starts, stride, strict=True)]
        sizes = tuple(n + int(m.max()) for n, m in zip(outputs, moved, strict=True))
        counts = [len(phase) for phase in phases]
        planes = np.zeros((*X.shape[:2], *counts, *sizes), X.dtype)
        for place in np.ndindex(*counts):
            seen_at: tuple[Any, ...] = tuple(
                slice(int(phase[i]), int(phase[i]) + n * s, s)
                for phase, i, n, s in zip(phases, place, sizes, stride, strict=True)
            )
            seen = X[(slice(None), slice(None), *seen_at)]
            filled = tuple(slice(n) for n in seen.shape[2:])
            planes[(slice(None), slice(None), *place, *filled)] = seen
        of_plane = np.asarray(np.ravel_multi_index(np.ix_(*which), counts)) * prod(sizes)
    pitches = [sizes[1] * sizes[2], sizes[2], 1]
    steps = [m * p for m, p in zip(moved, pitches, strict=True)]
    distances = of_plane
    for along in np.ix_(*steps):
        distances = distances + along
    flat = np.ascontiguousarray(planes).reshape(*X.shape[:2], -1)
    return flat.view(), pitches, distances.ravel()


def chains(taps: int) -> Array:
    """Cut a sum of so many products into chains: rows of (first tap, length, ends a block).

    >>> chains(9).tolist(), chains(14).tolist()
    ([[0, 9, 1]], [[0, 9, 0], [9, 4, 0], [13, 1, 1]])
    """
    plan = []
    first = in_block = 0
    while first < taps:
        left = taps - first
        longest = MOST if in_block == 0 else MANY
        length = next(n for n in (longest, MANY, SOME, 1) if n <= left)
        first, in_block = first + length, in_block + 1
        ends = in_block == CHAINS or first == taps
        plan.append((first - length, length, int(ends)))
        in_block = 0 if ends else in_block
    return np.array(plan)


@exact
def nine(to: Array, x: Array, at: int, places: int, w: Array, d: Array, t: int) -> None:
    """Set ``to`` to the sum of nine taps' products at each place, from tap ``t`` on."""
    w0, w1, w2, w3 = w[t], w[t + 1], w[t + 2], w[t + 3]
    w4, w5, w6, w7 = w[t + 4], w[t + 5], w[t + 6], w[t + 7]
    w8 = w[t + 8]
    x0, x1, x2 = x[at + d[t] :], x[at + d[t + 1] :], x[at + d[t + 2] :]
    x3, x4, x5 = x[at + d[t + 3] :], x[at + d[t + 4] :], x[at + d[t + 5] :]
    x6, x7, x8 = x[at + d[t + 6] :], x[at + d[t + 7] :], x[at + d[t + 8] :]
    for i in range(places):
        to[i] = (
            w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i] + w4 * x4[i]
            + w5 * x5[i] + w6 * x6[i] + w7 * x7[i] + w8 * x8[i]
        )  # fmt: skip


@exact
def eight(to: Array, x: Array, at: int, places: int, w: Array, d: Array, t: int, add: bool) -> None:
    """Set ``to`` to the sum of eight taps' products at each place, or add them to it."""
    w0, w1, w2, w3 = w[t], w[t + 1], w[t + 2], w[t + 3]
    w4, w5, w6, w7 = w[t + 4], w[t + 5], w[t + 6], w[t + 7]
    x0, x1, x2 = x[at + d[t] :], x[at + d[t + 1] :], x[at + d[t + 2] :]
    x3, x4, x5 = x[at + d[t + 3] :], x[at + d[t + 4] :], x[at + d[t + 5] :]
    x6, x7 = x[at + d[t + 6] :], x[at + d[t + 7] :]
    if add:
        for i in range(places):
            to[i] += (
                w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
                + w4 * x4[i] + w5 * x5[i] + w6 * x6[i] + w7 * x7[i]
            )  # fmt: skip
    else:
        for i in range(places):
            to[i] = (
                w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
                + w4 * x4[i] + w5 * x5[i] + w6 * x6[i] + w7 * x7[i]
            )  # fmt: skip


@exact
def four(to: Array, x: Array, at: int, places: int, w: Array, d: Array, t: int, add: bool) -> None:
    """As ``eight``, for four."""
    w0, w1, w2, w3 = w[t], w[t + 1], w[t + 2], w[t + 3]
    x0, x1, x2 = x[at + d[t] :], x[at + d[t + 1] :], x[at + d[t + 2] :]
    x3 = x[at + d[t + 3] :]
    if add:
        for i in range(places):
            to[i] += w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
    else:
        for i in range(places):
            to[i] = w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]


@exact
def one(to: Array, x: Array, at: int, places: int, w: Array, d: Array, t: int, add: bool) -> None:
    """As ``eight``, for one."""
    w0 = w[t]
    x0 = x[at + d[t] :]
    if add:
        for i in range(places):
            to[i] += w0 * x0[i]
    else:
        for i in range(places):
            to[i] = w0 * x0[i]


@exact
def add_up(total: Array, block: Array, places: int, first: bool) -> None:
    """Add a block to the float64 totals, or begin them with it."""
    if first:
        for i in range(places):
            total[i] = block[i]
    else:
        for i in range(places):
            total[i] += block[i]


@exact
def sums(
    to: Array, total: Array, x: Array, at: int, places: int, w: Array, d: Array, plan: Array,
    wide: bool,
) -> None:  # fmt: skip
    """Sum all products at each place, in ``to``, or if ``wide`` in ``total``."""
    blocks, add = 0, False
    for c in range(len(plan)):
        t, taps = plan[c, 0], plan[c, 1]
        if taps == MOST:
            nine(to, x, at, places, w, d, t)
        elif taps == MANY:
            eight(to, x, at, places, w, d, t, add)
        elif taps == SOME:
            four(to, x, at, places, w, d, t, add)
        else:
            one(to, x, at, places, w, d, t, add)
        add = plan[c, 2] == 0
        if wide and not add:
            add_up(total, to, places, blocks == 0)
            blocks += 1


@exact
def put(out: Array, run: Array, pitch: int, top: int, bottom: int, left: int, right: int) -> None:
    """Round the sums of rows, or a part of them, ``pitch`` apart, into the rows of a map."""
    for r in range(top, bottom):
        line, row = run[(r - top) * pitch :], out[r][left:right]
        for j in range(right - left):
            row[j] = line[j]


@kernel
def shifts(
    X: Array, W: Array, distances: Array, plan: Array, pitch: int, slice_: int, out: Array
) -> None:
    """Fill ``out`` with the sums under each window, of pictures that lie flat.

    Args:
        X: (N, G, numbers), one picture a row.
        W: (G, F, taps).
        distances: (taps,): from a window's first number to what each tap sees.
        plan: ``chains(taps)``.
        pitch: from a row of a picture to the next.
        slice_: from a slice of rows to the next.
        out: (N, G, F, slices, rows, columns).
    """
    count, groups, filters, depth, height, width = out.shape
    wide = plan[:, 2].sum() > 1  # more than one block
    rows = 1
    if pitch - width < LITTLE:
        rows = min(max(1, RUN // pitch), height)
    strips = (height + rows - 1) // rows
    every = count * groups * depth * strips
    per_share = max(1, SHARE // (rows * pitch))
    for share in prange((every + per_share - 1) // per_share):
        block, total = np.empty(RUN, X.dtype), np.empty(RUN, np.float64)
        for strip in range(share * per_share, min((share + 1) * per_share, every)):
            layer, top = strip // strips, (strip % strips) * rows
            picture, layer = layer // depth, layer % depth
            n, g = picture // groups, picture % groups
            x = X[n, g]
            bottom = min(top + rows, height)
            for left in range(0, width, RUN):
                right = min(left + RUN, width)
                places = (bottom - top - 1) * pitch + right - left
                at = layer * slice_ + top * pitch + left
                for f in range(filters):
                    sums(block, total, x, at, places, W[g, f], distances, plan, wide)
                    if wide:
                        put(out[n, g, f, layer], total, pitch, top, bottom, left, right)
                    else:
                        put(out[n, g, f, layer], block, pitch, top, bottom, left, right)
