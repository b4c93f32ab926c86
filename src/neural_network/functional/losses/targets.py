"""Labels of classes as targets of a loss: the weight of each class in each row.

A label is a class index or a row of probabilities. Class weights, label smoothing and ignored
labels are combined into ``Targets``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neural_network.advice import one_row
from neural_network.checks import Array, as_count, as_number, as_real, check_not_empty, check_shape
from neural_network.errors import ArgumentError, NothingToAverageError, ShapeError, sentence
from neural_network.functional.labels import as_class_indices
from neural_network.functional.losses.reduction import (
    check_class_weights,
    check_distributions,
    check_reduction,
    hint_swapped,
    predictions_first,
)
from neural_network.functional.shaping import unindex

Places = tuple[Array, Array]
# Labels of more classes are probably none.
MOST_OUTPUTS = 100_000


class Targets(NamedTuple):
    """The weight t of each class: the loss of row i is ``−Σ_j t[i, j] · log p[i, j]``.

    Attributes:
        weights: t, (n, k); or (n,) if each row has one class of weight other than 0.
        places: then their indices, (rows, classes), as NumPy indexes; else None.
        ignored: (n,) which rows are ignored; None for none.
        divisor: of the sum of the rows, for the mean.
        shape: (n, k).
        alike: all ``weights`` are 1.
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
            selected: Array = values[self.places]
            return selected if self.alike else _times(self.weights, selected)
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
        """Compute ``array −= spread(share)`` in place."""
        if self.places is None:
            array -= share * self.weights
        elif self.alike and share.ndim == 0:
            array[self.places] -= share
        else:
            array[self.places] -= (share * self.weights[:, None])[:, 0]

    def without_ignored(self, predictions: Any) -> Any:
        """Return predictions with 0 in ignored rows, whose values must not matter."""
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
        weights = np.empty(n, dtype)
        weights.fill(1)  # np.ones takes three calls of Python, in each step of a training
        return Targets(weights, places, None, float(n), (n, k), alike=True)
    return _weighted(labels, (n, k), dtype, class_weights, label_smoothing, ignore_index)


def _weighted(
    labels: Array,
    shape: tuple[int, int],
    dtype: np.dtype[Any],
    class_weights: Any,
    label_smoothing: float,
    ignore_index: int | None,
) -> Targets:
    n, k = shape
    weight_of = np.ones(k) if class_weights is None else np.asarray(class_weights)
    weight_of = weight_of.astype(dtype)
    label_smoothing = float(label_smoothing)  # NumPy's float64 would widen float32
    if labels.ndim == 2:
        shares = labels.astype(dtype, copy=False)
        if label_smoothing:
            shares = (1 - label_smoothing) * shares + label_smoothing / k
        if class_weights is not None:
            shares = shares * weight_of
        return Targets(shares, None, None, n, shape)

    labels, ignored = _counted(labels, ignore_index)
    places = (np.arange(n), labels.astype(np.intp))
    weights = weight_of[places[1]]
    if ignored is not None:
        weights[ignored] = 0
    divisor = float(np.sum(weights, dtype=np.float64))
    if not label_smoothing:
        return Targets(weights, places, ignored, divisor, shape)
    shares = np.tile(label_smoothing / k * weight_of, (n, 1))
    if ignored is not None:
        shares[ignored] = 0
    shares[places] += (1 - label_smoothing) * weights
    return Targets(shares, None, ignored, divisor, shape)


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
    """Return labels as targets, or raise a sentence about them (or about the predictions)."""
    check_reduction(function, reduction)
    as_number(function, "label_smoothing", label_smoothing, between=(0, 1))
    if predictions.ndim != 2:
        turned = predictions_first(function, name, predictions, labels)
        received = f"shape {predictions.shape}{turned or one_row(name, predictions.shape)}"
        if predictions.ndim > 2:
            places = (predictions.shape[0], *predictions.shape[2:])
            if np.shape(labels) == places:
                received += (
                    f"; for a class at each place, make rows of the places: np.moveaxis({name}, 1, "
                    f"-1).reshape(-1, {predictions.shape[1]}) and labels.reshape(-1)"
                )
            else:
                received += " (a network that keeps places needs Flatten() before its last Dense)"
        raise ShapeError(sentence(function, name, "2 dimensions", received))
    check_not_empty(function, name, predictions)
    n, k = predictions.shape
    array = as_real(function, "labels", labels)
    check_shape(function, "labels", array, (n,), (n, k))
    if class_weights is not None:
        check_class_weights(function, "class_weights", class_weights, k, predictions.dtype)
    if array.ndim == 2:
        check_distributions(function, "labels", array)
        if 0 < array.flat[0] < 1 and predictions.flat[0] in (0, 1):
            hint_swapped(function, predictions, array)
        if ignore_index is not None:
            expected = "None, because rows of probabilities hold no index"
            raise ArgumentError(sentence(function, "ignore_index", expected, ignore_index))
    else:
        if ignore_index is not None:  # any number that a label can be
            as_count(function, "ignore_index", ignore_index, minimum=-(2**63))
        counted = _counted(array, ignore_index)[0]
        try:
            as_class_indices(function, "labels", counted, k)
        except ArgumentError as error:
            _name_outputs(error, counted, k)
            raise
    targets = as_targets(predictions, array, class_weights, label_smoothing, ignore_index)
    if reduction == "mean" and targets.divisor == 0:
        received = f"{n} that are ignored or whose class weighs 0"
        raise NothingToAverageError(
            sentence(function, "labels", "a row that counts, for a mean over the rows", received)
        )
    return targets


def _name_outputs(error: ArgumentError, labels: Array, k: int) -> None:
    """Say in an error about labels that the network has too few outputs, if they are classes."""
    top = float(np.max(labels))
    whole = np.all((labels >= 0) & (labels == np.floor(labels)))
    if whole and k <= top < MOST_OUTPUTS and not (np.min(labels) == 1 and top == k):
        many = "output is" if k == 1 else "outputs are"
        error.args = (
            f"{error}; {k} {many} too few: Dense({top + 1:.0f}) as the last layer has one for "
            "each class",
        )
