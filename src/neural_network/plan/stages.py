"""Stages: steps that are computed in one go, there and back.

Between stages pictures lie channels last, (N, H, W, C), and vectors as (N, inputs), contiguous.
Kernels are imported where they run: what a stage would cost is known without them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from neural_network.functional.checks import Array
from neural_network.functional.window import Padding, Pads, output_sizes, reach, resolve_padding
from neural_network.plan.steps import Convolve, Multiply, learned
from neural_network.plan.workspace import Room

Shape = tuple[int, ...]
NO_BIAS = np.zeros(0, np.float32)
# What stages call the memory of the gradient that they return.
INPUTS_GRADIENT = "input's gradient"


class Stage(ABC):
    """Some steps in one go, for inputs of one shape.

    Attributes:
        outputs: the shape of one row of the result, as it lies in memory.
        learns: how many parameters it has.
        work: products that one row takes.
    """

    outputs: Shape
    learns: int
    work = 0

    @abstractmethod
    def forward(self, X: Array, room: Room, out: Array) -> Any:
        """Fill ``out``; return what ``backward`` needs."""

    @abstractmethod
    def backward(
        self, G: Array, kept: Any, room: Room, wanted: bool, into: Sequence[Array]
    ) -> Array | None:
        """Return the input's gradient, if it is wanted; the parameters' go ``into`` arrays."""


class Convolution(Stage):
    """Convolution, bias, relu and pooling, and what follows laid side by side.

    Args:
        step: the filters.
        inputs: (H, W, C) of one picture.
        rectify: whether relu follows.
        pool: the size of the pooling window, or None.
        lay: whether channels come first and side by side in the result.
    """

    def __init__(
        self, step: Convolve, inputs: Shape, *, rectify: bool, pool: Shape | None, lay: bool
    ) -> None:
        self.step, self.rectify, self.pool, self.lay = step, rectify, pool, lay
        self.learns = len(learned(step))
        filters, _, *taps = step.weight.shape
        self.pads, maps, pooled = _sizes(
            inputs[:2], tuple(taps), step.stride, _hashable(step.padding), pool
        )
        self.work = prod(maps) * step.weight.size
        self.maps = (*pooled, filters)
        self.outputs = (prod(self.maps),) if lay else self.maps

    def forward(self, X: Array, room: Room, out: Array) -> Any:
        """Fill ``out``; keep the padded pictures, and what relu or the maxima chose."""
        from neural_network.kernels import pictures

        step = self.step
        bias = NO_BIAS if step.bias is None else step.bias.data
        seen = pictures.channels_last(X.transpose(0, 3, 1, 2), self.pads, room.take)
        shown = self._as_maps(out)
        if self.pool is None:
            pictures.sums(seen, step.weight.data, bias, step.stride, shown, self.rectify)
            return seen, out if self.rectify else None, None
        chosen = room.take("chosen", (len(X), *self.maps), np.uint8)
        pictures.sums_and_maxima(
            seen, step.weight.data, bias, step.stride, self.pool, shown, chosen, self.rectify
        )
        return seen, None, chosen

    def backward(
        self, G: Array, kept: Any, room: Room, wanted: bool, into: Sequence[Array]
    ) -> Array | None:
        """Follow the maxima where there was pooling; else convolve backwards."""
        from neural_network.kernels import pictures

        seen, out, chosen = kept
        step, slopes = self.step, self._as_maps(G)
        if self.pool is None:
            shown = None if out is None else self._as_maps(out)
            found = pictures.gradients(
                seen, step.weight.data, slopes, shown, step.stride, self.pads, room.take, wanted
            )
        else:
            found = pictures.gradients_of_maxima(
                seen, step.weight.data, slopes, chosen, step.stride, self.pool, self.pads,
                room.take, wanted,
            )  # fmt: skip
        for target, gradient in zip(into, (found.weight, found.bias), strict=False):
            target[...] = gradient
        return found.X

    def _as_maps(self, array: Array) -> Array:
        """See an array that is laid side by side, channels first, as (N, H, W, C)."""
        if not self.lay:
            return array
        high, wide, filters = self.maps
        return array.reshape(len(array), filters, high, wide).transpose(0, 2, 3, 1)


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
    if isinstance(padding, int | str):
        return padding
    return tuple(_hashable(part) for part in padding)


class Product(Stage):
    """``X · W + b`` and relu.

    Args:
        step: the weights.
        rectify: whether relu follows.
    """

    def __init__(self, step: Multiply, *, rectify: bool) -> None:
        self.step, self.rectify = step, rectify
        self.learns = len(learned(step))
        self.work = step.weight.size
        self.outputs = (step.weight.shape[1],)

    def forward(self, X: Array, room: Room, out: Array) -> Any:
        """Fill ``out``; keep the input, and what relu returned."""
        from neural_network.kernels import dense
        from neural_network.kernels.products import padded

        W = self.step.weight.data
        inputs, units = W.shape
        if units != padded(units):
            wide = room.take("weights", (inputs, padded(units)), np.float32)
            wide[:, :units] = W
            wide[:, units:] = 0
            W = wide
        bias = NO_BIAS if self.step.bias is None else self.step.bias.data
        dense.affine(X, W, bias, out, self.rectify)
        return X, out

    def backward(
        self, G: Array, kept: Any, room: Room, wanted: bool, into: Sequence[Array]
    ) -> Array | None:
        """Three products, of which the input's may be left out."""
        from neural_network.kernels import dense
        from neural_network.kernels.products import padded

        X, out = kept
        W = self.step.weight.data
        inputs, units = W.shape
        columns = padded(units)
        slopes = room.take("gradients", (len(X), columns))
        bias = room.take("bias", (units,)) if self.step.bias is None else into[1]
        dense.slopes(G, out, slopes, bias, self.rectify)
        if units == columns:
            dense.weights_gradient(X, slopes, into[0])
            own = slopes
        else:
            wide = room.take("weights' gradient", (inputs, columns))
            dense.weights_gradient(X, slopes, wide)
            into[0][...] = wide[:, :units]
            own = np.ascontiguousarray(slopes[:, :units])
        if not wanted:
            return None
        dX = room.take(INPUTS_GRADIENT, X.shape)
        dense.inputs_gradient(own, W, dX)
        return dX
