"""The sum of rows by their places: the gradient of a table from which rows were looked up."""

from __future__ import annotations

from typing import Any

from neural_network.kernels.runtime.compiler import serial_kernel


@serial_kernel
def add_rows(rows: Any, places: Any, out: Any) -> None:
    """Add each row to the row of ``out`` at its place, one after the other.

    Args:
        rows: (n, size), contiguous.
        places: (n,) of type intp, each a row of ``out``.
        out: (vocabulary, size), contiguous.
    """
    for i in range(len(places)):
        row, to = rows[i], out[places[i]]
        for c in range(len(row)):
            to[c] += row[c]
