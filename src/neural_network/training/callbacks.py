"""What looks on while a network learns, and may step in."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.checks import Array, as_choice, as_count, as_flag, as_number, as_single
from neural_network.errors import ArgumentError, DivergenceError, DTypeError, sentence
from neural_network.files import locked, written_beside
from neural_network.public import public
from neural_network.training.buffers import checked_state
from neural_network.training.checkpoints import check_savable, save_checkpoint

if TYPE_CHECKING:
    from neural_network.training.trainer import Trainer


@public
class Callback:
    """Base of callbacks: verbs that do nothing, called by a ``Trainer``; write those you need.

    Everything of the trainer may be read (``trainer.model``, ``.epoch``, ``.step``,
    ``.rate``, ``.history``); ``trainer.stop = True`` ends the training after the step.

    Raises:
        Nothing.

    >>> class Say(Callback):
    ...     def on_epoch_end(self, trainer, measures):
    ...         print(trainer.epoch, sorted(measures))
    >>> model = Sequential(Dense(2))
    >>> trainer = Trainer(model, callbacks=[Say()], rng=0, progress=False)
    >>> _ = trainer.fit(np.eye(2), np.array([0, 1]), epochs=1)
    1 ['accuracy', 'loss']
    """

    # Whether it is told after all others: what writes down their state has to be.
    comes_last = False

    def during_fit(self, trainer: Trainer) -> AbstractContextManager[Any]:  # noqa: ARG002  # for subclasses
        """Return a context manager that is open as long as the training runs."""
        return nullcontext()

    def on_fit_begin(self, trainer: Trainer) -> None:
        """The training begins, or goes on."""

    def on_epoch_begin(self, trainer: Trainer) -> None:
        """An epoch begins, or goes on from the middle, after ``resume``."""

    def on_step_begin(self, trainer: Trainer) -> None:
        """A step begins; ``trainer.rate`` may be changed for it."""

    def on_step_end(self, trainer: Trainer, loss: float) -> None:
        """A step is done; ``loss`` is that of its batch."""

    def on_epoch_end(self, trainer: Trainer, measures: Mapping[str, float]) -> None:
        """An epoch is done, and in the history."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """The training is over."""

    def on_interrupt(self, trainer: Trainer) -> str | None:  # noqa: ARG002  # for subclasses
        """Ctrl-C was pressed, the last step is whole; a sentence returned is shown."""
        return None

    def state(self) -> dict[str, Array]:
        """Return what a checkpoint has to keep of this callback."""
        return {}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Take back what ``state`` returned, or raise before anything is changed."""


def as_callbacks(value: object) -> list[Callback]:
    """Return callbacks in the order in which they are told."""
    if isinstance(value, Callback) or not isinstance(value, Iterable):
        raise DTypeError(sentence("Trainer", "callbacks", "a list of callbacks", repr(value)))
    found = list(value)
    for place, callback in enumerate(found):
        if not isinstance(callback, Callback):
            expected = "a Callback such as EarlyStopping()"
            name = f"callbacks[{place}]"
            raise DTypeError(sentence("Trainer", name, expected, repr(callback)))
    paths = [os.path.realpath(c.path) for c in found if isinstance(c, Checkpoint | CSVLog)]
    if twice := [path for path in paths if paths.count(path) > 1]:
        received = f"two callbacks write one path: {twice[0]}"
        raise ArgumentError(sentence("Trainer", "callbacks", "a path for each", received))
    # Those that write down what the others hold come last.
    return sorted(found, key=lambda callback: callback.comes_last)


@public
class EarlyStopping(Callback):
    """Stop when a measure has not improved for some epochs, and go back to the best weights.

    Args:
        measure: what to look at: "validation_loss", "validation_accuracy" …
        patience: epochs without an improvement, at least 1.
        mode: whether smaller ("min") or larger ("max") is better; None: "max" for an
            accuracy, else "min".
        threshold: an improvement is larger than this.
        restore_best: whether the model ends with the weights of the best epoch.

    Attributes:
        best: the best measure so far.
        best_epoch: its epoch, from 1.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.
        ArgumentError: (in ``fit``) there is no such measure.

    Source: Prechelt, "Early Stopping – But When?", 1998.

    >>> EarlyStopping("validation_loss", patience=3).mode
    'min'
    """

    def __init__(
        self,
        measure: str = "validation_loss",
        patience: int = 5,
        *,
        mode: str | None = None,
        threshold: float = 0.0,
        restore_best: bool = True,
    ) -> None:
        name = "EarlyStopping"
        if not isinstance(measure, str):
            raise DTypeError(sentence(name, "measure", "the name of a measure", repr(measure)))
        self.measure = measure
        self.patience = as_count(name, "patience", patience)
        guess = "max" if "accuracy" in measure else "min"
        self.mode = guess if mode is None else as_choice(name, "mode", mode, ("min", "max"))
        self.threshold = as_number(name, "threshold", threshold, between=(0, np.inf))
        self.restore_best = as_flag(name, "restore_best", restore_best)
        self._forget()

    def _forget(self) -> None:
        self.best, self.best_epoch = float("inf" if self.mode == "min" else "-inf"), 0
        self._weights: dict[str, Array] = {}

    def during_fit(self, trainer: Trainer) -> AbstractContextManager[Any]:
        """Look whether there will be such a measure."""
        if self.measure not in trainer.measures:
            expected = f"one of {', '.join(trainer.measures)}"
            raise ArgumentError(sentence("EarlyStopping", "measure", expected, repr(self.measure)))
        model = trainer.model
        self._shapes = {n: t.shape for n, t in [*model.named_parameters(), *model.named_buffers()]}
        return nullcontext()

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Begin anew, unless a training goes on."""
        if trainer.step == 0:
            self._forget()

    def on_epoch_end(self, trainer: Trainer, measures: Mapping[str, float]) -> None:
        """Compare with the best epoch."""
        value = measures[self.measure]
        gain = self.best - value if self.mode == "min" else value - self.best
        if gain > self.threshold:
            self.best, self.best_epoch = value, trainer.epoch
            if self.restore_best:
                # What was measured: with an average, that.
                self._weights = trainer.final_arrays()
        elif trainer.epoch - self.best_epoch >= self.patience:
            trainer.stop = True

    def on_fit_end(self, trainer: Trainer) -> None:
        """Go back to the best weights."""
        if self._weights:
            trainer.memory.put(self._weights)

    def state(self) -> dict[str, Array]:
        """Return the best measure, its epoch and its weights."""
        kept = {f"weights.{name}": array for name, array in self._weights.items()}
        return {"best": np.array(self.best), "best_epoch": np.array(self.best_epoch), **kept}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Take them back.

        Raises:
            DTypeError, ArgumentError: what is no measure, no epoch or of another model.
        """
        function, start = "EarlyStopping.load_state", len("weights.")
        weights = {n[start:]: a for n, a in state.items() if n.startswith("weights.")}
        best, kept = as_single(function, "best", state.get("best")), {**state}
        for name in ("best", *(f"weights.{name}" for name in weights)):
            kept.pop(name)  # the best measure may be infinite: there was none
        arrays = checked_state(function, kept, like={"best_epoch": np.array(0)})
        if math.isnan(best):
            raise ArgumentError(sentence(function, "best", "a measure", best))
        if weights and {name: array.shape for name, array in weights.items()} != self._shapes:
            expected, received = "those of the model", ", ".join(weights)[:50]
            raise ArgumentError(sentence(function, "weights", expected, received))
        self.best, self.best_epoch, self._weights = best, int(arrays["best_epoch"]), weights


@public
class Checkpoint(Callback):
    """Write all that is needed to go on, so that a training can be killed at any instant.

    ``trainer.fit(…, resume=path)`` goes on from the file and ends bit for bit where the
    unbroken run ends. The file is written beside and renamed. Only one training at a
    time may write it.

    Args:
        path: the file, such as "run.checkpoint".
        steps: write after so many steps as well; None: only after each epoch.
        seconds: write after so many seconds as well (at the next whole step).

    Attributes:
        path: as given.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.
        FileWriteError: (in ``fit``) the file cannot be written; the old one survives.

    >>> Checkpoint("run.checkpoint", steps=100).path
    'run.checkpoint'
    """

    comes_last = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        steps: int | None = None,
        seconds: float | None = None,
    ) -> None:
        self.path = _as_path("Checkpoint", path)
        self.steps = None if steps is None else as_count("Checkpoint", "steps", steps)
        self.seconds = (
            None if seconds is None else as_number("Checkpoint", "seconds", seconds, above=0)
        )
        self._written = monotonic()

    def during_fit(self, trainer: Trainer) -> AbstractContextManager[Any]:
        """Hold the file against another training."""
        check_savable(trainer)
        self._written = monotonic()
        return locked(self.path)

    def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
        """Write, if it is time."""
        due = self.steps is not None and trainer.step % self.steps == 0
        late = self.seconds is not None and monotonic() - self._written > self.seconds
        if due or late:
            self.write(trainer)

    def on_epoch_end(self, trainer: Trainer, measures: Mapping[str, float]) -> None:  # noqa: ARG002
        """Write."""
        self.write(trainer)

    def on_interrupt(self, trainer: Trainer) -> str:
        """Write, and say how to go on."""
        self.write(trainer)
        return f"saved {self.path}; fit(…, resume={self.path!r}) goes on from here"

    def write(self, trainer: Trainer) -> None:
        """Write the checkpoint now."""
        save_checkpoint(trainer, self.path)
        self._written = monotonic()


@public
class CSVLog(Callback):
    """Keep a CSV file of the history: a line for each epoch.

    The whole file is written anew, beside and renamed, after each epoch.

    Args:
        path: the file.

    Attributes:
        path: as given.

    Raises:
        DTypeError: no path.
        FileWriteError: (in ``fit``) the file cannot be written.

    >>> CSVLog("log.csv").path
    'log.csv'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = _as_path("CSVLog", path)

    def during_fit(self, trainer: Trainer) -> AbstractContextManager[Any]:  # noqa: ARG002
        """Hold the file against another training."""
        return locked(self.path)

    def on_epoch_end(self, trainer: Trainer, measures: Mapping[str, float]) -> None:  # noqa: ARG002
        """Write the file."""
        text = io.StringIO(newline="")
        table = csv.writer(text, lineterminator="\n")
        history = trainer.history
        table.writerow(["epoch", *history])
        for epoch in range(history.epochs):
            # A measure that came later stands at the end.
            late = {
                name: epoch - history.epochs + len(numbers) for name, numbers in history.items()
            }
            row = [history[name][place] if place >= 0 else "" for name, place in late.items()]
            table.writerow([epoch + 1, *row])
        with written_beside(self.path) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8")


@public
class LearningRateFinder(Callback):
    """Let the learning rate grow step by step, and see where the loss falls fastest.

    The rate goes geometrically from ``low`` to ``high``; the training stops when all
    steps are done or the loss has risen far above its best. The model gets its weights
    back: nothing is learned.

    Args:
        low, high: first and last rate, 0 < low < high.
        steps: how many, at least 10.

    Attributes:
        rates, losses: one for each step.
        suggestion: the rate at the steepest fall of the smoothed loss; None before.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", arXiv 1506.01186.

    >>> LearningRateFinder(1e-4, 1.0, steps=50).suggestion
    """

    def __init__(self, low: float = 1e-6, high: float = 1.0, steps: int = 100) -> None:
        name = "LearningRateFinder"
        self.low = as_number(name, "low", low, above=0)
        self.high = as_number(name, "high", high, above=self.low)
        self.steps = as_count(name, "steps", steps, minimum=10)
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.suggestion: float | None = None

    @contextmanager
    def during_fit(self, trainer: Trainer) -> Iterator[None]:
        """Note where the weights are, and give them back however the training ends."""
        self.rates, self.losses, self.suggestion = [], [], None
        model = trainer.model
        tensors = [*model.parameters(), *(buffer for _, buffer in model.named_buffers())]
        before = [tensor.data.copy() for tensor in tensors]
        try:
            with suppress(DivergenceError):  # what so high a rate does is an answer as well
                yield
        finally:
            for tensor, numbers in zip(tensors, before, strict=True):
                tensor.data[...] = numbers
            self._find()

    def on_step_begin(self, trainer: Trainer) -> None:
        """Set the rate."""
        share = len(self.rates) / (self.steps - 1)
        trainer.rate = self.low * (self.high / self.low) ** share

    def on_step_end(self, trainer: Trainer, loss: float) -> None:
        """Note the loss; stop when there is no more to see."""
        self.rates.append(trainer.rate)
        self.losses.append(loss)
        if len(self.rates) == self.steps or self._has_risen():
            trainer.stop = True

    def _has_risen(self) -> bool:
        """Say whether the loss lies far above its best, seen from how it moved until then."""
        best = int(np.argmin(self.losses))
        until_best = self.losses[: max(best + 1, 5)]
        spread = max(max(until_best) - min(until_best), abs(self.losses[best]))
        return len(self.losses) > 5 and self.losses[-1] - self.losses[best] > 3 * spread + 1e-12

    def _find(self) -> None:
        """Find the steepest fall of the losses, each with two neighbours on either side."""
        if len(self.losses) < 6:
            return
        smooth = np.convolve(self.losses, np.ones(5) / 5, mode="valid")
        self.suggestion = self.rates[int(np.argmin(np.diff(smooth))) + 2]


def _as_path(function: str, path: object) -> str:
    if not isinstance(path, str | os.PathLike):
        raise DTypeError(sentence(function, "path", "a path", repr(path)))
    return os.fspath(path)
