"""The pictures of ``--data``, as inputs of a network."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import typer

from neural_network.checks import Array
from neural_network.datasets import load_image_folder
from neural_network.datasets.folders import SizesDifferError
from neural_network.datasets.sources import Dataset
from neural_network.errors import ArgumentError, FileFormatError, ShapeError, brief, sentence
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import generator
from neural_network.lazy import NameTable

DATA: NameTable[Dataset] = NameTable("dataset")


class Pictures(NamedTuple):
    """(n, 1, H, W) float32 from 0 to 1, (n,) labels, and the names of the classes."""

    X: Array
    y: Array
    classes: list[str]

    def at(self, rows: Array) -> Pictures:
        """Return some of the pictures."""
        return Pictures(self.X[rows], self.y[rows], self.classes)


def check_data(command: str, data: str) -> None:
    """Raise ArgumentError unless ``data`` is a name of ``DATA`` or a folder."""
    if data not in DATA and not Path(data).is_dir():
        expected = f"{', '.join(DATA)}, or a folder with a folder for each class"
        raise ArgumentError(sentence(command, "--data", expected, brief(data)))


def load_pictures(command: str, data: str, split: str, size: tuple[int, int] | None) -> Pictures:
    """Load training or test pictures; a folder has no split.

    Raises:
        ArgumentError: no such data.
        FileFormatError, DatasetNotFoundError: data that cannot be read.
    """
    check_data(command, data)
    if data not in DATA:
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                images, labels, classes = load_image_folder(data, size=size)
            for warning in caught:
                typer.echo(f"{command}: --data: {warning.message}", err=True)
        except SizesDifferError as error:
            side = max(error.height, error.width)
            advice = f"; --size {side} brings all to one size" if command == "train" else ""
            raise FileFormatError(f"{command}: --data: {error.what}{advice}") from error
        except FileFormatError as error:
            raise FileFormatError(f"{command}: --data: {error}") from error
    else:
        images, labels = DATA[data].load(split)
        classes = list(DATA[data].classes)
    return Pictures(as_inputs(images), labels.astype(np.int64), classes)


def as_inputs(images: Array) -> Array:
    """Convert (n, H, W) shades from 0 to 255 to (n, 1, H, W) float32 from 0 to 1."""
    return (images.astype(np.float32) / np.float32(255))[:, None]


def split_off(pictures: Pictures, share: float, seed: int) -> tuple[Pictures, Pictures | None]:
    """Return (for training, for validation): a share of each class, drawn by the seed, is held out.

    A class of two pictures or more has at least one in each.
    """
    if share == 0:
        return pictures, None
    rng = generator(seed, "validation")
    held_out = np.zeros(len(pictures.y), dtype=bool)
    for label in range(len(pictures.classes)):
        rows = rng.permutation(np.flatnonzero(pictures.y == label))
        held_out[rows[: min(max(1, round(share * len(rows))), len(rows) - 1)]] = True
    if not held_out.any():
        raise ArgumentError(
            sentence("train", "--validation", "0 where no class has two pictures", share)
        )
    return pictures.at(~held_out), pictures.at(held_out)


def shaped_for(command: str, name: str, model: Layer, X: Array) -> Array:
    """Return (n, 1, H, W) pictures in the shape that a model was built for.

    A model without convolutions may have been built for (H, W), or for rows of numbers.

    Raises:
        ShapeError: a model of other inputs; the sentence names the option.
    """
    shape = X.shape[1:]
    model_shape = model.input_shape or ()
    if model_shape not in (shape, shape[1:], (X[0].size,)):
        expected = f"a model that reads pictures of shape {shape}"
        raise ShapeError(sentence(command, name, expected, f"one that reads {model_shape}"))
    return X.reshape(len(X), *model_shape)
