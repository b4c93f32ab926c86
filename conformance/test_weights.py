"""Weights that go from PyTorch and Keras to this library and back: the same outputs."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn as theirs

import neural_network as nn
from neural_network.errors import ArgumentError, FileFormatError

os.environ["KERAS_BACKEND"] = "torch"  # read when Keras is imported
keras = import_module("keras")
K = keras.layers

PICTURES = (5, 3, 12, 11)


class Named(theirs.Module):
    """A network whose layers have names, defined in another than the alphabetical order."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = theirs.Conv2d(3, 4, 3)
        self.norm = theirs.BatchNorm2d(4)
        self.conv = theirs.Conv2d(4, 4, 3, bias=False)
        self.head = theirs.Linear(4 * 8 * 7, 6)

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        return self.head(torch.flatten(self.conv(torch.relu(self.norm(self.stem(X)))), 1))


def named() -> nn.Layer:
    return nn.Sequential(
        nn.Conv2D(4, 3), nn.BatchNorm(), nn.Activation("relu"), nn.Conv2D(4, 3, bias=False),
        nn.Flatten(), nn.Dense(6),
    )  # fmt: skip


# Name → our model, PyTorch's, the shape of the input.
NETWORKS: dict[str, tuple[Any, Any, tuple[int, ...]]] = {
    "dense": (
        lambda: nn.Sequential(nn.Dense(9, "relu"), nn.Dense(9, "relu"), nn.Dense(3)),
        lambda: theirs.Sequential(
            theirs.Linear(7, 9), theirs.ReLU(), theirs.Linear(9, 9), theirs.ReLU(),
            theirs.Linear(9, 3),
        ), (5, 7),
    ),
    "twelve layers": (
        lambda: nn.Sequential([nn.Dense(4, "tanh") for _ in range(12)]),
        lambda: theirs.Sequential(
            *[layer for _ in range(12) for layer in (theirs.Linear(4, 4), theirs.Tanh())]
        ), (5, 4),
    ),
    "named": (named, Named, PICTURES),
    "kinds of convolutions": (
        lambda: nn.Sequential(
            nn.ConvTranspose2D(6, 3, stride=2), nn.GroupNorm(2), nn.Conv2D(8, 3, groups=2),
            nn.DepthwiseConv2D(3, 2), nn.GlobalAvgPool2D(),
        ),
        lambda: theirs.Sequential(
            theirs.ConvTranspose2d(3, 6, 3, stride=2), theirs.GroupNorm(2, 6),
            theirs.Conv2d(6, 8, 3, groups=2), theirs.Conv2d(8, 16, 3, groups=8),
            theirs.AdaptiveAvgPool2d(1), theirs.Flatten(),
        ), PICTURES,
    ),
    "series": (
        lambda: nn.Sequential(nn.Conv1D(4, 3), nn.Activation("relu"), nn.LayerNorm(), nn.Dense(2)),
        lambda: theirs.Sequential(
            theirs.Conv1d(3, 4, 3), theirs.ReLU(), theirs.LayerNorm(9), theirs.Linear(9, 2)
        ), (5, 3, 11),
    ),
    "volumes": (
        lambda: nn.Sequential(nn.Conv3D(4, 2), nn.BatchNorm()),
        lambda: theirs.Sequential(theirs.Conv3d(3, 4, 2), theirs.BatchNorm3d(4)), (2, 3, 4, 5, 4),
    ),
    "nested": (
        lambda: nn.Sequential(nn.Sequential(nn.Dense(4), nn.Dense(4)), nn.Dense(4)),
        lambda: theirs.Sequential(
            theirs.Sequential(theirs.Linear(3, 4), theirs.Linear(4, 4)), theirs.Linear(4, 4)
        ), (5, 3),
    ),
}  # fmt: skip


def pair(name: str) -> tuple[nn.Layer, Any, np.ndarray]:
    torch.manual_seed(3)
    ours, module, shape = NETWORKS[name]
    model, network = ours().initialize(shape[1:], rng=0), module().eval()
    with torch.no_grad():
        for tensor in [*network.parameters(), *network.buffers()]:
            if tensor.is_floating_point():
                tensor.uniform_(0.1, 0.6)
    return model, network, np.random.default_rng(0).normal(size=shape).astype(np.float32)


def assert_same(model: nn.Layer, network: Any, X: np.ndarray) -> None:
    with torch.no_grad():
        expected = network(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(model.predict(X), expected, rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_from_pytorch_by_state_dict_and_by_file(name: str, tmp_path: Path) -> None:
    model, network, X = pair(name)
    assert nn.interop.torch.load_weights(model, network.state_dict()).missing == ()
    assert_same(model, network, X)
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file(network.state_dict(), path)
    model = NETWORKS[name][0]().initialize(X.shape[1:], rng=1)
    nn.interop.torch.load_weights(model, path)
    assert_same(model, network, X)
    wrapped = {f"_orig_mod.module.{key}": value for key, value in network.state_dict().items()}
    model = NETWORKS[name][0]().initialize(X.shape[1:], rng=2)
    nn.interop.torch.load_weights(model, wrapped)
    assert_same(model, network, X)


@pytest.mark.parametrize("name", NETWORKS)
def test_to_pytorch(name: str, tmp_path: Path) -> None:
    model, network, X = pair(name)
    path = tmp_path / "w.safetensors"
    nn.interop.torch.save_weights(model, path, like=network.state_dict())
    network.load_state_dict(safetensors.torch.load_file(path), strict=not list(network.buffers()))
    assert_same(model, network, X)
    state = nn.interop.torch.state_dict(model, like=network.state_dict())
    network.load_state_dict({key: torch.from_numpy(array) for key, array in state.items()})
    assert_same(model, network, X)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types(dtype: torch.dtype, tmp_path: Path) -> None:
    model, network, X = pair("dense")
    network = network.to(dtype)
    nn.interop.torch.load_weights(model, network.state_dict())
    assert_same(model, network.float(), X)
    path = tmp_path / "w.safetensors"
    safetensors.torch.save_file(network.to(dtype).state_dict(), path)
    nn.interop.torch.load_weights(model, path)
    assert_same(model, network.float(), X)


def test_the_two_lines_that_turn_a_pth_file_into_safetensors(tmp_path: Path) -> None:
    model, network, X = pair("named")
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    torch.save(network.state_dict(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    with pytest.raises(FileFormatError, match="weights_only=True"):
        nn.interop.torch.load_weights(model, tmp_path / "old.pth")
    with pytest.raises(FileFormatError, match="Two lines") as caught:
        nn.interop.torch.load_weights(model, tmp_path / "weights.pth")
    lines = (
        str(caught.value)
        .partition("into safetensors: ")[2]
        .replace('"weights.', f'"{tmp_path}/weights.')
    )
    exec(lines)  # what the message tells a user to type
    nn.interop.torch.load_weights(model, tmp_path / "weights.safetensors")
    assert_same(model, network, X)


def test_another_network_is_refused() -> None:
    model, _, _ = pair("dense")
    for other in NETWORKS.keys() - {"dense"}:
        with pytest.raises(ArgumentError, match=r"none for|expected shape"):
            nn.interop.torch.load_weights(model, pair(other)[1].state_dict())


# --- Keras ----------------------------------------------------------------------------------

BOTH: dict[str, tuple[Any, Any, tuple[int, ...]]] = {
    "pictures": (
        lambda: nn.Sequential(
            nn.Conv2D(4, 3, activation="relu"), nn.BatchNorm(epsilon=1e-3), nn.MaxPool2D(2),
            nn.Conv2D(6, 3, groups=2, padding="same"), nn.DepthwiseConv2D(2, 2), nn.Flatten(),
            nn.BatchNorm(epsilon=1e-3), nn.Dense(7, "relu"), nn.Dropout(0.5),
            nn.LayerNorm(epsilon=1e-3), nn.Dense(3),
        ),
        lambda: [
            K.Conv2D(4, 3, activation="relu", name="first"), K.BatchNormalization(),
            K.MaxPooling2D(), K.Conv2D(6, 3, groups=2, padding="same"),
            K.DepthwiseConv2D(2, depth_multiplier=2), K.Flatten(), K.BatchNormalization(),
            K.Dense(7, activation="relu"), K.Dropout(0.5), K.LayerNormalization(), K.Dense(3),
        ], (12, 11, 3),
    ),
    "transposed": (
        lambda: nn.Sequential(
            nn.ConvTranspose2D(4, 3, stride=2), nn.GroupNorm(2, epsilon=1e-3), nn.Conv2D(2, 3),
            nn.GlobalAvgPool2D(), nn.Dense(3),
        ),
        lambda: [
            K.Conv2DTranspose(4, 3, strides=2), K.GroupNormalization(2), K.Conv2D(2, 3),
            K.GlobalAveragePooling2D(), K.Dense(3),
        ], (6, 7, 3),
    ),
    "series": (
        lambda: nn.Sequential(
            nn.Conv1D(4, 3, dilation=2), nn.Flatten(),
            nn.Sequential(nn.Dense(4), nn.Dense(5)), nn.Dense(3),
        ),
        lambda: [
            K.Conv1D(4, 3, dilation_rate=2), K.Flatten(),
            keras.Sequential([K.Dense(4), K.Dense(5)]), K.Dense(3),
        ], (12, 3),
    ),
    "rows": (
        lambda: nn.Sequential(nn.Flatten(), nn.Dense(4)), lambda: [K.Flatten(), K.Dense(4)], (8, 7)
    ),
    "colour": (
        lambda: nn.Sequential(nn.Flatten(), nn.Dense(4)),
        lambda: [K.Flatten(), K.Dense(4)], (8, 7, 3),
    ),
    "volumes": (
        lambda: nn.Sequential(
            nn.Conv3D(4, 2), nn.BatchNorm(epsilon=1e-3), nn.Flatten(), nn.Dense(2)
        ),
        lambda: [K.Conv3D(4, 2), K.BatchNormalization(), K.Flatten(), K.Dense(2)], (4, 3, 5, 2),
    ),
    "paddings": (
        lambda: nn.Sequential(
            nn.Conv2D(4, 3, stride=2, padding="same", activation="gelu"),
            nn.AvgPool2D(3, 2, padding="same", count_include_pad=False),
            nn.ConvTranspose2D(3, 4, stride=2, padding=1, activation="elu"),
            nn.MaxPool2D(3, 1, padding="same"), nn.Conv2D(2, (3, 5), padding=(1, 2)),
            nn.DepthwiseConv2D(2, padding="same"), nn.Activation("silu"), nn.Flatten(),
            nn.Dense(3, "softmax"),
        ),
        lambda: [
            K.Conv2D(4, 3, strides=2, padding="same", activation="gelu"),
            K.AveragePooling2D(3, 2, padding="same"),
            K.Conv2DTranspose(3, 4, strides=2, padding="same", activation="elu"),
            K.MaxPooling2D(3, 1, padding="same"), K.Conv2D(2, (3, 5), padding="same"),
            K.DepthwiseConv2D(2, padding="same"), K.Activation("swish"), K.Flatten(),
            K.Dense(3), K.Softmax(),
        ], (12, 10, 3),
    ),
    "activations": (
        lambda: nn.Sequential(*[
            nn.Dense(4, name) for name in (
                "sigmoid", "tanh", "relu", "elu", "gelu", "silu", "softplus", "mish",
                "hardswish", "log_softmax", "softmax",
            )
        ]),
        lambda: [
            K.Dense(4, activation=name) for name in (
                "sigmoid", "tanh", "relu", "elu", "gelu", "silu", "softplus", "mish",
                "hard_swish", "log_softmax", "softmax",
            )
        ], (5,),
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")  # of Keras about itself
@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
@pytest.mark.parametrize("name", BOTH)
def test_from_keras(name: str, ending: str, tmp_path: Path) -> None:
    ours, layers, shape = BOTH[name]
    rng = np.random.default_rng(0)
    network = keras.Sequential([keras.Input(shape), *layers()])
    network.set_weights([rng.uniform(0.1, 0.6, w.shape) for w in network.get_weights()])
    network.compile("adam", "mse")
    X = rng.normal(size=(5, *shape)).astype(np.float32)
    path = tmp_path / f"network{ending}"
    (network.save_weights if ending == ".weights.h5" else network.save)(path)
    turned = X if name == "rows" else np.moveaxis(X, -1, 1)
    model = ours().initialize(turned.shape[1:], rng=1)
    done = nn.interop.keras.load_weights(model, path)
    assert done.missing == done.unexpected == ()
    expected = network.predict(X, verbose=0)
    np.testing.assert_allclose(model.predict(turned), expected, rtol=2e-4, atol=1e-5)
    if ending == ".keras" and name == "pictures":
        wrong = nn.Sequential(*[
            nn.BatchNorm() if isinstance(layer, nn.BatchNorm) else layer.clone()
            for layer in model.layers
        ]).initialize(turned.shape[1:], rng=1)  # fmt: skip
        with pytest.raises(ArgumentError, match=r"batch_normalization\(epsilon=0\.001\) next"):
            nn.interop.keras.load_weights(wrong, path)
