"""What the tests of hints share: data, small trainings, and what they were warned of."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import neural_network as nn
from neural_network.errors import LOOKS

RNG = np.random.default_rng(0)
IMAGES, LABELS = nn.load_mnist()
PIXELS = IMAGES[:1000].reshape(1000, 784)
DIGITS, Y = (PIXELS / 255).astype(np.float32), LABELS[:1000]


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


POINTS = normal(200, 4)
SUMS = POINTS.sum(axis=1, keepdims=True)
SIGNS = (SUMS > 0).astype(np.float32)
THREE = np.arange(200) % 3


def network(units: int = 10, activation: Any = None) -> list[nn.Layer]:
    return [nn.Dense(32, "relu"), nn.Dense(units, activation)]


def fit(
    model: Any,
    X: Any,
    y: Any,
    loss: Any = "softmax_cross_entropy",
    optimizer: Any = None,
    epochs: int = 1,
    batch_size: int = 50,
    rng: int = 0,
    **options: Any,
) -> nn.Trainer:
    validation = options.pop("validation", None)
    optimizer = nn.Adam(0.005) if optimizer is None else optimizer
    trainer = nn.Trainer(model, optimizer, loss=loss, rng=rng, progress=False, **options)
    trainer.fit(X, y, epochs=epochs, batch_size=batch_size, validation=validation)
    return trainer


def hints_of(program: Callable[[], Any]) -> list[str]:
    """Return the hints that a program gives, which have to be well-formed, and nothing else."""
    LOOKS.clear()  # an optimizer of a program before may have been bound, and never used
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        program()
    texts = [str(warning.message) for warning in found]
    assert {warning.category for warning in found} <= {nn.TrainingHint}, texts
    assert all(len(text) <= 500 and " … " not in text for text in texts), texts
    assert all("/neural_network/" not in warning.filename for warning in found)
    return texts
