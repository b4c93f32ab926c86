"""Losses of scores of two classes, or of margins.

They are computed from the scores (logits) in one step, because a probability that is rounded
to 0 or 1 has lost information.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_floating,
    as_number,
    as_real,
    check_not_empty,
    check_probabilities,
    silent,
)
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.functional.activations import sigmoid, softplus
from neural_network.functional.labels import as_class_indices
from neural_network.functional.losses.reduction import (
    Loss,
    Reduction,
    check_class_weights,
    check_pair,
    check_reduction,
    hint_swapped,
    reduce_elements,
    reduce_rows,
    share_of_elements,
    share_of_rows,
)
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.public import named, public


@public
@named("loss")
@op
@silent
def binary_cross_entropy_with_logits(
    logits: ArrayLike,
    y: ArrayLike,
    *,
    positive_weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
) -> Loss:
    """Binary cross-entropy of ``sigmoid(logits)``, averaged over all elements.

    ``w · y · softplus(−z) + (1 − y) · softplus(z)``, as softplus(−z) = −log sigmoid(z).

    Args:
        logits: scores of class 1, any shape.
        y: labels from 0 to 1, the same shape. No gradient.
        positive_weight: w, what class 1 counts against class 0, above 0; or (k,), one
            for each label of (…, k) logits where several may hold at once: finite,
            none negative, not all 0.
        reduction: ``"mean"`` over the rows (the first axis), their ``"sum"``, or
            ``"none"``; a row's loss is the mean over its elements.

    Returns:
        A float; with ``"none"`` (n,), in the widest floating type of ``logits`` and ``y``.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: the shapes differ, or are empty; a number of weights that is not k.
        ArgumentError: a label is NaN or outside [0, 1], a weight is none of
            the above, or another word for ``reduction``.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.2.

    >>> binary_cross_entropy_with_logits([0.0, -1000.0], [1, 1], reduction="none")
    array([6.93147181e-01, 1.00000000e+03])
    """
    function = "binary_cross_entropy_with_logits"
    y_dtype = as_real(function, "y", y).dtype
    (Z, y), dtype = as_floating(function, logits=logits, y=y)
    check_pair(function, reduction, logits=Z, y=y)
    check_probabilities(function, "y", y, y_dtype)
    if 0 < y.flat[0] < 1 and Z.flat[0] in (0, 1):
        hint_swapped(function, Z, y)
    _check_positive_weight(function, positive_weight, Z)
    positive, negative = _weights(y, positive_weight)
    # softplus(±z) = max(±z, 0) + softplus(−|z|).
    rest = (positive + negative) * softplus(-np.abs(Z))
    elements = _times(negative, np.maximum(Z, 0)) + _times(positive, np.maximum(-Z, 0)) + rest
    return reduce_elements(elements, reduction, dtype)


@gradient(binary_cross_entropy_with_logits, "logits")
def _(g: Any, logits: Any, y: Any, positive_weight: Any, reduction: Reduction) -> Any:
    positive, negative = _weights(np.asarray(y).astype(logits.dtype), positive_weight)
    # Not sigmoid · (p + n) − p, which is 0 where the sigmoid is rounded to 1.
    slopes = negative * sigmoid(logits) - positive * sigmoid(-logits)
    return share_of_elements(g, reduction, logits.shape) * slopes


def _times(weights: Array, losses: Array) -> Array:
    """Return the product, where a loss of ∞ that has no weight is 0."""
    return np.where(np.equal(weights, 0), 0, weights * losses)


def _weights(y: Array, positive_weight: Any) -> tuple[Array, Array]:
    """Return the weights of the losses of class 1 and of class 0 for each element."""
    weight = 1 if positive_weight is None else np.asarray(positive_weight).astype(y.dtype)
    return weight * y, 1 - y


def _check_positive_weight(function: str, positive_weight: Any, Z: Array) -> None:
    if positive_weight is None:
        return
    if np.ndim(positive_weight) == 0:
        as_number(function, "positive_weight", positive_weight, above=0)
        return
    if Z.ndim < 2:
        expected = f"a single number for logits of shape {Z.shape}"
        received = f"shape {np.shape(positive_weight)}"
        raise ShapeError(sentence(function, "positive_weight", expected, received))
    check_class_weights(function, "positive_weight", positive_weight, Z.shape[-1], Z.dtype)


@samples(binary_cross_entropy_with_logits)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for reduction in ("mean", "sum", "none"):
        # Labels have no gradient: in float32 the tests leave them as they are.
        Z, y = rng.standard_normal((4, 3)), rng.random((4, 3)).astype("float32")
        yield call(Z, y, reduction=reduction)
        yield call(Z, y, positive_weight=3.0, reduction=reduction)
        yield call(Z, y, positive_weight=np.array([0.5, 1.0, 2.0]), reduction=reduction)


@public
@named("loss of classes")
@named("loss")
@op
@silent
def hinge(scores: ArrayLike, y: ArrayLike, *, reduction: Reduction = "mean") -> Loss:
    """Hinge loss: a margin below 1 costs its distance from 1.

    Two classes, labels −1 and 1: ``max(0, 1 − y · s)``. More classes, label indices:
    ``Σ_{j≠y} max(0, 1 + s_j − s_y)`` for each row, the form of Weston and Watkins, in
    which every class with a margin below 1 counts. (Crammer and Singer count the
    largest one only; PyTorch's ``multi_margin_loss`` divides this sum by k.)

    Args:
        scores: any shape, for two classes; (n, k), k ≥ 2, for more.
        y: −1 and 1, in the shape of ``scores``; or (n,) class indices from 0 to
            k − 1. No gradient.
        reduction: ``"mean"`` over the rows (the first axis), their ``"sum"``, or
            ``"none"``; with two classes a row's loss is the mean over its elements.

    Returns:
        A float; with ``"none"`` (n,). Labels do not widen the floating type of ``scores``.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: the shapes are none of these, or are empty.
        ArgumentError: a label that is none of these, or another word for ``reduction``.

    Source: Weston and Watkins, "Support Vector Machines for Multi-Class Pattern
    Recognition", ESANN 1999.

    >>> hinge([2.0, 0.5, 0.5], [1, 1, -1], reduction="none")
    array([0. , 0.5, 1.5])
    >>> hinge([[2.0, 1.5, 3.0]], [0])
    2.5
    """
    (S,), dtype = as_floating("hinge", scores=scores)
    array = as_real("hinge", "y", y)
    if S.shape == array.shape:
        check_pair("hinge", reduction, scores=S, y=array)
        _check_signs(array)
        return reduce_elements(np.maximum(1 - S * array.astype(S.dtype), 0), reduction, dtype)
    check_reduction("hinge", reduction)
    check_not_empty("hinge", "scores", S)
    if S.ndim != 2 or S.shape[1] < 2 or array.shape != S.shape[:1]:
        expected = f"the shape {S.shape} of scores with −1 and 1"
        if S.ndim == 2 and S.shape[1] > 1:
            expected += f", or {S.shape[:1]} with class indices"
        raise ShapeError(sentence("hinge", "y", expected, f"shape {array.shape}"))
    places = (np.arange(len(S)), as_class_indices("hinge", "y", array, S.shape[1]))
    violations = np.maximum(_margins(S, places), 0)
    violations[places] = 0
    return reduce_rows(np.sum(violations, axis=1), reduction, dtype, len(S))


@gradient(hinge, "scores")
def _(g: Any, scores: Any, y: Any, reduction: Reduction) -> Any:
    # The slope of each violated margin is 1.
    y = np.asarray(y)
    if y.shape == scores.shape:
        signs = y.astype(scores.dtype)
        violated = np.less(scores * signs, 1)
        return share_of_elements(g, reduction, y.shape) * (-signs * violated)
    places = (np.arange(len(y)), y.astype(np.intp))
    slopes = np.greater(_margins(scores, places), 0).astype(scores.dtype)
    slopes[places] = 0
    slopes[places] = -np.sum(slopes, axis=1)
    return share_of_rows(g, reduction, 2, len(y)) * slopes


def _margins(S: Any, places: tuple[Array, Array]) -> Any:
    """Return ``1 + (s_j − s_y)``; 1 + s_j first would lose the 1 beside large scores."""
    return 1 + (S - S[places].reshape(-1, 1))


def _check_signs(y: Array) -> None:
    wrong = np.abs(y.astype(np.float64)) != 1
    if np.any(wrong):
        first = y[wrong].ravel()[0]
        raise ArgumentError(sentence("hinge", "y", "labels −1 and 1", first))


@samples(hinge)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for reduction in ("mean", "sum", "none"):
        yield call(rng.standard_normal((4, 2)), rng.choice([-1, 1], (4, 2)), reduction=reduction)
        yield call(rng.standard_normal((5, 3)), np.array([0, 2, 1, 1, 0]), reduction=reduction)
