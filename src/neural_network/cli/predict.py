"""``neural-network predict``: the classes of photographs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from neural_network.checks import Array
from neural_network.cli.data import as_inputs, shaped_for
from neural_network.cli.models import OF_DIGITS, Notes, class_names, read_model
from neural_network.cli.output import (
    Force,
    confirm_overwrite,
    free_name,
    predicted,
    printable,
    with_progress,
)
from neural_network.datasets.digits import FIELD, prepared_and_counted
from neural_network.datasets.folders import as_image
from neural_network.datasets.pictures import read_picture
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.layers.layer import Layer
from neural_network.layers.outputs import class_probabilities
from neural_network.models import load_tiny_cnn
from neural_network.visual import save_figure, show_predictions
from neural_network.visual.saving import check_figure_path

SHOWN, BAR = 3, 40  # lines for a picture, and the length of a bar of 100%
# More would make the drawing too large; the probabilities of all are printed.
MOST_DRAWN = 20
DRAWING = Path("what_it_saw.png")


def predict(
    pictures: Annotated[
        list[Path],
        typer.Argument(help="PNG, JPEG and so on; of digits, one in each.", metavar="PICTURE…"),
    ],
    model: Annotated[
        Path | None,
        typer.Option(help="A trained model.", show_default="the tiny_cnn that is shipped"),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Show all classes, not three.")] = False,
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            "-o",
            help="The drawing of the prepared pictures and the probabilities.",
            show_default=f"{DRAWING}, or where that is taken {DRAWING.stem}-2.png and so on",
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Classify photographs of digits, or of other classes, and draw the prepared pictures."""
    os.environ["MPLBACKEND"] = "Agg"
    console = Console()
    network, notes = (
        (load_tiny_cnn(), OF_DIGITS) if model is None else read_model("predict", "--model", model)
    )
    if save is None:
        save = DRAWING if force else free_name(DRAWING)
    check_figure_path("predict", "--save", save)
    confirm_overwrite([save], force=force)
    notes = _with_preparation(network, notes)
    photographs = [_read(path) for path in pictures]
    pairs = with_progress(
        console, list(zip(pictures, photographs, strict=True)), "looking at the pictures"
    )
    prepared = np.stack([_prepared(path, photograph, notes) for path, photograph in pairs])
    X = shaped_for("predict", "--model", network, prepared[:, None])
    outputs = predicted(console, network, X, "reading")
    if outputs.ndim != 2 or outputs.shape[1] < 2:
        expected = "a model with an output for each class"
        raise ShapeError(sentence("predict", "--model", expected, f"shape {outputs.shape[1:]}"))
    classes = class_names("predict", "--model", notes, outputs.shape[1])
    probabilities = class_probabilities(network, X, outputs)
    for path, row in zip(pictures, probabilities, strict=True):
        _print(path, row, classes, len(row) if all_ else SHOWN)
    titles = [printable(path.name) for path in pictures]
    with console.status("drawing"):
        figure = show_predictions(
            photographs[:MOST_DRAWN],
            prepared[:MOST_DRAWN],
            probabilities[:MOST_DRAWN],
            titles=titles[:MOST_DRAWN],
            classes=list(map(printable, classes)),
        )
        save_figure(figure, save)
    which = f" (the first {MOST_DRAWN})" if len(pictures) > MOST_DRAWN else ""
    typer.echo(f"Saved: {save}{which}")


def _with_preparation(network: Layer, notes: Notes) -> Notes:
    """Return how pictures are prepared; without notes, a model of digits by its input."""
    if notes.prepared:
        return notes
    digits = ((1, FIELD, FIELD), (FIELD, FIELD), (FIELD * FIELD,))
    if network.input_shape not in digits:
        expected = f"a model of digits, of shape {digits[0]}, or one with notes on its pictures"
        received = f"one that reads {network.input_shape} without such notes"
        raise ShapeError(sentence("predict", "--model", expected, received))
    typer.echo(
        "The model's file has no notes on how its pictures were prepared: "
        "they are prepared as handwritten digits.",
        err=True,
    )
    return notes._replace(prepared="digit")


def _read(path: Path) -> Array:
    shades, several = read_picture(path, "L")
    if several:
        typer.echo(f"{path}: contains several pictures; the first is read", err=True)
    return shades


def _prepared(path: Path, photograph: Array, notes: Notes) -> Array:
    """Return the picture as the model's training pictures were prepared: (H, W), from 0 to 1."""
    if notes.prepared == "resize":
        resized: Array = as_inputs(as_image(photograph, notes.size)[None])[0, 0]
        return resized
    try:
        digit, count = prepared_and_counted("prepare_digit", photograph)
    except ArgumentError as error:
        raise ArgumentError(f"{path}: {error}") from error
    if count > 1:
        typer.echo(
            f"there seem to be several digits in {path}; one at a time is read best", err=True
        )
    return digit


def _print(path: Path, probabilities: Array, classes: list[str], lines: int) -> None:
    best = np.argsort(-probabilities, kind="stable")[:lines]
    typer.echo(f"{path}: {classes[best[0]]}")
    width = max(len(classes[label]) for label in best)
    for label in best:
        share = float(probabilities[label])
        line = f"  {classes[label]:{width}}  {share:6.1%}  {'█' * round(share * BAR)}"
        typer.echo(line.rstrip())
