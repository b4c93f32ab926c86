"""Who owns the threads: one place, for all kernels.

A kernel runs inside a region, which gives it the threads that ``set_num_threads`` allows. No
kernel calls BLAS: its matrix products are its own, shared out among its own threads. So there
is no BLAS to hold back inside a region, and a matrix product of NumPy's in another thread keeps
its threads, and so its bits.

Numba's threads come from TBB where it is installed, else from its own work queue. Two threads
that enter that one at once end the process, so regions then wait for each other. OpenMP is
never chosen: it ends a forked child.

A fork waits until the kernels of other threads have ended, so that the child finds no lock
held by a thread that it does not have. In the child, kernels run on one thread until it calls
``set_num_threads``: whoever forks has several processes to keep the processors busy. (TBB has
no other thread for a child, whatever is said there; the work queue has.)
"""

from __future__ import annotations

import ctypes
import operator
import os
import site
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import get_ident
from types import TracebackType
from typing import Any, NamedTuple, SupportsIndex
from weakref import ref

from neural_network.errors import (
    ArgumentError,
    DTypeError,
    NeuralNetworkError,
    needs_extra,
    sentence,
)
from neural_network.kernels.runtime import processors
from neural_network.public import public

# How long a thread that waits for its turn sleeps at most: if an interrupt has hit another
# one just before it called out, that costs half a second and not for ever.
PATIENCE = 0.5


class _Inside(NamedTuple):
    """Who is in a region, and what Numba's number of that thread was."""

    thread: int
    threads: int
    region: ref[parallel_region]


class _State:
    """What the regions of a process share; changed with the lock held."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.chosen: int | None = None
        self.default: int | None = None
        self.forked = False
        self.layer: str | None = None
        self.read: Callable[[], int] = lambda: 0  # Numba's number for the calling thread
        self.write: Callable[[int], object] = lambda _: None
        self.regions: dict[int, _Inside] = {}  # by the identity of the region
        self.line: deque[object] = deque()  # who waits, first come first


_state = _State()


@public
def set_num_threads(n: SupportsIndex) -> None:
    """Say on how many threads kernels and matrix products run, in the whole process.

    It governs compiled kernels, NumPy's ``@`` and every other BLAS library that is loaded when
    it is called (through ``threadpoolctl``). Before any call, kernels take what
    ``NUMBA_NUM_THREADS``, ``OMP_NUM_THREADS``, the processors that the process is bound to and
    its control group's share allow, whichever is least, and BLAS what it takes by itself. A
    forked child begins with one thread for kernels. Kernels give the same bits whatever the
    number; a matrix product of NumPy's may not.

    Args:
        n: how many threads, from 1 to as many as Numba has started (``NUMBA_NUM_THREADS``, or
            the processors that the process is bound to).

    Returns:
        None.

    Raises:
        DTypeError: n is no whole number.
        ArgumentError: n is less than 1, or more than there are.
        MissingDependencyError: the extra ``fast`` is not installed.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    count = _checked(n)
    with needs_extra("set_num_threads", "fast"):
        from threadpoolctl import ThreadpoolController
    import_module("numpy")  # its BLAS has to be there to be told
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    with _state.lock:
        _state.chosen = count
        for library in libraries:
            library.set_num_threads(count)


@public
def get_num_threads() -> int:
    """Return on how many threads kernels run.

    Returns:
        What :func:`set_num_threads` was told, or what is taken without it.

    Raises:
        Nothing.

    >>> get_num_threads() >= 1
    True
    """
    if _state.chosen is not None:
        return _state.chosen
    if _state.default is None:
        _state.default = 1 if _state.forked else processors.allowed()
    return _state.default


class parallel_region:  # noqa: N801  # it is called as a function is
    """Run a kernel on the threads that are allowed.

    Regions may stand inside each other, and several threads may be in one each.

    Raises:
        NeuralNetworkError: a forked child, where Numba's threads are OpenMP's: it would end.
    """

    __slots__ = ("__weakref__",)

    def __enter__(self) -> None:
        """Wait for the turn, and set the number of threads."""
        if _state.layer is None:
            _prepare()
        if _state.forked and _state.layer == "omp":
            raise NeuralNetworkError(
                "kernels: Numba's threads are OpenMP's, which would end this forked process; "
                "set NUMBA_THREADING_LAYER=workqueue before it starts"
            )
        # Numba keeps the number for each thread, and others may have set it too.
        before, wanted = _state.read(), get_num_threads()
        try:
            with _state.lock:
                _take_turn()
                # An interrupt may come before the first step of __exit__; what it leaves behind
                # is found when the region itself is gone.
                forgotten = ref(self, partial(_forgotten, id(self)))
                _state.regions[id(self)] = _Inside(get_ident(), before, forgotten)
            if before != wanted:
                _state.write(wanted)
        except BaseException:
            _leave(id(self))
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Bring back what was before."""
        _leave(id(self))


def _leave(region: int) -> None:
    """Bring back what was before a region; each step can be taken twice, after an interrupt."""
    with _state.lock:
        inside = _state.regions.get(region)
        if inside is not None:
            # A thread begins with no number at all in a forked child.
            if inside.threads > 0 and inside.thread == get_ident():
                _state.write(inside.threads)
            _state.regions.pop(region, None)
        if _state.line:
            _state.changed.notify_all()


def _forgotten(region: int, _: object) -> None:
    _leave(region)


def _take_turn() -> None:
    """Wait, with the lock held, until this thread may enter a region."""
    alone = _state.layer == "workqueue" and _state.regions
    if (alone or _state.line) and not _inside():
        ticket = object()
        _state.line.append(ticket)
        _wait(ticket, alone=_state.layer == "workqueue")


def _inside() -> int:
    """Return in how many regions this thread is."""
    me = get_ident()
    return sum(inside.thread == me for inside in _state.regions.values())


def _wait(ticket: object, *, alone: bool) -> None:
    """Wait until the ticket is the first in line and, if asked, no other thread is in a region."""
    try:
        while _state.line[0] is not ticket or (alone and len(_state.regions) > _inside()):
            _state.changed.wait(PATIENCE)
    finally:
        _state.line.remove(ticket)
        _state.changed.notify_all()


def _prepare() -> None:
    """Start Numba's threads; once in a process."""
    numba: Any = import_module("numba")
    config = numba.config
    if config.THREADING_LAYER == "default":
        config.THREADING_LAYER_PRIORITY = ["tbb", "workqueue", "omp"]
    _load_tbb()
    numba.get_num_threads()  # starts them
    with _state.lock:
        most = config.NUMBA_NUM_THREADS
        _state.default = min(1 if _state.forked else processors.allowed(), most)
        _state.chosen = _state.chosen and min(_state.chosen, most)
        if _state.layer is None:
            # What numba.get_num_threads and numba.set_num_threads call. These take a lock each
            # time, and an interrupt just then leaves it taken for ever.
            parallel = import_module("numba.np.ufunc.parallel")
            _state.read, _state.write = parallel._get_num_threads, parallel._set_num_threads
            _state.layer = str(numba.threading_layer())


def _load_tbb() -> None:
    """Load TBB from where pip puts it: Numba looks only where the system does."""
    name = {"linux": "libtbb.so.12", "darwin": "libtbb.12.dylib", "win32": "tbb12.dll"}
    user = Path(site.getuserbase())
    for prefix in (Path(sys.prefix), user):
        for folder in (prefix / "lib", prefix / "Library" / "bin"):
            file = folder / name.get(sys.platform, "")
            if file.is_file():
                with suppress(OSError):  # Numba then takes what comes next
                    ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)
                    return


def _checked(n: object) -> int:
    """Return n as a whole number of threads that there are."""
    if isinstance(n, bool) or not isinstance(n, SupportsIndex):
        raise DTypeError(sentence("set_num_threads", "n", "a whole number", repr(n)))
    config = getattr(sys.modules.get("numba"), "config", None)
    most = getattr(config, "NUMBA_NUM_THREADS", None) or processors.started_with()
    count = operator.index(n)
    if not 1 <= count <= most:
        raise ArgumentError(
            sentence("set_num_threads", "n", f"1 to {most}, the threads that there are", count)
        )
    return count


def _before_fork() -> None:
    """Wait until no other thread is in a region, ahead of all who want to enter one."""
    _state.lock.acquire()
    ticket = object()
    _state.line.appendleft(ticket)
    _wait(ticket, alone=True)


def _after_fork_in_parent() -> None:
    with suppress(RuntimeError):  # an interrupt came before the lock was taken
        _state.lock.release()


def _after_fork_in_child() -> None:
    """Forget the threads that the child does not have."""
    _state.lock = threading.RLock()
    _state.changed = threading.Condition(_state.lock)
    _state.line.clear()
    for region, inside in list(_state.regions.items()):
        if inside.thread != get_ident():
            del _state.regions[region]
    _state.chosen, _state.default, _state.forked = None, None, True


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
