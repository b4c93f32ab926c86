"""What layers with a weight share: how it begins, and what its size costs."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.checks import as_number
from neural_network.errors import ShapeError, sentence
from neural_network.layers.initializers import Initializer
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Parameter, check_size, from_file


class Weighted(Layer):
    """A layer with a weight that may be penalised."""

    weight: Parameter
    l1: float
    l2: float

    def own_penalty(self) -> Any:
        """Return l1 · Σ|weight| + l2 · Σ weight²; 0 as long as there is no weight."""
        total: Any = 0.0
        if self.l1 and self.built:
            total = total + self.l1 * np.sum(np.abs(self.weight))
        if self.l2 and self.built:
            total = total + self.l2 * np.sum(np.square(self.weight))
        return total

    def _set_penalties(self, l1: float, l2: float) -> None:
        name = type(self).__name__
        self.l1 = as_number(name, "l1", l1, between=(0, np.inf))
        self.l2 = as_number(name, "l2", l2, between=(0, np.inf))

    def _weight(
        self,
        shape: tuple[int, ...],
        fans: tuple[int, int],
        initializer: Initializer,
        rng: np.random.Generator,
    ) -> Parameter:
        name = type(self).__name__
        check_size(name, "weight", shape)
        if from_file():
            return Parameter(np.zeros(shape, np.float32))
        weights = initializer(shape, *fans, rng)
        if np.shape(weights) != shape:
            received = f"shape {np.shape(weights)}"
            raise ShapeError(sentence(name, "initializer", f"weights of shape {shape}", received))
        return Parameter(weights)
