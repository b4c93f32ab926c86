"""The stage of dropout in training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, Self

import numpy as np

from neural_network.checks import Array, silent
from neural_network.functional.dropouts import least_kept, mask_of
from neural_network.plan.vocabulary import (
    Flatten,
    PlainStage,
    PreparedStage,
    Reader,
    Shape,
    Step,
    as_maps,
)


class Drop(Step):
    """Dropout in training, which draws anew in each pass.

    Args:
        rate: the share that is dropped.
        draw: returns random whole numbers, uint32, for so many rows and columns.
        whole: whether whole channels are dropped.
    """

    def __init__(self, rate: float, draw: Callable[[int, int], Array], *, whole: bool) -> None:
        self.rate, self.draw, self.whole = rate, draw, whole

    @silent
    def by_ops(self, X: Any) -> Any:
        """Compute it by ops."""
        return X * self.mask(X.shape, X.dtype)

    def mask(self, shape: Shape, dtype: Any) -> Array:
        """Draw what (N, …) is multiplied with."""
        kept = (*shape[:2], *(1,) * (len(shape) - 2)) if self.whole else shape
        return mask_of(self.draw(kept[0], prod(kept[1:])).reshape(kept), self.rate, dtype)

    def may_follow(self, step: Step) -> bool:
        """Return whether it may be computed behind a step instead of before it."""
        return isinstance(step, Flatten) and not self.whole  # the same numbers in the same order


class PreparedDrop(PreparedStage):
    """The stage with its buffers."""

    stage: DropStage

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels import dropout  # loads Numba

        super().__init__(*args, **options)
        self._drop, step = dropout.drop.compiled, self.stage.step
        channels = self.stage.input_shape[-1]
        places = prod(self.stage.input_shape) // channels
        self._shape = (len(self.out), places, channels)
        self._width = channels * (1 if step.whole else places)
        self._numbers = least_kept(step.rate), np.float32(1 / (1 - step.rate))
        self._drawn = np.empty((0, 0), np.uint32)

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep what was drawn."""
        stage, dropped = self.stage, out
        self._drawn = np.ascontiguousarray(stage.step.draw(len(X), self._width))
        if stage.flatten:  # channels first
            dropped = self.buffers.buffer("channels last", X.shape)
        self._compute(self.buffers.contiguous(X, "input"), dropped)
        if stage.flatten:
            np.copyto(as_maps(out, stage.input_shape, flat=True), dropped)

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:  # noqa: ARG002  # it has none
        """Return the gradient of the input, if it is needed."""
        if not self.needs_input_grad:
            return None
        G = as_maps(grad_out, self.stage.input_shape, flat=self.stage.flatten)
        dX = self.buffers.persistent_buffer("input gradient", G.shape)
        self._compute(self.buffers.contiguous(G, "gradient"), dX)
        return dX

    def release(self) -> None:
        """Drop the references to what was drawn as well."""
        super().release()
        self._drawn = self._drawn[:0].copy()

    def _compute(self, X: Array, out: Array) -> None:
        least, scale = self._numbers
        self._drop(X.reshape(self._shape), self._drawn, least, scale, out.reshape(self._shape))


class DropStage(PlainStage):
    """Dropout; flatten where it follows.

    Args:
        step: the dropout.
        shape: of a row of the input, channels last.
        flatten: whether the result is flattened, channels first.
    """

    prepared = PreparedDrop
    parameters, needs_output = 0, False

    def __init__(self, step: Drop, shape: Shape, *, flatten: bool) -> None:
        self.step, self.flatten = step, flatten
        self.input_shape, self.work = shape, prod(shape)
        self.output_shape = (prod(shape),) if flatten else shape

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [Drop, Flatten*], of images behind another stage."""
        if not prod(shape) or (reader.at_input and len(shape) == 3):  # which is channels first
            return None
        step = reader.next(Drop)
        if step is None:
            return None
        flatten = False
        while reader.next(Flatten):
            flatten = len(shape) == 3  # vectors are flat already
        return cls(step, shape, flatten=flatten)

    def by_numpy(self, X: Array) -> tuple[Array, Any]:
        """Compute it by NumPy, and return what X was multiplied with."""
        mask = self.step.mask(X.shape, X.dtype)
        out: Array = X * mask
        return (out.reshape(len(X), -1) if self.flatten else out), mask

    def gradients_by_numpy(
        self, saved: Any, out: Array, g: Any, gradients: Sequence[Array], *, needs_input_grad: bool
    ) -> Array | None:
        """Compute the gradient of the input."""
        del out, gradients  # it has no parameters
        if not needs_input_grad:
            return None
        if self.flatten:
            *sizes, channels = self.input_shape
            g = g.reshape(len(g), channels, *sizes)
        grad: Array = g * saved
        return grad
