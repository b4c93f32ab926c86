"""Trainers, callbacks, histories and reports as one line, as a table, and as HTML in a notebook."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from neural_network.describing import html_table
from neural_network.errors import brief

# Rows of a table of epochs; more are left out in the middle.
MOST_EPOCHS = 20
# Of an argument in a table.
LETTERS = 2000


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of text, the first column at the left and the others at the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    laid = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([laid[0], "-" * max(map(len, laid)), *laid[1:]])


def arguments_kept(made: object) -> dict[str, Any]:
    """Return the arguments of a constructor that an object has as attributes."""
    names = inspect.signature(type(made)).parameters
    return {name: vars(made)[name] for name in names if name in vars(made)}


def html_of(made: object, arguments: Mapping[str, Any]) -> str:
    """Return the arguments of an object as a table of HTML."""
    rows = [[name, brief(value, letters=LETTERS)] for name, value in arguments.items()]
    return html_table(type(made).__name__, ["argument", "value"], rows)


def epochs_of(history: Mapping[str, Sequence[float]], epochs: int) -> list[list[str]]:
    """Return a row of text for each epoch, those in the middle of many as "…"."""
    numbers = list(range(epochs))
    if epochs > MOST_EPOCHS:
        half = MOST_EPOCHS // 2
        numbers = [*numbers[:half], -1, *numbers[-half:]]
    rows = []
    for epoch in numbers:
        cells = [str(epoch + 1)] if epoch >= 0 else ["…"]
        for values in history.values():
            place = epoch - epochs + len(values)  # a measure may have been added later
            cells.append(f"{values[place]:.4g}" if epoch >= 0 and place >= 0 else "")
        rows.append(cells)
    return rows
