"""Buffers that are taken once and used again in every step."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.kernels.runtime.aligned import aligned
from neural_network.plan.matching import Match
from neural_network.plan.stages import Prepared

# So many sizes of batches are kept ready: that of training, that of its last batch, and those
# of predictions.
READY = 6


class Workspace:
    """Arrays by stage and name, and stages that are ready to compute with them.

    The memory grows to the largest that was asked for. Stages for different batches share it,
    so only one of them computes at a time.

    >>> workspace = Workspace()
    >>> first = workspace.take(0, "a", (4, 2))
    >>> np.shares_memory(first, workspace.take(0, "a", (3, 2)))
    True
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[int, str], Array] = {}
        self._ready: dict[tuple[Match, int, bool], list[Prepared]] = {}

    def take(self, stage: int, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """Return an array of this shape, whose numbers are whatever was left there.

        One name stands for one type.
        """
        size = prod(shape)
        buffer = self._buffers.get((stage, name))
        if buffer is None or buffer.size < size:
            if buffer is not None:  # those who are ready would keep the smaller one
                self._ready.clear()
            buffer = self._buffers[stage, name] = aligned((size,), dtype)
        return buffer[:size].reshape(shape)

    def prepared(self, match: Match, rows: int, *, wanted: bool) -> Sequence[Prepared]:
        """Return the stages, ready for so many rows.

        Args:
            match: whose stages.
            rows: how many.
            wanted: whether the first stage's input has a gradient.
        """
        key = match, rows, wanted
        ready = self._ready.get(key)
        if ready is None:
            if len(self._ready) == READY:
                self._ready.clear()
            ready = [
                stage.prepared(rows, Room(self, place), wanted=wanted or place > 0)
                for place, stage in enumerate(match.stages)
            ]
            self._ready[key] = ready
        return ready


class Room:
    """A workspace seen by one stage, whose names are its own.

    Args:
        workspace: where the memory is.
        stage: the stage's number.

    Attributes:
        lasting: whether somebody keeps the gradient that the stage returns.
    """

    def __init__(self, workspace: Workspace, stage: int) -> None:
        self._workspace, self._stage = workspace, stage
        self.lasting = stage == 0

    def take(self, name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
        """Return an array of this shape; see ``Workspace.take``."""
        return self._workspace.take(self._stage, name, shape, dtype)

    def take_lasting(self, name: str, shape: tuple[int, ...]) -> Array:
        """Return an array for the stage's gradient: new memory, if somebody keeps it."""
        return aligned(shape) if self.lasting else self.take(name, shape)
