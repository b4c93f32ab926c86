"""A training that starts from a trained model: the weights that fit are kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from neural_network.cli.data import Pictures, shaped_for
from neural_network.cli.models import Notes, numbered_as, read_model
from neural_network.cli.output import Report
from neural_network.cli.preparation import DIGIT, Preparation, by_input
from neural_network.cli.settings import Settings
from neural_network.errors import ArgumentError, sentence
from neural_network.layers.containers import Sequential
from neural_network.layers.dense import Dense
from neural_network.layers.layer import Layer
from neural_network.models import MODELS


class Start(NamedTuple):
    """A model to start from, and the notes of its file."""

    model: Layer
    notes: Notes


def start_of(settings: Settings) -> Start | None:
    """Return the model whose file ``--model`` names; None where it is the name of one to make."""
    if settings.model in MODELS:
        return None
    return Start(*read_model("train", "--model", settings.model))


def preparation(settings: Settings, start: Start | None) -> Preparation:
    """Return how the pictures of a folder are prepared: as options say, else as for the start."""
    if settings.prepare == "digit":
        return DIGIT
    if start is not None and not (settings.size or settings.grey):
        noted = start.notes.pictures
        obeyed = noted is not None and (settings.prepare == "auto" or noted.way == "resize")
        return noted if noted is not None and obeyed else by_input(start.model)
    size = (settings.size, settings.size) if settings.size else None
    return Preparation("resize", size, settings.grey)


def with_its_classes(start: Start, pictures: Pictures) -> Pictures:
    """Return pictures in the channels of the model, numbered as it does if it knows the classes."""
    shape = start.model.input_shape or ()
    if len(shape) == 3 and shape[0] == 3 and pictures.X.shape[1] == 1:
        pictures = pictures._replace(X=np.repeat(pictures.X, 3, axis=1))  # none has a colour
    shaped_for("train", "--model", start.model, pictures.X)
    known = sorted(start.notes.classes) == sorted(pictures.classes)
    return numbered_as(start.notes, pictures) if known else pictures


def continued(start: Start, settings: Settings, pictures: Pictures, report: Report) -> Sequential:
    """Return the model to train: with a new last layer where the classes are others.

    Raises:
        ArgumentError: other classes, and a model that does not end in a dense layer.
    """
    model, names = start.model, start.notes.classes
    outputs = (model.predict(pictures.X[:1].reshape(1, *(model.input_shape or ())))).shape[-1]
    same = names == pictures.classes or (not names and outputs == len(pictures.classes))
    if not isinstance(model, Sequential) or not (same or isinstance(model[-1], Dense)):
        expected = "a Sequential whose last layer is a Dense, which other classes replace"
        received = settings.model
        if Path(received).suffix.lower() == ".onnx":
            received += "; train starts from a .safetensors file, and no ONNX file"
        raise ArgumentError(sentence("train", "--model", expected, received))
    if not same:
        last: Any = model[-1]  # a clone would be built at once, and drawn without the seed
        own = {name: getattr(last, name) for name in ("activation", "initializer", "l1", "l2")}
        model.replace(-1, Dense(len(pictures.classes), **own))
        model.initialize(model.input_shape or (), rng=settings.seed)
    what = "all weights of" if same else "a new last layer for these classes, all other weights of"
    report.note(f"Starts from {what} {settings.model}.")
    return model.train()
