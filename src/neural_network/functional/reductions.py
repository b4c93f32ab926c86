"""Reductions along axes: sum, mean, variance, maximum, minimum, logsumexp."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.public import public

# NumPy's stubs differ between releases in the types of axis and keepdims.
_np: Any = np
Axis = int | tuple[int, ...] | None


def normal_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """Return the axes as a tuple of numbers from 0.

    >>> normal_axes(-1, 3), normal_axes(None, 2)
    ((2,), (0, 1))
    """
    if axis is None:
        return tuple(range(ndim))
    axes = (axis,) if isinstance(axis, int | np.integer) else tuple(axis)
    return tuple(int(a) % ndim for a in axes)


def spread(g: Array, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Array:
    """Broadcast the gradient of a reduction's result to the shape of its argument."""
    if not keepdims:
        axes = normal_axes(axis, len(shape))
        g = g.reshape(tuple(1 if i in axes else n for i, n in enumerate(shape)))
    return np.broadcast_to(g, shape)


@public(top_level=False)
@op
def sum(X: Any, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the sum along axes."""
    return np.asarray(_np.sum(X, axis=axis, keepdims=keepdims))


gradient(sum, "X")(lambda g, X_shape, axis, keepdims: spread(g, X_shape, axis, keepdims))


@public(top_level=False)
@op
def mean(X: Any, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the mean along axes."""
    return np.asarray(_np.mean(X, axis=axis, keepdims=keepdims))


@gradient(mean, "X")
def _(g: Any, X_shape: Any, axis: Axis, keepdims: bool) -> Any:
    count = prod(X_shape[a] for a in normal_axes(axis, len(X_shape)))
    return spread(g / count, X_shape, axis, keepdims)


@public(top_level=False)
@op
def var(X: Any, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Array:
    """Return the variance along axes: squared differences from the mean, summed, over n − ddof."""
    return np.asarray(_np.var(X, axis=axis, keepdims=keepdims, ddof=ddof))


@gradient(var, "X")
def _(g: Any, X: Any, axis: Axis, keepdims: bool, ddof: int) -> Any:
    # The mean depends on X too, but its part of the gradient is 0: the differences sum to 0.
    count = prod(X.shape[a] for a in normal_axes(axis, X.ndim)) - ddof
    centred = X - np.mean(X, axis=axis, keepdims=True)
    return spread(g, X.shape, axis, keepdims) * (2 / count) * centred


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
    chosen = np.equal(X, spread(out, X.shape, axis, keepdims))
    count = np.sum(chosen, axis=axis, keepdims=True, dtype=g.dtype)
    return spread(g, X.shape, axis, keepdims) * (chosen / count)


gradient(max, "X")(_extreme_gradient)
gradient(min, "X")(_extreme_gradient)


@public(top_level=False)
@op
def logsumexp(X: Any, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return ``log Σ exp(X)`` along axes, without overflow: the largest number is subtracted first.

    >>> logsumexp(np.array([1000.0, 1000.0]))
    array(1000.69314718)
    """
    largest = np.max(X, axis=axis, keepdims=True)
    # A row of −∞ has the sum 0; subtracting −∞ from −∞ would give NaN.
    safe = np.where(np.isfinite(largest), largest, 0)
    with np.errstate(under="ignore", divide="ignore"):
        out = np.log(np.sum(np.exp(X - safe), axis=axis, keepdims=True)) + safe
    return np.asarray(out if keepdims else np.squeeze(out, normal_axes(axis, np.ndim(X))))


@gradient(logsumexp, "X")
def _(g: Any, X: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    shares = np.exp(X - spread(out, X.shape, axis, keepdims))
    return spread(g, X.shape, axis, keepdims) * shares


def _reduced(rng: np.random.Generator) -> Iterator[Call]:
    for shape, axis in [((3, 4), None), ((3, 4), 0), ((2, 3, 4), (0, -1)), ((3,), -1)]:
        for keepdims in (False, True):
            yield call(rng.standard_normal(shape), axis=axis, keepdims=keepdims)


for _function in (sum, mean, var, max, min, logsumexp):
    samples(_function)(_reduced)
