"""The convolution of a single row: the product of the filters with the image, channels first.

A matrix of patches would hold each number of the image as often as windows contain it. Copied are
only the numbers under each column of the filters, of all rows; the rows of a window are then
offsets. With a stride of s rows, the rows of the image are in s *phases*: a window's row i reads
phase i modulo s.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels import instructions
from neural_network.kernels.instructions import COLUMNS, SLACK
from neural_network.kernels.patches import copy_part, inside
from neural_network.kernels.products import products
from neural_network.kernels.row_pooling import largest_of_windows
from neural_network.kernels.row_stage import (
    APART,
    BAND,
    CHANNELS,
    DIRECT,
    FILTERS,
    GROUP,
    HEIGHT,
    LEFT,
    PIECE,
    POOL_ALONG,
    POOL_DOWN,
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
    finish,
)
from neural_network.kernels.runtime.addresses import numbers_at
from neural_network.kernels.runtime.compiler import part
from neural_network.kernels.window_products import products_at

patches_of_channel = part(instructions.patches_of_channel)


@part
def _copy_patches(row: Any, first: int, high: int, wide: int, patches: Any) -> Any:
    """Copy what ``high`` × ``wide`` windows read, from the row ``first`` of windows on.

    Returns:
        Where the numbers under each tap begin, taps in the order of the filters.
    """
    channels, height, width = row[CHANNELS], row[HEIGHT], row[WIDE]
    fh, fw, sh, sw = row[TAPS_DOWN], row[TAPS_ALONG], row[STRIDE_DOWN], row[STRIDE_ALONG]
    top, left = row[TOP], row[LEFT]
    image = numbers_at(row[SOURCE], channels * height * width + SLACK)
    plane, phases = patches.size // channels, min(sh, fh)
    block = plane // (phases * fw)
    offsets = np.empty(channels * fh * fw, np.int64)
    for phase in range(phases):
        rows = high + (fh - 1 - phase) // sh
        above, below = inside(first * sh + phase - top, sh, height, rows)
        at = (first * sh + above * sh + phase - top) * width - left
        for j in range(fw):
            before, after = inside(j - left, sw, width, wide)
            begin = (phase * fw + j) * block
            copy_part(
                image, at + j, sh * width, sw, patches, begin, above, below - above, rows - below,
                wide, before, after, channels, height * width, plane,
            )  # fmt: skip
            for c in range(channels):
                for i in range(phase, fh, sh):
                    offsets[(c * fh + i) * fw + j] = c * plane + begin + i // sh * wide
    return offsets


@part
def convolve(row: Any, task: int) -> None:
    """Compute a band of the rows of some filters: convolution, batch norm, relu, max pooling."""
    channels, height, width = row[CHANNELS], row[HEIGHT], row[WIDE]
    filters, rows, positions = row[FILTERS], row[ROWS], row[POSITIONS]
    ph, pw, relu = row[POOL_DOWN], row[POOL_ALONG], row[RELU] != 0
    taps = channels * row[TAPS_DOWN] * row[TAPS_ALONG]
    bands = -(-rows // row[BAND])
    first, begin = task % bands * row[BAND], task // bands * row[GROUP]
    band, group = min(row[BAND], rows - first), min(row[GROUP], filters - begin)
    high, wide = band * ph, positions * pw
    columns = -(-high * wide // COLUMNS) * COLUMNS
    weights = numbers_at(row[WEIGHT], filters * taps)
    scratch = numbers_at(row[SCRATCH] + 4 * task * row[APART], row[PIECE])
    sums = scratch[: group * columns]
    if row[DIRECT] != 0:
        size = height * width
        products(
            group, columns, weights, begin * taps, taps, 1, 1, 0, taps,
            numbers_at(row[SOURCE], channels * size + SLACK), first * ph * width, size, 0,
            sums, 0, columns, False,
        )  # fmt: skip
    else:
        plane = patches_of_channel(high, wide, row[TAPS_DOWN], row[TAPS_ALONG], row[STRIDE_DOWN])
        patches = scratch[group * columns :][: channels * plane]
        offsets = _copy_patches(row, first * ph, high, wide, patches)
        products_at(
            group, columns, weights, begin * taps, taps, taps, patches, offsets, sums, columns
        )
    result = numbers_at(row[TARGET], filters * rows * positions)
    factors, shifts = factors_and_shifts(row, begin, group)
    for f in range(group):
        to = ((begin + f) * rows + first) * positions
        if ph * pw == 1:
            own = sums[f * columns :][: high * wide]
            finish(own, result[to : to + high * wide], factors[f], shifts[f], relu)
        else:
            largest_of_windows(
                sums, f * columns, band, positions, ph, pw, factors, shifts, f, relu, result, to
            )
