"""The stages of pooling that stands alone: means or maxima of windows, and means of whole maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from types import FunctionType
from typing import Any, Self

import numpy as np

from neural_network.checks import Array, silent
from neural_network.errors import NeuralNetworkError
from neural_network.functional.pooling import pool
from neural_network.functional.pooling.ops import window_sum
from neural_network.functional.window import Sizes, Window, per_axis
from neural_network.plan.conv import MaxPool, WindowStep
from neural_network.plan.elementwise import with_options
from neural_network.plan.vocabulary import (
    Flatten,
    PreparedStage,
    Reader,
    Shape,
    Stage,
    Step,
    as_maps,
)


class AvgPool(WindowStep):
    """``avg_pool2d`` or ``avg_pool1d`` without padding."""

    def __init__(self, size: Sizes, stride: Sizes) -> None:
        self.size, self.stride = size, stride

    @property
    def taps(self) -> Sizes:
        """Of the window."""
        return self.size

    def window(self, sizes: Sizes) -> Window:
        """Return how the window slides over images of these sizes; see ``Conv.window``."""
        return self._window_over(sizes, self.stride)

    @silent
    def by_ops(self, X: Any) -> Any:
        """Compute it by ops."""
        return window_sum(X, self.window(X.shape[2:]), float(prod(self.size)))


class GlobalAvgPool(Step):
    """``global_avg_pool``; a stage computes that of images."""

    @silent
    def by_ops(self, X: Any) -> Any:
        """Compute it by ops."""
        return np.mean(X, axis=tuple(range(2, X.ndim)))


POOLS: dict[Any, tuple[int, bool]] = {  # function → its spatial axes; whether it takes maxima
    pool.max_pool1d: (1, True),
    pool.max_pool2d: (2, True),
    pool.avg_pool1d: (1, False),
    pool.avg_pool2d: (2, False),
}


def pool_of(function: Callable[[Any], Any]) -> Step | None:
    """Return the step of a pooling function, or of its ``functools.partial``; None if unknown."""
    plain, options = with_options(function)
    if plain is pool.global_avg_pool:
        return None if options else GlobalAvgPool()
    axes, maximum = POOLS.get(plain, (0, False)) if isinstance(plain, FunctionType) else (0, False)
    if not axes or options.keys() - {"size", "stride"}:
        return None
    try:
        size = per_axis("plan", "size", options.get("size", 2), axes)
        stride = options.get("stride")
        stride = size if stride is None else per_axis("plan", "stride", stride, axes)
    except NeuralNetworkError:  # the function says so
        return None
    if maximum:
        return MaxPool(size) if stride == size else None
    return AvgPool(size, stride)


class PreparedPool(PreparedStage):
    """A pooling stage with its buffers."""

    stage: PoolStage

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels import pooling  # loads Numba

        super().__init__(*args, **options)
        self._by, window = pooling, self.stage.window
        self._sizes = (*window.taps, *window.stride)
        self._divisor = np.float32(1 if self.stage.maximum else prod(window.taps))

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep what the gradient of maxima needs."""
        stage = self.stage
        X, pooled = self.buffers.contiguous(X, "input"), out
        if stage.flatten:  # channels first
            pooled = self.buffers.buffer("channels last", (len(X), *stage.maps))
        self._by.pool_pixels.compiled(X, pooled, *self._sizes, self._divisor, stage.maximum)
        if stage.flatten:
            np.copyto(as_maps(out, stage.maps, flat=True), pooled)
        self.saved_input, self.output = X, pooled

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:  # noqa: ARG002  # it has none
        """Return the gradient of the input, if it is needed."""
        stage, buffers, X = self.stage, self.buffers, self.saved_input
        if not self.needs_input_grad:
            return None
        G = buffers.contiguous(as_maps(grad_out, stage.maps, flat=stage.flatten), "gradient")
        dX = buffers.persistent_buffer("input gradient", (len(G), *stage.input_shape))
        if stage.maximum:
            self._by.max_gradient_of_pixels.compiled(X, G, self.output, dX, *self._sizes)
        else:
            self._by.sum_gradient_of_pixels.compiled(G, dX, *self._sizes, self._divisor)
        return dX


class PoolStage(Stage):
    """Means or maxima of windows; flatten where it follows.

    Args:
        window: how it slides.
        channels: of the images.
        maximum: whether it takes maxima.
        flatten: whether the result is flattened, channels first.
    """

    prepared = PreparedPool

    def __init__(self, window: Window, channels: int, *, maximum: bool, flatten: bool) -> None:
        self.window, self.maximum, self.flatten = window, maximum, flatten
        self.maps = (*window.outputs, channels)
        self.input_shape = (*window.sizes, channels)
        self.output_shape = (prod(self.maps),) if flatten else self.maps
        self.parameters, self.work = 0, prod(self.input_shape)
        self.needs_output = maximum and not flatten

    def write(self, program: Any, source: Any) -> Any:
        """Write the stage into the program of a single row."""
        return program.pool(source, self.window, maximum=self.maximum)

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [AvgPool or MaxPool, Flatten?] behind another stage."""
        if reader.at_input or len(shape) != 3:
            return None
        average = reader.next(AvgPool)
        step = average or reader.next(MaxPool)
        if step is None:
            return None
        try:
            window = step.window(shape[:2])
        except NeuralNetworkError:  # it does not fit; the layer's own error names the layer
            return None
        flatten = reader.next(Flatten) is not None
        return cls(window, shape[2], maximum=average is None, flatten=flatten)


class PreparedGlobalAvgPool(PreparedStage):
    """A stage of the means of whole maps with its buffers."""

    stage: GlobalAvgPoolStage

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels import pooling  # loads Numba

        super().__init__(*args, **options)
        self._by = pooling

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``."""
        self._by.mean_of_pixels.compiled(self.buffers.contiguous(X, "input"), out)

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:  # noqa: ARG002  # it has none
        """Return the gradient of the input, if it is needed."""
        if not self.needs_input_grad:
            return None
        shape = (len(grad_out), *self.stage.input_shape)
        dX = self.buffers.persistent_buffer("input gradient", shape)
        self._by.mean_gradient_of_pixels.compiled(self.buffers.contiguous(grad_out, "gradient"), dX)
        return dX


class GlobalAvgPoolStage(Stage):
    """The mean of each channel over all its places.

    Args:
        shape: of a row of the input, channels last.
    """

    prepared = PreparedGlobalAvgPool

    def __init__(self, shape: Shape) -> None:
        self.input_shape, self.output_shape = shape, shape[2:]
        self.parameters, self.work, self.needs_output = 0, prod(shape), False

    def write(self, program: Any, source: Any) -> Any:
        """Write the stage into the program of a single row."""
        return program.mean(source)

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [GlobalAvgPool, Flatten*] behind another stage; vectors are flat already."""
        if reader.at_input or len(shape) != 3 or reader.next(GlobalAvgPool) is None:
            return None
        while reader.next(Flatten):
            pass
        return cls(shape)
