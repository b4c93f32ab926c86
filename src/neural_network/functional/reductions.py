"""Reductions along axes: sum, product, mean, deviation, maximum, minimum, logsumexp."""

from __future__ import annotations

import math
from collections.abc import Iterator
from operator import index as as_index
from typing import Any

import numpy as np

from neural_network.checks import Array, as_number
from neural_network.errors import DTypeError, sentence
from neural_network.functional.elementwise import widened
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.lifting import LISTS, array_under
from neural_network.public import public

# NumPy's stubs differ between releases in the types of axis and keepdims.
_np: Any = np
Axis = int | tuple[int, ...] | None


def normal_axis(axis: int, ndim: int) -> int:
    """Return the axis counted from 0.

    Raises:
        AxisError: there is no such axis.

    >>> normal_axis(-1, 3)
    2
    """
    number = as_index(axis)
    if not -ndim <= number < ndim:
        raise np.exceptions.AxisError(number, ndim)
    return number % ndim


def normal_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the axes as a tuple of numbers from 0.

    Raises:
        AxisError: there is no such axis.

    >>> normal_axes(-1, 3), normal_axes(None, 2)
    ((2,), (0, 1))
    """
    if axis is None:
        return tuple(range(ndim))
    alone = isinstance(axis, int) or (not isinstance(axis, LISTS) and np.ndim(axis) == 0)
    axes: Any = (axis,) if alone else axis
    return tuple([normal_axis(a, ndim) for a in axes])


def _reduced(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the axes of a reduction that NumPy has computed: of a number it takes 0 and −1."""
    return normal_axes(axis, ndim) if ndim else ()


def _count(axis: Axis, shape: tuple[int, ...]) -> int:
    """Return how many numbers become one."""
    return math.prod(shape[a] for a in _reduced(axis, len(shape)))


def spread(g: Array, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Array:
    """Broadcast the gradient of a reduction's result to the shape of its argument."""
    if not keepdims:
        axes = _reduced(axis, len(shape))
        g = g.reshape(tuple(1 if i in axes else n for i, n in enumerate(shape)))
    return np.broadcast_to(g, shape)


def _kept(function: str, X: Any, dtype: Any) -> Any:
    """Return the type to compute in; one that loses imaginary parts is refused."""
    if dtype is not None and np.dtype(dtype).kind != "c" and np.iscomplexobj(X):
        expected = "a complex type for complex numbers"
        raise DTypeError(sentence(function, "dtype", expected, str(np.dtype(dtype))))
    return dtype


@public(top_level=False)
@op
def sum(X: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """Return the sum along axes."""
    dtype = _kept("sum", X, dtype)
    return np.asarray(_np.sum(X, axis=axis, keepdims=keepdims, dtype=dtype))


gradient(sum, "X")(lambda g, X_shape, axis, keepdims: spread(g, X_shape, axis, keepdims))


@public(top_level=False)
@op
def mean(X: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """Return the mean along axes."""
    dtype = _kept("mean", X, dtype)
    return np.asarray(_np.mean(X, axis=axis, keepdims=keepdims, dtype=dtype))


@gradient(mean, "X")
def _(g: Any, X_shape: Any, axis: Axis, keepdims: bool) -> Any:
    count = _count(axis, X_shape) or 1  # without numbers there are no gradients
    return spread(widened(g) / count, X_shape, axis, keepdims)


@public(top_level=False)
@op
def var(
    X: Any, axis: Axis = None, keepdims: bool = False, ddof: float = 0, dtype: Any = None
) -> Array:
    """Return the variance along axes: squared differences from the mean, summed, over n − ddof."""
    dtype, ddof = _kept("var", X, dtype), as_number("var", "ddof", ddof)
    return np.asarray(_np.var(X, axis=axis, keepdims=keepdims, ddof=ddof, dtype=dtype))


def _over_count(axis: Axis, shape: tuple[int, ...], ddof: float) -> float:
    """Return 1/(n − ddof), infinity where NumPy divides by 0."""
    count = _count(axis, shape) - ddof
    return 1 / count if count > 0 else math.inf


@gradient(var, "X")
def _(g: Any, X: Any, axis: Axis, keepdims: bool, ddof: float) -> Any:
    # The mean depends on X too, but its part of the gradient is 0: the differences sum to 0.
    X = widened(X)
    centred = X - np.mean(X, axis=axis, keepdims=True)
    return (
        spread(widened(g), X.shape, axis, keepdims)
        * (2 * _over_count(axis, X.shape, ddof))
        * centred
    )


@op
def std(
    X: Any, axis: Axis = None, keepdims: bool = False, ddof: float = 0, dtype: Any = None
) -> Array:
    """Return the standard deviation along axes; the gradient is 0 where it is 0."""
    dtype, ddof = _kept("std", X, dtype), as_number("std", "ddof", ddof)
    return np.asarray(_np.std(X, axis=axis, keepdims=keepdims, ddof=ddof, dtype=dtype))


@gradient(std, "X")
def _(g: Any, X: Any, out: Any, axis: Axis, keepdims: bool, ddof: float) -> Any:
    X = widened(X)
    centred = X - np.mean(X, axis=axis, keepdims=True)
    shares = widened(g) * _over_count(axis, X.shape, ddof) / np.where(np.equal(out, 0), 1, out)
    return spread(shares, X.shape, axis, keepdims) * centred


@public(top_level=False)
@op
def max(X: Any, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the largest number along axes; equal ones share the gradient."""
    return np.asarray(_np.max(X, axis=axis, keepdims=keepdims))


@public(top_level=False)
@op
def min(X: Any, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the smallest number along axes; equal ones share the gradient."""
    return np.asarray(_np.min(X, axis=axis, keepdims=keepdims))


def _extreme_gradient(g: Any, X: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    g, chosen = widened(g), np.equal(X, spread(out, X.shape, axis, keepdims))
    count = np.sum(chosen, axis=axis, keepdims=True, dtype=g.dtype)
    if not count.all():  # nothing equals NaN
        chosen |= np.isnan(X) & np.equal(count, 0)
        count = np.sum(chosen, axis=axis, keepdims=True, dtype=g.dtype)
    return spread(g, X.shape, axis, keepdims) * (chosen / count)


gradient(max, "X")(_extreme_gradient)
gradient(min, "X")(_extreme_gradient)


# --- products -------------------------------------------------------------------------


@op
def prod(X: Any, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Array:
    """Return the product along axes."""
    dtype = _kept("prod", X, dtype)
    return np.asarray(_np.prod(X, axis=axis, keepdims=keepdims, dtype=dtype))


@gradient(prod, "X")
def _(g: Any, X: Any, axis: Axis, keepdims: bool) -> Any:
    axes = _reduced(axis, X.ndim)
    order = [a for a in range(X.ndim) if a not in axes] + list(axes)
    moved = X.transpose(order)
    kept = moved.shape[: X.ndim - len(axes)]
    flat = moved.reshape((*kept, _count(axis, X.shape)))
    others = _products_of_others(flat).reshape(moved.shape).transpose(np.argsort(order))
    return spread(g, X.shape, axis, keepdims) * others


def _products_of_others(X: Any) -> Any:
    """Return for each number along the last axis the product of the others.

    Products of pairs, of pairs of pairs, and so on; then back, where a pair's others are its
    parent's others and its sibling. There is no division, so zeros do no harm.
    """
    levels = [X]
    while levels[-1].shape[-1] > 1:
        level = levels[-1]
        if level.shape[-1] % 2:
            level = np.concatenate([level, np.ones((*level.shape[:-1], 1), level.dtype)], axis=-1)
            levels[-1] = level
        levels.append(level[..., 0::2] * level[..., 1::2])
    others: Any = np.ones(levels[-1].shape, X.dtype)
    for level in reversed(levels[:-1]):
        others = others[..., : level.shape[-1] // 2]
        pairs = [others * level[..., 1::2], others * level[..., 0::2]]
        others = np.stack(pairs, axis=-1).reshape(level.shape)
    return others[..., : X.shape[-1]]


@op
def cumsum(X: Any, axis: int | None = None, dtype: Any = None) -> Array:
    """Return the sums of the first numbers along an axis, or of all in one row."""
    return np.cumsum(X, axis=axis, dtype=_kept("cumsum", X, dtype))


@gradient(cumsum, "X")
def _(g: Any, X_shape: Any, axis: int | None) -> Any:
    along = axis if axis is not None and X_shape else 0
    back = _backwards(g.ndim, along)
    return np.cumsum(g[back], axis=along)[back].reshape(X_shape)


def _backwards(ndim: int, axis: int) -> tuple[Any, ...]:
    """Return the key that turns an axis round."""
    key = [slice(None)] * ndim
    key[axis] = slice(None, None, -1)
    return tuple(key)


@op
def cumprod(X: Any, axis: int | None = None, dtype: Any = None) -> Array:
    """Return the products of the first numbers along an axis, or of all in one row."""
    return np.cumprod(X, axis=axis, dtype=_kept("cumprod", X, dtype))


@gradient(cumprod, "X")
def _(g: Any, X: Any, out: Any, axis: int | None) -> Any:
    if axis is None or X.ndim == 0:
        return _cumprod_gradient(g, X.reshape(-1), out).reshape(X.shape)
    g, moved, out = (np.moveaxis(array, axis, -1) for array in (g, X, out))
    return np.moveaxis(_cumprod_gradient(g, moved, out), -1, axis)


def _cumprod_gradient(g: Any, X: Any, out: Any) -> Any:
    """Return the gradient of the products along the last axis.

    Each number is a factor of its own product and of all later ones: its gradient is the product
    of those before it, times s, where ``s[i] = g[i] + X[i+1] · s[i+1]``. After round k,
    ``sums`` has the terms of 2ᵏ numbers and ``factors`` the product of as many, so there are log₂ n
    rounds, and no division by numbers that may be 0.
    """
    edge = np.ones((*X.shape[:-1], 1), out.dtype)
    before = np.concatenate([edge, out], axis=-1)[..., :-1]
    factors, sums, step = X[..., 1:], g, 1
    while step < X.shape[-1]:
        longer = sums[..., :-step] + factors * sums[..., step:]
        sums = np.concatenate([longer, sums[..., -step:]], axis=-1)
        factors = factors[..., :-step] * factors[..., step:]
        step *= 2
    return before * sums


# --- the logarithm of a sum -----------------------------------------------------------


@public(top_level=False)
@op
def logsumexp(X: Any, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return ``log Σ exp(X)`` along axes, without overflow: the largest number is subtracted first.

    >>> logsumexp(np.array([1000.0, 1000.0]))
    array(1000.69314718)
    """
    X = np.asanyarray(X)
    if X.dtype.kind in "iub":  # whose differences overflow
        X = X.astype(np.float64)
    largest = np.max(X, axis=axis, keepdims=True)
    # A row of −∞ has the sum 0; subtracting −∞ from −∞ would give NaN.
    safe = np.where(np.isfinite(largest), largest, 0)
    with np.errstate(under="ignore", divide="ignore"):
        out: Any = np.log(np.sum(np.exp(X - safe), axis=axis, keepdims=True)) + safe
    # Of single numbers: it removes the axes where NumPy would.
    return np.asarray(out.max(axis=axis, keepdims=keepdims))


@gradient(logsumexp, "X")
def _(g: Any, X: Any, axis: Axis, keepdims: bool) -> Any:
    # Not exp(X − out): beside large numbers, log Σ is rounded away in out.
    largest = np.max(array_under(X), axis=axis, keepdims=True, initial=-np.inf)
    # A constant, as the shift cancels in the shares; 0 instead of ∞ − ∞.
    shares = np.exp(X - np.where(np.isfinite(largest), largest, 0))
    total = np.sum(shares, axis=axis, keepdims=True)
    return spread(g, X.shape, axis, keepdims) * (shares / np.where(np.equal(total, 0), 1, total))


# --- samples --------------------------------------------------------------------------


def _along_axes(rng: np.random.Generator) -> Iterator[Call]:
    for shape, axis in [((3, 4), None), ((3, 4), 0), ((2, 3, 4), (0, -1)), ((3,), -1)]:
        for keepdims in (False, True):
            yield call(rng.standard_normal(shape), axis=axis, keepdims=keepdims)


def _along_an_axis(rng: np.random.Generator) -> Iterator[Call]:
    for shape, axis in [((3, 4), None), ((2, 3, 4), 1), ((5,), -1), ((), None)]:
        yield call(rng.standard_normal(shape), axis)
    zeros = rng.standard_normal((2, 6))
    zeros[0, 2] = zeros[1, [0, 3]] = 0
    yield call(zeros, 1)


for _function in (sum, mean, var, std, max, min, prod, logsumexp):
    samples(_function)(_along_axes)
for _running in (cumsum, cumprod):
    samples(_running)(_along_an_axis)
