"""``neural-network summary``: the layers of a network."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from neural_network.cli.data import near_name
from neural_network.cli.models import read_model
from neural_network.cli.output import Report, terminal_width
from neural_network.errors import ArgumentError, brief, sentence
from neural_network.functional.window import times
from neural_network.layers.summary import Summary
from neural_network.models import MODELS
from neural_network.terminal import is_terminal


def summary(
    model: Annotated[str, typer.Argument(help=f"{', '.join(MODELS)}, or a saved model's file.")],
) -> None:
    """Show a model's layers, their outputs for one input, parameters and multiply-adds."""
    if model in MODELS:
        _show(MODELS[model](rng=0).summary())
        return
    if not Path(model).exists():
        expected = f"one of {', '.join(MODELS)}, or a saved model's file"
        near = near_name(model, MODELS)
        raise ArgumentError(sentence("summary", "MODEL", expected, brief(model)) + near)
    _show(read_model("summary", "MODEL", model)[0].summary())


def _show(table: Summary) -> None:
    """Print the table; where the terminal is narrower, in cells of several lines."""
    lines = str(table).splitlines()
    if not is_terminal(sys.stdout) or max(map(len, lines)) <= terminal_width():
        typer.echo(table)
        return
    cells = [
        [
            row.name,
            row.layer,
            times(row.output) or "1",
            f"{row.parameters:,}",
            f"{row.multiply_adds:,}",
        ]
        for row in table.rows
    ]
    cells.append(["", "all", "", f"{table.parameters:,}", f"{table.multiply_adds:,}"])
    Report().table("", ["", "layer", "output", "parameters", "multiply-adds"], cells, right=2)
    for line in lines[len(table.rows) + 4 :]:  # of frozen parameters, and of what is not counted
        typer.echo(line)
