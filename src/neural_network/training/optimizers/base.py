"""What all optimizers share: a step over flat buffers, in place and in blocks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from neural_network.checks import Array, as_choice, as_number
from neural_network.errors import ArgumentError, DTypeError, sentence
from neural_network.kernels.runtime.aligned import aligned
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.lazy import NameTable
from neural_network.public import public
from neural_network.training.buffers import (
    Part,
    as_share,
    blocks,
    check_buffer,
    check_like,
    checked_state,
    chosen_parts,
    is_like,
    outline,
    started,
)
from neural_network.training.schedules import Schedule, as_rate
from neural_network.training.settings import Described

# The formula of a class → its compiled twin, which does the weight decay too: what it leaves
# of a parameter, and how much of that it adds to the gradient, stand before the rate. A
# subclass with a formula of its own has no twin.
Twin = Callable[[Any, Array, Array, dict[str, Array], float, float, float], None]
TWINS: dict[Callable[..., None], Twin] = {}


def twin_of(formula: Callable[..., None]) -> Callable[[Twin], Twin]:
    """Make the decorated method the compiled twin of an ``apply``."""

    def register(twin: Twin) -> Twin:
        TWINS[formula] = twin
        return twin

    return register


@public
class Optimizer(Described, ABC):
    """A rule that turns gradients into steps of parameters, all in flat 1-D buffers.

    A subclass names its state in ``slots`` and writes ``apply``, a formula that works
    number by number; below, the momentum of ``momentum_update``. A constructor of its
    own keeps each argument as an attribute of that name (for ``repr`` and ``settings``).

    Weight decay is done here: ``g + weight_decay · p`` takes the gradient's place, or,
    where the class says ``decoupled``, ``p ← p · (1 − rate · weight_decay)`` goes before.

    Args:
        learning_rate: a number above 0, or a ``Schedule``.
        weight_decay: how strongly parameters are drawn to 0, at least 0.

    Attributes:
        slots: names of the state arrays, each of the parameters' shape and type.
        decoupled: whether weight decay stays out of the gradient.
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

    slots: tuple[str, ...] = ()
    decoupled = False

    def __init__(self, learning_rate: float | Schedule, *, weight_decay: float = 0.0) -> None:
        name = type(self).__name__
        self.learning_rate = as_rate(name, "learning_rate", learning_rate)
        self.weight_decay = as_number(name, "weight_decay", weight_decay, between=(0, math.inf))
        self.steps = 0
        self.slots_state: dict[str, Array] = {}
        self._outline: Array | None = None

    def start(self, parameters: Array) -> None:
        """Forget everything, and make room for the state of these parameters.

        Args:
            parameters: a 1-D buffer of float32 or float64; its numbers do not matter yet.

        Raises:
            DTypeError, ShapeError: another kind of array.
        """
        check_buffer(f"{type(self).__name__}.start", "parameters", parameters)
        self.steps = 0
        self.slots_state = {
            slot: aligned(parameters.shape, parameters.dtype) for slot in self.slots
        }
        for memory in self.slots_state.values():
            memory[...] = 0
        self._outline = outline(parameters)

    def rate(self, time: float, total: float) -> float:
        """Return the learning rate at a time: the number, or the schedule's answer.

        Args:
            time: how much of the training has passed (in epochs, usually).
            total: the whole training, in the same unit.

        Returns:
            A float.

        Raises:
            DTypeError, ArgumentError: what the schedule cannot work with.
        """
        if isinstance(self.learning_rate, Schedule):
            return self.learning_rate(time, total)
        return self.learning_rate

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
            where: the parts that move, slices that do not overlap; None: all. Other
                parameters and their state stay as they are. ``steps`` counts for the
                whole buffer: where the state of a part begins much later than the rest,
                Adam's correction no longer helps it, and ``start`` again is better.

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
        like = started(function, self._outline)
        # Small networks are trained in tens of microseconds a step: the long way through the
        # checks, which finds the words, only if one of them fails.
        if not (is_like(parameters, like, written=True) and is_like(gradients, like)):
            check_buffer(function, "parameters", parameters, written=True)
            check_like(function, "parameters", parameters, like, "start")
            check_buffer(function, "gradients", gradients)
            check_like(function, "gradients", gradients, like, "parameters")
        parts = chosen_parts(function, where, parameters.size)
        self.steps += 1
        twin = self._twin(parameters, gradients, parts)
        if twin is not None:
            shrink = 1 - rate * self.weight_decay if self.decoupled else 1.0
            decay = 0.0 if self.decoupled else self.weight_decay
            for start, stop in parts:
                piece = slice(start, stop)
                state = {slot: array[piece] for slot, array in self.slots_state.items()}
                twin(self, parameters[piece], gradients[piece], state, shrink, decay, rate)
            return
        with np.errstate(under="ignore"):
            for block in blocks(parts):
                state = {slot: array[block] for slot, array in self.slots_state.items()}
                self._decay_and_apply(parameters[block], gradients[block], state, rate)

    def _twin(self, p: Array, g: Array, parts: Sequence[Part]) -> Twin | None:
        """Return the compiled body if it is to make this step."""
        twin = TWINS.get(type(self).apply)
        count = sum(stop - start for start, stop in parts) * (1 + len(self.slots))
        if twin is None or not kernel_wanted("optimizer", count):
            return None
        # The results are the same bits, so that arrays that kernels are not compiled for
        # (with gaps, read-only) can go the other way.
        ready = all(array.flags.carray for array in (p, g, *self.slots_state.values()))
        return twin if ready else None

    def _decay_and_apply(self, p: Array, g: Array, state: dict[str, Array], rate: float) -> None:
        if self.weight_decay and self.decoupled:
            p *= 1 - rate * self.weight_decay
        elif self.weight_decay:
            g = g + self.weight_decay * p
        self.apply(p, g, state, rate)

    @abstractmethod
    def apply(
        self, parameters: Array, gradients: Array, state: dict[str, Array], rate: float
    ) -> None:
        """Change a piece of the parameters and of the state, in place: the formula.

        Args:
            parameters: a piece of the buffer; write into it (``parameters -= …``).
            gradients: the same piece of the gradients, weight decay included. Not to
                be written to.
            state: the same piece of each slot, to be written to.
            rate: the learning rate. ``self.steps`` is 1 at the first step.
        """

    def state(self) -> dict[str, Array]:
        """Return ``{"steps": …, slot: array, …}``, not copied, for a checkpoint.

        Returns:
            The count as an int64 array without dimensions, the slots as they are.

        Raises:
            ArgumentError: there was no ``start``.
        """
        started(f"{type(self).__name__}.state", self._outline)
        return {"steps": np.array(self.steps, dtype=np.int64), **self.slots_state}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned, after ``start`` with a buffer of that size.

        Args:
            state: the arrays; they are copied.

        Raises:
            DTypeError, ShapeError, ArgumentError: names, types, shapes or values that
                ``state`` cannot have returned, or no ``start``; nothing is changed then.
        """
        arrays = checked_state(f"{type(self).__name__}.load_state", state, like=self.state())
        self.steps = int(arrays["steps"])
        for slot, array in self.slots_state.items():
            array[...] = arrays[slot]


def as_betas(function: str, betas: object) -> tuple[float, float]:
    """Return two shares, for the first and the second running mean."""
    if not isinstance(betas, tuple | list) or len(betas) != 2:
        raise ArgumentError(sentence(function, "betas", "two numbers", repr(betas)))
    first, second = (as_share(function, f"betas[{i}]", beta) for i, beta in enumerate(betas))
    return first, second


# Each has defaults, so that its name alone is enough.
OPTIMIZERS: NameTable[Callable[..., Optimizer]] = public(NameTable("optimizer"))


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
    kind = OPTIMIZERS[as_choice("Trainer", "optimizer", value, tuple(OPTIMIZERS))]
    return kind()
