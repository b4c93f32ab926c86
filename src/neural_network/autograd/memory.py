"""Which nodes saved a memory for the backward pass, so that a change in place can be refused."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any
from weakref import ref

import numpy as np

from neural_network.lifting import array_under


class Memory:
    """The nodes that saved a memory for the backward pass, as long as they exist."""

    __slots__ = ("_limit", "_nodes")

    def __init__(self) -> None:
        self._nodes: list[ref[Any]] = []
        self._limit = 8

    def add(self, node: Any) -> None:
        """Note a node."""
        if len(self._nodes) >= self._limit:  # drop those that are gone or were released
            self._nodes = [known for known in self._nodes if (old := known()) and old.values]
            self._limit = 2 * len(self._nodes) + 8
        self._nodes.append(ref(node))

    def outdate(self) -> None:
        """Make the records of all nodes unusable, because the memory was changed."""
        for node in self:
            if node.values is not None:
                node.outdate()
        self._nodes.clear()

    def __iter__(self) -> Iterator[Any]:
        """Yield the nodes that still exist."""
        return (node for known in self._nodes if (node := known()) is not None)


def note_saved(tensors: Iterable[Any], node: Any) -> None:
    """Note that a node saved the memory of tensors: ``tensor.memory.add(node)`` for each."""
    saved = ref(node)
    for tensor in tensors:
        memory = tensor._memory
        if memory is None or len(memory._nodes) >= memory._limit:
            tensor.memory.add(node)
        else:
            memory._nodes.append(saved)


def checksum(value: Any) -> int:
    """Return a number that depends on each bit of an array, or of several in a list."""
    raw = array_under(value)
    items = raw if isinstance(raw, list | tuple) else [raw]
    total = 0
    for item in items:
        if isinstance(item, np.ndarray):
            total = zlib.crc32(np.ascontiguousarray(item).view(np.uint8).ravel().data, total)
    return total
