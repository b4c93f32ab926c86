"""Cutting rows into mini-batches."""

from __future__ import annotations

from collections.abc import Iterator

from neural_network.checks import Array


def cut(order: Array, batch_size: int) -> Iterator[Array]:
    """Yield ``order`` in pieces of ``batch_size``; the last may be shorter.

    >>> [piece.tolist() for piece in cut(np.arange(5), 2)]
    [[0, 1], [2, 3], [4]]
    """
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
