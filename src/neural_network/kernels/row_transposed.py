"""The transposed convolution of a single row, channels first.

Result u, counted with those that are cut off, is the sum over taps i and inputs y with
u = y · stride + i. All results with the same remainder a modulo the stride use the taps a,
a + stride, …: they are a convolution of stride 1 with these taps, a *phase*. Each phase is a
product of the filters with the image where it lies in a plane with zeros around it: there a tap is
one offset for all results of a phase, and no patches are copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.copies import BLOCK, transpose_places
from neural_network.kernels.instructions import COLUMNS, SLACK
from neural_network.kernels.patches import copy_part, inside
from neural_network.kernels.products import products
from neural_network.kernels.row_stage import (
    APART,
    BAND,
    CHANNELS,
    FILTERS,
    GROUP,
    HEIGHT,
    LEFT,
    PIECE,
    POSITIONS,
    RELU,
    ROWS,
    SCRATCH,
    SOURCE,
    STRIDE_ALONG,
    STRIDE_DOWN,
    TAPS_ALONG,
    TAPS_DOWN,
    TARGET,
    TOP,
    WEIGHT,
    WIDE,
    factors_and_shifts,
)
from neural_network.kernels.runtime.addresses import numbers_at
from neural_network.kernels.runtime.compiler import part
from neural_network.kernels.runtime.linking import cgutils, in_llvm
from neural_network.kernels.tile import LANES, Writer, by_width


@part
def _of_filters(row: Any, begin: int, group: int, weights: Any) -> None:
    """Fill (taps, channels, group) with the weights (channels, filters, taps) of some filters."""
    channels, filters, taps = row[CHANNELS], row[FILTERS], row[TAPS_DOWN] * row[TAPS_ALONG]
    given, apart = numbers_at(row[WEIGHT], channels * filters * taps), channels * group
    for c in range(channels):
        at = (c * filters + begin) * taps
        if min(group, taps) >= BLOCK:
            transpose_places(given, at, taps, weights, c * group, apart, taps, group)
            continue
        for t in range(taps):
            for f in range(group):
                weights[t * apart + c * group + f] = given[at + f * taps + t]


def _finish_and_spread(
    sums: Any, at: int, length: int, factors: Any, shifts: Any, f: int, relu: bool,
    pitch: int, y: Any, y_at: int, y_row: int, y_step: int, rows: int, columns: int,
) -> None:  # fmt: skip
    """Finish ``length`` sums from ``at`` on, a multiple of 8, and write rows of them apart.

    They are multiplied with ``factors[f]``, ``shifts[f]`` is added, and relu applied. Then
    ``y[y_at + r·y_row + i·y_step] = sums[at + r·pitch + i]``.
    """
    own = sums[at : at + length]
    with np.errstate(all="ignore"):
        own *= factors[f]
        own += shifts[f]
    if relu:
        own[own < 0] = 0
    for r in range(rows):
        for i in range(columns):
            y[y_at + r * y_row + i * y_step] = sums[at + r * pitch + i]


def _write_finish_and_spread(
    builder: Any, sums: Any, at: Any, length: Any, factors: Any, shifts: Any, f: Any, relu: Any,
    pitch: Any, y: Any, y_at: Any, y_row: Any, y_step: Any, rows: Any, columns: Any,
) -> None:  # fmt: skip
    add, mul = builder.add, builder.mul
    numbers = [builder.load(builder.gep(array, [f])) for array in (factors, shifts)]

    def finish(writer: Writer, _: int, position: Any) -> None:
        factor, shift = map(writer.broadcast, numbers)
        here, zero = add(at, position), writer.vector(None)
        total = writer.add_product(shift, writer.load(sums, here), factor)
        # In this form NaN is kept, because no comparison with it is true.
        negative = builder.and_(builder.fcmp_ordered("<", total, zero), writer.broadcast(relu))
        writer.store(builder.select(negative, zero, total), sums, here)

    def spread(step: Any) -> None:
        with cgutils.for_range(builder, rows) as r:
            source = builder.gep(sums, [add(at, mul(r.index, pitch))])
            target = builder.gep(y, [add(y_at, mul(r.index, y_row))])
            with cgutils.for_range(builder, columns) as i:
                number = builder.load(builder.gep(source, [i.index]))
                builder.store(number, builder.gep(target, [mul(i.index, step)]))

    by_width(builder, ((1, LANES), (1, 8)), length, finish)
    # The usual stride as a constant: addresses cost less.
    two = y_step.type(2)
    with builder.if_else(builder.icmp_signed("==", y_step, two)) as (usual, other):
        with usual:
            spread(two)
        with other:
            spread(y_step)


finish_and_spread = in_llvm(_finish_and_spread, _write_finish_and_spread)


@part
def transposed(row: Any, task: int) -> None:
    """Compute some rows of all phases of some filters: with batch norm and relu."""
    channels, height, width = row[CHANNELS], row[HEIGHT], row[WIDE]
    filters, rows, positions = row[FILTERS], row[ROWS], row[POSITIONS]
    fh, fw, sh, sw = row[TAPS_DOWN], row[TAPS_ALONG], row[STRIDE_DOWN], row[STRIDE_ALONG]
    top, left, relu = row[TOP], row[LEFT], row[RELU] != 0
    # Rows and columns of a phase, and the most taps that it has.
    first_row, first_column = top // sh, left // sw
    high = (top + rows - 1) // sh + 1 - first_row
    wide = (left + positions - 1) // sw + 1 - first_column
    down, along = -(-fh // sh), -(-fw // sw)
    bands = -(-high // row[BAND])
    begin, at_row = task // bands * row[GROUP], task % bands * row[BAND]
    group, band = min(row[GROUP], filters - begin), min(row[BAND], high - at_row)
    at_row += first_row

    pitch = wide + along - 1  # from a row of a plane to the next
    plane = (band + down - 1) * pitch
    most = -(-band * pitch // COLUMNS) * COLUMNS
    scratch = numbers_at(row[SCRATCH] + 4 * task * row[APART], row[PIECE])
    sums, planes = scratch[: group * most], scratch[group * most :]
    image = numbers_at(row[SOURCE], channels * height * width + SLACK)
    y, x = at_row - down + 1, first_column - along + 1  # of the image, at a plane's corner
    above, below = inside(y, 1, height, band + down - 1)
    before, after = inside(x, 1, width, pitch)
    copy_part(
        image, (y + above) * width + x, width, 1,
        planes, 0, above, below - above, band + down - 1 - below, pitch, before, after,
        channels, height * width, plane,
    )  # fmt: skip

    taps = fh * fw
    if group == 1 or taps == 1:  # the weights are read where they lie
        weights, at = numbers_at(row[WEIGHT], channels * filters * taps), begin * taps
        of_channel, of_tap = filters * taps, 1
    else:
        weights, at = planes[channels * plane + SLACK :], 0
        of_channel, of_tap = group, channels * group
        _of_filters(row, begin, group, weights)
    result = numbers_at(row[TARGET], filters * rows * positions)
    factors, shifts = factors_and_shifts(row, begin, group)
    for phase in range(sh * sw):
        a, b = phase // sw, phase % sw
        own_down, own_along = max(0, -(-(fh - a) // sh)), max(0, -(-(fw - b) // sw))
        # The rows and columns of the phase that are not cut off.
        lowest, end = inside(at_row * sh + a - top, sh, rows, band)
        first, last = inside(first_column * sw + b - left, sw, positions, wide)
        column = (first_column + first) * sw + b - left
        if lowest == end or first == last:
            continue
        columns = -(-((end - lowest - 1) * pitch + last - first) // COLUMNS) * COLUMNS
        corner = (lowest + down - 1) * pitch + first + along - 1
        for m in range(max(1, own_down)):
            # Where no tap belongs to the phase, the sums are 0.
            products(
                group, columns, weights, at + ((a + m * sh) * fw + b) * of_tap, 1, of_channel,
                own_along if own_down > 0 else 0, sw * of_tap, channels,
                planes, corner - m * pitch, plane, -1, sums, 0, columns, m > 0,
            )  # fmt: skip
        to = (at_row + lowest) * sh + a - top
        for f in range(group):
            finish_and_spread(
                sums, f * columns, columns, factors, shifts, f, relu, pitch,
                result, ((begin + f) * rows + to) * positions + column, sh * positions, sw,
                end - lowest, last - first,
            )  # fmt: skip
