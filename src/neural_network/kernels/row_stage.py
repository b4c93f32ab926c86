"""What the operations on a single row share: the columns of their table, and what ends a stage.

A stage is a row of the table that ``instructions`` describes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.instructions import FIELDS
from neural_network.kernels.runtime.addresses import numbers_at
from neural_network.kernels.runtime.compiler import part

(
    KIND, TASKS, SOURCE, OTHER, TARGET, SCRATCH, CONSTANT,
    WEIGHT, BIAS, GAMMA, BETA, MEANS, VARIANCE,
    CHANNELS, HEIGHT, WIDE, FILTERS, ROWS, POSITIONS,
    TAPS_DOWN, TAPS_ALONG, STRIDE_DOWN, STRIDE_ALONG, SPACING_DOWN, SPACING_ALONG,
    TOP, LEFT, POOL_DOWN, POOL_ALONG, FUNCTION, RELU, DIRECT, BAND, GROUP, PIECE, APART, TAKEN,
    DONE,
) = range(len(FIELDS))  # fmt: skip


@part
def factors_and_shifts(row: Any, begin: int, count: int) -> Any:
    """Return what bias and batch norm make of the sums of some filters: factors and shifts."""
    factor, shift = np.ones(count, np.float32), np.zeros(count, np.float32)
    if row[BIAS] != 0:
        bias = numbers_at(row[BIAS] + 4 * begin, count)
        for f in range(count):
            shift[f] = bias[f]
    if row[VARIANCE] != 0:
        gamma, beta = (
            numbers_at(row[GAMMA] + 4 * begin, count), numbers_at(row[BETA] + 4 * begin, count)
        )  # fmt: skip
        mean, variance = (
            numbers_at(row[MEANS] + 4 * begin, count), numbers_at(row[VARIANCE] + 4 * begin, count)
        )  # fmt: skip
        epsilon = numbers_at(row[CONSTANT], 1)[0]
        for f in range(count):
            factor[f] = gamma[f] / np.sqrt(variance[f] + epsilon)
            shift[f] = beta[f] + (shift[f] - mean[f]) * factor[f]
    return factor, shift


@part
def finish(sums: Any, out: Any, factor: Any, shift: Any, relu: bool) -> None:
    """Fill ``out`` with sums, times a factor, plus a shift; then relu."""
    for i in range(out.size):
        total = sums[i] * factor + shift
        # In this form NaN is kept, because no comparison with it is true.
        out[i] = np.float32(0) if relu and total < 0 else total


@part
def keep_larger(best: Any, found: Any) -> None:
    """Put larger numbers in the place of those in ``best``; NaN counts as the largest."""
    for i in range(best.size):
        number, other = best[i], found[i]
        best[i] = other if other > number or np.isnan(other) else number
