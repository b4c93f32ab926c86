"""Steps of an optimizer by its kernel on one thread, for buffers that take it microseconds.

The numbers are those of ``Optimizer.update``, which makes a step wherever this does not.
"""

from __future__ import annotations

import math
from typing import Any

from neural_network.checks import Array
from neural_network.functional.finite import is_finite
from neural_network.training.optimizers.base import Optimizer
from neural_network.training.optimizers.overflow import largest_square_sum


class SerialSteps:
    """The steps of an optimizer whose whole buffer is updated each time.

    Args:
        optimizer: of a training.

    Attributes:
        optimizer: as given.
    """

    def __init__(self, optimizer: Any) -> None:
        from neural_network.kernels import finite, optimizers  # loads Numba

        self.optimizer, self._kernels = optimizer, optimizers
        self._sum_of_squares = finite.sum_of_squares
        self._given: list[Any] = []
        self._typed: list[Any] = []

    @staticmethod
    def serves(optimizer: Any) -> bool:
        """Return whether an optimizer has a kernel, and steps that are the library's."""
        own = type(optimizer)
        return (
            isinstance(optimizer, Optimizer)
            and own._kernel is not Optimizer._kernel
            and all(getattr(own, n) is getattr(Optimizer, n) for n in ("update", "_make_step"))
            and not {"update", "apply"} & vars(optimizer).keys()
        )

    def may_step(self, p: Array, g: Array, rate: Any) -> bool:
        """Return whether the numbers are such that a step cannot leave state that is not finite.

        Args:
            p, g: the buffers of parameters and gradients.
            rate: the learning rate.
        """
        optimizer = self.optimizer
        usual = (
            type(rate) is float
            and 0 <= rate < math.inf
            and optimizer._like == (p.shape, p.dtype)
            and [*optimizer._counts] == [(0, p.size, optimizer.steps)]
            and len(p) < self._kernels.SERIAL
            and p.flags.carray
            and g.flags.carray
        )
        decay = 0.0 if optimizer.decoupled else optimizer.weight_decay
        limit = largest_square_sum(g.dtype, decay)
        return (
            usual
            and self._sum_of_squares(g) <= limit
            and (not decay or self._sum_of_squares(p) <= limit / decay**2)
        )

    def step(self, p: Array, g: Array, rate: float) -> bool:
        """Make one step of the whole buffer; return whether the parameters are finite then."""
        optimizer = self.optimizer
        before, size = optimizer.steps, p.size
        try:
            optimizer.steps += 1
            name, *constants = optimizer._kernel(rate)
            decay = rate * optimizer.weight_decay if optimizer.decoupled else optimizer.weight_decay
            scales = (1 - decay, 0.0) if optimizer.decoupled else (1.0, decay)
            numbers = self._in_type(p, [*scales, *constants])
            slots = optimizer._kernel_slots or optimizer.slots
            states = [optimizer.slots_state.get(slot, p) for slot in slots]
            getattr(self._kernels, name).serial(p, g, *states, *numbers)
        except BaseException:
            optimizer.steps = before
            raise
        optimizer._counts = [(0, size, optimizer.steps)]
        return self._sum_of_squares(p) < math.inf or is_finite(p)

    def _in_type(self, p: Array, given: list[Any]) -> list[Any]:
        """Return numbers in the type of the parameters, those of the last step where they stay."""
        if len(given) != len(self._given):
            self._given = [None] * len(given)
            self._typed = [None] * len(given)
        kind = p.dtype.type
        pairs = zip(given, self._given, self._typed, strict=True)
        self._typed = [
            typed if new == old else (new if type(new) is bool else kind(new))
            for new, old, typed in pairs
        ]
        self._given = given
        return self._typed
