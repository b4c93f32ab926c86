"""Single-channel convolution by shifts: each tap adds the shifted image times a weight.

An image is flat in memory, so a tap has one offset for all positions: at position ``i`` it reads
number ``i + offset``. Several rows are processed in one loop; the few sums between them, whose
windows cross the edge, are computed and ignored. So the innermost loop is long, even for an image
of 28 × 28, and reads memory in order.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

import numpy as np

from neural_network.kernels.convolution.single_channel import LITTLE, RUN
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.runtime.layouts import Array, Sizes

# Positions of a task.
BLOCK = 1 << 15

# The relative error of a float32 product or sum is at most u = 2⁻²⁴, so the error of a sum is at
# most depth · u times the sum of its terms' magnitudes, where depth is the largest number of
# operations that a term goes through (higher powers of u add 1e-6 of that).
# A chain of 9 products has depth 9, and each further chain adds 1, so a block of 7 chains has depth
# 9 + 6 = 15. Blocks are added in float64, and the total is rounded once to float32:
# 16 · 2⁻²⁴ = 9.54e-7, below the guaranteed 1e-6. This holds only if sums are computed in the order
# written, so these parts are compiled without the flag that allows reordering.
CHAINS = 7
MOST, MANY, SOME = 9, 8, 4

exact = partial(part, flags=frozenset({"contract"}))


def convolve(X: Array, W: Array, out: Array, stride: Sizes, dilation: Sizes) -> None:
    """Fill ``out`` with the convolution.

    Args:
        X: (N, G, 1, *sizes), one to three sizes; float32 or float64.
        W: (G, F, 1, *taps), of the same type.
        out: (N, G, F, *outputs), of the same type, contiguous.
        stride, dilation: a number for each size.
    """
    lead = (1,) * (6 - out.ndim)
    stride, dilation = lead + stride, lead + dilation
    images = X.reshape(*X.shape[:2], *lead, *X.shape[3:])
    result = out.reshape(*out.shape[:3], *lead, *out.shape[3:])
    taps = lead + W.shape[3:]
    flat, pitches, offsets = _planes(images, taps, result.shape[3:], stride, dilation)
    # Numba compiles a kernel anew for read-only arrays; here all are read-only.
    flat.flags.writeable = False
    weights = np.ascontiguousarray(W.reshape(*W.shape[:2], -1))
    convolve_shifts(
        flat, weights, offsets, chains(weights.shape[2]), pitches[1], pitches[0], result
    )


def _planes(
    X: Array, taps: Sizes, outputs: Sizes, stride: Sizes, dilation: Sizes
) -> tuple[Array, list[int], Array]:
    """Copy the images to flat planes in which windows move by one number for any stride.

    With a stride s, a tap reads every s-th row from one of the first s on. Each such subset that
    a tap reads becomes a plane of its own; the planes follow each other in memory.

    Returns:
        (N, G, numbers); the distances of slices, rows and columns of a plane; and for each tap the
        offset of the first number that it reads.
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
        for index in np.ndindex(*counts):
            read: tuple[Any, ...] = tuple(
                slice(int(phase[i]), int(phase[i]) + n * s, s)
                for phase, i, n, s in zip(phases, index, sizes, stride, strict=True)
            )
            numbers = X[(slice(None), slice(None), *read)]
            filled = tuple(slice(n) for n in numbers.shape[2:])
            planes[(slice(None), slice(None), *index, *filled)] = numbers
        of_plane = np.asarray(np.ravel_multi_index(np.ix_(*which), counts)) * prod(sizes)
    pitches = [sizes[1] * sizes[2], sizes[2], 1]
    steps = [m * p for m, p in zip(moved, pitches, strict=True)]
    offsets = of_plane
    for along in np.ix_(*steps):
        offsets = offsets + along
    flat = np.ascontiguousarray(planes).reshape(*X.shape[:2], -1)
    return flat.view(), pitches, offsets.ravel()


def chains(taps: int) -> Array:
    """Split a sum of products into chains: rows of (first tap, length, ends a block).

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
def nine(to: Array, x: Array, at: int, positions: int, w: Array, d: Array, t: int) -> None:
    """Set ``to`` to the sum of nine taps' products at each position, from tap ``t`` on."""
    w0, w1, w2, w3 = w[t], w[t + 1], w[t + 2], w[t + 3]
    w4, w5, w6, w7 = w[t + 4], w[t + 5], w[t + 6], w[t + 7]
    w8 = w[t + 8]
    x0, x1, x2 = x[at + d[t] :], x[at + d[t + 1] :], x[at + d[t + 2] :]
    x3, x4, x5 = x[at + d[t + 3] :], x[at + d[t + 4] :], x[at + d[t + 5] :]
    x6, x7, x8 = x[at + d[t + 6] :], x[at + d[t + 7] :], x[at + d[t + 8] :]
    for i in range(positions):
        to[i] = (
            w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i] + w4 * x4[i]
            + w5 * x5[i] + w6 * x6[i] + w7 * x7[i] + w8 * x8[i]
        )  # fmt: skip


@exact
def eight(
    to: Array, x: Array, at: int, positions: int, w: Array, d: Array, t: int, add: bool
) -> None:
    """Set ``to`` to the sum of eight taps' products at each position, or add them to it."""
    w0, w1, w2, w3 = w[t], w[t + 1], w[t + 2], w[t + 3]
    w4, w5, w6, w7 = w[t + 4], w[t + 5], w[t + 6], w[t + 7]
    x0, x1, x2 = x[at + d[t] :], x[at + d[t + 1] :], x[at + d[t + 2] :]
    x3, x4, x5 = x[at + d[t + 3] :], x[at + d[t + 4] :], x[at + d[t + 5] :]
    x6, x7 = x[at + d[t + 6] :], x[at + d[t + 7] :]
    if add:
        for i in range(positions):
            to[i] += (
                w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
                + w4 * x4[i] + w5 * x5[i] + w6 * x6[i] + w7 * x7[i]
            )  # fmt: skip
    else:
        for i in range(positions):
            to[i] = (
                w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
                + w4 * x4[i] + w5 * x5[i] + w6 * x6[i] + w7 * x7[i]
            )  # fmt: skip


@exact
def four(
    to: Array, x: Array, at: int, positions: int, w: Array, d: Array, t: int, add: bool
) -> None:
    """As ``eight``, for four."""
    w0, w1, w2, w3 = w[t], w[t + 1], w[t + 2], w[t + 3]
    x0, x1, x2 = x[at + d[t] :], x[at + d[t + 1] :], x[at + d[t + 2] :]
    x3 = x[at + d[t + 3] :]
    if add:
        for i in range(positions):
            to[i] += w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]
    else:
        for i in range(positions):
            to[i] = w0 * x0[i] + w1 * x1[i] + w2 * x2[i] + w3 * x3[i]


@exact
def one(
    to: Array, x: Array, at: int, positions: int, w: Array, d: Array, t: int, add: bool
) -> None:
    """As ``eight``, for one."""
    w0 = w[t]
    x0 = x[at + d[t] :]
    if add:
        for i in range(positions):
            to[i] += w0 * x0[i]
    else:
        for i in range(positions):
            to[i] = w0 * x0[i]


@exact
def add_up(total: Array, block: Array, positions: int, first: bool) -> None:
    """Add a block to the float64 totals, or set them to it."""
    if first:
        for i in range(positions):
            total[i] = block[i]
    else:
        for i in range(positions):
            total[i] += block[i]


@exact
def sums(
    to: Array, total: Array, x: Array, at: int, positions: int, w: Array, d: Array, plan: Array,
    wide: bool,
) -> None:  # fmt: skip
    """Sum all products at each position, in ``to``, or if ``wide`` in ``total``."""
    blocks, add = 0, False
    for c in range(len(plan)):
        t, taps = plan[c, 0], plan[c, 1]
        if taps == MOST:
            nine(to, x, at, positions, w, d, t)
        elif taps == MANY:
            eight(to, x, at, positions, w, d, t, add)
        elif taps == SOME:
            four(to, x, at, positions, w, d, t, add)
        else:
            one(to, x, at, positions, w, d, t, add)
        add = plan[c, 2] == 0
        if wide and not add:
            add_up(total, to, positions, blocks == 0)
            blocks += 1


@exact
def write_rows(
    out: Array, run: Array, pitch: int, top: int, bottom: int, left: int, right: int
) -> None:
    """Copy the sums of rows, or a part of them, ``pitch`` apart, to the rows of the result."""
    for r in range(top, bottom):
        line, row = run[(r - top) * pitch :], out[r][left:right]
        for j in range(right - left):
            row[j] = line[j]


@kernel
def convolve_shifts(
    X: Array, W: Array, offsets: Array, plan: Array, pitch: int, slice_: int, out: Array
) -> None:
    """Fill ``out`` with the convolution of flat images.

    Args:
        X: (N, G, numbers), one image a row.
        W: (G, F, taps).
        offsets: (taps,), of the number that each tap reads.
        plan: ``chains(taps)``.
        pitch: distance of two rows of an image.
        slice_: distance of two slices of a volume.
        out: (N, G, F, slices, rows, columns).
    """
    count, groups, filters, depth, height, width = out.shape
    wide = plan[:, 2].sum() > 1  # more than one block
    rows = 1
    if pitch - width < LITTLE:
        rows = min(max(1, RUN // pitch), height)
    strips = (height + rows - 1) // rows
    every = count * groups * depth * strips
    per_task = max(1, BLOCK // (rows * pitch))
    for task in prange((every + per_task - 1) // per_task):
        block, total = np.empty(RUN, X.dtype), np.empty(RUN, np.float64)
        for strip in range(task * per_task, min((task + 1) * per_task, every)):
            layer, top = strip // strips, (strip % strips) * rows
            image, layer = layer // depth, layer % depth
            n, g = image // groups, image % groups
            x = X[n, g]
            bottom = min(top + rows, height)
            for left in range(0, width, RUN):
                right = min(left + RUN, width)
                positions = (bottom - top - 1) * pitch + right - left
                at = layer * slice_ + top * pitch + left
                for f in range(filters):
                    sums(block, total, x, at, positions, W[g, f], offsets, plan, wide)
                    if wide:
                        write_rows(out[n, g, f, layer], total, pitch, top, bottom, left, right)
                    else:
                        write_rows(out[n, g, f, layer], block, pitch, top, bottom, left, right)
