"""Ctrl-C during a training: the step that runs is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TrainingInterrupted(KeyboardInterrupt):
    """A training was stopped by Ctrl-C, after a whole step; the text says how to go on."""


class Interrupt:
    """Whether Ctrl-C was pressed."""

    pressed = False


@contextmanager
def noticing_interrupts() -> Iterator[Interrupt]:
    """Note the first Ctrl-C, instead of breaking off anywhere; a second one breaks off.

    Only a main thread can do that; in others nothing changes.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
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
