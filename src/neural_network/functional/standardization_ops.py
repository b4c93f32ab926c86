"""Standardization along any axes: what batch, layer, group and instance norm share.

``(X − mean) / √(variance + ε)`` in two ops, each of few walks through memory: ``centred``
takes the mean away, ``over_root_mean_square`` divides by what is then the root of the
variance. What the second one keeps is all that the way back needs: no mean of ``X`` is
computed again. ``affine`` scales and shifts.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from string import ascii_lowercase
from typing import Any

import numpy as np

from neural_network.functional.checks import Array
from neural_network.functional.op import Call, call, gradient, op, samples

Rng = np.random.Generator
Axes = tuple[int, ...]


def sum_over(axes: Axes, *factors: Any) -> Any:
    """Return the sum of the factors' product along axes, which stay with size 1.

    The products are summed as they are made: no array of them is written to memory.

    >>> sum_over((1,), np.array([[1.0, 2.0]]), np.array([[4.0, 6.0]]))
    array([[16.]])
    """
    shape = factors[0].shape
    letters = ascii_lowercase[: len(shape)]
    kept = "".join(letter for axis, letter in enumerate(letters) if axis not in axes)
    total = np.einsum(f"{','.join([letters] * len(factors))}->{kept}", *factors)
    return total.reshape(tuple(1 if i in axes else n for i, n in enumerate(shape)))


def mean_over(axes: Axes, *factors: Any) -> Any:
    """Return the mean of the factors' product along axes, which stay with size 1."""
    return sum_over(axes, *factors) / prod(factors[0].shape[axis] for axis in axes)


def mean_and_rest(X: Any, axes: Axes) -> tuple[Any, Any]:
    """Return the mean along axes, and ``X − mean``.

    Rounding leaves a little of a large mean (in float32, a sum of many numbers near
    10⁴ may miss by 1). What is left is small, so its own mean is exact enough to take
    the rest away.
    """
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):  # ∞ − ∞ is NaN, and says so
        mean = mean_over(axes, X)
        left = X - mean
        missed = mean_over(axes, left)
        left -= missed
        return mean + missed, left


@op
def centred(X: Any, axes: Axes) -> Array:
    """Return ``X − mean`` along axes."""
    _, left = mean_and_rest(X, axes)
    out: Array = left
    return out


@gradient(centred, "X")
def _(g: Any, axes: Axes) -> Any:
    return g - mean_over(axes, g)


@op
def over_root_mean_square(X: Any, axes: Axes, epsilon: float) -> Array:
    """Return ``X / √(mean(X²) + ε)`` along axes."""
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        out: Array = X / _root_mean_square(X, axes, epsilon)
    return out


@gradient(over_root_mean_square, "X")
def _(g: Any, X: Any, out: Any, axes: Axes, epsilon: float) -> Any:
    # Every number raises the root: what that takes away is the part of g along the result.
    # Begun with the product, whose memory NumPy takes for the sum.
    return (out * -mean_over(axes, g, out) + g) / _root_mean_square(X, axes, epsilon)


def _root_mean_square(X: Any, axes: Axes, epsilon: float) -> Any:
    square = mean_over(axes, X, X)
    if np.any(np.isinf(square)):  # beyond 10¹⁹ squares leave float32, and all would become 0
        wide = X.astype(np.float64)
        square = mean_over(axes, wide, wide)
    return np.sqrt(square + epsilon).astype(X.dtype)


@op
def affine(X: Any, gamma: Any, beta: Any) -> Array:
    """Return ``γ · X + β``, both of size 1 along the axes that share a number."""
    out: Array = X * gamma
    out += beta
    return out


@gradient(affine, "X")
def _(g: Any, gamma: Any) -> Any:
    return g * gamma


@gradient(affine, "gamma")
def _(g: Any, X: Any, gamma_shape: Any) -> Any:
    return sum_over(_ones(gamma_shape), g, X)


@gradient(affine, "beta")
def _(g: Any, beta_shape: Any) -> Any:
    return sum_over(_ones(beta_shape), g)


def _ones(shape: tuple[int, ...]) -> Axes:
    return tuple(axis for axis, n in enumerate(shape) if n == 1)


@samples(affine)
def _(rng: Rng) -> Iterator[Call]:
    draw = rng.standard_normal
    yield call(draw((4, 3)), draw((1, 3)), draw((1, 3)))
    yield call(draw((2, 3, 1, 2)), draw((1, 3, 1, 1)), draw((1, 3, 1, 1)))


@samples(centred)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((4, 3)), (0,))
    yield call(rng.standard_normal((2, 3, 4)), (0, 2))


@samples(over_root_mean_square)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((4, 3)), (0,), 1e-5)
    yield call(rng.standard_normal((2, 3, 2, 2)), (0, 2, 3), 0.1)


def standardize(X: Any, axes: Axes, epsilon: float) -> Array:
    """Return ``(X − mean) / √(variance + ε)`` along axes, the variance divided by n.

    Its gradient is ``(g − mean(g) − out · mean(g · out)) / √(variance + ε)``.

    >>> standardize(np.array([[1.0, 3.0]]), (1,), 0.0)
    array([[-1.,  1.]])
    """
    return over_root_mean_square(centred(X, axes), axes, epsilon)
