"""Lines on standard error about compiling, each once in a process, or after a long silence."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from neural_network.kernels.runtime.signals import held_signals
from neural_network.terminal import write_line

LINE = "neural_network: compiling fast functions that are new on this machine, up to a minute"
LINE_OF_ALL = "neural_network: compiling all fast functions, a few minutes"
FINISHING = "neural_network: finishing the compilation first"
SILENT = 1.0  # seconds of compiling, or after Ctrl-C, before a line is printed
# Seconds of one compilation, begun as long after the last, before the line is printed again.
AGAIN, REST = 2.0, 5.0
POLL = 0.05  # seconds between two looks


class _State:
    """What was printed, and the seconds of compiling, in this process."""

    def __init__(self) -> None:
        self.printed: set[str] = set()
        self.seconds = 0.0
        self.last = 0.0  # when it last compiled, or waited for another process that did
        self.told = 0.0  # when a line was printed
        self.quiet = False
        self.line = LINE


_state = _State()


def be_quiet(quiet: bool) -> None:
    """Print none of these lines from now on, or print them again."""
    _state.quiet = quiet


@contextmanager
def compiling_all() -> Iterator[None]:
    """Say of a compilation in this block that it is of all functions, which takes longer."""
    line, _state.line = _state.line, LINE_OF_ALL
    try:
        yield
    finally:
        _state.line = line


def damaged(path: Path) -> None:
    """Print that a file of the cache is damaged."""
    _print_once("damaged", f"neural_network: the cached kernel {path} is damaged: compiling anew")


def nothing_is_kept(why: str) -> None:
    """Print that compiled code is not stored, and the reason."""
    line = f"neural_network: compiled kernels cannot be kept, every process compiles anew: {why}"
    _print_once("not kept", line)


@contextmanager
def announcing(busy: Callable[[], bool], signals: held_signals) -> Iterator[None]:
    """Print a line once a process has compiled for about a second, and another about Ctrl-C.

    Args:
        busy: whether it compiles. Loading cached code may take long, too, and is not announced.
        signals: those that are held meanwhile.
    """
    ended, started = threading.Event(), time.monotonic()
    least = max(SILENT / 4, SILENT - _state.seconds)
    rested = not _state.printed or started - _state.last > REST

    def watch() -> None:
        told = not rested
        while not ended.wait(min(POLL, least)):
            # A damaged file, or nowhere to keep anything, tells of compiling as well.
            told = told or _state.told > started
            waits = AGAIN if _state.printed else least
            if not told and time.monotonic() - started > waits and busy():
                told = True
                _state.printed.discard("compiling")
                _print_once("compiling", _state.line)
            if signals.seconds_since(signal.SIGINT) > SILENT:
                write_line(sys.stderr, FINISHING)
                return

    with suppress(RuntimeError):  # no thread can be started where Python ends
        threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        _state.last = time.monotonic()
        if busy():
            _state.seconds += _state.last - started


def _print_once(name: str, line: str) -> None:
    if name not in _state.printed and not _state.quiet:
        _state.printed.add(name)
        _state.told = time.monotonic()
        write_line(sys.stderr, line)
