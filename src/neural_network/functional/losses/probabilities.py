"""Losses of probabilities, and of their logarithms.

For training, use those of scores (``cross_entropies.py``, ``scores.py``), which combine
exponential and logarithm and lose no digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_floating,
    as_real,
    check_ndim,
    check_probabilities,
    silent,
)
from neural_network.errors import ShapeError, sentence
from neural_network.functional.activations import log_softmax, softmax
from neural_network.functional.losses.reduction import (
    Loss,
    Reduction,
    check_distributions,
    check_log_probabilities,
    check_pair,
    hint_other_sums,
    hint_other_sums_of_logs,
    hint_swapped,
    predictions_first,
    reduce_elements,
    reduce_rows,
    share_of_elements,
    share_of_rows,
)
from neural_network.functional.losses.targets import as_targets, checked_targets
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.public import named, public

# Keeps log(0) finite; the article's value, which float32 can represent.
EPSILON = 1e-15


def _checked_probabilities(
    function: str, A: ArrayLike, y: ArrayLike, reduction: Reduction, *ndims: int
) -> tuple[Array, Array, Any]:
    """Return probabilities, limited to [0, 1], their labels, and the type of the result."""
    A_dtype = as_real(function, "A", A).dtype
    (A, y), dtype = as_floating(function, A=A, y=y)
    if ndims:
        if turned := predictions_first(function, "A", A, y):
            raise ShapeError(sentence(function, "A", "shape (n, k)", f"shape {A.shape}{turned}"))
        check_ndim(function, "A", A, *ndims)
    if A.shape != y.shape and A.size:  # scores and class numbers, for another loss
        check_probabilities(function, "A", A, A_dtype)
    try:
        check_pair(function, reduction, A=A, y=y)
    except ShapeError as error:
        if function == "cross_entropy" and "one_hot(" in str(error):
            error.args = (f"{error}; softmax_cross_entropy, of scores, takes class numbers",)
        raise
    check_probabilities(function, "y", y, A_dtype)
    check_probabilities(function, "A", A, A_dtype)
    if 0 < y.flat[0] < 1 and A.flat[0] in (0, 1):
        hint_swapped(function, A, y)
    return np.clip(A, 0, 1), y, dtype  # rounding may give 1 + 1e-7, and log(1 − A) would be NaN


def _log(p: Array, rest: Array) -> Array:
    """Return ``log(p + ε)``, at most 0, given a probability and ``1 − p``.

    Near 1 it is computed from the rest, whose digits p does not have.
    """
    near = p > 0.5
    above = np.log1p(np.minimum(EPSILON - np.where(near, rest, 0), 0))
    return np.where(near, above, np.log(p + EPSILON))


@public
@named("loss")
@op
@silent
def binary_cross_entropy(A: ArrayLike, y: ArrayLike, *, reduction: Reduction = "mean") -> Loss:
    """Binary cross-entropy: ``−mean(y · log(A + ε) + (1 − y) · log(1 − A + ε))``, ε = 1e-15.

    Args:
        A: probabilities of class 1, values in [0, 1], any shape.
        y: labels in {0, 1}, the same shape.
        reduction: ``"mean"`` over the rows (the first axis), their ``"sum"``, or
            ``"none"``; a row's loss is the mean over its elements.

    Returns:
        A float, finite at A = 0 and A = 1; with ``"none"`` (n,), in the widest
        floating type of the arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: the shapes differ, or are empty.
        ArgumentError: a value lies outside [0, 1], a label is NaN, or another word
            for ``reduction``.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.2.

    >>> round(binary_cross_entropy([0.5, 0.5], [0, 1]), 4)
    0.6931
    """
    A, y, dtype = _checked_probabilities("binary_cross_entropy", A, y, reduction)
    likelihood = y * _log(A, 1 - A) + (1 - y) * _log(1 - A, A)
    return reduce_elements(0 - likelihood, reduction, dtype)


@gradient(binary_cross_entropy, "A")
def _(g: Any, A: Any, y: Any, reduction: Reduction) -> Any:
    share = share_of_elements(g, reduction, A.shape)
    return share * (np.subtract(1, y) / (1 - A + EPSILON) - y / (A + EPSILON))


@samples(binary_cross_entropy)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(rng.uniform(0.1, 0.9, (4, 1)), rng.integers(0, 2, (4, 1)))
    yield call(rng.uniform(0.1, 0.9, (4, 2)), rng.integers(0, 2, (4, 2)), reduction="sum")
    yield call(rng.uniform(0.1, 0.9, (4, 2)), rng.integers(0, 2, (4, 2)), reduction="none")


@public
@named("loss of classes")
@named("loss")
@op
@silent
def cross_entropy(A: ArrayLike, y: ArrayLike, *, reduction: Reduction = "mean") -> Loss:
    """Cross-entropy of class probabilities: ``−mean_i Σ_j y[i, j] · log(A[i, j] + ε)``, ε = 1e-15.

    Args:
        A: (n, k) probabilities, as ``softmax`` gives them.
        y: (n, k) one-hot labels (see ``one_hot``).
        reduction: ``"mean"`` over the rows, their ``"sum"``, or ``"none"``.

    Returns:
        A float, finite where A is 0; with ``"none"`` (n,), in the widest floating
        type of the arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: not two dimensions, shapes that differ, or no row.
        ArgumentError: a value lies outside [0, 1], a label is NaN, or another word
            for ``reduction``.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.3.

    >>> round(cross_entropy([[0.25, 0.75]], [[0, 1]]), 4)
    0.2877
    """
    A, y, dtype = _checked_probabilities("cross_entropy", A, y, reduction, 2)
    hint_other_sums("cross_entropy", "A", A)
    likelihood = np.sum(y * _log(A, 1 - A), axis=1)
    return reduce_rows(0 - likelihood, reduction, dtype, len(A))


@gradient(cross_entropy, "A")
def _(g: Any, A: Any, y: Any, reduction: Reduction) -> Any:
    return -share_of_rows(g, reduction, 2, len(A)) * (y / (A + EPSILON))


@samples(cross_entropy)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for reduction in ("mean", "sum", "none"):
        one_hot = np.eye(4, dtype=int)[rng.integers(0, 4, 3)]
        yield call(softmax(rng.standard_normal((3, 4))), one_hot, reduction=reduction)


@public
@named("loss of classes")
@named("loss")
@op
@silent
def nll(
    log_probabilities: ArrayLike,
    labels: ArrayLike,
    *,
    class_weights: ArrayLike | None = None,
    ignore_index: int | None = None,
    reduction: Reduction = "mean",
) -> Loss:
    """Negative log-likelihood of the labels: ``−log_probabilities[i, labels[i]]`` for row i.

    With rows of probabilities for labels, ``−Σ_j labels[i, j] · log_probabilities[i, j]``.
    ``nll(log_softmax(Z), labels)`` is ``softmax_cross_entropy(Z, labels)``, which
    computes less.

    Args:
        log_probabilities: (n, k), none above 0, as ``log_softmax`` gives them.
        labels: as for ``softmax_cross_entropy``: (n,) class indices from 0, or (n, k)
            rows of probabilities. No gradient.
        class_weights: (k,) what each class counts, as for ``softmax_cross_entropy``.
        ignore_index: rows with this label count nothing, whatever else stands in them.
        reduction: ``"mean"`` over the rows (weighted, see there), their ``"sum"``, or
            ``"none"``.

    Returns:
        A float; with ``"none"`` (n,), in the floating type of ``log_probabilities``.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: not two dimensions, no row, labels or weights of another number.
        ArgumentError: a number above 0, a label that is no class, weights that are
            negative or not finite, or nothing to take a mean of.

    Source: Murphy, "Probabilistic Machine Learning: An Introduction", 2022, section 4.2.

    >>> nll(np.log([[0.25, 0.75], [0.5, 0.5]]), [1, 0], reduction="none").round(4)
    array([0.2877, 0.6931])
    """
    (L,), dtype = as_floating("nll", log_probabilities=log_probabilities)
    targets = checked_targets(
        "nll", "log_probabilities", L, labels, class_weights, 0.0, ignore_index, reduction
    )
    counted = L if targets.ignored is None else L[~targets.ignored]
    L = targets.without_ignored(L)
    check_log_probabilities("nll", "log_probabilities", L, dtype)
    hint_other_sums_of_logs("nll", "log_probabilities", counted)
    return reduce_rows(0 - targets.weigh(L), reduction, dtype, targets.divisor)


@gradient(nll, "log_probabilities")
def _(
    g: Any,
    log_probabilities_shape: Any,
    log_probabilities_dtype: Any,
    labels: Any,
    class_weights: Any,
    ignore_index: int | None,
    reduction: Reduction,
) -> Any:
    like = np.broadcast_to(np.zeros((), log_probabilities_dtype), log_probabilities_shape)
    targets = as_targets(like, labels, class_weights, 0.0, ignore_index)
    return targets.spread(-share_of_rows(g, reduction, 2, targets.divisor))


@samples(nll)
def _(rng: np.random.Generator) -> Iterator[Call]:
    L, labels = log_softmax(rng.standard_normal((4, 3))), np.array([2, 0, 1, 2])
    weights = np.array([0.5, 2.0, 1.0])
    yield call(L, labels)
    for reduction in ("mean", "sum", "none"):
        yield call(L, labels, class_weights=weights, ignore_index=0, reduction=reduction)
        # Labels have no gradient: in float32 the tests leave them as they are.
        soft = softmax(rng.standard_normal((4, 3))).astype("float32")
        yield call(L, soft, class_weights=weights, reduction=reduction)


@public
@named("loss")
@op
@silent
def kl(log_q: ArrayLike, p: ArrayLike, *, reduction: Reduction = "mean") -> Loss:
    """Kullback-Leibler divergence of p from q: ``Σ_j p · (log p − log q)`` for each row.

    ``p · log p`` is 0 at p = 0. The mean is over the rows, as the formula for
    distributions has it; PyTorch calls that ``"batchmean"``, and its own ``"mean"``
    divides by the number of classes as well.

    Args:
        log_q: (n, k) logarithms of the predicted probabilities, as ``log_softmax``
            gives them.
        p: (n, k) probabilities to be met (not their logarithms); rows that sum to 1.
        reduction: ``"mean"`` over the rows, their ``"sum"``, or ``"none"``.

    Returns:
        A float, not below 0 but for rounding; with ``"none"`` (n,), in the widest
        floating type of the arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: not two dimensions, shapes that differ, or no row.
        ArgumentError: ``log_q`` above 0, ``p`` outside [0, 1], NaN or of another
            sum, or another word for ``reduction``.

    Source: Kullback and Leibler, "On Information and Sufficiency", 1951.

    >>> kl(np.log([[0.5, 0.5]]), [[1.0, 0.0]]), kl(np.log([[0.2, 0.8]]), [[0.2, 0.8]])
    (0.6931471805599453, 0.0)
    """
    unrounded_p = as_real("kl", "p", p)
    (log_q, p), dtype = as_floating("kl", log_q=log_q, p=p)
    check_ndim("kl", "log_q", log_q, 2)
    check_pair("kl", reduction, log_q=log_q, p=p)
    check_distributions("kl", "p", unrounded_p)
    check_log_probabilities("kl", "log_q", log_q, dtype)
    hint_other_sums_of_logs("kl", "log_q", log_q)
    terms = np.where(p > 0, p * (np.log(np.where(p > 0, p, 1)) - log_q), 0)
    return reduce_rows(np.sum(terms, axis=1), reduction, dtype, len(p))


@gradient(kl, "log_q")
def _(g: Any, log_q_shape: Any, p: Any, reduction: Reduction) -> Any:
    return np.multiply(-share_of_rows(g, reduction, 2, log_q_shape[0]), p)


@gradient(kl, "p")
def _(g: Any, log_q: Any, p: Any, reduction: Reduction) -> Any:
    # At p = 0 the gradient is −∞; times the gradient of a softmax, which is 0 there, it is 0.
    slopes = np.log(np.where(np.greater(p, 0), p, 1)) + 1 - log_q
    return share_of_rows(g, reduction, 2, len(p)) * np.where(np.greater(p, 0), slopes, 0)


@samples(kl)
def _(rng: np.random.Generator) -> Iterator[Call]:
    for reduction in ("mean", "sum", "none"):
        log_q = log_softmax(rng.standard_normal((3, 4)))
        yield call(log_q, softmax(rng.standard_normal((3, 4))), reduction=reduction)
