"""The threads of all kernels: their number, and the regions in which kernels run.

A kernel runs inside a ``parallel_region``, which sets the number of threads that
``set_num_threads`` allows. No kernel calls BLAS: kernels compute matrix products on their own
threads. So BLAS need not be limited inside a region, and a NumPy matrix product in another thread
keeps its number of threads, and so its bits.

Numba's threads come from TBB where it is installed, else from its own work queue. That one ends
the process if two threads enter it at once, so regions then wait for each other. OpenMP is never
chosen: it ends a forked child.

A fork waits until other threads have ended their kernels, the import of Numba and what they compile
(``forks_wait``), so that the child finds no lock held by a thread that it does not have. In a
forked child, kernels run on one thread until it calls ``set_num_threads``, because a program that
forks keeps the processors busy with processes. (TBB has no other thread in a child, whatever is
set; the work queue has.)
"""

from __future__ import annotations

import ctypes
import operator
import os
import site
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import get_ident
from types import TracebackType
from typing import Any, NamedTuple, SupportsIndex
from weakref import ref

from neural_network.blas import set_blas_threads
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, NeuralNetworkError, brief, sentence
from neural_network.kernels.runtime import processors
from neural_network.public import public

# Seconds that a waiting thread sleeps at most: if an interrupt hits another thread just before it
# notifies this one, that costs half a second instead of a deadlock.
POLL = 0.5


class _Entry(NamedTuple):
    """The thread that is in a region, and the number of threads that it had before."""

    thread: int
    threads_before: int
    region: ref[parallel_region]


class _State:
    """State shared by the regions of a process; changed with the lock held."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.chosen: int | None = None
        self.default: int | None = None
        self.forked = False
        self.layer: str | None = None
        # Numba's number of threads, which each calling thread has for itself.
        self.get_threads: Callable[[], int] = lambda: 0
        self.set_threads: Callable[[int], object] = lambda _: None
        self.regions: dict[int, _Entry] = {}  # by the identity of the region
        self.at_work: list[int] = []  # the thread of each block of forks_wait
        self.queue: deque[object] = deque()  # waiting threads, first come first served


_state = _State()


@public
@explains_calls
def set_num_threads(n: SupportsIndex) -> None:
    """Set the number of threads for kernels and matrix products in the whole process.

    It holds for compiled kernels, NumPy's ``@`` and every other BLAS library that is loaded when
    it is called (through ``threadpoolctl``); where products are small, ``fit``, ``predict`` and
    ``by_hand`` use one thread of BLAS whatever is set. By default, kernels use the least of
    ``NUMBA_NUM_THREADS``, ``OMP_NUM_THREADS``, the processors that the process is bound to and
    its control group's share, and BLAS its own default. A forked child begins with one thread
    for kernels. Kernels return the same bits for any number; NumPy's matrix products may not.

    Args:
        n: the number, from 1 to the number of threads that Numba has started
            (``NUMBA_NUM_THREADS``, or the processors that the process is bound to).

    Returns:
        None.

    Raises:
        DTypeError: n is not an integer.
        ArgumentError: n is less than 1, or more than the threads that there are.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    count = _checked(n)
    with _state.lock:
        _state.chosen = count
        set_blas_threads(count)


@public
def get_num_threads() -> int:
    """Return the number of threads for kernels.

    Returns:
        The number given to :func:`set_num_threads`, or its default.

    Raises:
        ArgumentError: ``NUMBA_NUM_THREADS`` or ``OMP_NUM_THREADS`` holds no number of threads.

    >>> get_num_threads() >= 1
    True
    """
    if _state.chosen is not None:
        return _state.chosen
    if _state.default is None:
        _state.default = 1 if _state.forked else processors.allowed()
    return _state.default


class parallel_region:  # noqa: N801  # it is called as a function is
    """Run kernels on the number of threads that ``set_num_threads`` allows.

    Regions may be nested, and several threads may be in a region each.

    Raises:
        NeuralNetworkError: in a forked child if Numba uses OpenMP, which would end the process.
    """

    __slots__ = ("__weakref__",)

    def __enter__(self) -> None:
        """Wait until the region may be entered, and set the number of threads."""
        if _state.layer is None:
            from neural_network.kernels.runtime.signals import held_signals

            with held_signals(), forks_wait():
                _prepare()
        if _state.forked and _state.layer == "omp":
            raise NeuralNetworkError(
                "kernels: Numba's threads are OpenMP's, which would end this forked process; "
                "set NUMBA_THREADING_LAYER=workqueue before it starts"
            )
        # Numba keeps the number for each thread, and other code may have set it.
        before, threads = _state.get_threads(), get_num_threads()
        region = id(self)
        try:
            with _state.lock:
                _wait_to_enter()
                # An interrupt may come before the first step of __exit__; the region is then
                # left when it is collected.
                collected = ref(self, lambda _: _leave(region))
                _state.regions[region] = _Entry(get_ident(), before, collected)
            if before != threads:
                _state.set_threads(threads)
        except BaseException:
            _leave(region)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore the number of threads."""
        _leave(id(self))


def _leave(region: int) -> None:
    """Restore the number of threads of before a region; safe to repeat after an interrupt."""
    with _state.lock:
        entry = _state.regions.get(region)
        if entry is not None:
            # In a forked child, a thread begins without a number.
            if entry.threads_before > 0 and entry.thread == get_ident():
                _state.set_threads(entry.threads_before)
            _state.regions.pop(region, None)
        if _state.queue:
            _state.changed.notify_all()


@contextmanager
def forks_wait() -> Iterator[None]:
    """Make forks by other threads wait until the end of the block.

    It is for what takes the lock of an import or of Numba's compiler, which would stay locked in a
    child forever. Signals have to be held meanwhile.
    """
    me = get_ident()
    with _state.lock:
        _state.at_work.append(me)
    try:
        yield
    finally:
        with _state.lock:
            _state.at_work.remove(me)
            _state.changed.notify_all()
            if _state.queue and not _is_inside():  # a fork goes first, before the next import
                _wait(_state.queue.append, lambda: False)


def _wait_to_enter() -> None:
    """Wait, with the lock held, until this thread may enter a region."""
    alone = _state.layer == "workqueue"
    if ((alone and _state.regions) or _state.queue) and not _is_inside():
        _wait(_state.queue.append, lambda: alone and _others(_threads_inside()))


def _is_inside() -> bool:
    """Return whether this thread may not wait, because another one waits for it."""
    return get_ident() in [*_threads_inside(), *_state.at_work]


def _threads_inside() -> list[int]:
    """Return the thread of each region."""
    return [entry.thread for entry in _state.regions.values()]


def _others(threads: list[int]) -> list[int]:
    """Return the threads other than this one."""
    return [thread for thread in threads if thread != get_ident()]


def _wait(queue: Callable[[object], object], blocked: Callable[[], object]) -> None:
    """Queue, and wait until this thread is first and nothing blocks it, with the lock held."""
    ticket = object()
    queue(ticket)
    try:
        while _state.queue[0] is not ticket or blocked():
            _state.changed.wait(POLL)
    finally:
        _state.queue.remove(ticket)
        _state.changed.notify_all()


def _prepare() -> None:
    """Start Numba's threads, once in a process."""
    numba: Any = import_module("numba")
    config = numba.config
    if config.THREADING_LAYER == "default":
        config.THREADING_LAYER_PRIORITY = ["tbb", "workqueue", "omp"]
    _load_tbb()
    try:
        numba.get_num_threads()  # starts them
    except ValueError as error:
        expected = "default or the name of a layer that is installed"
        received = f"{config.THREADING_LAYER!r} ({error})"
        text = sentence("kernels", "NUMBA_THREADING_LAYER", expected, received)
        raise ArgumentError(text) from error
    with _state.lock:
        most = config.NUMBA_NUM_THREADS
        _state.default = min(1 if _state.forked else processors.allowed(), most)
        _state.chosen = _state.chosen and min(_state.chosen, most)
        if _state.layer is None:
            # What numba.get_num_threads and numba.set_num_threads call. Those take a lock each
            # time, which an interrupt at that moment would leave locked.
            parallel = import_module("numba.np.ufunc.parallel")
            _state.get_threads = parallel._get_num_threads
            _state.set_threads = parallel._set_num_threads
            _state.layer = str(numba.threading_layer())


def _load_tbb() -> None:
    """Load TBB from where pip installs it: Numba searches only the system's folders."""
    name = {"linux": "libtbb.so.12", "darwin": "libtbb.12.dylib", "win32": "tbb12.dll"}
    user = Path(site.getuserbase())
    for prefix in (Path(sys.prefix), user):
        for folder in (prefix / "lib", prefix / "Library" / "bin"):
            file = folder / name.get(sys.platform, "")
            if file.is_file():
                with suppress(OSError):  # Numba then uses the work queue
                    ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)
                    return


def _checked(n: object) -> int:
    """Return n as a number of threads between 1 and the number of those that there are."""
    if isinstance(n, bool) or not isinstance(n, SupportsIndex):
        raise DTypeError(sentence("set_num_threads", "n", "an integer", brief(n)))
    config = getattr(sys.modules.get("numba"), "config", None)
    most = getattr(config, "NUMBA_NUM_THREADS", None) or processors.started_with()
    try:
        count = operator.index(n)
    except TypeError:  # an array has the method, whatever it holds
        raise DTypeError(sentence("set_num_threads", "n", "an integer", brief(n))) from None
    if not 1 <= count <= most:
        raise ArgumentError(
            sentence("set_num_threads", "n", f"1 to {most}, the threads that there are", count)
        )
    return count


def _before_fork() -> None:
    """Wait until no other thread is at work, before all threads that wait to enter a region."""
    _state.lock.acquire()
    _wait(_state.queue.appendleft, lambda: _others([*_threads_inside(), *_state.at_work]))


def _after_fork_in_parent() -> None:
    with suppress(RuntimeError):  # an interrupt came before the lock was taken
        _state.lock.release()


def _after_fork_in_child() -> None:
    """Remove the threads that the child does not have."""
    _state.lock = threading.RLock()
    _state.changed = threading.Condition(_state.lock)
    _state.queue.clear()
    for region, entry in list(_state.regions.items()):
        if entry.thread != get_ident():
            del _state.regions[region]
    _state.at_work = [thread for thread in _state.at_work if thread == get_ident()]
    _state.chosen, _state.default, _state.forked = None, None, True


if hasattr(os, "register_at_fork"):  # Windows has no fork
    # What is registered last runs first. Numba logs, and so needs a lock that ``logging`` takes
    # before a fork: the wait for Numba has to come before that.
    import_module("logging")
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_after_fork_in_parent,
        after_in_child=_after_fork_in_child,
    )
