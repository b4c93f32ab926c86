"""Digits as people draw them, for models that were trained with those of MNIST."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn

IMAGES, LABELS = nn.load_mnist()
DIGITS, LABELS = IMAGES[:100].reshape(100, 784).astype("f") / 255, LABELS[:100]
BRIGHT, FAINT = "^predict: the picture is of dark ink on bright", r"is 0\.0039, .* by 255 twice"
SHAPES = [(1, 28, 28), (28, 28), (784,)]


def by_fit(model: Any, X: Any) -> None:
    nn.Trainer(model, progress=False).fit(X, LABELS)


def in_a_loop(model: Any, X: Any) -> None:
    optimizer = nn.Adam(0.001, parameters=model)
    for _ in range(2):
        optimizer.zero_grad()
        nn.softmax_cross_entropy(model(X), LABELS).backward()
        optimizer.step()


def network(shape: Any) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Dense(10)).initialize(shape, rng=0)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("train", [by_fit, in_a_loop])
def test_another_paper_gets_a_hint(train: Any, shape: Any) -> None:
    model, X = network(shape), DIGITS.reshape(-1, *shape)
    train(model, X)
    for other, match in ((1 - X, BRIGHT), (X / 255, FAINT), ((1 - X).astype("f8")[:1], BRIGHT)):
        with pytest.warns(nn.TrainingHint, match=match) as told:
            model.predict(other)
        assert len(told) == 1


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("train", [by_fit, in_a_loop])
def test_the_paper_of_the_training_gets_none(train: Any, shape: Any) -> None:
    dark, bright = DIGITS.reshape(-1, *shape), 1 - DIGITS.reshape(-1, *shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for model, papers in ((network(shape), (dark,)), (network(shape), (bright, dark / 255))):
            train(model, papers[0])
            for X in (*papers, np.zeros_like(dark), np.full_like(dark, np.nan)):
                model.predict(X)
        train(model, dark)
        train(model.astype("float64"), bright)
        model.predict(bright)


@pytest.mark.parametrize("train", [by_fit, in_a_loop])
def test_a_file_knows_the_paper(train: Any, tmp_path: Path) -> None:
    for X, path in ((DIGITS, tmp_path / "dark"), (1 - DIGITS, tmp_path / "bright")):
        model = network((784,))
        train(model, X)
        nn.save(model, path)
    with pytest.warns(nn.TrainingHint, match=BRIGHT):
        nn.load(tmp_path / "dark").predict(1 - DIGITS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for X, name in ((DIGITS, "dark"), (1 - DIGITS, "bright"), (DIGITS / 255, "bright")):
            nn.load(tmp_path / name).predict(X)


def test_the_network_of_the_package_knows_its_paper() -> None:
    model = nn.models.load_tiny_cnn()
    with pytest.warns(nn.TrainingHint, match=FAINT):
        model.predict(DIGITS.reshape(-1, 1, 28, 28) / 255)
