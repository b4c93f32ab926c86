"""Mean and variance of each channel, by blocks of memory that stay in the cache.

Within a block, numbers are added up in float32 over *periods*: a multiple of the channels, so that
the numbers of a channel stand at the same places of each, and inner loops are long for few channels
as well. Blocks are combined in float64, in order.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from neural_network.kernels.copies import fill
from neural_network.kernels.runtime.compiler import part

# No fast-math: a sum has the same bits wherever it is computed.
exact_part = partial(part, flags=frozenset())

# Numbers of a period at most, where that is more than the channels; and of a block.
PERIOD, BLOCK = 128, 8192


def period_of(channels: int) -> int:
    """Return the numbers of a period."""
    return channels * max(1, PERIOD // channels)


def block_of(positions: int, channels: int) -> int:
    """Return the positions of a block of an image: the parts of an image are about equal."""
    return -(-positions // max(1, round(positions * channels / BLOCK)))


@exact_part
def _moments_of_block(
    X: Any, begin: int, end: int, channels: int, period: int, means: Any, squares: Any, at: int
) -> None:
    """Fill mean and sum of squared differences from it of ``X[begin:end]``, from ``at`` on.

    The differences are from the mean of the first period. It is so near the mean of the block that
    the variance loses two digits at most, even where that period holds the only large number.
    """
    count, first = (end - begin) // channels, min(period, end - begin)
    near = np.empty(period, X.dtype)
    total, square = np.empty(period, X.dtype), np.empty(period, X.dtype)
    for i in range(period):
        total[i] = square[i] = near[i] = np.float32(0)
    for i in range(first):
        total[i % channels] += X[begin + i]
    for i in range(period):
        near[i] = total[i % channels] * channels / first
    fill(total, 0, channels, np.float32(0))
    for piece in range(begin, end, period):
        numbers = X[piece : min(piece + period, end)]
        for i in range(len(numbers)):
            difference = numbers[i] - near[i]
            total[i] += difference
            square[i] += difference * difference
    for c in range(channels):
        whole, whole_square = 0.0, 0.0
        for i in range(c, period, channels):
            whole += total[i]
            whole_square += square[i]
        rest = whole_square - whole * whole / count
        means[at + c] = near[c] + whole / count
        squares[at + c] = 0.0 if rest < 0 else rest  # rounded; in this form NaN is kept


@exact_part
def moments_of_image(
    X: Any, begin: int, positions: int, channels: int, block: int, period: int, means: Any,
    squares: Any, image: int,
) -> None:  # fmt: skip
    """Fill means and sums of squared differences from them of the blocks of an image.

    Args:
        X: images as one axis.
        begin: where the image begins, which is contiguous.
        positions: of the image, of ``channels`` numbers each.
        block: positions of a block.
        period: numbers of a period.
        means, squares: (images · blocks of an image · C,).
        image: its number.
    """
    at = image * -(-positions // block) * channels
    for first in range(0, positions, block):
        last = min(first + block, positions)
        _moments_of_block(
            X, begin + first * channels, begin + last * channels, channels, period,
            means, squares, at,
        )  # fmt: skip
        at += channels


@part
def mean_and_squares(numbers: Any) -> Any:
    """Return the mean of all numbers, and the sum of squared differences from it, in float64."""
    total = 0.0
    for i in range(len(numbers)):
        total += numbers[i]
    mean = total / len(numbers)
    squares = 0.0
    for i in range(len(numbers)):
        difference = numbers[i] - mean
        squares += difference * difference
    return mean, squares


@part
def combine(means: Any, squares: Any, size: int, count: int, mean: Any, variance: Any) -> None:
    """Fill mean and variance of each channel, (C,), from those of blocks, in their order.

    Args:
        means: (blocks, C).
        squares: (blocks, C) sums of squared differences from the block's mean.
        size: how many numbers of each channel a block has; the last of a part may have fewer.
        count: how many numbers of each channel a part has, which the blocks cover; all parts, such
            as images, have the same.
        mean, variance: to be filled.
    """
    blocks, channels = means.shape
    each = -(-count // size)
    # Relative to the first block's mean: the differences between blocks are small.
    fill(mean, 0, channels, 0.0)
    for block in range(blocks):
        own = min(size, count - block % each * size)
        for c in range(channels):
            mean[c] += (means[block, c] - means[0, c]) * own
    total = count * (blocks // each)
    for c in range(channels):
        mean[c] = means[0, c] + mean[c] / total
        variance[c] = 0.0
    for block in range(blocks):
        own = min(size, count - block % each * size)
        for c in range(channels):
            difference = means[block, c] - mean[c]
            variance[c] += squares[block, c] + difference * difference * own
    for c in range(channels):
        variance[c] /= total
