"""Activation functions: what a layer does to its sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.errors import ShapeError, sentence
from neural_network.functional.checks import Array, as_floating, rounded
from neural_network.functional.op import Call, call, gradient, op, samples

Rng = np.random.Generator


@op
def identity(Z: ArrayLike) -> Array:
    """Return the input unchanged: the activation of linear regression.

    Args:
        Z: any shape.

    Returns:
        The same values in a new array, in the floating type of ``Z``
        (float64 for integers).

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
def softmax(Z: ArrayLike) -> Array:
    """Turn scores into probabilities along the last axis: ``exp(Z) / Σ exp(Z)``.

    The row's maximum is subtracted first. It cancels in the fraction, and the
    largest exponent becomes 0, so nothing overflows.

    Args:
        Z: (n, k) scores, a row per sample; or any rank with the classes last.

    Returns:
        The same shape; each row is positive and sums to 1.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.
        ShapeError: ``Z`` has no axis, or no class.

    Source: Bridle, "Probabilistic Interpretation of Feedforward Classification
    Network Outputs", 1990.

    >>> softmax([[0.0, 0.0], [1000.0, 0.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    (Z,), dtype = as_floating("softmax", Z=Z)
    _check_classes("softmax", Z)
    with np.errstate(under="ignore"):
        exponentials = np.exp(Z - np.max(Z, axis=-1, keepdims=True))
        return rounded(exponentials / np.sum(exponentials, axis=-1, keepdims=True), dtype)


@gradient(softmax, "Z")
def _(g: Any, out: Any) -> Any:
    # Raising one score lowers the other shares: what is left of g after its mean.
    return out * (g - np.sum(g * out, axis=-1, keepdims=True))


@samples(softmax)
def _rows(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((3, 4)))
    yield call(rng.standard_normal((2, 1, 3)))


@op
def log_softmax(Z: ArrayLike) -> Array:
    """Logarithm of ``softmax`` along the last axis: ``Z − log Σ exp(Z)``.

    Exact also where a probability is too small to be told from 0.

    Args:
        Z: (n, k) scores; or any rank with the classes last.

    Returns:
        The same shape, none above 0.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.
        ShapeError: ``Z`` has no axis, or no class.

    >>> log_softmax([[0.0, 1000.0]])
    array([[-1000.,     0.]])
    """
    (Z,), dtype = as_floating("log_softmax", Z=Z)
    _check_classes("log_softmax", Z)
    with np.errstate(under="ignore"):
        shifted = Z - np.max(Z, axis=-1, keepdims=True)
        return rounded(shifted - np.log(np.sum(np.exp(shifted), axis=-1, keepdims=True)), dtype)


@gradient(log_softmax, "Z")
def _(g: Any, out: Any) -> Any:
    return g - np.exp(out) * np.sum(g, axis=-1, keepdims=True)


samples(log_softmax)(_rows)


def _check_classes(function: str, Z: Array) -> None:
    if Z.ndim == 0 or Z.shape[-1] == 0:
        raise ShapeError(
            sentence(function, "Z", "at least one class along the last axis", f"shape {Z.shape}")
        )
