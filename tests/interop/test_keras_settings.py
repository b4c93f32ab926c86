"""A .keras file tells what its layers compute; here they are written as Keras writes them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.errors import ArgumentError
from neural_network.interop.keras import load_weights
from tests.interop.test_keras_weights import CNN, CONV, archive, cnn, sequential, stored, write
from tests.interop.test_torch_weights import assert_unchanged, numbers


def other(place: int, kind: str = "", **settings: Any) -> list[tuple[str, dict[str, Any]]]:
    changed = list(CNN)
    changed[place] = (kind or CNN[place][0], CNN[place][1] | settings)
    return changed


def test_settings_beside_the_weights_are_compared(tmp_path: Path) -> None:
    model = cnn()
    weights = write(tmp_path / "x.weights.h5", stored()).read_bytes()
    assert (
        load_weights(model, archive(tmp_path / "x.keras", weights, sequential(*CNN))).missing == ()
    )
    as_layer = [*other(1, activation="linear")[:2], ("ReLU", {}), *CNN[2:]]
    load_weights(model, archive(tmp_path / "y.keras", weights, sequential(*as_layer)))
    before = numbers(model)
    with pytest.raises(ArgumentError, match='channels: expected "last", as in .*received "first"'):
        load_weights(model, tmp_path / "x.keras", channels="first")
    first = sequential(*other(1, data_format="channels_first"))
    with pytest.raises(ArgumentError, match='channels: expected "first"'):
        load_weights(model, archive(tmp_path / "z.keras", weights, first))
    assert_unchanged(model, before)


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (other(2, epsilon=0.5), r"batch_normalization\(epsilon=0\.5\) next, .*epsilon=0\.001\) of layer 1"),
        (other(1, activation="tanh"), r"expected tanh\(\) next, as layer Conv2D in the file, received relu"),
        (other(1, activation="linear"), r"expected batch_normalization.*received relu\(\) of layer 0"),
        (other(1, padding="same"), r"padding=same\) next.*padding=valid\) of layer 0"),
        (other(1, padding="causal"), r"padding=causal\) next"),
        (other(1, strides=[2, 2]), r"strides=\(2, 2\)"),
        (other(3, dilation_rate=[1, 2]), r"dilation_rate=\(1, 2\).*of layer 2"),
        (other(1, groups=2), "groups=2"),
        (other(4, "Rescaling"), r"expected Rescaling\(\) next, as layer Rescaling in the file"),
        (other(5, "GlobalAveragePooling2D"), r"expected global_average_pooling2d"),
        (other(4, "MaxPooling2D", pool_size=[2, 2], strides=[2, 2]), r"expected max_pooling2d"),
        ([*other(1, activation="linear")[:2], ("ReLU", {"max_value": 6.0}), *CNN[2:]], r"relu\(max_value=6\.0\)"),
        ([*CNN, ("LeakyReLU", {"negative_slope": 0.3})], r"leaky_relu\(negative_slope=0\.3\)"),
        (CNN[:-1], "expected no further layer in the file, received dense"),
        ([*CNN, ("Softmax", {})], r"expected softmax\(\) next, .* received no further layer"),
        (other(1, activation={"class_name": "x" * 900}), r"expected {'class_name': "),
    ],
)  # fmt: skip
def test_layers_that_compute_something_else(
    tmp_path: Path, layers: list[tuple[str, dict[str, Any]]], text: str
) -> None:
    model = cnn()
    weights = write(tmp_path / "x.weights.h5", stored()).read_bytes()
    before = numbers(model)
    path = archive(tmp_path / "x.keras", weights, sequential(*layers))
    with pytest.raises(ArgumentError, match=text) as raised:
        load_weights(model, path)
    assert len(str(raised.value)) <= 500
    assert_unchanged(model, before)
    load_weights(model, path, strict=False)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (nn.Conv2D(4, 3, padding=1), {"padding": "same"}),
        (nn.Conv2D(4, (3, 5), padding=(1, 2)), {"padding": "same", "kernel_size": [3, 5]}),
        (nn.Conv2D(4, 3, padding=((1, 1), (1, 1))), {"padding": "same"}),
        (nn.Conv2D(4, 3, padding="same", stride=2), {"padding": "same", "strides": [2, 2]}),
        (nn.Conv2D(4, 3, padding=0), {}),
        (nn.Conv2D(4, 1, padding="same"), {"kernel_size": [1, 1]}),
        (nn.Conv2D(4, 1), {"padding": "same", "kernel_size": [1, 1]}),
        (nn.Conv2D(4, 3, padding=2, dilation=2), {"padding": "same", "dilation_rate": [2, 2]}),
        (nn.Conv2D(4, 3, activation="silu"), {"activation": "swish"}),
        (nn.Conv2D(4, 3, activation=partial(nn.leaky_relu, slope=0.2)), {"activation": "leaky_relu"}),
        (nn.Conv2D(4, 3, activation=lambda x: x * 2), {"activation": "mine"}),
    ],
)  # fmt: skip
def test_paddings_and_activations_that_are_the_same(
    tmp_path: Path, here: nn.Layer, there: dict[str, Any]
) -> None:
    model = nn.Sequential(here).initialize((3, 6, 5), rng=0)
    size = model.layers[0].weight.shape[2:]
    arrays = {"conv2d/vars/0": np.ones((*size, 3, 4)), "conv2d/vars/1": np.ones(4)}
    weights = write(tmp_path / "x.weights.h5", arrays).read_bytes()
    config = sequential(("Conv2D", CONV | {"kernel_size": [3, 3]} | there))
    assert load_weights(model, archive(tmp_path / "x.keras", weights, config)).missing == ()


def test_a_stride_makes_another_padding_of_numbers(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2D(4, 3, padding=1, stride=2)).initialize((3, 6, 6), rng=0)
    arrays = {"conv2d/vars/0": np.ones((3, 3, 3, 4)), "conv2d/vars/1": np.ones(4)}
    weights = write(tmp_path / "x.weights.h5", arrays).read_bytes()
    config = sequential(("Conv2D", CONV | {"padding": "same", "strides": [2, 2]}))
    with pytest.raises(ArgumentError, match="padding=same.*padding=1"):
        load_weights(model, archive(tmp_path / "x.keras", weights, config))
