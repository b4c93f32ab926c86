"""Batches of a training: from arrays in memory or on disk, or from any iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from neural_network.checks import Array, as_count, as_real, beyond, is_iterable
from neural_network.elsewhere.own_layers import of_several_inputs
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence
from neural_network.functional.finite import is_finite
from neural_network.functional.shaping import cut
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import generator
from neural_network.layers.several import SEVERAL, are_arrays, arrays_in, each, without_tensors
from neural_network.layers.several_inputs import as_inputs, same_rows
from neural_network.training.signatures import takes

# Number of rows that the model is tried on before a training begins.
EXAMPLE = 32
# Numbers in the rows of ``spread``, which are copied.
MOST_NUMBERS = 2**19
# Number of rows of an array on disk that are read at once.
PIECE = 4096


class Batch(NamedTuple):
    """Rows that are processed together.

    Attributes:
        X: (n, …) inputs, or a tuple of them where the model takes several.
        y: (n, …) labels or targets; or a tuple or dict of them.
        weights: (n,) of the rows.
    """

    X: Any
    y: Any
    weights: Array | None = None

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(self.X[0]) if type(self.X) is tuple else len(self.X)

    def at(self, rows: slice | Array) -> Batch:
        """Return some of the rows; those of a memory-mapped array are read here."""
        X, y, weights = self
        if weights is not None:
            weights = weights[rows]
        if isinstance(X, SEVERAL) or isinstance(y, SEVERAL):
            X, y = (each(lambda array: np.asarray(array[rows]), value) for value in (X, y))
            return Batch(X, y, weights)
        if type(X) is np.ndarray and type(rows) is np.ndarray and X.flags.c_contiguous:
            some = X.take(rows, axis=0)  # the same rows, in a third of the time
        else:
            some = np.asarray(X[rows])
        return Batch(some, np.asarray(y[rows]), weights)


class ArrayFeed:
    """Batches of arrays, shuffled in each epoch by the seed.

    ``X`` may be memory-mapped: only the rows of a batch are read.

    Attributes:
        count: the number of batches in an epoch.
        rows_of_batch: the number of rows in the first batch of an epoch.
        rows_of_last: the number of rows in the last batch of an epoch.
        shape: what has to be the same for a training to be resumed, as JSON holds it.
        targets: all targets; ``whole`` is True.
        example: the first rows, to try the model on.
        data: all rows, those that are held out included.
    """

    whole = True

    def __init__(
        self,
        X: Any,
        y: Any,
        batch_size: int,
        weights: Array | None,
        dtype: DTypeLike,
        rows: Array | None = None,
    ) -> None:
        self.data, self.batch_size, self._dtype = Batch(X, y, weights), batch_size, dtype
        # The rows to train with; None: all of them.
        self._rows, number = rows, self.data.rows if rows is None else len(rows)
        self.count: int | None = -(-number // batch_size)
        self.rows_of_batch = min(batch_size, number)
        self.rows_of_last = (number - 1) % batch_size + 1
        own = [
            (f"{name}{place}", a) for name, v in (("X", X), ("y", y)) for place, a in arrays_in(v)
        ]
        outlines = [[list(array.shape), array.dtype.name] for _, array in own]
        self.shape: list[Any] = [*outlines[0], outlines[1][0], batch_size]
        if isinstance(X, SEVERAL) or isinstance(y, SEVERAL):
            self.shape = [
                {name: of for (name, _), of in zip(own, outlines, strict=True)},
                batch_size,
            ]
        self.targets = y if rows is None else each(lambda array: array[rows], y)
        self.example = self.data.at(slice(EXAMPLE) if rows is None else rows[:EXAMPLE])
        # Arrays in memory were checked before.
        self._unchecked = [pair for pair in own if _is_mapped(pair[1])]
        first = np.arange(self.data.rows)[:EXAMPLE] if rows is None else rows[:EXAMPLE]
        for name, array in self._unchecked:  # the model is tried on the example
            check_finite("fit", name, array[first], dtype, first)

    def hold_out(self, held: Array) -> tuple[ArrayFeed, Batch]:
        """Return a feed without some rows, and these.

        Args:
            held: (n,) whether a row is held out.
        """
        X, y, weights = self.data
        rows, out = np.flatnonzero(~held), np.flatnonzero(held)
        rest = ArrayFeed(X, y, self.batch_size, weights, self._dtype, rows)
        batch = self.data.at(out)._replace(weights=None)
        for name, array in self._unchecked:
            check_finite("fit", name, array[out], self._dtype, out)
        return rest, batch

    def epoch(self, seed: int, epoch: int, skip: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch, without the first ``skip``."""
        own = self.data.rows if self._rows is None else self._rows
        order = generator(seed, "order", epoch).permutation(own)
        for start in range(skip * self.batch_size, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            for name, array in self._unchecked:
                check_finite("fit", name, array[rows], self._dtype, rows)
            yield self.data.at(rows)

    def spread(self, most: int) -> Batch:
        """Return some rows from all over the data, about as many as ``most``; fewer large ones."""
        numbers = sum(array[0].size for _, array in arrays_in(self.data.X))
        most = min(most, max(8, MOST_NUMBERS // numbers))
        own = np.arange(self.data.rows) if self._rows is None else self._rows
        if len(own) >= 2 * most:  # drawn, because each n-th row may be of one class
            draws = np.random.default_rng(len(own))
            own = own[np.sort(draws.choice(len(own), most, replace=False, shuffle=False))]
        return self.data.at(own)

    def labels_at_hand(self, place: str) -> list[Array]:
        """Return all targets; of several, those at a place."""
        return [dict(arrays_in(self.targets))[place]]


class IterableFeed:
    """Batches from an iterable that can be iterated over in each epoch.

    Or from a function of the epoch's number, from 0, that returns one. Nothing is shuffled.
    Where there is no ``len()``, the fraction of an epoch that has passed is unknown, and a
    schedule changes the rate only between epochs. Attributes as of ``ArrayFeed``; the
    targets are those of the first batch.
    """

    whole = False

    def __init__(
        self,
        source: Iterable[Any] | Callable[[int], Iterable[Any]],
        dtype: DTypeLike,
        model: Layer | None = None,
    ) -> None:
        if isinstance(source, Iterator):
            raise ArgumentError(
                sentence("fit", "X", _ANEW, "an iterator, which is empty after one")
            )
        if callable(source) and not takes(source, 1):
            expected = "a function of the epoch's number, from 0: def batches(epoch): …"
            received = f"{getattr(source, '__name__', 'one')} with other arguments"
            raise DTypeError(sentence("fit", "X", expected, received))
        self.source, self._dtype, self._model = source, dtype, model
        self.count: int | None = len(source) if isinstance(source, Sized) else None
        self.shape: list[Any] = [self.count]
        if self.count == 0:
            raise ShapeError(sentence("fit", "X", "at least one batch", "none"))
        batches = self._batches(0)
        first = next((_as_batch(item, 1, dtype, model) for item in batches), None)
        # A second iterator, kept for the first epoch: it starts with the first batch again,
        # and the source is not called a third time.
        self._ready: Iterator[Any] | None = self._batches(0)
        if self._ready is batches:
            received = "the same iterator twice, which is empty after one"
            raise ArgumentError(sentence("fit", "X", _ANEW, received))
        if first is None:
            raise ShapeError(sentence("fit", "X", "at least one batch", "an empty iterable"))
        self.targets, self.rows_of_batch = first.y, first.rows
        self.example = first.at(slice(EXAMPLE))

    def epoch(self, seed: int, epoch: int, skip: int = 0) -> Iterator[Batch]:  # noqa: ARG002  # one signature for all feeds
        """Yield the batches of an epoch, without the first ``skip``."""
        ready, self._ready = self._ready, None
        batches = ready if ready is not None and epoch == 0 else self._batches(epoch)
        for number, item in enumerate(islice(batches, skip, None), skip + 1):
            yield _as_batch(item, number, self._dtype, self._model)

    def spread(self, most: int) -> Batch:
        """Return some rows of the first batch."""
        return self.example.at(slice(most))

    def labels_at_hand(self, place: str) -> list[Array]:
        """Return the targets of all batches, where they are a list; none otherwise."""
        items = self.source if isinstance(self.source, list | tuple) else []
        labels = [
            dict(arrays_in(item[1])).get(place)
            for item in items
            if isinstance(item, tuple | list) and item[1:]
        ]
        plain = [y for y in labels if isinstance(y, np.ndarray) and y.ndim > 0]
        return plain if len(plain) == len(items) else []

    def _batches(self, epoch: int) -> Iterator[Any]:
        batches: Any = self.source(epoch) if callable(self.source) else self.source
        if not is_iterable(batches):
            expected = "a function that returns batches"
            raise DTypeError(sentence("fit", "X", expected, f"one that returns {batches!r}"))
        return iter(batches)


Feed = ArrayFeed | IterableFeed
_ANEW = (
    "batches that can be iterated over in each epoch (a list, an object whose __iter__ "
    "starts again, or a function of the epoch that returns an iterator)"
)


def as_feed(
    X: Any,
    y: Any,
    batch_size: int,
    sample_weights: ArrayLike | None = None,
    dtype: DTypeLike = np.float32,
    model: Layer | None = None,
) -> Feed:
    """Return the checked feed for the arguments of ``fit``, and for a model of a type.

    Raises:
        DTypeError, ShapeError, ArgumentError: different numbers of rows, no rows, or
            numbers that are not finite.
    """
    size = as_count("fit", "batch_size", batch_size)
    X, y = without_tensors(X), without_tensors(y)
    if y is None:
        if isinstance(X, np.ndarray | str) or not (callable(X) or is_iterable(X)):
            expected = (
                "labels for the rows of X (an autoencoder's are X itself: fit(X, X)), or an "
                "iterable of batches as X"
            )
            raise DTypeError(sentence("fit", "y", expected, "None"))
        if sample_weights is not None:
            expected = "none with an iterable, whose batches (X, y, weights) bring their own"
            raise ArgumentError(sentence("fit", "sample_weights", expected, "an array"))
        return IterableFeed(X, dtype, model)
    inputs, targets = as_rows("fit", X, y, dtype, model=model)
    weights = _as_weights("fit", "sample_weights", sample_weights, Batch(inputs, targets).rows)
    if weights is not None and not np.any(weights):
        expected = "a weight above 0"
        raise ArgumentError(sentence("fit", "sample_weights", expected, "only zeros"))
    return ArrayFeed(inputs, targets, size, weights, dtype)


def as_batch(function: str, value: object) -> Batch:
    """Return a batch; raise DTypeError for anything else."""
    if not isinstance(value, Batch):
        raise DTypeError(sentence(function, "batch", "a Batch", brief(value)))
    return value


def as_rows(
    function: str,
    X: Any,
    y: Any,
    dtype: DTypeLike,
    *,
    mapped: bool = False,
    model: Layer | None = None,
) -> tuple[Any, Any]:
    """Return inputs and targets with equal numbers of rows, finite in the model's type.

    Args:
        function, X, y: the caller's name, and what it was given.
        dtype: of the model.
        mapped: whether arrays on disk are read here, piece by piece, to check them, too.
        model: whose ``forward`` says whether a tuple, list or dict is several inputs.
    """
    inputs: Any
    targets: Any
    X, y = without_tensors(X), without_tensors(y)
    several = isinstance(X, SEVERAL) and model is not None
    found = as_inputs(function, model, X) if several else None
    if found is not None or _are_targets(y):
        inputs = as_real(function, "X", X) if found is None else tuple(same_rows(function, found))
        targets = each(np.asarray, y) if _are_targets(y) else as_real(function, "y", y)
        rows = Batch(inputs, targets).rows
        for name, value in (("X", inputs), ("y", targets)):
            for place, array in arrays_in(value):
                if array.ndim == 0 or len(array) != rows:
                    expected = f"{rows} rows, as in X"
                    received = f"shape {array.shape}"
                    received += _of_several(y) if name == "y" else ""
                    raise ShapeError(sentence(function, name + place, expected, received))
                _check_all(function, name + place, array, dtype, mapped=mapped)
        return inputs, targets
    inputs, targets = as_real(function, "X", X), as_real(function, "y", y)
    if inputs.ndim < 2 or inputs.size == 0:
        expected = "(n, …) with at least one row"
        received = f"shape {inputs.shape}"
        if inputs.ndim == 1 and inputs.size:
            expected = "(n, …), a row of features for each sample"
            received += "; X[:, None] are rows of one feature"
        raise ShapeError(sentence(function, "X", expected, received))
    if targets.ndim == 0 or len(targets) != len(inputs):
        expected = f"{len(inputs)} rows, as in X"
        received = f"shape {targets.shape}{_of_several(y)}"
        if isinstance(X, tuple | list) and are_arrays(X) and {len(targets)} == set(map(len, X)):
            received += f"; {of_several_inputs(model, len(X))}" if model is not None else ""
        raise ShapeError(sentence(function, "y", expected, received))
    for name, array in (("X", inputs), ("y", targets)):
        _check_all(function, name, array, dtype, mapped=mapped)
    return inputs, targets


def _of_several(y: Any) -> str:
    """Return how several targets are given, for a list of arrays."""
    several = isinstance(y, list) and all(np.ndim(one) for one in y)
    return "; several targets are a tuple, as in (a, b)" if several else ""


def _are_targets(y: Any) -> bool:
    """Return whether these are several targets, and no rows of one."""
    return isinstance(y, tuple | dict) and are_arrays(y)


def _check_all(function: str, name: str, array: Array, dtype: DTypeLike, *, mapped: bool) -> None:
    if not _is_mapped(array):
        check_finite(function, name, as_real(function, name, array), dtype)
    elif mapped:  # a file may be larger than the main memory
        for rows in cut(np.arange(len(array)), PIECE):
            check_finite(function, name, array[rows], dtype, rows)


def check_finite(
    function: str, name: str, array: Array, dtype: DTypeLike, rows: Array | None = None
) -> None:
    """Raise ArgumentError with the first row that contains NaN, infinity, or what becomes it.

    Args:
        function, name: for the error.
        array: numbers.
        dtype: of the model, which computes with them.
        rows: their numbers in the data, where ``array`` is a batch.
    """
    limits = np.finfo(dtype)
    finite = is_finite(array)
    wide = array.dtype.kind == "f" and array.dtype.itemsize > limits.dtype.itemsize
    if finite and not (wide and max(np.max(array), -np.min(array)) > limits.max):
        return
    with np.errstate(over="ignore"):
        fine = np.isfinite(array if not finite else array.astype(dtype))
    wrong = np.flatnonzero(~fine.reshape(len(array), -1).all(axis=1))
    first = wrong[0] if rows is None else rows[wrong[0]]
    expected, received = "finite numbers", "NaN or infinity"
    if finite:
        expected = beyond(dtype)
        received = f"{array[wrong[0]].ravel()[~fine[wrong[0]].ravel()][0]:.3g}"
    received += f" in {len(wrong)} rows, first in row {first}"
    raise ArgumentError(sentence(function, name, expected, received))


def _is_mapped(array: Any) -> bool:
    """Return whether an array is a view of a file."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return True
        array = array.base
    return False


def _as_batch(item: Any, number: int, dtype: DTypeLike, model: Layer | None) -> Batch:
    name = f"batch {number}"
    if not isinstance(item, tuple | list) or len(item) not in (2, 3):
        expected = "(X, y) or (X, y, weights)"
        raise DTypeError(sentence("fit", name, expected, type(item).__name__))
    batch = Batch(*as_rows(f"fit: {name}", item[0], item[1], dtype, model=model))
    given = item[2] if len(item) == 3 else None
    return batch._replace(weights=_as_weights(f"fit: {name}", "weights", given, batch.rows))


def _as_weights(function: str, name: str, value: ArrayLike | None, rows: int) -> Array | None:
    if value is None:
        return None
    weights = as_real(function, name, without_tensors(value))
    if weights.shape != (rows,):
        expected = f"one for each of the {rows} rows"
        raise ShapeError(sentence(function, name, expected, f"shape {weights.shape}"))
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if np.any(wrong):
        place = int(np.argmax(wrong))
        received = f"{weights[place]} for row {place}"
        raise ArgumentError(sentence(function, name, "finite numbers of at least 0", received))
    return weights.astype(np.float64)
