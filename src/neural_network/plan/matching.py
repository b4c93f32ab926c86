"""Which neighbours become one stage, and how far a run of stages reaches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import TypeVar

from neural_network.checks import Array
from neural_network.errors import NeuralNetworkError
from neural_network.kernels.runtime.aligned import aligned_whole
from neural_network.plan.stages import Convolution, Product, Stage
from neural_network.plan.steps import (
    Convolve,
    Lay,
    Multiply,
    PoolMax,
    Rectify,
    Scale,
    Step,
    Steps,
    learned,
)

Shape = tuple[int, ...]
Kind = TypeVar("Kind")


class _Reader:
    """Reads steps one after the other, and knows to which layer each belongs."""

    def __init__(self, layers: Sequence[Steps]) -> None:
        self.steps: list[tuple[Step, int]] = []
        self.layers = 0
        for steps in layers:
            if steps is None:
                break
            self.steps += [(step, self.layers) for step in steps]
            self.layers += 1
        self.place = 0

    def next(self, kind: type[Kind]) -> Kind | None:
        """Return the next step and go on, if it is of this kind."""
        if self.place < len(self.steps):
            step = self.steps[self.place][0]
            if isinstance(step, kind):
                self.place += 1
                return step
        return None

    @property
    def read(self) -> list[Step]:
        """The steps that have been read."""
        return [step for step, _ in self.steps[: self.place]]

    @property
    def done(self) -> int:
        """How many layers have been read to their end: each begins with a step that failed."""
        return self.layers if self.place == len(self.steps) else self.steps[self.place][1]


# Places of a pooling window up to which a kernel can note in a byte which one was largest, and
# have one value left for "none".
MOST_PLACES = 255


class Match:
    """What stages can compute.

    Args:
        layers: how many layers.
        steps: which steps.
        stages: the stages.

    Attributes:
        layers, steps, stages: as given.
        parameters: what the steps learn, in order.
        work: products that one row takes.
    """

    def __init__(self, layers: int, steps: list[Step], stages: list[Stage]) -> None:
        self.layers, self.steps, self.stages = layers, steps, stages
        self.parameters = [tensor for step in steps for tensor in learned(step)]
        self.work = sum(stage.work for stage in stages)
        self._shapes = [tensor.data.shape for tensor in self.parameters]
        self._ends = list(accumulate((prod(shape) for shape in self._shapes), initial=0))

    def gradients(self) -> list[Array]:
        """Return an array for each parameter's gradient, one after the other in one memory."""
        flat = aligned_whole(self._ends[-1])
        return [
            flat[begin:end].reshape(shape)
            for begin, end, shape in zip(self._ends, self._ends[1:], self._shapes, strict=False)
        ]


def matched(layers: Sequence[Steps], shape: Shape) -> Match:
    """Match as many layers as stages can compute, from the first on.

    Args:
        layers: what each layer does; None for what has no words.
        shape: of one row of the input, channels last.

    Returns:
        The match, which may be empty.
    """
    reader, stages = _Reader(layers), list[Stage]()
    while (stage := _next_stage(reader, shape)) is not None:
        stages.append(stage)
        shape = stage.outputs
    return Match(reader.done, reader.read, stages)


def _next_stage(reader: _Reader, shape: Shape) -> Stage | None:
    """Read one stage, or nothing, and then the reader stays where it was."""
    begin = reader.place
    if len(shape) == 1:
        while reader.next(Lay):  # already side by side
            begin = reader.place
    if (product := reader.next(Multiply)) and shape == (product.weight.shape[0],):
        scale = _next_scale(reader, product.weight.shape[1])
        return Product(product, scale, rectify=reader.next(Rectify) is not None)
    reader.place = begin
    convolve = reader.next(Convolve)
    if convolve is None or len(shape) != 3 or shape[2] != convolve.weight.shape[1]:
        reader.place = begin
        return None
    scale = _next_scale(reader, convolve.weight.shape[0])
    rectify = reader.next(Rectify) is not None
    pool = reader.next(PoolMax)
    if pool is not None and prod(pool.size) > MOST_PLACES:
        reader.place -= 1
        pool = None
    # relu grows with its argument: before or after the maximum, it gives the same.
    rectify = (pool is not None and reader.next(Rectify) is not None) or rectify
    lay = reader.next(Lay) is not None
    try:
        return Convolution(
            convolve, shape, scale,
            rectify=rectify, pool=None if pool is None else pool.size, lay=lay,
        )  # fmt: skip
    except NeuralNetworkError:  # a window that does not fit: the layer itself says so best
        reader.place = begin
        return None


def _next_scale(reader: _Reader, channels: int) -> Scale | None:
    """Read a batch norm that fits so many channels; one that does not says so itself."""
    scale = reader.next(Scale)
    if scale is not None and not scale.fits(channels):
        reader.place -= 1
        return None
    return scale
