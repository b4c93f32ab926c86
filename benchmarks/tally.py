"""Calls of Python functions, and of kernels, that some work makes: counts without noise."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from environment import installed


def tally(work: Callable[[], object]) -> tuple[int, int]:
    """Return the calls of Python functions in this thread, and how many called a kernel."""
    launching = None
    if installed("numba"):
        from neural_network.kernels.runtime.compiler import kernel

        launching = kernel.__call__.__code__
    calls = launches = 0

    def note(frame: Any, event: str, _argument: object) -> None:
        nonlocal calls, launches
        if event == "call":
            calls += 1
            launches += frame.f_code is launching

    work()  # whatever is made at the first call
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls, launches
