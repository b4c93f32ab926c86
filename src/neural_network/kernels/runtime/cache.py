"""Compiling, said aloud and one process at a time."""

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
LONGEST = 120.0  # seconds that another process is waited for
# What a lock that somebody else has fails with.
TAKEN = PermissionError if sys.platform == "win32" else BlockingIOError


class _Telling:
    """What was said and how long it took until now, in this process."""

    told = False
    spent = 0.0


class _Mine(threading.local):
    """The locks that this thread holds."""

    def __init__(self) -> None:
        self.names: set[str] = set()


_mine = _Mine()


def orderly(
    dispatcher: Any, name: str, *, aloud: bool, before: Callable[[], None] = lambda: None
) -> None:
    """Let a compiled function's processes compile it one after the other.

    Numba numbers the files of its cache, one for each combination of types. Of two processes
    that compile one function for different types at once, both may take the same number, and
    the next process would run one's code on the other's types. It also saves doing the work
    twice: who has waited finds the code in the cache.

    Args:
        dispatcher: what ``numba.njit`` has made.
        name: how the files of its cache begin; what it had before its last ``-`` stays when
            its sources change.
        aloud: print a line if compiling takes long.
        before: what has to be done before it is compiled or loaded.
    """
    compile_for: Callable[[Any], Any] = dispatcher.compile

    def compiled() -> int:
        return sum(dispatcher.stats.cache_misses.values())

    def compile_alone(types: Any) -> Any:
        if types in dispatcher.overloads:
            return compile_for(types)
        before()  # which says itself that it takes long
        had = compiled()
        started = time.monotonic()
        waits = True  # for another process, which compiles

        def busy() -> bool:
            return waits or compiled() > had

        with _saying(busy) if aloud else ExitStack(), _alone(dispatcher.stats.cache_path, name):
            waits = False
            try:
                return compile_for(types)
            finally:
                if compiled() > had:
                    _Telling.spent += (time.monotonic() - started) if aloud else 0.0
                    _remove_older(dispatcher.stats.cache_path, name)

    dispatcher.compile = compile_alone


@contextmanager
def _saying(busy: Callable[[], bool]) -> Iterator[None]:
    """Print one line in a process, once it has compiled for about a second."""
    timer = threading.Timer(max(SILENT / 4, SILENT - _Telling.spent), _say, (busy,))
    timer.daemon = True
    if not _Telling.told:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _say(busy: Callable[[], bool]) -> None:
    # Code that is found in the cache may take its time to load.
    if busy() and not _Telling.told and sys.stderr is not None:
        _Telling.told = True
        sys.stderr.write(LINE)
        sys.stderr.flush()


@contextmanager
def _alone(folder: str | None, name: str) -> Iterator[None]:
    """Keep other processes from compiling what is kept in this folder under this name."""
    # A part made by a factory may call another one made by it, which has the same name.
    if folder is None or name in _mine.names:
        yield
        return
    _mine.names.add(name)
    give_up = time.monotonic() + LONGEST
    try:
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(locked(Path(folder) / name))
                    break
                except FileWriteError as error:
                    if not isinstance(error.__cause__, TAKEN) or time.monotonic() > give_up:
                        break
                time.sleep(0.02)
            yield
    finally:
        _mine.names.discard(name)


def _remove_older(folder: str | None, name: str) -> None:
    """Remove what was compiled from older sources: nothing would ever read it again."""
    if folder is not None:
        stem = name.rpartition("-")[0]
        for path in Path(folder).glob(f"{stem}-*.nb[ic]"):
            if not path.name.startswith(f"{name}-"):
                path.unlink(missing_ok=True)
