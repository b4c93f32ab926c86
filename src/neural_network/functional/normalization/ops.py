"""What the normalizations share: mean and variance along axes, scale and shift, argument checks.

``(X − mean) / √(variance + ε)`` is computed by two ops that each read memory a few times only:
``centred`` subtracts the mean, ``over_root_mean_square`` divides by what is then the standard
deviation. The result of the second is all that the backward pass needs. ``affine`` scales and
shifts.
"""

from __future__ import annotations

from math import prod
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_floating, check_not_empty, check_shape
from neural_network.errors import ShapeError, sentence
from neural_network.functional.op import Normal, call, gradient, op, sample_calls

Axes = tuple[int, ...]


def sum_over(axes: Axes, *factors: Any) -> Any:
    """Return the sum of the factors' product along axes, which stay with size 1.

    The products are summed at once, without an array of them.

    >>> sum_over((1,), np.array([[1.0, 2.0]]), np.array([[4.0, 6.0]]))
    array([[16.]])
    """
    shape = factors[0].shape
    letters = ascii_letters[: len(shape)]
    kept = "".join(letter for axis, letter in enumerate(letters) if axis not in axes)
    total = np.einsum(f"{','.join([letters] * len(factors))}->{kept}", *factors)
    return total.reshape(tuple(1 if i in axes else n for i, n in enumerate(shape)))


def mean_over(axes: Axes, *factors: Any) -> Any:
    """Return the mean of the factors' product along axes, which stay with size 1."""
    return sum_over(axes, *factors) / prod(factors[0].shape[axis] for axis in axes)


def mean_and_centred(X: Any, axes: Axes) -> tuple[Any, Any]:
    """Return the mean along axes, and ``X − mean``.

    The sum of many large numbers is rounded (in float32, of numbers near 10⁴, by about 1), so
    the difference has a mean of its own. That is small and exact enough to be subtracted. The
    mean returned is the sum of both, in float64 at least.
    """
    mean = mean_over(axes, X)
    left = X - mean
    missed = mean_over(axes, left)
    left -= missed
    return np.add(mean, missed, dtype=np.result_type(mean, np.float64)), left


@op
def centred(X: Any, axes: Axes) -> Array:
    """Return ``X − mean`` along axes."""
    _, left = mean_and_centred(X, axes)
    out: Array = left
    return out


gradient(centred, "X")(lambda g, axes: g - mean_over(axes, g))


@op
def over_root_mean_square(X: Any, axes: Axes, epsilon: float) -> Array:
    """Return ``X / √(mean(X²) + ε)`` along axes."""
    out: Array = X / root_mean_square(X, axes, epsilon)
    return out


@gradient(over_root_mean_square, "X")
def _(g: Any, X: Any, out: Any, axes: Axes, epsilon: float) -> Any:
    # Every element raises the root, which removes the part of g along the result. The product
    # comes first, so that NumPy reuses its memory for the sum.
    return (out * -mean_over(axes, g, out) + g) / root_mean_square(X, axes, epsilon)


def root_mean_square(X: Any, axes: Axes, epsilon: float) -> Any:
    """Return ``√(mean(X²) + ε)`` along axes, in the type of X."""
    return np.sqrt(mean_square(X, axes) + epsilon).astype(X.dtype)


def mean_square(X: Any, axes: Axes) -> Any:
    """Return ``mean(X²)`` along axes."""
    square = mean_over(axes, X, X)
    if np.any(np.isinf(square)):  # squares of numbers beyond 10¹⁹ overflow float32
        wide = X.astype(np.float64)
        square = mean_over(axes, wide, wide)
    return square


@op
def affine(X: Any, gamma: Any, beta: Any) -> Array:
    """Return ``γ · X + β``, both of size 1 along the axes that share a value."""
    out: Array = X * gamma
    out += beta
    return out


gradient(affine, "X")(lambda g, gamma: g * gamma)
gradient(affine, "gamma")(lambda g, X, gamma_shape: sum_over(_ones(gamma_shape), g, X))
gradient(affine, "beta")(lambda g, beta_shape: sum_over(_ones(beta_shape), g))


def _ones(shape: tuple[int, ...]) -> Axes:
    return tuple(axis for axis, n in enumerate(shape) if n == 1)


sample_calls(
    affine,
    call(Normal((4, 3)), Normal((1, 3)), Normal((1, 3))),
    call(Normal((2, 3, 1, 2)), Normal((1, 3, 1, 1)), Normal((1, 3, 1, 1))),
)


sample_calls(centred, call(Normal((4, 3)), (0,)), call(Normal((2, 3, 4)), (0, 2)))


sample_calls(
    over_root_mean_square,
    call(Normal((4, 3)), (0,), 1e-5),
    call(Normal((2, 3, 2, 2)), (0, 2, 3), 0.1),
)


def normalize_over(X: Any, axes: Axes, epsilon: float) -> Array:
    """Return ``(X − mean) / √(variance + ε)`` along axes, the variance divided by n.

    Its gradient is ``(g − mean(g) − out · mean(g · out)) / √(variance + ε)``.

    >>> normalize_over(np.array([[1.0, 3.0]]), (1,), 0.0)
    array([[-1.,  1.]])
    """
    return over_root_mean_square(centred(X, axes), axes, epsilon)


def scale_and_shift(X: Any, arrays: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """Return ``γ · X + β``, with those of the two that were given."""
    gamma, beta = [
        arrays[name].reshape(shape) if name in arrays else None for name in ("gamma", "beta")
    ]
    if gamma is None:
        return X if beta is None else X + beta
    return X * gamma if beta is None else affine(X, gamma, beta)


def as_arguments(
    function: str, X: ArrayLike, **others: ArrayLike | None
) -> tuple[Array, dict[str, Any], np.dtype[Any]]:
    """Return X, those of the others that were given, and the type of the result."""
    values = {name: value for name, value in others.items() if value is not None}
    (first, *rest), dtype = as_floating(function, X=X, **values)
    check_not_empty(function, "X", first)
    if first.ndim > len(ascii_letters):  # of sums, each axis has a letter
        expected = f"at most {len(ascii_letters)} axes"
        raise ShapeError(sentence(function, "X", expected, f"{first.ndim} of them"))
    return first, dict(zip(values, rest, strict=True)), dtype


def check_channels(
    function: str, X: Array, arrays: dict[str, Any], spatial: int = 0
) -> tuple[int, ...]:
    """Check that each argument is (C,); return a shape of it that broadcasts to X."""
    if X.ndim < 2 + spatial:
        expected = "(N, C, …) with spatial axes" if spatial else "(N, C) or (N, C, …)"
        raise ShapeError(sentence(function, "X", expected, f"shape {X.shape}"))
    for name, value in arrays.items():
        check_shape(function, name, value, (X.shape[1],))
    return (1, X.shape[1], *(1,) * (X.ndim - 2))


def check_several(function: str, X: Array, count: int) -> None:
    """Raise where a single value is its own mean, so that the result is always 0."""
    if count == 1:
        raise ShapeError(
            sentence(function, "X", "more than one value per channel", f"shape {X.shape}")
        )
