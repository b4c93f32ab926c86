"""What a layer is called with."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, as_real, narrowed
from neural_network.errors import ArgumentError, GradientError

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
