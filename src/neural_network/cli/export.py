"""``neural-network export``: a model in another kind of file."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from neural_network.cli.models import ONNX, OWN, raw_notes, read_model
from neural_network.cli.output import Force, check_place, confirm_overwrite
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
        received = f"{brief(str(file))}{_instead(model, file)}"
        raise ArgumentError(sentence("export", "FILE", expected, received))
    check_place("export", "FILE", file)
    network, _ = read_model("export", "MODEL", model)
    notes = raw_notes(model)
    confirm_overwrite([file], force=force)
    if suffix == ONNX:
        onnx.save(network, file, notes=notes or None)
    else:
        save(network, file, notes=notes or None)
    typer.echo(f"Saved: {file}")


def _instead(model: str, file: Path) -> str:
    """Return what writes a file that other programs can read, by the ending that was asked for."""
    suffix = file.suffix.lower()
    if suffix in (".pth", ".pt", ".ckpt", ".bin"):
        return (
            "; in Python neural_network.interop.torch.save_weights(model, path) writes weights "
            "that PyTorch reads with safetensors"
        )
    if suffix in (".pkl", ".joblib"):
        return f"; nothing here is pickled, {OWN} has all of a model"
    name = file / f"model{ONNX}" if file.is_dir() else file.with_suffix(ONNX)
    if not suffix and not file.is_dir():
        name = Path(f"{Path(model).stem}{ONNX}")
    line = shlex.join(["neural-network", "export", model, str(name)])
    return f"; {line} writes ONNX, for other programs"
