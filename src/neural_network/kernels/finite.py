"""Checks of a long buffer for NaN, infinity and numbers beyond a limit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, part, prange, serial_kernel

# Numbers of a task: 64 KB of float32.
BLOCK = 16384
# From here on a check is worth several threads.
SEVERAL_THREADS = 1 << 20


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
def copy_and_count(source: Any, target: Any, numbers: Any, limit: Any, counts: Any) -> None:
    """Copy ``source``, and count as above in ``numbers`` of the same length."""
    for task in prange(counts.shape[0]):
        begin, end = task * BLOCK, (task + 1) * BLOCK
        old, new = source[begin:end], target[begin:end]
        for i in range(old.shape[0]):
            new[i] = old[i]
        counts[task] = _count(numbers[begin:end], limit)


def copy_and_check(source: Any, target: Any, numbers: Any) -> bool:
    """Copy one buffer, and return whether all numbers of another one are finite."""
    counts = np.empty(-(-numbers.size // BLOCK), np.int64)
    copy_and_count(source, target, numbers, np.finfo(numbers.dtype).max, counts)
    return not counts.any()


@serial_kernel
def sum_of_squares(numbers: Any) -> Any:
    """Return Σ x², in the type of the numbers."""
    total = numbers.dtype.type(0)
    for i in range(numbers.shape[0]):
        total += numbers[i] * numbers[i]
    return total


def all_within(numbers: Any, limit: float) -> bool:
    """Return whether all numbers of a 1-D buffer lie from −``limit`` to ``limit``.

    NumPy would call BLAS for a dot product, whose threads then spin beside those of the kernels.
    """
    # Squares are added faster than numbers are compared, but their sum may overflow.
    if numbers.size < SEVERAL_THREADS:
        with np.errstate(over="ignore"):  # uncompiled it would warn
            squares = float(sum_of_squares(numbers))
        if squares <= limit * limit and squares < math.inf:
            return True
    counts = np.empty(-(-numbers.size // BLOCK), np.int64)
    count_beyond(numbers, numbers.dtype.type(limit), counts)
    return not counts.any()


def all_finite(numbers: Any) -> bool:
    """Return whether all numbers of a 1-D buffer are finite."""
    return all_within(numbers, float(np.finfo(numbers.dtype).max))
