"""Ctrl-C during a training: the current step is completed first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from neural_network.public import public
from neural_network.training.state import TrainingState


@public
class TrainingInterrupted(KeyboardInterrupt):
    """A training was stopped by Ctrl-C, after a whole step.

    The model keeps the weights of that step, and ``trainer.history`` the complete epochs. The
    message describes how to resume: where a ``Checkpoint`` has written a file, by
    ``fit(…, resume=path)``. ``except Exception`` does not catch it, as any ``KeyboardInterrupt``.
    """


class Interrupt:
    """Whether Ctrl-C was pressed."""

    pressed = False


@contextmanager
def noticing_interrupts() -> Iterator[Interrupt]:
    """Record the first Ctrl-C instead of raising at once; a second one raises.

    Only the main thread can set a signal handler; in others nothing changes, nor where
    SIGINT is ignored (in a shell's background) or has a handler not written in Python.
    """
    interrupt = Interrupt()
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) in (None, signal.SIG_IGN):
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # as signal.signal requires
        if interrupt.pressed:
            raise KeyboardInterrupt
        interrupt.pressed = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)


def interrupted(state: TrainingState, notes: Iterable[str | None]) -> TrainingInterrupted:
    """Return the error with the position at which the training stopped.

    Args:
        state: of the training.
        notes: what callbacks add, such as how to continue.
    """
    where = f"stopped in epoch {state.epoch + 1} of {state.epochs}, after batch {state.batch}"
    if state.batch == 0:
        where = f"stopped after epoch {state.epoch} of {state.epochs} epochs"
    said = [note for note in notes if note]
    if not said:
        said = [
            "callbacks=[nn.Checkpoint(path)] writes a file, which fit(…, resume=path) goes on with"
        ]
    return TrainingInterrupted("; ".join([where, *said]))
