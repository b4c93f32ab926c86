"""Optimizers for parts of a model: learning rates, or whole optimizers, per layer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

from neural_network.checks import Array, as_number
from neural_network.elsewhere.surface import Answering, explains_calls
from neural_network.errors import ArgumentError, DivergenceError, DTypeError, both, brief, sentence
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Parameter
from neural_network.layers.places import place_name
from neural_network.public import public
from neural_network.training.buffers import chosen_parts
from neural_network.training.optimizers.base import Optimizer, as_optimizer
from neural_network.training.optimizers.binding import Binding, Trainable, innermost
from neural_network.training.optimizers.overflow import cannot_overflow
from neural_network.training.schedules import Schedule

EXPECTED = "a list of pairs: [(layer, Adam(1e-4)), (other_layers, Adam(1e-3))]"


Pairs = Sequence[tuple[Trainable, "Optimizer | str"]]


@public
class OptimizerGroups(Answering):
    """An optimizer for each part of a model, each with its own learning rate and state.

    ``Trainer(model, optimizer=[(layer, Adam(1e-4)), …])`` makes one. In a loop of your own it is
    used like an optimizer with ``parameters=``: ``zero_grad``, ``step``, ``state``, ``load_state``.

    Args:
        pairs: (part, optimizer) each: the part is a layer, a ``Parameter`` or a list of them, the
            optimizer an ``Optimizer`` or a name. Parts do not overlap; in a ``Trainer`` they are
            together the whole model (``freeze`` excludes layers from training).

    Attributes:
        optimizers: of the parts, bound to them.
        rates: the learning rates of the last step, one for each.

    Raises:
        DTypeError, ArgumentError: no such pairs, parts that overlap, an optimizer that is there
            twice or is bound to something else.

    A ``Trainer`` knows one learning rate, ``trainer.rate``: that of the first part. Where a
    callback multiplies it, the others are multiplied as well.

    >>> model = Sequential(Dense(4, "relu"), Dense(1)).initialize((3,), rng=0)
    >>> groups = OptimizerGroups([(model[0], SGD(0.1)), (model[1], Adam(0.001))])
    >>> model(np.ones((2, 3))).sum().backward()
    >>> groups.step()
    >>> groups.rates
    [0.1, 0.001]
    """

    def __init__(self, pairs: Pairs) -> None:
        name = type(self).__name__
        if not isinstance(pairs, list | tuple) or not pairs:
            raise DTypeError(sentence(name, "pairs", EXPECTED, brief(pairs)))
        self.optimizers: list[Optimizer] = []
        self._bindings: list[Binding] = []
        for place, pair in enumerate(pairs):
            part, optimizer = _as_pair(name, f"pairs[{place}]", pair)
            self._bindings.append(Binding(name, f"pairs[{place}]", part))
            if any(optimizer is other for other in self.optimizers):
                expected = "an optimizer of its own, which keeps the state of its part"
                raise ArgumentError(sentence(name, f"pairs[{place}]", expected, "one of before"))
            if optimizer._binding is not None and innermost(
                optimizer._binding.targets
            ) != innermost(self._bindings[-1].targets):
                expected = "an optimizer that is bound to nothing else"
                raise ArgumentError(sentence(name, f"pairs[{place}]", expected, brief(optimizer)))
            self.optimizers.append(optimizer)
        self._check_overlap(name)
        for binding, optimizer in zip(self._bindings, self.optimizers, strict=True):
            optimizer.parameters = binding.targets
        self.rates: list[float] = []
        # Where the parameters of each part lie in the buffer of ``start``.
        self._parts: list[list[tuple[int, int]]] = []

    def __repr__(self) -> str:
        pairs = zip(self._bindings, self.optimizers, strict=True)
        shown = ", ".join(f"({_shown(binding)}, {optimizer!r})" for binding, optimizer in pairs)
        return f"{type(self).__name__}([{shown}])"

    def _check_overlap(self, function: str) -> None:
        seen: dict[int, int] = {}
        built = all(binding.built for binding in self._bindings)
        for place, binding in enumerate(self._bindings):
            own = {id(p) for _, p in binding.named_parameters()} if built else set()
            for one in own | innermost(binding.targets):
                if seen.setdefault(one, place) != place:
                    received = f"some in pairs[{seen[one]}] and in pairs[{place}]"
                    expected = "parts of the model that share no parameter"
                    raise ArgumentError(sentence(function, "pairs", expected, received))

    def check_covers(self, function: str, model: Layer) -> None:
        """Raise ArgumentError unless the parts are together the whole of a model, and no more."""
        self._check_overlap(function)
        targets = [target for binding in self._bindings for target in binding.targets]
        if all(binding.built for binding in self._bindings) and model.built:
            found = {id(p) for b in self._bindings for _, p in b.named_parameters()}
            own = {id(p): place_name(model, name) for name, p in model.named_parameters()}
            inside = set(own)
        else:
            found = innermost(targets)
            # Only layers that make parameters when they are built; the others need no pair.
            own = {
                id(layer): place_name(model, name)
                for name, layer in model.named_layers()
                if layer._builds() and not any(True for _ in layer.children())
            }
            inside = innermost([model])
        if missing := [name for one, name in own.items() if one not in found]:
            expected = "a pair for each layer, frozen ones too (they do not move)"
            received = f"none for {', '.join(missing[:3])}"
            raise ArgumentError(sentence(function, "optimizer", expected, received))
        if found - inside:
            expected = "parts of the trainer's model"
            raise ArgumentError(sentence(function, "optimizer", expected, "one of another model"))

    def names_in(self, model: Layer) -> list[list[str]]:
        """Return the names of each part's parameters in a model, as a checkpoint notes them."""
        names = {id(parameter): name for name, parameter in model.named_parameters()}
        return [[names[id(p)] for _, p in b.named_parameters()] for b in self._bindings]

    # --- rates -------------------------------------------------------------------------

    @property
    def learning_rate(self) -> float | Schedule:
        """That of the first part."""
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, value: object) -> None:
        expected = "a rate for each part: groups.optimizers[0].learning_rate = 0.001"
        text = sentence("OptimizerGroups", "learning_rate", expected, brief(value))
        raise both(ArgumentError, AttributeError)(text)

    @property
    def schedule(self) -> Schedule:
        """The schedules of the parts as one."""
        return _Schedules([optimizer.schedule for optimizer in self.optimizers])

    def rate(self, time: float, total: float) -> float:
        """Set ``rates`` to those of a time, and return that of the first part.

        Args:
            time: how much of the training has passed.
            total: the whole training, in the same unit.
        """
        self.rates = [optimizer.rate(time, total) for optimizer in self.optimizers]
        return self.rates[0]

    def _rates_now(self, function: str, rate: float | None) -> list[float]:
        if rate is None:
            self.rates = [o._rate_now(function, None) for o in self.optimizers]
            return self.rates
        if not self.rates:
            self.rates = [o._rate_now(function, None) for o in self.optimizers]
        first = self.rates[0]
        if rate == first:
            return self.rates
        rate = as_number(function, "rate", rate, between=(0, np.inf))
        if first == 0:
            expected = (
                "0, because the first part has a learning rate of 0, of which this is no multiple"
            )
            raise ArgumentError(sentence(function, "rate", expected, rate))
        self.rates = [own * (rate / first) for own in self.rates]
        return self.rates

    # --- the parameters of a model -----------------------------------------------------

    @explains_calls
    def step(self, rate: float | None = None) -> None:
        """Change the parameters of all parts by their gradients, or, by an error, of none.

        Args:
            rate: of the first part; the others are multiplied alike. None: the numbers that the
                optimizers were made with; where they are schedules, call ``rate`` before:
                ``groups.step(groups.rate(done, total))``.

        Raises:
            ArgumentError, DTypeError, ShapeError, DivergenceError: as ``Optimizer.step``.
        """
        self._check_overlap("OptimizerGroups.step")
        rates = self._rates_now("OptimizerGroups.step", rate)
        known = [[p for _, p in b.named_parameters()] for b in self._bindings]
        buffers = [
            (p.data.reshape(-1), np.asarray(p.grad).reshape(-1))
            for own in known
            for p in own
            if p.grad is not None and np.shape(p.grad) == p.shape
        ]
        with self._undone_together(buffers, [p.data for own in known for p in own]):
            for optimizer, own in zip(self.optimizers, rates, strict=True):
                optimizer.step(own)

    def zero_grad(self) -> None:
        """Reset the gradients that ``backward()`` has added up."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()

    # --- a buffer ----------------------------------------------------------------------

    def start(self, parameters: Array) -> None:
        """Reset the steps, and allocate state for the parameters, which lie in this buffer.

        Args:
            parameters: the buffer of a model, ``model.flat_parameters()``, of which all parts are.

        Raises:
            ArgumentError: a part lies elsewhere.
        """
        self._parts, self.rates = [], []
        begin, size = parameters.__array_interface__["data"][0], parameters.itemsize
        for binding, optimizer in zip(self._bindings, self.optimizers, strict=True):
            slices = []
            for _, parameter in binding.named_parameters():
                if not np.may_share_memory(parameter.data, parameters):
                    expected = "the buffer that the parameters of the parts are views of"
                    raise ArgumentError(
                        sentence("OptimizerGroups.start", "parameters", expected, "another one")
                    )
                first = (parameter.data.__array_interface__["data"][0] - begin) // size
                slices.append(slice(first, first + parameter.data.size))
            parts = chosen_parts("OptimizerGroups.start", slices, parameters.size)
            self._parts.append(parts)
            optimizer.start(parameters[parts[0][0] : parts[-1][1]])
            if len(parts) == 1 and slices == sorted(slices, key=lambda part: part.start):
                # ``step`` continues from here
                optimizer._order = [p for _, p in binding.named_parameters()]

    def update(
        self,
        parameters: Array,
        gradients: Array,
        rate: float | None = None,
        *,
        where: Sequence[slice] | None = None,
    ) -> None:
        """Make one step of the buffer of ``start``, of all parts or, by an error, of none.

        Args:
            parameters: the buffer.
            gradients: the loss's gradient, of the same size and type.
            rate: as of ``step``.
            where: the parts of the buffer to update; None: all.

        Raises:
            ArgumentError, DTypeError, ShapeError, DivergenceError: as ``Optimizer.update``.
        """
        function = "OptimizerGroups.update"
        if not self._parts:
            raise ArgumentError(sentence(function, "state", "a call of start() before", "none"))
        rates = self._rates_now(function, rate)
        chosen = chosen_parts(function, where, parameters.size)
        steps = []
        for own, parts in zip(rates, self._parts, strict=True):
            low, high = parts[0][0], parts[-1][1]
            both = [
                slice(max(a, start) - low, min(b, stop) - low)
                for a, b in parts
                for start, stop in chosen
                if max(a, start) < min(b, stop)
            ]
            steps.append((slice(low, high), own, both))
        with self._undone_together([(parameters, gradients)], [parameters]):
            for optimizer, (part, own, both) in zip(self.optimizers, steps, strict=True):
                if both:
                    optimizer.update(parameters[part], gradients[part], own, where=both)

    @contextmanager
    def _undone_together(
        self, buffers: Sequence[tuple[Array, Array]], parameters: Sequence[Array]
    ) -> Iterator[None]:
        """Restore all parts where one of them raises, which large gradients lead to."""
        decay = max(optimizer.weight_decay for optimizer in self.optimizers)
        if all(cannot_overflow(p, g, decay) for p, g in buffers):
            yield
            return
        before = [array.copy() for array in parameters]
        kept = [self._kept(optimizer) for optimizer in self.optimizers]
        try:
            yield
        except DivergenceError:
            for array, numbers in zip(parameters, before, strict=True):
                array[...] = numbers
            for optimizer, attributes in zip(self.optimizers, kept, strict=True):
                vars(optimizer).update(attributes)
            raise

    @staticmethod
    def _kept(optimizer: Optimizer) -> dict[str, Any]:
        """Return what a step changes of an optimizer, copied."""
        slots = {name: array.copy() for name, array in optimizer.slots_state.items()}
        names = ("steps", "_counts", "_order", "_like")
        return {"slots_state": slots} | {name: getattr(optimizer, name) for name in names}

    # --- for a checkpoint --------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """Return the settings of the optimizers, as JSON can hold them."""
        own = [optimizer.settings() for optimizer in self.optimizers]
        return {"class": type(self).__name__, "optimizers": own}

    def state(self) -> dict[str, Array]:
        """Return the state of each optimizer, not copied: ``{"0.steps": …, "1.steps": …}``."""
        return _numbered([optimizer.state() for optimizer in self.optimizers])

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned.

        Raises:
            DTypeError, ShapeError, ArgumentError: what ``state`` cannot have returned; nothing is
                changed then.
        """
        parts = _by_number("OptimizerGroups.load_state", state, len(self.optimizers))
        with suppress(ArgumentError):
            for optimizer in self.optimizers:
                optimizer.state()  # a bound one makes its arrays then
        kept = [self._kept(optimizer) for optimizer in self.optimizers]
        try:
            for optimizer, part in zip(self.optimizers, parts, strict=True):
                optimizer.load_state(part)
        except BaseException:
            for optimizer, attributes in zip(self.optimizers, kept, strict=True):
                vars(optimizer).update(attributes)
            raise


def as_optimizers(value: Any, model: Layer) -> Optimizer | OptimizerGroups:
    """Return an optimizer, or those of a list of pairs, for a model."""
    made: Optimizer | OptimizerGroups
    if isinstance(value, OptimizerGroups):
        made = value
    elif isinstance(value, list | tuple | Mapping):
        pairs: Any = value  # OptimizerGroups refuses a mapping
        made = OptimizerGroups(pairs)
    else:
        made = as_optimizer(value)
    check_bound_to("Trainer", made, model)
    return made


def check_bound_to(function: str, optimizer: Optimizer | OptimizerGroups, model: Layer) -> None:
    """Raise ArgumentError where an optimizer is bound to other parameters than a model's."""
    if isinstance(optimizer, OptimizerGroups):
        optimizer.check_covers(function, model)
    elif optimizer._binding is not None and not optimizer._binding.is_of(model):
        expected = "one that is bound to all of the trainer's model (freeze() excludes layers)"
        raise ArgumentError(sentence(function, "optimizer", expected, "one bound to others"))


def _as_pair(function: str, argument: str, pair: Any) -> tuple[Any, Optimizer]:
    """Return a part and its optimizer; a mistake gets the pair to write."""
    expected, hint = "(layer, optimizer)", ""
    if isinstance(pair, list | tuple) and len(pair) == 2:
        part, optimizer = pair
        rate = isinstance(optimizer, Schedule) or (
            isinstance(optimizer, int | float) and not isinstance(optimizer, bool)
        )
        if rate:  # a learning rate alone
            hint = f"; here: (part, nn.Adam({brief(optimizer)}))"
        elif isinstance(part, Optimizer) and not isinstance(optimizer, Optimizer):
            hint = "; the part of the model comes first"
        else:
            return part, as_optimizer(optimizer)
    elif isinstance(pair, Mapping):  # a group of PyTorch's
        shown = brief(pair.get("lr", pair.get("learning_rate", 0.001)), letters=20)
        hint = f"; here: (model[0], nn.Adam({shown})), a layer and its optimizer"
    raise DTypeError(sentence(function, argument, expected, brief(pair, letters=80) + hint))


class _Schedules(Schedule):
    """The schedules of several optimizers."""

    def __init__(self, schedules: list[Schedule]) -> None:
        self.schedules = schedules

    def at(self, time: float, total: float) -> float:
        """Return the rate of the first."""
        return self.schedules[0].at(time, total)

    def watched(self, measures: Collection[str]) -> str:
        """Return what the first observes; the others check that what they observe is there."""
        names = [schedule.watched(measures) for schedule in self.schedules]
        return names[0]

    def observe_epoch(self, measures: Mapping[str, float]) -> None:
        """Let each observe its own measure."""
        for schedule in self.schedules:
            schedule.observe_epoch(measures)

    def state(self) -> dict[str, Array]:
        """Return the state of each."""
        return _numbered([schedule.state() for schedule in self.schedules])

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned."""
        parts = _by_number("load_state", state, len(self.schedules))
        for schedule, part in zip(self.schedules, parts, strict=True):
            schedule.load_state(part)


def _numbered(states: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    return {f"{n}.{name}": a for n, state in enumerate(states) for name, a in state.items()}


def _by_number(function: str, state: object, count: int) -> list[dict[str, Array]]:
    """Return the states that ``_numbered`` has joined."""
    if not isinstance(state, Mapping):
        raise DTypeError(sentence(function, "state", "a table of arrays", brief(state)))
    parts: list[dict[str, Array]] = [{} for _ in range(count)]
    for key, array in state.items():
        number, _, name = str(key).partition(".")
        if not number.isdecimal() or int(number) >= count:
            expected = f"names that begin with the number of one of {count} parts: '0.steps'"
            raise ArgumentError(sentence(function, "state", expected, brief(key)))
        parts[int(number)][name] = array
    return parts


def _shown(binding: Binding) -> str:
    shown = ", ".join(
        f"Parameter {target.shape}" if isinstance(target, Parameter) else repr(target)
        for target in binding.targets
    )
    return shown if len(binding.targets) == 1 else f"[{shown}]"
