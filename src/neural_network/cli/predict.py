"""``neural-network predict``: the classes of photographs."""

from __future__ import annotations

import csv as csv_format
import io
import os
import sys
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from neural_network.checks import Array
from neural_network.cli.data import shaped_for
from neural_network.cli.inspection import tell_of_digits
from neural_network.cli.models import NOTES_OF_DIGITS, class_names, read_model
from neural_network.cli.named_pictures import file_of_table, picture_files
from neural_network.cli.output import (
    Force,
    Json,
    NoPicture,
    Quiet,
    Report,
    before_writing,
    check_place,
    confirm_overwrite,
    free_name,
    printable,
    terminal_width,
)
from neural_network.cli.preparation import DIGIT, OF_DIGITS, Preparation, as_inputs, by_input
from neural_network.datasets.folders import Wrong, check_all_read
from neural_network.datasets.pictures import read_picture
from neural_network.errors import ArgumentError, FileFormatError, ShapeError, sentence
from neural_network.files import written_beside
from neural_network.layers.layer import Layer
from neural_network.layers.outputs import class_probabilities
from neural_network.models import load_tiny_cnn
from neural_network.terminal import is_terminal
from neural_network.visual import save_figure, show_predictions
from neural_network.visual.saving import check_figure_path

SHOWN, BAR = 3, 40  # lines for a picture, and the length of a bar of 100%
# More would make the drawing too large; the probabilities of all are printed.
MOST_DRAWN = 20
DRAWING = Path("what_it_saw.png")


def predict(
    pictures: Annotated[
        list[Path],
        typer.Argument(
            help="PNG, JPEG and so on (of digits: one in each), or folders of them.",
            metavar="PICTURE…",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(help="A trained model.", show_default="the tiny_cnn that is shipped"),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Show all classes, not three.")] = False,
    csv: Annotated[
        bool,
        typer.Option(
            "--csv",
            help="Print a line of comma-separated values for each picture. A PICTURE "
            "that ends in .csv is the file to write them to: --csv answers.csv FOLDER.",
        ),
    ] = False,
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
    no_picture: NoPicture = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Classify photographs of digits, or of other classes, and draw the prepared pictures."""
    os.environ["MPLBACKEND"] = "Agg"
    report = Report(json=json, quiet=quiet)
    if json and csv:
        raise ArgumentError("predict: --json and --csv: expected one, received both")
    if no_picture and save is not None:
        raise ArgumentError("predict: --no-picture and --save: expected one, received both")
    unread: Wrong = {}
    with before_writing():
        network, notes = (
            (load_tiny_cnn(), NOTES_OF_DIGITS)
            if model is None
            else read_model("predict", "--model", model)
        )
        table = file_of_table(pictures) if csv else None
        if not no_picture:
            save = save or (DRAWING if force else free_name(DRAWING))
            check_figure_path("predict", "--save", save)
            check_place("predict", "--save", save)
        confirm_overwrite([path for path in (save, table) if path is not None], force=force)
        preparation = notes.pictures or _preparation(network, report)
        files = picture_files(pictures, unread)
        files, photographs, prepared = _read(files, preparation, report, unread)
        X = shaped_for("predict", "--model", network, as_inputs(np.stack(prepared)))
        outputs = report.predicted(network, X, "reading")
        if outputs.ndim != 2 or outputs.shape[1] < 2:
            expected = "a model with an output for each class"
            raise ShapeError(sentence("predict", "--model", expected, f"shape {outputs.shape[1:]}"))
        classes = class_names("predict", "--model", notes, outputs.shape[1])
        probabilities = class_probabilities(network, X, outputs)
    if preparation.way == "digit":
        tell_of_digits(report, [files[place] for place in photographs], shipped=model is None)
    if csv:
        _print_table(table, files, probabilities, classes)
    else:
        for path, row in zip(files, probabilities, strict=True):
            _print(report, path, row, classes, len(row) if all_ else SHOWN)
    if save is not None:
        with report.status("drawing"):
            _draw(save, files, photographs, prepared, probabilities, classes)
    tell = report.note if csv and table is None else report.result
    if table is not None:
        report.result(f"Saved: {table}")
    if save is not None:
        which = ""
        if len(files) > len(photographs):
            from_all = ", some of each folder" if len({path.parent for path in files}) > 1 else ""
            which = f" ({len(photographs)} of {len(files):,} pictures{from_all})"
        tell(f"Saved: {save}{which}")
    report.end(
        model=model or "tiny_cnn",
        classes=classes,
        predictions=[
            {"picture": path, "class": classes[row.argmax()], "probabilities": row}
            for path, row in zip(files, probabilities, strict=True)
        ],
        saved=save,
        unread=list(unread),
    )
    report.end_unless_all_read(unread)


def _preparation(network: Layer, report: Report) -> Preparation:
    """Return how pictures are prepared for a model without notes: it follows from its input."""
    how = by_input(network)
    if network.input_shape in OF_DIGITS:
        how, does = DIGIT, "prepared as handwritten digits"
    elif how.grey:
        expected = f"a model of digits, of shape {OF_DIGITS[0]}, or one with notes on its pictures"
        received = f"one that reads {network.input_shape} without such notes"
        if len(how.size or ()) == 2:
            noted = (
                f'{{"pictures": {{"as": "resize", "size": {list(how.size or ())}, "grey": True}}}}'
            )
            received += f"; in Python nn.save(model, path, notes={noted}) writes some"
        raise ShapeError(sentence("predict", "--model", expected, received))
    else:
        does = "brought to the size that it reads, in colour"
    report.note(
        f"The model's file has no notes on how its pictures were prepared: they are {does}."
    )
    return how


def some_of_each(kinds: Sequence[Hashable], most: int) -> set[int]:
    """Return the places of ``most`` items: as many of each kind as there is room for, the first.

    >>> sorted(some_of_each(["a", "a", "a", "b", "c"], 4))
    [0, 1, 3, 4]
    """
    earlier: Counter[Hashable] = Counter()
    turns: list[tuple[int, int]] = []
    for place, kind in enumerate(kinds):
        turns.append((earlier[kind], place))
        earlier[kind] += 1
    return {place for _, place in sorted(turns)[:most]}


def _read(
    files: list[Path], preparation: Preparation, report: Report, unread: Wrong
) -> tuple[list[Path], dict[int, Array], list[Array]]:
    """Return the files that can be read, the pictures to draw by their places, and all prepared.

    The others go to ``unread``.

    Raises:
        ArgumentError, FileFormatError, OSError: no file can be read; all are named.
    """
    photographs: dict[int, Array] = {}
    prepared: list[Array] = []
    read: list[Path] = []
    drawn = some_of_each([path.parent for path in files], MOST_DRAWN)
    for place, path in enumerate(report.progress(files, "looking at the pictures")):
        try:
            levels, several = read_picture(path, preparation.mode)
            image, count = preparation.prepared_and_counted(path, levels)
        except (ArgumentError, FileFormatError, OSError) as error:
            unread[path] = error
            continue
        if preparation.size is None and prepared and image.shape != prepared[0].shape:
            expected = f"pictures of one shape, such as {prepared[0].shape} of {read[0]}"
            unread[path] = ShapeError(sentence("predict", str(path), expected, image.shape))
            continue
        if place in drawn:
            photographs[len(read)] = levels
        prepared.append(image)
        read.append(path)
        if several:
            report.note(f"{path}: contains several pictures; the first is read")
        if count > 1:
            report.note(f"there seem to be several digits in {path}; one at a time is read best")
    if not prepared:
        check_all_read(unread)
    return read, photographs, prepared


def _draw(
    save: Path,
    files: list[Path],
    photographs: dict[int, Array],
    prepared: list[Array],
    probabilities: Array,
    classes: list[str],
) -> None:
    """Draw pictures, by their places, what the network reads of them, and the probabilities."""
    places = list(photographs)
    seen = np.stack([prepared[place] for place in places])
    folders = {files[place].parent for place in places}
    titles = [
        f"{files[place].parent.name}/{files[place].name}"
        if folders - {files[place].parent}
        else files[place].name
        for place in places
    ]
    figure = show_predictions(
        list(photographs.values()),
        seen / np.float32(255) if seen.dtype == np.uint8 else seen,
        probabilities[places],
        titles=list(map(printable, titles)),
        class_names=list(map(printable, classes)),
    )
    save_figure(figure, save)


def _print(
    report: Report, path: Path, probabilities: Array, classes: list[str], lines: int
) -> None:
    best = np.argsort(-probabilities, kind="stable")[:lines]
    report.result(f"{path}: {classes[best[0]]}")
    width = max(len(classes[label]) for label in best)
    bar = BAR
    if is_terminal(sys.stdout):  # a longer one would go on in the next line
        bar = max(0, min(BAR, terminal_width() - width - 12))
    for label in best:
        share = float(probabilities[label])
        line = f"  {classes[label]:{width}}  {share:6.1%}  {'█' * round(share * bar)}"
        report.result(line.rstrip())


def _print_table(
    path: Path | None, files: list[Path], probabilities: Array, classes: list[str]
) -> None:
    """Write a line for each picture: its file, its class, and the probability of each class."""
    text = io.StringIO(newline="")
    writer = csv_format.writer(text, lineterminator="\n")
    writer.writerow(["picture", "class", "probability", *classes])
    for file, row in zip(files, probabilities, strict=True):
        best = int(row.argmax())
        shares = [f"{share:.6f}" for share in (row[best], *row)]
        writer.writerow([printable(str(file)), classes[best], *shares])
    if path is None:
        typer.echo(text.getvalue(), nl=False)
        return
    with written_beside(path) as temporary:
        temporary.write_text(text.getvalue(), encoding="utf-8", errors="replace", newline="")
