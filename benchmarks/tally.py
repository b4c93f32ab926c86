"""Calls of Python functions, and of kernels, that some work makes: counts without noise."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from environment import installed

# From Python 3.12 on, Numba does not report calls of compiled code to ``sys.setprofile``.
SEES_KERNELS = sys.version_info < (3, 12)


def place_of(code: Any) -> tuple[str, str]:
    """Return the file and the name of a function."""
    return code.co_filename, code.co_name


def kernels() -> set[tuple[str, str]]:
    """Return the place of each function that is compiled for calls by Python."""
    if not installed("numba"):
        return set()
    from numba.core.dispatcher import Dispatcher

    from neural_network.kernels.runtime.compiler import kernel

    found = set()
    for name, module in list(sys.modules.items()):
        if name.startswith("neural_network.kernels."):
            for value in vars(module).values():
                body = value.body if isinstance(value, kernel) else getattr(value, "py_func", None)
                if isinstance(value, kernel | Dispatcher):
                    found.add(place_of(body.__code__))
    return found


def tally(work: Callable[[], object]) -> tuple[int, int | None]:
    """Return the calls of Python functions in this thread, and how many were of kernels if known.

    Numba reports a call of compiled code as one of a function with the name of that it was
    compiled from, in the same file.
    """
    work()
    launching, calls, launches = kernels(), 0, 0
    work()  # whatever is made at the first calls, and anew after an import

    def note(frame: Any, event: str, _argument: object) -> None:
        nonlocal calls, launches
        if event == "call":
            calls += 1
            launches += place_of(frame.f_code) in launching

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls, launches if SEES_KERNELS else None
