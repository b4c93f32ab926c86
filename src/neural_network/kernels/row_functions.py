"""Activation functions and pooling of a single row, channels first."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.activations import values_of
from neural_network.kernels.instructions import SLACK
from neural_network.kernels.patches import copy_part
from neural_network.kernels.row_stage import (
    APART,
    BAND,
    CHANNELS,
    CONSTANT,
    FUNCTION,
    GROUP,
    HEIGHT,
    PIECE,
    POSITIONS,
    ROWS,
    SCRATCH,
    SOURCE,
    STRIDE_ALONG,
    STRIDE_DOWN,
    TAPS_ALONG,
    TAPS_DOWN,
    TARGET,
    WIDE,
    keep_larger,
)
from neural_network.kernels.runtime.addresses import numbers_at
from neural_network.kernels.runtime.compiler import part


@part
def activated(row: Any, task: int) -> None:
    """Compute an activation function of some numbers."""
    size, begin = row[CHANNELS] * row[HEIGHT] * row[WIDE], task * row[BAND]
    values_of(
        row[FUNCTION], numbers_at(row[CONSTANT], 1), numbers_at(row[SOURCE], size),
        numbers_at(row[TARGET], size), begin, min(row[BAND], size - begin),
    )  # fmt: skip


@part
def pooled(row: Any, task: int, maximum: bool) -> None:
    """Compute the largest or the mean number of each window, of some channels.

    What a tap of all windows reads is first copied together, so that it is added by vectors.
    """
    channels, height, width = row[CHANNELS], row[HEIGHT], row[WIDE]
    rows, positions = row[ROWS], row[POSITIONS]
    sh, sw, taps = row[STRIDE_DOWN], row[STRIDE_ALONG], row[TAPS_DOWN] * row[TAPS_ALONG]
    size, begin = rows * positions, task * row[GROUP]
    image = numbers_at(row[SOURCE], channels * height * width + SLACK)
    result = numbers_at(row[TARGET], channels * size)
    found = numbers_at(row[SCRATCH] + 4 * task * row[APART], row[PIECE])
    for c in range(begin, min(begin + row[GROUP], channels)):
        out = result[c * size :][:size]
        for t in range(taps):
            at = (c * height + t // row[TAPS_ALONG]) * width + t % row[TAPS_ALONG]
            copy_part(
                image, at, sh * width, sw, found, 0, 0, rows, 0, positions, 0, positions, 1, 0, 0
            )  # fmt: skip
            if t == 0:
                for i in range(size):
                    out[i] = found[i]
            elif maximum:
                keep_larger(out, found)
            else:
                for i in range(size):
                    out[i] += found[i]
        if not maximum:
            for i in range(size):
                out[i] /= np.float32(taps)
