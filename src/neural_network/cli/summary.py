"""``neural-network summary``: the layers of a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neural_network.cli.models import read_model
from neural_network.errors import ArgumentError, brief, sentence
from neural_network.models import MODELS


def summary(
    model: Annotated[str, typer.Argument(help=f"{', '.join(MODELS)}, or a saved model's file.")],
) -> None:
    """Show a model's layers, their outputs for one input, parameters and multiply-adds."""
    if model in MODELS:
        typer.echo(MODELS[model](rng=0).summary())
        return
    if not Path(model).exists():
        expected = f"one of {', '.join(MODELS)}, or a saved model's file"
        raise ArgumentError(sentence("summary", "MODEL", expected, brief(model)))
    typer.echo(read_model("summary", "MODEL", model)[0].summary())
