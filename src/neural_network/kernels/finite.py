"""Checks of a long buffer for NaN, infinity and numbers beyond a limit, and its sum of squares."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, part, prange, serial_kernel

# Numbers of a task: 64 KB of float32.
BLOCK = 16384
# From here on a sum is worth several threads.
SEVERAL_THREADS = 1 << 17


@part
def _add_squares(numbers: Any) -> Any:
    """Return Σ x², in the type of the numbers."""
    total = numbers.dtype.type(0)
    for i in range(numbers.shape[0]):
        total += numbers[i] * numbers[i]
    return total


@part
def _count(numbers: Any, limit: Any) -> int:
    """Return how many numbers are NaN, infinite, or beyond ±``limit``."""
    count = 0
    for i in range(numbers.shape[0]):
        # NaN is in no order with any number.
        count += not (np.abs(numbers[i]) <= limit)
    return count


@kernel
def count_beyond(numbers: Any, limit: Any, counts: Any) -> None:
    """Fill ``counts`` (one entry for each ``BLOCK``) with the count of numbers beyond a limit."""
    for task in prange(counts.shape[0]):
        counts[task] = _count(numbers[task * BLOCK : (task + 1) * BLOCK], limit)


@kernel
def copy_and_square(source: Any, target: Any, numbers: Any, sums: Any) -> None:
    """Copy ``source``, and sum as below the squares of ``numbers``, of the same length."""
    for task in prange(sums.shape[0]):
        begin, end = task * BLOCK, (task + 1) * BLOCK
        old, new = source[begin:end], target[begin:end]
        for i in range(old.shape[0]):
            new[i] = old[i]
        sums[task] = _add_squares(numbers[begin:end])


@kernel
def squares_of_blocks(numbers: Any, sums: Any) -> None:
    """Fill ``sums`` (one entry for each ``BLOCK``) with Σ x²."""
    for task in prange(sums.shape[0]):
        sums[task] = _add_squares(numbers[task * BLOCK : (task + 1) * BLOCK])


@serial_kernel
def squares_on_one_thread(numbers: Any) -> Any:
    """Return Σ x², in the type of the numbers, on one thread."""
    return _add_squares(numbers)


def sum_of_squares(numbers: Any) -> float:
    """Return Σ x² of a 1-D buffer; infinity where it overflows.

    NumPy would call BLAS for a dot product, whose threads then spin beside those of the kernels.
    """
    with np.errstate(over="ignore"):  # uncompiled it would warn
        if numbers.size < SEVERAL_THREADS:
            return float(squares_on_one_thread(numbers))
        sums = _for_blocks(numbers)
        squares_of_blocks(numbers, sums)
        return float(np.add.reduce(sums))


def copy_and_sum_squares(source: Any, target: Any, numbers: Any) -> float:
    """Copy one buffer, and return Σ x² of another one of the same length."""
    sums = _for_blocks(numbers)
    with np.errstate(over="ignore"):
        copy_and_square(source, target, numbers, sums)
        return float(np.add.reduce(sums))


def copy_and_check(source: Any, target: Any, numbers: Any) -> bool:
    """Copy one buffer, and return whether all numbers of another one are finite."""
    return copy_and_sum_squares(source, target, numbers) < math.inf or all_finite(numbers)


def _for_blocks(numbers: Any) -> Any:
    return np.empty(-(-numbers.size // BLOCK), numbers.dtype)


def all_within(numbers: Any, limit: float) -> bool:
    """Return whether all numbers of a 1-D buffer lie from −``limit`` to ``limit``."""
    # Squares are added faster than numbers are compared, but their sum may overflow.
    total = sum_of_squares(numbers)
    if total <= limit * limit and total < math.inf:
        return True
    counts = np.empty(-(-numbers.size // BLOCK), np.int64)
    count_beyond(numbers, numbers.dtype.type(limit), counts)
    return not counts.any()


def all_finite(numbers: Any) -> bool:
    """Return whether all numbers of a 1-D buffer are finite."""
    return all_within(numbers, float(np.finfo(numbers.dtype).max))
