"""Buffers that are taken once and used again in every step."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from neural_network.functional.checks import Array
from neural_network.kernels.memory import aligned


class Workspace:
    """Arrays by stage and name; their memory grows to the largest that was asked for.

    >>> workspace = Workspace()
    >>> first = workspace.take(0, "a", (4, 2))
    >>> np.shares_memory(first, workspace.take(0, "a", (3, 2)))
    True
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[int, str], Array] = {}

    def take(self, stage: int, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """Return an array of this shape, whose numbers are whatever was left there.

        One name stands for one type.
        """
        size = prod(shape)
        buffer = self._buffers.get((stage, name))
        if buffer is None or buffer.size < size:
            buffer = self._buffers[stage, name] = aligned((size,), dtype)
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
        return self._workspace.take(self._stage, name, shape, dtype)
