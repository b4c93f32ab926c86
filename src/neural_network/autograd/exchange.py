"""Other tensors in the place of those that ops are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from neural_network.autograd.engine import Recorded
from neural_network.lifting import LISTS, mapped, tensors_in

_others: ContextVar[Mapping[int, Any] | None] = ContextVar("others", default=None)


@contextmanager
def exchanging(others: Mapping[int, Any]) -> Iterator[Mapping[int, Any]]:
    """Let ops inside the block take other tensors, by the ``id`` of those that they are given.

    Yields:
        The other tensors of this block and of those that it is inside of.
    """
    every = {**(_others.get() or {}), **others}
    token = _others.set(every)
    try:
        yield every
    finally:
        _others.reset(token)


def others_now() -> Mapping[int, Any] | None:
    """Return the other tensors of the blocks that this thread is in, or None."""
    return _others.get()


def exchanged(value: Any, others: Mapping[int, Any]) -> Any:
    """Return the other tensor for one, also in a list or tuple; anything else as it is."""
    if isinstance(value, Recorded):
        return others.get(id(value), value)
    if isinstance(value, LISTS) and tensors_in(value):
        return mapped(lambda item: exchanged(item, others), value)
    return value
