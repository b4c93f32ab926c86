"""The stage of batch norm in evaluation where no convolution comes before it, with relu."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Self

import numpy as np

from neural_network.checks import Array, silent
from neural_network.plan.vocabulary import (
    BatchNorm,
    Flatten,
    PreparedStage,
    Reader,
    ReLU,
    Shape,
    Stage,
    as_maps,
)


class PreparedFixedNorm(PreparedStage):
    """The stage with its buffers."""

    stage: FixedNormStage
    fills_places = True

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels import batch_norm  # loads Numba

        super().__init__(*args, **options)
        self._by = batch_norm

    @silent
    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``."""
        stage, norm = self.stage, self.stage.norm
        X, maps = self.buffers.contiguous(X, "input"), out
        if stage.flatten:  # channels first
            maps = self.buffers.buffer("channels last", X.shape)
        scale = norm.gamma.data / np.sqrt(norm.variance.data + np.float32(norm.epsilon))
        numbers = np.array([norm.mean.data, scale, norm.beta.data], np.float32)
        self._by.normalized(X, numbers, maps, stage.relu)
        if stage.flatten:
            np.copyto(as_maps(out, stage.input_shape, flat=True), maps)

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:
        """Raise: steps of batch norm in evaluation are matched only where nothing is recorded."""
        raise NotImplementedError


class FixedNormStage(Stage):
    """Batch norm in evaluation of images, and relu; flatten where it follows.

    Args:
        norm: the batch norm.
        shape: of a row of the input, channels last.
        relu: whether relu follows.
        flatten: whether the result is flattened, channels first.
    """

    prepared = PreparedFixedNorm
    parameters, needs_output = 0, False

    def __init__(self, norm: BatchNorm, shape: Shape, *, relu: bool, flatten: bool) -> None:
        self.norm, self.relu, self.flatten = norm, relu, flatten
        self.input_shape, self.output_shape = shape, (prod(shape),) if flatten else shape
        self.work = prod(shape)

    def write(self, program: Any, source: Any) -> Any:
        """Write the stage into the program of a single row."""
        return program.normalize(source, self.norm, relu=self.relu)

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [BatchNorm, ReLU?, Flatten?] behind another stage."""
        if reader.at_input or len(shape) != 3:
            return None
        norm = reader.next(BatchNorm, lambda norm: norm.has_channels(shape[2]))
        if norm is None:
            return None
        relu = reader.next(ReLU) is not None
        return cls(norm, shape, relu=relu, flatten=reader.next(Flatten) is not None)
