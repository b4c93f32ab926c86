"""Which arrays Keras stores of a ``Sequential``, and how they are laid out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, sentence
from neural_network.functional.activations import log_softmax, softmax
from neural_network.layers.activation import Activation, Flatten
from neural_network.layers.containers import Sequential
from neural_network.layers.convolution import (
    Conv1D,
    Conv2D,
    Conv3D,
    ConvTranspose2D,
    DepthwiseConv2D,
)
from neural_network.layers.dense import Dense, Embedding
from neural_network.layers.dropout import Dropout, Dropout2D
from neural_network.layers.layer import Layer
from neural_network.layers.normalization import BatchNorm, GroupNorm, LayerNorm
from neural_network.layers.pooling import AvgPool2D, GlobalAvgPool2D, MaxPool2D

CONVOLUTIONS = (Conv1D, Conv2D, Conv3D, ConvTranspose2D, DepthwiseConv2D)
NORMALIZATIONS = (BatchNorm, GroupNorm, LayerNorm)
# Layers without arrays that keep the meaning of the axes.
PASSING = (Activation, Dropout, Dropout2D, MaxPool2D, AvgPool2D)
# Class → its group in a file. Groups are numbered: "dense", "dense_1" …
GROUPS: dict[type[Layer], str] = {
    Dense: "dense",
    Embedding: "embedding",
    Conv1D: "conv1d",
    Conv2D: "conv2d",
    Conv3D: "conv3d",
    DepthwiseConv2D: "depthwise_conv2d",
    ConvTranspose2D: "conv2d_transpose",
    BatchNorm: "batch_normalization",
    LayerNorm: "layer_normalization",
    GroupNorm: "group_normalization",
}
# The arrays of any of these layers, in Keras' order.
ATTRIBUTES = ("weight", "gamma", "bias", "beta", "running_mean", "running_variance")


@dataclass(frozen=True)
class Stored:
    """A parameter or buffer of a model, as Keras stores it.

    Attributes:
        name: in the model.
        path: of the dataset in Keras' file.
        shape: in Keras.
        axes: Keras' axes, in our order.
        rows: our places along the first axis → Keras', where they differ.
        ours: the shape in the model.
    """

    name: str
    path: str
    shape: tuple[int, ...]
    axes: tuple[int, ...]
    rows: Array | None
    ours: tuple[int, ...]

    def turned(self, array: Array) -> Array:
        """Return Keras' array in our layout."""
        array = array.transpose(self.axes)
        return (array if self.rows is None else array[self.rows]).reshape(self.ours)


class Walk:
    """The arrays of a model's layers, in order, and what the axes between the layers mean.

    Args:
        function: for errors.
        channels_last: whether the network in Keras has its channels last.
    """

    def __init__(self, function: str, *, channels_last: bool) -> None:
        self.function = function
        self.channels_last = channels_last
        # Whether the layer at hand gets maps: (channels, …) here, (…, channels) in Keras.
        self._maps = False
        # Whether it gets the vectors of an embedding, (places, size) both here and in Keras.
        self._vectors = False
        # After a flattening of maps: Keras' place of each number of our rows.
        self._rows: Array | None = None

    def through(
        self, model: Sequential, prefix: str = "", path: str = "layers"
    ) -> Iterator[Stored]:
        """Yield what Keras stores of a container's layers.

        Args:
            model: the container.
            prefix: of the names of its layers.
            path: of the group of its layers in the file.

        Raises:
            ArgumentError: a layer that Keras' Sequential has not, or that computes along another
                axis there.
        """
        used = Counter[str]()

        def numbered(group: str) -> str:
            used[group] += 1
            return f"{path}/{group}_{used[group] - 1}" if used[group] > 1 else f"{path}/{group}"

        for place, layer in enumerate(model.layers):
            name = f"{prefix}{place}"
            if type(layer) is Sequential:
                inner = numbered("sequential")
                yield from self.through(layer, f"{name}.", f"{inner}/layers")
            elif group := GROUPS.get(type(layer)):
                yield from self._arrays(layer, name, f"{numbered(group)}/vars")
            else:
                self._pass(layer, name)
            function = getattr(layer, "function" if type(layer) is Activation else "activation", 0)
            if self._maps and function in (softmax, log_softmax):
                self._refuse(
                    name, layer, "has a softmax along the width, in Keras along the channels"
                )

    def _arrays(self, layer: Layer, name: str, path: str) -> Iterator[Stored]:
        axes_of_row = len(layer.input_shape or ())
        if isinstance(layer, Dense | LayerNorm) and (self._maps or axes_of_row > 2):
            self._refuse(name, layer, "computes along the width, in Keras along the channels")
        if isinstance(layer, CONVOLUTIONS) and self._vectors and self.channels_last:
            self._refuse(name, layer, "takes the places as channels, in Keras the vectors' numbers")
        if isinstance(layer, BatchNorm | GroupNorm) and not self._maps and axes_of_row == 2:
            self._refuse(name, layer, "computes along the first axis, in Keras along the last")
        held = [
            attribute for attribute in ATTRIBUTES if getattr(layer, attribute, None) is not None
        ]
        for number, attribute in enumerate(held):
            ours = getattr(layer, attribute).shape
            shape, axes, rows = ours, tuple(range(len(ours))), None
            if isinstance(layer, CONVOLUTIONS) and attribute == "weight":
                shape, axes = _kernel(layer, ours)
            elif attribute == "weight" or isinstance(layer, NORMALIZATIONS):
                rows = self._rows
            yield Stored(f"{name}.{attribute}", f"{path}/{number}", shape, axes, rows, ours)
        self._vectors = isinstance(layer, Embedding)
        if isinstance(layer, Dense):
            self._rows = None
        elif isinstance(layer, CONVOLUTIONS):
            self._maps = self.channels_last

    def _pass(self, layer: Layer, name: str) -> None:
        """Follow the axes through a layer without arrays."""
        self._vectors &= not isinstance(layer, Activation)  # which may be a transpose
        if isinstance(layer, Flatten):
            row = layer.input_shape or ()
            if self.channels_last and len(row) > 1 and (self._maps or len(row) > 2):
                channels, *sizes = row
                places = np.arange(np.prod(row)).reshape(*sizes, channels)
                self._rows = np.moveaxis(places, -1, 0).ravel()
            self._maps = False
        elif isinstance(layer, GlobalAvgPool2D):
            self._maps = False
        elif not isinstance(layer, PASSING):
            self._refuse(name, layer, "is none of a Sequential in Keras")

    def _refuse(self, name: str, layer: Layer, reason: str) -> None:
        expected = "layers that compute the same in Keras"
        received = f"layer {name}, {type(layer).__name__}, which {reason}"
        raise ArgumentError(sentence(self.function, "model", expected, received))


def _kernel(layer: Layer, ours: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape of a kernel in Keras, and its axes in our order."""
    first, second, *sizes = ours
    space = tuple(range(len(sizes)))
    if isinstance(layer, DepthwiseConv2D):  # (…, channels, multiplier) in Keras
        shape = (*sizes, first // layer.multiplier, layer.multiplier)
        return shape, (len(sizes), len(sizes) + 1, *space)
    # (…, channels, filters); of a transposed convolution (…, filters, channels)
    return (*sizes, second, first), (len(sizes) + 1, len(sizes), *space)
