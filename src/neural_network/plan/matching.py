"""Which neighbouring layers stages compute."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise, takewhile
from math import prod
from typing import Any

from neural_network.checks import Array
from neural_network.kernels.runtime.aligned import aligned_whole
from neural_network.plan.vocabulary import PlainStage, Reader, Shape, Stage, Step, Steps


class Match:
    """The stages of some neighbouring layers.

    Args:
        layers: how many layers they compute.
        steps: of these layers.
        stages: that compute them.
        axes: how many spatial axes the layers' input has.

    Attributes:
        layers, steps, stages, axes: as given.
        of_vectors: whether the layers' input, (N, …, size), has more than two axes, and each
            vector along the last one is a row of the stages.
        parameters: of the steps, in order.
        places, size: where each begins in a buffer of all of them, and the numbers of that.
        work, kernel_work: multiplications for one row, and those that take kernels its time.
        least_rows: with fewer rows the layers are called, one of which refuses them.
        plain: the stages, if NumPy can compute each of them; else none.
    """

    def __init__(self, layers: int, steps: list[Step], stages: list[Stage], axes: int) -> None:
        self.layers, self.steps, self.stages, self.axes = layers, steps, stages, axes
        self.of_vectors = False
        self.parameters = [tensor for step in steps for tensor in step.parameters]
        self.work = sum(stage.work for stage in stages)
        self.kernel_work = sum(stage.kernel_work for stage in stages)
        self.least_rows = max((stage.least_rows for stage in stages), default=0)
        plain = [stage for stage in stages if isinstance(stage, PlainStage)]
        self.plain = plain if len(plain) == len(stages) else []
        self._shapes = [tensor.data.shape for tensor in self.parameters]
        self._ends = list(accumulate(map(prod, self._shapes), initial=0))
        self.places, self.size = self._ends[:-1], self._ends[-1]

    def new_gradients(self, dtype: Any) -> list[Array]:
        """Return an array for the gradient of each parameter, views of one buffer in order."""
        return self.views(aligned_whole(self.size, dtype))

    def as_rows(self, array: Array) -> Array:
        """Return the rows of the stages: an input, its result or a gradient, as it is or flat."""
        return array.reshape(-1, array.shape[-1]) if self.of_vectors else array

    def as_result(self, out: Array, X: Array) -> Array:
        """Return the result of the stages as that of the layers, whose input was ``X``."""
        return out.reshape(*X.shape[:-1], out.shape[-1]) if self.of_vectors else out

    def views(self, flat: Array) -> list[Array]:
        """Return the parts of a buffer that have the place and shape of each parameter."""
        places = zip(pairwise(self._ends), self._shapes, strict=True)
        return [flat[begin:end].reshape(shape) for (begin, end), shape in places]


def matched(layers: Sequence[Steps], shape: Shape, axes: int = 2, *, inside: bool = False) -> Match:
    """Match as many layers as stages can compute, from the first on.

    Args:
        layers: the steps of each layer, or None.
        shape: of one row of the input, channels last; a series is an image of one row.
        axes: how many spatial axes the layers' input has.
        inside: whether they are of a path inside a stage.

    Returns:
        The match, without stages where the first layer has none.
    """
    found = _matched(Reader(layers, axes, inside=inside, exchanged=True), shape)
    if found.layers == len(layers):
        return found
    # Not every stage takes a pooling or flatten that an exchange of steps brings to it.
    plain = _matched(Reader(layers, axes, inside=inside, exchanged=False), shape)
    return plain if plain.layers > found.layers else found


def matched_vectors(layers: Sequence[Steps], size: int) -> Match:
    """Match layers that compute each vector along the last axis of (N, …, size) by itself.

    A dense layer of tokens is one of more rows. Steps such as dropout or batch norm are none of
    them, because they tell the first axis from the others.

    Args:
        layers: the steps of each layer, or None.
        size: of the vectors.
    """
    taken = takewhile(
        lambda steps: steps is not None and all(step.of_vectors for step in steps), layers
    )
    match = matched([*taken], (size,), axes=0)
    match.of_vectors = True
    return match


def _matched(reader: Reader, shape: Shape) -> Match:
    """Match as many layers as stages can compute, from the steps of a reader."""
    stages = list[Stage]()
    whole, end = 0, 0  # stages and position up to the last end of a layer
    while (stage := _next_stage(reader, shape)) is not None:
        stages.append(stage)
        shape = stage.output_shape
        if reader.position in reader.ends:
            whole, end = len(stages), reader.position
    count = sum(at <= end for at in reader.ends) - 1 if whole else 0
    return Match(count, reader.steps[:end], stages[:whole], reader.axes)


def _next_stage(reader: Reader, shape: Shape) -> Stage | None:
    """Return the stage that begins at the next step, or None, where the reader does not move."""
    begin = reader.position
    for kind in Stage.kinds:
        stage = kind.match(reader, shape)
        if stage is not None:
            return stage
        reader.position = begin
    return None
