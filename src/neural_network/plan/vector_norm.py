"""The stage of batch norm in training, of vectors, with relu."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Self

import numpy as np

from neural_network.checks import Array
from neural_network.functional.normalization.batch_norm import (
    batch_norm_and_moments,
    batch_normalize,
)
from neural_network.functional.op import RULES
from neural_network.plan.norm import BatchStatisticsNorm, PreparedNorm
from neural_network.plan.vocabulary import Flatten, GradientPlace, PlainStage, Reader, ReLU, Shape

_gradients = RULES[batch_normalize].gradients["arrays"].function


class PreparedVectorNorm(PreparedNorm):
    """The stage with its buffers: vectors are images of one pixel."""

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:
        """Compute the gradients in two passes: two sums, and what they are needed for."""
        dX = super().backward(grad_out, gradients)
        return None if dX is None else dX.reshape(len(dX), -1)

    def _place_of_input_grad(self) -> GradientPlace:
        """Return a place of its own: what is before it has a place for images, if any."""
        memory = self.buffers.persistent_buffer("input gradient", self._shape)
        return GradientPlace(memory, 0, 0, self._shape)


class VectorNormStage(PlainStage):
    """Batch norm of vectors in training, and relu.

    Args:
        norm: the batch norm.
        shape: of a row of the input.
        relu: whether relu follows.

    Attributes:
        images, maps, pool, flatten: as those of ``NormStage``.
    """

    prepared = PreparedVectorNorm
    parameters, needs_output, least_rows = 2, False, 2
    pool, flatten = None, False

    def __init__(self, norm: BatchStatisticsNorm, shape: Shape, *, relu: bool) -> None:
        self.norm, self.relu = norm, relu
        self.input_shape = self.output_shape = shape
        self.images = self.maps = (1, 1, *shape)
        self.work = prod(shape)

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [BatchNorm in training, ReLU?, Flatten*] of vectors, which are flat already."""
        norm = reader.next(BatchStatisticsNorm, lambda norm: norm.gamma.shape == shape)
        if norm is None:
            return None
        relu = reader.next(ReLU) is not None
        while reader.next(Flatten):
            pass
        return cls(norm, shape, relu=relu)

    def by_numpy(self, X: Array) -> tuple[Array, Any]:
        """Compute it by NumPy: a new array; and the arrays it is made of, and their moments."""
        gamma, beta = self.norm.gamma.data, self.norm.beta.data
        out, found = batch_norm_and_moments(X, gamma, beta, self.norm.epsilon)
        self.norm.observe(found, len(X))
        return (np.maximum(out, 0, out=out) if self.relu else out), ([X, gamma, beta], found)

    def gradients_by_numpy(
        self, saved: Any, out: Array, g: Any, gradients: Sequence[Array], *, needs_input_grad: bool
    ) -> Array | None:
        """Compute the gradients."""
        arrays, found = saved
        if self.relu:
            g = g * np.greater(out, 0)
        dX, *others = _gradients(g, arrays=arrays, epsilon=self.norm.epsilon, known=found)
        for target, gradient in zip(gradients, others, strict=True):
            np.copyto(target, gradient)
        return dX if needs_input_grad else None
