"""Stages that have taken their memory: what is left is to call kernels.

Whoever computes with them is in a ``parallel_region``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neural_network.checks import Array
from neural_network.kernels import dense
from neural_network.kernels.convolution.prepared import (
    NO_BIAS,
    ConvBackward,
    ConvForward,
    PooledConvBackward,
)
from neural_network.kernels.products import padded
from neural_network.plan.stages import Convolution, Prepared, Product
from neural_network.plan.workspace import Room


class PreparedConvolution(Prepared):
    """Convolution, bias, relu and pooling, ready for so many pictures.

    Args:
        stage: what is computed.
        rows: pictures.
        room: gives memory.
        wanted: whether the pictures' gradient will be asked for.
    """

    def __init__(self, stage: Convolution, rows: int, room: Room, *, wanted: bool) -> None:
        self._stage, self._room, self._wanted = stage, room, wanted
        self._sizes = (rows, *stage.inputs)
        self._given = (self._sizes, stage.filters, stage.step.stride, stage.pads)
        self._sums = ConvForward(*self._given, stage.pool, stage.maps[:2], room.take)
        self.out = room.take("out", (rows, *stage.outputs))
        self._seen = self._shown = self.out
        # What the way back needs is taken by the first who goes it.
        self._back: ConvBackward | None = None
        self._back_along_maxima: PooledConvBackward | None = None

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep the padded pictures, and what relu or the maxima chose."""
        weight, bias = _folded(self._stage, (-1, 1, 1, 1))
        self._shown = self._as_maps(out)
        self._seen = self._sums(X, weight, bias, self._shown, self._stage.rectify)

    def forget(self) -> None:
        """Let go of pictures and maps."""
        self._seen = self._shown = self.out

    def backward(self, G: Array, into: Sequence[Array]) -> Array | None:
        """Follow the maxima where there was pooling; else convolve backwards."""
        weight, slopes = self._stage.step.weight.data, self._as_maps(G)
        if self._stage.pool is None:
            back = self._way_back()
            bias = back.relu_backward(slopes, self._shown if self._stage.rectify else None)
            filters = back.weight_gradient(self._seen)
        else:
            assert self._sums.argmax is not None
            along = self._way_back_along_maxima(self._stage.pool)
            filters, bias = along(self._seen, weight, slopes, self._sums.argmax)
        for target, gradient in zip(into, (filters, bias), strict=False):
            np.copyto(target, gradient)
        if not self._wanted:
            return None
        if self._stage.pool is not None:
            return along.dX.copy() if self._room.lasting else along.dX
        dX = self._room.take_lasting("input's gradient", self._sizes)
        back.input_gradient(weight, dX)
        return dX

    def _way_back(self) -> ConvBackward:
        if self._back is None:
            maps = self._stage.maps[:2]
            self._back = ConvBackward(
                *self._given, maps, self._room.take, needs_input_grad=self._wanted
            )
        return self._back

    def _way_back_along_maxima(self, pool: tuple[int, ...]) -> PooledConvBackward:
        if self._back_along_maxima is None:
            maps = self._stage.maps[:2]
            self._back_along_maxima = PooledConvBackward(
                *self._given, maps, self._room.take, pool, needs_input_grad=self._wanted
            )
        return self._back_along_maxima

    def _as_maps(self, array: Array) -> Array:
        """See an array that is laid side by side, channels first, as (N, H, W, C)."""
        if not self._stage.lay:
            return array
        high, wide, filters = self._stage.maps
        return array.reshape(len(array), filters, high, wide).transpose(0, 2, 3, 1)


class PreparedProduct(Prepared):
    """``X · W + b`` and relu, ready for so many rows.

    Args:
        stage: what is computed.
        rows: how many.
        room: gives memory.
        wanted: whether the input's gradient will be asked for.
    """

    def __init__(self, stage: Product, rows: int, room: Room, *, wanted: bool) -> None:
        self._stage, self._room, self._wanted = stage, room, wanted
        (inputs,), (units,) = stage.inputs, stage.outputs
        self._columns = padded(units)
        self._weights: Array | None = None
        if units != self._columns:
            self._weights = room.take("weights", (inputs, self._columns))
        self.out = room.take("out", (rows, units))
        self._X = self._shown = self.out
        # What the way back needs is taken by the first who goes it.
        self._spread: Array | None = None
        self._dX = np.empty((0, inputs), np.float32)
        self._db: Array | None = None

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep the input, and what relu returned."""
        W, bias = _folded(self._stage, (1, -1))
        if self._weights is not None:
            units = W.shape[1]
            self._weights[:, :units] = W
            self._weights[:, units:] = 0
            W = self._weights
        dense.affine.compiled(X, W, bias, out, self._stage.rectify)
        self._X, self._shown = X, out

    def forget(self) -> None:
        """Let go of inputs, results and the gradient that was handed out."""
        self._X = self._shown = self.out
        if self._room.lasting:
            self._dX = self._dX[:0]

    def backward(self, G: Array, into: Sequence[Array]) -> Array | None:
        """Three products, of which the input's may be left out."""
        step, X = self._stage.step, self._X
        if self._spread is None:
            self._spread = self._room.take("gradients", (len(X), self._columns))
            if step.bias is None:
                self._db = self._room.take("bias", (into[0].shape[1],))
        if self._wanted and (self._room.lasting or self._dX.size == 0):
            self._dX = self._room.take_lasting("input's gradient", X.shape)
        dense.gradients.compiled(
            X, step.weight.data, G, self._shown, self._spread, into[0],
            into[1] if self._db is None else self._db, self._dX, self._stage.rectify,
        )  # fmt: skip
        return self._dX if self._wanted else None


def _folded(stage: Convolution | Product, along: tuple[int, ...]) -> tuple[Array, Array]:
    """Return weight and bias, with batch norm behind them multiplied in.

    Args:
        stage: whose they are.
        along: the shape of a factor for each filter or unit, beside the weight.
    """
    weight, bias = stage.step.weight.data, stage.step.bias
    if stage.scale is None:
        return weight, NO_BIAS if bias is None else bias.data
    factor, summand = stage.scale.line()
    with np.errstate(all="ignore"):
        folded = weight * factor.reshape(along)
        return folded, summand if bias is None else summand + bias.data * factor
