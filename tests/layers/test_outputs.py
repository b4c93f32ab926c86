"""Which function a model ends in, and the probabilities of classes that follow."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Activation, Dense, Dropout, Flatten, Residual, Sequential
from neural_network.layers.outputs import class_probabilities, ends_in

X = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)


class Own(nn.Layer):
    def __init__(self, end: Any) -> None:
        self.layer = Dense(3)
        self.end = end

    def forward(self, X: Any) -> Any:
        return self.end(self.layer(X))


MODELS: dict[str, tuple[Any, Any]] = {
    "scores": (Sequential(Dense(3)), None),
    "softmax": (Sequential(Dense(3, "softmax")), nn.softmax),
    "a function": (Sequential(Dense(3, nn.softmax)), nn.softmax),
    "a layer": (Sequential(Dense(3), Activation("softmax")), nn.softmax),
    "nested": (Sequential(Dense(4), Sequential(Sequential(Dense(3, "softmax")))), nn.softmax),
    "before others": (Sequential(Dense(3, "softmax"), Dropout(0.5), Flatten(), Activation("identity")), nn.softmax),
    "a single layer": (Dense(3, "softmax"), nn.softmax),
    "log_softmax": (Sequential(Dense(3, "log_softmax")), nn.log_softmax),
    "sigmoid": (Sequential(Dense(3), Activation("sigmoid")), nn.sigmoid),
    "inside": (Sequential(Dense(3, "softmax"), Dense(3)), None),
    "a sum": (Sequential(Dense(3), Residual(Activation("softmax"))), None),
    "relu": (Sequential(Dense(3, "relu")), None),
    "own": (Own(nn.softmax), nn.softmax),
    "own, reshaped": (Own(lambda Z: nn.softmax(Z).reshape(-1, 3)), nn.softmax),
    "own scores": (Own(lambda Z: Z * 2), None),
}  # fmt: skip


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_what_a_model_ends_in(name: str, frozen: bool) -> None:
    model, end = MODELS[name]
    model.initialize((4,), rng=0)
    outputs = model.predict(X)
    (model.freeze if frozen else model.unfreeze)()
    assert ends_in(model, X) is end
    found = class_probabilities(model, X, outputs)
    if end is nn.sigmoid:
        np.testing.assert_array_equal(found, outputs)
        return
    expected = outputs if end is nn.softmax else nn.softmax(outputs)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "function", "are"),
    [
        ("by hand", lambda Z: np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True), True),
        ("mean of two", lambda Z: (nn.softmax(Z) + nn.softmax(2 * Z)) / 2, True),
        ("not negative", nn.relu, False),
        ("sum of 1, not within", lambda Z: nn.softmax(Z) * [3, 3, 3] - [1, 1, 0], False),
    ],
)
def test_probabilities_by_their_numbers(name: str, function: Any, are: bool) -> None:
    model = Own(function).initialize((4,), rng=0)
    outputs = model.predict(X)
    assert ends_in(model, X) is None
    expected = outputs if are else nn.softmax(outputs)
    np.testing.assert_array_equal(class_probabilities(model, X, outputs), expected)


def test_a_look_at_the_end_changes_nothing() -> None:
    model = Sequential(Dense(4), nn.BatchNorm(), Dense(3, "softmax")).initialize((4,), rng=0)
    before = [
        tensor.data.copy() for _, tensor in [*model.named_parameters(), *model.named_buffers()]
    ]
    ends_in(model, X)
    for (_, tensor), array in zip(
        [*model.named_parameters(), *model.named_buffers()], before, strict=True
    ):
        np.testing.assert_array_equal(tensor.data, array)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_numbers_of_words_are_inputs_as_well() -> None:
    model = Sequential(nn.Embedding(5, 4), Flatten(), Dense(3, "softmax"))
    words = np.array([[1, 2], [3, 4]])
    model.initialize((2,), rng=0, dtype=np.int64)
    assert ends_in(model, words) is nn.softmax


class Head(nn.Layer):
    def __init__(self, made: Any) -> None:
        self.inner, self.scale, self.made = nn.Dense(4), nn.Parameter(1.0), made

    def forward(self, X: Any) -> Any:
        return self.made(self.inner(X) * self.scale)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda out: (out, out[:, :2]), "4, 2"),
        (lambda out: {"a": out.sum(axis=1), "b": [out, out.reshape(-1, 2, 2)]}, "1, 4, 2 x 2"),
        (lambda out: (out, out), "4, 4"),
    ],
)
def test_a_summary_of_several_outputs_shows_the_shape_of_each(made: Any, text: str) -> None:
    table = str(nn.Sequential(nn.Dense(4), Head(made)).initialize((3,), rng=0).summary())
    assert re.search(rf"1 +Head +{text} +1 +0\n", table)
