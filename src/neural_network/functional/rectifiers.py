"""Relatives of relu: bent, smooth or gated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_choice, as_floating, as_number, rounded
from neural_network.functional.activations import sigmoid, tanh
from neural_network.functional.error_function import erf
from neural_network.functional.op import Call, call, gradient, op, samples

Rng: TypeAlias = "np.random.Generator"


def leaky_relu(Z: ArrayLike, slope: float = 0.01) -> Array:
    """Rectified linear unit that leaks: ``Z`` above 0, ``slope · Z`` below.

    Args:
        Z: any shape.
        slope: how much passes below 0.

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
    return rounded(np.where(np.greater(Z, 0), Z, Z * factor), dtype)


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
    # The branch that is not taken must not overflow: its slope would be ∞ · 0. (And not by
    # minimum(Z, 0), which halves the slope where both are equal: at 0 it is alpha.)
    below = np.expm1(np.where(above, 0, Z)) * factor
    return rounded(np.where(above, Z, below), dtype)


@op
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
    with np.errstate(under="ignore"):
        return rounded(np.maximum(Z, 0) + np.log1p(np.exp(-np.abs(Z))), dtype)


@gradient(softplus, "Z")
def _(g: Any, Z: Any) -> Any:
    return g * sigmoid(Z)


@samples(softplus)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((3, 4)))


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
    return rounded(Z * sigmoid(Z), dtype)


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
    return rounded(Z * tanh(softplus(Z)), dtype)


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
    if as_choice("gelu", "approximate", approximate, ("none", "tanh")) == "none":
        below = (erf(Z * 0.7071067811865476) + 1) * 0.5
    else:
        below = (tanh((Z + Z * Z * Z * 0.044715) * 0.7978845608028654) + 1) * 0.5
    return rounded(Z * below, dtype)


def hardswish(Z: ArrayLike) -> Array:
    """Swish of straight pieces: ``Z · min(max(Z + 3, 0), 6) / 6``.

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
    return rounded(Z * (np.clip(Z + 3, 0, 6) / 6), dtype)


@samples(leaky_relu)
@samples(elu)
@samples(silu)
@samples(mish)
@samples(hardswish)
def _(rng: Rng) -> Iterator[Call]:
    yield call(3 * rng.standard_normal((3, 5)))


@samples(gelu)
def _(rng: Rng) -> Iterator[Call]:
    yield call(3 * rng.standard_normal((3, 5)))
    yield call(3 * rng.standard_normal(4), "tanh")
