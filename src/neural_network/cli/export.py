"""``neural-network export``: a model in another kind of file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neural_network.cli.models import ONNX, OWN, raw_notes, read_model
from neural_network.cli.output import Force, confirm_overwrite
from neural_network.errors import ArgumentError, brief, sentence
from neural_network.interop import onnx
from neural_network.layers.saving import save


def export(
    model: Annotated[str, typer.Argument(help="A model's file, or one that is shipped.")],
    file: Annotated[
        Path, typer.Argument(help=f"What to write: a name that ends in {ONNX} or {OWN}.")
    ],
    force: Force = False,
) -> None:
    """Write a model as ONNX, for other programs, or one from ONNX as a file of this library."""
    suffix = file.suffix.lower()
    if suffix not in (ONNX, OWN):
        expected = f"a name that ends in {ONNX} or {OWN}"
        raise ArgumentError(sentence("export", "FILE", expected, brief(str(file))))
    network, _ = read_model("export", "MODEL", model)
    notes = raw_notes(model)
    confirm_overwrite([file], force=force)
    if suffix == ONNX:
        onnx.save(network, file, notes=notes or None)
    else:
        save(network, file, notes=notes or None)
    typer.echo(f"Saved: {file}")
