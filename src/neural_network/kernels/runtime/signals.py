"""Signals wait until Numba has finished.

Python runs the handler of a signal between any two steps of the main thread, and the one of Ctrl-C
raises ``KeyboardInterrupt`` there. Numba cannot undo what it has begun: half an import or half a
compiled function is left behind, and every later kernel call of the process fails. The same holds
for every other handler that raises, such as that of a time limit by ``signal.alarm``.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from types import FrameType, TracebackType
from typing import Any, ClassVar

_SIGNALS = tuple(signal.valid_signals())


class held_signals:  # noqa: N801  # it is called as a function is
    """Hold signals back until the end of the block; then their handlers run, each once.

    Only handlers written in Python are held: the others either end the process or do not run
    between two steps of Python. Handlers run in the main thread alone, so that there is nothing to
    hold in another one. A block inside a block leaves everything to the outer one.
    """

    # The block in which the main thread is.
    _outer: ClassVar[held_signals | None] = None

    def __init__(self) -> None:
        self._handlers: dict[int, Any] = {}
        self._received: dict[int, float] = {}  # the time at which each signal came
        self._holding = False

    def __enter__(self) -> held_signals:
        """Hold signals back from now on."""
        if threading.current_thread() is threading.main_thread() and held_signals._outer is None:
            held_signals._outer, self._holding = self, True
            try:
                for number in _SIGNALS:
                    handler = signal.getsignal(number)
                    if callable(handler):
                        self._handlers[number] = handler
                        signal.signal(number, self._receive)
            except BaseException:  # a signal that is not held yet came
                self._release()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Run the handlers of the signals that came."""
        if self._holding:
            self._release()

    def deliver(self) -> None:
        """Run the handlers of the signals that came, where nothing is left half done."""
        received, self._received = self._received, {}
        # They are not raised anew: what listens to ``signal.set_wakeup_fd``, as asyncio does, has
        # heard of them already.
        _call_each([partial(self._handlers[n], n, sys._getframe()) for n in received])

    def seconds_since(self, number: int) -> float:
        """Return for how long a signal has been waiting; 0 if it has not come."""
        return time.monotonic() - self._received.get(number, time.monotonic())

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._holding:
            self._received.setdefault(number, time.monotonic())
        else:  # an interrupt has come in ``_release``, before the handler was restored
            self._handlers[number](number, frame)

    def _release(self) -> None:
        held_signals._outer, self._holding = None, False
        restoring = [partial(signal.signal, n, handler) for n, handler in self._handlers.items()]
        _call_each([*restoring, self.deliver])


def _call_each(functions: list[Callable[[], object]]) -> None:
    """Call functions in order, also after one that raises."""
    if functions:
        try:
            functions[0]()
        finally:
            _call_each(functions[1:])


def _after_fork_in_child() -> None:
    """Hold nothing in a child that another thread forks meanwhile: its block has no end."""
    block = held_signals._outer
    if block is not None:
        block._received.clear()  # those came for the parent
        block._release()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_after_fork_in_child)
