"""Compiling on several processors, before the first training step on a machine.

Numba compiles on one thread. So the kernels that a step needs are noted, by a step in which none
is run, and other processes compile them from the last to the first, while this one begins with the
first. Which process compiled a kernel makes no difference: all take it from the cache on the disk.
Where another process cannot be started, this one compiles all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

from neural_network.errors import FileWriteError
from neural_network.files import locked

# Processes that compile for one cache at the same time, beside those that train: each needs about
# 150 MB, and some ten to twenty kernels are compiled.
HELPERS = 3
# Missing kernels for each of them: to start a process takes as long as to compile a small one.
FEWEST = 4
# The kernels that check numbers that are given: they take none for an index.
CHECKS = "neural_network.kernels.finite"
COMMAND = "from neural_network.kernels.runtime.ahead import compile_given; compile_given()"


class Wanted(NamedTuple):
    """A kernel for some types.

    Attributes:
        module, name: of the kernel.
        parallel: whether it is the one for several threads.
        types: of its arguments, as Numba has them.
    """

    module: str
    name: str
    parallel: bool
    types: Any

    def dispatcher(self) -> Any:
        """Return Numba's dispatcher of the kernel, or None if the module has none."""
        function = getattr(import_module(self.module), self.name, None)
        return getattr(function, "compiled" if self.parallel else "serial", function)


_noted: ContextVar[list[Any] | None] = ContextVar("noted", default=None)


class _Process:
    """Whether this process has called or noted a kernel, other than those of ``CHECKS``."""

    begun = False


def nothing_compiled() -> bool:
    """Return whether kernels may be noted: none that computes anything was called or noted yet.

    Where ``NUMBA_DISABLE_JIT`` is set, plain Python would run in place of noting.
    """
    compiled = os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0")
    return compiled and not _Process.begun


def compiling(dispatcher: Any, types: Any) -> Callable[..., float] | None:
    """Return what to call instead of a kernel that is only noted; None if it is to be compiled.

    Args:
        dispatcher: Numba's, of the kernel.
        types: of the arguments.
    """
    noted = _noted.get()
    if noted is None:
        _Process.begun = _Process.begun or dispatcher.py_func.__module__ != CHECKS
        return None
    noted.append((dispatcher, types))
    return _nothing


def _nothing(*_: Any) -> float:
    return 1.0  # true for a check, and no refusal


@contextmanager
def noting() -> Iterator[list[Any]]:
    """Note kernels that are called in the block, in place of running them.

    Their results are whatever was in the memory. A kernel that was compiled before, or that another
    thread compiles meanwhile, does run. So kernels must not trust the numbers of another kernel as
    indices without a limit, and it is done once in a process, before any was called.

    Yields:
        The kernels and types of arguments, to be filled.
    """
    _Process.begun = True
    noted: list[Any] = []
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def compile_beside(noted: list[Any], threads: int) -> None:
    """Start processes that compile kernels, if enough of them are not in the cache.

    Without them this process compiles all, so whatever prevents them is no error.

    Args:
        noted: by ``noting``.
        threads: that this process may use, itself included.
    """
    with suppress(OSError, RuntimeError, ValueError):
        _start(_missing(noted), threads)


def _missing(noted: list[Any]) -> list[Wanted]:
    """Return the kernels that are not in the cache, each once."""
    from neural_network.kernels.runtime.checked_cache import CheckedCache

    missing: list[Wanted] = []
    for dispatcher, types in noted:
        cache, body = dispatcher._cache, dispatcher.py_func
        parallel = bool(dispatcher.targetoptions.get("parallel"))
        wanted = Wanted(body.__module__, body.__name__, parallel, types)
        if isinstance(cache, CheckedCache) and wanted.dispatcher() is dispatcher:
            path = cache.file(types, dispatcher.targetctx.codegen())
            if not path.exists() and wanted not in missing:
                missing.append(wanted)
    return missing


def _start(missing: list[Wanted], threads: int) -> None:
    """Start processes that compile kernels; a program that only contains Python starts none."""
    from neural_network.kernels.runtime.checked_cache import serialize

    helpers = min(threads - 1, HELPERS, len(missing) // FEWEST)
    plain = Path(sys.executable or "").stem.startswith("python") and not hasattr(sys, "frozen")
    if helpers < 1 or not plain:
        return
    content = serialize.dumps((os.getpid(), [tuple(wanted) for wanted in missing]))
    folders = os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)
    for _ in range(helpers):
        helper = subprocess.Popen(  # noqa: S603  # this Python, and a constant
            [sys.executable, "-P", "-c", COMMAND], stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": folders}, start_new_session=True,
        )  # fmt: skip
        Thread(target=_wait_for, args=(helper, content), daemon=True).start()


def _wait_for(helper: subprocess.Popen[bytes], content: bytes) -> None:
    """Give a process its work, and wait for its end, so that the system can forget it."""
    with suppress(OSError, ValueError):
        helper.communicate(content)


def compile_given() -> None:
    """Compile the kernels that the standard input names, the last one first, in a new process.

    It leaves out those that another process is compiling, and ends once its parent has ended
    (not on Windows, where the parent's number stays).
    """
    from neural_network.kernels.runtime.announcements import be_quiet
    from neural_network.kernels.runtime.checked_cache import serialize
    from neural_network.kernels.runtime.linking import register_symbols
    from neural_network.kernels.runtime.threads import parallel_region

    be_quiet(True)
    parent, given = serialize.loads(sys.stdin.buffer.read())
    all_given = [Wanted(*one) for one in given]
    wanted = [(one.dispatcher(), one.types) for one in all_given]  # all modules are imported now
    with parallel_region():
        pass  # which chooses Numba's threads: its compiler starts them
    with _place_among_helpers(Path(wanted[0][0].stats.cache_path)) as place:
        if place is None:
            return
        register_symbols(first_last=True)
        for dispatcher, types in reversed(wanted):
            if os.getppid() != parent:
                return
            dispatcher.compile_if_free(types)


@contextmanager
def _place_among_helpers(cache: Path) -> Iterator[int | None]:
    """Hold one of the places of processes that compile for a cache; None if all are taken."""
    with ExitStack() as stack:
        place = None
        for number in range(HELPERS):
            with suppress(FileWriteError):
                stack.enter_context(locked(cache / f"helper{number}"))
                place = number
                break
        yield place
