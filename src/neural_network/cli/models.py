"""A saved model, and the notes in its file: the classes, and how pictures are prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

import numpy as np

from neural_network.cli.data import DATA, Pictures
from neural_network.errors import ArgumentError, FileFormatError, sentence
from neural_network.layers.layer import Layer
from neural_network.layers.saving import load, load_notes


class Notes(NamedTuple):
    """The notes of a model's file about its data.

    Attributes:
        classes: the names of the outputs; empty where the file has none.
        prepared: "digit", by ``prepare_digit``; "resize", as ``load_image_folder``
            does; or "" where the file has no such note.
        size: height and width, for "resize".
    """

    classes: list[str] = []  # noqa: RUF012  # never changed
    prepared: str = ""
    size: tuple[int, int] = (0, 0)


OF_DIGITS = Notes([str(digit) for digit in range(10)], "digit")


def notes_to_save(data: str, pictures: Pictures) -> dict[str, Any]:
    """Return the notes to save with a model that was trained on these pictures."""
    prepared: dict[str, Any] = {"as": "digit"}
    if data not in DATA or DATA[data].prepared == "resize":
        prepared = {"as": "resize", "size": list(pictures.X.shape[-2:]), "grey": True}
    return {"classes": pictures.classes, "pictures": prepared}


def read_model(command: str, name: str, path: Path) -> tuple[Layer, Notes]:
    """Read a model and its notes.

    Raises:
        ArgumentError: the path is a folder; the sentence names the option.
        FileFormatError: no model, or notes of another form.
    """
    if path.is_dir():
        inside = path / "model.safetensors"
        hint = f"; did you mean {inside}?" if inside.is_file() else ""
        raise ArgumentError(sentence(command, name, "a model's file", f"the folder {path}{hint}"))
    return load(path), _notes(path)


def _notes(path: Path) -> Notes:
    noted = load_notes(path)
    classes, prepared = noted.get("classes", []), noted.get("pictures", {"as": ""})
    if not (isinstance(classes, list) and all(isinstance(one, str) for one in classes)):
        raise FileFormatError(sentence(str(path), "notes: classes", "a list of names", classes))
    match prepared:
        case {"as": "digit" | "" as how}:
            return Notes(classes, how)
        case {"as": "resize", "size": [int(height), int(width)], "grey": True} if (
            1 <= height <= 10_000 and 1 <= width <= 10_000
        ):
            return Notes(classes, "resize", (height, width))
    expected = "how `neural-network train` prepares pictures"
    raise FileFormatError(sentence(str(path), "notes: pictures", expected, prepared))


def class_names(command: str, name: str, notes: Notes, outputs: int) -> list[str]:
    """Return the names of the outputs: from the notes, else their numbers."""
    if notes.classes and len(notes.classes) != outputs:
        expected = f"a model with an output for each of its {len(notes.classes)} classes"
        raise FileFormatError(sentence(command, name, expected, f"{outputs} outputs"))
    return notes.classes or [str(number) for number in range(outputs)]


def numbered_as(notes: Notes, pictures: Pictures) -> Pictures:
    """Return pictures with the model's numbers of the classes as labels, matched by name.

    Raises:
        ArgumentError: a class that the model does not have.
    """
    # The folders' names are in this form; those of a model may come from another file system.
    known = [normalize("NFC", name) for name in notes.classes]
    unknown = [name for name in pictures.classes if name not in known]
    if unknown:
        expected = f"classes of the model ({', '.join(notes.classes)})"
        raise ArgumentError(sentence("evaluate", "--data", expected, ", ".join(unknown)))
    places = np.array([known.index(name) for name in pictures.classes])
    return Pictures(pictures.X, places[pictures.y], notes.classes)
