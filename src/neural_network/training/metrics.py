"""Metrics: measures of a prediction for people to read, rather than losses to minimise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_count,
    as_real,
    check_no_nan,
    check_not_empty,
    check_shape,
)
from neural_network.errors import ArgumentError, NothingToAverageError, ShapeError, sentence
from neural_network.functional.labels import as_class_indices
from neural_network.functional.losses.reduction import check_distributions
from neural_network.public import named, public


@public
@named("metric")
def accuracy(y_pred: ArrayLike, y_true: ArrayLike, *, ignore_index: int | None = None) -> float:
    """Fraction of rows whose largest score is at the label.

    Args:
        y_pred: (n, k) scores or probabilities, k ≥ 2.
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
    """
    scores, indices = _as_scores_and_classes("accuracy", y_pred, y_true, ignore_index)
    return float(np.count_nonzero(scores.argmax(axis=1) == indices) / len(scores))


@public
def confusion_matrix(
    y_pred: ArrayLike, y_true: ArrayLike, *, ignore_index: int | None = None
) -> Array:
    """Count the predictions of each class: ``C[i, j] = #{rows of i predicted as j}``.

    Args:
        y_pred: (n, k) scores or probabilities, k ≥ 2.
        y_true, ignore_index: as for ``accuracy``.

    Returns:
        (k, k) of type int64: a row for each true class, a column for each predicted
        one. Of equal scores the first is taken.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``accuracy``.

    Source: Kohavi and Provost, "Glossary of Terms", Machine Learning 30, 1998.

    >>> confusion_matrix([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 0, 0])
    array([[1, 1],
           [0, 1]])
    """
    scores, indices = _as_scores_and_classes("confusion_matrix", y_pred, y_true, ignore_index)
    classes = scores.shape[1]
    cells = indices.astype(np.int64) * classes + np.argmax(scores, axis=1)
    counts: Array = np.bincount(cells, minlength=classes**2).reshape(classes, classes)
    return counts.astype(np.int64, copy=False)


@public(top_level=False)
@dataclass(frozen=True)
class ClassReport:
    """Precision, recall and F1 of each class.

    Attributes:
        precision: (k,) float64, the fraction of rows predicted as the class that belong to it.
        recall: (k,) float64, the fraction of the class's rows that are predicted as it.
        f1: (k,) float64, the harmonic mean of both.
        count: (k,) int64, rows of the class.
    """

    precision: Array
    recall: Array
    f1: Array
    count: Array


@public
def class_report(
    y_pred: ArrayLike, y_true: ArrayLike, *, ignore_index: int | None = None
) -> ClassReport:
    """Return precision, recall and F1 of each class, from the confusion matrix C.

    Precision is ``C[i, i] / Σ_j C[j, i]``, recall ``C[i, i] / Σ_j C[i, j]``, and F1
    ``2 C[i, i] / (Σ_j C[i, j] + Σ_j C[j, i])``.

    Args:
        y_pred: (n, k) scores or probabilities, k ≥ 2.
        y_true, ignore_index: as for ``accuracy``.

    Returns:
        A ``ClassReport`` of (k,) arrays, ``precision``, ``recall`` and ``f1`` of type
        float64. NaN for a division by 0: the precision of a class that is never
        predicted, the recall of one that does not occur.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``accuracy``.

    Source: van Rijsbergen, "Information Retrieval", 1979, chapter 7.

    >>> class_report([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 0, 0]).precision
    array([1. , 0.5])
    """
    scores, indices = _as_scores_and_classes("class_report", y_pred, y_true, ignore_index)
    counts = confusion_matrix(scores, indices)
    right, read, there = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return ClassReport(right / read, right / there, 2 * right / (read + there), there)


def _as_scores_and_classes(
    function: str, y_pred: ArrayLike, y_true: ArrayLike, ignore_index: int | None
) -> tuple[Array, Array]:
    """Return (n, k) scores and (n,) class indices of the rows that are not ignored."""
    scores = as_real(function, "y_pred", y_pred)
    labels = as_real(function, "y_true", y_true)
    if scores.ndim != 2:
        expected = "scores (n, k), a column for each class"
        raise ShapeError(sentence(function, "y_pred", expected, f"shape {scores.shape}"))
    check_not_empty(function, "y_pred", scores)
    rows, classes = scores.shape
    if classes < 2:
        raise ShapeError(
            sentence(function, "y_pred", "at least two columns", f"shape {scores.shape}")
        )
    check_shape(function, "y_true", labels, (rows,), (rows, classes))
    if ignore_index is not None:
        scores, labels = _without_ignored(function, scores, labels, ignore_index)
    check_no_nan(function, "y_pred", scores)
    check_no_nan(function, "y_true", labels)
    if labels.ndim == 2:
        check_distributions(function, "y_true", labels)
        return scores, np.argmax(labels, axis=1)
    return scores, as_class_indices(function, "y_true", labels, classes)


def _without_ignored(
    function: str, scores: Array, labels: Array, ignore_index: int
) -> tuple[Array, Array]:
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
