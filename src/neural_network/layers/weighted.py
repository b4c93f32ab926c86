"""What layers with a weight share: how it begins, and what its size costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.checks import as_flag, as_number
from neural_network.errors import ShapeError, returned, sentence
from neural_network.layers.activation import Function, as_activation
from neural_network.layers.initializers import Initializer, as_initializer
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Parameter, check_size, from_file


class Weighted(Layer):
    """A layer with a weight that may be penalised."""

    weight: Parameter
    bias: Parameter | None
    _made_by_build = ("weight", "bias")

    def own_penalty(self) -> Any:
        """Return l1 · Σ|weight| + l2 · Σ weight²; 0 as long as there is no weight."""
        total: Any = 0.0
        if self.l1 and self.built:
            total = total + self.l1 * np.sum(np.abs(self.weight))
        if self.l2 and self.built:
            total = total + self.l2 * np.sum(np.square(self.weight))
        return total

    def _set_options(
        self,
        initializer: str | Initializer,
        l1: float,
        l2: float,
        activation: str | Function | None = None,
        bias: bool = False,
    ) -> None:
        """Check and keep the arguments that layers with a weight share."""
        name = type(self).__name__
        self.activation = as_activation(name, activation)
        self._use_bias = bias if type(bias) is bool else as_flag(name, "bias", bias)
        self.initializer = as_initializer(name, initializer)
        self.l1 = as_number(name, "l1", l1, between=(0, np.inf))
        self.l2 = as_number(name, "l2", l2, between=(0, np.inf))

    def _make_weight(
        self, shape: tuple[int, ...], fans: tuple[int, int], rng: np.random.Generator
    ) -> None:
        """Make the weight."""
        name = type(self).__name__
        check_size(name, "weight", shape)
        # A model that is being loaded gets the file's numbers.
        weights = (
            np.zeros(shape, np.float32) if from_file() else self.initializer(shape, *fans, rng)
        )
        if np.shape(weights) != shape:
            received = returned(None) if weights is None else f"shape {np.shape(weights)}"
            raise ShapeError(sentence(name, "initializer", f"weights of shape {shape}", received))
        self.weight = Parameter(weights)

    def _make_bias(self, size: int) -> None:
        """Make the bias, which begins at 0, or none."""
        self.bias = Parameter(np.zeros(size)) if self._use_bias else None
