"""Standardization along any axes: what batch, layer, group and instance norm share.

``(X − mean) / √(variance + ε)`` in two ops, each of few walks through memory: ``centred``
takes the mean away, ``over_root_mean_square`` divides by what is then the root of the
variance. What the second one keeps is all that the way back needs: no mean of ``X`` is
computed again. ``affine`` scales and shifts.

A batch's norm is one op, ``normalized``, over moments that are taken once: a layer keeps
them too. Its compiled twin (``kernels/normalization.py``) does large arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from string import ascii_lowercase
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from neural_network.checks import Array
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.kernels.runtime.layouts import plain
from neural_network.lifting import lift_hook

Rng: TypeAlias = "np.random.Generator"
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
    the rest away. The mean returned is the sum of both, in float64 at least.
    """
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):  # ∞ − ∞ is NaN, and says so
        mean = mean_over(axes, X)
        left = X - mean
        missed = mean_over(axes, left)
        left -= missed
        return np.add(mean, missed, dtype=np.result_type(mean, np.float64)), left


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
    return np.sqrt(_mean_square(X, axes) + epsilon).astype(X.dtype)


def _mean_square(X: Any, axes: Axes) -> Any:
    square = mean_over(axes, X, X)
    if np.any(np.isinf(square)):  # beyond 10¹⁹ squares leave float32, and all would become 0
        wide = X.astype(np.float64)
        square = mean_over(axes, wide, wide)
    return square


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


class Moments(NamedTuple):
    """Mean and variance of each channel of a batch, (C,) each, in float64 at least."""

    mean: Array
    variance: Array


def moments(X: Array) -> Moments:
    """Return those of (N, C, …), a plain array.

    >>> moments(np.array([[1.0, 5.0], [3.0, 9.0]]))
    Moments(mean=array([2., 7.]), variance=array([1., 4.]))
    """
    if bodies := _compiled(X):
        return Moments(*bodies.moments(X))
    axes = all_but_channels(X)
    mean, left = mean_and_rest(X, axes)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        variance = _mean_square(left, axes).astype(mean.dtype, copy=False)
    return Moments(mean.ravel(), variance.ravel())


def all_but_channels(X: Any) -> Axes:
    """Return the axes of (N, C, …) other than that of the channels."""
    return (0, *range(2, X.ndim))


@op
def normalized(arrays: Any, epsilon: float, known: Moments | None = None) -> Array:
    """Return ``γ · (X − mean) / √(variance + ε) + β``, with the moments of each channel of X.

    Args:
        arrays: X, (N, C, …), and γ and β, (C,). One argument, because one walk through
            memory finds the gradients of all three.
        epsilon: ε.
        known: the moments of X, where they are known already.
    """
    X, gamma, beta = arrays
    mean, variance = known or moments(X)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        scale = gamma / np.sqrt(variance + epsilon)
        if bodies := _compiled(X, gamma, beta):
            result: Array = bodies.normalize(X, mean, scale, beta.astype(np.float64))
            return result
        out = _less(X, mean)
        out *= _beside(scale, X)
        out += _beside(beta, X)
    return out


@gradient(normalized, "arrays")
def _(g: Any, arrays: Any, epsilon: float, known: Moments | None) -> Any:
    X, gamma, _beta = arrays
    axes = all_but_channels(X)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        if lift_hook([g, X, gamma]):  # to be differentiated again: mean and variance are X's
            left = centred(X, axes)
            over = 1 / np.sqrt(mean_over(axes, left, left) + epsilon)
        else:
            mean, variance = known or moments(X)
            root = 1 / np.sqrt(variance + epsilon)
            if bodies := _compiled(X, g, gamma):
                return list(bodies.normalize_gradients(g, X, mean, root, gamma))
            left, over = _less(X, mean), _beside(root, X)
        standard = left * over
        along, level = mean_over(axes, g, standard), mean_over(axes, g)
        for_X = (standard * -along + g - level) * (over * gamma.reshape(over.shape))
        count = X.size // X.shape[1]
        return [for_X, along.reshape(-1) * count, level.reshape(-1) * count]


def _compiled(*arrays: Any) -> Any:
    """Return the compiled bodies if they are to do this."""
    if not plain(*arrays) or not kernel_wanted("batch norm", arrays[0].size):
        return None
    from neural_network.kernels import normalization

    return normalization


def _beside(numbers: Any, X: Any) -> Any:
    """Return one number for each channel, in the type and of the dimensions of X."""
    return numbers.astype(X.dtype, copy=False).reshape(-1, *(1,) * (X.ndim - 2))


def _less(X: Array, mean: Array) -> Array:
    """Return ``X − mean``, whose digits may be more than the type of X can hold."""
    rough = mean.astype(X.dtype)
    left: Array = X - _beside(rough, X)
    if rough.dtype != mean.dtype:
        left -= _beside(mean - rough, X)
    return left


@samples(normalized)
def _(rng: Rng) -> Iterator[Call]:
    yield call([rng.standard_normal((4, 3)), *rng.standard_normal((2, 3))], 1e-5)
    yield call([rng.standard_normal((2, 3, 2, 2)), *rng.standard_normal((2, 3))], 0.1)
