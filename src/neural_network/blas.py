"""BLAS, which computes NumPy's matrix products, on one thread while the products are small.

BLAS shares a product out to its threads and waits for the last of them. A product of a
millisecond gains little by that on an idle machine. Beside another program it waits for a thread
that has no processor: products of 784 × 512 weights with 128 rows then take several times as long
on average as on one thread (``benchmarks/blas.py`` prints both).

The number of threads belongs to the process. The first block that begins notes and lowers it, the
last one that ends restores it, in whichever threads they are.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import lru_cache
from importlib import import_module
from threading import get_ident
from types import TracebackType
from typing import Any, NamedTuple
from weakref import ref

# Multiplications (each with an addition) of a product that is small: a millisecond of one thread.
SMALL = 1 << 26
# OpenBLAS computes products up to this size on the thread that calls it, whatever is set.
TINY = 1 << 18
_AS_THEY_ARE = nullcontext()


class Library(NamedTuple):
    """A BLAS library: what returns its number of threads, and what sets it."""

    get: Callable[[], int]
    set: Callable[[int], object]


class _State:
    """State shared by the blocks of a process; changed with the lock held."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        # By the identity of the block: its thread, and what ends it when it is collected.
        self.blocks: dict[int, tuple[int, ref[_OneThread]]] = {}
        self.lowered: list[tuple[Library, int]] = []  # a library, and its number of threads before


_state = _State()


def threads_for_products(largest: int) -> AbstractContextManager[None]:
    """Return a block in which BLAS has one thread, if that suits the products.

    Args:
        largest: multiplications of the largest product in the block.

    Returns:
        A context manager. Blocks may be nested and overlap in several threads; afterwards the
        number of threads is as it was before. One that is lower already is never raised.
    """
    return _OneThread() if largest <= SMALL else _AS_THEY_ARE


def threads_for_call(largest: int) -> AbstractContextManager[None]:
    """Return a block as ``threads_for_products`` for a short call; none for tiny products.

    They need none, and it would cost a tenth of their time.
    """
    return threads_for_products(largest) if largest > TINY else _AS_THEY_ARE


def set_blas_threads(count: int) -> None:
    """Set the number of threads of every BLAS library that is loaded.

    Inside a block of ``threads_for_products`` it holds from the end of the last block on.
    """
    with _state.lock:
        libraries = _libraries()
        if _state.blocks:
            _state.lowered = [(library, count) for library in libraries]
        else:
            for library in libraries:
                library.set(count)


class _OneThread:
    """A block in which BLAS has one thread."""

    __slots__ = ("__weakref__",)

    def __enter__(self) -> None:
        block = id(self)
        try:
            with _state.lock:
                # An interrupt may come before the first step of __exit__; the block then ends
                # when it is collected.
                _state.blocks[block] = get_ident(), ref(self, lambda _: _end(block))
                if len(_state.blocks) == 1:
                    for library in _libraries():
                        if (threads := library.get()) > 1:
                            _state.lowered.append((library, threads))
                            library.set(1)
        except BaseException:
            _end(block)
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _end(id(self))


def _end(block: int) -> None:
    """End a block; safe to repeat after an interrupt."""
    with _state.lock:
        if _state.blocks.pop(block, None) is not None and not _state.blocks:
            _restore()


def _restore() -> None:
    """Restore the numbers of threads, but for those that were changed inside the blocks."""
    while _state.lowered:
        library, threads = _state.lowered[-1]
        if library.get() == 1:
            library.set(threads)
        _state.lowered.pop()


def _libraries() -> list[Library]:
    """Return the BLAS libraries that are loaded."""
    if "numpy" not in sys.modules:
        import_module("numpy")  # its BLAS must be loaded to be found
    return _libraries_among(len(sys.modules))


@lru_cache(maxsize=1)
def _libraries_among(modules: int) -> list[Library]:  # noqa: ARG001  # an import may load another
    from threadpoolctl import ThreadpoolController

    return [
        _library(found) for found in ThreadpoolController().select(user_api="blas").lib_controllers
    ]


def _library(found: Any) -> Library:
    """Return the functions of a library that ``threadpoolctl`` has found.

    Those of OpenBLAS itself where its threads are the process's: ``threadpoolctl`` searches for
    them at each call, and newer versions let only one thread of Python set the number.
    """
    prefix, suffix = getattr(found, "_symbol_prefix", ""), getattr(found, "_symbol_suffix", "")
    names = [f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set")]
    if getattr(found, "threading_layer", "") == "pthreads":
        with suppress(AttributeError):
            return Library(*[getattr(found.dynlib, name) for name in names])
    return Library(lambda: found.get_num_threads() or 1, found.set_num_threads)


def _after_fork_in_child() -> None:
    """End the blocks of the threads that the child does not have."""
    _state.lock = threading.RLock()
    before = len(_state.blocks)
    _state.blocks = {
        block: entry for block, entry in _state.blocks.items() if entry[0] == get_ident()
    }
    if before and not _state.blocks:
        _restore()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_after_fork_in_child)
