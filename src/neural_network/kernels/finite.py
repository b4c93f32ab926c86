"""Checks of a long buffer for NaN and infinity."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, part, prange

# Numbers of a task: 64 KB of float32.
BLOCK = 16384


@part
def _count(numbers: Any) -> int:
    """Return how many numbers are NaN or infinite."""
    count = 0
    for i in range(numbers.shape[0]):
        # ∞ − ∞ and NaN − NaN are NaN, which is unequal to itself.
        count += (numbers[i] - numbers[i]) != np.float32(0)
    return count


@kernel
def count_not_finite(numbers: Any, counts: Any) -> None:
    """Fill ``counts`` (one entry for each ``BLOCK``) with the count of NaN and infinity."""
    for task in prange(counts.shape[0]):
        counts[task] = _count(numbers[task * BLOCK : (task + 1) * BLOCK])


@kernel
def copy_and_count(source: Any, target: Any, numbers: Any, counts: Any) -> None:
    """Copy ``source``, and count as above in ``numbers`` of the same length."""
    for task in prange(counts.shape[0]):
        begin, end = task * BLOCK, (task + 1) * BLOCK
        old, new = source[begin:end], target[begin:end]
        for i in range(old.shape[0]):
            new[i] = old[i]
        counts[task] = _count(numbers[begin:end])


def copy_and_check(source: Any, target: Any, numbers: Any) -> bool:
    """Copy one buffer, and return whether all numbers of another one are finite."""
    counts = np.empty(-(-numbers.size // BLOCK), np.int64)
    copy_and_count(source, target, numbers, counts)
    return not counts.any()


def all_finite(numbers: Any) -> bool:
    """Return whether all numbers of a 1-D buffer are finite.

    NumPy would call BLAS for a dot product, whose threads then spin beside those of the kernels.
    """
    counts = np.empty(-(-numbers.size // BLOCK), np.int64)
    count_not_finite(numbers, counts)
    return not counts.any()
