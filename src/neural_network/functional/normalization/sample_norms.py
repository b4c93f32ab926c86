"""Layer, group and instance normalization: mean and variance of parts of a sample.

All three are ``γ · (X − mean) / √(variance + ε) + β`` and differ in the axes along which mean
and variance are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_count, as_number, check_shape, rounded, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import DTypeError, ShapeError, brief, sentence
from neural_network.functional.normalization.ops import (
    Axes,
    affine,
    as_arguments,
    centred,
    check_channels,
    check_several,
    mean_over,
    normalize_over,
    root_mean_square,
    scale_and_shift,
    sum_over,
)
from neural_network.functional.op import Kept, Normal, call, gradient, keeping, op, sample_calls
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.lifting import lift_hook
from neural_network.public import public


@public
@explains_calls
@silent
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
    X, arrays, dtype = as_arguments(function, X, gamma=gamma, beta=beta)
    eps = as_number(function, "epsilon", epsilon, above=0)
    chosen = _axes_of(function, X, axes)
    sizes = tuple(X.shape[axis] for axis in chosen)
    for name, value in arrays.items():
        check_shape(function, name, value, sizes)
    if chosen[0] == X.ndim - len(chosen) and arrays:
        parameters = [
            arrays[name] if name in arrays else np.full(sizes, value, X.dtype)
            for name, value in (("gamma", 1), ("beta", 0))
        ]
        return rounded(normalize_rows([X, *parameters], eps), dtype)
    shape = tuple(n if i in chosen else 1 for i, n in enumerate(X.shape))
    return rounded(scale_and_shift(normalize_over(X, chosen, eps), arrays, shape), dtype)


@op
@silent
def normalize_rows(arrays: Sequence[Any], epsilon: float) -> Array:
    """Return ``γ · (X − mean) / √(variance + ε) + β`` over the last axes of X, those of γ and β.

    Args:
        arrays: X, γ and β: one argument, because all three gradients are computed together.
        epsilon: ε.
    """
    return _normalized_rows(Kept(), arrays, epsilon)


@silent
def _normalized_rows(kept: Kept, arrays: Sequence[Any], epsilon: float) -> Array:
    """Compute ``normalize_rows``; keep what the gradients need, which kernels compute again."""
    X, gamma, beta = arrays
    if kernels := _kernels_for(X, gamma, beta):
        out: Array = kernels.normalize(X, gamma, beta, epsilon)
        return out
    kept.value = x_hat, _ = _x_hat_and_deviation(X, gamma.ndim, epsilon)
    return affine(x_hat, gamma, beta)


keeping(normalize_rows, _normalized_rows)


@gradient(normalize_rows, "arrays")
def _(g: Any, arrays: Any, epsilon: float, kept: Kept) -> list[Any]:
    X, gamma, _beta = arrays
    found = None
    if not lift_hook([g, *arrays]):
        if kept.value is None and (kernels := _kernels_for(X, gamma, g)):
            gradients: list[Any] = kernels.normalize_gradients(g, X, gamma, epsilon)
            return gradients
        found = kept.value
    x_hat, deviation = found or _x_hat_and_deviation(X, gamma.ndim, epsilon)
    last, others = _last_axes(X.ndim, gamma.ndim), tuple(range(X.ndim - gamma.ndim))
    for_x_hat = g * gamma
    for_X = x_hat * -mean_over(last, for_x_hat, x_hat) + for_x_hat - mean_over(last, for_x_hat)
    return [
        for_X / deviation,
        sum_over(others, g, x_hat).reshape(gamma.shape),
        sum_over(others, g).reshape(gamma.shape),
    ]


def _x_hat_and_deviation(X: Any, count: int, epsilon: float) -> tuple[Any, Any]:
    """Return ``(X − mean) / √(variance + ε)`` over so many last axes, and the root."""
    axes = _last_axes(X.ndim, count)
    left = centred(X, axes)
    deviation = root_mean_square(left, axes, epsilon)
    return left / deviation, deviation


def _last_axes(ndim: int, count: int) -> Axes:
    return tuple(range(ndim - count, ndim))


def _kernels_for(*arrays: Any) -> Any:
    """Return the module of compiled kernels if they are to compute with these arrays."""
    if not kernel_wanted("layer norm", arrays[0].size, *arrays):
        return None
    from neural_network.kernels import layer_norm as kernels

    return kernels


@public
@explains_calls
@silent
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
    X, arrays, dtype = as_arguments(function, X, gamma=gamma, beta=beta)
    count = as_count(function, "groups", groups)
    eps = as_number(function, "epsilon", epsilon, above=0)
    shape = check_channels(function, X, arrays)
    if X.shape[1] % count:
        raise ShapeError(
            sentence(function, "groups", f"a divisor of the {X.shape[1]} channels", count)
        )
    grouped = normalize_over(X.reshape((X.shape[0], count, -1)), (2,), eps)
    return rounded(scale_and_shift(grouped.reshape(X.shape), arrays, shape), dtype)


@public
@explains_calls
@silent
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
    X, arrays, dtype = as_arguments(function, X, gamma=gamma, beta=beta)
    eps = as_number(function, "epsilon", epsilon, above=0)
    shape = check_channels(function, X, arrays, spatial=1)
    check_several(function, X, prod(X.shape[2:]))
    return rounded(
        scale_and_shift(normalize_over(X, tuple(range(2, X.ndim)), eps), arrays, shape), dtype
    )


def _axes_of(function: str, X: Array, axes: object) -> Axes:
    """Return the axes as numbers from 0, in order."""
    named = axes if isinstance(axes, tuple | list) else (axes,)
    expected = f"different axes of the shape {X.shape}"
    if not named or not all(
        isinstance(a, int | np.integer) and not isinstance(a, bool) for a in named
    ):
        raise DTypeError(sentence(function, "axes", "an axis or a tuple of axes", brief(axes)))
    chosen = tuple(sorted(int(a) % X.ndim for a in named if -X.ndim <= a < X.ndim))
    if len(set(chosen)) != len(named):
        raise ShapeError(sentence(function, "axes", expected, brief(axes)))
    return chosen


sample_calls(
    instance_norm, call(Normal((2, 3, 5))), call(Normal((2, 3, 2, 3)), Normal(3), Normal(3))
)


sample_calls(
    layer_norm,
    call(Normal((3, 4)), Normal(4), Normal(4)),
    call(Normal((2, 3, 4)), Normal((2, 4)), axes=(0, 2)),
    call(Normal((3, 4)), None, Normal(4)),
)


sample_calls(
    normalize_rows,
    call([Normal((3, 4)), Normal(4), Normal(4)], 1e-5),
    call([Normal((2, 3, 4)), Normal((3, 4)), Normal((3, 4))], 0.1),
)


sample_calls(group_norm, call(Normal((2, 4, 3)), 2, Normal(4), Normal(4)), call(Normal((2, 6)), 1))
