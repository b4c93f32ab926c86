"""Metrics of two classes, and those that need the scores of all rows: F1 and AUC."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_choice,
    as_number,
    as_real,
    check_no_nan,
    check_not_empty,
    silent,
)
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.functional.activations import softmax
from neural_network.lifting import array_under
from neural_network.public import named, public
from neural_network.training.metrics import (
    counts_of,
    predicted_and_true,
    scores_and_true,
    without_ignored,
)

AVERAGES = ("binary", "macro", "micro", "weighted")


@public
@named("metric")
@explains_calls
@silent
def binary_accuracy(
    y_pred: ArrayLike,
    y_true: ArrayLike,
    *,
    threshold: float = 0.5,
    ignore_index: int | None = None,
) -> float:
    """Fraction of predictions that lie on the right side of a threshold.

    Args:
        y_pred: (n,), (n, 1) or (n, k) scores or probabilities; of k labels at once, each counts.
        y_true: labels of the same shape, 0 and 1 (or −1 and 1); (n,) beside (n, 1) is the same.
        threshold: a score above it is a 1. A ``Trainer`` takes 0 where the loss expects logits.
        ignore_index: rows with this label do not count; for (n,) or (n, 1).

    Returns:
        A float from 0 to 1.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: shapes that do not fit; no row.
        ArgumentError: labels other than 0 and 1, NaN; or all rows are ignored.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 5.1.2.

    >>> binary_accuracy([0.9, 0.2, 0.6, 0.5], [1, 0, 0, 0])
    0.75
    """
    function = "binary_accuracy"
    threshold = as_number(function, "threshold", threshold)
    scores, labels = _as_scores_and_labels(function, y_pred, y_true, ignore_index)
    return float(np.mean((scores > threshold) == (labels > 0)))


@public
@named("metric of all rows")
@named("metric")
@explains_calls
@silent
def f1(
    y_pred: ArrayLike,
    y_true: ArrayLike,
    *,
    average: str | None = None,
    threshold: float = 0.5,
    ignore_index: int | None = None,
) -> float:
    """F1, the harmonic mean of precision and recall: ``2 TP / (2 TP + FP + FN)``.

    Args:
        y_pred: (n, k) scores or probabilities, of which the largest is the prediction; (n,)
            predicted class indices; or, of two classes, (n,) or (n, 1) floating-point scores.
        y_true: (n,) class indices, or (n, k) one-hot rows.
        average: "binary": of class 1; "macro": the mean of all classes that occur in either
            argument; "weighted": that mean, weighted by their rows; "micro": of all decisions
            together, which is the accuracy. None: "binary" for two classes, else "macro".
        threshold: of (n,) and (n, 1) scores, as for ``binary_accuracy``.
        ignore_index: rows with this label do not count.

    Returns:
        A float from 0 to 1; 0 for a class that is in neither argument, as in scikit-learn.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``accuracy``; "binary" for more classes than two.

    It is no mean over batches: a ``Trainer`` computes it from all rows of an epoch.

    Source: van Rijsbergen, "Information Retrieval", 1979, chapter 7.

    >>> f1([1, 1, 0, 0], [1, 0, 0, 0])
    0.6666666666666666
    >>> f1([[2.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 3.0]], [0, 1, 1])
    0.5555555555555555
    """
    function = "f1"
    if average is not None:
        as_choice(function, "average", average, AVERAGES)
    scores = array_under(as_real(function, "y_pred", y_pred))
    check_not_empty(function, "y_pred", scores, 1, 2)
    if scores.shape != (len(scores), 1) and (scores.ndim != 1 or scores.dtype.kind in "iub"):
        counts = counts_of(*predicted_and_true(function, scores, y_true, ignore_index))
    else:
        threshold = as_number(function, "threshold", threshold)
        scores, labels = _as_scores_and_labels(function, scores, y_true, ignore_index)
        predicted, two = (scores > threshold).astype(int), (labels > 0).astype(int)
        counts = np.bincount(2 * two.ravel() + predicted.ravel(), minlength=4).reshape(2, 2)
    if len(counts) == 1:  # only class 0 occurs
        counts = np.pad(counts, (0, 1))
    average = average or ("binary" if len(counts) == 2 else "macro")
    right, read, there = np.diag(counts), counts.sum(axis=0), counts.sum(axis=1)
    if average == "micro":
        return float(right.sum() / counts.sum())
    each = 2 * right / np.maximum(read + there, 1)
    if average == "weighted":
        return float(np.sum(each * there) / there.sum())
    if average == "macro":
        return float(np.mean(each[read + there > 0]))
    if len(counts) > 2:
        expected = "'macro', 'micro' or 'weighted' for more than two classes"
        raise ArgumentError(sentence(function, "average", expected, "'binary'"))
    return float(each[1])


@public
@named("metric of all rows")
@named("metric")
@explains_calls
@silent
def auc(y_pred: ArrayLike, y_true: ArrayLike, *, ignore_index: int | None = None) -> float:
    """Area under the ROC curve: how often a row of the class has a higher score than another.

    Pairs of equal scores count half. Of more than two classes it is the mean over the classes,
    each against all others.

    Args:
        y_pred: (n,) or (n, 1) scores of class 1; or (n, k) scores or probabilities, k ≥ 2. Rows
            of two or more scores that are no probabilities are turned to these by softmax.
        y_true: (n,) or (n, 1) labels 0 and 1 (or −1 and 1), class indices for (n, k); or
            (n, k) of 0 and 1, whose columns may be labels that are independent of each other.
        ignore_index: rows with this label do not count; not for (n, k) labels.

    Returns:
        A float from 0 to 1; NaN where there is no pair, because all rows are of one class.
        A class without a row, or with all rows, is left out of the mean.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``accuracy``.

    It is no mean over batches: a ``Trainer`` computes it from all rows of an epoch.

    Source: Fawcett, "An introduction to ROC analysis", Pattern Recognition Letters 27, 2006.

    >>> auc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
    0.75
    """
    function = "auc"
    scores = array_under(as_real(function, "y_pred", y_pred))
    if scores.ndim != 2 or scores.shape[1] < 2:
        scores, labels = _as_scores_and_labels(function, scores, y_true, ignore_index)
        return _area(scores.ravel(), labels.ravel() > 0)
    labels = array_under(as_real(function, "y_true", y_true))
    if labels.ndim == 2 and labels.shape == scores.shape:
        scores, labels = _as_scores_and_labels(function, scores, labels, ignore_index)
        wanted = labels > 0
        if not np.all(np.count_nonzero(wanted, axis=1) == 1):  # labels that do not exclude others
            return _mean_area(scores, wanted)
    else:
        check_not_empty(function, "y_pred", scores)
        scores, labels = scores_and_true(function, scores, labels, ignore_index)
        wanted = labels[:, None] == np.arange(scores.shape[1])
    scores = scores.astype(np.float64)
    if np.any(scores < 0) or not np.allclose(scores.sum(axis=1), 1, atol=1e-4):
        scores = softmax(scores)
    if scores.shape[1] == 2:
        return _area(scores[:, 1], wanted[:, 1])
    return _mean_area(scores, wanted)


def _mean_area(scores: Array, wanted: Array) -> float:
    areas = [_area(*column) for column in zip(scores.T, wanted.T, strict=True)]
    found = [area for area in areas if not math.isnan(area)]
    return float(np.mean(found)) if found else math.nan


def _area(scores: Array, wanted: Array) -> float:
    """Return the area from ranks (Mann and Whitney); equal scores share the mean of their ranks."""
    positive = int(np.count_nonzero(wanted))
    negative = len(wanted) - positive
    if not positive or not negative:
        return math.nan
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    # Twice the mean rank, a whole number: the sum is exact.
    ranks = (2 * ends - counts + 1)[places.reshape(-1)]
    total = int(ranks[wanted].sum()) - positive * (positive + 1)
    return total / (2 * positive * negative)


def _as_scores_and_labels(
    function: str, y_pred: ArrayLike, y_true: Any, ignore_index: int | None
) -> tuple[Array, Array]:
    """Return scores and labels 0 and 1 (or −1 and 1) of one shape, without what is ignored."""
    scores, labels = (
        array_under(as_real(function, "y_pred", y_pred)),
        array_under(as_real(function, "y_true", y_true)),
    )
    check_not_empty(function, "y_pred", scores, 1, 2)
    if scores.shape == (len(scores), 1) and labels.ndim == 1:
        scores = scores[:, 0]
    if labels.ndim == 2 and labels.shape[1] == 1 and scores.ndim == 1:
        labels = labels[:, 0]
    if scores.shape != labels.shape:
        expected, received = f"the shape {scores.shape} of y_pred", f"shape {labels.shape}"
        if scores.ndim == 2 and labels.ndim == 1:
            received += "; accuracy takes a score for each class"
        raise ShapeError(sentence(function, "y_true", expected, received))
    if ignore_index is not None:
        if scores.ndim == 2 and scores.shape[1] == 1:
            scores, labels = scores[:, 0], labels[:, 0]
        scores, labels = without_ignored(function, scores, labels, ignore_index)
    check_no_nan(function, "y_pred", scores)
    check_no_nan(function, "y_true", labels)
    low = labels.min()
    wrong = (labels != 1) & (labels != (-1 if low == -1 else 0))
    if np.any(wrong):
        received = labels[wrong][0].item()
        raise ArgumentError(sentence(function, "y_true", "labels 0 and 1 (or -1 and 1)", received))
    return scores, labels
