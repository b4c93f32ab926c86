"""Loops in place of assignments to slices, and the transposition of matrices.

Numba compiles ``target[:n] = source`` together with a check of the shapes, whose error message
brings in the formatting of strings: two to four seconds of compiling a kernel.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import part
from neural_network.kernels.tile import transpose

# Rows and columns of a block that is transposed.
BLOCK = 8


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


@part
def transpose_places(
    x: Any, at: int, row: int, y: Any, y_at: int, y_row: int, places: int, channels: int
) -> None:
    """``y[y_at + j·y_row + c] = x[at + c·row + j]``; at least ``BLOCK`` places and channels.

    The last block overlaps the one before. Loops would be compiled to gathers, which are slow.
    """
    for c in range(0, channels, BLOCK):
        for j in range(0, places, BLOCK):
            channel, place = min(c, channels - BLOCK), min(j, places - BLOCK)
            transpose(x, at + channel * row + place, row, y, y_at + place * y_row + channel, y_row)


@part
def turn(
    source: Any, at: int, step: int, rows: int, columns: int, target: Any, to: int, wide: int
) -> None:
    """Transpose a matrix into rows of ``wide`` numbers, zeros behind the last; float32.

    Row i of the matrix begins at ``at + i·step``, row c of the result at ``to + c·wide``.
    """
    high, deep = rows // 8 * 8, columns // 8 * 8
    for i in range(0, high, 8):
        for c in range(0, deep, 8):
            transpose(source, at + i * step + c, step, target, to + c * wide + i, wide)
    for c in range(columns):
        for i in range(0 if c >= deep else high, rows):
            target[to + c * wide + i] = source[at + i * step + c]
        for i in range(rows, wide):
            target[to + c * wide + i] = np.float32(0)
