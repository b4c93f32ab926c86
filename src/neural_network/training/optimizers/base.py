"""What all optimizers share: a step over flat buffers, in place and in blocks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from neural_network.checks import Array, as_choice, as_number
from neural_network.errors import ArgumentError, DTypeError, sentence
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.lazy import NameTable
from neural_network.public import public
from neural_network.training.buffers import (
    BufferState,
    Part,
    as_fraction,
    blocks,
    check_buffer,
    chosen_parts,
)
from neural_network.training.schedules import Schedule, as_rate, as_schedule

# Blocks of the state arrays by name.
State = dict[str, Array]


@public
class Optimizer(BufferState, ABC):
    """A rule that turns gradients into steps of parameters, all in flat 1-D buffers.

    A subclass names its state in ``slots`` and writes ``apply``, an elementwise formula;
    in the example, the momentum of ``momentum_update``. A constructor of its own keeps
    each argument as an attribute of that name (for ``repr`` and ``settings``).

    Weight decay is done here: ``g + weight_decay · p`` replaces the gradient, or,
    if the class is ``decoupled``, ``p ← p · (1 − rate · weight_decay)`` is done first.

    Args:
        learning_rate: a number above 0, or a ``Schedule``.
        weight_decay: factor of the parameters in weight decay, at least 0.

    Attributes:
        slots: names of the state arrays, each of the parameters' shape and type.
        decoupled: whether weight decay is not part of the gradient.
        typical_rate: a highest learning rate that suits small networks; the command
            ``neural-network train`` begins with it.
        learning_rate, weight_decay: as given.
        steps: updates made since ``start``.
        slots_state: the state arrays by name; zeros after ``start``.

    Raises:
        DTypeError: an argument is of the wrong kind.
        ArgumentError: an argument lies outside its range.

    Source: Bottou, Curtis and Nocedal, "Optimization Methods for Large-Scale Machine
    Learning", arXiv 1606.04838.

    >>> class HeavyBall(Optimizer):
    ...     slots = ("velocity",)
    ...     def apply(self, parameters, gradients, state, rate):
    ...         state["velocity"] *= 0.5
    ...         state["velocity"] -= rate * gradients
    ...         parameters += state["velocity"]
    >>> p, g = np.array([1.0, 2.0]), np.array([4.0, -4.0])
    >>> ball = HeavyBall(0.25)
    >>> ball.start(p)
    >>> ball.update(p, g)
    >>> ball.update(p, g)
    >>> p
    array([-1.5,  4.5])
    """

    decoupled: ClassVar[bool] = False
    typical_rate: ClassVar[float] = 0.01
    # The state arrays of the kernel, where it always takes more of them than are in use.
    _kernel_slots: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, learning_rate: float | Schedule = 0.01, *, weight_decay: float = 0.0
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.learning_rate = as_rate(name, "learning_rate", learning_rate)
        self.weight_decay = as_number(name, "weight_decay", weight_decay, between=(0, math.inf))

    def __init_subclass__(cls) -> None:
        """Let a class with a formula of its own inherit no kernel of another formula."""
        super().__init_subclass__()
        nearest = next(c for c in cls.__mro__ if vars(c).keys() & {"apply", "_kernel"})
        if "_kernel" not in vars(nearest):
            cls._kernel = Optimizer._kernel  # type: ignore[method-assign]

    @property
    def schedule(self) -> Schedule:
        """The learning rate as a schedule; a number is one that never changes."""
        return as_schedule(self.learning_rate)

    def rate(self, time: float, total: float) -> float:
        """Return the learning rate at a time: the number, or the schedule's value.

        Args:
            time: how much of the training has passed (in epochs, usually).
            total: the whole training, in the same unit.

        Returns:
            A float.

        Raises:
            DTypeError, ArgumentError: what the schedule cannot work with.
        """
        return self.schedule(time, total)

    def update(
        self,
        parameters: Array,
        gradients: Array,
        rate: float | None = None,
        *,
        where: Sequence[slice] | None = None,
    ) -> None:
        """Make one step, in place. The gradients are not changed.

        Args:
            parameters: the buffer, of the size and type that ``start`` was given.
            gradients: the loss's gradient, of the same size and type.
            rate: the learning rate of this step, at least 0; see ``rate()``. None: the
                number that the optimizer was made with.
            where: the parts to update, slices that do not overlap; None: all. Other
                parameters and their state are not changed. ``steps`` is one number for
                the whole buffer: Adam's correction is wrong for a part that is updated
                much later than the rest for the first time; call ``start`` again then.

        Raises:
            DTypeError, ShapeError: a buffer of another kind, size or type.
            ArgumentError: no ``start``, no rate, parts that do not fit; nothing is
                changed then.
        """
        function = f"{type(self).__name__}.update"
        if rate is not None:
            if type(rate) is not float or not 0 <= rate < math.inf:
                rate = as_number(function, "rate", rate, between=(0, math.inf))
        elif isinstance(self.learning_rate, Schedule):
            expected = "a number, because learning_rate is a schedule"
            raise ArgumentError(sentence(function, "rate", expected, rate))
        else:
            rate = self.learning_rate
        like = self._started("update")
        check_buffer(function, "parameters", parameters, like, "start", written=True)
        check_buffer(function, "gradients", gradients, like, "parameters")
        parts = chosen_parts(function, where, parameters.size)
        self.steps += 1
        if self._update_by_kernel(parameters, gradients, parts, rate):
            return
        with np.errstate(under="ignore"):
            for block in blocks(parts):
                p, g = parameters[block], gradients[block]
                if self.weight_decay and self.decoupled:
                    p *= 1 - rate * self.weight_decay
                elif self.weight_decay:
                    g = g + self.weight_decay * p
                state = {slot: array[block] for slot, array in self.slots_state.items()}
                self.apply(p, g, state, rate)

    def _update_by_kernel(self, p: Array, g: Array, parts: Sequence[Part], rate: float) -> bool:
        """Make the step by the compiled kernel where ``kernel_wanted`` returns True."""
        work = sum(stop - start for start, stop in parts) * (1 + len(self.slots))
        arrays = (p, g, *self.slots_state.values())
        kernel = self._kernel(rate) if kernel_wanted("optimizer", work, *arrays) else None
        # The results are the same bits, so NumPy can serve arrays that kernels are not
        # compiled for (with gaps, read-only).
        if kernel is None or not all(array.flags.carray for array in arrays):
            return False
        from neural_network.kernels import optimizers

        name, *constants = kernel
        decay = rate * self.weight_decay if self.decoupled else self.weight_decay
        scales = (1 - decay, 0.0) if self.decoupled else (1.0, decay)
        numbers = [n if type(n) is bool else p.dtype.type(n) for n in (*scales, *constants)]
        states = [self.slots_state.get(slot, p) for slot in self._kernel_slots or self.slots]
        for start, stop in parts:
            pieces = [array[start:stop] for array in (p, g, *states)]
            getattr(optimizers, name)(*pieces, *numbers)
        return True

    def _kernel(self, rate: float) -> tuple[Any, ...] | None:  # noqa: ARG002  # for subclasses
        """Return the name of the function in ``kernels/optimizers.py`` and its last arguments.

        The first are the parameters, the gradients, the state arrays, what decoupled weight
        decay multiplies the parameters by, and how much of them is added to the gradient.
        """
        return None

    @abstractmethod
    def apply(self, parameters: Array, gradients: Array, state: State, rate: float) -> None:
        """Change a block of the parameters and of the state, in place: the formula.

        Args:
            parameters: a block of the buffer; write into it (``parameters -= …``).
            gradients: the same block of the gradients, weight decay included. Not to
                be written to.
            state: the same block of each state array, to be written to.
            rate: the learning rate. ``self.steps`` is 1 at the first step.
        """


def as_betas(function: str, betas: object) -> tuple[float, float]:
    """Return two decay rates, of the first and the second running mean."""
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise ArgumentError(sentence(function, "betas", "two numbers", repr(betas)))
    first, second = (as_fraction(function, f"betas[{i}]", beta) for i, beta in enumerate(betas))
    return first, second


# Each has defaults, so that its name alone is enough.
OPTIMIZERS: NameTable[type[Optimizer]] = public(NameTable("optimizer"))


@public(top_level=False)
def as_optimizer(value: Optimizer | str) -> Optimizer:
    """Return an optimizer as it is, or make the one of this name with its defaults.

    Args:
        value: an ``Optimizer``, or a key of ``OPTIMIZERS``.

    Returns:
        An optimizer.

    Raises:
        ArgumentError: there is no such name.
        DTypeError: something else was given.

    >>> from neural_network.training import as_optimizer
    >>> as_optimizer("sgd")
    SGD(learning_rate=0.01, momentum=0.0, nesterov=False, weight_decay=0.0)
    """
    if isinstance(value, Optimizer):
        return value
    if isinstance(value, type):
        expected = f"an optimizer, such as {value.__name__}()"
        raise DTypeError(sentence("Trainer", "optimizer", expected, f"the class {value.__name__}"))
    return OPTIMIZERS[as_choice("Trainer", "optimizer", value, tuple(OPTIMIZERS))]()
