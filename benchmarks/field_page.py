"""The field in words: a line for each cell as it is printed, and the table of the page."""

from __future__ import annotations

from typing import Any


def line(cell: dict[str, Any]) -> str:
    """Return what is printed as soon as a cell is known."""
    low, high = cell["spread"]
    medians = ", ".join(f"{name} {value:.3g}" for name, value in cell["medians_ms"].items())
    return (
        f"field:{cell['key']:<12} {cell['work']:<28} {cell['rows']:>4} rows "
        f"{cell['ratio']:5.2f} × {cell['peer']} ({low:.2f} to {high:.2f}); ms: {medians}"
    )
