"""Where a training's batches come from: arrays in memory or on disk, or any iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neural_network.errors import ArgumentError, DTypeError, ShapeError, sentence
from neural_network.functional.checks import Array, as_count, as_real
from neural_network.layers.randomness import generator


class Batch(NamedTuple):
    """Rows that are computed together."""

    X: Array
    y: Array
    weights: Array | None = None  # of the rows

    def __len__(self) -> int:
        return len(self.X)


class ArrayFeed:
    """Batches of arrays, each epoch in an order that follows from the seed.

    ``X`` may be memory-mapped: only the rows of a batch are read.
    """

    def __init__(self, X: Array, y: Array, batch_size: int, weights: Array | None) -> None:
        self.X, self.y, self.weights = X, y, weights
        self.batch_size = batch_size

    @property
    def count(self) -> int:
        """How many batches an epoch has."""
        return -(-len(self.X) // self.batch_size)

    @property
    def rows(self) -> int:
        """How many rows an epoch has."""
        return len(self.X)

    @property
    def example(self) -> Batch:
        """Two rows, or the only one, to try the model on."""
        return Batch(self.X[:2], self.y[:2])

    def epoch(self, seed: int, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, after those that were seen before."""
        order = generator(seed, "order", epoch).permutation(len(self.X))
        for start in range(skip * self.batch_size, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            weights = None if self.weights is None else self.weights[rows]
            yield Batch(np.asarray(self.X[rows]), np.asarray(self.y[rows]), weights)


class IterableFeed:
    """Batches that somebody else makes: an iterable that starts anew each epoch.

    Or a function of the epoch's number that returns one. Nothing is shuffled.
    """

    rows = None

    def __init__(self, source: Iterable[Any] | Callable[[int], Iterable[Any]]) -> None:
        self.source = source
        if isinstance(source, Iterator):
            raise ArgumentError(
                sentence(
                    "fit",
                    "X",
                    "batches that can be gone through once in each epoch (a list, an object "
                    "with __iter__, or a function of the epoch that returns an iterator)",
                    "an iterator, which is empty after one",
                )
            )
        self.count: int | None = len(source) if hasattr(source, "__len__") else None

    @property
    def example(self) -> Batch:
        """The first rows of the first batch, to try the model on."""
        for batch in self.epoch(0, 0):
            return Batch(batch.X[:2], batch.y[:2])
        raise ShapeError(sentence("fit", "X", "at least one batch", "an empty iterable"))

    def epoch(self, seed: int, epoch: int, skip: int = 0) -> Iterator[Batch]:  # noqa: ARG002  # one signature for all feeds
        """Yield the batches of an epoch, after those that were seen before."""
        batches = self.source(epoch) if callable(self.source) else self.source
        count = 0
        for item in islice(batches, skip, None):
            count += 1
            yield _as_batch(item, skip + count)
        if count + skip:
            self.count = count + skip


Feed = ArrayFeed | IterableFeed


def as_feed(
    X: Any, y: ArrayLike | None, batch_size: int, sample_weights: ArrayLike | None = None
) -> Feed:
    """Return the feed for what ``fit`` was given, after looking at it.

    Raises:
        DTypeError, ShapeError, ArgumentError: rows that do not belong together, none, or
            not finite numbers.
    """
    size = as_count("fit", "batch_size", batch_size)
    if y is None:
        if not (callable(X) or isinstance(X, Iterable)) or isinstance(X, np.ndarray):
            expected = "labels for the rows of X (or an iterable of batches as X)"
            raise DTypeError(sentence("fit", "y", expected, "None"))
        if sample_weights is not None:
            expected = "none with an iterable, whose batches (X, y, weights) bring their own"
            raise ArgumentError(sentence("fit", "sample_weights", expected, "an array"))
        return IterableFeed(X)
    inputs, targets = as_rows("fit", X, y)
    return ArrayFeed(inputs, targets, size, _as_weights(sample_weights, len(inputs)))


def as_rows(function: str, X: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Return inputs and targets with as many rows as each other."""
    inputs, targets = as_real(function, "X", X), as_real(function, "y", y)
    if inputs.ndim < 2 or len(inputs) == 0:
        raise ShapeError(
            sentence(function, "X", "(n, …) with at least one row", f"shape {inputs.shape}")
        )
    if targets.ndim == 0 or len(targets) != len(inputs):
        expected = f"{len(inputs)} rows, as in X"
        raise ShapeError(sentence(function, "y", expected, f"shape {targets.shape}"))
    if not isinstance(inputs, np.memmap):  # a file may be larger than the memory
        check_finite(function, "X", inputs)
    return inputs, targets


def check_finite(function: str, name: str, array: Array) -> None:
    """Raise ArgumentError and name the first row with a NaN or an infinity."""
    if array.dtype.kind != "f" or np.isfinite(np.sum(array, dtype=np.float64)):
        return
    rows = np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))
    if len(rows):
        received = f"NaN or infinity in {len(rows)} rows, first in row {rows[0]}"
        raise ArgumentError(sentence(function, name, "finite numbers", received))


def _as_batch(item: Any, number: int) -> Batch:
    name = f"batch {number}"
    if not isinstance(item, tuple | list) or len(item) not in (2, 3):
        expected = "(X, y) or (X, y, weights)"
        raise DTypeError(sentence("fit", name, expected, type(item).__name__))
    X, y = as_rows(f"fit: {name}", item[0], item[1])
    weights = _as_weights(item[2], len(X)) if len(item) == 3 else None
    return Batch(X, y, weights)


def _as_weights(weights: ArrayLike | None, rows: int) -> Array | None:
    if weights is None:
        return None
    array = as_real("fit", "sample_weights", weights)
    if array.shape != (rows,):
        expected = f"one for each of the {rows} rows"
        raise ShapeError(sentence("fit", "sample_weights", expected, f"shape {array.shape}"))
    if not np.all(np.isfinite(array)) or np.any(array < 0) or not np.any(array > 0):
        expected = "finite numbers of at least 0, not all 0"
        raise ArgumentError(sentence("fit", "sample_weights", expected, "others"))
    return array.astype(np.float32)
