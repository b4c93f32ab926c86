"""Batch normalization: ``γ · (X − mean) / √(variance + ε) + β``, channel by channel.

In training mean and variance are the batch's own, and all of it is one op, ``batch_normalize``,
whose gradient is the textbook's: with ``x̂ = (X − mean) / √(variance + ε)`` it is
``γ / √(variance + ε) · (g − mean(g) − x̂ · mean(g · x̂))`` for X, ``Σ g · x̂`` for γ and ``Σ g``
for β. In evaluation mean and variance are given, and the formula is composed of ops.
``kernels/normalization.py`` computes large arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_number, rounded, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, sentence
from neural_network.functional.normalization.ops import (
    Axes,
    as_arguments,
    centred,
    check_channels,
    check_several,
    mean_and_centred,
    mean_over,
    mean_square,
    scale_and_shift,
)
from neural_network.functional.op import Call, Normal, call, gradient, op, sample_calls, samples
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.lifting import array_under, lift_hook
from neural_network.public import public


class Moments(NamedTuple):
    """Mean and variance of each channel of a batch, (C,) each, in float64 at least."""

    mean: Array
    variance: Array


@public
@explains_calls
@silent
def batch_norm(
    X: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    mean: ArrayLike | None = None,
    variance: ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
) -> Array:
    """Batch normalization: ``γ · (X − mean) / √(variance + ε) + β``, channel by channel.

    In training mean and variance are the batch's own, over all its rows and places,
    and gradients flow through them. In evaluation they are given.

    Args:
        X: (N, C), or (N, C, …) with spatial axes.
        gamma: (C,) the scale γ; left out, 1.
        beta: (C,) the shift β; left out, 0.
        mean: (C,) known means; together with ``variance``, or neither.
        variance: (C,) known variances; see ``batch_statistics``.
        epsilon: ε, above 0; keeps a constant channel from dividing by 0.

    Returns:
        The shape of ``X``, in the widest floating type of the arguments.

    Raises:
        DTypeError: an argument does not hold real numbers.
        ShapeError: ``X`` has less than two axes or is empty; another argument is not
            (C,); one row without places, whose variance is 0.
        ArgumentError: only one of mean and variance, a negative variance, an
            ``epsilon`` that is not above 0.

    Source: Ioffe and Szegedy, "Batch Normalization", arXiv 1502.03167, algorithms 1 and 2.

    >>> batch_norm([[1.0, 5.0], [3.0, 9.0]], gamma=[1, 10], beta=[0, 1]).round(3)
    array([[-1., -9.],
           [ 1., 11.]])
    >>> batch_norm([[7.0]], mean=[1.0], variance=[4.0]).round(3)
    array([[3.]])
    """
    function = "batch_norm"
    if (mean is None) != (variance is None):
        missing = "mean" if mean is None else "variance"
        raise ArgumentError(
            sentence(function, missing, "mean and variance, or neither", "one of them")
        )
    if mean is None:
        return batch_norm_and_moments(X, gamma, beta, epsilon)[0]
    X, arrays, dtype = as_arguments(
        function, X, gamma=gamma, beta=beta, mean=mean, variance=variance
    )
    eps = as_number(function, "epsilon", epsilon, above=0)
    check_channels(function, X, arrays)
    return rounded(normalize_by(X, arrays, eps), dtype)


def normalize_by(X: Any, arrays: dict[str, Any], epsilon: float) -> Any:
    """Return ``batch_norm`` with given moments.

    Args:
        X: (N, C, …).
        arrays: "mean", "variance" and perhaps "gamma" and "beta", (C,) each, in the type of X.
        epsilon: ε.

    Raises:
        ArgumentError: a negative variance.
    """
    if (array_under(arrays["variance"]) < 0).any():
        expected = "numbers from 0 up"
        raise ArgumentError(sentence("batch_norm", "variance", expected, "a negative one"))
    shape = (1, -1, *(1,) * (X.ndim - 2))
    # The mean is subtracted first: folding it into β would lose the digits of a large one.
    out = X - arrays["mean"].reshape(shape)
    scale = arrays.get("gamma", 1) / np.sqrt(arrays["variance"] + epsilon)
    return scale_and_shift(out, arrays | {"gamma": scale}, shape)


def batch_norm_and_moments(
    X: ArrayLike, gamma: ArrayLike | None, beta: ArrayLike | None, epsilon: float
) -> tuple[Array, Moments]:
    """Return ``batch_norm`` in training, and the batch's mean and variance."""
    function = "batch_norm"
    X, arrays, dtype = as_arguments(function, X, gamma=gamma, beta=beta)
    eps = as_number(function, "epsilon", epsilon, above=0)
    check_channels(function, X, arrays)
    check_several(function, X, X.size // X.shape[1])
    of_batch = moments(array_under(X))
    parameters = [
        arrays[name] if name in arrays else np.full(X.shape[1], value, X.dtype)
        for name, value in (("gamma", 1), ("beta", 0))
    ]
    return rounded(batch_normalize([X, *parameters], eps, of_batch), dtype), of_batch


@public
@explains_calls
@silent
def batch_statistics(X: ArrayLike) -> tuple[Array, Array]:
    """Mean and variance of each channel over the batch, as running averages need them.

    ``mean = Σ X / n``, ``variance = Σ (X − mean)² / n`` over the n numbers of a channel.

    Args:
        X: (N, C) or (N, C, …); of a tensor the numbers count, and no gradient is kept.

    Returns:
        (C,) means and (C,) variances (divided by n, not n − 1), plain arrays in the
        floating type of ``X``.

    Raises:
        DTypeError: not real numbers.
        ShapeError: less than two axes, or an empty array.

    Source: Ioffe and Szegedy, "Batch Normalization", arXiv 1502.03167, algorithm 1.

    >>> batch_statistics([[1.0, 5.0], [3.0, 9.0]])
    (array([2., 7.]), array([1., 4.]))
    """
    X, _, dtype = as_arguments("batch_statistics", array_under(X))
    check_channels("batch_statistics", X, {})
    found = moments(X)
    return rounded(found.mean, dtype), rounded(found.variance, dtype)


def moments(X: Array) -> Moments:
    """Return the moments of (N, C, …), a plain array.

    >>> moments(np.array([[1.0, 5.0], [3.0, 9.0]]))
    Moments(mean=array([2., 7.]), variance=array([1., 4.]))
    """
    if kernels := _kernels_for(X):
        return Moments(*kernels.moments(X))
    mean, left = mean_and_centred(X, _all_but_channels(X))
    variance = mean_square(left, _all_but_channels(X)).astype(mean.dtype, copy=False)
    return Moments(mean.ravel(), variance.ravel())


@op
@silent
def batch_normalize(arrays: Sequence[Any], epsilon: float, known: Moments | None = None) -> Array:
    """Return ``γ · (X − mean) / √(variance + ε) + β``, with the moments of each channel of X.

    Args:
        arrays: X, (N, C, …), and γ and β, (C,): one argument, because all three gradients
            are computed together.
        epsilon: ε.
        known: the moments of X, where they have been computed.
    """
    X, gamma, beta = arrays
    mean, variance = known or moments(X)
    scale = gamma / np.sqrt(variance + epsilon)
    if kernels := _kernels_for(X, gamma, beta):
        result: Array = kernels.normalize(X, mean, scale, beta.astype(np.float64))
        return result
    out = _less_mean(X, mean)
    out *= _per_channel(scale, X)
    out += _per_channel(beta, X)
    return out


@gradient(batch_normalize, "arrays")
def _(g: Any, arrays: Any, epsilon: float, known: Moments | None) -> Any:
    X, gamma, _beta = arrays
    axes = _all_but_channels(X)
    if lift_hook([g, X, gamma]):  # recorded, with mean and variance as functions of X
        left = centred(X, axes)
        inverse_std = 1 / np.sqrt(mean_over(axes, left, left) + epsilon)
    else:
        mean, variance = known or moments(X)
        inverse_std = 1 / np.sqrt(variance + epsilon)
        if kernels := _kernels_for(X, g, gamma):
            return list(kernels.normalize_gradients(g, X, mean, inverse_std, gamma))
        left, inverse_std = _less_mean(X, mean), _per_channel(inverse_std, X)
    x_hat = left * inverse_std
    mean_gx, mean_g = mean_over(axes, g, x_hat), mean_over(axes, g)
    for_X = (x_hat * -mean_gx + g - mean_g) * (inverse_std * gamma.reshape(inverse_std.shape))
    count = X.size // X.shape[1]
    return [for_X, mean_gx.reshape(-1) * count, mean_g.reshape(-1) * count]


def _all_but_channels(X: Any) -> Axes:
    """Return the axes of (N, C, …) other than that of the channels."""
    return (0, *range(2, X.ndim))


def _kernels_for(*arrays: Any) -> Any:
    """Return the module of compiled kernels if they are to compute with these arrays."""
    if not kernel_wanted("batch norm", arrays[0].size, *arrays):
        return None
    from neural_network.kernels import normalization

    return normalization


def _per_channel(values: Any, X: Any) -> Any:
    """Return (C,) values in the type of X, in a shape that broadcasts to it."""
    return values.astype(X.dtype, copy=False).reshape(-1, *(1,) * (X.ndim - 2))


def _less_mean(X: Array, mean: Array) -> Array:
    """Return ``X − mean``, also where the mean has more digits than the type of X."""
    rough = mean.astype(X.dtype)
    left: Array = X - _per_channel(rough, X)
    if rough.dtype != mean.dtype:
        left -= _per_channel(mean - rough, X)
    return left


@samples(batch_norm)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(rng.standard_normal((4, 3)))
    yield call(rng.standard_normal((2, 3, 2, 3)), *rng.standard_normal((2, 3)))
    mean, variance = rng.standard_normal(3), rng.uniform(0.5, 2, 3)
    yield call(rng.standard_normal((4, 3)), *rng.standard_normal((2, 3)), mean, variance)


sample_calls(
    batch_normalize,
    call([Normal((4, 3)), Normal(3), Normal(3)], 1e-5),
    call([Normal((2, 3, 2, 2)), Normal(3), Normal(3)], 0.1),
)
