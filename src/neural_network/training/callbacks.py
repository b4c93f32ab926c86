"""Callbacks that come with the library."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from neural_network.checks import Array, as_count, as_flag, as_mapping, as_number, as_single
from neural_network.errors import (
    ArgumentError,
    DivergenceError,
    DTypeError,
    NeuralNetworkError,
    brief,
    give_hint,
    sentence,
)
from neural_network.files import append, as_path, file_size, locked, written_beside
from neural_network.public import public
from neural_network.training.buffers import checked_state
from neural_network.training.callback_base import Callback
from neural_network.training.checkpoints import check_savable, read_checkpoint, save_checkpoint
from neural_network.training.directions import mode_of, without_validation
from neural_network.training.trainer import Trainer


@public
class EarlyStopping(Callback):
    """Stop when a measure has not improved for some epochs, and restore the best weights.

    Args:
        measure: the name of a measure: "validation_loss", "validation_accuracy" …
        patience: epochs without an improvement, at least 1.
        mode: whether smaller ("min") or larger ("max") is better; None: as the name tells, "min"
            for a loss or error ("mae", "dice_loss" …), "max" for a score ("accuracy", "acc",
            "f1", "iou" …); another name needs a mode.
        threshold: an improvement is larger than this.
        restore_best: whether the model ends with the weights of the best epoch.

    Attributes:
        best: the best measure so far.
        best_epoch: its epoch, from 1.
        reason: why the training has stopped, a sentence; "" where this callback did not stop it.
        restored_epoch: the epoch of which the model has the weights after ``fit``; None: they are
            those of the last step.

    After the training both are printed, where the ``Trainer`` prints its progress.

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
            raise DTypeError(sentence(name, "measure", "the name of a measure", brief(measure)))
        self.measure = measure
        self.patience = as_count(name, "patience", patience)
        self.mode = mode_of(name, measure, mode)
        self.threshold = as_number(name, "threshold", threshold, between=(0, np.inf))
        self.restore_best = as_flag(name, "restore_best", restore_best)
        self._reset()

    def _reset(self) -> None:
        self.best, self.best_epoch = float("inf" if self.mode == "min" else "-inf"), 0
        self._weights: dict[str, Array] = {}
        self.reason = ""
        self.restored_epoch: int | None = None
        self._has_ended = False

    def during_fit(self, trainer: Trainer) -> AbstractContextManager[Any]:
        """Check that the measure exists."""
        if self.measure not in trainer.measures:
            from neural_network.elsewhere.answers import with_meaning

            expected = f"one of {', '.join(trainer.measures)}"
            received = with_meaning(self.measure, trainer.measures)
            received += without_validation(self.measure, trainer.measures)
            raise ArgumentError(sentence("EarlyStopping", "measure", expected, received))
        model = trainer.model
        self._shapes = {n: t.shape for n, t in [*model.named_parameters(), *model.named_buffers()]}
        return nullcontext()

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Reset, unless a training is resumed; go on where the patience is longer now."""
        if trainer.step == 0:
            self._reset()
        elif self._has_ended and trainer.epoch - self.best_epoch < self.patience:
            self._has_ended = False
            trainer.stop = any(
                isinstance(one, EarlyStopping) and one._has_ended
                for one in trainer.callbacks
                if one is not self
            )

    def on_epoch_end(self, trainer: Trainer, measures: Mapping[str, float]) -> None:
        """Compare with the best epoch."""
        value = measures[self.measure]
        gain = self.best - value if self.mode == "min" else value - self.best
        if gain > self.threshold:
            self.best, self.best_epoch = value, trainer.epoch
            if self.restore_best:
                # The weights that were measured: the average, if there is one.
                self._weights = trainer.final_arrays()
        elif trainer.epoch - self.best_epoch >= self.patience:
            self._has_ended = trainer.stop = True

    def on_fit_end(self, trainer: Trainer) -> None:
        """Restore the best weights; say which they are, and why the training has stopped."""
        waited = trainer.epoch - self.best_epoch
        best = f"{self.best:.4g} of epoch {self.best_epoch}" if self.best_epoch else "any epoch"
        self.reason = ""
        if trainer.stop and trainer.batch == 0 and waited >= self.patience:
            epochs = "epoch" if waited == 1 else "epochs"
            self.reason = f"{self.measure} has not improved on {best} for {waited} {epochs}"
            trainer.print_line(f"early stopping after epoch {trainer.epoch}: {self.reason}")
        self.restored_epoch = None
        if self._weights:
            trainer.memory.put(self._weights)
            self.restored_epoch = self.best_epoch
            measured = f"{self.measure} {self.best:.4g}"
            trainer.print_line(f"the weights are those of epoch {self.best_epoch} ({measured})")

    def state(self) -> dict[str, Array]:
        """Return the best measure, its epoch and its weights."""
        kept = {f"weights.{name}": array for name, array in self._weights.items()}
        if self._has_ended:
            kept["has_ended"] = np.array(1)
        return {"best": np.array(self.best), "best_epoch": np.array(self.best_epoch), **kept}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Restore them.

        Raises:
            DTypeError, ArgumentError: no measure, no epoch, or weights of another model.
        """
        function, start = "EarlyStopping.load_state", len("weights.")
        as_mapping(function, "state", state, "a table of arrays")
        weights = {n[start:]: a for n, a in state.items() if n.startswith("weights.")}
        best, kept = as_single(function, "best", state.get("best")), {**state}
        for name in ("best", *(f"weights.{name}" for name in weights)):
            kept.pop(name)  # the best measure may be infinite: there was none
        ended = bool(np.any(kept.pop("has_ended", False)))
        arrays = checked_state(function, kept, like={"best_epoch": np.array(0)})
        if math.isnan(best):
            raise ArgumentError(sentence(function, "best", "a measure", best))
        if weights and {name: array.shape for name, array in weights.items()} != self._shapes:
            expected, received = "those of the model", ", ".join(weights)[:50]
            raise ArgumentError(sentence(function, "weights", expected, received))
        self.best, self.best_epoch, self._weights = best, int(arrays["best_epoch"]), weights
        self._has_ended = ended


class _FileCallback(Callback):
    """A callback that writes a file, which is locked during the training."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = as_path(type(self).__name__, "path", path)

    def during_fit(self, trainer: Trainer) -> AbstractContextManager[Any]:  # noqa: ARG002  # the base class takes it
        """Lock the file against another training."""
        return locked(self.path)

    def _written_path(self) -> str:
        return self.path


@public
class Checkpoint(_FileCallback):
    """Write a checkpoint, so that a training can be killed at any instant and resumed.

    ``trainer.fit(…, resume=path)`` continues from the file and ends with the same bits as
    the run that was not interrupted. The file is written under another name and renamed.
    Only one training at a time may write it. Of callbacks of your own it holds what their
    ``state`` returns, and nothing else.

    Args:
        path: the file, such as "run.checkpoint".
        steps: write after so many steps as well; None: only after each epoch.
        seconds: write after so many seconds as well (at the next whole step).

    Attributes:
        path: as given.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.
        FileWriteError: (in ``fit``) the file cannot be written; an old one is left as it is.

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
        super().__init__(path)
        self.steps = None if steps is None else as_count("Checkpoint", "steps", steps)
        self.seconds = (
            None if seconds is None else as_number("Checkpoint", "seconds", seconds, above=0)
        )
        self._written = monotonic()

    def during_fit(self, trainer: Trainer) -> AbstractContextManager[Any]:
        """Lock the file against another training."""
        check_savable(trainer)
        self._written = monotonic()
        return super().during_fit(trainer)

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Give a hint where a training that could be resumed is about to be overwritten."""
        if trainer.step or not Path(self.path).is_file():
            return
        with suppress(NeuralNetworkError, OSError):  # another training's, or no checkpoint
            position = read_checkpoint(trainer, self.path, None, trainer.epochs).position
            if position["step"] > 0 and position["epoch"] < trainer.epochs:
                epoch = position["epoch"] + (position["batch"] > 0)
                give_hint(
                    f"fit: {self.path} holds this training, stopped in epoch {epoch}, which "
                    f"begins anew now: fit(…, resume={self.path!r}) would go on from there"
                )

    def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002  # the base class takes it
        """Write the checkpoint, if it is due."""
        due = self.steps is not None and trainer.step % self.steps == 0
        late = self.seconds is not None and monotonic() - self._written > self.seconds
        if due or late:
            self.write(trainer)

    def on_epoch_end(self, trainer: Trainer, measures: Mapping[str, float]) -> None:  # noqa: ARG002  # the base class takes it
        """Write the checkpoint."""
        self.write(trainer)

    def on_interrupt(self, trainer: Trainer) -> str:
        """Write the checkpoint, and return how to resume."""
        self.write(trainer)
        return f"saved {self.path}; fit(…, resume={self.path!r}) resumes from here"

    def write(self, trainer: Trainer) -> None:
        """Write the checkpoint now.

        Raises:
            DTypeError: no ``Trainer``.
        """
        if not isinstance(trainer, Trainer):
            raise DTypeError(sentence("Checkpoint.write", "trainer", "a Trainer", brief(trainer)))
        save_checkpoint(trainer, self.path)
        self._written = monotonic()


@public
class CSVLog(_FileCallback):
    """Write the history to a CSV file: a line for each epoch.

    The first time in a ``fit``, also in one that is resumed, the whole file is written, under
    another name, and renamed. Then each epoch appends its line, unless something else has
    changed the file, or there is a new measure: then it is written anew.

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
        super().__init__(path)
        # What was written last: the columns' names and lengths, and the bytes of the file.
        self._columns: dict[str, int] = {}
        self._size = 0

    def during_fit(self, trainer: Trainer) -> AbstractContextManager[Any]:
        """Lock the file against another training."""
        self._columns = {}  # the file is another run's, or may have lines beyond a checkpoint
        return super().during_fit(trainer)

    def on_epoch_end(self, trainer: Trainer, measures: Mapping[str, float]) -> None:  # noqa: ARG002  # the base class takes it
        """Append the line of the epoch, or write the file."""
        history = trainer.history
        columns = {name: len(numbers) for name, numbers in history.items()}
        longer = [(name, length + 1) for name, length in self._columns.items()]
        if longer == [*columns.items()] and file_size(self.path) == self._size:
            line = _as_csv([[history.epochs, *(numbers[-1] for numbers in history.values())]])
            append(self.path, line)
            self._columns, self._size = columns, self._size + len(line)
            return
        # A measure that was added later fills the last epochs.
        numbers: list[list[Any]] = [
            [""] * (history.epochs - len(numbers)) + numbers for numbers in history.values()
        ]
        lines = [[epoch, *row] for epoch, row in enumerate(zip(*numbers, strict=True), 1)]
        content = _as_csv([["epoch", *history], *lines])
        with written_beside(self.path) as temporary:
            temporary.write_bytes(content)
        self._columns, self._size = columns, len(content)


def _as_csv(rows: list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


# Of the finder: its steps, and the share of them after which it suggests a rate.
FEWEST, ENOUGH = 10, 0.9


@public
class LearningRateFinder(Callback):
    """Learning rate range test: increase the rate step by step, and find the steepest loss.

    The rate grows geometrically from ``low`` to ``high``; the training stops when all
    steps are done or the loss has risen far above its minimum. The weights are restored
    at the end.

    Args:
        low, high: first and last rate, 0 < low < high.
        steps: how many, at least 10.

    Attributes:
        rates, losses: one for each step.
        suggestion: the rate at the steepest fall of the smoothed loss; None before, and where
            ``fit`` has ended long before the last step.

    Raises:
        DTypeError, ArgumentError: an argument of the wrong kind or value.

    Warns:
        TrainingHint: ``fit`` had too few batches for the steps.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", arXiv 1506.01186.

    >>> finder = LearningRateFinder(1e-4, 1.0, steps=50)
    >>> X, y = np.random.default_rng(0).normal(size=(320, 4)), np.arange(320) % 2
    >>> trainer = Trainer(Sequential(Dense(2)), callbacks=[finder], rng=0, progress=False)
    >>> _ = trainer.fit(X, y, epochs=5)
    >>> len(finder.rates), 1e-4 <= finder.suggestion <= 1.0
    (50, True)
    """

    def __init__(self, low: float = 1e-6, high: float = 1.0, steps: int = 100) -> None:
        name = "LearningRateFinder"
        self.low = as_number(name, "low", low, above=0)
        self.high = as_number(name, "high", high, above=self.low)
        self.steps = as_count(name, "steps", steps, minimum=FEWEST)
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.suggestion: float | None = None

    @contextmanager
    def during_fit(self, trainer: Trainer) -> Iterator[None]:
        """Copy the weights, and restore them however the training ends."""
        self.rates, self.losses, self.suggestion = [], [], None
        self._too_few = False
        self._least, self._range, self._spread = math.inf, (math.inf, -math.inf), 0.0
        model = trainer.model
        tensors = [*model.parameters(), *(buffer for _, buffer in model.named_buffers())]
        before = [tensor.data.copy() for tensor in tensors]
        try:
            with suppress(DivergenceError):  # expected of a high rate
                yield
        finally:
            for tensor, numbers in zip(tensors, before, strict=True):
                tensor.data[...] = numbers
            if not self._too_few:
                self._find()

    def on_fit_end(self, trainer: Trainer) -> None:
        """Say where the training had too few batches for the steps."""
        done = len(self.rates)
        self._too_few = not trainer.stop and done < ENOUGH * self.steps
        if self._too_few and done:
            epochs = -(-self.steps * trainer.epochs // done)
            fewer = f", or LearningRateFinder(steps={done})" if done >= FEWEST else ""
            give_hint(
                f"LearningRateFinder: fit has ended after {done} of {self.steps} steps, at a rate "
                f"of {self.rates[-1]:.2g}, and {self.high:g} is the last to be tried: there is no "
                f"suggestion; fit(…, epochs={epochs}) has the steps{fewer}"
            )

    def on_step_begin(self, trainer: Trainer) -> None:
        """Set the rate."""
        share = len(self.rates) / (self.steps - 1)
        trainer.rate = self.low * (self.high / self.low) ** share

    def on_step_end(self, trainer: Trainer, loss: float) -> None:
        """Record the loss; stop after the last step, or when the loss has risen."""
        if math.isnan(loss):  # no row counts in it
            return
        self.rates.append(trainer.rate)
        self.losses.append(loss)
        if len(self.rates) == self.steps or self._has_risen(loss):
            trainer.stop = True

    def _has_risen(self, loss: float) -> bool:
        """Return whether the loss lies far above its minimum, relative to its range before.

        The range is that of the losses up to the minimum, and of the first five at least; it is
        kept from step to step, so that a step costs the same after many.
        """
        low, high = self._range = min(self._range[0], loss), max(self._range[1], loss)
        is_best = loss < self._least
        self._least = min(self._least, loss)
        if is_best or len(self.losses) <= 5:
            self._spread = high - low
        spread = max(self._spread, abs(self._least))
        return len(self.losses) > 5 and loss - self._least > 3 * spread + 1e-12

    def _find(self) -> None:
        """Find the steepest fall of the losses, averaged over five steps."""
        if len(self.losses) < 6:
            return
        smooth = np.convolve(self.losses, np.ones(5) / 5, mode="valid")
        self.suggestion = self.rates[int(np.argmin(np.diff(smooth))) + 2]
