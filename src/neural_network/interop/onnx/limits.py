"""How much memory one call of an imported model may take: sizes in a file are not trusted.

A node such as ``Expand`` makes an array of any size from a few bytes of a file. So what is alive
in one call may take ``LEAST`` bytes, or ``FACTOR`` times what the caller's inputs and the model's
parameters take, where that is more. Nodes that determine sizes ask before they compute.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Any

import numpy as np

from neural_network.errors import ShapeError, sentence

LEAST, FACTOR = 1 << 27, 64


class Budget:
    """What is left, in bytes."""

    def __init__(self, given: int) -> None:
        self.left = max(LEAST, FACTOR * given)

    def take(self, name: str, value: Any) -> None:
        """Count a value that a node has made."""
        self.left -= value.nbytes if hasattr(value, "nbytes") else 0
        if self.left < 0:
            raise _too_large(name, f"the result of shape {value.shape}")

    def give(self, value: Any) -> None:
        """Count a value that no later node reads."""
        self.left += value.nbytes if hasattr(value, "nbytes") else 0


_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def budget(given: int) -> Iterator[Budget]:
    """Limit what the operators inside the block make; ``given``: bytes of what they begin with."""
    made = Budget(given)
    token = _budget.set(made)
    try:
        yield made
    finally:
        _budget.reset(token)


def affordable(name: str, shape: Sequence[int], itemsize: int = 4) -> None:
    """Raise ShapeError if an array that a node is about to make is beyond the budget.

    Args:
        name: of the operator.
        shape: of the array.
        itemsize: bytes of a number.
    """
    found = _budget.get()
    sizes = [int(size) for size in shape]
    if found is not None and prod(sizes) * itemsize > found.left:
        raise _too_large(name, f"shape {tuple(sizes)}")


def check_broadcast(name: str, *arrays: Any) -> None:
    """Raise ShapeError if arrays that a node is about to broadcast make one beyond the budget.

    Args:
        name: of the operator.
        arrays: of which the result has the common shape.
    """
    shape = np.broadcast_shapes(*[array.shape for array in arrays])
    affordable(name, shape, max(array.dtype.itemsize for array in arrays))


def _too_large(name: str, received: str) -> ShapeError:
    expected = "arrays in proportion to the model's parameters and its inputs"
    return ShapeError(sentence(name, "sizes", expected, received))
