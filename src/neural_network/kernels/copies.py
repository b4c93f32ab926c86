"""Loops in place of assignments to slices.

Numba compiles ``target[:n] = source`` together with a check of the shapes, whose error message
brings in the formatting of strings: two to four seconds of compiling a kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import part


@part
def fill(numbers: Any, begin: int, end: int, value: Any) -> None:
    """``numbers[begin:end] = value``."""
    for i in range(begin, end):
        numbers[i] = value


@part
def copy(source: Any, target: Any) -> None:
    """``target[:] = source``; both are of the same length."""
    for i in range(len(target)):
        target[i] = source[i]


@part
def repeated(numbers: Any, times: int, step: int) -> Any:
    """Return ``numbers`` at each of ``times`` places, ``step`` apart, with zeros between.

    Without numbers it returns zeros.
    """
    result = np.zeros(times * step, numbers.dtype)
    for place in range(times):
        for i in range(len(numbers)):
            result[place * step + i] = numbers[i]
    return result
