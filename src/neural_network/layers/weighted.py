"""What layers with a weight share: how it begins, and what its size costs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Any

import numpy as np

from neural_network.errors import ShapeError, sentence
from neural_network.functional.checks import as_number
from neural_network.layers.initializers import Initializer
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Parameter

# While a file is read: no parameter is larger than the largest array in it.
_largest: ContextVar[int | None] = ContextVar("largest", default=None)


class Weighted(Layer):
    """A layer with a weight that may be penalised."""

    weight: Parameter
    l1: float
    l2: float

    def penalty(self) -> Any:
        """Return l1 · Σ|weight| + l2 · Σ weight²."""
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
        largest = _largest.get()
        if largest is not None and prod(shape) > largest:
            raise ShapeError(
                sentence(type(self).__name__, "weight", f"at most {largest} numbers", f"{shape}")
            )
        weights = initializer(shape, *fans, rng)
        if np.shape(weights) != shape:
            raise ShapeError(
                sentence(
                    type(self).__name__, "initializer", f"weights {shape}", f"{np.shape(weights)}"
                )
            )
        return Parameter(weights)


@contextmanager
def at_most(largest: int) -> Iterator[None]:
    """Refuse larger weights inside the block: what a file says about sizes is not trusted."""
    token = _largest.set(largest)
    try:
        yield
    finally:
        _largest.reset(token)
