"""The stage of a residual block: two paths of stages, whose results are added, and relu."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, Self

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, silent
from neural_network.kernels.runtime.layouts import as_line
from neural_network.plan.conv import PreparedConv
from neural_network.plan.matching import matched
from neural_network.plan.vocabulary import (
    AddingStage,
    Flatten,
    PreparedStage,
    Reader,
    ReLU,
    Shape,
    Stage,
    Step,
    as_maps,
    prepared_stages,
)


class Add(Step):
    """The sum of two paths.

    Args:
        body: the steps of one path.
        shortcut: those of the other, none for the input itself.
    """

    def __init__(self, body: Sequence[Step], shortcut: Sequence[Step]) -> None:
        self.body, self.shortcut = list(body), list(shortcut)

    @property
    def parameters(self) -> list[Tensor]:
        """Those of the body, then those of the shortcut."""
        return [tensor for step in (*self.body, *self.shortcut) for tensor in step.parameters]

    @silent
    def by_ops(self, X: Any, *parameters: Any) -> Any:
        """Compute it by ops."""
        left, paths = list(parameters), []
        for steps in (self.body, self.shortcut):
            out = X
            for step in steps:
                count = len(step.parameters)
                out = step.by_ops(out, *left[:count])
                del left[:count]
            paths.append(out)
        return paths[0] + paths[1]


class PreparedAdd(PreparedStage):
    """A residual block with its buffers, and its paths with theirs."""

    stage: AddStage

    def __init__(self, *args: Any, **options: Any) -> None:
        from neural_network.kernels import sums  # loads Numba

        super().__init__(*args, **options)
        self._by, rows, buffers = sums, len(self.out), self.buffers
        self._body, self._shortcut = (
            prepared_stages(
                stages, rows, buffers.inside(name).inside, needs_input_grad=self.needs_input_grad
            )
            for name, stages in (("body", self.stage.body), ("shortcut", self.stage.shortcut))
        )
        # The last stage of the body adds the shortcut's result while its own is in the cache.
        last = self._body[-1]
        self._last = last if isinstance(last, AddingStage) and last.adds() else None
        self.fills_places = self._last is not None
        self._place: Array | None = None

    def place_of_input(self) -> Array | None:
        """Return that of the body, where the shortcut can read it as well."""
        place = self._body[0].place_of_input() if self._last is not None else None
        if place is not None and self._shortcut:
            first = self._shortcut[0]
            place = place if isinstance(first, PreparedConv) and first.may_read(place) else None
        self._place = place
        return place

    def forward(self, X: Array, out: Array) -> None:
        """Fill ``out``; keep the sum for relu."""
        stage, body = self.stage, self._body
        if X is not self._place:
            X = self.buffers.contiguous(X, "input")
        # Both paths in this order, as dropout draws in it.
        before, total = _through(body if self._last is None else body[:-1], X), out
        shortcut = _through(self._shortcut, X)
        if stage.flatten:  # channels first
            total = self.buffers.buffer("channels last", (len(out), *stage.maps))
        if self._last is not None:
            self._last.forward_added(before, total, shortcut, relu=stage.relu)
        else:
            ends = before.reshape(-1), shortcut.reshape(-1)
            self._by.add.compiled(*ends, total.reshape(-1), stage.relu)
        if stage.flatten:
            np.copyto(as_maps(out, stage.maps, flat=True), total)
        self.output = total

    def backward(self, grad_out: Array, gradients: Sequence[Array]) -> Array | None:
        """Go back through both paths, and add the gradients of their input."""
        stage, buffers = self.stage, self.buffers
        G = buffers.contiguous(as_maps(grad_out, stage.maps, flat=stage.flatten), "gradient")
        if stage.relu:
            masked = buffers.buffer("masked gradient", G.shape)
            self._by.relu_gradient.compiled(
                G.reshape(-1), *as_line(self.output), G.shape, masked.reshape(-1)
            )
            G = masked
        of_body = sum(prepared.stage.parameters for prepared in self._body)
        dX: Array | None = _back_through(self._body, G, gradients[:of_body])
        if dX is not None:
            dX = buffers.contiguous(dX, "body's gradient")
            if buffers.first:  # the caller keeps it
                dX = dX.copy()
        first = self._shortcut[0] if self._shortcut else None
        if dX is not None and isinstance(first, PreparedConv) and first.stage.pool is None:
            count = first.stage.parameters
            G = _back_through(self._shortcut[1:], G, gradients[of_body + count :])
            first.backward(G, gradients[of_body : of_body + count], onto=dX)
            return dX
        shortcut = _back_through(self._shortcut, G, gradients[of_body:])
        if dX is not None:
            shortcut = buffers.contiguous(shortcut, "shortcut's gradient")
            self._by.add.compiled(dX.reshape(-1), shortcut.reshape(-1), dX.reshape(-1), False)
        return dX

    def release(self) -> None:
        """Drop the references to arrays of the caller's, in the paths as well."""
        super().release()
        for prepared in (*self._body, *self._shortcut):
            prepared.release()


def _through(stages: Sequence[PreparedStage], X: Array) -> Array:
    """Compute stages one after the other, and return the result of the last."""
    for prepared in stages:
        prepared.forward(X, prepared.out)
        X = prepared.out
    return X


def _back_through(stages: Sequence[PreparedStage], grad: Any, gradients: Sequence[Array]) -> Any:
    """Go back through stages; return the gradient of the input, or None where it is not needed."""
    end = len(gradients)
    for prepared in reversed(stages):
        begin = end - prepared.stage.parameters
        grad = prepared.backward(grad, gradients[begin:end])
        end = begin
    return grad


class AddStage(Stage):
    """The sum of two paths, and relu; flatten where it follows.

    Args:
        body, shortcut: the stages of the two paths; the shortcut may have none.
        shape: of a row of the input, channels last.
        maps: of a row of the sum.
        relu: whether relu follows.
        flatten: whether the result is flattened, channels first.
    """

    prepared = PreparedAdd

    def __init__(
        self, body: list[Stage], shortcut: list[Stage], shape: Shape, maps: Shape,
        *, relu: bool, flatten: bool,
    ) -> None:  # fmt: skip
        self.body, self.shortcut = body, shortcut
        self.relu, self.flatten, self.maps = relu, flatten, maps
        self.input_shape, self.output_shape = shape, (prod(maps),) if flatten else maps
        self.parameters = sum(stage.parameters for stage in (*body, *shortcut))
        self.work = prod(maps) + sum(stage.work for stage in (*body, *shortcut))
        self.needs_output = relu and not flatten

    @property
    def kernel_work(self) -> int:
        """As many multiplications as take kernels the time of one row."""
        stages = *self.body, *self.shortcut
        return prod(self.maps) + sum(stage.kernel_work for stage in stages)

    def write(self, program: Any, source: Any) -> Any:
        """Write both paths, and their sum, into the program of a single row."""
        paths = [program.written(stages, source) for stages in (self.body, self.shortcut)]
        return None if None in paths else program.add(*paths, relu=self.relu)

    @classmethod
    def match(cls, reader: Reader, shape: Shape) -> Self | None:
        """Match [Add, ReLU?, Flatten?] of images, where stages compute both paths whole."""
        add = reader.next(Add)
        if add is None or len(shape) != 3:
            return None
        paths = [
            matched([steps], shape, reader.axes, inside=True) for steps in (add.body, add.shortcut)
        ]
        if [path.layers for path in paths] != [1, int(bool(add.shortcut))]:
            return None
        body, shortcut = (path.stages for path in paths)
        maps = body[-1].output_shape
        if len(maps) != 3 or maps != (shortcut[-1].output_shape if shortcut else shape):
            return None
        relu = reader.next(ReLU) is not None
        return cls(body, shortcut, shape, maps, relu=relu, flatten=reader.next(Flatten) is not None)
