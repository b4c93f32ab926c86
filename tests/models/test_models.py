"""The known networks: sizes, shapes, gradients, tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_network import (
    ArgumentError,
    Dense,
    DTypeError,
    Flatten,
    Sequential,
    ShapeError,
    models,
    softmax_cross_entropy,
)
from neural_network.models import MODELS

# By hand: weights and biases, two parameters for each channel of a batch norm.
COUNTS = {
    "perceptron": 784 * 10 + 10,
    "mlp": 784 * 128 + 128 + 128 * 10 + 10,
    "lenet5": (25 * 6 + 6) + (6 * 25 * 16 + 16) + (400 * 120 + 120) + (120 * 84 + 84) + 850,
    "mnist_cnn": (9 * 32 + 32) + (32 * 9 * 64 + 64) + 1600 * 10 + 10,
    "tiny_cnn": 9 * 16 + 32 + 16 * 9 * 24 + 48 + 24 * 9 * 32 + 64 + 32 * 9 * 24 + 48 + 24 * 10 + 10,
    "small_resnet": (9 * 16 + 32)
    + 2 * (16 * 9 * 16 + 32)
    + (16 * 9 * 32 + 64) + (32 * 9 * 32 + 64) + (16 * 32 + 64)
    + (32 * 9 * 64 + 128) + (64 * 9 * 64 + 128) + (32 * 64 + 128)
    + 64 * 10 + 10,
}  # fmt: skip


def test_every_model_is_counted() -> None:
    assert COUNTS.keys() == MODELS.keys()
    assert COUNTS["mnist_cnn"] == 34_826
    assert COUNTS["tiny_cnn"] < 20_000


@pytest.mark.parametrize("name", MODELS)
def test_parameters_shapes_and_gradients(name: str) -> None:
    model = MODELS[name](rng=0)
    assert model.summary().parameters == COUNTS[name]
    assert model.flat_parameters().size == COUNTS[name]
    assert model.flat_parameters().dtype == np.float32
    X = np.random.default_rng(0).random((3, 1, 28, 28))
    assert model.predict(X).shape == (3, 10)
    logits = model(X)
    assert logits.dtype == np.float32
    softmax_cross_entropy(logits, np.array([1, 2, 3])).backward()
    for place, parameter in model.named_parameters():
        assert parameter.grad is not None, place
        assert np.isfinite(parameter.grad).all(), place
        assert (parameter.grad != 0).any(), place


@pytest.mark.parametrize("name", MODELS)
def test_one_seed_one_model(name: str) -> None:
    one, same, other = (MODELS[name](rng=seed).flat_parameters() for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("name", MODELS)
def test_other_pictures_and_classes(name: str) -> None:
    model = MODELS[name](classes=4, input_shape=(3, 32, 40), rng=0)
    assert model.predict(np.zeros((2, 3, 32, 40))).shape == (2, 4)
    with pytest.raises(DTypeError, match=r"Dense: units: expected a whole number of at least 1"):
        MODELS[name](classes="ten")
    with pytest.raises(ArgumentError, match=r"Dense: units: .* received 0"):
        MODELS[name](classes=0)


@pytest.mark.parametrize("name", ["lenet5", "mnist_cnn", "tiny_cnn", "small_resnet"])
def test_pictures_without_channels(name: str) -> None:
    with pytest.raises(ShapeError, match=r"received shape \(n, 28, 28\); X\[:, None\] are images"):
        MODELS[name](input_shape=(28, 28))


def test_a_picture_that_is_too_small() -> None:
    with pytest.raises(ShapeError, match="does not fit"):
        models.mnist_cnn(input_shape=(1, 3, 3))


def test_hidden_layers_of_an_mlp() -> None:
    model = models.mlp((5, 4), 3, activation="tanh", input_shape=(6,), rng=0)
    assert [p.shape for p in model.parameters()] == [(6, 5), (5,), (5, 4), (4,), (4, 3), (3,)]
    assert models.mlp([7], input_shape=(2,)).summary().parameters == 2 * 7 + 7 + 70 + 10
    assert models.mlp(np.int64(7), input_shape=(2,)).summary().parameters == 101  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Dense: activation: expected one of 'identity'"):
        models.mlp(activation="rolu")
    with pytest.raises(DTypeError, match="Dense: units"):
        models.mlp(1.5)  # type: ignore[arg-type]


def test_the_resnet_by_its_width() -> None:
    assert models.small_resnet(width=2, rng=0).predict(np.zeros((1, 1, 28, 28))).shape == (1, 10)
    with pytest.raises(DTypeError, match="Conv2D: filters"):
        models.small_resnet(width=1.5)  # type: ignore[arg-type]


def test_the_table_of_mnist_cnn_by_hand() -> None:
    summary = models.mnist_cnn(rng=0).summary()
    rows = [(r.name, r.layer, r.output, r.parameters, r.multiply_adds) for r in summary.rows]
    assert rows == [
        ("0", "Conv2D", (32, 26, 26), 320, 26 * 26 * 32 * 9),
        ("1", "MaxPool2D", (32, 13, 13), 0, 0),
        ("2", "Conv2D", (64, 11, 11), 18_496, 11 * 11 * 64 * 32 * 9),
        ("3", "MaxPool2D", (64, 5, 5), 0, 0),
        ("4", "Flatten", (1600,), 0, 0),
        ("5", "Dropout", (1600,), 0, 0),
        ("6", "Dense", (10,), 16_010, 16_000),
    ]
    assert summary.parameters == summary.learned == 34_826
    assert summary.multiply_adds == 194_688 + 2_230_272 + 16_000
    lines = str(summary).splitlines()
    assert lines[0].split() == ["layer", "output", "parameters", "multiply-adds"]
    assert "32 x 26 x 26" in lines[2]
    assert lines[-1].split() == ["all", "34,826", "2,440,960"]
    assert repr(summary) == str(summary)


def test_frozen_parameters_are_counted_apart() -> None:
    model = models.mnist_cnn(rng=0)
    model[0].freeze()
    summary = model.summary()
    assert (summary.parameters, summary.learned) == (34_826, 34_506)
    assert str(summary).splitlines()[-1] == "320 parameters are frozen"


def test_the_table_of_a_resnet_names_what_is_inside() -> None:
    summary = models.small_resnet(rng=0).summary()
    names = {row.name: row for row in summary.rows}
    assert names["5.shortcut.0"].layer == "Conv2D"
    assert names["5.shortcut.0"].multiply_adds == 14 * 14 * 32 * 16
    assert names["5.body.0"].output == (32, 14, 14)
    assert sum(row.parameters for row in summary.rows) == summary.parameters


def test_looking_at_a_model_does_not_build_it() -> None:
    model: Any = Sequential(Flatten(), Dense(3))
    assert model.summary((2, 2)).parameters == 15
    assert not model.built
    with pytest.raises(ArgumentError, match=r"summary: shape: expected the shape of one input"):
        model.summary()
    with pytest.raises(DTypeError, match=r"summary: shape: expected the sizes of one input"):
        model.summary(4)
    with pytest.raises(ArgumentError, match="summary: shape: expected a whole number of at least"):
        model.summary((0,))
    model.initialize((2, 2), rng=0)
    assert model.summary().parameters == 15
    model = models.mnist_cnn(rng=0)
    with pytest.raises(ShapeError, match=r"Dense: X: expected 1600 numbers .* \[model\[6\] Dense"):
        model.summary((1, 30, 30))
    assert model.training
