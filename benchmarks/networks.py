"""The networks that are measured: one description, built with us, in PyTorch and in ONNX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import neural_network as nn


@dataclass(frozen=True)
class Conv:
    """A convolution with relu behind it."""

    filters: int
    size: int = 3


@dataclass(frozen=True)
class Pool:
    """Max-pooling."""

    size: int = 2


@dataclass(frozen=True)
class Flatten:
    """Rows of numbers out of pictures."""


@dataclass(frozen=True)
class Dropout:
    """Dropout in training, nothing in inference."""

    rate: float


@dataclass(frozen=True)
class Dense:
    """A layer of neurons."""

    units: int
    relu: bool = False


Piece = Conv | Pool | Flatten | Dropout | Dense


@dataclass(frozen=True)
class Network:
    """The shape of one input, and the layers."""

    shape: tuple[int, ...]
    layers: tuple[Piece, ...]


DIGIT = (1, 28, 28)
EXAMPLE = Network(
    DIGIT, (Conv(32), Conv(64), Pool(), Flatten(), Dense(128, relu=True), Dense(10))
)  # fmt: skip
SMALL = Network(DIGIT, (Conv(8), Pool(), Flatten(), Dense(10)))
MLP = Network((784,), (Dense(256, relu=True), Dense(128, relu=True), Dense(10)))
MNIST_CNN = Network(
    DIGIT, (Conv(32), Pool(), Conv(64), Pool(), Flatten(), Dropout(0.5), Dense(10))
)  # fmt: skip


def ours(network: Network) -> nn.Sequential:
    """Build a network as a reader of the README would."""
    import neural_network as nn

    def layer(piece: Piece) -> nn.Layer:
        match piece:
            case Conv(filters, size):
                return nn.Conv2D(filters, size, activation="relu")
            case Pool(size):
                return nn.MaxPool2D(size)
            case Flatten():
                return nn.Flatten()
            case Dropout(rate):
                return nn.Dropout(rate)
            case Dense(units, relu):
                return nn.Dense(units, "relu" if relu else None)

    return nn.Sequential(*map(layer, network.layers)).initialize(network.shape, rng=0)


def in_torch(network: Network, model: nn.Sequential) -> Any:
    """Build the same network in PyTorch, with a copy of our weights."""
    import torch
    from torch import nn as tnn

    layers: list[tnn.Module] = []
    for piece, layer in zip(network.layers, model, strict=True):
        match piece:
            case Conv(filters, size):
                layers.append(tnn.Conv2d(layer.weight.shape[1], filters, size))
            case Pool(size):
                layers.append(tnn.MaxPool2d(size))
            case Flatten():
                layers.append(tnn.Flatten())
            case Dropout(rate):
                layers.append(tnn.Dropout(rate))
            case Dense(units):
                layers.append(tnn.Linear(layer.weight.shape[0], units))
        if isinstance(piece, Conv | Dense):
            weight = layer.weight.data
            with torch.no_grad():
                layers[-1].weight.copy_(
                    torch.from_numpy(weight.T if isinstance(piece, Dense) else weight)
                )
                layers[-1].bias.copy_(torch.from_numpy(layer.bias.data))
        if isinstance(piece, Conv) or (isinstance(piece, Dense) and piece.relu):
            layers.append(tnn.ReLU())
    return tnn.Sequential(*layers)


def in_onnx(network: Network, model: nn.Sequential) -> bytes:
    """Write the same network, for inference, as an ONNX file with our weights."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights, name = [], [], "X"

    def add(kind: str, *more: str, **attributes: Any) -> None:
        nonlocal name
        after = f"{kind}{len(nodes)}"
        nodes.append(helper.make_node(kind, [name, *more], [after], **attributes))
        name = after

    for place, (piece, layer) in enumerate(zip(network.layers, model, strict=True)):
        own = [f"W{place}", f"b{place}"]
        if isinstance(piece, Conv | Dense):
            for label, parameter in zip(own, (layer.weight, layer.bias), strict=True):
                weights.append(numpy_helper.from_array(parameter.data.copy(), label))
        match piece:
            case Conv():
                add("Conv", *own)
            case Pool(size):
                add("MaxPool", kernel_shape=[size] * 2, strides=[size] * 2)
            case Flatten():
                add("Flatten")
            case Dense():
                add("Gemm", *own)
        if isinstance(piece, Conv) or (isinstance(piece, Dense) and piece.relu):
            add("Relu")
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["rows", *network.shape])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", None])],
        initializer=weights,
    )
    # Versions that every ONNX Runtime of the last years reads.
    opset = [helper.make_opsetid("", 17)]
    written: bytes = helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    return written
