"""Measures of a prediction that people read, rather than losses to descend."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.functional.checks import (
    Array,
    as_real,
    check_ndim,
    check_no_nan,
    check_not_empty,
    check_shape,
)
from neural_network.functional.labels import as_class_indices


def accuracy(y_pred: ArrayLike, y_true: ArrayLike) -> float:
    """Share of rows whose largest score stands at the label.

    Args:
        y_pred: (n, k) scores or probabilities, k ≥ 2.
        y_true: (n,) class indices from 0 to k − 1, or (n, k) one-hot.

    Returns:
        A float from 0 to 1. Of equal scores the first counts.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: shapes that do not fit, no row, fewer than two classes.
        ArgumentError: a label outside the classes, NaN in either argument.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 5.1.2.

    >>> accuracy([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]], [1, 0, 0])
    0.6666666666666666
    """
    scores = as_real("accuracy", "y_pred", y_pred)
    labels = as_real("accuracy", "y_true", y_true)
    check_ndim("accuracy", "y_pred", scores, 2)
    check_not_empty("accuracy", "y_pred", scores)
    rows, classes = scores.shape
    if classes < 2:
        raise ShapeError(
            sentence("accuracy", "y_pred", "at least two columns", f"shape {scores.shape}")
        )
    check_no_nan("accuracy", "y_pred", scores)
    check_shape("accuracy", "y_true", labels, (rows,), (rows, classes))
    check_no_nan("accuracy", "y_true", labels)
    indices = (
        _from_one_hot(labels)
        if labels.ndim == 2
        else as_class_indices("accuracy", "y_true", labels, classes)
    )
    return float(np.mean(np.argmax(scores, axis=1) == indices))


def _from_one_hot(labels: Array) -> Array:
    if not np.all((labels == 0) | (labels == 1)) or not np.all(np.sum(labels, axis=1) == 1):
        raise ArgumentError(
            sentence("accuracy", "y_true", "rows with a single 1 among 0s", "other rows")
        )
    indices: Array = np.argmax(labels, axis=1)
    return indices
