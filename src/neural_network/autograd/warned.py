"""What NumPy warns of inside a differentiation, at the line of the caller's."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from neural_network.errors import is_own, warn_of_call


@contextmanager
def warnings_of_callers_line() -> Iterator[None]:
    """Let what NumPy warns of inside the block name the caller's line, where it warns at all.

    By itself NumPy names the line that calls it, which is one of the library's. What the caller
    has asked for by ``np.errstate`` stays: only "warn" is another function here.
    """
    asked: dict[str, Any] = {
        kind: "call" for kind, action in np.geterr().items() if action == "warn"
    }
    with np.errstate(call=_warn_of_numbers, **asked):
        yield


def _warn_of_numbers(kind: str, _: int) -> None:
    """Warn as NumPy does; it calls this from where its function was called."""
    frame: Any = sys._getframe(1)
    while frame.f_globals.get("__name__", "").startswith("numpy."):  # np.sum is a function there
        frame = frame.f_back
    where = ""
    if is_own(frame.f_globals.get("__name__", "")):
        ufunc = frame.f_locals.get("ufunc")
        where = f" in {getattr(ufunc, '__name__', frame.f_code.co_name)}"
    warn_of_call(f"{kind} encountered{where}", RuntimeWarning)
