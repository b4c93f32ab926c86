"""Learning rates that change during training."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from neural_network.checks import Array, as_count, as_number
from neural_network.describing import Described
from neural_network.errors import ArgumentError, DTypeError, brief, sentence
from neural_network.public import named, public
from neural_network.training.buffers import as_fraction, checked_state
from neural_network.training.directions import mode_of, without_validation

# Times are sums of fractions: 0.1 + 0.2 is a little beyond 0.3.
SLACK = 1e-9


@public
class Schedule(Described, ABC):
    """A learning rate as a function of time: ``schedule(time, total)``.

    A subclass writes ``at(time, total)``, and keeps each argument of its
    constructor as an attribute of that name (for ``repr`` and ``settings``).

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 8.3.1
    (why rates have to fall).

    >>> class Linear(Schedule):
    ...     def __init__(self, start):
    ...         self.start = start
    ...     def at(self, time, total):
    ...         return self.start * (1 - time / total)
    >>> Linear(0.5)(3, total=4)
    0.125
    """

    def __call__(self, time: float, total: float) -> float:
        """Return the rate at a time.

        Args:
            time: how much of the training has passed, from 0 to ``total``.
            total: the whole training, in the same unit (epochs, usually), above 0.

        Returns:
            The rate, a float of at least 0.

        Raises:
            DTypeError: an argument is no number.
            ArgumentError: ``total`` is not above 0, ``time`` lies outside it, or the
                rate is negative or not finite.
        """
        function = type(self).__name__
        total = as_number(function, "total", total, above=0)
        time = as_number(function, "time", time)
        if not -SLACK * total <= time <= (1 + SLACK) * total:
            raise ArgumentError(sentence(function, "time", f"a time from 0 to {total:g}", time))
        rate = self.at(min(max(time, 0.0), total), total)
        return as_number(function, "rate", rate, between=(0, math.inf))

    def _is_no_number(self, *_: object) -> Any:
        """Raise DTypeError where the rate of a schedule is computed with, or shown, as a number."""
        name = type(self).__name__
        raise DTypeError(
            f"{name}: the learning rate is a schedule, and no number: trainer.rate is the rate of "
            f"the last step, {name}(…)(time, total) that at a time"
        )

    __float__ = __int__ = __mul__ = __rmul__ = __truediv__ = __lt__ = __gt__ = _is_no_number
    __le__ = __ge__ = __add__ = __sub__ = _is_no_number

    def __format__(self, spec: str) -> str:
        """Return the text of it; a format of numbers is refused."""
        return str(self._is_no_number()) if spec else str(self)

    @classmethod
    def suggested(cls, rate: float, epochs: float) -> Schedule:  # noqa: ARG003  # for subclasses
        """Return the schedule that the command uses: of this highest rate, for these epochs."""
        make: Any = cls
        schedule: Schedule = make(rate)
        return schedule

    @abstractmethod
    def at(self, time: float, total: float) -> float:
        """Return the rate at ``time``, which lies from 0 to ``total``."""

    def watched(self, measures: Collection[str]) -> str:
        """Return the name of the measure that ``observe`` receives: the loss."""
        return "validation_loss" if "validation_loss" in measures else "loss"

    def observe_epoch(self, measures: Mapping[str, float]) -> None:
        """Observe the measure that is watched, where it is finite."""
        if math.isfinite(value := measures[self.watched(measures)]):
            self.observe(value)

    def observe(self, value: float) -> None:
        """Receive a measure, a loss or a score, once an epoch."""

    def state(self) -> dict[str, Array]:
        """Return what ``observe`` has changed, as arrays for a checkpoint."""
        return {}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned; raises if names, types or values differ."""
        checked_state(f"{type(self).__name__}.load_state", state, like={})


@public
@named("schedule", "step")
class StepDecay(Schedule):
    """A rate that falls in steps: ``start · factor^⌊time / every⌋``.

    Args:
        start: the first rate, above 0.
        every: time from step to step, above 0 (in epochs, usually).
        factor: what the rate is multiplied by, from 0 to below 1.

    Attributes:
        start, every, factor: as given.

    Raises:
        DTypeError: an argument is no number.
        ArgumentError: an argument lies outside its range.

    Source: He et al., "Deep Residual Learning", arXiv 1512.03385, section 3.4 (a tenth,
    when the error no longer falls).

    >>> decay = StepDecay(0.5, every=10, factor=0.5)
    >>> [decay(time, 30) for time in (0, 9.5, 10, 30)]
    [0.5, 0.5, 0.25, 0.0625]
    """

    def __init__(self, start: float, every: float, factor: float = 0.1) -> None:
        self.start = as_number("StepDecay", "start", start, above=0)
        self.every = as_number("StepDecay", "every", every, above=0)
        self.factor = as_fraction("StepDecay", "factor", factor)

    @classmethod
    def suggested(cls, rate: float, epochs: float) -> StepDecay:
        """Return one that leaves a tenth after each third of the epochs."""
        return cls(rate, every=epochs / 3)

    def at(self, time: float, total: float) -> float:  # noqa: ARG002  (the end does not matter)
        """Return the rate at ``time``."""
        return self.start * self.factor ** math.floor(time / self.every + SLACK)


@public
@named("schedule", "cosine")
class Cosine(Schedule):
    """Half a cosine wave: ``final + (start − final) · (1 + cos(π · time / total)) / 2``.

    Args:
        start: the rate at 0, above 0.
        final: the rate at the end, at least 0.

    Attributes:
        start, final: as given.

    Raises:
        DTypeError: an argument is no number.
        ArgumentError: an argument lies outside its range.

    Source: Loshchilov and Hutter, "SGDR", arXiv 1608.03983, equation 5.

    >>> [round(Cosine(1.0)(time, 4), 3) for time in (0, 1, 2, 4)]
    [1.0, 0.854, 0.5, 0.0]
    """

    def __init__(self, start: float, final: float = 0.0) -> None:
        self.start = as_number("Cosine", "start", start, above=0)
        self.final = as_number("Cosine", "final", final, between=(0, math.inf))

    def at(self, time: float, total: float) -> float:
        """Return the rate at ``time``."""
        return _wave(self.start, self.final, time / total)


@public
@named("schedule", "one-cycle")
class OneCycle(Schedule):
    """Increase to a high rate, then decrease to almost 0, each half a cosine wave.

    From ``peak / start_divisor`` to ``peak`` in the first ``warm_up`` of the time, and
    down to ``peak / (start_divisor · final_divisor)`` in the rest.

    Args:
        peak: the highest rate, above 0.
        warm_up: fraction of the time in which the rate increases, from 0 to 1.
        start_divisor: peak over first rate, above 0.
        final_divisor: first rate over last rate, above 0.

    Attributes:
        peak, warm_up, start_divisor, final_divisor: as given.

    Raises:
        DTypeError: an argument is no number.
        ArgumentError: an argument lies outside its range.

    Source: Smith and Topin, "Super-Convergence", arXiv 1708.07120 (there in straight
    lines; cosines and the divisors are PyTorch's).

    >>> cycle = OneCycle(1.0, warm_up=0.25, start_divisor=4, final_divisor=100)
    >>> [round(cycle(time, 8), 4) for time in (0, 1, 2, 5, 8)]
    [0.25, 0.625, 1.0, 0.5012, 0.0025]
    """

    def __init__(
        self,
        peak: float,
        warm_up: float = 0.3,
        start_divisor: float = 25.0,
        final_divisor: float = 1e4,
    ) -> None:
        self.peak = as_number("OneCycle", "peak", peak, above=0)
        self.warm_up = as_number("OneCycle", "warm_up", warm_up, between=(0, 1))
        self.start_divisor = as_number("OneCycle", "start_divisor", start_divisor, above=0)
        self.final_divisor = as_number("OneCycle", "final_divisor", final_divisor, above=0)

    def at(self, time: float, total: float) -> float:
        """Return the rate at ``time``."""
        first = self.peak / self.start_divisor
        top = self.warm_up * total
        if time < top:
            return _wave(first, self.peak, time / top)
        if top == total:  # the time is over at the top
            return self.peak
        return _wave(self.peak, first / self.final_divisor, (time - top) / (total - top))


@public
class WarmUp(Schedule):
    """A linear increase from 0: ``after(0) · time / duration``, then the schedule ``after``.

    After the warm-up the rate is ``after(time − duration, total − duration)``.

    Args:
        after: a rate above 0, or the schedule that follows.
        duration: of the increase, above 0, in the unit of time.

    Attributes:
        after, duration: as given.

    Raises:
        DTypeError: an argument is no number, ``after`` no schedule either.
        ArgumentError: an argument lies outside its range; when called, a schedule
            follows and the time ends within the warm-up.

    Source: Goyal et al., "Accurate, Large Minibatch SGD", arXiv 1706.02677, section 2.2.

    >>> rate = WarmUp(Cosine(0.5), duration=2)
    >>> [rate(time, 6) for time in (0, 1, 2, 6)]
    [0.0, 0.25, 0.5, 0.0]
    """

    def __init__(self, after: float | Schedule, duration: float) -> None:
        self.after = as_rate("WarmUp", "after", after)
        self.duration = as_number("WarmUp", "duration", duration, above=0)

    def at(self, time: float, total: float) -> float:
        """Return the rate at ``time``."""
        share = min(time / self.duration, 1.0)
        if isinstance(self.after, Schedule) and total <= self.duration:
            expected = f"more than the {self.duration:g} of the warm-up"
            raise ArgumentError(sentence("WarmUp", "total", expected, total))
        after = as_schedule(self.after)
        return share * after(max(time - self.duration, 0.0), total - self.duration)

    def watched(self, measures: Collection[str]) -> str:
        """Return the measure that the schedule that follows observes."""
        return as_schedule(self.after).watched(measures)

    def observe(self, value: float) -> None:
        """Pass the value to the schedule that follows."""
        as_schedule(self.after).observe(value)

    def state(self) -> dict[str, Array]:
        """Return the state of the schedule that follows."""
        return as_schedule(self.after).state()

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue the schedule that follows."""
        as_schedule(self.after).load_state(state)


@public
class ReduceOnPlateau(Schedule):
    """A rate that falls when the observed measure no longer improves.

    A value is better if it lies below the best one by more than ``threshold · |best|``
    (above it, in mode ``"max"``). After more than ``patience`` values in a row that are
    not: ``rate ← max(rate · factor, minimum)``, and counting starts again.

    Args:
        start: the first rate, above 0.
        factor: what the rate is multiplied by, from 0 to below 1.
        patience: how many values in a row may be no better, at least 0.
        threshold: the relative improvement that counts as better, at least 0.
        minimum: the rate never falls below it; from 0 to ``start``.
        mode: ``"min"`` for a loss, ``"max"`` for a score; None: as the name of the measure tells,
            see ``EarlyStopping``, and ``"min"`` without one.
        measure: which of a ``Trainer``'s measures is observed: "validation_loss" … None:
            the loss, in mode ``"max"`` the accuracy; of the validation if there is one.

    Attributes:
        start, factor, patience, threshold, minimum, mode, measure: as given.
        current: the rate now.
        best: the best value so far, 0 before the first.
        observed: how many values were observed.
        waited: how many values were observed since the best one or the last decrease.

    Raises:
        DTypeError: an argument is of the wrong kind.
        ArgumentError: an argument lies outside its range; (in ``fit``) there is no such
            measure.

    Source: PyTorch's ``ReduceLROnPlateau``; the idea in Goodfellow, Bengio and
    Courville, "Deep Learning", 2016, section 8.3.1.

    >>> plateau = ReduceOnPlateau(0.5, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     plateau.observe(loss)
    >>> plateau(4, total=10)
    0.25
    """

    def __init__(
        self,
        start: float,
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        minimum: float = 0.0,
        mode: str | None = None,
        *,
        measure: str | None = None,
    ) -> None:
        function = "ReduceOnPlateau"
        self.start = as_number(function, "start", start, above=0)
        self.factor = as_fraction(function, "factor", factor)
        self.patience = as_count(function, "patience", patience, minimum=0)
        self.threshold = as_number(function, "threshold", threshold, between=(0, math.inf))
        self.minimum = as_number(function, "minimum", minimum, between=(0, self.start))
        if measure is not None and not isinstance(measure, str):
            raise DTypeError(sentence(function, "measure", "the name of a measure", brief(measure)))
        self.mode = mode_of(function, "loss" if measure is None else measure, mode)
        self.measure = measure
        self.current = self.start
        self.best = 0.0
        self.observed = 0
        self.waited = 0

    def at(self, time: float, total: float) -> float:  # noqa: ARG002  (time does not matter)
        """Return the rate now."""
        return self.current

    def watched(self, measures: Collection[str]) -> str:
        """Return which of a training's measures is observed.

        Raises:
            ArgumentError: there is no such measure.
        """
        kind = "loss" if self.mode == "min" else "accuracy"
        names = (f"validation_{kind}", kind) if self.measure is None else (self.measure,)
        found = next((name for name in names if name in measures), None)
        if found is None:
            expected = f"one of {', '.join(measures)}"
            received = f"{self.measure!r} (mode {self.mode!r})"
            received += without_validation(str(self.measure), measures)
            raise ArgumentError(sentence("ReduceOnPlateau", "measure", expected, received))
        return found

    def observe(self, value: float) -> None:
        """Observe a loss or score, and decrease the rate if it is due.

        Args:
            value: a finite number.

        Raises:
            DTypeError: ``value`` is no number.
            ArgumentError: ``value`` is not finite.
        """
        value = as_number("ReduceOnPlateau.observe", "value", value)
        gain = self.best - value if self.mode == "min" else value - self.best
        better = self.observed == 0 or gain > self.threshold * abs(self.best)
        self.observed += 1
        self.waited = 0 if better else self.waited + 1
        if better:
            self.best = value
        if self.waited > self.patience:
            self.current = max(self.current * self.factor, self.minimum)
            self.waited = 0

    def state(self) -> dict[str, Array]:
        """Return the rate, the best value and the counts, as arrays without dimensions."""
        rates = {name: np.array(getattr(self, name)) for name in ("current", "best")}
        counts = {name: np.array(getattr(self, name), np.int64) for name in ("observed", "waited")}
        return {**rates, **counts}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned.

        Args:
            state: the four arrays.

        Raises:
            DTypeError, ShapeError, ArgumentError: names, types, shapes or values that
                ``state`` cannot have returned; nothing is changed then.
        """
        function = "ReduceOnPlateau.load_state"
        arrays = checked_state(function, state, like=self.state())
        place = "state['current']"
        self.current = as_number(
            function, place, float(arrays["current"]), between=(self.minimum, self.start)
        )
        self.best = float(arrays["best"])
        self.observed = int(arrays["observed"])
        self.waited = int(arrays["waited"])


class Constant(Schedule):
    """A rate that never changes, at any time."""

    def __init__(self, start: float) -> None:
        self.start = start

    def __call__(self, time: float, total: float) -> float:  # noqa: ARG002  # see the class
        """Return the rate."""
        return self.start

    at = __call__


def as_schedule(rate: float | Schedule) -> Schedule:
    """Return a schedule as it is, or a number as a schedule that never changes."""
    return rate if isinstance(rate, Schedule) else Constant(rate)


def as_rate(function: str, name: str, value: Any) -> float | Schedule:
    """Return a schedule as it is, or a number above 0 as a float."""
    if isinstance(value, Schedule):
        return value
    if callable(value) and not isinstance(value, type):  # as LambdaLR of PyTorch
        own = "class Own(nn.Schedule): at = lambda self, time, total: …"
        received = f"{brief(value)}; a function becomes a Schedule: {own}"
        raise DTypeError(sentence(function, name, "a finite number above 0", received))
    return as_number(function, name, value, above=0)


def _wave(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2
