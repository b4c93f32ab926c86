"""Metrics of numbers, rather than classes."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_real, check_no_nan, check_not_empty, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, sentence
from neural_network.public import named, public


@public
@named("metric")
@explains_calls
@silent
def mae(y_pred: ArrayLike, y_true: ArrayLike) -> float:
    """Mean absolute error: ``mean |y_pred − y_true|``.

    Args:
        y_pred: (n, …) predictions.
        y_true: targets of the same shape; (n,) beside (n, 1) is the same.

    Returns:
        A float of at least 0. The loss of the same formula, which has a gradient, is ``l1``.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: shapes that differ; no row.
        ArgumentError: NaN in either argument.

    Source: Willmott and Matsuura, "Advantages of the mean absolute error (MAE) over the root mean
    square error (RMSE)", Climate Research 30, 2005.

    >>> mae([1.0, 2.0, 5.0], [1.0, 3.0, 3.0])
    1.0
    """
    predicted, targets = _as_pair("mae", y_pred, y_true)
    return float(np.mean(np.abs(predicted - targets)))


@public
@named("metric of all rows")
@named("metric")
@explains_calls
@silent
def r2(y_pred: ArrayLike, y_true: ArrayLike) -> float:
    """Coefficient of determination: ``1 − Σ (y_true − y_pred)² / Σ (y_true − mean)²``.

    Args:
        y_pred: (n, …) predictions.
        y_true: targets of the same shape; (n,) beside (n, 1) is the same.

    Returns:
        A float of at most 1, of several columns their mean. A column of equal targets has 1 where
        all predictions are right, else 0, as in scikit-learn. NaN for a single row.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``mae``.

    It is no mean over batches: a ``Trainer`` computes it from all rows of an epoch.

    Source: Draper and Smith, "Applied Regression Analysis", 1998, section 1.3.

    >>> r2([1.0, 2.0, 4.0], [1.0, 2.0, 3.0])
    0.5
    """
    predicted, targets = _as_pair("r2", y_pred, y_true)
    rows = len(targets)
    if rows < 2:
        return math.nan
    predicted, targets = predicted.reshape(rows, -1), targets.reshape(rows, -1)
    left = np.sum((targets - predicted) ** 2, axis=0)
    whole = np.sum((targets - np.mean(targets, axis=0)) ** 2, axis=0)
    found = np.where(whole > 0, 1 - left / whole, np.where(left == 0, 1.0, 0.0))
    return float(np.mean(found))


def _as_pair(function: str, y_pred: ArrayLike, y_true: ArrayLike) -> tuple[Array, Array]:
    """Return predictions and targets of one shape in float64."""
    predicted, targets = as_real(function, "y_pred", y_pred), as_real(function, "y_true", y_true)
    check_not_empty(function, "y_pred", predicted)
    if predicted.ndim == 0:
        raise ShapeError(sentence(function, "y_pred", "an array with rows", "a number"))
    for one, other in ((predicted, targets), (targets, predicted)):
        if one.shape == (len(predicted), 1) and other.shape == (len(predicted),):
            predicted, targets = predicted.reshape(-1), targets.reshape(-1)
    if predicted.shape != targets.shape:
        expected = f"the shape {predicted.shape} of y_pred"
        raise ShapeError(sentence(function, "y_true", expected, f"shape {targets.shape}"))
    check_no_nan(function, "y_pred", predicted)
    check_no_nan(function, "y_true", targets)
    return predicted.astype(np.float64), targets.astype(np.float64)
