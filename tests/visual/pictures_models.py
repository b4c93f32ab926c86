"""Models and pictures that tests of figures use: grey and colour."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import neural_network as nn

GREY = np.random.default_rng(1).random((1, 9, 9)).astype(np.float32)
COLOUR = np.random.default_rng(2).random((3, 9, 9)).astype(np.float32)

GREYS = np.random.default_rng(3).random((12, 1, 9, 9)).astype(np.float32)
COLOURS = np.random.default_rng(4).random((12, 3, 9, 9)).astype(np.float32)
POINTS = np.random.default_rng(5).normal(size=(12, 2))
LABELS = np.arange(12) % 3


@cache
def grey_model() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2D(4, 3, activation="tanh"),
        nn.MaxPool2D(2),
        nn.Conv2D(5, 2, activation="tanh"),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Dense(3),
    ).initialize((1, 9, 9), rng=0)


@cache
def colour_model() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2D(6, 3, activation="tanh"),
        nn.BatchNorm(),
        nn.Conv2D(4, 3, activation="relu"),
        nn.GlobalAvgPool2D(),
        nn.Dense(2),
    ).initialize((3, 9, 9), rng=0)


@cache
def plane_model() -> nn.Sequential:
    return nn.Sequential(nn.Dense(6, "tanh"), nn.Dense(3)).initialize((2,), rng=0)


MODELS = [(grey_model, GREY), (colour_model, COLOUR)]


def state_of(model: nn.Layer) -> list[Any]:
    """Everything that a figure must leave as it was."""
    model_state: list[Any] = [layer.training for layer in model.all_layers()]
    model_state += [p.data.copy() for _, p in model.named_parameters()]
    model_state += [None if p.grad is None else p.grad.copy() for p in model.parameters()]
    return model_state + [b.data.copy() for _, b in model.named_buffers()]


def images_in(axes: Any) -> list[np.ndarray]:
    return [np.ma.getdata(image.get_array()) for image in axes.images]


def texts_in(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.texts]
