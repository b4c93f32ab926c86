"""Buffers that are allocated once and used again in every step."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.kernels.runtime.aligned import aligned

# For so many batch sizes prepared stages are kept: that of training, that of its last batch,
# and those of predictions.
PREPARED = 6


class Workspace:
    """The buffers of the stages of one computation, and the stages that were prepared with them.

    A buffer grows to the largest size that was requested. Stages prepared for different batch
    sizes share buffers, so a workspace serves one computation at a time.

    >>> workspace = Workspace()
    >>> first = workspace.buffer(0, "a", (4, 2))
    >>> np.shares_memory(first, workspace.buffer(0, "a", (3, 2)))
    True
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[Any, str], Array] = {}
        self._prepared: dict[tuple[Any, ...], Any] = {}
        self._owners: dict[tuple[Any, str], object] = {}

    def buffer(
        self, stage: Any, name: str, shape: tuple[int, ...], dtype: Any = np.float32
    ) -> Array:
        """Return an array of this shape with undefined contents; one name has one type.

        ``stage`` is its number, or another key.
        """
        size = prod(shape)
        buffer = self._buffers.get((stage, name))
        if buffer is None or buffer.size < size:
            if buffer is not None:  # prepared stages would keep the smaller one
                self._prepared.clear()
            buffer = self._buffers[stage, name] = aligned((size,), dtype)
        return buffer[:size].reshape(shape)

    def is_kept(self, stage: Any, name: str, owner: object) -> bool:
        """Return whether nobody else has used a buffer since its owner did; make it its owner."""
        kept = self._owners.get((stage, name)) is owner
        self._owners[stage, name] = owner
        return kept

    def prepared(self, key: tuple[Any, ...], prepare: Callable[..., Any]) -> Any:
        """Return what ``prepare(*key)`` returned since a buffer grew."""
        found = self._prepared.get(key)
        if found is None:
            if len(self._prepared) == PREPARED:
                self._prepared.clear()
            found = prepare(*key)
            self._prepared[key] = found
        return found


class StageBuffers:
    """The buffers of one stage.

    Args:
        workspace: that allocates them.
        stage: its number, or another key.

    Attributes:
        first: whether it is the first stage, whose input gradient is returned to the caller.
    """

    def __init__(self, workspace: Workspace, stage: Any) -> None:
        self._workspace, self._stage = workspace, stage
        self.first = stage == 0

    def buffer(self, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """Return a buffer that the next computation overwrites."""
        return self._workspace.buffer(self._stage, name, shape, dtype)

    def is_kept(self, name: str, owner: object) -> bool:
        """Return whether nobody else has used a buffer since its owner did; make it its owner."""
        return self._workspace.is_kept(self._stage, name, owner)

    def persistent_buffer(self, name: str, shape: tuple[int, ...]) -> Array:
        """Return a buffer for the input gradient: new memory where the caller keeps it."""
        return aligned(shape) if self.first else self.buffer(name, shape)

    def contiguous(self, array: Array, name: str) -> Array:
        """Return the array, or a contiguous copy in the buffer of this name."""
        if array.flags.c_contiguous:
            return array
        copy = self.buffer(name, array.shape)
        np.copyto(copy, array)
        return copy

    def inside(self, key: Any) -> StageBuffers:
        """Return the buffers of a stage that is inside this one."""
        return StageBuffers(self._workspace, (self._stage, key))
