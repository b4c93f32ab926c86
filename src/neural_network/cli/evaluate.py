"""``neural-network evaluate``: accuracy and confusions of a trained network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from neural_network.checks import Array
from neural_network.cli.data import DATA, load_pictures, shaped_for
from neural_network.cli.models import numbered_as, read_model
from neural_network.cli.output import Force, confirm_overwrite, predicted
from neural_network.errors import ShapeError, sentence
from neural_network.functional.activations import sigmoid, softmax
from neural_network.functional.labels import one_hot
from neural_network.functional.losses.cross_entropies import softmax_cross_entropy
from neural_network.functional.losses.probabilities import binary_cross_entropy, cross_entropy
from neural_network.layers.layer import Layer
from neural_network.layers.outputs import ends_in
from neural_network.training.metrics import ClassReport, accuracy, class_report, confusion_matrix
from neural_network.visual import save_figure, show_confusion_matrix
from neural_network.visual.saving import check_figure_path

# A matrix of more columns does not fit a terminal; --save draws it.
MOST_COLUMNS = 16


def evaluate(
    model: Annotated[Path, typer.Argument(help="A model's file, written by `train` or `save`.")],
    data: Annotated[
        str,
        typer.Option(help=f"The test pictures of {', '.join(DATA)}; or a folder per class."),
    ] = "mnist",
    save: Annotated[
        Path | None,
        typer.Option("--save", "-o", help="Draw the confusion matrix here.", show_default=False),
    ] = None,
    force: Force = False,
) -> None:
    """Evaluate a trained model: accuracy, loss, confusion matrix, and each class."""
    os.environ["MPLBACKEND"] = "Agg"
    console = Console()
    network, notes = read_model("evaluate", "MODEL", model)
    if save is not None:
        check_figure_path("evaluate", "--save", save)
        confirm_overwrite([save], force=force)
    size = network.input_shape[-2:] if network.input_shape else ()
    with console.status("reading the pictures"):
        picture_size = (size[0], size[1]) if len(size) == 2 else None
        pictures = load_pictures("evaluate", data, "test", picture_size)
    if notes.classes:
        pictures = numbered_as(notes, pictures)
    elif data not in DATA:
        order = ", ".join(pictures.classes)
        typer.echo(f"The model's file does not name its classes: taken as {order}.", err=True)
    if notes.prepared == "digit" and data not in DATA:
        typer.echo(
            "The pictures are taken as they are; `predict` would prepare them as digits.", err=True
        )
    X = shaped_for("evaluate", "MODEL", network, pictures.X)
    outputs = predicted(console, network, X, "evaluating")
    if outputs.ndim != 2 or outputs.shape[1] != len(pictures.classes):
        expected = f"a model with {len(pictures.classes)} outputs, one for each class of the data"
        raise ShapeError(sentence("evaluate", "MODEL", expected, f"shape {outputs.shape[1:]}"))

    counts = confusion_matrix(outputs, pictures.y)
    if len(pictures.classes) <= MOST_COLUMNS:
        console.print(_matrix(counts, pictures.classes))
    console.print(_report(class_report(outputs, pictures.y), pictures.classes))
    share = accuracy(outputs, pictures.y)
    loss = _loss(network, X, outputs, pictures.y)
    typer.echo(f"{share:.1%} of {len(X):,} pictures right, {loss}.")
    if save is not None:
        save_figure(show_confusion_matrix(counts, pictures.classes), save)
        typer.echo(f"Saved: {save}")


def _loss(network: Layer, X: Array, outputs: Array, y: Array) -> str:
    """Return the name and value of the loss that fits what the network ends in."""
    last = ends_in(network, X)
    if last is softmax:
        return f"cross-entropy {cross_entropy(outputs, one_hot(y, outputs.shape[1])):.4f}"
    if last is sigmoid:
        loss = binary_cross_entropy(outputs, one_hot(y, outputs.shape[1]))
        return f"binary cross-entropy {loss:.4f}"
    return f"cross-entropy {softmax_cross_entropy(outputs, y):.4f}"


def _matrix(counts: Array, classes: list[str]) -> Table:
    columns = [Column(escape(name), justify="right") for name in classes]
    table = Table("", *columns, title="Predicted classes (columns) of true ones (rows)")
    for name, row in zip(classes, counts, strict=True):
        cells = [str(count) if count else "·" for count in row]
        table.add_row(escape(name), *cells)
    return table


def _report(report: ClassReport, classes: list[str]) -> Table:
    titles = [Column(title, justify="right") for title in ("precision", "recall", "F1", "count")]
    table = Table("class", *titles, title="Each class")
    for label, name in enumerate(classes):
        shares = [measure[label] for measure in (report.precision, report.recall, report.f1)]
        cells = ["–" if np.isnan(share) else f"{share:.3f}" for share in shares]
        table.add_row(escape(name), *cells, f"{report.count[label]:,}")
    return table
