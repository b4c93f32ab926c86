"""Sentences about a wrong layout say what to write, and what they say is right."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.advice import in_shape

PICTURE, PICTURES = np.ones((32, 32, 3)), np.ones((20, 32, 32, 3))
LABELS = np.array([0, 2, 1, 1])
SCORES = np.full((4, 3), 1 / 3)
P = nn.initial_parameters([2, 5, 3], dtype=np.float64)
X = np.ones((4, 2))


def trained(loss: str) -> Any:
    return nn.Trainer([nn.Dense(3, "softmax")], loss=loss, progress=False).fit(X, LABELS)


# Class numbers where one-hot rows are expected.
CLASS_NUMBERS: dict[str, Callable[[], Any]] = {
    "cross_entropy": lambda: nn.cross_entropy(SCORES, LABELS),
    "binary_cross_entropy": lambda: nn.binary_cross_entropy(SCORES, LABELS),
    "mse_loss": lambda: nn.mse_loss(SCORES, LABELS),
    "column": lambda: nn.cross_entropy(SCORES, LABELS[:, None]),
    "backward_mlp": lambda: nn.backward_mlp(
        X, *nn.forward_mlp(X, **P), LABELS, P["W1"], P["W2"], np.ones((4, 5))
    ),
    "train_mlp": lambda: nn.train_mlp(X, LABELS),
    "train_mlp of a column": lambda: nn.train_mlp(X, LABELS[:, None]),
    "gradient_descent": lambda: nn.gradient_descent(
        X, LABELS, np.zeros((2, 3)), np.zeros(3), 0.1, 1, 4, nn.cross_entropy, nn.softmax
    ),
    "Trainer, cross_entropy": lambda: trained("cross_entropy"),
    "Trainer, mse_loss": lambda: trained("mse_loss"),
}


@pytest.mark.parametrize("call", CLASS_NUMBERS.values(), ids=CLASS_NUMBERS)
def test_class_numbers_are_turned_to_one_hot_rows(call: Callable[[], Any]) -> None:
    with pytest.raises(nn.ShapeError, match=r"; nn\.one_hot\(y(\[:, 0\])?, 3\) has it"):
        call()


def test_the_hint_about_softmax_leads_to_no_error() -> None:
    with pytest.warns(nn.TrainingHint, match=r"'cross_entropy' \(of one-hot rows: nn.one_hot\(y,"):
        nn.Trainer([nn.Dense(3, "softmax")], progress=False).fit(X, LABELS)
    nn.Trainer([nn.Dense(3, "softmax")], loss="cross_entropy", progress=False).fit(
        X, nn.one_hot(LABELS, 3)
    )


def test_what_is_advised_keeps_the_meaning() -> None:
    rng = np.random.default_rng(0)
    array = rng.standard_normal((2, 3, 4))
    for wanted, made in [
        ((6, 4), array.reshape(6, 4)),
        ((2, 3, 4, 1), array[..., None]),
        ((4, 2, 3), array.transpose(2, 0, 1)),
        ((3, 2, 4), array.transpose(1, 0, 2)),
    ]:
        code = re.search("; (.*) has it", in_shape("array", array, wanted))
        assert code is not None
        np.testing.assert_array_equal(eval(code[1], {"array": array}), made)
    # Nothing that would only mix the numbers.
    for shape, wanted in [((4, 3), (6, 2)), ((2, 3), (4, 2)), ((2, 2, 3), (3, 2, 2))]:
        assert in_shape("array", np.zeros(shape), wanted) == ""
    assert in_shape("y", np.array([0.5, 1.0]), (2, 3)) == ""
    assert in_shape("y", np.array([0, 3]), (2, 3)) == ""


def test_a_transposed_prediction_is_not_reshaped() -> None:
    scores = nn.softmax(np.random.default_rng(0).standard_normal((3, 2)))
    y = nn.one_hot([0, 1, 1], 2)
    with pytest.raises(nn.ShapeError, match=r"one of them is transposed \(y.T or A.T\)"):
        nn.cross_entropy(scores.T, y)
    with pytest.raises(nn.ShapeError, match=r"y: expected shape \(4, 3\), .*; y\.T has it"):
        nn.gradient_descent(
            np.ones((4, 2)), np.ones((3, 4)), np.ones((2, 3)), np.zeros(3), 0.1, 1, 4, nn.mse_loss
        )


# Channels last: what is refused.
MOVED: dict[str, tuple[Callable[[], Any], str]] = {
    "conv2d of one": (
        lambda: nn.conv2d(PICTURE, np.ones((8, 3, 3, 3))), "conv2d: image: .*image.transpose(2, 0, 1)",
    ),
    "conv2d": (
        lambda: nn.conv2d(PICTURES, np.ones((8, 3, 3, 3))), "image.transpose(0, 3, 1, 2)",
    ),
    "conv1d": (lambda: nn.conv1d(np.ones((9, 50, 3)), np.ones((2, 3, 5))), "image.transpose(0, 2, 1)"),
    "conv_transpose2d": (
        lambda: nn.conv_transpose2d(PICTURES, np.ones((3, 2, 3, 3))), "X.transpose(0, 3, 1, 2)",
    ),
    "predict": (lambda: CNN.predict(PICTURES), "shape (20, 32, 32, 3); X.transpose(0, 3, 1, 2)"),
    "predict of one": (lambda: CNN.predict(PICTURE), "X.transpose(2, 0, 1)[None]"),
    "one with channels first": (
        lambda: CNN.predict(np.ones((3, 32, 32))), "received shape (3, 32, 32); X[None] is one image",
    ),
    "ConvTranspose2D": (
        lambda: nn.ConvTranspose2D(2).initialize((3, 8, 8)).predict(PICTURES), "X.transpose(0, 3, 1",
    ),
    "max_pool2d of one": (lambda: nn.max_pool2d(PICTURE), "X.transpose(2, 0, 1)[None]"),
    "adaptive": (lambda: nn.adaptive_avg_pool2d(np.ones((28, 28)), 2), "X[None, None] is one image"),
    "avg_pool2d": (lambda: nn.avg_pool2d(np.ones((3, 8, 8))), "X[None] is one image"),
    "max_pool2d of grey": (lambda: nn.max_pool2d(np.ones((28, 28))), "max_pool(X) pools it as it is"),
}  # fmt: skip
CNN = nn.Sequential(nn.Conv2D(4, 3), nn.Flatten(), nn.Dense(2)).initialize((3, 32, 32), rng=0)


@pytest.mark.parametrize(("call", "message"), MOVED.values(), ids=MOVED)
def test_channels_last_are_moved(call: Callable[[], Any], message: str) -> None:
    pattern = re.escape(message).replace(r"\.\*", ".*")
    with pytest.raises(nn.ShapeError, match=pattern):
        call()


# What is computed, with a word.
SILENT: dict[str, tuple[Callable[[], Any], str]] = {
    "colours": (lambda: nn.max_pool(np.ones((3, 32, 32))), r"max_pool2d\(X\[None\]\)\[0\]"),
    "maps": (lambda: nn.max_pool(np.ones((8, 26, 26))), "seems to have its channels first"),
    "max_pool2d": (lambda: nn.max_pool2d(PICTURES), r"X.transpose\(0, 3, 1, 2\) puts them first"),
    "avg_pool2d": (lambda: nn.avg_pool2d(PICTURES, 1), "channels last"),
    "global_avg_pool": (lambda: nn.global_avg_pool(PICTURES), "global_avg_pool: .*channels last"),
    "initialize": (
        lambda: nn.Sequential(nn.Conv2D(2)).initialize((32, 32, 3)),
        r"initialize\(\(3, 32, 32\)\)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), SILENT.values(), ids=SILENT)
def test_channels_at_the_wrong_end_get_a_word(call: Callable[[], Any], message: str) -> None:
    with pytest.warns(nn.TrainingHint, match=message):
        call()


@pytest.mark.filterwarnings("error")
def test_maps_of_other_shapes_get_none() -> None:
    for shape in [(32, 32, 3), (28, 28), (28, 28, 1), (26, 30, 8), (9, 9, 9), (2, 2, 2)]:
        nn.max_pool(np.ones(shape))
    for shape in [(2, 3, 32, 32), (2, 64, 4, 4), (2, 8, 8, 3), (2, 16, 8, 4)]:
        nn.max_pool2d(np.ones(shape))
        nn.global_avg_pool(np.ones(shape))
    nn.Sequential(nn.Conv2D(2)).initialize((3, 32, 32))
    nn.Sequential(nn.Flatten(), nn.Dense(2)).initialize((32, 32, 3))


def test_shapes_in_sentences_are_those_that_were_passed() -> None:
    model = nn.Sequential(nn.Conv2D(2), nn.Flatten(), nn.Dense(2)).initialize((1, 28, 28), rng=0)
    digits, y = np.ones((1000, 28, 28), "f"), np.arange(1000) % 2
    with pytest.raises(nn.ShapeError, match=r"received shape \(1000, 28, 28\); X\[:, None\] are"):
        model.predict(digits)
    with pytest.raises(nn.ShapeError, match=r"shape \(28, 28\); X\[None, None\] is one image"):
        model.predict(digits[0])
    trainer = nn.Trainer(model.clone(), progress=False)
    for work in (trainer.fit, trainer.evaluate):
        with pytest.raises(nn.ShapeError, match=r"received shape \((n|1000), 28, 28\); X\[:, None"):
            work(digits, y)
    with pytest.raises(nn.ShapeError, match=r"received shape \(n, 28, 28\)"):
        nn.Trainer([nn.Conv2D(2), nn.Flatten(), nn.Dense(2)], progress=False).fit(digits, y)
    with pytest.raises(nn.ShapeError, match=r"received shape \(n, 28, 28\)"):
        nn.Sequential(nn.Conv2D(2)).initialize((28, 28))
