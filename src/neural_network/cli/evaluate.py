"""``neural-network evaluate``: accuracy and confusions of a trained network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from neural_network.checks import Array
from neural_network.cli.data import DATA, DIGITS, check_data, load_pictures, shaped_for
from neural_network.cli.models import SETTINGS_FILE, SHIPPED, numbered_as, read_model
from neural_network.cli.output import (
    Force,
    Json,
    Quiet,
    Report,
    check_place,
    confirm_overwrite,
    printable,
)
from neural_network.cli.preparation import DIGIT, OF_DIGITS, Preparation, by_input
from neural_network.cli.settings import read_settings
from neural_network.datasets.folders import Wrong, class_names
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.functional.activations import sigmoid, softmax
from neural_network.functional.labels import one_hot
from neural_network.functional.losses.cross_entropies import softmax_cross_entropy
from neural_network.functional.losses.probabilities import binary_cross_entropy, cross_entropy
from neural_network.layers.layer import Layer
from neural_network.layers.outputs import end_by_numbers
from neural_network.training.metrics import ClassReport, accuracy, class_report, confusion_matrix
from neural_network.visual import save_figure, show_confusion_matrix
from neural_network.visual.saving import check_figure_path

# A matrix of more columns does not fit a terminal; --save draws it.
MOST_COLUMNS = 16
MEASURES = ("precision", "recall", "F1")


def evaluate(
    model: Annotated[
        str,
        typer.Argument(
            help=f"A model's file, written by `train` or `save`; or {', '.join(SHIPPED)}."
        ),
    ],
    data: Annotated[
        str,
        typer.Option(help=f"The test pictures of {', '.join(DATA)}; or a folder per class."),
    ] = "mnist",
    save: Annotated[
        Path | None,
        typer.Option("--save", "-o", help="Draw the confusion matrix here.", show_default=False),
    ] = None,
    force: Force = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Evaluate a trained model: accuracy, loss, confusion matrix, and each class."""
    os.environ["MPLBACKEND"] = "Agg"
    report = Report(json=json, quiet=quiet)
    network, notes = read_model("evaluate", "MODEL", model)
    if save is not None:
        check_figure_path("evaluate", "--save", save)
        check_place("evaluate", "--save", save)
        confirm_overwrite([save], force=force)
    check_data("evaluate", data)
    if data in DATA and notes.classes and not {*DATA[data].classes} <= {*notes.classes}:
        expected = f"classes of the model ({', '.join(notes.classes)})"
        received = (
            f"{', '.join(DATA[data].classes)} of {data}; add --data FOLDER, with a folder per class"
        )
        raise ArgumentError(sentence("evaluate", "--data", expected, received))
    preparation = notes.pictures
    if preparation is None:
        preparation = by_input(network) if data in DATA else _guessed(network, data, report)
    unread: Wrong = {}
    pictures = load_pictures("evaluate", data, "test", preparation, report, unread)
    if notes.classes:
        pictures = numbered_as(notes, pictures)
    elif data not in DATA:
        order = ", ".join(pictures.classes)
        report.note(f"The model's file does not name its classes: taken as {order}.")
    X = shaped_for("evaluate", "MODEL", network, pictures.X)
    outputs = report.predicted(network, X, "evaluating")
    if outputs.ndim != 2 or outputs.shape[1] != len(pictures.classes):
        expected = f"a model with {len(pictures.classes)} outputs, one for each class of the data"
        raise ShapeError(sentence("evaluate", "MODEL", expected, f"shape {outputs.shape[1:]}"))

    counts = confusion_matrix(outputs, pictures.y)
    classes = [printable(name) for name in pictures.classes]
    if len(classes) <= MOST_COLUMNS:
        report.table(
            "Predicted classes (columns) of true ones (rows)",
            ["", *classes],
            [
                [name, *(str(count) if count else "·" for count in row)]
                for name, row in zip(classes, counts, strict=True)
            ],
            right=len(classes),
        )
    each = class_report(outputs, pictures.y)
    report.table("Each class", ["class", *MEASURES, "count"], _rows(each, classes), right=4)
    share = accuracy(outputs, pictures.y)
    if data not in DATA and _trained_on(Path(model), Path(data)):
        report.note("The model was trained on these pictures: of others, fewer will be right.")
    name, loss = _loss(network, X, outputs, pictures.y)
    report.result(f"{share:.1%} of {len(X):,} pictures right, {name} {loss:.4f}.")
    if save is not None:
        save_figure(show_confusion_matrix(counts, pictures.classes), save)
        report.result(f"Saved: {save}")
    report.end(
        accuracy=share,
        loss=loss,
        loss_name=name,
        pictures=len(X),
        classes=pictures.classes,
        confusion_matrix=counts,
        precision=each.precision,
        recall=each.recall,
        f1=each.f1,
        count=each.count,
        saved=save,
        unread=list(unread),
    )
    report.end_unless_all_read(unread)


def _trained_on(model: Path, folder: Path) -> bool:
    """Return whether a model's file lies beside the settings of a training on these pictures."""
    settings = model.parent / SETTINGS_FILE
    if not settings.is_file():
        return False
    trained = Path(read_settings(settings).get("data", ""))
    return trained.is_dir() and trained.samefile(folder)


def _guessed(network: Layer, folder: str, report: Report) -> Preparation:
    """Return how a folder's pictures are prepared for a model without notes, and say so.

    A model that reads 28×28 pixels is taken for one of digits, as by ``predict``, unless the
    folders' names are no digits.
    """
    how = by_input(network)
    if network.input_shape in OF_DIGITS and DIGITS.issuperset(class_names(folder)):
        how = DIGIT
    does = "prepared as handwritten digits" if how is DIGIT else "brought to the size that it reads"
    report.note(
        f"The model's file has no notes on how its pictures were prepared: they are {does}."
    )
    return how


def _loss(network: Layer, X: Array, outputs: Array, y: Array) -> tuple[str, float]:
    """Return the name and value of the loss that fits what the network ends in."""
    last = end_by_numbers(network, X, outputs)
    if last is softmax:
        return "cross-entropy", float(cross_entropy(outputs, one_hot(y, outputs.shape[1])))
    if last is sigmoid:
        loss = binary_cross_entropy(outputs, one_hot(y, outputs.shape[1]))
        return "binary cross-entropy", float(loss)
    return "cross-entropy", float(softmax_cross_entropy(outputs, y))


def _rows(each: ClassReport, classes: list[str]) -> list[list[str]]:
    """Return the lines of the table of classes."""
    rows = []
    for label, name in enumerate(classes):
        shares = [measure[label] for measure in (each.precision, each.recall, each.f1)]
        cells = ["–" if np.isnan(share) else f"{share:.3f}" for share in shares]
        rows.append([name, *cells, f"{each.count[label]:,}"])
    return rows
