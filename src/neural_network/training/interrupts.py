"""Ctrl-C during a training: the step that runs is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from neural_network.public import public

if TYPE_CHECKING:
    from neural_network.training.trainer import Trainer


@public
class TrainingInterrupted(KeyboardInterrupt):
    """A training was stopped by Ctrl-C, after a whole step; the text says how to go on."""


class Interrupt:
    """Whether Ctrl-C was pressed."""

    pressed = False


@contextmanager
def noticing_interrupts() -> Iterator[Interrupt]:
    """Note the first Ctrl-C, instead of breaking off anywhere; a second one does just that.

    Only a main thread can do that; in others nothing changes, nor where Ctrl-C is
    ignored (in a shell's background), or some other language's handler waits for it.
    """
    interrupt = Interrupt()
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) in (None, signal.SIG_IGN):
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as signal wants it
        if interrupt.pressed:
            raise KeyboardInterrupt
        interrupt.pressed = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)


def interrupted(trainer: Trainer) -> TrainingInterrupted:
    """Tell the callbacks, and return the error that says where it stopped and how to go on."""
    answers = [callback.on_interrupt(trainer) for callback in trainer.callbacks]
    said = [answer for answer in answers if answer is not None]
    return TrainingInterrupted("; ".join([_where(trainer), *said]))


def interrupted_late(trainer: Trainer) -> TrainingInterrupted:
    """Return the error where all is done; the callbacks have written what goes on from here."""
    return TrainingInterrupted(f"{_where(trainer)}; the training was over")


def _where(trainer: Trainer) -> str:
    where = f"stopped in epoch {trainer.epoch + 1} after batch {trainer.batch}"
    if trainer.batch == 0:
        where = f"stopped after epoch {trainer.epoch}"
    return f"{where} of {trainer.epochs} epochs"
