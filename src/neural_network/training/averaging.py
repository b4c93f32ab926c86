"""An average of the parameters over the steps of a training: often better than the last ones."""

from __future__ import annotations

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, sentence
from neural_network.public import public
from neural_network.training.buffers import BufferState, as_fraction, blend, blocks, check_buffer


@public
class ExponentialAverage(BufferState):
    """Exponential moving average of parameters: ``a ← decay · a + (1 − decay) · p``.

    It begins at 0, so the value is ``a / (1 − decay^steps)``, as in Adam.

    Args:
        decay: the factor of the old average, from 0 to below 1. It averages over about
            ``1 / (1 − decay)`` steps.

    Attributes:
        decay: as given.
        steps: updates made so far.
        value: the average, a new array of the parameters' type.
        slots, slots_state: the running sum ``a`` above, in float64.

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

    slots = ("average",)
    # float32 would drop a change of 0.0001 · (p − a) next to a, once p is near.
    _slots_dtype = np.float64

    def __init__(self, decay: float = 0.999) -> None:
        super().__init__()
        self.decay = as_fraction("ExponentialAverage", "decay", decay)

    def update(self, parameters: Array) -> None:
        """Add the parameters of this step to the average.

        Args:
            parameters: a buffer of the size and type that ``start`` was given.

        Raises:
            DTypeError, ShapeError: another size or type.
            ArgumentError: ``start`` was not called.
        """
        like = self._started("update")
        check_buffer("ExponentialAverage.update", "parameters", parameters, like, "start")
        self.steps += 1
        average = self.slots_state["average"]
        with np.errstate(under="ignore"):
            for block in blocks([(0, parameters.size)]):
                blend(average[block], self.decay, parameters[block].astype(np.float64))

    @property
    def value(self) -> Array:
        """The average, corrected for its start at 0; a new array of the parameters' type."""
        like = self._started("value")
        if self.steps == 0:
            function = "ExponentialAverage.value"
            raise ArgumentError(sentence(function, "steps", "an update before", "none"))
        corrected = self.slots_state["average"] / (1 - self.decay**self.steps)
        return corrected.astype(like.dtype, copy=False)
