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
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

# Processes beside this one at most: each needs about 150 MB, and ten kernels are a usual number.
HELPERS = 3
# Kernels that have to be missing: to start a process takes as long as to compile a small one.
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
    """Whether this process has compiled or loaded a kernel, other than those of ``CHECKS``."""

    begun = False


def nothing_compiled() -> bool:
    """Return whether no kernel was called in this process that computes anything."""
    return not _Process.begun and _noted.get() is None


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

    Their results are whatever was in the memory. So no kernel may have been compiled before, which
    would run, and could take such a number for the index of another.

    Yields:
        The kernels and types of arguments, to be filled.
    """
    noted: list[Any] = []
    token = _noted.set(noted)
    try:
        yield noted
    finally:
        _noted.reset(token)


def compile_beside(noted: list[Any], threads: int) -> None:
    """Start processes that compile kernels, if enough of them are not in the cache.

    Args:
        noted: by ``noting``.
        threads: that this process may use, itself included.
    """
    from neural_network.kernels.runtime.checked_cache import CheckedCache, serialize

    missing = []
    for dispatcher, types in noted:
        cache, body = dispatcher._cache, dispatcher.py_func
        parallel = bool(dispatcher.targetoptions.get("parallel"))
        wanted = Wanted(body.__module__, body.__name__, parallel, types)
        if isinstance(cache, CheckedCache) and wanted.dispatcher() is dispatcher:
            path = cache.file(types, dispatcher.targetctx.codegen())
            if not path.exists() and wanted not in missing:
                missing.append(wanted)
    helpers = min(threads - 1, HELPERS, len(missing) // FEWEST)
    # A program that only contains Python may be what ``sys.executable`` names.
    if helpers < 1 or not Path(sys.executable or "").stem.startswith("python"):
        return
    content = serialize.dumps([tuple(wanted) for wanted in missing])
    folders = os.pathsep.join(str(Path(folder).absolute()) for folder in sys.path)
    for _ in range(helpers):
        with suppress(OSError):
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

    It leaves out those that another process is compiling, and ends where its parent has ended.
    """
    from neural_network.kernels.runtime.announcements import be_quiet
    from neural_network.kernels.runtime.checked_cache import serialize
    from neural_network.kernels.runtime.linking import register_symbols

    parent = os.getppid()
    be_quiet(True)
    given = [Wanted(*one) for one in serialize.loads(sys.stdin.buffer.read())]
    wanted = [(one.dispatcher(), one.types) for one in given]  # all modules are imported now
    register_symbols(first_last=True)
    for dispatcher, types in reversed(wanted):
        if os.getppid() != parent:
            return
        dispatcher.compile_if_free(types)
