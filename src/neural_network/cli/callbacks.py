"""Callbacks of the command's trainings."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from neural_network.training.callback_base import Callback
from neural_network.training.callbacks import Checkpoint
from neural_network.training.interrupts import TrainingInterrupted, interrupted
from neural_network.training.trainer import Trainer

# What ends a process from outside, and is not Ctrl-C; Windows has no SIGHUP.
SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Save(Checkpoint):
    """A checkpoint whose message leaves out how to continue, which the command says."""

    def on_interrupt(self, trainer: Trainer) -> str:
        """Write the checkpoint, and return that it is written."""
        self.write(trainer)
        return f"saved {self.path}"


class Begin(Callback):
    """Write the first files and a first checkpoint, so that ``resume`` works from the start.

    When ``fit`` begins, the model has been checked with the data, and the files are locked.

    Attributes:
        was_over: whether the training had ended before, so that there is nothing to resume.
    """

    comes_last = True

    def __init__(self, begin: Callable[[], None], checkpoint: Checkpoint) -> None:
        self.begin, self.checkpoint = begin, checkpoint
        self.was_over = False

    def on_fit_begin(self, trainer: Trainer) -> None:
        """Write them."""
        self.was_over = trainer.stop or trainer.epoch >= trainer.epochs
        if trainer.step == 0:
            self.begin()
            self.checkpoint.write(trainer)


class Terminated(TrainingInterrupted):
    """A training was ended by a signal, after a whole step and a checkpoint."""

    number: int = signal.SIGTERM


class WhenTerminated(Callback):
    """Save and stop after the step in which SIGTERM or SIGHUP comes, as after Ctrl-C.

    The handler only notes the signal. It does not pass it on as SIGINT, which is ignored in the
    background of a shell script. A signal that is ignored or has a handler is left alone.
    """

    comes_last = True

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint, self.received = checkpoint, 0

    @contextmanager
    def during_fit(self, trainer: Any) -> Iterator[None]:  # noqa: ARG002  # the base class takes it
        """Note the signals."""

        def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as signal.signal requires
            self.received = number

        self.received, before = 0, {}
        try:
            if threading.current_thread() is threading.main_thread():
                for number in SIGNALS:
                    if signal.getsignal(number) is signal.SIG_DFL:
                        before[number] = signal.signal(number, note)
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002  # the base class takes it
        """Stop, if a signal came."""
        if self.received:
            self.checkpoint.write(trainer)
            text = str(interrupted(trainer, [f"saved {self.checkpoint.path}"]))
            stopped = Terminated(text)
            stopped.number = self.received
            raise stopped
