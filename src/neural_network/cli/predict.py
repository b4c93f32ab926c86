"""``neural-network predict``: which digit a photograph shows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from neural_network.cli.data import shaped_for
from neural_network.cli.output import confirm_overwrite, predicted
from neural_network.datasets import load_picture, prepare_digit
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.functional.activations import softmax
from neural_network.functional.checks import Array
from neural_network.layers.saving import load
from neural_network.models import load_tiny_cnn
from neural_network.visual import save_figure, show_predictions
from neural_network.visual.saving import check_figure_path

SHOWN, BAR = 3, 40  # lines for a picture, and the length of a sure line's bar
# More would make the drawing too large; the probabilities of all are printed.
MOST_DRAWN = 20


def predict(
    pictures: Annotated[
        list[Path], typer.Argument(help="PNG or JPEG files, one digit in each.", metavar="PICTURE…")
    ],
    model: Annotated[
        Path | None,
        typer.Option(help="A trained model.", show_default="the tiny_cnn that is shipped"),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Show all classes, not three.")] = False,
    save: Annotated[
        Path, typer.Option("--save", "-o", help="The picture of what the network saw.")
    ] = Path("what_it_saw.png"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite without asking.")] = False,
) -> None:
    """Read handwritten digits from photographs, and draw what the network saw."""
    os.environ["MPLBACKEND"] = "Agg"
    console = Console()
    network = load_tiny_cnn() if model is None else load(model)
    check_figure_path("predict", "--save", save)
    confirm_overwrite([save], force=force)
    photographs = [load_picture(path) for path in pictures]
    some = track(
        list(zip(pictures, photographs, strict=True)),
        "looking at the pictures",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    seen = np.stack([_seen(path, photograph) for path, photograph in some])
    X = shaped_for("predict", "--model", network, seen[:, None])
    outputs = predicted(console, network, X, "reading")
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        expected = "a model with an output for each class"
        raise ShapeError(sentence("predict", "--model", expected, f"shape {outputs.shape[1:]}"))
    probabilities = softmax(outputs)
    for path, row in zip(pictures, probabilities, strict=True):
        _say(path, row, len(row) if all_ else SHOWN)
    titles = [path.name.encode("utf-8", "replace").decode() for path in pictures]
    with console.status("drawing"):
        figure = show_predictions(
            photographs[:MOST_DRAWN],
            seen[:MOST_DRAWN],
            probabilities[:MOST_DRAWN],
            titles=titles[:MOST_DRAWN],
        )
        save_figure(figure, save)
    which = f" (the first {MOST_DRAWN})" if len(pictures) > MOST_DRAWN else ""
    typer.echo(f"Saved: {save}{which}")


def _seen(path: Path, photograph: Array) -> Array:
    try:
        return prepare_digit(photograph)
    except ArgumentError as error:
        raise ArgumentError(f"{path}: {error}") from error


def _say(path: Path, probabilities: Array, lines: int) -> None:
    best = np.argsort(-probabilities, kind="stable")
    typer.echo(f"{path}: {best[0]}")
    for label in best[:lines]:
        share = float(probabilities[label])
        typer.echo(f"  {label}  {share:6.1%}  {'█' * round(share * BAR)}".rstrip())
