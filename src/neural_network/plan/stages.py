"""Stages: steps that are computed in one go, for inputs of one shape.

What a stage would cost is known without kernels: they are imported when one is prepared.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, SupportsIndex

from neural_network.checks import Array
from neural_network.functional.window import Padding, Pads, output_sizes, reach, resolve_padding
from neural_network.plan.steps import Convolve, Multiply, Scale, learned

if TYPE_CHECKING:
    from neural_network.plan.workspace import Room

Shape = tuple[int, ...]


class Prepared(ABC):
    """A stage ready to compute so many rows, there and back, with memory of its own.

    Pictures lie channels last, (N, H, W, C), and vectors as (N, inputs), contiguous.

    Attributes:
        out: where the result goes, unless it is the last one, which is the caller's own.
    """

    out: Array

    @abstractmethod
    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; note what ``backward`` needs."""

    @abstractmethod
    def backward(self, G: Array, into: Sequence[Array]) -> Array | None:
        """Return the input's gradient, if it is wanted; the parameters' go ``into`` arrays."""

    @abstractmethod
    def forget(self) -> None:
        """Let go of what belongs to others: the input and the result."""


class Stage(ABC):
    """Some steps in one go, for inputs of one shape.

    Attributes:
        inputs, outputs: the shape of one row before and after, as it lies in memory.
        learns: how many parameters it has.
        work: products that one row takes.
        keeps_result: whether the way back needs the result as it is.
    """

    inputs: Shape
    outputs: Shape
    learns: int
    work = 0
    keeps_result = False

    @abstractmethod
    def prepared(self, rows: int, room: Room, *, wanted: bool) -> Prepared:
        """Take memory for so many rows.

        Args:
            rows: how many.
            room: gives memory.
            wanted: whether the input's gradient will be asked for.
        """


class Convolution(Stage):
    """Convolution, bias, relu and pooling, and what follows laid side by side.

    Args:
        step: the filters.
        inputs: (H, W, C) of one picture.
        scale: batch norm in evaluation, right behind the filters, or None.
        rectify: whether relu follows.
        pool: the size of the pooling window, or None.
        lay: whether channels come first and side by side in the result.
    """

    def __init__(
        self, step: Convolve, inputs: Shape, scale: Scale | None = None,
        *, rectify: bool, pool: Shape | None, lay: bool,
    ) -> None:  # fmt: skip
        self.step, self.scale = step, scale
        self.rectify, self.pool, self.lay = rectify, pool, lay
        self.inputs, self.learns = inputs, len(learned(step))
        self.filters = step.weight.shape
        filters, _, *taps = self.filters
        self.pads, maps, pooled = _sizes(
            inputs[:2], tuple(taps), step.stride, _hashable(step.padding), pool
        )
        self.work = prod(maps) * step.weight.size
        self.keeps_result = rectify and pool is None
        self.maps = (*pooled, filters)
        self.outputs = (prod(self.maps),) if lay else self.maps

    def prepared(self, rows: int, room: Room, *, wanted: bool) -> Prepared:
        """Take memory for padded pictures, filters and maxima."""
        from neural_network.plan.prepared import PreparedConvolution

        return PreparedConvolution(self, rows, room, wanted=wanted)


@lru_cache(1024)
def _sizes(
    sizes: Shape, taps: Shape, stride: Shape, padding: Padding, pool: Shape | None
) -> tuple[Pads, Shape, Shape]:
    """Return the padding of a convolution, its outputs, and those behind pooling."""
    once = (1, 1)
    pads = resolve_padding("plan", padding, sizes, reach(taps, once), stride)
    maps = output_sizes("plan", sizes, taps, stride, pads, once)
    if pool is None:
        return pads, maps, maps
    return pads, maps, output_sizes("plan", maps, pool, pool, ((0, 0), (0, 0)), once, "window")


def _hashable(padding: Any) -> Any:
    """Return a padding as numbers, words and tuples of them."""
    if isinstance(padding, str):
        return padding
    if isinstance(padding, SupportsIndex):
        return operator.index(padding)
    return tuple(_hashable(part) for part in padding)


class Product(Stage):
    """``X · W + b`` and relu.

    Args:
        step: the weights.
        scale: batch norm in evaluation, right behind them, or None.
        rectify: whether relu follows.
    """

    def __init__(self, step: Multiply, scale: Scale | None = None, *, rectify: bool) -> None:
        self.step, self.scale, self.rectify = step, scale, rectify
        self.learns = len(learned(step))
        self.work = step.weight.size
        self.keeps_result = rectify
        (inputs, units) = step.weight.shape
        self.inputs, self.outputs = (inputs,), (units,)

    def prepared(self, rows: int, room: Room, *, wanted: bool) -> Prepared:
        """Take memory for weights and gradients."""
        from neural_network.plan.prepared import PreparedProduct

        return PreparedProduct(self, rows, room, wanted=wanted)
