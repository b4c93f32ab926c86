"""Buffers that are taken once and used again in every step."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from neural_network.functional.checks import Array
from neural_network.kernels.memory import aligned


class Workspace:
    """Arrays by name; a name's memory grows to the largest array that was asked for.

    >>> workspace = Workspace()
    >>> first = workspace.take("a", (4, 2))
    >>> np.shares_memory(first, workspace.take("a", (3, 2)))
    True
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, np.dtype[Any]], Array] = {}

    def take(self, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """Return an array of this shape, whose numbers are whatever was left there."""
        key, size = (name, np.dtype(dtype)), prod(shape)
        buffer = self._buffers.get(key)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[key] = aligned((size,), dtype)
        return buffer[:size].reshape(shape)


class Room:
    """A workspace seen by one stage, whose names are its own."""

    def __init__(self, workspace: Workspace, stage: int) -> None:
        self._workspace, self._stage = workspace, stage

    def take(self, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """Return an array of this shape; see ``Workspace.take``."""
        return self._workspace.take(f"{self._stage}.{name}", shape, dtype)
