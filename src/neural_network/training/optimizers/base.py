"""What all optimizers share: a step over flat buffers, in place and in blocks."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import compress
from operator import is_, itemgetter
from typing import Any, ClassVar

import numpy as np

from neural_network.checks import Array, as_choice, as_number
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, brief, sentence
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.layers.flat import parts, parts_of
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Parameter
from neural_network.lazy import NameTable
from neural_network.public import public
from neural_network.training.buffers import (
    BufferState,
    Counted,
    Like,
    Part,
    as_fraction,
    blocks,
    check_buffer,
    checked_state,
    chosen_parts,
    common_parts,
    counted_once_more,
)
from neural_network.training.hints.loops import (
    UNUSED,
    hint_no_gradient,
    hint_no_step,
    look_at_gradients,
    look_at_next_passes,
)
from neural_network.training.optimizers.binding import (
    Binding,
    Trainable,
    gathered,
    looks_trainable,
    put,
    with_gradient,
)
from neural_network.training.optimizers.overflow import cannot_overflow, undone_where_not_finite
from neural_network.training.schedules import Schedule, as_rate, as_schedule

# Blocks of the state arrays by name.
State = dict[str, Array]
# In a saved state: the ends of the parts of the buffer, and how many steps each has had.
PARTS = ("part_ends", "part_steps")


@public
class Optimizer(BufferState, ABC):
    """A rule that turns gradients into steps of parameters.

    Bound to a model, ``step()`` changes its parameters by the gradients that ``backward()`` has
    added up, and ``zero_grad()`` resets these. Unbound, ``update`` changes flat 1-D buffers. A
    ``Trainer`` takes either.

    A subclass names its state in ``slots`` and writes ``apply``, an elementwise formula;
    in the example, the momentum of ``momentum_update``. A constructor of its own passes
    ``parameters`` on and keeps each other argument as an attribute of that name (for ``repr``
    and ``settings``).

    Weight decay is done here: ``g + weight_decay · p`` replaces the gradient, or,
    if the class is ``decoupled``, ``p ← p · (1 − rate · weight_decay)`` is done first.

    Args:
        learning_rate: a number above 0, or a ``Schedule``.
        weight_decay: factor of the parameters in weight decay, at least 0.
        parameters: what to bind the optimizer to: a model, a layer, a ``Parameter`` or a list of
            them; the model need not be built yet. Not part of ``repr`` and ``settings``.

    Attributes:
        slots: names of the state arrays, each of the parameters' shape and type.
        decoupled: whether weight decay is not part of the gradient.
        typical_rate: a highest learning rate that suits small networks; the command
            ``neural-network train`` begins with it.
        learning_rate, weight_decay, parameters: as given.
        steps: updates made since ``start``, or steps.
        slots_state: the state arrays by name; zeros after ``start``.

    Raises:
        DTypeError: an argument is of the wrong kind.
        ArgumentError: an argument lies outside its range; ``parameters`` has none.

    Source: Bottou, Curtis and Nocedal, "Optimization Methods for Large-Scale Machine
    Learning", arXiv 1606.04838.

    >>> class HeavyBall(Optimizer):
    ...     slots = ("velocity",)
    ...     def apply(self, parameters, gradients, state, rate):
    ...         state["velocity"] *= 0.5
    ...         state["velocity"] -= rate * gradients
    ...         parameters += state["velocity"]
    >>> p = Parameter([1.0, 2.0])
    >>> ball = HeavyBall(0.25, parameters=p)
    >>> for _ in range(2):
    ...     ball.zero_grad()
    ...     (p * [4.0, -4.0]).sum().backward()
    ...     ball.step()
    >>> p.data
    array([-1.5,  4.5], dtype=float32)
    """

    decoupled: ClassVar[bool] = False
    typical_rate: ClassVar[float] = 0.01
    # The state arrays of the kernel, where it always takes more of them than are in use.
    _kernel_slots: ClassVar[tuple[str, ...]] = ()

    _parameters: Trainable | None = None
    _binding: Binding | None = None
    # The parameters that the state belongs to, in order; None for a buffer of other numbers.
    _order: list[Parameter] | None = None
    # The number of nodes when it was bound.
    _bound_at: float = 0
    # How many times gradients were forgotten before a first step, and the parameters' sums then.
    _unused: tuple[int, tuple[float, ...]] = (0, ())
    # How many updates each part of the buffer has had.
    _counts: Sequence[Counted] = ()

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        *,
        weight_decay: float = 0.0,
        parameters: Trainable | None = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if type(learning_rate) is not float and looks_trainable(learning_rate):
            received = f"a {type(learning_rate).__name__}; {name}(0.001, parameters=model) binds it"
            raise DTypeError(sentence(name, "learning_rate", "a finite number above 0", received))
        self.learning_rate = as_rate(name, "learning_rate", learning_rate)
        self.weight_decay = as_number(name, "weight_decay", weight_decay, between=(0, math.inf))
        self.parameters = parameters

    def __init_subclass__(cls) -> None:
        """Let a class with a formula of its own inherit no kernel of another formula."""
        super().__init_subclass__()
        nearest = next(c for c in cls.__mro__ if vars(c).keys() & {"apply", "_kernel"})
        if "_kernel" not in vars(nearest):
            cls._kernel = Optimizer._kernel  # type: ignore[method-assign]

    @property
    def parameters(self) -> Trainable | None:
        """What the optimizer is bound to, as given; assign something else to bind it to that."""
        return self._parameters

    @parameters.setter
    def parameters(self, value: Trainable | None) -> None:
        if value is None:
            self._binding = self._parameters = None
            return
        self._binding = Binding(type(self).__name__, "parameters", value)
        # A generator can be read once.
        single = isinstance(value, Layer | Parameter)
        self._parameters = value if single else self._binding.targets
        self._bound_at, self._unused = look_at_next_passes(), (0, ())

    def _shown(self) -> dict[str, Any]:
        """Return the arguments that describe it: not the parameters, which no text can hold."""
        return {name: value for name, value in super()._shown().items() if name != "parameters"}

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
        rate = self.learning_rate
        if type(rate) is float and 0 < rate < math.inf:  # a schedule for each step would be slow
            return rate
        return self.schedule(time, total)

    # --- the parameters of a model -----------------------------------------------------

    @explains_calls
    def step(self, rate: float | None = None) -> None:
        """Change the parameters by their gradients, which ``backward()`` has added up.

        Parameters that are frozen, or that ``backward()`` has not reached, and their state are
        not changed. The steps of each are counted by themselves, so that Adam's correction is
        right for one that is unfrozen later. Where layers were exchanged, those that stay keep
        their state, and new ones begin with zeros.

        Args:
            rate: the learning rate of this step, at least 0; needed where ``learning_rate`` is
                a schedule: ``optimizer.step(optimizer.rate(done, total))``. None: the number
                that the optimizer was made with.

        Raises:
            ArgumentError: the optimizer is not bound, there is no rate, or the model has no
                parameters yet.
            DTypeError, ShapeError: a gradient that was assigned does not fit its parameter.
            DivergenceError: the step would leave numbers that are not finite; nothing is
                changed then.
        """
        function, binding = f"{type(self).__name__}.step", self._bound("step")
        rate = self._rate_now(function, rate)
        named, flat = binding.flat(function)
        check_buffer(function, "parameters", flat)
        found = list(map(itemgetter(1), named))
        chosen = with_gradient(found)
        gradients = gathered(function, named, chosen, flat.dtype)
        if not any(chosen):
            if self.steps == 0:
                self._unused = UNUSED, ()  # a step is there
                self._bound_at = hint_no_gradient(function, found, self._bound_at)
            return
        self._lay_out(found, flat)
        places = [slice(0, flat.size)] if all(chosen) else parts_of(found, chosen)
        where = [(place.start, place.stop) for place in places]
        self._make_step(function, flat, gradients, rate, where, named)
        put(found, chosen, flat)
        if self.steps <= 2:
            look_at_gradients(function, self.steps, list(compress(found, chosen)))

    @explains_calls
    def zero_grad(self) -> None:
        """Reset the gradients that ``backward()`` has added up, also those of frozen parameters.

        Raises:
            ArgumentError: the optimizer is not bound.
        """
        binding = self._binding if self._binding is not None else self._bound("zero_grad")
        if self.steps == 0 and self._unused[0] < UNUSED:
            parameters = [parameter for _, parameter in binding.named_parameters()]
            self._unused = hint_no_step(type(self).__name__, parameters, *self._unused)
        for _, parameter in binding.named_parameters():
            parameter.grad = None

    def _bound(self, method: str) -> Binding:
        if self._binding is None:
            name, rate = type(self).__name__, self.learning_rate
            shown = "…" if isinstance(rate, Schedule) else rate
            expected = f"an optimizer of a model: {name}({shown}, parameters=model)"
            raise ArgumentError(sentence(f"{name}.{method}", "parameters", expected, "none"))
        return self._binding

    def _lay_out(self, found: list[Parameter], flat: Array) -> None:
        """Let the state belong to these parameters; those that have some already keep it."""
        old, like = self._order or [], Like(flat.shape, flat.dtype)
        if self._like == like and len(old) == len(found) and all(map(is_, old, found)):
            return
        places = dict(zip(map(id, old), parts(old), strict=True))
        state, counts, steps = self.slots_state, self._counts, self.steps
        self.start(flat)
        kept: list[Counted] = []
        for parameter, part in zip(found, parts(found), strict=True):
            before = places.get(id(parameter), slice(0, 0))
            if before.stop - before.start != part.stop - part.start:
                kept.append((part.start, part.stop, 0))
                continue
            for slot, array in self.slots_state.items():
                array[part] = state[slot][before]
            shift = part.start - before.start
            own = common_parts(counts, [(before.start, before.stop)])
            kept += [(start + shift, stop + shift, count) for start, stop, count in own]
        self._order, self._counts = found, counted_once_more(kept, [])
        self.steps = steps if old else 0

    # --- a buffer ----------------------------------------------------------------------

    @explains_calls
    def start(self, parameters: Array) -> None:
        """Reset the step count, and allocate state for these parameters, filled with zeros.

        Args:
            parameters: a 1-D buffer of float32 or float64; only its shape and type matter.

        Raises:
            DTypeError, ShapeError: another kind of array.
        """
        super().start(parameters)
        self._counts, self._order = [(0, parameters.size, 0)], None
        if self._binding is not None and self._binding.built:
            named, flat = self._binding.flat(f"{type(self).__name__}.start")
            if flat is parameters:  # ``step`` continues from here
                self._order = [parameter for _, parameter in named]

    @explains_calls
    def state(self) -> dict[str, Array]:
        """Return the count of steps and the state arrays, not copied, for a checkpoint.

        Returns:
            ``{"steps": …, slot: array, …}``; where parts of the buffer had different numbers of
            steps, because some were frozen, also their ends and numbers.

        Raises:
            ArgumentError: ``start`` was not called, and the optimizer is not bound to a model
                that is built.
        """
        found = super().state()
        (size,) = self._started("state").shape
        if size and self._counts != [(0, size, self.steps)]:
            ends = [(stop, count) for _, stop, count in self._counts]
            found |= dict(zip(PARTS, np.array(ends, np.int64).reshape(-1, 2).T, strict=True))
        return found

    @explains_calls
    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned, after ``start``, or bound to such a model.

        Args:
            state: the arrays; they are copied.

        Raises:
            DTypeError, ShapeError, ArgumentError: names, types, shapes or values that
                ``state`` cannot have returned, or no ``start``; nothing is changed then.
        """
        function, (size,) = f"{type(self).__name__}.load_state", self._started("load_state").shape
        counts: list[Counted] = []
        if isinstance(state, Mapping) and state.keys() >= {*PARTS}:
            like = np.zeros(np.size(state[PARTS[0]]), np.int64)
            uneven = {name: state[name] for name in PARTS}
            ends, numbers = checked_state(function, uneven, dict.fromkeys(PARTS, like)).values()
            if np.any(np.diff(ends, prepend=0) < 1) or ends[-1:].tolist() != [size]:
                expected = f"growing numbers up to {size}"
                raise ArgumentError(sentence(function, PARTS[0], expected, ends.tolist()[:9]))
            counts = list(zip([0, *ends.tolist()], ends.tolist(), numbers.tolist(), strict=False))
            state = {name: array for name, array in state.items() if name not in PARTS}
            checked_state(function, state, BufferState.state(self))
            if (most := int(numbers.max())) > (steps := int(state["steps"])):
                expected = f"at most {steps}, the number of all steps"
                raise ArgumentError(sentence(function, PARTS[1], expected, most))
        super().load_state(state)
        self._counts = counts or [(0, size, self.steps)]

    def _started(self, method: str) -> Like:
        if self._like is None and self._binding is not None:
            named, flat = self._binding.flat(f"{type(self).__name__}.{method}")
            self._lay_out([parameter for _, parameter in named], flat)
        return super()._started(method)

    def update(
        self,
        parameters: Array,
        gradients: Array,
        rate: float | None = None,
        *,
        where: Sequence[slice] | None = None,
    ) -> None:
        """Make one step of a flat buffer, in place. The gradients are not changed.

        Args:
            parameters: the buffer, of the size and type that ``start`` was given.
            gradients: the loss's gradient, of the same size and type.
            rate: the learning rate of this step, at least 0; see ``rate()``. None: the
                number that the optimizer was made with.
            where: the parts to update, slices that do not overlap; None: all. Other
                parameters and their state are not changed, and their steps not counted.

        Raises:
            DTypeError, ShapeError: a buffer of another kind, size or type.
            ArgumentError: no ``start``, no rate, parts that do not fit.
            DivergenceError: the step would leave state that is not finite. Nothing is changed
                then, nor by the other errors.
        """
        function = f"{type(self).__name__}.update"
        rate = self._rate_now(function, rate)
        like = self._started("update")
        check_buffer(function, "parameters", parameters, like, "start", written=True)
        check_buffer(function, "gradients", gradients, like, "parameters")
        chosen = chosen_parts(function, where, parameters.size)
        self._make_step(function, parameters, gradients, rate, chosen)

    def _rate_now(self, function: str, rate: float | None) -> float:
        """Return the learning rate of a step: what was passed, or the number of the optimizer."""
        if rate is None:
            if isinstance(self.learning_rate, Schedule):
                expected = "a number, because learning_rate is a schedule: optimizer.rate(…)"
                raise ArgumentError(sentence(function, "rate", expected, rate))
            rate = self.learning_rate
        if type(rate) is float and 0 <= rate < math.inf:
            return rate
        return as_number(function, "rate", rate, between=(0, math.inf))

    # --- a step ------------------------------------------------------------------------

    def _make_step(
        self,
        function: str,
        p: Array,
        g: Array,
        rate: float,
        where: Sequence[Part],
        named: Sequence[tuple[str, Parameter]] = (),
    ) -> None:
        """Change parts of a buffer and of the state, and count the step.

        Numbers of the state that are not finite any more would not be seen: the step is undone
        and raises then. Those of the parameters are seen, and may be wanted in a bare buffer.

        Args:
            function: the caller's name, for errors.
            p, g: the parameters and gradients, checked.
            rate: the learning rate.
            where: which of them.
            named: the parameters of which ``p`` consists, where they have to stay finite.
        """
        steps, counts = self.steps, counted_once_more(self._counts, where)
        parts = common_parts(counts, where)
        held = {**self.slots_state, **({"parameters": p} if named else {})}
        decay = 0.0 if self.decoupled else self.weight_decay
        try:
            if not held or cannot_overflow(p, g, decay):
                self._change(p, g, parts, rate)
            else:
                with undone_where_not_finite(function, {**held, "parameters": p}, g, named, rate):
                    self._change(p, g, parts, rate)
        except BaseException:
            self.steps = steps
            raise
        self.steps, self._counts = steps + 1, counts

    def _change(self, p: Array, g: Array, where: Sequence[Counted], rate: float) -> None:
        """Change parts, each with its number of the step as ``steps``."""
        if self._change_by_kernel(p, g, where, rate):
            return
        with np.errstate(under="ignore"):
            for start, stop, self.steps in where:
                for block in blocks([(start, stop)]):
                    own, gradients = p[block], g[block]
                    if self.weight_decay and self.decoupled:
                        own *= 1 - rate * self.weight_decay
                    elif self.weight_decay:
                        gradients = gradients + self.weight_decay * own
                    state = {slot: array[block] for slot, array in self.slots_state.items()}
                    self.apply(own, gradients, state, rate)

    def _change_by_kernel(self, p: Array, g: Array, where: Sequence[Counted], rate: float) -> bool:
        """Make the step by the compiled kernel where ``kernel_wanted`` returns True."""
        if type(self)._kernel is Optimizer._kernel:
            return False
        work = sum([stop - start for start, stop, _ in where]) * (1 + len(self.slots))
        arrays = (p, g, *self.slots_state.values())
        # The results are the same bits, so NumPy can serve arrays that kernels are not
        # compiled for (with gaps, read-only).
        if not kernel_wanted("optimizer", work, *arrays) or not all(
            array.flags.carray for array in arrays
        ):
            return False
        from neural_network.kernels import optimizers

        decay = rate * self.weight_decay if self.decoupled else self.weight_decay
        scales = (1 - decay, 0.0) if self.decoupled else (1.0, decay)
        states = [self.slots_state.get(slot, p) for slot in self._kernel_slots or self.slots]
        for start, stop, self.steps in where:
            name, *constants = self._kernel(rate)
            numbers = [n if type(n) is bool else p.dtype.type(n) for n in (*scales, *constants)]
            pieces = [array[start:stop] for array in (p, g, *states)]
            getattr(optimizers, name)(*pieces, *numbers)
        return True

    def _kernel(self, rate: float) -> tuple[Any, ...]:  # noqa: ARG002  # for subclasses
        """Return the name of the function in ``kernels/optimizers.py`` and its last arguments.

        The first are the parameters, the gradients, the state arrays, what decoupled weight
        decay multiplies the parameters by, and how much of them is added to the gradient.
        """
        return ()

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
        raise ArgumentError(sentence(function, "betas", "two numbers", brief(betas)))
    first, second = (as_fraction(function, f"betas[{i}]", beta) for i, beta in enumerate(betas))
    return first, second


# Each has defaults, so that its name alone is enough.
OPTIMIZERS: NameTable[type[Optimizer]] = public(NameTable("optimizer"))


@public(top_level=False)
@explains_calls
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
    if isinstance(value, Schedule):
        expected = f"an optimizer, such as nn.Adam(nn.{type(value).__name__}(…))"
        raise DTypeError(sentence("Trainer", "optimizer", expected, brief(value)))
    return OPTIMIZERS[as_choice("Trainer", "optimizer", value, tuple(OPTIMIZERS))]()
