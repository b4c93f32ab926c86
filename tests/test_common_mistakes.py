"""Mistakes of learners that ran, or ended in a sentence without a cure."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import visual

RNG = np.random.default_rng(0)
SCORES = nn.softmax(RNG.standard_normal((6, 3)))
LABELS = np.array([0, 1, 2, 0, 1, 2])
P = nn.initial_parameters([4, 5, 3])
X = np.ones((6, 4))
POINTS = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
PIXELS = RNG.integers(0, 256, (6, 20)).astype("f")

ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "parameters as one": (lambda: nn.forward_mlp(X, P), r"nn.forward_mlp\(X, \*\*parameters\)"),
    "of three layers": (
        lambda: nn.forward_mlp_3layer(X, P), r"nn.forward_mlp_3layer\(X, \*\*parameters\)",
    ),
    "one output": (
        lambda: nn.softmax_cross_entropy(np.ones((6, 1)), LABELS),
        r"1 output is too few: Dense\(3\) as the last layer has one for each class",
    ),
    "too few outputs": (
        lambda: nn.Trainer([nn.Dense(2)], progress=False).fit(X, LABELS), r"Dense\(3\) as the last",
    ),
    "nll": (lambda: nn.nll(np.zeros((6, 2)), LABELS), r"2 outputs are too few: Dense\(3\)"),
    "swapped": (
        lambda: nn.accuracy(LABELS, np.arange(18.0).reshape(6, 3)),
        r"the scores come first: accuracy\(scores, labels\)",
    ),
    "bias of by_hand": (
        lambda: setattr(nn.Dense(5).initialize((4,)), "bias", P["b1"].T),
        r"bias.reshape\(-1\) has it",
    ),
    "lone array": (lambda: nn.check_gradients(nn.relu, np.ones(3)), r"such as \[X\]"),
    "not built": (
        lambda: visual.show_decision_surface(nn.Dense(2), POINTS, [0, 1, 1, 0]),
        r"model.initialize\(\(2,\)\)",
    ),
    "function of another kind": (
        lambda: visual.show_decision_surface(lambda _: np.ones(3), POINTS, [0, 1, 1, 0]),
        r"a function from points \(N, 2\) to scores \(N, k\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), ERRORS.values(), ids=ERRORS)
def test_the_sentence_has_the_cure(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(nn.ArgumentError, match=message):
        call()


HINTS: dict[str, tuple[Callable[[], Any], str]] = {
    "pixels by hand": (
        lambda: nn.train_mlp(PIXELS, nn.one_hot(LABELS, 3), lr=1e-6, num_epochs=1), "X / 255",
    ),
    "pixels of one layer": (
        lambda: nn.gradient_descent(
            PIXELS, LABELS[:, None], np.zeros((20, 1)), np.zeros(1), 1e-9, 1, 6, nn.mse_loss,
            verbose=False,
        ),
        "X / 255",
    ),
    "a rate too high": (
        lambda: nn.train_mlp(RNG.random((60, 4)), nn.one_hot(np.arange(60) % 3), lr=100.0),
        r"in the last epoch, and guessing has 1\.1: the steps are too large; try lr=10",
    ),
    "swapped one-hot rows": (
        lambda: nn.accuracy(nn.one_hot(LABELS, 3), SCORES), r"accuracy\(scores, labels\)",
    ),
    "swapped classes": (lambda: nn.accuracy(LABELS, SCORES), "the scores come first"),
    "pixels of explain": (
        lambda: nn.explain(
            nn.Sequential(nn.Dense(2)).initialize((80,), rng=0), np.tile(PIXELS[0], 4)
        ),
        "model.0. Dense.* receives whole numbers from 0 to .*: scale them",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), HINTS.values(), ids=HINTS)
def test_what_runs_gets_a_word(call: Callable[[], Any], message: str) -> None:
    with pytest.warns(nn.TrainingHint, match=message):
        call()


def test_right_calls_get_none() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn.train_mlp(PIXELS / 255, nn.one_hot(LABELS, 3), num_epochs=2)
        nn.accuracy(SCORES, LABELS)
        nn.accuracy(SCORES, nn.one_hot(LABELS, 3))
        nn.accuracy(LABELS, nn.one_hot(LABELS, 3))
        nn.accuracy(SCORES, SCORES)
        nn.explain(nn.Sequential(nn.Dense(2)).initialize((20,), rng=0), PIXELS[0] / 255)


def test_a_network_by_hand_has_a_decision_surface() -> None:
    p, _ = nn.train_mlp(POINTS, nn.one_hot([0, 0, 1, 1]), hidden=(8,), lr=0.5, num_epochs=200)
    figure = visual.show_decision_surface(
        lambda X: nn.forward_mlp(X, **p)[1], POINTS, [0, 0, 1, 1], steps=20
    )
    assert len(figure.axes[0].collections) >= 2
    model = nn.Sequential(nn.Dense(2)).initialize((2,), rng=0)
    same = [
        visual.show_decision_surface(way, POINTS, [0, 0, 1, 1], steps=9).axes[0].images[0]
        for way in (model, model.predict)
    ]
    np.testing.assert_allclose(same[0].get_array(), same[1].get_array(), atol=1e-6)


def test_words_of_scipy_and_matplotlib() -> None:
    image, taps = RNG.random((6, 6)), RNG.random((3, 3))
    with pytest.raises(nn.ArgumentError, match="padding: expected .*'full'; padding=2 is that$"):
        nn.conv2d(image, taps, padding="full")
    assert nn.conv2d(image, taps, padding=2).shape == (8, 8)
    with pytest.raises(nn.ArgumentError, match=r"'full'; padding=\(1, 2\) is that$"):
        nn.conv2d(image, taps[:2], padding="full")
    with pytest.raises(nn.ArgumentError, match=r"dim → axis, as in nn.softmax\("):
        nn.softmax(SCORES, dim=1)  # type: ignore[call-arg]  # that is the test
    with pytest.raises(nn.ArgumentError, match=r"learning_rate → lr, as in nn.gradient_descent\("):
        nn.gradient_descent(X, X, X, X, learning_rate=0.1)  # type: ignore[call-arg]  # likewise
    with pytest.raises(AttributeError, match="imshow → visual.show_images"):
        nn.imshow  # noqa: B018  # that is the test


def test_parameters_by_hand_are_those_of_layers_by_the_line_of_the_sentence() -> None:
    with pytest.raises(nn.DTypeError, match="model: expected a model") as found:
        visual.show_mistakes(X, LABELS, nn.forward_mlp(X, **P)[1])  # type: ignore[arg-type]
    line = re.search(r"(model = .*initialize\(\(inputs,\)\)), then (.*)\)", str(found.value))
    assert line is not None
    names = {"nn": nn, "h": 5, "k": 3, "inputs": 4, **P}
    exec(f"{line[1]}; {line[2]}; model[1].weight, model[1].bias = W2, b2", names)
    scores = names["model"].predict(X)  # type: ignore[attr-defined]
    np.testing.assert_allclose(nn.softmax(scores), nn.forward_mlp(X, **P)[1], atol=1e-5)


def test_only_leading_axes_of_length_1_are_left_out() -> None:
    layer, rows = nn.Dense(3).initialize((3,), rng=0), np.arange(3.0)
    layer.bias = rows[None]
    assert layer.bias.shape == (3,)
    assert layer.bias.data.tolist() == [0, 1, 2]
    layer.bias.data = rows[None, None]
    for wrong in (rows[:, None], rows[None, :2], np.float32(1), np.ones((3, 3)), np.ones((2, 3))):
        with pytest.raises(nn.ShapeError, match=r"expected the shape \(3,\) that it has"):
            layer.bias = wrong
    with pytest.raises(nn.ShapeError, match=r"data.reshape\(-1\) has it"):
        layer.bias.data = rows[:, None]
    with pytest.raises(nn.ShapeError, match=r"expected the shape \(3, 3\) that it has"):
        layer.weight = rows
    assert layer.bias.data.tolist() == [0, 1, 2]
