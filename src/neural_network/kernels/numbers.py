"""Looking at every number of a long buffer, once."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, prange

# Numbers that one task looks at: 64 KB of float32.
BLOCK = 16384


@kernel
def not_finite(numbers: Any, found: Any) -> None:
    """Count in ``found`` (one entry for each ``BLOCK``) the numbers that are NaN or infinite."""
    for task in prange(found.shape[0]):
        some = numbers[task * BLOCK : (task + 1) * BLOCK]
        count = 0
        for i in range(some.shape[0]):
            # ∞ − ∞ and NaN − NaN are NaN, which is unequal to itself.
            count += (some[i] - some[i]) != np.float32(0)
        found[task] = count


@kernel
def note_and_count(source: Any, target: Any, numbers: Any, found: Any) -> None:
    """Copy ``source``, and count what is not finite in ``numbers`` of the same length."""
    for task in prange(found.shape[0]):
        begin, end = task * BLOCK, (task + 1) * BLOCK
        old, new, some = source[begin:end], target[begin:end], numbers[begin:end]
        count = 0
        for i in range(some.shape[0]):
            new[i] = old[i]
            count += (some[i] - some[i]) != np.float32(0)
        found[task] = count


def noted_and_finite(source: Any, target: Any, numbers: Any) -> bool:
    """Copy one buffer, and say whether all numbers of another one are finite: one walk."""
    found = np.empty(-(-numbers.size // BLOCK), np.int64)
    note_and_count(source, target, numbers, found)
    return not found.any()


def all_finite(numbers: Any) -> bool:
    """Say whether all numbers of a 1-D buffer are finite.

    NumPy would ask BLAS for a product, whose threads then spin beside the kernels' own.
    """
    found = np.empty(-(-numbers.size // BLOCK), np.int64)
    not_finite(numbers, found)
    return not found.any()
