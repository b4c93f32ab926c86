"""Whether NumPy or a compiled kernel computes: asked here, and nowhere else."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.util import find_spec
from types import TracebackType

from neural_network.errors import ArgumentError, DTypeError, MissingDependencyError, sentence
from neural_network.public import public

VARIABLE = "NEURAL_NETWORK_KERNELS"
MODES = ("auto", "numpy", "numba")
NEEDED = ("numba", "threadpoolctl")


# The amount of work from which a compiled kernel is used in the mode "auto": where a kernel that
# is already loaded takes half the time of NumPy's body.
THRESHOLDS = {
    # products (multiplications with an addition)
    "depthwise convolution": 1 << 17,
    "convolution of many channels": 1_000_000,
    "convolution of one channel": 1 << 22,
    "network": 1_000_000,
    # numbers
    "largest of a picture": 1 << 21,
    "pooling": 1 << 15,
    "batch norm": 1 << 15,
    "finite check": 50_000,
    "optimizer": 1 << 16,
}

_wanted: ContextVar[bool] = ContextVar("wanted", default=True)


class _Choice:
    """The mode of this process; ``None`` as long as the environment has not been asked."""

    mode: str | None = None


@public
class use_kernels:  # noqa: N801  # it is called as a function is
    """Choose which bodies compute, from now on or for a block.

    Args:
        mode: ``"numpy"``: NumPy alone. ``"numba"``: a compiled kernel wherever there is
            one. ``"auto"``, the default: a compiled kernel where the work is large enough
            to be worth it, and Numba is there. What is chosen depends on the network, shapes
            and types alone, never on what is compiled already. The environment variable
            ``NEURAL_NETWORK_KERNELS`` sets the mode that a process begins with.

    Returns:
        A context manager; leaving its block brings back what was before. Without ``with``
        the choice stays. It holds for all threads.

    Raises:
        ArgumentError, DTypeError: no such mode.
        MissingDependencyError: ``"numba"`` where Numba is not installed.

    >>> with use_kernels("numpy"):
    ...     conv2d(np.ones((3, 3)), np.ones((2, 2)))
    array([[4., 4.],
           [4., 4.]])
    """

    def __init__(self, mode: str = "auto") -> None:
        self._mode = _checked(mode)
        self._made_in: str | None = current_mode()
        self._before: list[str] = []
        _Choice.mode = mode

    def __enter__(self) -> None:
        """Keep the choice for a block."""
        # The first block ends what the call began; a later one only itself.
        self._before.append(self._made_in or current_mode())
        self._made_in = None
        _Choice.mode = self._mode

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Bring back what was before."""
        _Choice.mode = self._before.pop()


@contextmanager
def without_kernels() -> Iterator[None]:
    """Use no kernel inside the block, in this thread: its numbers are worth no compiling."""
    token = _wanted.set(False)
    try:
        yield
    finally:
        _wanted.reset(token)


def current_mode() -> str:
    """Return the mode: what ``use_kernels`` chose, or the environment, or "auto"."""
    if _Choice.mode is None:
        _Choice.mode = _checked(os.environ.get(VARIABLE) or "auto", VARIABLE)
    return _Choice.mode


def kernel_wanted(name: str, work: float) -> bool:
    """Say whether a compiled kernel is to do this work.

    Args:
        name: a row of ``THRESHOLDS``.
        work: how much there is, in the unit of that row.
    """
    mode = current_mode()
    if mode == "numpy" or not _wanted.get():
        return False
    return mode == "numba" or (work >= THRESHOLDS[name] and _starts())


def kernels_possible() -> bool:
    """Say whether a compiled kernel may do any work at all."""
    return current_mode() != "numpy" and _wanted.get() and available()


@cache
def available() -> bool:
    """Say whether what kernels need (the extra ``fast``) is installed; nothing is imported."""
    try:
        return all(find_spec(name) for name in NEEDED)
    except (ImportError, ValueError):  # somebody keeps one of them from being imported
        return False


@cache
def _starts() -> bool:
    """Say whether Numba can be used; the first time this is wanted, it is imported."""
    if not available():
        return False
    try:
        import numba  # noqa: F401  # whether that goes well is the question
    except ImportError as error:  # it refuses versions of NumPy that it does not know yet
        warnings.warn(f"kernels: NumPy computes, because {error}", RuntimeWarning, stacklevel=4)
        return False
    return True


def _checked(mode: object, name: str = "mode") -> str:
    if not isinstance(mode, str) or mode not in MODES:
        words = ", ".join(repr(word) for word in MODES)
        kind = ArgumentError if isinstance(mode, str) else DTypeError
        raise kind(sentence("use_kernels", name, f"one of {words}", repr(mode)))
    if mode == "numba" and not available():
        packages = ", ".join(NEEDED)
        raise MissingDependencyError(
            f"use_kernels: {name}='numba' needs packages that are not installed "
            f"({packages}); pip install 'neural-network-numpy[fast]' brings them"
        )
    return mode
