"""Activation functions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_choice, as_floating, as_number, rounded, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, brief, sentence
from neural_network.functional import error_function, smooth
from neural_network.functional.elementwise import elementary, widened
from neural_network.functional.op import Call, Normal, call, gradient, op, sample_calls
from neural_network.public import named, public


def _away_from_zero(rng: np.random.Generator) -> Iterator[Call]:
    yield call(rng.uniform(0.1, 2, (3, 4)) * rng.choice([-1, 1], (3, 4)))
    yield call(rng.standard_normal(()))


@public
@named("activation")
@elementary(lambda g: g, of=_away_from_zero)
@silent
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


@public
@named("activation")
@elementary(lambda g, Z: g * np.greater(Z, 0), of=_away_from_zero)
@silent
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


@public
@named("activation")
@elementary(lambda g, Z: g * smooth.sigmoid_slope(Z), of=_away_from_zero)
@silent
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
    decay = np.exp(-np.abs(Z))
    return rounded(np.where(Z >= 0, 1, decay) / (1 + decay), dtype)


@public
@named("activation")
@elementary(lambda g, Z: g * (4 * smooth.sigmoid_slope(2 * Z)), of=_away_from_zero)
@silent
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


@public
@named("activation")
@explains_calls
@silent
def leaky_relu(Z: ArrayLike, slope: float = 0.01) -> Array:
    """Leaky rectified linear unit: ``Z`` above 0, ``slope · Z`` below.

    Args:
        Z: any shape.
        slope: the factor below 0.

    Returns:
        The same shape, in the floating type of ``Z``.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.

    Source: Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network
    Acoustic Models", ICML 2013.

    >>> leaky_relu([-2.0, 3.0], 0.5)
    array([-1.,  3.])
    """
    (Z,), dtype = as_floating("leaky_relu", Z=Z)
    factor = as_number("leaky_relu", "slope", slope)
    if factor == 0:
        return rounded(relu(Z), dtype)  # −∞ · 0 is NaN
    return rounded(leaky_relu_gradient(Z, Z, factor), dtype)


def leaky_relu_gradient(g: Any, Z: Any, factor: float) -> Any:
    """Return ``g`` where Z is above 0, ``factor · g`` elsewhere; with Z as ``g``, the function."""
    # One product: where factor · g is not taken, it must not overflow.
    return g * np.where(np.greater(Z, 0), Z.dtype.type(1), factor)


@public
@named("activation")
@explains_calls
@silent
def elu(Z: ArrayLike, alpha: float = 1.0) -> Array:
    """Exponential linear unit: ``Z`` above 0, ``alpha · (exp(Z) − 1)`` below.

    Args:
        Z: any shape.
        alpha: the unit tends to −alpha far below 0.

    Returns:
        The same shape, in the floating type of ``Z``.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.

    Source: Clevert, Unterthiner and Hochreiter, arXiv 1511.07289.

    >>> elu([-np.log(2), 3.0])
    array([-0.5,  3. ])
    """
    (Z,), dtype = as_floating("elu", Z=Z)
    factor = as_number("elu", "alpha", alpha)
    above = np.greater(Z, 0)
    # The branch that is not taken must not overflow: its gradient would be ∞ · 0. And minimum(Z, 0)
    # would halve the gradient at 0, where it is alpha.
    below = np.expm1(np.where(above, 0, Z)) * factor
    return rounded(np.where(above, Z, below), dtype)


def elu_gradient(g: Any, Z: Any, factor: float) -> Any:
    """Return ``g`` where Z is above 0, ``g · factor · exp(Z)`` elsewhere."""
    above = np.greater(Z, 0)
    return np.where(above, g, g * factor * np.exp(np.where(above, 0, Z)))


@public
@named("activation")
@elementary(lambda g, Z: g * sigmoid(Z), of=lambda rng: [call(rng.standard_normal((3, 4)))])
@silent
def softplus(Z: ArrayLike) -> Array:
    """Smooth relu: ``log(1 + exp(Z))``, computed as ``max(Z, 0) + log1p(exp(−|Z|))``.

    Args:
        Z: any shape.

    Returns:
        The same shape, in the floating type of ``Z``.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.

    Source: Dugas et al., "Incorporating Second-Order Functional Knowledge for
    Better Option Pricing", NIPS 2000.

    >>> softplus([0.0, 1000.0])
    array([6.93147181e-01, 1.00000000e+03])
    """
    (Z,), dtype = as_floating("softplus", Z=Z)
    return rounded(smooth.softplus_of(Z), dtype)


@public
@named("activation")
@elementary(lambda g, Z: g * smooth.silu_slope(Z), of=smooth.normal_numbers)
@silent
def silu(Z: ArrayLike) -> Array:
    """Sigmoid linear unit, also called swish: ``Z · sigmoid(Z)``.

    Args:
        Z: any shape.

    Returns:
        The same shape, in the floating type of ``Z``.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.

    Source: Elfwing, Uchibe and Doya, arXiv 1702.03118.

    >>> silu([0.0, 100.0])
    array([  0., 100.])
    """
    (Z,), dtype = as_floating("silu", Z=Z)
    return rounded(smooth.silu_of(Z), dtype)


@public
@named("activation")
@elementary(lambda g, Z: g * smooth.mish_slope(Z), of=smooth.normal_numbers)
@silent
def mish(Z: ArrayLike) -> Array:
    """Self-regularized unit: ``Z · tanh(softplus(Z))``.

    Args:
        Z: any shape.

    Returns:
        The same shape, in the floating type of ``Z``.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.

    Source: Misra, arXiv 1908.08681.

    >>> mish([0.0, 100.0])
    array([  0., 100.])
    """
    (Z,), dtype = as_floating("mish", Z=Z)
    return rounded(smooth.mish_of(Z), dtype)


@public
@named("activation")
@explains_calls
@silent
def gelu(Z: ArrayLike, approximate: Literal["none", "tanh"] = "none") -> Array:
    """Gaussian error linear unit: ``Z`` times the chance that a normal number lies below it.

    ``Z · (1 + erf(Z / √2)) / 2``; with ``"tanh"``,
    ``Z · (1 + tanh(√(2/π) · (Z + 0.044715 · Z³))) / 2``.

    Args:
        Z: any shape.
        approximate: ``"none"`` for the exact formula, ``"tanh"`` for the older one.

    Returns:
        The same shape, in the floating type of ``Z``.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.
        ArgumentError: another word for ``approximate``.

    Source: Hendrycks and Gimpel, arXiv 1606.08415.

    >>> gelu([0.0, 1.0]).round(6), gelu([1.0], "tanh").round(6)
    (array([0.      , 0.841345]), array([0.841192]))
    """
    (Z,), dtype = as_floating("gelu", Z=Z)
    exact = type(approximate) is str and approximate == "none"  # the usual case needs no call
    if exact or as_choice("gelu", "approximate", approximate, ("none", "tanh")) == "none":
        return rounded(error_function.exact_gelu(Z), dtype)
    return rounded(smooth.tanh_gelu(Z), dtype)


def _hardswish_slope(g: Any, Z: Any) -> Any:
    bent = np.greater_equal(Z, -3) & np.less_equal(Z, 3)
    return g * np.where(bent, Z / 3 + 0.5, np.greater(Z, 3))


@public
@named("activation")
@elementary(_hardswish_slope, of=smooth.normal_numbers)
@silent
def hardswish(Z: ArrayLike) -> Array:
    """Piecewise linear approximation of swish: ``Z · min(max(Z + 3, 0), 6) / 6``.

    Args:
        Z: any shape.

    Returns:
        The same shape, in the floating type of ``Z``.

    Raises:
        DTypeError: ``Z`` does not hold real numbers.

    Source: Howard et al., "Searching for MobileNetV3", arXiv 1905.02244.

    >>> hardswish([-4.0, 0.0, 3.0])
    array([-0.,  0.,  3.])
    """
    (Z,), dtype = as_floating("hardswish", Z=Z)
    # At −∞ the share is 0; the limit of the product is 0, too.
    lowest = np.finfo(Z.dtype).min
    return rounded(np.maximum(Z, lowest) * (np.clip(Z + 3, 0, 6) / 6), dtype)


sample_calls(leaky_relu, call(Normal((3, 5), 3)))
sample_calls(elu, call(Normal((3, 5), 3)))
sample_calls(gelu, call(Normal((3, 5), 3)), call(Normal(4, 3), "tanh"))


@public
@named("activation")
@op
@silent
def softmax(Z: ArrayLike, axis: int = -1) -> Array:
    """Turn scores into probabilities along an axis: ``exp(Z) / Σ exp(Z)``.

    The row's maximum is subtracted first. It cancels in the fraction, and the
    largest exponent becomes 0, so nothing overflows.

    Args:
        Z: (n, k) scores, a row per sample; or any rank.
        axis: where the classes are; the last axis by default.

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
    exponentials = np.exp(Z - np.max(Z, axis=axis, keepdims=True))
    return rounded(exponentials / np.sum(exponentials, axis=axis, keepdims=True), dtype)


def softmax_gradient(g: Any, out: Any, axis: int) -> Any:
    """Return the gradient for the scores of a softmax, given that for its result ``out``."""
    # Raising one score lowers the other probabilities: g minus its mean, weighted by them.
    return out * (g - np.sum(g * out, axis=axis, keepdims=True))


gradient(softmax, "Z")(softmax_gradient)


@public
@named("activation")
@op
@silent
def log_softmax(Z: ArrayLike, axis: int = -1) -> Array:
    """Logarithm of ``softmax``: ``Z − log Σ exp(Z)`` along an axis.

    Exact also where a probability is too small to be distinguished from 0.

    Args:
        Z: (n, k) scores; or any rank.
        axis: where the classes are; the last axis by default.

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
    shifted = Z - np.max(Z, axis=axis, keepdims=True)
    return rounded(shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)), dtype)


@gradient(log_softmax, "Z")
def _(g: Any, out: Any, axis: int) -> Any:
    return g - np.exp(out) * np.sum(widened(g), axis=axis, keepdims=True)


for _function in (softmax, log_softmax):
    sample_calls(
        _function,
        call(Normal((3, 4))),
        call(Normal((2, 1, 3))),
        call(Normal((2, 4, 3)), axis=1),
    )


def _check_classes(function: str, Z: Array, axis: int) -> None:
    if Z.ndim == 0:
        raise ShapeError(sentence(function, "Z", "at least one axis", f"shape {Z.shape}"))
    if not isinstance(axis, int | np.integer) or not -Z.ndim <= axis < Z.ndim:
        raise ShapeError(sentence(function, "axis", f"an axis of the shape {Z.shape}", brief(axis)))
    if Z.shape[axis] == 0:
        raise ShapeError(
            sentence(function, "Z", f"at least one class along axis {axis}", f"shape {Z.shape}")
        )
