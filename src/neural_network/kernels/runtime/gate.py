"""The one decision between NumPy and a compiled kernel: mode, types of the arrays, and size."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import TracebackType
from typing import Any, ClassVar

from neural_network.checks import as_choice
from neural_network.errors import MissingDependencyError, warn_of_call
from neural_network.kernels.runtime.layouts import computable
from neural_network.public import public

VARIABLE = "NEURAL_NETWORK_KERNELS"
MODES = ("auto", "numpy", "numba")
NEEDED = ("numba",)

# The amount of work from which the mode "auto" uses a compiled kernel. The comments give the times
# of NumPy's body and of the kernel at the threshold and their ratio, on one thread of a shared
# machine, measured with benchmarks/thresholds.py. Loading Numba takes half a second once, so that
# some thresholds are higher than the ratio alone would ask for.
THRESHOLDS = {
    # products (multiplications with an addition)
    "depthwise convolution": 1 << 17,  # 208 µs, 69 µs: 3.0
    "tiled convolution": 1_000_000,  # 127 µs, 98 µs: 1.3
    "single-channel convolution": 1 << 22,  # 8,340 µs, 392 µs: 21
    "network": 1_000_000,  # 149 µs, 59 µs: 2.5
    # A step without its optimizer 61 µs, 20 µs: 3.0, at a quarter of it 56 µs, 18 µs.
    "dense chain": 1 << 16,
    "dense rows": 1 << 18,
    # With its gradients 237 µs, 270 µs: 0.9; at four times it 1.2, and more on several threads.
    "attention": 1 << 19,
    "single row": 1 << 18,  # 147 µs, 25 µs: 5.9
    # numbers
    "largest of an image": 1 << 21,  # 665 µs, 454 µs: 1.5
    "sum of rows": 1 << 14,  # 60 µs, 13 µs: 4.5
    "pooling": 1 << 15,  # with its gradient 187 µs, 160 µs: 1.2
    "layer norm": 1 << 12,  # with its gradients 195 µs, 178 µs: 1.1
    "batch norm": 1 << 15,  # with its gradient 420 µs, 308 µs: 1.4
    # 6 µs, 18 µs: 0.3. But NumPy's body calls BLAS, whose threads then spin beside the kernels'.
    "finite check": 50_000,
    "optimizer": 1 << 16,  # parameters and state arrays; Adam 53 µs, 36 µs: 1.5
    # Numba is loaded already, so any work pays: 58 µs, 25 µs: 2.3 for ten logits.
    "cross-entropy behind a kernel": 1,
}
# The amount of work up to which a kernel is used, in every mode, because NumPy is faster beyond it,
# or other kernels are.
LIMITS = {
    # 654 µs, 254 µs: 2.6 on one thread; the kernels of each layer use several, and a tape.
    "dense chain": 1 << 22,
    "dense rows": 1 << 22,  # 225 µs, 158 µs: 1.4; beyond it the kernels of each layer use several
    # Rows of 1,024 classes: 86 µs, 82 µs: 1.0. At four times the limit 130 µs, 237 µs: 0.5.
    "cross-entropy behind a kernel": 8192,
}

_allowed: ContextVar[bool] = ContextVar("allowed", default=True)


# The blocks in which this thread is, the innermost last.
_blocks: ContextVar[tuple[use_kernels, ...]] = ContextVar("blocks", default=())
# Of the calls of ``use_kernels`` that are not the beginning of a block, so many are kept.
MOST_CALLS = 1000


class _Process:
    """The mode of this process: of the last call that began no block, else of the environment.

    A call cannot know whether a block follows; if one does, it takes the call back. Each step is
    one operation of a list, so that threads do not disturb each other.
    """

    calls: ClassVar[list[use_kernels]] = []
    environment: ClassVar[str | None] = None  # until it is read


@public
class use_kernels:  # noqa: N801  # called like a function
    """Choose between NumPy and compiled kernels, from now on or for a block.

    Args:
        mode: ``"numpy"``: NumPy only. ``"numba"``: a compiled kernel wherever there is one.
            ``"auto"``, the default: a compiled kernel where the work is large enough and Numba
            is installed. The choice depends on the network, shapes and types only, never on
            what is already compiled. The environment variable ``NEURAL_NETWORK_KERNELS`` sets
            the mode that a process begins with.

    Returns:
        A context manager. A call without ``with`` sets the mode of the process: of all threads,
        started before or later, outside of blocks. A block holds for its own thread, and for
        what runs in a copy of its context: tasks of asyncio, ``asyncio.to_thread``. Inside a
        block, that block's mode holds, whatever the process's becomes.

    Raises:
        ArgumentError, DTypeError: the mode is none of these.
        MissingDependencyError: ``"numba"``, and Numba is not installed.

    >>> with use_kernels("numpy"):
    ...     conv2d(np.ones((3, 3)), np.ones((2, 2)))
    array([[4., 4.],
           [4., 4.]])
    """

    def __init__(self, mode: str = "auto") -> None:
        self._mode = _checked(mode)
        current_mode()  # complains of the environment variable
        _Process.calls.append(self)
        del _Process.calls[:-MOST_CALLS]

    def __enter__(self) -> None:
        """Set the mode of this thread for a block."""
        _blocks.set((*_blocks.get(), self))
        with suppress(ValueError):  # it is entered again
            _Process.calls.remove(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Return to the mode of before the block."""
        # Blocks of suspended generators end in any order.
        blocks = list(_blocks.get())
        if self in blocks:
            del blocks[len(blocks) - 1 - blocks[::-1].index(self)]
            _blocks.set(tuple(blocks))


@contextmanager
def without_kernels() -> Iterator[None]:
    """Use no kernel in this thread inside the block, whose results are not worth compiling for."""
    token = _allowed.set(False)
    try:
        yield
    finally:
        _allowed.reset(token)


def current_mode() -> str:
    """Return the mode: of a block, else of the process, else of its environment, else "auto"."""
    blocks = _blocks.get()
    if blocks:
        return blocks[-1]._mode
    try:
        return _Process.calls[-1]._mode
    except IndexError:
        if _Process.environment is None:
            word = _checked(os.environ.get(VARIABLE) or "auto", VARIABLE)
            _Process.environment = word
        return _Process.environment


def kernel_wanted(row: str, work: float, *arrays: Any) -> bool:
    """Return whether to use a compiled kernel.

    Args:
        row: of ``THRESHOLDS``, and perhaps of ``LIMITS``.
        work: its amount, in the unit of that row.
        *arrays: what the kernel computes with; kernels take NumPy arrays of one dtype, float32
            or float64.
    """
    mode = current_mode()
    if mode == "numpy" or not _allowed.get() or work > LIMITS.get(row, work):
        return False
    if mode == "auto" and work < THRESHOLDS[row]:
        return False
    return (not arrays or computable(*arrays)) and _imports_numba(mode)


@cache
def available() -> bool:
    """Return whether the packages of the extra ``fast`` are installed, without importing them."""
    try:
        return all(find_spec(name) for name in NEEDED)
    except (ImportError, ValueError):  # an import hook forbids one of them
        return False


@cache
def _imports_numba(mode: str) -> bool:
    """Import Numba and what calls it on first use; return whether that succeeds.

    Raises:
        ImportError: it does not, and the mode asks for kernels.
        ArgumentError: an environment variable for it holds nonsense.
    """
    if mode == "auto" and not available():
        return False
    from neural_network.kernels.runtime.signals import held_signals
    from neural_network.kernels.runtime.threads import forks_wait

    try:
        with held_signals(), forks_wait():
            from neural_network.kernels.runtime.processors import check_environment

            check_environment()
            # The first kernel that is called would import ``numpy.ma``.
            for name in ("numba", "numpy.ma", "neural_network.kernels.runtime.compiler"):
                import_module(name)
    except ImportError as error:  # it refuses versions of NumPy newer than itself
        if mode == "numba":
            raise
        warn_of_call(f"kernels: NumPy computes, because {error}", RuntimeWarning)
        return False
    return True


def _checked(mode: object, name: str = "mode") -> str:
    word = as_choice("use_kernels", name, mode, MODES)
    if word == "numba" and not available():
        packages = ", ".join(NEEDED)
        raise MissingDependencyError(
            f"use_kernels: {name}='numba' needs packages that are not installed "
            f'({packages}); install them with pip install "neural-network-numpy[fast]"'
        )
    return word
