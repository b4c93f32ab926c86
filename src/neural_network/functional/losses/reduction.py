"""What all losses share: reduction over rows, and checks of labels and predictions.

A *row* is a slice of the first axis. The loss of a row of several elements is their mean, so
that the mean over rows is the mean over all elements.
"""

from __future__ import annotations

from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from neural_network.checks import (
    Array,
    as_choice,
    as_real,
    check_no_nan,
    check_not_empty,
    check_probabilities,
    check_same_shape,
    check_shape,
    rounded,
)
from neural_network.errors import ArgumentError, ShapeError, give_hint, give_hint_of_call, sentence
from neural_network.functional.elementwise import widened

Reduction = Literal["mean", "sum", "none"]
# What a loss returns: a float; with "none" an array; for tensors a tensor.
# Exact types would take three signatures for each loss.
Loss = Any


def hint_swapped(function: str, predictions: Array, labels: Array) -> None:
    """Warn of labels where the predictions come first: each 0 or 1, beside numbers between them.

    The caller asks first whether the first of both look like that, so that a right call costs
    nothing. A prediction may be rounded to 0 or 1 everywhere, and a label may be smoothed to two
    values, so both have to be otherwise.
    """
    hard = bool(np.all((predictions == 0) | (predictions == 1)) and np.ptp(predictions) == 1)
    if hard and len(np.unique(labels)) > 4:
        give_hint(
            f"{function}: the first argument holds nothing but 0 and 1, and the second numbers "
            f"from {labels.min():.3g} to {labels.max():.3g}: the predictions come first, the "
            f"labels second: {function}(y_pred, y_true)"
        )


# How far the sum of a row of probabilities may be from 1, however they were rounded or limited;
# and how near to 1 the sums of numbers are that a softmax has made.
SUM_OFF, SUM_NEAR = 1e-2, 1e-4
# Fewer numbers are an example that somebody has made up.
FEWEST = 4
ONE_COLUMN = (
    "rows of one number: binary_cross_entropy takes the probability of class 1, as sigmoid makes "
    "it, and labels 0 and 1"
)


def other_sums(P: Array, made_by: str = "softmax") -> str | None:
    """Say that rows of probabilities do not sum to 1; None where (most of) them do.

    Args:
        P: (n, k).
        made_by: the function that makes them, or their logarithms.

    >>> from neural_network.functional.losses.reduction import other_sums
    >>> other_sums(np.full((3, 3), 0.5))
    'rows that sum to 1.5, and not to 1: softmax(Z) makes probabilities of the scores of each row'
    """
    if P.size < FEWEST:
        return None
    if P.shape[1] == 1 and np.any(P != 1):  # those of a softmax are 1
        return ONE_COLUMN
    rows: Any = np.sum(P, axis=1, dtype=np.float64)
    off = np.abs(rows - 1) > SUM_OFF
    if 2 * np.count_nonzero(off) <= len(rows):  # a row of zeros may be one that does not count
        return None
    low, high = rows[off].min(), rows[off].max()
    if high < SUM_OFF:  # numbers that are too small to be of anything
        return None
    sums = f"{low:.3g}" if f"{low:.3g}" == f"{high:.3g}" else f"{low:.3g} to {high:.3g}"
    cure = f"{made_by}(Z) makes probabilities of the scores of each row"
    if np.all(np.abs(np.sum(P, axis=0, dtype=np.float64) - 1) < SUM_OFF):
        cure = f"the columns do, so softmax was taken over the rows: {made_by}(Z, axis=1)"
    return f"rows that sum to {sums}, and not to 1: {cure}"


def hint_other_sums(function: str, name: str, P: Array) -> None:
    """Warn of probabilities whose rows do not sum to 1, as of a softmax over the wrong axis.

    The first row is looked at first, so that a right call costs a millionth of a second.
    """
    if P.shape[1] == 1 and P.size >= FEWEST:
        give_hint_of_call(f"{function}: {name} has {ONE_COLUMN}")
    elif abs(np.add.reduce(P[0]) - 1) > SUM_OFF and (text := other_sums(P)) is not None:
        give_hint_of_call(f"{function}: {name} has {text}")


def predictions_first(function: str, name: str, predictions: Array, labels: Any) -> str:
    """Return the end of a sentence where labels (n,) stand before the predictions (n, k).

    >>> predictions_first("nll", "log_probabilities", np.array([1, 0]), np.ones((2, 3)))
    '; the predictions come first: nll(log_probabilities, labels)'
    """
    rows = np.shape(labels)[:1]
    if predictions.ndim != 1 or np.ndim(labels) != 2 or rows != predictions.shape:
        return ""
    second = "labels" if name != "A" else "y"
    return f"; the predictions come first: {function}({name}, {second})"


def hint_other_sums_of_logs(function: str, name: str, L: Array) -> None:
    """Warn of logarithms of probabilities whose rows do not sum to 1; see ``hint_other_sums``."""
    if len(L) and abs(np.add.reduce(np.exp(L[0])) - 1) > SUM_OFF:
        text = other_sums(np.exp(L), "log_softmax")
        if text is not None:
            give_hint_of_call(f"{function}: {name} holds the logarithms of {text}")


def hint_probabilities(function: str, Z: Array) -> None:
    """Warn of scores that are the result of a softmax, of which the loss takes another one.

    The first score and the first row are looked at first, so that a right call costs next to
    nothing. Rows of 0 and 1 are scores that somebody has made up.
    """
    if not 0 <= Z[0, 0] <= 1 or abs(np.add.reduce(Z[0]) - 1) > SUM_NEAR:
        return
    if Z.size < FEWEST or np.min(Z) < 0:
        return
    sums = np.sum(Z, axis=1, dtype=np.float64)
    if np.all(np.abs(sums - 1) < SUM_NEAR) and np.any((Z > 0) & (Z < 1)):
        give_hint_of_call(
            f"{function} takes scores, of which it computes the softmax itself, and each of the "
            f"{len(Z)} rows sums to 1, as after a softmax: pass the numbers before it, or use "
            "cross_entropy(P, y), of probabilities and one-hot rows (nn.one_hot(y, classes))"
        )


def check_reduction(function: str, reduction: object) -> None:
    """Raise unless ``reduction`` is one of the three words."""
    as_choice(function, "reduction", reduction, ("mean", "sum", "none"))


def check_pair(function: str, reduction: object, **pair: Array) -> None:
    """Raise unless a prediction and its target, by name, can be compared element by element."""
    check_reduction(function, reduction)
    (name, prediction), (target, y) = pair.items()
    what = "the prediction " if len(name) == 1 else ""
    check_same_shape(function, target, y, name, prediction, what=what)
    check_not_empty(function, name, prediction)
    check_no_nan(function, target, y)
    if prediction.ndim == 0 and reduction != "mean":
        expected = f"at least one axis for reduction={reduction!r}"
        raise ShapeError(sentence(function, name, expected, "a single number"))


def reduce_elements(elements: Array, reduction: Reduction, dtype: DTypeLike) -> Loss:
    """Return the loss, given that of each element; ``dtype`` is the type of the result."""
    if reduction == "mean":
        return float(np.mean(elements))
    rows = np.mean(elements, axis=tuple(range(1, elements.ndim)))
    return reduce_rows(rows, reduction, dtype, len(rows))


def reduce_rows(rows: Array, reduction: Reduction, dtype: DTypeLike, divisor: float) -> Loss:
    """Return the loss, given that of each row; the mean is their sum over ``divisor``."""
    if reduction == "none":
        return rounded(rows, dtype)
    total = np.add.reduce(rows)
    return float(total if reduction == "sum" else total / divisor)


def share_of_elements(g: Any, reduction: Reduction, shape: tuple[int, ...]) -> Any:
    """Return the loss's gradient for the loss of each element, given ``g``, that for the result."""
    rows = shape[0] if shape else 1
    return share_of_rows(widened(g), reduction, len(shape), rows) / (prod(shape) // rows)


def share_of_rows(g: Any, reduction: Reduction, ndim: int, divisor: float) -> Any:
    """Return the loss's gradient for the loss of each row, to broadcast over ``ndim`` axes."""
    if reduction == "none":
        return g.reshape((-1, *(1,) * (ndim - 1)))
    return g if reduction == "sum" else widened(g) / divisor


def check_distributions(function: str, name: str, rows: Array) -> None:
    """Raise unless each row of an (n, k) array is a probability for each class, in total 1."""
    check_no_nan(function, name, rows)
    check_probabilities(function, name, rows, rows.dtype)
    totals: Any = np.sum(rows, axis=1, dtype=np.float64)
    off = np.abs(totals - 1) > (1e-2 if rows.dtype == np.float16 else 1e-4)
    if np.any(off):
        first = int(np.argmax(off))
        received = f"a sum of {totals[first]:.6g} in row {first}"
        if rows.shape[1] == 1:
            received += "; of one output binary_cross_entropy_with_logits takes labels 0 and 1"
        raise ArgumentError(sentence(function, name, "rows that sum to 1", received))


def check_log_probabilities(function: str, name: str, array: Array, dtype: np.dtype[Any]) -> None:
    """Raise for a number above 0, allowing for rounding: no logarithm of a probability."""
    highest = float(np.max(array))
    if highest > (1e-2 if dtype == np.float16 else 1e-6):
        expected = "logarithms of probabilities, none above 0"
        received = f"{highest:.9g}"
        if function == "nll":
            received += "; of scores: softmax_cross_entropy(scores, labels)"
        raise ArgumentError(sentence(function, name, expected, received))


def check_class_weights(
    function: str, name: str, weights: ArrayLike, k: int, dtype: DTypeLike
) -> None:
    """Raise unless there are k weights, finite, none negative, not all 0, in a loss's type."""
    array = as_real(function, name, weights)
    check_shape(function, name, array, (k,))
    typed = array.astype(dtype)
    wrong = ~(np.isfinite(typed) & (array >= 0))
    if np.any(wrong):
        place = int(np.argmax(wrong))
        received = f"{array[place]} for class {place}"
        raise ArgumentError(
            sentence(
                function, name, f"finite numbers of at least 0 in {np.dtype(dtype).name}", received
            )
        )
    if not np.any(typed):
        received = f"at most {np.max(array):.3g}" if np.any(array) else "only zeros"
        raise ArgumentError(sentence(function, name, "a class that weighs more than 0", received))
