"""What the training loop reads and changes, below the loop itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from math import nan
from typing import Any

import numpy as np

from neural_network.checks import Array, as_mapping, is_iterable
from neural_network.describing import call_text
from neural_network.elsewhere.surface import Answering
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    NeuralNetworkError,
    both,
    brief,
    sentence,
)
from neural_network.files import real_path
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import Draws, generator
from neural_network.training.averaging import ExponentialAverage
from neural_network.training.data import Batch
from neural_network.training.gathering import Gathered
from neural_network.training.history import History, Measures
from neural_network.training.objectives import (
    ClassWeights,
    Loss,
    Metric,
    UsualMetrics,
    total_share,
    usual_metrics,
)
from neural_network.training.optimizers import Optimizer
from neural_network.training.optimizers.groups import OptimizerGroups
from neural_network.training.parameters import Memory
from neural_network.training.schedules import Schedule
from neural_network.training.shown import html_of
from neural_network.training.signatures import check_takes

# The attributes that change during a training; together with the history, its position.
POSITION = ("epoch", "batch", "step", "rows", "sums", "counts", "stop", "seed")

Augmentation = Callable[[Array, np.random.Generator], Array]


class HasState(Answering):
    """What a checkpoint stores of an object; by default nothing."""

    def state(self) -> dict[str, Array]:
        """Return the arrays that a checkpoint has to store."""
        return {}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned, or raise before anything is changed."""


class _FromFit:
    """Stands for an attribute until ``fit`` sets it: an error that says so."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            return self
        expected = "a call of fit before, which sets it"
        kind = both(NeuralNetworkError, AttributeError)
        raise kind(sentence(owner.__name__, self._name, expected, "none"))


def from_fit() -> Any:
    """Declare an attribute that ``fit`` sets."""
    return _FromFit()


class TrainingState(Answering):
    """The settings of a training and its position.

    ``Trainer`` adds the methods that change it. Checkpoints, the dry run, the divergence
    report and interrupts take this class, so that none of them imports the trainer.
    """

    # Settings, which stay as they are during ``fit``.
    model: Layer
    optimizer: Optimizer | OptimizerGroups
    loss: Loss
    metrics: dict[str, Metric]
    callbacks: Sequence[HasState]
    seed: int
    seed_given: bool
    augment: Augmentation | None
    class_weights: ClassWeights
    clip_norm: float | None
    clip_value: float | None
    accumulate: int
    average: ExponentialAverage | None
    progress: bool
    # The settings as ``check_settings`` has left them, and the schedule's first state.
    checked: dict[str, Any]
    # What ``fit`` was called with.
    epochs: int = from_fit()
    measures: list[str] = from_fit()
    feed_shape: list[Any] = from_fit()
    # The names of the parameters that were frozen when ``fit`` began.
    frozen: list[str] = from_fit()
    # The fraction of the rows that is held out; None: other data, or none.
    validation: float | None = from_fit()
    # A weight for each class, as ``class_weights`` and the labels give them.
    _class_weights: Array | None = None
    # What the last trial depended on, and the shape of a row of the outputs; see ``try_fit``.
    tried: tuple[tuple[Any, ...], Any] | None = None
    # The ``DirectStep`` of the last training.
    _direct: Any = None
    # The numbers that are trained, and the position.
    memory: Memory = from_fit()
    history: History
    epoch: int
    batch: int
    step: int
    rows: int
    # Of this epoch: the sums of the measures, and what the rows counted in them.
    sums: dict[str, float]
    counts: dict[str, float]
    gathered: Gathered
    rate: float
    stop: bool
    # The batch that was computed last, as the model was given it.
    latest: Batch = from_fit()

    def _arguments(self) -> dict[str, Any]:
        """Return what the training was made with, for people: the usual values are left out."""
        names = ("augment", "class_weights", "clip_norm", "clip_value", "accumulate", "average")
        found = {
            "model": self.model,
            "optimizer": self.optimizer,
            "loss": getattr(self.loss, "__name__", self.loss),
            "metrics": list(self.metrics),
            "callbacks": list(self.callbacks),
            "rng": self.seed,
        }
        found |= {name: getattr(self, name) for name in names}
        plain = {"accumulate": 1, "callbacks": [], "metrics": []}
        return {
            name: value
            for name, value in found.items()
            if value is not None and not (name in plain and value == plain[name])
        }

    def __repr__(self) -> str:
        return call_text(type(self).__name__, self._arguments())

    def _repr_html_(self) -> str:
        return html_of(self, self._arguments())

    def begin(self) -> None:
        """Set the position to the start of a training."""
        self.history = History(seed=self.seed)
        self.epoch = self.batch = self.step = self.rows = 0
        self.sums, self.counts = {}, {}
        self.gather_anew()
        self.rate = 0.0
        self.stop = False

    def choose_metrics(self, *targets: Any) -> None:
        """Choose the usual metrics for these targets, where none were given."""
        if type(self.metrics) is UsualMetrics:
            self.metrics = self.checked["metrics"] = usual_metrics(self.loss, *targets)

    def gather_anew(self) -> None:
        """Forget the rows of this epoch; others are kept where ``metrics`` are others now."""
        self.gathered = Gathered(self.metrics)

    def add_measures(self, found: Mapping[str, float], y: Any, weight: float) -> None:
        """Add the measures of a batch to those of the epoch, each times what its rows count in it.

        Args:
            found: the loss and the metrics; a metric in which no row counts is missing.
            y: labels or targets of the batch.
            weight: of the rows in the loss; 0 if none counts.
        """
        found = as_mapping("add_measures", "found", found, "measures by name")
        for name in dict.fromkeys(("loss", *self.metrics, *found)):
            # If no row counts in a measure, the batch does not either.
            counts = weight > 0 if name == "loss" else name in found
            function = self.loss if name == "loss" else self.metrics.get(name, len)
            count = total_share(function, y) if counts else 0.0
            self.counts[name] = self.counts.get(name, 0.0) + count
            self.sums[name] = self.sums.get(name, 0.0) + (count and found[name] * count)

    def means(self) -> Measures:
        """Return the means of the epoch's measures; NaN for one in which no row counts.

        Metrics that are no means are those of all rows together.
        """
        counts = {name: self.counts.get(name, self.rows) for name in self.sums}
        means = {n: total / counts[n] if counts[n] else nan for n, total in self.sums.items()}
        return Measures(means | self.gathered.measures())

    def next_epoch(self) -> None:
        """Set the position to the start of the next epoch."""
        self.epoch, self.batch, self.rows, self.sums, self.counts = self.epoch + 1, 0, 0, {}, {}
        self.gathered.clear()

    def position(self) -> dict[str, Any]:
        """Return the position, without the numbers of the history, as JSON can hold it."""
        numbers = {name: getattr(self, name) for name in POSITION}
        return {**numbers, "measures": list(self.history), "seconds": self.history.seconds}

    def go_to(self, position: Mapping[str, Any], history: Mapping[str, Array]) -> None:
        """Set the position to what ``position`` returned, with the numbers of the history."""
        position = as_mapping("go_to", "position", position, "what position() returned")
        history = as_mapping("go_to", "history", history, "arrays of numbers by name")
        if missing := {*POSITION, "measures", "seconds"} - set(position):
            expected = f"a position with {min(missing)!r}"
            raise both(ArgumentError, KeyError)(
                sentence("go_to", "position", expected, brief(position))
            )
        for name in POSITION:
            setattr(self, name, position[name])
        values = {name: history[name].tolist() for name in position["measures"]}
        self.history = History(values, seed=self.seed)
        self.history.seconds = float(position["seconds"])

    def draws(self) -> Draws:
        """Return the random numbers that layers draw from in the next batch.

        They follow from the step and the row's place in it, so that several batches of a
        step draw the numbers of one large batch.
        """
        step = self.batch // self.accumulate
        return Draws(self.seed, self._number(step), self.memory.rows)

    def augmentation_rng(self) -> np.random.Generator:
        """Return the generator for the augmentation of the next batch."""
        return generator(self.seed, "augment", self._number(self.batch))

    def _number(self, within_epoch: int) -> int:
        """Return the number of a batch or step of this epoch, unique in the training."""
        return (self.epoch << 32) + within_epoch

    def averaged(self) -> AbstractContextManager[None]:
        """Put the averaged weights into the model for a block, if there are any."""
        return self.memory.averaged(self.average)

    def final_arrays(self) -> dict[str, Array]:
        """Return a copy of the weights the model would end with now: averaged, if there are any."""
        with self.averaged():
            return {name: array.copy() for name, array in self.memory.arrays().items()}

    def callbacks_with_state(self) -> list[HasState]:
        """Return the callbacks whose state a checkpoint stores; others may come and go."""
        return [c for c in self.callbacks if type(c).state is not HasState.state]


def as_callbacks(value: object, kind: type[Any]) -> list[Any]:
    """Return callbacks, of the class ``kind``, in the order in which they are called."""
    if isinstance(value, kind) or not is_iterable(value):
        expected = f"a list of callbacks{_of_schedule(value)}"
        raise DTypeError(sentence("Trainer", "callbacks", expected, brief(value)))
    found = list(value)
    for place, callback in enumerate(found):
        if not isinstance(callback, kind):
            expected = f"a Callback such as EarlyStopping(){_of_schedule(callback)}"
            name = f"callbacks[{place}]"
            raise DTypeError(sentence("Trainer", name, expected, brief(callback, letters=120)))
        for verb in dir(kind):
            method = getattr(kind, verb)
            if not verb.startswith("_") and inspect.isfunction(method):
                _, *arguments = inspect.signature(method).parameters
                name = f"{type(callback).__name__}.{verb}"
                check_takes(name, getattr(callback, verb), *arguments)
    paths = [real_path(path) for c in found if (path := c._written_path()) is not None]
    if twice := [path for path in paths if paths.count(path) > 1]:
        received = f"two callbacks write one path: {twice[0]}"
        raise ArgumentError(sentence("Trainer", "callbacks", "a path for each", received))
    return sorted(found, key=lambda callback: callback.comes_last)


def _of_schedule(value: object) -> str:
    """Return where a schedule, or a class of schedules, stands: no callback moves the rate."""
    kind = value if isinstance(value, type) else type(value)
    if not issubclass(kind, Schedule):
        return ""
    line = f"nn.Adam(nn.{kind.__name__}(…))"
    return f" (a schedule stands in the place of the learning rate: {line})"
