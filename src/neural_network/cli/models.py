"""A saved model, and the notes in its file: the classes, and how pictures are prepared."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

import numpy as np

from neural_network.cli.data import Pictures, near_name
from neural_network.cli.output import did_you_mean
from neural_network.cli.preparation import DIGIT, Preparation
from neural_network.cli.settings import MODEL_FILES
from neural_network.cli.words import file_error_in_options
from neural_network.errors import ArgumentError, FileFormatError, sentence
from neural_network.files import as_path
from neural_network.interop import onnx
from neural_network.layers.layer import Layer
from neural_network.layers.saving import load, load_notes
from neural_network.models import MODELS, load_tiny_cnn


class Notes(NamedTuple):
    """The notes of a model's file about its data.

    Attributes:
        classes: the names of the outputs; empty where the file has none.
        pictures: how they are prepared; None where the file has no such note.
    """

    classes: list[str] = []  # noqa: RUF012  # never changed
    pictures: Preparation | None = None


NOTES_OF_DIGITS = Notes([str(digit) for digit in range(10)], DIGIT)
OWN, ONNX = MODEL_FILES
# What ``train`` writes into its folder: before the first step, as it goes on, at the end.
SETTINGS_FILE, CHECKPOINT, MODEL = "settings.toml", "checkpoint.safetensors", "model.safetensors"
# Models that come with their weights: name → what loads it.
SHIPPED: dict[str, Callable[[], Layer]] = {"tiny_cnn": load_tiny_cnn}


def notes_to_save(pictures: Pictures, way: str) -> dict[str, Any]:
    """Return the notes to save with a model that was trained on these pictures.

    Args:
        pictures: as the model reads them.
        way: how they were prepared, or are to be for a dataset: "resize" or "digit".
    """
    prepared: dict[str, Any] = {"as": "digit"}
    if way == "resize":
        channels, height, width = pictures.X.shape[1:]
        prepared = {"as": "resize", "size": [height, width], "grey": channels == 1}
    return {"classes": pictures.classes, "pictures": prepared}


def read_model(command: str, name: str, model: str) -> tuple[Layer, Notes]:
    """Read a model and its notes, or load one that is shipped, by its name.

    Raises:
        ArgumentError: a folder, or a model that is not trained; the sentence names the option.
        FileFormatError: no model, or notes of another form.
    """
    path = Path(as_path(command, name, model))
    if not path.exists() and model in SHIPPED:
        return SHIPPED[model](), NOTES_OF_DIGITS
    if not path.exists() and model in MODELS:
        expected = f"a trained model: a file, or {', '.join(SHIPPED)}, which is shipped"
        advice = f"{model}; neural-network train --model {model} trains one"
        raise ArgumentError(sentence(command, name, expected, advice))
    if path.is_dir():
        inside = trained_model(path)
        hint = f"; did you mean {inside}?" if inside else _unfinished(path)
        raise ArgumentError(sentence(command, name, "a model's file", f"the folder {path}{hint}"))
    if is_run(path.parent) and (path.name == CHECKPOINT or not path.exists()):
        inside = trained_model(path.parent)
        hint = f"; did you mean {inside}?" if inside else _unfinished(path.parent)
        received = f"{path}, {'a checkpoint' if path.exists() else 'which does not exist'}{hint}"
        raise ArgumentError(sentence(command, name, "a model's file", received))
    if not path.exists():
        raise ArgumentError(_missing(command, name, path))
    if path.suffix.lower() == ONNX:
        return onnx.load(path), _notes(path, onnx.load_notes(path))
    try:
        return load(path), _notes(path, load_notes(path))
    except FileFormatError as error:
        raise FileFormatError(file_error_in_options(path, error)) from error


def _missing(command: str, name: str, path: Path) -> str:
    """Return the sentence about a model's file that does not exist."""
    expected = f"a model's file, or {', '.join(SHIPPED)}, which is shipped"
    hint = near_name(str(path), () if command == "train" else SHIPPED)
    if path.stem in SHIPPED:
        line = shlex.join(["neural-network", "export", path.stem, path.name])
        hint = f"; {line} writes the model that is shipped into a file"
    elif command == "train":
        expected = "a model's file that exists, or a model's name"
    return sentence(command, name, expected, f"{path}, which does not exist{hint}")


def is_run(folder: Path) -> bool:
    """Return whether a folder holds what ``train`` writes from its first step on."""
    return (folder / SETTINGS_FILE).is_file() and (folder / CHECKPOINT).is_file()


def trained_model(folder: Path) -> Path | None:
    """Return the model in the folder of a training, if it has been written there."""
    return folder / MODEL if (folder / MODEL).is_file() else None


def _unfinished(folder: Path) -> str:
    """Return how to get the model of a training that was stopped; "" if there was none."""
    if not is_run(folder):
        return ""
    resume = f"neural-network resume {shlex.quote(str(folder))}"
    return (
        f"; its training has not ended: {folder / CHECKPOINT} holds its state, "
        f"and {resume} goes on and writes the model"
    )


def raw_notes(model: str) -> dict[str, Any]:
    """Return the notes in a model's file as they are, or those of one that is shipped."""
    path = Path(model)
    if not path.exists() and model in SHIPPED:
        return {"classes": NOTES_OF_DIGITS.classes, "pictures": {"as": "digit"}}
    return onnx.load_notes(path) if path.suffix.lower() == ONNX else load_notes(path)


def _notes(path: Path, noted: dict[str, Any]) -> Notes:
    classes, prepared = noted.get("classes", []), noted.get("pictures", {"as": ""})
    if not (isinstance(classes, list) and all(isinstance(one, str) for one in classes)):
        raise FileFormatError(sentence(str(path), "notes: classes", "a list of names", classes))
    match prepared:
        case {"as": ""}:
            return Notes(classes)
        case {"as": "digit"}:
            return Notes(classes, DIGIT)
        case {"as": "resize", "size": [int(height), int(width)], "grey": bool(grey)} if (
            1 <= height <= 10_000 and 1 <= width <= 10_000
        ):
            return Notes(classes, Preparation("resize", (height, width), grey))
    expected = (
        '{"as": "digit"}, or {"as": "resize", "size": [height, width], "grey": false}, as '
        "`neural-network train` notes it"
    )
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
        spelt = {name.casefold(): name for name in notes.classes}
        meant = did_you_mean(unknown[0].casefold(), spelt, spelt)
        raise ArgumentError(sentence("evaluate", "--data", expected, ", ".join(unknown) + meant))
    places = np.array([known.index(name) for name in pictures.classes])
    return pictures._replace(y=places[pictures.y], classes=notes.classes)
