"""What a test needs that may be missing: without it the test is skipped, or fails."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import pytest

from neural_network.kernels.runtime.gate import available


def need(present: object, what: str) -> None:
    """Skip where a tool is missing, and fail where REQUIRE_ALL=1 promises that none is."""
    if present:
        return
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(f"REQUIRE_ALL=1, but there is no {what}", pytrace=False)
    pytest.skip(f"no {what}", allow_module_level=True)


def need_module(name: str) -> Any:
    """Return a module; without it, ``need`` decides."""
    try:
        return import_module(name)
    except ModuleNotFoundError:
        need(None, name)


def need_fast() -> None:
    need(available(), "Numba (the extra fast)")


def kernels(name: str) -> Any:
    """The file of kernels of this name, which imports Numba."""
    need_fast()
    return import_module(f"neural_network.kernels.{name}")
