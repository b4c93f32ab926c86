"""Numbers of threads: what a test computes on one thread and on two."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

import neural_network as nn
from neural_network.kernels.runtime.processors import started_with

Result = TypeVar("Result")


def need_two_threads() -> None:
    """Skip where there is one processor alone."""
    if started_with() < 2:
        pytest.skip("one processor alone")


def on_one_and_two_threads(compute: Callable[[], Result]) -> tuple[Result, Result]:
    """Compute on one thread and on two; the number is afterwards what it was before."""
    need_two_threads()
    before = nn.get_num_threads()
    try:
        nn.set_num_threads(1)
        one = compute()
        nn.set_num_threads(2)
        return one, compute()
    finally:
        nn.set_num_threads(before)
