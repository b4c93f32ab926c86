"""Figures of scores, of Keras' measures and of a bare matrix, as beginners call them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.needs import need_module

need_module("matplotlib")

RNG = np.random.default_rng(0)


def test_scores_are_no_probabilities() -> None:
    pictures, scores = RNG.random((2, 28, 28)), np.array([[0.2, 6.999], [-1.0, 0.5]])
    with pytest.raises(nn.ArgumentError, match=r"^show_predictions: probabilities: .* -1 to 7; nn"):
        nn.visual.show_predictions(255 * pictures, pictures, scores)
    figure = nn.visual.show_predictions(255 * pictures, pictures, nn.softmax(scores))
    assert figure.axes[2].get_title() == "1: 99.9%"
    model: Any = nn.Sequential(nn.Dense(10))
    with pytest.raises(nn.DTypeError, match=r"received a Sequential; p = nn.softmax\(model.pred"):
        nn.visual.show_predictions(model, pictures, scores)


def test_scores_are_no_confusion_matrix() -> None:
    with pytest.raises(nn.ShapeError, match=r"nn.confusion_matrix\(outputs, labels\) counts them$"):
        nn.visual.show_confusion_matrix(RNG.random((20, 10)))


def test_measures_of_keras_share_the_panels() -> None:
    names = ("loss", "val_loss", "accuracy", "val_accuracy")
    figure = nn.visual.show_history({name: [0.5, 0.25] for name in names})
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    alone = nn.visual.show_history({"val_loss": [0.5, 0.25]})
    assert [axes.get_ylabel() for axes in alone.axes] == ["val_loss"]


def test_a_matrix_of_weights_is_named_once() -> None:
    figure = nn.visual.show_filters(RNG.random((784, 16)))
    assert figure.axes[0].get_title() == "weights 784×16"
