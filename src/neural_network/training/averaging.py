"""An average of the parameters over the steps of a training: often better than the last ones."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, sentence
from neural_network.public import public
from neural_network.training.buffers import (
    as_share,
    blend,
    blocks,
    check_buffer,
    check_like,
    checked_state,
    outline,
    started,
)
from neural_network.training.settings import Described


@public
class ExponentialAverage(Described):
    """Running mean of parameters in which old ones fade: ``a ← decay · a + (1 − decay) · p``.

    It begins at 0, so the value is ``a / (1 − decay^steps)``, as in Adam.

    Args:
        decay: how much of the old average stays, from 0 to below 1. It looks back
            on about ``1 / (1 − decay)`` steps.

    Attributes:
        decay: as given.
        steps: updates made so far.
        value: the average, a new array of the parameters' type.

    Raises:
        DTypeError: ``decay`` is no number.
        ArgumentError: ``decay`` lies outside [0, 1).

    Source: Polyak and Juditsky, "Acceleration of Stochastic Approximation by
    Averaging", 1992; the correction is that of Kingma and Ba, arXiv 1412.6980, section 3.

    >>> average = ExponentialAverage(0.5)
    >>> average.start(np.zeros(1))
    >>> average.update(np.array([3.0]))
    >>> average.update(np.array([6.0]))
    >>> average.value
    array([5.])
    """

    def __init__(self, decay: float = 0.999) -> None:
        self.decay = as_share("ExponentialAverage", "decay", decay)
        self.steps = 0
        self._outline: Array | None = None
        self._average: Array = np.zeros(0)

    def start(self, parameters: Array) -> None:
        """Forget everything, and make room for a 1-D buffer of float32 or float64.

        Args:
            parameters: the buffer; its numbers do not matter yet.

        Raises:
            DTypeError, ShapeError: another kind of array.
        """
        check_buffer("ExponentialAverage.start", "parameters", parameters)
        self.steps = 0
        self._outline = outline(parameters)
        # float32 would drop a change of 0.0001 · (p − a) next to a, once p is near.
        self._average = np.zeros(parameters.shape)

    def update(self, parameters: Array) -> None:
        """Take the parameters of this step into the average.

        Args:
            parameters: a buffer of the size and type that ``start`` was given.

        Raises:
            DTypeError, ShapeError: another size or type.
            ArgumentError: there was no ``start``.
        """
        function = "ExponentialAverage.update"
        check_buffer(function, "parameters", parameters)
        check_like(function, "parameters", parameters, started(function, self._outline), "start")
        self.steps += 1
        with np.errstate(under="ignore"):
            for block in blocks([(0, parameters.size)]):
                blend(self._average[block], self.decay, parameters[block].astype(np.float64))

    @property
    def value(self) -> Array:
        """The average, corrected for its start at 0; a new array of the parameters' type."""
        function = "ExponentialAverage.value"
        like = started(function, self._outline)
        if self.steps == 0:
            raise ArgumentError(sentence(function, "steps", "an update before", "none"))
        corrected = self._average / (1 - self.decay**self.steps)
        return corrected.astype(like.dtype, copy=False)

    def state(self) -> dict[str, Array]:
        """Return ``{"steps": …, "average": …}``, not copied, for a checkpoint."""
        started("ExponentialAverage.state", self._outline)
        return {"steps": np.array(self.steps, dtype=np.int64), "average": self._average}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned, after ``start`` with a buffer of that size.

        Args:
            state: the two arrays.

        Raises:
            DTypeError, ShapeError, ArgumentError: names, types, shapes or values that
                ``state`` cannot have returned, or no ``start``; nothing is changed then.
        """
        arrays = checked_state("ExponentialAverage.load_state", state, like=self.state())
        self.steps = int(arrays["steps"])
        self._average[...] = arrays["average"]
