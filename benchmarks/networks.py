"""The networks that are measured: one description each, and how we build it.

``torch_networks.py``, ``jax_networks.py`` and ``onnx_networks.py`` build the same network, with a
copy of our weights, for the peers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import neural_network as nn


@dataclass(frozen=True)
class Conv:
    """A convolution of pictures, or of series where ``axes`` is 1, with relu behind it or not."""

    filters: int
    size: int = 3
    stride: int = 1
    padding: int = 0
    relu: bool = True
    bias: bool = True
    axes: int = 2


@dataclass(frozen=True)
class Depthwise:
    """A convolution of each channel by itself, without a bias."""

    size: int = 3
    stride: int = 1
    padding: int = 1


@dataclass(frozen=True)
class Transposed:
    """A transposed convolution of pictures."""

    filters: int
    size: int
    stride: int
    padding: int
    relu: bool = True


@dataclass(frozen=True)
class BatchNorm:
    """Batch norm of channels."""


@dataclass(frozen=True)
class LayerNorm:
    """Layer norm of the last axis."""


@dataclass(frozen=True)
class ReLU:
    """Relu as a layer of its own."""


@dataclass(frozen=True)
class Pool:
    """Max-pooling."""

    size: int = 2


@dataclass(frozen=True)
class GlobalPool:
    """The mean of each channel."""


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


@dataclass(frozen=True)
class Embedding:
    """A vector for each token."""

    vocabulary: int
    size: int


@dataclass(frozen=True)
class Attention:
    """Self-attention with a projection of query, key, value and result."""

    size: int
    heads: int


@dataclass(frozen=True)
class TokenMean:
    """The mean of the tokens' vectors."""


@dataclass(frozen=True)
class Residual:
    """What goes in, or the shortcut's result, added to what the body makes of it."""

    body: tuple[Piece, ...]
    shortcut: tuple[Piece, ...] = ()


Piece = (
    Conv | Depthwise | Transposed | BatchNorm | LayerNorm | ReLU | Pool | GlobalPool | Flatten
    | Dropout | Dense | Embedding | Attention | TokenMean | Residual
)  # fmt: skip


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

    layers = our_layers(network.layers)
    dtype = int if isinstance(network.layers[0], Embedding) else np.float32
    built: nn.Sequential = nn.Sequential(*layers).initialize(network.shape, rng=0, dtype=dtype)
    return built


def our_layers(pieces: tuple[Piece, ...]) -> list[nn.Layer]:
    """Return a layer of ours for each piece."""
    import neural_network as nn

    def layer(piece: Piece) -> nn.Layer:  # noqa: PLR0912  # a table
        match piece:
            case Conv():
                kind = nn.Conv1D if piece.axes == 1 else nn.Conv2D
                return kind(
                    piece.filters, piece.size, stride=piece.stride, padding=piece.padding,
                    activation="relu" if piece.relu else None, bias=piece.bias,
                )  # fmt: skip
            case Depthwise(size, stride, padding):
                return nn.DepthwiseConv2D(size, stride=stride, padding=padding, bias=False)
            case Transposed(filters, size, stride, padding, relu):
                return nn.ConvTranspose2D(
                    filters, size, stride=stride, padding=padding,
                    activation="relu" if relu else None,
                )  # fmt: skip
            case BatchNorm():
                return nn.BatchNorm()
            case LayerNorm():
                return nn.LayerNorm()
            case ReLU():
                return nn.Activation("relu")
            case Pool(size):
                return nn.MaxPool2D(size)
            case GlobalPool():
                return nn.GlobalAvgPool2D()
            case Flatten():
                return nn.Flatten()
            case Dropout(rate):
                return nn.Dropout(rate)
            case Dense(units, relu):
                return nn.Dense(units, "relu" if relu else None)
            case Embedding(vocabulary, size):
                return nn.Embedding(vocabulary, size)
            case Attention(size, heads):
                from own_layers import SelfAttention

                return SelfAttention(size, heads)
            case TokenMean():
                from own_layers import MeanOfTokens

                return MeanOfTokens()
            case Residual(body, shortcut):
                other = nn.Sequential(*our_layers(shortcut)) if shortcut else None
                return nn.Residual(*our_layers(body), shortcut=other)

    return [layer(piece) for piece in pieces]


def pairs(pieces: tuple[Piece, ...], layers: Any) -> list[tuple[Piece, Any]]:
    """Return each piece with our layer of it."""
    return list(zip(pieces, layers, strict=True))
