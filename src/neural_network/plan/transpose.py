"""The stage of a transposed convolution with batch norm in evaluation and relu."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Self

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, silent
from neural_network.errors import NeuralNetworkError
from neural_network.functional.convolution.ops import correlate_transpose
from neural_network.functional.window import Sizes, Window
from neural_network.plan.vocabulary import (
    BatchNorm,
    Flatten,
    LinearStep,
    PreparedStage,
    Reader,
    ReLU,
    Shape,
    Stage,
    as_maps,
)


class ConvTranspose(LinearStep):
    """``conv_transpose2d``.

    Args:
        weight: filters (C, F, fh, fw).
        bias: (F,), or None.
        stride, padding, output_padding: as in ``conv_transpose2d``.
    """

    output_axis = 1
    _window: Window | None = None

    def __init__(
        self, weight: Tensor, bias: Tensor | None, stride: Sizes, padding: Sizes,
        output_padding: Sizes,
    ) -> None:  # fmt: skip
        super().__init__(weight, bias)
        self._numbers = stride, padding, output_padding

    @property
    def axes(self) -> int:
        """How many spatial axes its input must have."""
        return 2

    def window(self, sizes: Sizes) -> Window:
        """Return the window of the convolution that it is the transpose of.

        Args:
            sizes: of the input.

        Raises:
            ShapeError: nothing of the result would be left.
        """
        window = self._window  # read once: another thread may replace it
        if window is None or window.outputs != sizes:
            taps = self.weight.shape[2:]
            window = self._window = Window.transposed("plan", sizes, taps, *self._numbers, 1)
        return window

    @silent
    def by_ops(self, X: Any, weight: Any, bias: Any = None) -> Any:
        """Compute it by ops."""
        window, (count, *shape) = self.window(X.shape[2:]), X.shape
        maps: Any = correlate_transpose(
            X.reshape(count, 1, *shape), weight.reshape(1, *weight.shape), window
        )
        maps = maps.reshape(count, -1, *window.sizes)
        return maps if bias is None else maps + bias.reshape(-1, 1, 1)


class PreparedTranspose(PreparedStage):
    """A stage of a transposed convolution with its buffers."""

    stage: TransposeStage
    fills_places = True

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels.convolution.transposed import TransposedConv  # loads Numba

        super().__init__(*args, **options)
        stage, window = self.stage, self.stage.window
        self._input_shape = (len(self.out), *stage.input_shape)
        self._convolve = TransposedConv(
            (len(self.out), *stage.maps), stage.step.weight.shape, window.stride, window.pads,
            window.outputs, self.buffers.buffer,
        )  # fmt: skip

    def place_of_input(self) -> Array | None:
        """Return the images inside the zeros that the phases of a stride read around them."""
        return self._convolve.place_of_input()

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep a copy of the images, and the result for relu."""
        weight, bias = self.stage.step.arrays(self.stage.norm)
        self.output = as_maps(out, self.stage.maps, flat=self.stage.flatten)
        self._convolve(X, weight, bias, self.output, self.stage.relu)

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:
        """Compute the gradients; that of the input is a convolution."""
        dX, stage = None, self.stage
        grad_out = as_maps(grad_out, stage.maps, flat=stage.flatten)
        if self.needs_input_grad:
            dX = self.buffers.persistent_buffer("input gradient", self._input_shape)
        found = self._convolve.gradients(
            stage.step.weight.data, grad_out, self.output if stage.relu else None, dX
        )
        for target, gradient in zip(gradients, found, strict=False):
            np.copyto(target, gradient)
        return dX


class TransposeStage(Stage):
    """Transposed convolution, bias and relu; flatten where it follows.

    Args:
        step: the transposed convolution.
        norm: batch norm in evaluation, that follows directly, or None.
        window: of the convolution that it is the transpose of.
        relu: whether relu follows.
        flatten: whether the result is flattened, channels first.
    """

    prepared = PreparedTranspose

    def __init__(
        self, step: ConvTranspose, norm: BatchNorm | None, window: Window,
        *, relu: bool, flatten: bool,
    ) -> None:  # fmt: skip
        self.step, self.norm, self.window = step, norm, window
        self.relu, self.flatten = relu, flatten
        channels, filters = step.weight.shape[:2]
        self.input_shape = (*window.outputs, channels)
        self.maps = (*window.sizes, filters)
        self.output_shape = (prod(self.maps),) if flatten else self.maps
        self.parameters = len(step.parameters)
        self.work = prod(window.outputs) * step.weight.size
        self.needs_output = relu

    def write(self, program: Any, source: Any) -> Any:
        """Write the stage into the program of a single row."""
        return program.transposed(source, self.step, self.norm, self.window, relu=self.relu)

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [ConvTranspose, BatchNorm?, ReLU?, Flatten?]."""
        step = reader.next(ConvTranspose)
        if step is None or len(shape) != 3 or shape[2] != len(step.weight):
            return None
        norm = reader.next(BatchNorm, lambda norm: norm.has_channels(step.weight.shape[1]))
        relu = reader.next(ReLU) is not None
        try:
            window = step.window(shape[:2])
        except NeuralNetworkError:  # it does not fit; the layer's own error names the layer
            return None
        flatten = reader.next(Flatten) is not None
        return cls(step, norm, window, relu=relu, flatten=flatten)
