"""Activation functions: what a layer does to its sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_floating, rounded
from neural_network.errors import ShapeError, sentence
from neural_network.functional.op import Call, call, gradient, op, samples

Rng: TypeAlias = "np.random.Generator"


@op
def identity(Z: ArrayLike) -> Array:
    """Return the input unchanged: the activation of linear regression.

    Args:
        Z: any shape.

    Returns:
        The same values in a new array, in the floating type of ``Z``
        (float64 for integers).

    Raises:
        DTypeError: ``Z`` does not hold real numbers.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.1
    (linear units).

    >>> identity([1, 2])
    array([1., 2.])
    """
    (Z,), dtype = as_floating("identity", Z=Z)
    return Z.astype(dtype)


@gradient(identity, "Z")
def _(g: Any) -> Any:
    return g


@op
def relu(Z: ArrayLike) -> Array:
    """Rectified linear unit, element by element: ``max(0, Z)``.

    Args:
        Z: any shape. NaN stays NaN.

    Returns:
        The same shape, in the floating type of ``Z`` (float64 for integers).

    Raises:
        DTypeError: ``Z`` does not hold real numbers.

    Source: Nair and Hinton, "Rectified Linear Units Improve Restricted
    Boltzmann Machines", ICML 2010.

    >>> relu([-2.0, 0.0, 3.0])
    array([0., 0., 3.])
    """
    (Z,), dtype = as_floating("relu", Z=Z)
    return rounded(np.maximum(Z, 0), dtype)


@gradient(relu, "Z")
def _(g: Any, Z: Any) -> Any:
    return g * np.greater(Z, 0)


@op
def sigmoid(Z: ArrayLike) -> Array:
    """Logistic function, element by element: ``1 / (1 + exp(-Z))``.

    Computed from ``exp(-|Z|)``, which lies in (0, 1] and so cannot overflow:
    for Z ≥ 0 the formula as it stands, for Z < 0 the same fraction with both
    sides multiplied by ``exp(Z)``.

    Args:
        Z: any shape.

    Returns:
        The same shape, values in [0, 1], in the floating type of ``Z``
        (float64 for integers).

    Raises:
        DTypeError: ``Z`` does not hold real numbers.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 3.10.

    >>> sigmoid([-1000.0, 0.0, 1000.0])
    array([0. , 0.5, 1. ])
    """
    (Z,), dtype = as_floating("sigmoid", Z=Z)
    with np.errstate(under="ignore"):
        decay = np.exp(-np.abs(Z))
        return rounded(np.where(Z >= 0, 1, decay) / (1 + decay), dtype)


@gradient(sigmoid, "Z")
def _(g: Any, out: Any) -> Any:
    return g * out * (1 - out)


@op
def tanh(Z: ArrayLike) -> Array:
    """Hyperbolic tangent, element by element: a sigmoid from −1 to 1.

    Args:
        Z: any shape.

    Returns:
        The same shape, in the floating type of ``Z`` (float64 for integers).

    Raises:
        DTypeError: ``Z`` does not hold real numbers.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.3.2.

    >>> tanh([-1000.0, 0.0, 1000.0])
    array([-1.,  0.,  1.])
    """
    (Z,), dtype = as_floating("tanh", Z=Z)
    return rounded(np.tanh(Z), dtype)


@gradient(tanh, "Z")
def _(g: Any, out: Any) -> Any:
    return g * (1 - out * out)


@samples(identity)
@samples(sigmoid)
@samples(tanh)
@samples(relu)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.uniform(0.1, 2, (3, 4)) * rng.choice([-1, 1], (3, 4)))
    yield call(rng.standard_normal(()))


@op
def softmax(Z: ArrayLike, axis: int = -1) -> Array:
    """Turn scores into probabilities along an axis: ``exp(Z) / Σ exp(Z)``.

    The row's maximum is subtracted first. It cancels in the fraction, and the
    largest exponent becomes 0, so nothing overflows.

    Args:
        Z: (n, k) scores, a row per sample; or any rank.
        axis: where the classes are; the last axis unless told.

    Returns:
        The same shape, in the floating type of ``Z``; no share is negative, and
        along the axis they sum to 1. Where all scores are −∞, or one is +∞, there is
        no answer: NaN.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.
        ShapeError: ``Z`` has no such axis, or no class.

    Source: Bridle, "Probabilistic Interpretation of Feedforward Classification
    Network Outputs", 1990.

    >>> softmax([[0.0, 0.0], [1000.0, 0.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    (Z,), dtype = as_floating("softmax", Z=Z)
    _check_classes("softmax", Z, axis)
    # Two scores may be further apart than the largest number: −∞, whose share is 0.
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        exponentials = np.exp(Z - np.max(Z, axis=axis, keepdims=True))
        return rounded(exponentials / np.sum(exponentials, axis=axis, keepdims=True), dtype)


@gradient(softmax, "Z")
def _(g: Any, out: Any, axis: int) -> Any:
    # Raising one score lowers the other shares: what is left of g after its mean.
    return out * (g - np.sum(g * out, axis=axis, keepdims=True))


@samples(softmax)
def _rows(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((3, 4)))
    yield call(rng.standard_normal((2, 1, 3)))
    yield call(rng.standard_normal((2, 4, 3)), axis=1)


@op
def log_softmax(Z: ArrayLike, axis: int = -1) -> Array:
    """Logarithm of ``softmax``: ``Z − log Σ exp(Z)`` along an axis.

    Exact also where a probability is too small to be told from 0.

    Args:
        Z: (n, k) scores; or any rank.
        axis: where the classes are; the last axis unless told.

    Returns:
        The same shape, in the floating type of ``Z``; none above 0.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.
        ShapeError: ``Z`` has no such axis, or no class.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 6.2.2.3.

    >>> log_softmax([[0.0, 1000.0]])
    array([[-1000.,     0.]])
    """
    (Z,), dtype = as_floating("log_softmax", Z=Z)
    _check_classes("log_softmax", Z, axis)
    with np.errstate(under="ignore", over="ignore", invalid="ignore"):
        shifted = Z - np.max(Z, axis=axis, keepdims=True)
        return rounded(shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)), dtype)


@gradient(log_softmax, "Z")
def _(g: Any, out: Any, axis: int) -> Any:
    return g - np.exp(out) * np.sum(g, axis=axis, keepdims=True)


samples(log_softmax)(_rows)


def _check_classes(function: str, Z: Array, axis: int) -> None:
    if Z.ndim == 0:
        raise ShapeError(sentence(function, "Z", "at least one axis", f"shape {Z.shape}"))
    if not isinstance(axis, int | np.integer) or not -Z.ndim <= axis < Z.ndim:
        raise ShapeError(sentence(function, "axis", f"an axis of the shape {Z.shape}", repr(axis)))
    if Z.shape[axis] == 0:
        raise ShapeError(
            sentence(function, "Z", f"at least one class along axis {axis}", f"shape {Z.shape}")
        )
