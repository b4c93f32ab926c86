"""The pictures of ``--data``, as inputs of a network."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Iterable, Sequence
from itertools import compress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from neural_network.checks import Array
from neural_network.cli.output import Report, did_you_mean
from neural_network.cli.preparation import Preparation, as_inputs
from neural_network.datasets.folders import SizesDifferError, Wrong, class_names, read_folder
from neural_network.datasets.sources import Dataset
from neural_network.errors import ArgumentError, FileFormatError, ShapeError, brief, sentence
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import generator
from neural_network.lazy import NameTable
from neural_network.training.splitting import held_out

DATA: NameTable[Dataset] = NameTable("dataset")
DIGITS = frozenset("0123456789")
READING = "reading the pictures"


class Pictures(NamedTuple):
    """Inputs, labels, and where they are from.

    Attributes:
        X: (n, 1, H, W), or (n, 3, H, W) in colour, float32 from 0 to 1.
        y: (n,) labels.
        classes: their names.
        files: of the n pictures; empty for a dataset.
        digests: of the pixels in these files.
    """

    X: Array
    y: Array
    classes: list[str]
    files: Sequence[Path] = ()
    digests: Sequence[bytes] = ()

    def at(self, rows: Array) -> Pictures:
        """Return the pictures where ``rows``, (n,) of type bool, is true."""
        files, digests = list(compress(self.files, rows)), list(compress(self.digests, rows))
        return Pictures(self.X[rows], self.y[rows], self.classes, files, digests)


def check_data(command: str, data: str) -> None:
    """Raise ArgumentError unless ``data`` is a name of ``DATA`` or a folder."""
    if data not in DATA and not Path(data).is_dir():
        expected = f"{', '.join(DATA)}, or a folder with a folder for each class"
        if os.path.isfile(data):  # noqa: PTH113  # Path.is_file raises for NUL
            near = _of_file(Path(data))
        else:
            near = near_name(data, DATA) or near_name(os.path.dirname(data))  # noqa: PTH120  # as above
            near = near and f", which does not exist{near}"
        raise ArgumentError(sentence(command, "--data", expected, brief(data)) + near)


def _of_file(path: Path) -> str:
    """Return what to do with a file that was given in place of a folder."""
    if around := folder_of_classes(path):
        return f", a file; did you mean {around}?"
    suffix = path.suffix.lower()
    if suffix in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"):
        return ", a file; unpack it first"
    if suffix in (".npy", ".npz", ".csv", ".tsv", ".parquet"):
        return ", a file; in Python nn.Trainer(model).fit(X, y) learns from arrays"
    return ", a file"


def folder_of_classes(picture: Path) -> Path | None:
    """Return the folder with a folder for each class, if a picture lies in one of these."""
    try:
        around = picture.parent.parent
        folders = [entry for entry in around.iterdir() if entry.is_dir()]
    except (OSError, ValueError):
        return None
    inside = picture.is_file() and picture.parent != around
    return around if inside and len(folders) > 1 else None


def near_name(name: str, others: Iterable[str] = ()) -> str:
    """Return which of some names, or of the files beside a missing one, was probably meant."""
    path = Path(name)
    try:
        beside = {
            entry.name: str(path.with_name(entry.name))
            for entry in path.parent.iterdir()
            if entry.name != path.name
        }
    except (OSError, ValueError):
        beside = {}
    # Endings that are the same would make names alike, as would the folders before them.
    alike = {Path(one).stem.lower(): text for one, text in beside.items() if _ends_as(path, one)}
    if near := did_you_mean(path.stem.lower(), sorted(alike), alike):
        return near
    names = {one: text for one, text in beside.items() if not _ends_as(path, one)}
    names |= {other: other for other in others}
    written = {one.lower(): text for one, text in names.items()}
    return did_you_mean(path.name.lower(), sorted(written), written)


def _ends_as(path: Path, name: str) -> bool:
    return bool(path.suffix) and path.suffix.lower() == Path(name).suffix.lower()


def load_pictures(
    command: str,
    data: str,
    split: str,
    preparation: Preparation,
    report: Report,
    unread: Wrong | None = None,
) -> Pictures:
    """Load training or test pictures; a folder has no split.

    Args:
        command: for errors.
        data: the name of a dataset, or a folder.
        split: "train" or "test".
        preparation: of a folder's pictures. If it keeps colour, and all of them are grey, they are
            of one channel in ``train``.
        report: where warnings and progress go.
        unread: receives the files of a folder that cannot be read, which are left out then; None
            where they are errors.

    Raises:
        ArgumentError: no such data.
        FileFormatError, DatasetNotFoundError: data that cannot be read.
    """
    check_data(command, data)
    if data in DATA:
        with report.status(READING):
            images, labels = DATA[data].load(split)
        return Pictures(as_inputs(images), labels.astype(np.int64), list(DATA[data].classes))
    digests: list[bytes] = []

    def prepare(path: Path, levels: Array) -> Array:
        image = preparation.prepare(path, levels)
        pixels = np.rint(levels).astype(np.uint8)
        shape = repr(pixels.shape).encode()
        digests.append(hashlib.blake2b(shape + pixels.tobytes(), digest_size=16).digest())
        return image

    try:
        found = read_folder(
            data, preparation.mode, prepare, lambda files: report.progress(files, READING), unread
        )
    except SizesDifferError as error:
        advice = ""
        if command == "train":
            advice = f"; --size {error.side} brings all to one size"
            if DIGITS.issuperset(class_names(data)):
                advice += ", --prepare digit prepares photographs of handwritten digits"
        raise FileFormatError(f"{command}: --data: {error.what}{advice}") from error
    except FileFormatError as error:
        text = f"{command}: --data: {error}"
        settings = Path(data) / "settings.toml"
        if command == "train" and settings.is_file():  # `neural-network new` makes such a folder
            line = shlex.join(["neural-network", "train", str(settings)])
            text = f"{command}: --data: {data} has settings, and no folder for each class; {line}"
        raise FileFormatError(text) from error
    except ArgumentError as error:
        raise ArgumentError(f"{command}: --data: {error}") from error
    if found.framed:
        others = f" and {len(found.framed) - 1} other files" if found.framed[1:] else ""
        text = f"{found.framed[0]}{others}: several pictures in a file; the first is read"
        report.note(f"{command}: --data: {text}")
    images = found.images
    if command == "train" and images.ndim == 4 and np.all(images == images[:, :1]):
        images = images[:, 0]  # no picture has a colour
    return Pictures(as_inputs(images), found.labels, found.classes, found.files, digests)


def split_off(pictures: Pictures, share: float, seed: int) -> tuple[Pictures, Pictures | None]:
    """Return (for training, for validation): a share of each class, drawn by the seed, is held out.

    The rows are those that ``fit(validation=share)`` holds out, but a class of a single picture is
    no error: it is trained with.
    """
    if share == 0:
        return pictures, None
    if np.bincount(pictures.y).max() < 2:
        raise ArgumentError(
            sentence("train", "--validation", "0 where no class has two pictures", share)
        )
    rng = generator(seed, "validation")
    held = held_out("train", "--validation", share, len(pictures.y), rng, pictures.y)
    return pictures.at(~held), pictures.at(held)


def shaped_for(command: str, name: str, model: Layer, X: Array) -> Array:
    """Return (n, C, H, W) pictures in the shape that a model was built for.

    A model without convolutions may have been built for (H, W), or for rows of numbers.

    Raises:
        ShapeError: a model of other inputs; the sentence names the option.
    """
    shape = X.shape[1:]
    model_shape = model.input_shape or ()
    grey = (shape[1:],) if shape[0] == 1 else ()
    if model_shape not in (shape, *grey, (X[0].size,)):
        expected = f"a model that reads pictures of shape {shape}"
        received = f"one that reads {model_shape}"
        if command != "predict" and len(model_shape) == 3:
            received += "; --data FOLDER has its pictures brought to that size"
            received += " where --size and --grey are left out" if command == "train" else ""
        raise ShapeError(sentence(command, name, expected, received))
    return X.reshape(len(X), *model_shape)
