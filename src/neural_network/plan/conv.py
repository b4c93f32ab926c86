"""The stage of a convolution with batch norm in evaluation, relu, max pooling and flatten."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from math import prod
from typing import Any, Self

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, silent
from neural_network.errors import NeuralNetworkError
from neural_network.functional.convolution.ops import correlate
from neural_network.functional.pooling.ops import window_max
from neural_network.functional.window import Padding, Sizes, Window
from neural_network.kernels.runtime.layouts import PADDED
from neural_network.plan.vocabulary import (
    AddingStage,
    BatchNorm,
    Flatten,
    GradientPlace,
    LinearStep,
    Reader,
    ReLU,
    Shape,
    Stage,
    Step,
    as_maps,
)

# The kernel stores the index of a window's largest number in one byte, one value of which is
# "none".
MOST_TAPS = 255


class WindowStep(Step):
    """A step that slides a window over images or series."""

    _window: Window | None = None

    @property
    @abstractmethod
    def taps(self) -> Sizes:
        """Of the window, one number for each spatial axis."""

    @property
    def axes(self) -> int:
        """How many spatial axes its input must have."""
        return len(self.taps)

    def _window_over(
        self,
        sizes: Sizes,
        stride: Sizes,
        padding: Padding = 0,
        dilation: int | Sizes = 1,
    ) -> Window:
        """Return how it slides over images of these sizes, or over series, as images of one row."""
        window = self._window  # read once: another thread may replace it
        if window is None or window.sizes != sizes:
            own, taps = sizes[-self.axes :], self.taps
            window = Window.of("plan", own, taps, stride, padding, dilation)
            self._window = window = window if own == sizes else window.over_images()
        return window


class Conv(WindowStep, LinearStep):
    """``conv2d``, or ``conv1d``.

    Args:
        weight: filters (F, C, fh, fw), or (F, C, fl).
        bias: (F,), or None.
        stride, padding: as in ``conv2d``.
    """

    output_axis = 0

    def __init__(
        self, weight: Tensor, bias: Tensor | None, stride: Sizes, padding: Padding
    ) -> None:
        super().__init__(weight, bias)
        self.stride, self.padding = stride, padding

    @property
    def taps(self) -> Sizes:
        """Of the filters."""
        return self.weight.shape[2:]

    def window(self, sizes: Sizes) -> Window:
        """Return how the filters slide over images of these sizes.

        Raises:
            ShapeError: they do not fit.
        """
        return self._window_over(sizes, self.stride, self.padding)

    @silent
    def by_ops(self, X: Any, weight: Any, bias: Any = None) -> Any:
        """Compute it by ops."""
        window, (count, *shape) = self.window(X.shape[2:]), X.shape
        grouped = X.reshape(count, 1, *shape)
        added = None if bias is None else bias.reshape(1, -1)
        maps = correlate(
            grouped, weight.reshape(1, *weight.shape), window, precise=False, bias=added
        )
        return maps.reshape(count, -1, *window.outputs)


class MaxPool(WindowStep):
    """``max_pool2d`` or ``max_pool1d`` without padding, the stride being the size."""

    def __init__(self, size: Sizes) -> None:
        self.size = size

    @property
    def taps(self) -> Sizes:
        """Of the window."""
        return self.size

    def window(self, sizes: Sizes) -> Window:
        """Return how the window slides over images of these sizes; see ``Conv.window``."""
        return self._window_over(sizes, self.size)

    def by_ops(self, X: Any) -> Any:
        """Compute it by ops."""
        return window_max(X, self.window(X.shape[2:]))


class PreparedConv(AddingStage):
    """A convolution stage with its buffers."""

    stage: ConvStage
    fills_places = True

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels.convolution.prepared import ConvForward  # loads Numba

        super().__init__(*args, **options)
        stage, buffer = self.stage, self.buffers.buffer
        pool = None if stage.pool is None else stage.pool.taps
        self._input_shape = (len(self.out), *stage.input_shape)
        weight = stage.conv.weight.shape
        self._weight_shape = (*weight[:2], *stage.window.taps)  # of series: taps in one row
        self._sizes = (
            self._input_shape, self._weight_shape, stage.window.stride, stage.window.pads
        )  # fmt: skip
        self._convolve = ConvForward(*self._sizes, pool, stage.maps[:2], buffer)
        # Backward buffers are allocated on first use.
        self._kernels: Any = None
        self._place: GradientPlace | None = None
        self._place_of_input: Array | None = None
        self._token = object()

    def place_of_input(self) -> Array | None:
        """Return the images inside the zeros of padding, where there are any."""
        self._place_of_input = self._convolve.place_of_input()
        return self._place_of_input

    def may_read(self, place: Array) -> bool:
        """Return whether images in the place of another stage are read without a copy."""
        reads: bool = self._convolve.may_read(place)
        return reads

    def fill_moments(self, moments: Any) -> bool:
        """Let ``forward`` fill the moments of the blocks of its result, if it can; return whether.

        Args:
            moments: a ``batch_norm.BlockMoments`` of the stage that follows.
        """
        return not self.stage.flatten and self._convolve.fill_moments(
            moments.block, moments.period, moments.means, moments.squares
        )

    def forward_added(self, X: Array, out: Array, added: Array | None, *, relu: bool) -> None:
        """Fill ``out``; keep the padded images, and the result for relu."""
        weight, bias = self.stage.conv.arrays(self.stage.norm)
        self.output = self._as_maps(out)
        weight = weight.reshape(self._weight_shape)
        # Stages for other numbers of rows, or other sizes, use the same memory.
        if not self.buffers.is_kept(PADDED, self._token) and X is self._place_of_input:
            self._convolve.write_zeros()
        self.saved_input = self._convolve(X, weight, bias, self.output, relu, added)

    def backward(
        self, grad_out: Array, gradients: Sequence[Array], onto: Array | None = None
    ) -> Array | None:
        """Compute the gradients through the maxima, or through all outputs without pooling.

        Args:
            grad_out, gradients: as in ``PreparedStage``.
            onto: an array to which the input's gradient is added, and which is returned then;
                only without pooling.
        """
        pooled = self.stage.pool is not None
        weight = self.stage.conv.weight.data.reshape(self._weight_shape)
        if self._kernels is None:
            self._kernels = self._backward_kernels()
        kernels, place = self._kernels, self._place
        if pooled:
            grad_out = self._as_maps(grad_out)
            filters, bias = kernels(self.saved_input, weight, grad_out, self._convolve.argmax)
        elif place is not None and grad_out is place.gradient:
            kernels.written_in_place()
            bias, filters = place.sums, kernels.weight_gradient(self.saved_input)
        else:
            grad_out = self._as_maps(grad_out)
            bias = kernels.relu_backward(grad_out, self.output if self.stage.relu else None)
            filters = kernels.weight_gradient(self.saved_input)
        for target, gradient in zip(gradients, (filters, bias), strict=False):
            np.copyto(target.reshape(gradient.shape), gradient)
        if not self.needs_input_grad:
            return None
        if pooled:
            dX: Array = kernels.dX
            return dX.copy() if self.buffers.first else dX
        result = onto
        if result is None:
            result = self.buffers.persistent_buffer("input gradient", self._input_shape)
        kernels.input_gradient(weight, result, add=onto is not None)
        return result

    def gradient_place(self) -> GradientPlace | None:
        """Return the buffer with zeros around the gradient, where no relu or pooling follows."""
        stage = self.stage
        if self._place is None and stage.pool is None and not stage.relu:
            if self._kernels is None:
                self._kernels = self._backward_kernels()
            memory, top, left = self._kernels.place_of_gradient()
            maps = (len(self.out), *stage.maps)
            self._place = GradientPlace(memory, top, left, maps)
        return self._place

    def _backward_kernels(self) -> Any:
        from neural_network.kernels.convolution.prepared import ConvBackward, PooledConvBackward

        pool, needs = self.stage.pool, self.needs_input_grad
        sizes = (*self._sizes, self.stage.maps[:2], self.buffers.buffer)
        if pool is None:
            return ConvBackward(*sizes, needs_input_grad=needs)
        return PooledConvBackward(*sizes, pool.taps, needs_input_grad=needs)

    def _as_maps(self, array: Array) -> Array:
        return as_maps(array, self.stage.maps, flat=self.stage.flatten)


class ConvStage(Stage):
    """Convolution, bias, relu and max pooling; flatten where it follows.

    Args:
        conv: the convolution.
        norm: batch norm in evaluation, that follows directly, or None.
        window: of the convolution.
        relu: whether relu follows.
        pool: the window of max pooling, or None.
        flatten: whether the result is flattened, channels first.
    """

    prepared = PreparedConv

    def __init__(
        self, conv: Conv, norm: BatchNorm | None, window: Window,
        *, relu: bool, pool: Window | None, flatten: bool,
    ) -> None:  # fmt: skip
        self.conv, self.norm, self.window = conv, norm, window
        self.relu, self.pool, self.flatten = relu, pool, flatten
        filters, channels = conv.weight.shape[:2]
        self.maps = (*(pool or window).outputs, filters)
        self.input_shape = (*window.sizes, channels)
        self.output_shape = (prod(self.maps),) if flatten else self.maps
        self.parameters = len(conv.parameters)
        self.work = prod(window.outputs) * conv.weight.size
        self.needs_output = relu and pool is None

    def write(self, program: Any, source: Any) -> Any:
        """Write the stage into the program of a single row."""
        return program.convolve(
            source, self.conv, self.norm, self.window, relu=self.relu, pool=self.pool
        )

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [Conv, BatchNorm?, ReLU?, MaxPool?, ReLU?, Flatten?]."""
        conv = reader.next(Conv)
        if conv is None or len(shape) != 3 or shape[2] != conv.weight.shape[1]:
            return None
        norm = reader.next(BatchNorm, lambda norm: norm.has_channels(conv.weight.shape[0]))
        relu = reader.next(ReLU) is not None
        max_pool = reader.next(MaxPool, lambda pool: prod(pool.size) <= MOST_TAPS)
        try:
            window = conv.window(shape[:2])
            pool = None if max_pool is None else max_pool.window(window.outputs)
        except NeuralNetworkError:  # it does not fit; the layer's own error names the layer
            return None
        # relu is monotonic: before or after the maximum, the result is the same.
        relu = (pool is not None and reader.next(ReLU) is not None) or relu
        flatten = reader.next(Flatten) is not None
        return cls(conv, norm, window, relu=relu, pool=pool, flatten=flatten)
