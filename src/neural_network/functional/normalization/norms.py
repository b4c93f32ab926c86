"""The norms of layers: over a batch, a layer, a group or an instance.

The four are one formula, ``γ · (X − mean) / √(variance + ε) + β``, and differ only in the
axes along which mean and variance are taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_count,
    as_floating,
    as_number,
    check_not_empty,
    check_shape,
    rounded,
)
from neural_network.errors import ArgumentError, DTypeError, ShapeError, sentence
from neural_network.functional.normalization.ops import (
    Axes,
    Moments,
    affine,
    moments,
    normalized,
    standardize,
)
from neural_network.functional.op import Call, call, samples
from neural_network.lifting import lift_hook

Rng: TypeAlias = "np.random.Generator"


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
            (C,); one row without places, whose variance says nothing.
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
    X, given, dtype = _arguments(function, X, gamma=gamma, beta=beta, mean=mean, variance=variance)
    eps = as_number(function, "epsilon", epsilon, above=0)
    shape = _check_channels(function, X, given)
    spread = given["variance"]
    if np.any(np.less(spread, 0)):
        raise ArgumentError(sentence(function, "variance", "numbers from 0 up", "a negative one"))
    # Taken away first: folding the mean into β would cost the digits of a large one.
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        out = X - given["mean"].reshape(shape)
        scale = given.pop("gamma", 1) / np.sqrt(spread + eps)
        return rounded(_scaled(out, given | {"gamma": scale}, shape), dtype)


def batch_norm_and_moments(
    X: ArrayLike, gamma: ArrayLike | None, beta: ArrayLike | None, epsilon: float
) -> tuple[Array, Moments]:
    """Return ``batch_norm`` in training, and the batch's mean and variance it found."""
    function = "batch_norm"
    X, given, dtype = _arguments(function, X, gamma=gamma, beta=beta)
    eps = as_number(function, "epsilon", epsilon, above=0)
    _check_channels(function, X, given)
    _check_several(function, X, X.size // X.shape[1])
    found = moments(_numbers(X))
    numbers = [
        given[name] if name in given else np.full(X.shape[1], value, X.dtype)
        for name, value in (("gamma", 1), ("beta", 0))
    ]
    return rounded(normalized([X, *numbers], eps, found), dtype), found


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
    X, _, dtype = _arguments("batch_statistics", _numbers(X))
    _check_channels("batch_statistics", X, {})
    with np.errstate(over="ignore"):
        mean, variance = (rounded(moment, dtype) for moment in moments(X))
    return mean, variance


def _numbers(X: Any) -> Any:
    """Return the array under a tensor, or what is no tensor as it is."""
    return X.data if lift_hook([X]) else X


def layer_norm(
    X: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    axes: int | tuple[int, ...] = -1,
    epsilon: float = 1e-5,
) -> Array:
    """Layer normalization: ``γ · (X − mean) / √(variance + ε) + β`` over each sample's features.

    Args:
        X: any shape with at least one axis.
        gamma: the scale γ, of the sizes of ``X`` along ``axes`` (in their order in ``X``).
        beta: the shift β, of the same shape.
        axes: where the features are: the last axis, or a tuple of axes.
        epsilon: ε, above 0.

    Returns:
        The shape of ``X``, in the widest floating type of the arguments.

    Raises:
        DTypeError: not real numbers, axes that are no whole numbers.
        ShapeError: an empty ``X``; axes that it does not have, or named twice; another
            shape of ``gamma`` or ``beta``.
        ArgumentError: an ``epsilon`` that is not above 0.

    Source: Ba, Kiros and Hinton, "Layer Normalization", arXiv 1607.06450.

    >>> layer_norm([[1.0, 3.0], [10.0, 30.0]]).round(3)
    array([[-1.,  1.],
           [-1.,  1.]])
    """
    function = "layer_norm"
    X, given, dtype = _arguments(function, X, gamma=gamma, beta=beta)
    eps = as_number(function, "epsilon", epsilon, above=0)
    chosen = _axes_of(function, X, axes)
    sizes = tuple(X.shape[axis] for axis in chosen)
    for name, value in given.items():
        check_shape(function, name, value, sizes)
    shape = tuple(n if i in chosen else 1 for i, n in enumerate(X.shape))
    return rounded(_scaled(standardize(X, chosen, eps), given, shape), dtype)


def group_norm(
    X: ArrayLike,
    groups: int,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
) -> Array:
    """Group normalization: ``γ · (X − mean) / √(variance + ε) + β`` over groups of channels.

    Mean and variance are those of a sample's C / groups neighbouring channels.

    Args:
        X: (N, C) or (N, C, …).
        groups: how many; divides C. 1 takes all channels together.
        gamma: (C,) the scale γ.
        beta: (C,) the shift β.
        epsilon: ε, above 0.

    Returns:
        The shape of ``X``, in the widest floating type of the arguments.

    Raises:
        DTypeError: not real numbers, ``groups`` that is no whole number.
        ShapeError: less than two axes, an empty ``X``, ``groups`` that does not divide
            C; ``gamma`` or ``beta`` that is not (C,).
        ArgumentError: ``groups`` below 1, an ``epsilon`` that is not above 0.

    Source: Wu and He, "Group Normalization", arXiv 1803.08494.

    >>> group_norm([[1.0, 3.0, 10.0, 30.0]], 2).round(3)
    array([[-1.,  1., -1.,  1.]])
    """
    function = "group_norm"
    X, given, dtype = _arguments(function, X, gamma=gamma, beta=beta)
    count = as_count(function, "groups", groups)
    eps = as_number(function, "epsilon", epsilon, above=0)
    shape = _check_channels(function, X, given)
    if X.shape[1] % count:
        raise ShapeError(
            sentence(function, "groups", f"a divisor of the {X.shape[1]} channels", count)
        )
    grouped = standardize(X.reshape((X.shape[0], count, -1)), (2,), eps)
    return rounded(_scaled(grouped.reshape(X.shape), given, shape), dtype)


def instance_norm(
    X: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    *,
    epsilon: float = 1e-5,
) -> Array:
    """Instance normalization: ``γ · (X − mean) / √(variance + ε) + β`` over a channel's places.

    Args:
        X: (N, C, …), at least one spatial axis and more than one place.
        gamma: (C,) the scale γ.
        beta: (C,) the shift β.
        epsilon: ε, above 0.

    Returns:
        The shape of ``X``, in the widest floating type of the arguments.

    Raises:
        DTypeError: not real numbers.
        ShapeError: no spatial axis, an empty ``X``, a single place; ``gamma`` or
            ``beta`` that is not (C,).
        ArgumentError: an ``epsilon`` that is not above 0.

    Source: Ulyanov, Vedaldi and Lempitsky, "Instance Normalization", arXiv 1607.08022.

    >>> instance_norm([[[1.0, 3.0], [10.0, 30.0]]]).round(3)
    array([[[-1.,  1.],
            [-1.,  1.]]])
    """
    function = "instance_norm"
    X, given, dtype = _arguments(function, X, gamma=gamma, beta=beta)
    eps = as_number(function, "epsilon", epsilon, above=0)
    shape = _check_channels(function, X, given, spatial=1)
    _check_several(function, X, prod(X.shape[2:]))
    return rounded(_scaled(standardize(X, tuple(range(2, X.ndim)), eps), given, shape), dtype)


def _arguments(
    function: str, X: ArrayLike, **others: ArrayLike | None
) -> tuple[Array, dict[str, Any], np.dtype[Any]]:
    """Return X, those of the others that were given, and the type of the result."""
    values = {name: value for name, value in others.items() if value is not None}
    (first, *rest), dtype = as_floating(function, X=X, **values)
    check_not_empty(function, "X", first)
    return first, dict(zip(values, rest, strict=True)), dtype


def _check_channels(
    function: str, X: Array, given: dict[str, Any], spatial: int = 0
) -> tuple[int, ...]:
    """Check that each argument has a number for each channel; return their shape beside X."""
    if X.ndim < 2 + spatial:
        expected = "(N, C, …) with spatial axes" if spatial else "(N, C) or (N, C, …)"
        raise ShapeError(sentence(function, "X", expected, f"shape {X.shape}"))
    for name, value in given.items():
        check_shape(function, name, value, (X.shape[1],))
    return (1, X.shape[1], *(1,) * (X.ndim - 2))


def _check_several(function: str, X: Array, count: int) -> None:
    """Raise where a single number would be its own mean, and the result always 0."""
    if count == 1:
        raise ShapeError(
            sentence(function, "X", "more than one value per channel", f"shape {X.shape}")
        )


def _scaled(X: Any, given: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """Return γ · X + β, with what was given of the two."""
    gamma, beta = (
        given[name].reshape(shape) if name in given else None for name in ("gamma", "beta")
    )
    if gamma is None:
        return X if beta is None else X + beta
    return X * gamma if beta is None else affine(X, gamma, beta)


def _axes_of(function: str, X: Array, axes: object) -> Axes:
    """Return the axes as numbers from 0, in order."""
    named = axes if isinstance(axes, tuple | list) else (axes,)
    expected = f"different axes of the shape {X.shape}"
    if not named or not all(
        isinstance(a, int | np.integer) and not isinstance(a, bool) for a in named
    ):
        raise DTypeError(sentence(function, "axes", "an axis or a tuple of axes", repr(axes)))
    chosen = tuple(sorted(int(a) % X.ndim for a in named if -X.ndim <= a < X.ndim))
    if len(set(chosen)) != len(named):
        raise ShapeError(sentence(function, "axes", expected, repr(axes)))
    return chosen


@samples(instance_norm)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((2, 3, 5)))
    yield call(rng.standard_normal((2, 3, 2, 3)), *rng.standard_normal((2, 3)))


@samples(batch_norm)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((4, 3)))
    yield call(rng.standard_normal((2, 3, 2, 3)), *rng.standard_normal((2, 3)))
    mean, variance = rng.standard_normal(3), rng.uniform(0.5, 2, 3)
    yield call(rng.standard_normal((4, 3)), *rng.standard_normal((2, 3)), mean, variance)


@samples(layer_norm)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((3, 4)), *rng.standard_normal((2, 4)))
    yield call(rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 4)), axes=(0, 2))
    yield call(rng.standard_normal((3, 4)), None, rng.standard_normal(4))


@samples(group_norm)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((2, 4, 3)), 2, *rng.standard_normal((2, 4)))
    yield call(rng.standard_normal((2, 6)), 1)
