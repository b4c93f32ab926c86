"""Steps of an optimizer for buffers whose numbers are usual, with few calls.

Two sums of squares find what is not finite or too large. The numbers are those of
``Optimizer.update``, which makes a step wherever this does not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.functional.finite import FEW, is_finite
from neural_network.training.optimizers.base import Optimizer
from neural_network.training.optimizers.overflow import largest_square_sum


class DirectSteps:
    """The steps of an optimizer whose whole buffer is updated each time.

    Args:
        optimizer: of a training.

    Attributes:
        optimizer: as given.
    """

    def __init__(self, optimizer: Any) -> None:
        self.optimizer, self._most = optimizer, float(FEW)

    @staticmethod
    def serves(optimizer: Any) -> bool:
        """Return whether the steps of an optimizer are the library's."""
        own = type(optimizer)
        return (
            isinstance(optimizer, Optimizer)
            and all(getattr(own, n) is getattr(Optimizer, n) for n in ("update", "_make_step"))
            and "update" not in vars(optimizer)
        )

    def may_step(self, p: Array, g: Array, rate: Any, before: Array) -> bool:
        """Return whether the numbers are such that a step cannot leave state that is not finite.

        If they are, the parameters are copied.

        Args:
            p, g: the buffers of parameters and gradients.
            rate: the learning rate.
            before: what the parameters are copied to; it may be filled in any case.
        """
        optimizer = self.optimizer
        if not (
            type(rate) is float
            and 0 <= rate < math.inf
            and optimizer._like == (p.shape, p.dtype)
            and [*optimizer._counts] == [(0, p.size, optimizer.steps)]
            and p.size <= self._most
            and p.flags.carray
            and g.flags.carray
        ):
            return False
        decay = 0.0 if optimizer.decoupled else optimizer.weight_decay
        limit = largest_square_sum(g.dtype, decay)
        return self._copied(p, before, g) <= limit and (
            decay * decay == 0 or self._sum_of_squares(p) <= limit / (decay * decay)
        )

    def step(self, p: Array, g: Array, rate: float) -> bool:
        """Make one step of the whole buffer; return whether the parameters are finite then."""
        optimizer = self.optimizer
        before, whole = optimizer.steps, (0, p.size, optimizer.steps + 1)
        try:
            self._change(p, g, whole, rate)
        except BaseException:
            optimizer.steps = before
            raise
        optimizer.steps, optimizer._counts = before + 1, [whole]
        return self._sum_of_squares(p) < math.inf or is_finite(p)

    def _change(self, p: Array, g: Array, whole: tuple[int, int, int], rate: float) -> None:
        self.optimizer._change(p, g, [whole], rate)

    def _copied(self, p: Array, before: Array, g: Array) -> float:
        """Copy the parameters; return the sum of the gradients' squares."""
        np.copyto(before, p)
        return self._sum_of_squares(g)

    def _sum_of_squares(self, numbers: Array) -> float:
        return float(np.dot(numbers, numbers))


class DirectKernelSteps(DirectSteps):
    """The same by the kernel of an optimizer, where Numba is loaded anyway.

    Small buffers are computed on one thread.
    """

    def __init__(self, optimizer: Any) -> None:
        from neural_network.kernels import finite, optimizers  # loads Numba

        super().__init__(optimizer)
        self._kernels, self._most = optimizers, math.inf
        self._several = math.prod(optimizer._like.shape) >= optimizers.SERIAL
        few = finite.squares_on_one_thread
        self._squares = finite.sum_of_squares if self._several else few
        self._copy_and_sum_squares = finite.copy_and_sum_squares
        self._given: list[Any] = []
        self._typed: list[Any] = []

    @staticmethod
    def serves(optimizer: Any) -> bool:
        """Return whether an optimizer has a kernel as well."""
        has_kernel = isinstance(optimizer, Optimizer) and (
            type(optimizer)._kernel is not Optimizer._kernel and "apply" not in vars(optimizer)
        )
        return has_kernel and DirectSteps.serves(optimizer)

    def _change(self, p: Array, g: Array, whole: tuple[int, int, int], rate: float) -> None:
        optimizer = self.optimizer
        optimizer.steps = whole[2]
        name, *constants = optimizer._kernel(rate)
        decay = rate * optimizer.weight_decay if optimizer.decoupled else optimizer.weight_decay
        scales = (1 - decay, 0.0) if optimizer.decoupled else (1.0, decay)
        numbers = self._in_type(p, [*scales, *constants])
        slots = optimizer._kernel_slots or optimizer.slots
        states = [optimizer.slots_state.get(slot, p) for slot in slots]
        rule = getattr(self._kernels, name)
        (rule if self._several else rule.serial)(p, g, *states, *numbers)

    def _copied(self, p: Array, before: Array, g: Array) -> float:
        if self._several:
            return float(self._copy_and_sum_squares(p, before, g))
        np.copyto(before, p)
        return float(self._squares(g))

    def _sum_of_squares(self, numbers: Array) -> float:
        return float(self._squares(numbers))

    def _in_type(self, p: Array, given: list[Any]) -> list[Any]:
        """Return numbers in the type of the parameters, those of the last step where they stay."""
        kind = p.dtype.type
        if len(given) != len(self._given):
            self._given = self._typed = [None] * len(given)
        self._typed = [
            typed if new == old else (new if type(new) is bool else kind(new))
            for new, old, typed in zip(given, self._given, self._typed, strict=True)
        ]
        self._given = given
        return self._typed
