"""Buffers that are taken once and used again in every step."""

from __future__ import annotations

from collections.abc import Sequence
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
    """A workspace seen by one stage, whose names are its own.

    Args:
        workspace: where the memory is.
        stage: the stage's number.
        lasting: names whose arrays are new memory each time, because somebody keeps them.
    """

    def __init__(self, workspace: Workspace, stage: int, lasting: Sequence[str] = ()) -> None:
        self._workspace, self._stage, self._lasting = workspace, stage, lasting

    def take(self, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """Return an array of this shape; see ``Workspace.take``."""
        if name in self._lasting:
            return aligned(shape, dtype)
        return self._workspace.take(f"{self._stage}.{name}", shape, dtype)
