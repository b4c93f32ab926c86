"""What a layer is called with."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.advice import channels_first, channels_seem_last
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, as_real, narrowed
from neural_network.errors import ArgumentError, GradientError, give_hint_of_call

# What a layer computes with as it is; an ``np.generic`` is a number with an array's attributes.
ARRAYS = (np.ndarray, Tensor, np.generic)


def outline(X: Any) -> tuple[tuple[int, ...], str]:
    """Return an input's shape, and the name of its type; of what is no array, none."""
    if not isinstance(X, ARRAYS):
        try:
            X = as_real("build", "X", X)
        except (ArgumentError, GradientError):
            return (), "float32"
    return tuple(int(size) for size in X.shape), X.dtype.name


def in_own_type(layer: Any, array: Array) -> Array:
    """Return numbers in a layer's type; what is too large for it is refused."""
    if array.dtype.kind == "f":
        return narrowed(type(layer).__name__, "X", array, layer.dtype)
    return array.astype(layer.dtype)


def hint_channels_last(
    model: Any, shape: tuple[int, ...], rng: Any, what: str = "initialize: shape"
) -> None:
    """Warn where a convolution is built for images (N, H, W, C).

    A trainer, which has hints of its own, passes a generator for ``rng``.
    """
    if len(shape) != 4 or isinstance(rng, np.random.Generator) or not channels_seem_last(shape, 2):
        return
    for layer in model.all_layers():
        if max(getattr(layer, "kernel_size", (0,))) > 1:
            *sizes, channels = shape[1:]
            line = f"initialize(({channels}, {sizes[0]}, {sizes[1]}))"
            if what.endswith("X"):
                what, line = f"{what} of shape", channels_first("X", shape, 2)
            give_hint_of_call(
                f"{what} {shape[1:]} seems to have its channels last, and "
                f"{type(layer).__name__} takes (channels, height, width): {line}"
            )
            return
