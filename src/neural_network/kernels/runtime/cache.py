"""Compiling with one process at a time, which Ctrl-C does not break off."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from numba.core import ir as _ir

from neural_network.errors import FileWriteError
from neural_network.files import locked
from neural_network.kernels.runtime import ahead
from neural_network.kernels.runtime.announcements import announcing, nothing_is_kept
from neural_network.kernels.runtime.checked_cache import CheckedCache
from neural_network.kernels.runtime.libraries import parts_only_linked
from neural_network.kernels.runtime.signals import held_signals
from neural_network.kernels.runtime.threads import forks_wait

ir: Any = _ir  # of Numba, which has no type annotations
LONGEST = 120.0  # seconds to wait for another process
# What ``locked`` fails with where another process holds the lock.
TAKEN = PermissionError if sys.platform == "win32" else BlockingIOError
NOWHERE = (
    "neither the folder of the library nor the user's cache can be written; "
    "NUMBA_CACHE_DIR may name a folder that can"
)


# For messages, Numba computes paths relative to the current directory, which may not exist.
_relative_path = ir.Loc._get_path


def _path(location: Any) -> str:
    try:
        return str(_relative_path(location))
    except OSError:
        return str(location.filename)


ir.Loc._get_path = _path


def compiled_by_one_process(dispatcher: Any, before: Callable[[], None]) -> None:
    """Make processes compile a function one after the other, undisturbed by signals.

    It saves work: a process that has waited finds the code in the cache.

    Args:
        dispatcher: returned by ``numba.njit``; not called by another compiled function.
        before: called before the function is compiled or loaded.
    """
    compile_or_load: Callable[[Any], Any] = dispatcher.compile

    def numba_compile(types: Any) -> Any:
        with parts_only_linked(dispatcher.targetctx.codegen()):
            return compile_or_load(types)

    def misses() -> int:
        return sum(dispatcher.stats.cache_misses.values())

    def compile_alone(types: Any) -> Any:
        if types in dispatcher.overloads:
            return compile_or_load(types)
        if (only_noted := ahead.compiling(dispatcher, types)) is not None:
            return only_noted
        before()  # prints a line itself if it takes long
        misses_before = misses()
        waiting = True  # for another process, which compiles

        def busy() -> bool:
            return waiting or misses() > misses_before

        with (
            held_signals() as signals,
            forks_wait(),
            announcing(busy, signals),
            _alone(_new_file(dispatcher, types), signals),
        ):
            waiting = False
            compiled = numba_compile(types)
        if misses() > misses_before:
            # Exceptions inside Numba, in cycles with their tracebacks, refer to the functions that
            # have called the kernel, and so to the tensors in them.
            gc.collect()
        return compiled

    def compile_if_free(types: Any) -> None:
        """Compile for the cache what is neither there nor being compiled by another process."""
        before()
        path = _new_file(dispatcher, types)
        if path is not None:
            with suppress(FileWriteError), held_signals(), locked(path):
                numba_compile(types)

    dispatcher.compile = compile_alone
    dispatcher.compile_if_free = compile_if_free


def _new_file(dispatcher: Any, types: Any) -> Path | None:
    """Return the file for new code, or print that there is no place for it.

    What is stored already needs no file: any number of processes may load it at once.
    """
    cache = dispatcher._cache
    if isinstance(cache, CheckedCache):
        codegen = dispatcher.targetctx.codegen()
        return None if cache.holds(types, codegen) else cache.file(types, codegen)
    nothing_is_kept(NOWHERE)
    return None


@contextmanager
def _alone(path: Path | None, signals: held_signals) -> Iterator[None]:
    """Hold the lock of a file of the cache, which other processes wait for."""
    deadline = time.monotonic() + LONGEST
    with ExitStack() as stack:
        while path is not None:
            try:
                stack.enter_context(locked(path))
                break
            except FileWriteError as error:  # the folder cannot be written, or that:
                if not isinstance(error.__cause__, TAKEN) or time.monotonic() > deadline:
                    break
            signals.deliver()
            time.sleep(0.02)
        yield
