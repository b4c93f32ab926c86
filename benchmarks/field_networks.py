"""The networks of the field, with the batches and optimizers that they are measured with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from networks import (
    EXAMPLE,
    Attention,
    BatchNorm,
    Conv,
    Dense,
    Depthwise,
    Embedding,
    Flatten,
    GlobalPool,
    LayerNorm,
    Network,
    Piece,
    Pool,
    ReLU,
    Residual,
    TokenMean,
    Transposed,
)

Loss = Literal["cross_entropy", "mse"]


@dataclass(frozen=True)
class Entry:
    """A network of the field.

    Attributes:
        title: what the page calls it.
        network: its description.
        batch: rows of a training step.
        steps: of a ``fit`` that is timed.
        loss: classes, or the mean squared distance to the input.
    """

    title: str
    network: Network
    batch: int
    steps: int = 6
    loss: Loss = "cross_entropy"

    @property
    def classes(self) -> int:
        """Return how many outputs there are, of which each is a class."""
        last = self.network.layers[-1]
        return last.units if isinstance(last, Dense) else 0

    def data(self, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Return inputs and labels that are drawn, the same in each call."""
        rng = np.random.default_rng(0)
        shape = (rows, *self.network.shape)
        first = self.network.layers[0]
        if isinstance(first, Embedding):
            X = rng.integers(first.vocabulary, size=shape)
        else:
            X = rng.standard_normal(shape, dtype=np.float32)
        return X, (X if self.loss == "mse" else rng.integers(self.classes, size=rows))


def _normed(*convolutions: Piece) -> tuple[Piece, ...]:
    """Return the convolutions, each with batch norm and relu behind it."""
    return tuple(piece for conv in convolutions for piece in (conv, BatchNorm(), ReLU()))


def _conv(filters: int, size: int = 3, stride: int = 1) -> Conv:
    """Return a convolution for batch norm behind it, which makes a bias needless."""
    return Conv(filters, size, stride, size // 2, relu=False, bias=False)


def _separable(filters: int, stride: int = 1) -> tuple[Piece, ...]:
    return _normed(Depthwise(stride=stride), _conv(filters, 1))


def _residual(filters: int, stride: int) -> tuple[Piece, ...]:
    """Return a block of ``models.small_resnet``."""
    body = (*_normed(_conv(filters, 3, stride)), _conv(filters), BatchNorm())
    shortcut = (_conv(filters, 1, stride), BatchNorm()) if stride > 1 else ()
    return (Residual(body, shortcut), ReLU())


def mlp(*sizes: int) -> Network:
    """Return a multilayer perceptron, of the sizes of its input and layers."""
    inputs, *hidden, outputs = sizes
    return Network((inputs,), (*(Dense(units, relu=True) for units in hidden), Dense(outputs)))


COLOURS = (3, 32, 32)
LENET = Network(
    (1, 28, 28),
    (
        Conv(6, 5, padding=2), Pool(), Conv(16, 5), Pool(), Flatten(),
        Dense(120, relu=True), Dense(84, relu=True), Dense(10),
    ),
)  # fmt: skip
NORMED = Network(
    COLOURS,
    (
        *_normed(_conv(32), _conv(32)), Pool(), *_normed(_conv(64), _conv(64)), Pool(),
        Flatten(), Dense(10),
    ),
)  # fmt: skip
STRIDED = Network(
    COLOURS, (*(Conv(filters, 3, 2, 1) for filters in (24, 48, 96)), GlobalPool(), Dense(10))
)
WIDE = Network(
    COLOURS,
    (Conv(96), Conv(96), Pool(), Conv(128), Pool(), Flatten(), Dense(10)),
)
SEPARABLE = Network(
    COLOURS,
    (
        *_normed(_conv(24, 3, 2)), *_separable(48), *_separable(96, 2), *_separable(96),
        GlobalPool(), Dense(10),
    ),
)  # fmt: skip
RESNET = Network(
    COLOURS,
    (*_normed(_conv(16)), *_residual(16, 1), *_residual(32, 2), *_residual(64, 2),
     GlobalPool(), Dense(10)),
)  # fmt: skip
AUTOENCODER = Network(
    (1, 28, 28),
    (Conv(16, 3, 2, 1), Conv(32, 3, 2, 1), Transposed(16, 4, 2, 1),
     Transposed(1, 4, 2, 1, relu=False)),
)  # fmt: skip
SERIES = Network(
    (9, 128),
    (Conv(64, axes=1), Conv(64, 3, 2, axes=1), Flatten(), Dense(100, relu=True), Dense(6)),
)
TOKENS = Network(
    (64,),
    (
        Embedding(1000, 64),
        Residual((LayerNorm(), Attention(64, 4))),
        Residual((LayerNorm(), Dense(128, relu=True), Dense(64))),
        TokenMean(),
        Dense(10),
    ),
)
TINY = Network(
    (1, 28, 28),
    (
        Conv(16, relu=False, bias=False), Pool(), BatchNorm(), ReLU(), *_normed(_conv(24)),
        _conv(32), Pool(), BatchNorm(), ReLU(), *_normed(_conv(24)), GlobalPool(), Dense(10),
    ),
)  # fmt: skip

FIELD = {
    "example": Entry("example CNN (work A)", EXAMPLE, 128),
    "lenet": Entry("LeNet-like, 28×28", LENET, 64, 10),
    "normed": Entry("[3×3 same, batch norm, relu] × 2 + max pool, twice, 32×32", NORMED, 64, 4),
    "strided": Entry("three 3×3 of stride 2, 24-48-96, global mean, 32×32", STRIDED, 64, 10),
    "wide": Entry("96-96-pool-128, 32×32", WIDE, 32, 4),
    "separable": Entry("MobileNet-like, 32×32", SEPARABLE, 64),
    "resnet": Entry("`small_resnet`, 32×32", RESNET, 64, 4),
    "autoencoder": Entry("autoencoder with `ConvTranspose2D`, 28×28", AUTOENCODER, 64, 10,
                         "mse"),
    "series": Entry("`Conv1D` classifier, (9, 128)", SERIES, 64, 10),
    "tokens": Entry("embedding + attention, 64 tokens", TOKENS, 64),
    "tiny": Entry("`tiny_cnn`, 28×28", TINY, 64),
    "mlp-512": Entry("MLP 784-512-512-10", mlp(784, 512, 512, 10), 128, 10),
    "mlp-64": Entry("MLP 20-64-64-3, four steps a `fit`", mlp(20, 64, 64, 3), 32, 4),
    "mlp-100": Entry("MLP 30-100-2", mlp(30, 100, 2), 200, 10),
}  # fmt: skip
