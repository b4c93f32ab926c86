"""The layers of the estimators' own networks."""

from __future__ import annotations

from math import sqrt
from typing import Any

from neural_network.checks import as_count, as_flag, as_number, is_iterable
from neural_network.errors import DTypeError, brief, sentence
from neural_network.layers.activation import Activation, Flatten
from neural_network.layers.convolution import Conv2D
from neural_network.layers.dense import Dense
from neural_network.layers.dropout import Dropout
from neural_network.layers.layer import Layer
from neural_network.layers.normalization import BatchNorm
from neural_network.layers.pooling import MaxPool2D
from neural_network.layers.randomness import generator


def as_sizes(function: str, name: str, value: Any) -> list[int]:
    """Return how many units or filters each of several layers has; one number is one layer."""
    sizes = list(value) if is_iterable(value) and not isinstance(value, str) else [value]
    return [as_count(function, name, size) for size in sizes]


def dense_layers(
    function: str, sizes: Any, activation: Any, dropout: Any, norm: Any
) -> list[Layer]:
    """Return the hidden layers of a multilayer perceptron."""
    rate, normed = _share(function, dropout), as_flag(function, "batch_norm", norm)
    found: list[Layer] = []
    for units in as_sizes(function, "hidden_layer_sizes", sizes):
        found += _normed(Dense, activation, normed, units)
        found += [Dropout(rate)] if rate else []
    return found


def conv_layers(
    function: str,
    shape: tuple[int, ...],
    filters: Any,
    kernel_size: Any,
    pool_size: Any,
    activation: Any,
    norm: Any,
) -> list[Layer]:
    """Return convolutions that keep the size, each with pooling where it fits, and ``Flatten``.

    Args:
        function: for errors.
        shape: (C, H, W) of a picture.
        filters: of each convolution.
        kernel_size, pool_size: a size, or (vertical, horizontal). Along an axis on which the
            picture is smaller than the window nothing is pooled.
        activation, norm: of the convolutions.
    """
    normed, found = as_flag(function, "batch_norm", norm), []
    kernel = as_pair(function, "kernel_size", kernel_size)
    size = shape[1], shape[2]
    for count in as_sizes(function, "filters", filters):
        found += _normed(Conv2D, activation, normed, count, kernel, padding="same")
        window = fitting_window(function, pool_size, size)
        if window != (1, 1):
            found.append(MaxPool2D(window))
            size = size[0] // window[0], size[1] // window[1]
    return [*found, Flatten()]


def _normed(kind: Any, activation: Any, normed: bool, *sizes: Any, **options: Any) -> list[Layer]:
    """Return a layer and its activation; with batch norm in between, which needs no bias."""
    if not normed:
        return [kind(*sizes, activation=activation, **options)]
    after = [] if activation is None else [Activation(activation)]
    return [kind(*sizes, bias=False, **options), BatchNorm(), *after]


def _share(function: str, value: Any) -> float:
    share = as_number(function, "dropout", value, between=(0, 1))
    if share == 1:
        raise DTypeError(sentence(function, "dropout", "a number below 1", brief(value)))
    return share


def fitting_window(function: str, pool_size: Any, size: tuple[int, int]) -> tuple[int, int]:
    """Return the window of pooling: 1 along an axis that is shorter than it."""
    high, wide = as_pair(function, "pool_size", pool_size)
    return high if high <= size[0] else 1, wide if wide <= size[1] else 1


def as_pair(function: str, name: str, value: Any) -> tuple[int, int]:
    """Return two sizes, of a pair or of one number."""
    sizes = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(sizes) != 2:
        raise DTypeError(sentence(function, name, "a size, or a pair of sizes", brief(value)))
    return as_count(function, name, sizes[0]), as_count(function, name, sizes[1])


def begin_weights(model: Layer, shape: tuple[int, ...], seed: int) -> None:
    """Make the parameters of a network for rows of a shape, by a seed.

    The biases of dense layers are drawn from the interval of their weights, as in scikit-learn:
    where inputs are small, or all of one sign, hidden units that all begin at 0 learn slowly.
    """
    rng = generator(seed, "weights")
    model.initialize(shape, rng=rng)
    for layer in model.all_layers():
        if isinstance(layer, Dense) and layer.bias is not None:
            bound = sqrt(6 / sum(layer.weight.shape))
            layer.bias.data[...] = rng.uniform(-bound, bound, layer.bias.shape)
