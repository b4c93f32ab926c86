"""Metrics: measures of a prediction for people to read, rather than losses to minimise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_count,
    as_names,
    as_real,
    check_ndim,
    check_no_nan,
    check_not_empty,
    check_same_shape,
    check_shape,
    silent,
)
from neural_network.describing import html_table
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    ArgumentError,
    NothingToAverageError,
    ShapeError,
    give_hint,
    sentence,
)
from neural_network.functional.labels import MOST_INFERRED_CLASSES, as_class_indices
from neural_network.functional.losses.reduction import check_distributions
from neural_network.lifting import array_under
from neural_network.public import named, public
from neural_network.training.shown import text_table

COLUMNS = ("class", "precision", "recall", "f1", "count")


@public
@named("metric")
@explains_calls
@silent
def accuracy(y_pred: ArrayLike, y_true: ArrayLike, *, ignore_index: int | None = None) -> float:
    """Fraction of rows whose prediction is the label: the largest score, or a class index.

    Args:
        y_pred: (n, k) scores or probabilities, k ≥ 2; or (n,) predicted class indices.
        y_true: (n,) class indices from 0 to k − 1; or (n, k) one-hot rows, or rows of
            probabilities, of which the likeliest class is the label.
        ignore_index: rows with this label do not count, as in ``softmax_cross_entropy``.

    Returns:
        A float from 0 to 1. Of equal scores the first is taken.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: shapes that do not fit, no row, fewer than two classes.
        ArgumentError: a label outside the classes, NaN in either argument; or all rows
            are ignored.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 5.1.2.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 0, 0])
    0.6666666666666666
    >>> accuracy([1, 0, 1], [1, 0, 0])
    0.6666666666666666
    """
    predicted, true, _ = predicted_and_true("accuracy", y_pred, y_true, ignore_index)
    return float(np.add.reduce(predicted == true) / len(true))


@public
@named("metric")
@explains_calls
@silent
def top_k_accuracy(
    y_pred: ArrayLike, y_true: ArrayLike, *, k: int = 5, ignore_index: int | None = None
) -> float:
    """Fraction of rows whose label is among the k largest scores.

    Args:
        y_pred: (n, classes) scores or probabilities, at least two classes.
        y_true, ignore_index: as for ``accuracy``.
        k: how many of the largest scores are looked at, at most as many as there are classes.

    Returns:
        A float from 0 to 1. Of equal scores the first are taken, so that ``k=1`` is ``accuracy``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``accuracy``; ``k`` above the number of classes.

    Source: Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge",
    arXiv 1409.0575, section 4.1.

    >>> top_k_accuracy([[0.1, 0.6, 0.3], [0.5, 0.2, 0.3]], [2, 1], k=2)
    0.5
    """
    function = "top_k_accuracy"
    scores, labels = (
        array_under(as_real(function, "y_pred", y_pred)),
        array_under(as_real(function, "y_true", y_true)),
    )
    check_not_empty(function, "y_pred", scores, 2)
    k = as_count(function, "k", k)
    if k > scores.shape[1]:
        expected = f"at most {scores.shape[1]}, the number of columns of y_pred"
        raise ArgumentError(sentence(function, "k", expected, k))
    scores, true = scores_and_true(function, scores, labels, ignore_index)
    own = scores[np.arange(len(true)), true][:, None]
    before = np.arange(scores.shape[1]) < true[:, None]
    rank = np.count_nonzero((scores > own) | ((scores == own) & before), axis=1)
    return float(np.count_nonzero(rank < k) / len(true))


@public
@explains_calls
@silent
def confusion_matrix(
    y_pred: ArrayLike, y_true: ArrayLike, *, ignore_index: int | None = None
) -> Array:
    """Count the predictions of each class: ``C[i, j] = #{rows of i predicted as j}``.

    Args:
        y_pred, y_true, ignore_index: as for ``accuracy``: the predictions come first, where
            scikit-learn's function of this name takes the true classes first. Class numbers in
            the other order give the transpose.

    Returns:
        (k, k) of type int64: a row for each true class, a column for each predicted
        one. Of equal scores the first is taken. Of class indices, k is the largest plus 1.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``accuracy``.

    Source: Kohavi and Provost, "Glossary of Terms", Machine Learning 30, 1998.

    >>> confusion_matrix([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 0, 0])
    array([[1, 1],
           [0, 1]])
    """
    return counts_of(*predicted_and_true("confusion_matrix", y_pred, y_true, ignore_index))


@public(top_level=False)
@dataclass(frozen=True, repr=False)
class ClassReport:
    """Precision, recall and F1 of each class, which print as a table.

    Attributes:
        precision: (k,) float64, the fraction of rows predicted as the class that belong to it.
        recall: (k,) float64, the fraction of the class's rows that are predicted as it.
        f1: (k,) float64, the harmonic mean of both.
        count: (k,) int64, rows of the class.
        class_names: of the table; () for the numbers of the classes.
    """

    precision: Array
    recall: Array
    f1: Array
    count: Array
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in COLUMNS[1:]:
            values = array_under(as_real("ClassReport", name, getattr(self, name)))
            check_ndim("ClassReport", name, values, 1)
            object.__setattr__(self, name, values)
            check_same_shape("ClassReport", name, values, "precision", self.precision)
        if type(self.class_names) is not tuple or self.class_names:
            names = as_names("ClassReport", "class_names", self.class_names)
            if len(names) != len(self.count):
                expected = f"a name for each of {len(self.count)} classes"
                raise ShapeError(sentence("ClassReport", "class_names", expected, f"{len(names)}"))
            object.__setattr__(self, "class_names", tuple(names))

    def _rows(self) -> list[list[str]]:
        shares = (self.precision, self.recall, self.f1)
        return [
            [
                self.class_names[place] if self.class_names else str(place),
                *(f"{share[place]:.4f}" for share in shares),
                str(count),
            ]
            for place, count in enumerate(self.count.tolist())
        ]

    def __repr__(self) -> str:
        """Lay the table out."""
        return text_table(COLUMNS, self._rows())

    def _repr_html_(self) -> str:
        return html_table("", COLUMNS, self._rows())


@public
@explains_calls
@silent
def class_report(
    y_pred: ArrayLike,
    y_true: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    ignore_index: int | None = None,
) -> ClassReport:
    """Return precision, recall and F1 of each class, from the confusion matrix C.

    Precision is ``C[i, i] / Σ_j C[j, i]``, recall ``C[i, i] / Σ_j C[i, j]``, and F1
    ``2 C[i, i] / (Σ_j C[i, j] + Σ_j C[j, i])``.

    Args:
        y_pred, y_true, ignore_index: as for ``accuracy``: the predictions come first, unlike in
            scikit-learn. Class numbers in the other order exchange precision and recall.
        class_names: (k,) the names of the classes, for the table; None for their numbers.

    Returns:
        A ``ClassReport`` of (k,) arrays, ``precision``, ``recall`` and ``f1`` of type
        float64. NaN for a division by 0: the precision of a class that is never
        predicted, the recall of one that does not occur.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``accuracy``; another number of names.

    Source: van Rijsbergen, "Information Retrieval", 1979, chapter 7.

    >>> class_report([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 0, 0]).precision
    array([1. , 0.5])
    >>> print(class_report([1, 0, 1, 1], [1, 0, 0, 1]))
    class  precision  recall      f1  count
    ---------------------------------------
    0         1.0000  0.5000  0.6667      2
    1         0.6667  1.0000  0.8000      2
    """
    counts = counts_of(*predicted_and_true("class_report", y_pred, y_true, ignore_index))
    right, read, there = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    f1 = 2 * right / (read + there)
    names = [] if class_names is None else as_names("class_report", "class_names", class_names)
    return ClassReport(right / read, right / there, f1, there, tuple(names))


def predicted_and_true(
    function: str, y_pred: ArrayLike, y_true: ArrayLike, ignore_index: int | None
) -> tuple[Array, Array, int]:
    """Return the predicted and the true class of the rows that are not ignored, and how many.

    The number of classes is that of the columns of scores; of class indices, the largest plus 1.
    """
    scores = as_real(function, "y_pred", y_pred)
    labels = as_real(function, "y_true", y_true)
    if type(scores) is not np.ndarray or type(labels) is not np.ndarray:
        scores, labels = array_under(scores), array_under(labels)
    if scores.ndim == 1 and scores.dtype.kind in "iub":
        return _of_indices(function, scores, labels, ignore_index)
    if scores.ndim != 2:
        expected = "scores (n, k), a column for each class, or class indices (n,), whole numbers"
        hint = "; binary_accuracy takes a score for each row" if scores.ndim == 1 else ""
        raise ShapeError(sentence(function, "y_pred", expected, f"shape {scores.shape}{hint}"))
    check_not_empty(function, "y_pred", scores)
    classes = scores.shape[1]
    if classes < 2:
        expected = "at least two columns (binary_accuracy takes one)"
        raise ShapeError(sentence(function, "y_pred", expected, f"shape {scores.shape}"))
    scores, true = scores_and_true(function, scores, labels, ignore_index)
    return scores.argmax(axis=1), true, classes


def scores_and_true(
    function: str, scores: Array, labels: Array, ignore_index: int | None
) -> tuple[Array, Array]:
    """Return (n, k) scores and (n,) class indices of the rows that are not ignored."""
    rows, classes = scores.shape
    if labels.shape != (rows,):
        check_shape(function, "y_true", labels, (rows,), (rows, classes))
    if ignore_index is not None:
        scores, labels = without_ignored(function, scores, labels, ignore_index)
    check_no_nan(function, "y_pred", scores)
    check_no_nan(function, "y_true", labels)
    if labels.ndim == 2:
        _check_labels(function, scores, labels)
        return scores, np.argmax(labels, axis=1)
    return scores, as_class_indices(function, "y_true", labels, classes)


def _check_labels(function: str, predicted: Array, labels: Array) -> None:
    """Raise unless labels are rows of probabilities; say where they seem to be the scores."""
    hard = predicted.ndim == 1 or bool(np.all((predicted == 0) | (predicted == 1)))
    swapped = hard and len(np.unique(labels)) > 4
    try:
        check_distributions(function, "y_true", labels)
    except ArgumentError as error:
        if swapped:
            expected = "labels: class indices (n,), or rows of probabilities"
            received = f"numbers from {labels.min():.3g} to {labels.max():.3g}"
            text = sentence(function, "y_true", expected, received)
            error.args = (f"{text}; the scores come first: {function}(scores, labels)",)
        elif np.all((labels == 0) | (labels == 1)):
            error.args = (f"{error.args[0]}; of several labels at once: binary_accuracy, auc",)
        raise
    if swapped:
        give_hint(
            f"{function}: the first argument holds classes, and the second numbers from "
            f"{labels.min():.3g} to {labels.max():.3g}: the scores come first, the labels second: "
            f"{function}(scores, labels)"
        )


def _of_indices(
    function: str, predicted: Array, labels: Array, ignore_index: int | None
) -> tuple[Array, Array, int]:
    check_not_empty(function, "y_pred", predicted)
    if labels.ndim == 2 and len(labels) == len(predicted) and labels.shape[1] > 1:
        check_no_nan(function, "y_true", labels)
        _check_labels(function, predicted, labels)
        labels = np.argmax(labels, axis=1)
    check_shape(function, "y_true", labels, predicted.shape)
    if ignore_index is not None:
        predicted, labels = without_ignored(function, predicted, labels, ignore_index)
    predicted, true = (
        as_class_indices(function, name, array, None)
        for name, array in (("y_pred", predicted.astype(np.int64)), ("y_true", labels))
    )
    most = max(int(predicted.max()), int(true.max()))
    if most >= MOST_INFERRED_CLASSES:
        expected = f"class indices below {MOST_INFERRED_CLASSES:,}"
        raise ArgumentError(sentence(function, "y_pred, y_true", expected, most))
    return predicted, true, most + 1


def counts_of(predicted: Array, true: Array, classes: int) -> Array:
    """Return the confusion matrix of class indices."""
    cells = true.astype(np.int64) * classes + predicted
    counts: Array = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
    return counts.astype(np.int64, copy=False)


def without_ignored(
    function: str, scores: Array, labels: Array, ignore_index: int
) -> tuple[Array, Array]:
    """Return the rows whose label is another.

    Raises:
        NothingToAverageError: there are none.
    """
    as_count(function, "ignore_index", ignore_index, minimum=-(2**63))
    if labels.ndim == 2:
        expected = "None, because rows of probabilities hold no index"
        raise ArgumentError(sentence(function, "ignore_index", expected, ignore_index))
    counted = labels != ignore_index
    if not np.any(counted):
        received = f"{len(labels)} with the label {ignore_index}"
        raise NothingToAverageError(
            sentence(function, "y_true", "a row that is not ignored", received)
        )
    return scores[counted], labels[counted]
