"""The stage of batch norm in training, with relu and max pooling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Self

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, silent
from neural_network.errors import NeuralNetworkError
from neural_network.functional.normalization.batch_norm import Moments, batch_norm_and_moments
from neural_network.functional.window import Window
from neural_network.plan.conv import MOST_TAPS, MaxPool, PreparedConv
from neural_network.plan.vocabulary import (
    AddingStage,
    Flatten,
    GradientPlace,
    PreparedStage,
    Reader,
    ReLU,
    Shape,
    Stage,
    Step,
    as_maps,
)

# Pooling without relu leaves out what is NaN, which is above no number.
EVERYTHING = -np.inf


@dataclass(frozen=True, eq=False)
class BatchStatisticsNorm(Step):
    """Batch norm in training, by mean and variance of the batch.

    Attributes:
        gamma, beta: (C,).
        epsilon: added to the variance.
        observe: is told the moments of each batch, and how many numbers a channel has.
    """

    gamma: Tensor
    beta: Tensor
    epsilon: float
    observe: Callable[[Moments, int], None]

    @property
    def parameters(self) -> list[Tensor]:
        """Factor and shift."""
        return [self.gamma, self.beta]

    @silent
    def by_ops(self, X: Any, gamma: Any, beta: Any) -> Any:
        """Compute it by ops."""
        out, found = batch_norm_and_moments(X, gamma, beta, self.epsilon)
        self.observe(found, X.size // X.shape[1])
        return out


class PreparedNorm(AddingStage):
    """A stage of batch norm with its buffers."""

    stage: NormStage
    fills_places = True

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels import batch_norm, norm_numbers  # loads Numba

        super().__init__(*args, **options)
        self._by, self._of_channels = batch_norm, norm_numbers
        stage, buffer = self.stage, self.buffers.buffer
        self._shape = (len(self.out), *stage.images)
        self._argmax, self._best = np.empty((1, 1, 1, 1), np.uint8), self.out
        if stage.pool is not None:
            maps = (len(self.out), *stage.maps)
            self._argmax, self._best = buffer("argmax", maps, np.uint8), buffer("best", maps)
        self._moments = batch_norm.BlockMoments(self._shape)
        self._filled = False  # whether the convolution before fills the moments
        # Of each channel: γ and β, and what ``norm_numbers`` fills.
        channels = stage.images[-1]
        self._over, self._sums = np.empty((2, channels))
        self._weights, self._numbers, self._more = (
            np.empty((rows, channels), np.float32) for rows in (2, 5, 6)
        )

    def follow(self, previous: PreparedStage) -> None:
        """Note the stage before; a convolution gathers the moments while its result is cached."""
        super().follow(previous)
        self._filled = isinstance(previous, PreparedConv) and previous.fill_moments(self._moments)

    @silent
    def forward_added(self, X: Array, out: Array, added: Array | None, *, relu: bool) -> None:
        """Fill ``out``; keep the input and its moments."""
        stage, step = self.stage, self.stage.norm
        X = self.buffers.contiguous(X, "input").reshape(self._shape)
        found = Moments(*self._moments.of_all(X, filled=self._filled))
        step.observe(found, X.size // X.shape[-1])
        np.copyto(self._weights[0], step.gamma.data)
        np.copyto(self._weights[1], step.beta.data)
        self._of_channels.forward_numbers(
            *found, self._weights, step.epsilon, self._over, self._numbers
        )
        self.saved_input = X
        if stage.pool is None:
            self._normalize(X, out, relu, added)
            return
        maps, taps = as_maps(out, stage.maps, flat=stage.flatten), stage.pool.taps
        self._by.normalize_and_pool.compiled(
            X, self._numbers[:3], maps, self._argmax, self._best, *taps, stage.relu
        )

    def _normalize(self, X: Array, out: Array, relu: bool, added: Array | None) -> None:
        maps = out.reshape(self._shape) if out.flags.c_contiguous else out
        if self.stage.flatten:  # channels first
            maps = self.buffers.buffer("channels last", X.shape)
        self._by.normalized(X, self._numbers[:3], maps, relu, added)
        if self.stage.flatten:
            np.copyto(as_maps(out, self.stage.maps, flat=True), maps)

    @silent
    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:
        """Compute the gradients in two passes: two sums, and what they are needed for."""
        stage, X = self.stage, self.saved_input
        pool, relu = stage.pool, stage.relu
        G = self.buffers.contiguous(as_maps(grad_out, stage.maps, flat=stage.flatten), "gradient")
        G = G.reshape(len(G), *stage.maps)
        above = 0.0 if relu else None if pool is None else EVERYTHING
        of_g, of_products = self._by.gradient_sums(
            G, X if pool is None else self._best, self._numbers, above
        )
        np.copyto(gradients[0], of_products)
        np.copyto(gradients[1], of_g)
        if not self.needs_input_grad:
            return None
        place = self._place_of_input_grad()
        self._of_channels.backward_numbers(
            of_g, of_products, self._weights, self._over, self._numbers, X.size // X.shape[-1],
            self._more, self._sums,
        )  # fmt: skip
        place.sums = self._sums
        self._by.input_gradient.compiled(
            G, self._argmax, X, self._more, place.memory, place.top, place.left,
            *((0, 0) if pool is None else pool.taps),
            relu and pool is None,
        )  # fmt: skip
        return place.gradient

    def _place_of_input_grad(self) -> GradientPlace:
        place = None if self.previous is None else self.previous.gradient_place()
        if place is None:
            memory = self.buffers.persistent_buffer("input gradient", self._shape)
            place = GradientPlace(memory, 0, 0, self._shape)
        return place


class NormStage(Stage):
    """Batch norm in training, relu and max pooling; flatten where it follows.

    Args:
        norm: the batch norm.
        shape: of a row of the input, channels last.
        relu: whether relu follows.
        pool: the window of max pooling, or None.
        flatten: whether the result is flattened, channels first.

    Attributes:
        images: H, W and C of the input.
        maps: those of the result.
    """

    prepared = PreparedNorm

    def __init__(
        self, norm: BatchStatisticsNorm, shape: Shape,
        *, relu: bool, pool: Window | None, flatten: bool,
    ) -> None:  # fmt: skip
        self.norm, self.relu, self.pool, self.flatten = norm, relu, pool, flatten
        self.maps = (*(shape[:2] if pool is None else pool.outputs), shape[2])
        self.input_shape = self.images = shape
        self.output_shape = (prod(self.maps),) if flatten else self.maps
        self.parameters, self.needs_output = 2, False
        self.work = prod(shape)

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [BatchNorm in training, ReLU?, MaxPool?, ReLU?, Flatten?] behind another stage."""
        if reader.at_input or len(shape) != 3 or prod(shape[:2]) == 1:
            return None
        norm = reader.next(BatchStatisticsNorm, lambda norm: norm.gamma.shape == shape[2:])
        if norm is None:
            return None
        relu = reader.next(ReLU) is not None
        max_pool = reader.next(MaxPool, lambda pool: prod(pool.size) <= MOST_TAPS)
        try:
            pool = None if max_pool is None else max_pool.window(shape[:2])
        except NeuralNetworkError:  # it does not fit; the layer's own error names the layer
            return None
        relu = (pool is not None and reader.next(ReLU) is not None) or relu
        return cls(norm, shape, relu=relu, pool=pool, flatten=reader.next(Flatten) is not None)
