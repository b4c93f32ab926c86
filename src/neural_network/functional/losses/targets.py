"""Labels of classes, made into what the losses of (n, k) predictions compute with.

A label is a class index or a row of probabilities. Class weights, label smoothing and
ignored labels all end up in one thing: how much each class counts in each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_count,
    as_number,
    as_real,
    check_no_nan,
    check_not_empty,
    check_probabilities,
    check_shape,
)
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.functional.labels import as_class_indices
from neural_network.functional.losses.reduction import check_reduction
from neural_network.functional.shaping import unindex

Places = tuple[Array, Array]


@dataclass(frozen=True)
class Targets:
    """How much each class counts: the loss of row i is ``−Σ_j t[i, j] · log p[i, j]``.

    Attributes:
        weights: t, (n, k); or (n,) where only one class of each row counts.
        places: then where those stand: (rows, classes), as NumPy indexes. Else None.
        alike: all ``weights`` are 1.
        ignored: (n,) which rows count nothing; None if all count.
        divisor: what the mean divides the sum of the rows by.
        shape: (n, k).
    """

    weights: Array
    places: Places | None
    ignored: Array | None
    divisor: float
    shape: tuple[int, int]
    alike: bool = False

    @property
    def totals(self) -> Array:
        """``Σ_j t[i, j]``, (n,)."""
        return self.weights if self.places is not None else np.sum(self.weights, axis=1)

    def weigh(self, values: Array) -> Array:
        """Return ``Σ_j t[i, j] · values[i, j]``, (n,), where 0 times −∞ is 0."""
        if self.places is not None:
            shown: Array = values[self.places]
            return shown if self.alike else _times(self.weights, shown)
        rows: Array = np.einsum("ij,ij->i", self.weights, values)
        if not np.all(np.isfinite(rows)):
            rows = np.sum(_times(self.weights, values), axis=1)
        return rows

    def spread(self, share: Any) -> Any:
        """Return ``share[i] · t[i, j]``, (n, k), for ``share`` (n, 1) or a single number."""
        if self.places is None:
            return share * self.weights
        return unindex((share * self.weights[:, None])[:, 0], self.places, self.shape)

    def subtract_from(self, array: Array, share: Array) -> None:
        """Do ``array −= spread(share)`` in place, touching as few numbers as it can."""
        if self.places is None:
            array -= share * self.weights
        elif self.alike and np.ndim(share) == 0:
            array[self.places] -= share
        else:
            array[self.places] -= (share * self.weights[:, None])[:, 0]

    def without_ignored(self, predictions: Any) -> Any:
        """Return predictions with 0 in ignored rows: what stands there must not matter."""
        if self.ignored is None:
            return predictions
        return np.where(self.ignored[:, None], 0, predictions)


def _times(weights: Array, values: Array) -> Array:
    return np.where(weights > 0, weights * values, 0)


def as_targets(
    predictions: Array,
    labels: Any,
    class_weights: Any = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
) -> Targets:
    """Return checked labels as targets, in the type of the (n, k) predictions."""
    n, k = predictions.shape
    dtype = predictions.dtype
    labels = np.asarray(labels)
    if labels.ndim == 1 and class_weights is None and ignore_index is None and not label_smoothing:
        places = (np.arange(n), labels.astype(np.intp, copy=False))
        return Targets(np.ones(n, dtype), places, None, float(n), (n, k), alike=True)
    weight_of = np.ones(k) if class_weights is None else np.asarray(class_weights)
    weight_of = weight_of.astype(dtype)
    label_smoothing = float(label_smoothing)  # NumPy's float64 would widen float32
    if labels.ndim == 2:
        shares = labels.astype(dtype, copy=False)
        if label_smoothing:
            shares = (1 - label_smoothing) * shares + label_smoothing / k
        if class_weights is not None:
            shares = shares * weight_of
        return Targets(shares, None, None, n, (n, k))

    labels, ignored = _counted(labels, ignore_index)
    places = (np.arange(n), labels.astype(np.intp))
    weights = weight_of[places[1]]
    if ignored is not None:
        weights[ignored] = 0
    divisor = float(np.sum(weights, dtype=np.float64))
    if not label_smoothing:
        return Targets(weights, places, ignored, divisor, (n, k))
    shares = np.tile(label_smoothing / k * weight_of, (n, 1))
    if ignored is not None:
        shares[ignored] = 0
    shares[places] += (1 - label_smoothing) * weights
    return Targets(shares, None, ignored, divisor, (n, k))


def _counted(labels: Array, ignore_index: int | None) -> tuple[Array, Array | None]:
    """Return labels with class 0 in place of ignored ones, and which those are (None: none)."""
    if ignore_index is None:
        return labels, None
    ignored = np.equal(labels, ignore_index)
    return (np.where(ignored, 0, labels), ignored) if np.any(ignored) else (labels, None)


def checked_targets(
    function: str,
    name: str,
    predictions: Array,
    labels: ArrayLike,
    class_weights: ArrayLike | None,
    label_smoothing: float,
    ignore_index: int | None,
    reduction: object,
) -> Targets:
    """Return labels as targets, or say what is wrong with them (or with the predictions)."""
    check_reduction(function, reduction)
    as_number(function, "label_smoothing", label_smoothing, between=(0, 1))
    if predictions.ndim != 2:
        received = f"shape {predictions.shape}"
        if predictions.ndim > 2:
            received += " (a network that keeps places wants Flatten() before its last Dense layer)"
        raise ShapeError(sentence(function, name, "2 dimensions", received))
    check_not_empty(function, name, predictions)
    n, k = predictions.shape
    array = as_real(function, "labels", labels)
    check_shape(function, "labels", array, (n,), (n, k))
    if class_weights is not None:
        check_class_weights(function, "class_weights", class_weights, k)
    if array.ndim == 2:
        check_distributions(function, "labels", array)
        if ignore_index is not None:
            expected = "None, because rows of probabilities hold no index"
            raise ArgumentError(sentence(function, "ignore_index", expected, ignore_index))
    else:
        if ignore_index is not None:  # any number that a label can be
            as_count(function, "ignore_index", ignore_index, minimum=-(2**63))
        as_class_indices(function, "labels", _counted(array, ignore_index)[0], k)
    targets = as_targets(predictions, array, class_weights, label_smoothing, ignore_index)
    if reduction == "mean" and targets.divisor == 0:
        received = f"{n} that are ignored or whose class weighs 0"
        raise ArgumentError(
            sentence(function, "labels", "a row that counts, for a mean over the rows", received)
        )
    return targets


def check_distributions(function: str, name: str, rows: Array) -> None:
    """Raise unless each row of an (n, k) array is a probability for each class, in total 1."""
    check_no_nan(function, name, rows)
    check_probabilities(function, name, rows, rows.dtype)
    totals: Any = np.sum(rows, axis=1, dtype=np.float64)
    off = np.abs(totals - 1) > (1e-2 if rows.dtype == np.float16 else 1e-4)
    if np.any(off):
        first = int(np.argmax(off))
        received = f"a sum of {totals[first]:.6g} in row {first}"
        raise ArgumentError(sentence(function, name, "rows that sum to 1", received))


def check_log_probabilities(function: str, name: str, array: Array, dtype: np.dtype[Any]) -> None:
    """Raise for a number above 0, allowing for rounding: no logarithm of a probability."""
    highest = float(np.max(array))
    if highest > (1e-2 if dtype == np.float16 else 1e-6):
        expected = "logarithms of probabilities, none above 0"
        raise ArgumentError(sentence(function, name, expected, f"{highest:.9g}"))


def check_class_weights(function: str, name: str, weights: ArrayLike, k: int) -> None:
    """Raise unless there are k weights, finite, none negative, not all 0."""
    array = as_real(function, name, weights)
    check_shape(function, name, array, (k,))
    wrong = ~(np.isfinite(array) & (array >= 0))
    if np.any(wrong):
        place = int(np.argmax(wrong))
        received = f"{array[place]} for class {place}"
        raise ArgumentError(sentence(function, name, "finite numbers of at least 0", received))
    if not np.any(array):
        raise ArgumentError(
            sentence(function, name, "a class that weighs more than 0", "only zeros")
        )
