"""Functions as activations, with options: what is written, and what ONNX cannot express."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import functional
from neural_network.interop import onnx as interop
from tests.interop.graphs import onnx, runtime

PICTURES, ROWS = (4, 7, 8), (5,)
# Functions, and the shape of a row.
WRITTEN = [
    (partial(nn.leaky_relu, slope=np.float32(0.2)), ROWS),
    (partial(nn.elu, alpha=0.5), ROWS),
    (partial(nn.gelu, approximate="tanh"), ROWS),
    (partial(nn.softmax, axis=1), PICTURES),
    (partial(nn.log_softmax, axis=np.int64(1)), PICTURES),
    (partial(nn.relu), ROWS),
    (partial(nn.functional.identity), ROWS),
    (partial(functional.reshape, shape=(-1, 2, 2, 7, 8)), PICTURES),
    (partial(functional.reshape, shape=-1), (1,)),
    (partial(functional.transpose, axes=(0, -1, 1, 2)), PICTURES),
    (partial(functional.clip, low=-0.5, high=0.5), ROWS),
    (partial(functional.clip, high=1), ROWS),
    (partial(functional.mean, axis=(2, -1)), PICTURES),
    (partial(functional.mean, axis=-1, keepdims=True), PICTURES),
    (partial(functional.sum, axis=(1,)), PICTURES),
    (partial(functional.max, axis=2), PICTURES),
    (partial(functional.min, axis=2), PICTURES),
    (partial(functional.logsumexp, axis=1), PICTURES),
    *((getattr(functional, name), ROWS) for name in
      ("absolute", "negative", "exp", "sign", "erf", "sin", "cos", "square")),
]  # fmt: skip


@pytest.mark.parametrize(("function", "row"), WRITTEN)
def test_written_with_its_options(function: Any, row: tuple[int, ...]) -> None:
    _check(nn.Sequential(nn.Activation(function)).initialize(row, rng=0), row)


@pytest.mark.parametrize(("function", "low"), [(functional.sqrt, 0.0), (functional.log, 0.5)])
def test_functions_of_positive_numbers(function: Any, low: float) -> None:
    above = nn.Activation(partial(functional.clip, low=low))
    _check(nn.Sequential(above, nn.Activation(function)).initialize(ROWS, rng=0), ROWS)


def test_as_the_activation_of_layers() -> None:
    """An autoencoder whose code is dense, and a discriminator."""
    decoder = nn.Sequential(
        nn.Dense(12, partial(functional.reshape, shape=(-1, 3, 2, 2))),
        nn.Conv2D(2, 2, padding="same", activation=partial(nn.leaky_relu, slope=0.2)),
    )
    _check(decoder.initialize(ROWS, rng=0), ROWS)


def _check(model: nn.Layer, row: tuple[int, ...]) -> None:
    message = interop.to_model(model)
    onnx.checker.check_model(message, full_check=True)
    back = interop.load(message)
    for rows in (3, 1):
        X = np.random.default_rng(4).normal(size=(rows, *row)).astype(np.float32)
        expected = model.predict(X)
        np.testing.assert_allclose(runtime(message, X), expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(back.predict(X), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (partial(functional.reshape, shape=(2, 4)), "reshape with .*shape: expected .* −1 first"),
        (partial(functional.transpose, axes=(1, 0)), "transpose with .*axes: expected an order"),
        (functional.transpose, "transpose with .*axes: expected .* the rows first"),
        (partial(functional.mean, axis=0), "mean with .*axis: expected axes of a row"),
        (functional.sum, "sum with .*axis: expected axes of a row"),
        (partial(functional.sum, axis=1, dtype="float64"), "sum with .*dtype: expected none"),
        (partial(functional.clip, low=np.zeros(4)), "clip with .*low: expected a single number"),
        (partial(functional.clip, 0.2), "clip with 0.2 in the place of its input"),
        (partial(functional.reshape, shape=(-1, 2)), "a result of shape .* for two rows"),
    ],
)
def test_an_option_that_onnx_does_not_have_is_named(function: Any, text: str) -> None:
    model = nn.Sequential(nn.Dense(4), nn.Activation(function)).initialize((4,), rng=0)
    with pytest.raises(nn.ArgumentError, match=text):
        interop.to_model(model)
