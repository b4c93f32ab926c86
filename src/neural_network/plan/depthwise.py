"""The stage of a depthwise convolution with batch norm in evaluation and relu."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Self

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, silent
from neural_network.errors import NeuralNetworkError
from neural_network.functional.convolution.ops import depthwise
from neural_network.functional.window import Padding, Sizes, Window
from neural_network.plan.conv import WindowStep
from neural_network.plan.vocabulary import (
    BatchNorm,
    LinearStep,
    PreparedStage,
    Reader,
    ReLU,
    Shape,
    Stage,
)


class Depthwise(WindowStep, LinearStep):
    """``conv2d`` with one group and one filter for each channel.

    Args:
        weight: filters (C, 1, fh, fw).
        bias: (C,), or None.
        stride, padding, dilation: as in ``conv2d``.
    """

    output_axis = 0

    def __init__(
        self, weight: Tensor, bias: Tensor | None, stride: Sizes, padding: Padding, dilation: Sizes
    ) -> None:
        super().__init__(weight, bias)
        self.stride, self.padding, self.dilation = stride, padding, dilation

    @property
    def taps(self) -> Sizes:
        """Of the filters."""
        return self.weight.shape[2:]

    def window(self, sizes: Sizes) -> Window:
        """Return how the filters slide over images of these sizes; see ``Conv.window``."""
        return self._window_over(sizes, self.stride, self.padding, self.dilation)

    @silent
    def by_ops(self, X: Any, weight: Any, bias: Any = None) -> Any:
        """Compute it by ops."""
        window, (count, channels, *sizes) = self.window(X.shape[2:]), X.shape
        arrays = [
            X.reshape(count, channels, 1, *sizes),
            weight.reshape(channels, 1, 1, *window.taps),
        ]
        if bias is not None:
            arrays.append(bias.reshape(channels, 1))
        maps: Any = depthwise(arrays, window, precise=False)
        return maps.reshape(count, channels, *window.outputs)


class PreparedDepthwise(PreparedStage):
    """A depthwise stage with its buffers."""

    stage: DepthwiseStage

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels.convolution.depthwise_tiles import DepthwiseConv  # loads Numba

        super().__init__(*args, **options)
        window = self.stage.window
        self._input_shape = (len(self.out), *self.stage.input_shape)
        self._convolve = DepthwiseConv(
            self._input_shape, window.taps, window.stride, window.pads, window.dilation,
            window.outputs, self.buffers.buffer,
        )  # fmt: skip

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep the images, and the result for relu."""
        weight, bias = self.stage.step.arrays(self.stage.norm)
        self.saved_input = self._convolve(X, weight, bias, out, self.stage.relu)
        self.output = out

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:
        """Compute all gradients in one pass over the images."""
        dX = None
        if self.needs_input_grad:
            dX = self.buffers.persistent_buffer("input gradient", self._input_shape)
        found = self._convolve.gradients(
            self.saved_input, self.stage.step.weight.data, grad_out,
            self.output if self.stage.relu else None, dX,
        )  # fmt: skip
        for target, gradient in zip(gradients, found, strict=False):
            np.copyto(target, gradient)
        return dX


class DepthwiseStage(Stage):
    """Depthwise convolution, bias and relu.

    Args:
        step: the convolution.
        norm: batch norm in evaluation, that follows directly, or None.
        window: of the convolution.
        relu: whether relu follows.
    """

    prepared = PreparedDepthwise

    def __init__(
        self, step: Depthwise, norm: BatchNorm | None, window: Window, *, relu: bool
    ) -> None:
        self.step, self.norm, self.window, self.relu = step, norm, window, relu
        channels = len(step.weight)
        self.input_shape = (*window.sizes, channels)
        self.output_shape = (*window.outputs, channels)
        self.parameters = len(step.parameters)
        self.work = prod(window.outputs) * step.weight.size
        self.needs_output = relu

    def write(self, program: Any, source: Any) -> Any:
        """Write the stage into the program of a single row."""
        return program.depthwise(source, self.step, self.norm, self.window, relu=self.relu)

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [Depthwise, BatchNorm?, ReLU?]."""
        step = reader.next(Depthwise)
        if step is None or len(shape) != 3 or shape[2] != len(step.weight):
            return None
        norm = reader.next(BatchNorm, lambda norm: norm.has_channels(len(step.weight)))
        relu = reader.next(ReLU) is not None
        try:
            window = step.window(shape[:2])
        except NeuralNetworkError:  # it does not fit; the layer's own error names the layer
            return None
        return cls(step, norm, window, relu=relu)
