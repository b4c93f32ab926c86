"""Losses: one number that says how wrong a prediction is, and its penalties."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.errors import DTypeError, sentence
from neural_network.functional.checks import (
    Array,
    as_floating,
    as_number,
    as_real,
    check_ndim,
    check_no_nan,
    check_not_empty,
    check_probabilities,
    check_same_shape,
    rounded,
)
from neural_network.functional.op import Call, call, gradient, lift_hook, op, samples

# Keeps log(0) finite. It is the article's value; float32 holds it too (down to 1e-38).
EPSILON = 1e-15


@op
def mse_loss(y_pred: ArrayLike, y: ArrayLike) -> float:
    """Mean squared error: ``mean((y_pred − y)²)`` over all elements.

    Args:
        y_pred: predictions, any shape: (n,), (n, 1), (n, k) …
        y: targets of exactly the same shape; (n,) against (n, 1) is refused,
           because broadcasting would compare every row with every other.

    Returns:
        A float.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: the shapes differ, or are empty.
        ArgumentError: a target is NaN.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 5.1.4.

    >>> mse_loss([1.0, 2.0], [0.0, 4.0])
    2.5
    """
    (y_pred, y), _ = as_floating("mse_loss", y_pred=y_pred, y=y)
    _check_pair("mse_loss", "y_pred", y_pred, y)
    with np.errstate(under="ignore"):
        return float(np.mean(np.square(y_pred - y)))


@gradient(mse_loss, "y_pred")
def _(g: Any, y_pred: Any, y: Any) -> Any:
    return g * (2 / y_pred.size) * (y_pred - y)


@gradient(mse_loss, "y")
def _(g: Any, y_pred: Any, y: Any) -> Any:
    return g * (2 / y_pred.size) * (y - y_pred)


@samples(mse_loss)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(rng.standard_normal((3, 2)), rng.standard_normal((3, 2)))


@op
def binary_cross_entropy(A: ArrayLike, y: ArrayLike) -> float:
    """Binary cross-entropy: ``−mean(y · log(A + ε) + (1 − y) · log(1 − A + ε))``, ε = 1e-15.

    Args:
        A: probabilities of class 1, values in [0, 1], any shape.
        y: labels in {0, 1}, the same shape.

    Returns:
        A float; finite at A = 0 and A = 1.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: the shapes differ, or are empty.
        ArgumentError: a value lies outside [0, 1], or a label is NaN.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.2.

    >>> round(binary_cross_entropy([0.5, 0.5], [0, 1]), 4)
    0.6931
    """
    given = as_real("binary_cross_entropy", "A", A).dtype
    (A, y), _ = as_floating("binary_cross_entropy", A=A, y=y)
    _check_pair("binary_cross_entropy", "A", A, y)
    check_probabilities("binary_cross_entropy", "y", y, given)
    check_probabilities("binary_cross_entropy", "A", A, given)
    A = np.clip(A, 0, 1)  # rounding may have left 1 + 1e-7, whose counterpart has no logarithm
    likelihood = y * np.log(A + EPSILON) + (1 - y) * np.log(1 - A + EPSILON)
    return float(-np.mean(likelihood))


@gradient(binary_cross_entropy, "A")
def _(g: Any, A: Any, y: Any) -> Any:
    return g / A.size * ((1 - y) / (1 - A + EPSILON) - y / (A + EPSILON))


@samples(binary_cross_entropy)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(rng.uniform(0.1, 0.9, (4, 1)), rng.integers(0, 2, (4, 1)))


@op
def cross_entropy(A: ArrayLike, y: ArrayLike) -> float:
    """Cross-entropy of class probabilities: ``−mean_i Σ_j y[i, j] · log(A[i, j] + ε)``, ε = 1e-15.

    Args:
        A: (n, k) probabilities, as ``softmax`` gives them.
        y: (n, k) one-hot labels (see ``one_hot``).

    Returns:
        A float; finite where A is 0.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: not two dimensions, shapes that differ, or no row.
        ArgumentError: a value lies outside [0, 1], or a label is NaN.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.3.

    >>> round(cross_entropy([[0.25, 0.75]], [[0, 1]]), 4)
    0.2877
    """
    given = as_real("cross_entropy", "A", A).dtype
    (A, y), _ = as_floating("cross_entropy", A=A, y=y)
    check_ndim("cross_entropy", "A", A, 2)
    _check_pair("cross_entropy", "A", A, y)
    check_probabilities("cross_entropy", "y", y, given)
    check_probabilities("cross_entropy", "A", A, given)
    A = np.clip(A, 0, 1)
    return float(-np.mean(np.sum(y * np.log(A + EPSILON), axis=1)))


@gradient(cross_entropy, "A")
def _(g: Any, A: Any, y: Any) -> Any:
    return -g / len(A) * (y / (A + EPSILON))


@samples(cross_entropy)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(rng.uniform(0.1, 0.9, (3, 4)), np.eye(4, dtype=int)[rng.integers(0, 4, 3)])


def l2_regularization(weights: Iterable[ArrayLike], lambda_: float) -> tuple[float, list[Array]]:
    """Ridge penalty ``λ · Σ ‖W‖²`` of all weights, and its gradients ``2 · λ · W``.

    Args:
        weights: a list of arrays of any shapes.
        lambda_: the strength λ, at least 0.

    Returns:
        The penalty as a float, and one gradient for each weight, in the weight's
        own floating type.

    Raises:
        DTypeError: ``weights`` is a single array, or holds other things than numbers.
        ArgumentError: ``lambda_`` is negative or not finite.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 7.1.1.

    >>> l2_regularization([np.array([[3.0], [4.0]])], 0.5)
    (12.5, [array([[3.],
           [4.]])])
    """
    function = "l2_regularization"
    strength = as_number(function, "lambda_", lambda_, between=(0, np.inf))
    if isinstance(weights, np.ndarray) or not isinstance(weights, Iterable):
        # Iterating over an array would take each row for a weight of its own.
        received = "a single array" if isinstance(weights, np.ndarray) else repr(weights)
        raise DTypeError(sentence(function, "weights", "a list of arrays", received))
    penalty: Any = 0.0
    gradients = []
    for index, weight in enumerate(weights):
        (W,), dtype = as_floating(function, **{f"weights[{index}]": weight})
        penalty = penalty + strength * np.sum(np.square(W))
        gradients.append(rounded(2 * strength * W, dtype))
    return penalty if lift_hook([penalty]) else float(penalty), gradients


def _check_pair(function: str, name: str, prediction: Array, y: Array) -> None:
    check_same_shape(function, "y", y, name, prediction)
    check_not_empty(function, name, prediction)
    check_no_nan(function, "y", y)
