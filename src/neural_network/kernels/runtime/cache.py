"""Compiling with one process at a time, and a line on stderr when it takes long."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from neural_network.errors import FileWriteError
from neural_network.files import locked

LINE = "neural_network: compiling kernels that are new here, up to half a minute; they are kept\n"
SILENT = 1.0  # seconds of compiling before the line is printed
LONGEST = 120.0  # seconds to wait for another process
# What ``locked`` fails with where another process holds the lock.
TAKEN = PermissionError if sys.platform == "win32" else BlockingIOError


class _Announcement:
    """Whether the line was printed, and the seconds of compiling, in this process."""

    printed = False
    seconds = 0.0


class _LockState(threading.local):
    """The locks that this thread holds."""

    def __init__(self) -> None:
        self.names: set[str] = set()


_held = _LockState()


def cached_by_one_process(
    dispatcher: Any, name: str, *, announced: bool, before: Callable[[], None] = lambda: None
) -> None:
    """Make processes compile a function one after the other.

    Numba numbers the files of its cache, one for each combination of types. If two processes
    compiled one function for different types at once, both might take the same number, and the
    next process would run the code of one on the types of the other. It also saves work: a
    process that has waited finds the code in the cache.

    Args:
        dispatcher: returned by ``numba.njit``.
        name: prefix of its cached files; the part before its last ``-`` does not depend on the
            sources.
        announced: whether to print a line if compiling takes long.
        before: called before the function is compiled or loaded.
    """
    numba_compile: Callable[[Any], Any] = dispatcher.compile

    def misses() -> int:
        return sum(dispatcher.stats.cache_misses.values())

    def compile_alone(types: Any) -> Any:
        if types in dispatcher.overloads:
            return numba_compile(types)
        before()  # prints a line itself if it takes long
        misses_before = misses()
        started = time.monotonic()
        waiting = True  # for another process, which compiles

        def busy() -> bool:
            return waiting or misses() > misses_before

        with (
            _announcing(busy) if announced else ExitStack(),
            _alone(dispatcher.stats.cache_path, name),
        ):
            waiting = False
            try:
                return numba_compile(types)
            finally:
                if misses() > misses_before:
                    _Announcement.seconds += (time.monotonic() - started) if announced else 0.0
                    _remove_older(dispatcher.stats.cache_path, name)

    dispatcher.compile = compile_alone


@contextmanager
def _announcing(busy: Callable[[], bool]) -> Iterator[None]:
    """Print one line in a process, once it has compiled for about a second."""
    timer = threading.Timer(max(SILENT / 4, SILENT - _Announcement.seconds), _announce, (busy,))
    timer.daemon = True
    if not _Announcement.printed:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _announce(busy: Callable[[], bool]) -> None:
    # Loading cached code may take long, too, and is not announced.
    if busy() and not _Announcement.printed and sys.stderr is not None:
        _Announcement.printed = True
        sys.stderr.write(LINE)
        sys.stderr.flush()


@contextmanager
def _alone(folder: str | None, name: str) -> Iterator[None]:
    """Hold the lock of the files of this name in a folder of the cache."""
    # A part made by a factory may call another one made by it, which has the same name.
    if folder is None or name in _held.names:
        yield
        return
    _held.names.add(name)
    deadline = time.monotonic() + LONGEST
    try:
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(locked(Path(folder) / name))
                    break
                except FileWriteError as error:
                    if not isinstance(error.__cause__, TAKEN) or time.monotonic() > deadline:
                        break
                time.sleep(0.02)
            yield
    finally:
        _held.names.discard(name)


def _remove_older(folder: str | None, name: str) -> None:
    """Remove what was compiled from older sources: it is never read again."""
    if folder is not None:
        stem = name.rpartition("-")[0]
        for path in Path(folder).glob(f"{stem}-*.nb[ic]"):
            if not path.name.startswith(f"{name}-"):
                path.unlink(missing_ok=True)
