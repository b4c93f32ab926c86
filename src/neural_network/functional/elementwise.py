"""Arithmetic, element by element, as NumPy broadcasts it; and its gradients.

These are the ops behind ``+``, ``*``, ``np.exp`` and their kin when they meet a
tensor. A number that was broadcast to many places has had an influence in all of
them, so its gradient is the sum over those places: ``sum_to``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from neural_network.checks import Array
from neural_network.functional.op import Call, call, gradient, op, samples

Rng: TypeAlias = "np.random.Generator"


def sum_to(g: Array, shape: tuple[int, ...]) -> Array:
    """Sum the axes along which an array of this shape was broadcast to that of ``g``.

    >>> sum_to(np.ones((2, 3)), (3,)), sum_to(np.ones((2, 3)), (2, 1))
    (array([2., 2., 2.]), array([[3.],
           [3.]]))
    """
    if g.shape == shape:
        return g
    added = g.ndim - len(shape)
    stretched = [added + i for i, n in enumerate(shape) if n == 1 and g.shape[added + i] != 1]
    summed: Array = np.sum(g, axis=(*range(added), *stretched)).reshape(shape)
    return summed


# --- two arguments ------------------------------------------------------------


@op
def add(a: Any, b: Any) -> Array:
    """Return ``a + b``."""
    return np.add(a, b)


@gradient(add, "a")
def _(g: Any, a_shape: Any) -> Any:
    return sum_to(g, a_shape)


@gradient(add, "b")
def _(g: Any, b_shape: Any) -> Any:
    return sum_to(g, b_shape)


@op
def subtract(a: Any, b: Any) -> Array:
    """Return ``a − b``."""
    return np.subtract(a, b)


@gradient(subtract, "a")
def _(g: Any, a_shape: Any) -> Any:
    return sum_to(g, a_shape)


@gradient(subtract, "b")
def _(g: Any, b_shape: Any) -> Any:
    return sum_to(-g, b_shape)


@op
def multiply(a: Any, b: Any) -> Array:
    """Return ``a · b``."""
    return np.multiply(a, b)


@gradient(multiply, "a")
def _(g: Any, b: Any, a_shape: Any) -> Any:
    return sum_to(g * b, a_shape)


@gradient(multiply, "b")
def _(g: Any, a: Any, b_shape: Any) -> Any:
    return sum_to(g * a, b_shape)


@op
def divide(a: Any, b: Any) -> Array:
    """Return ``a / b``."""
    return np.true_divide(a, b)


@gradient(divide, "a")
def _(g: Any, b: Any, a_shape: Any) -> Any:
    return sum_to(g / b, a_shape)


@gradient(divide, "b")
def _(g: Any, a: Any, b: Any, b_shape: Any) -> Any:
    return sum_to(-g * a / (b * b), b_shape)


@op
def power(a: Any, b: Any) -> Array:
    """Return ``a`` to the power ``b``."""
    return np.power(a, b)


@gradient(power, "a")
def _(g: Any, a: Any, b: Any, a_shape: Any) -> Any:
    # b = 0 gives 0 and not 0 · a⁻¹, which is NaN at a = 0.
    lowered = np.where(np.equal(b, 0), 1.0, b) - 1
    return sum_to(g * b * a**lowered, a_shape)


@gradient(power, "b")
def _(g: Any, a: Any, out: Any, b_shape: Any) -> Any:
    # At a = 0 the power is 0 for every b > 0: no slope.
    return sum_to(g * out * np.log(np.where(np.equal(a, 0), 1.0, a)), b_shape)


@op
def maximum(a: Any, b: Any) -> Array:
    """Return the larger one; NaN stays NaN."""
    return np.maximum(a, b)


@gradient(maximum, "a")
def _(g: Any, a: Any, b: Any, a_shape: Any) -> Any:
    return sum_to(g * _share(np.greater(a, b), np.equal(a, b)), a_shape)


@gradient(maximum, "b")
def _(g: Any, a: Any, b: Any, b_shape: Any) -> Any:
    return sum_to(g * _share(np.greater(b, a), np.equal(a, b)), b_shape)


@op
def minimum(a: Any, b: Any) -> Array:
    """Return the smaller one; NaN stays NaN."""
    return np.minimum(a, b)


@gradient(minimum, "a")
def _(g: Any, a: Any, b: Any, a_shape: Any) -> Any:
    return sum_to(g * _share(np.less(a, b), np.equal(a, b)), a_shape)


@gradient(minimum, "b")
def _(g: Any, a: Any, b: Any, b_shape: Any) -> Any:
    return sum_to(g * _share(np.less(b, a), np.equal(a, b)), b_shape)


def _share(wins: Array, ties: Array) -> Array:
    """Return 1 where it wins, ½ where both are equal: the middle of the possible slopes."""
    share: Array = wins + np.float32(0.5) * ties
    return share


@op
def where(condition: Any, a: Any, b: Any) -> Array:
    """Return ``a`` where the condition holds, ``b`` elsewhere."""
    return np.where(condition, a, b)


@gradient(where, "a")
def _(g: Any, condition: Any, a_shape: Any) -> Any:
    return sum_to(np.where(condition, g, 0), a_shape)


@gradient(where, "b")
def _(g: Any, condition: Any, b_shape: Any) -> Any:
    return sum_to(np.where(condition, 0, g), b_shape)


def _pairs(low: float, high: float) -> Callable[[Rng], Iterator[Call]]:
    """Pairs that are broadcast in every way."""

    def make(rng: Rng) -> Iterator[Call]:
        for left, right in [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 1, 4), (3, 1)), ((), (2,))]:
            yield call(rng.uniform(low, high, left), rng.uniform(low, high, right))

    return make


for _pair in (add, subtract, multiply, maximum, minimum):
    samples(_pair)(_pairs(-2, 2))
for _pair in (divide, power):
    samples(_pair)(_pairs(0.5, 2))


@samples(where)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.random((3, 4)) < 0.5, rng.standard_normal((3, 4)), rng.standard_normal((4,)))
    yield call(rng.random((3, 1)) < 0.5, rng.standard_normal(()), rng.standard_normal((3, 4)))


# --- one argument -------------------------------------------------------------


@op
def negative(a: Any) -> Array:
    """Return ``−a``."""
    return np.negative(a)


@gradient(negative, "a")
def _(g: Any) -> Any:
    return -g


@op
def positive(a: Any) -> Array:
    """Return a copy."""
    return np.positive(a)


@gradient(positive, "a")
def _(g: Any) -> Any:
    return g


@op
def absolute(a: Any) -> Array:
    """Return the size, ``|a|``."""
    return np.absolute(a)


@gradient(absolute, "a")
def _(g: Any, a: Any) -> Any:
    return g * np.sign(a)


@op
def square(a: Any) -> Array:
    """Return ``a²``."""
    return np.square(a)


@gradient(square, "a")
def _(g: Any, a: Any) -> Any:
    return 2 * g * a


@op
def sqrt(a: Any) -> Array:
    """Return the square root."""
    return np.sqrt(a)


@gradient(sqrt, "a")
def _(g: Any, out: Any) -> Any:
    return g / (2 * out)


@op
def exp(a: Any) -> Array:
    """Return e to the power ``a``."""
    return np.exp(a)


@gradient(exp, "a")
def _(g: Any, out: Any) -> Any:
    return g * out


@op
def expm1(a: Any) -> Array:
    """Return ``exp(a) − 1``, exact near 0."""
    return np.expm1(a)


@gradient(expm1, "a")
def _(g: Any, out: Any) -> Any:
    return g * (out + 1)


@op
def log(a: Any) -> Array:
    """Return the natural logarithm."""
    return np.log(a)


@gradient(log, "a")
def _(g: Any, a: Any) -> Any:
    return g / a


@op
def log1p(a: Any) -> Array:
    """Return ``log(1 + a)``, exact near 0."""
    return np.log1p(a)


@gradient(log1p, "a")
def _(g: Any, a: Any) -> Any:
    return g / (1 + a)


@op
def sin(a: Any) -> Array:
    """Return the sine; angles in radians."""
    return np.sin(a)


@gradient(sin, "a")
def _(g: Any, a: Any) -> Any:
    return g * np.cos(a)


@op
def cos(a: Any) -> Array:
    """Return the cosine; angles in radians."""
    return np.cos(a)


@gradient(cos, "a")
def _(g: Any, a: Any) -> Any:
    return -g * np.sin(a)


@op
def sign(a: Any) -> Array:
    """Return −1, 0 or 1. Flat almost everywhere: its gradient is 0."""
    return np.sign(a)


@gradient(sign, "a")
def _(g: Any) -> Any:
    return 0 * g


@op
def flat(a: Any, steps: Callable[[Any], Array]) -> Array:
    """Return a function of steps (floor, round …), whose gradient is 0 almost everywhere."""
    return np.asarray(steps(a))


@gradient(flat, "a")
def _(g: Any) -> Any:
    return 0 * g


@samples(flat)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.uniform(0.1, 0.9, (3, 2)), np.floor)


@op
def clip(a: Any, low: Any = None, high: Any = None) -> Array:
    """Return ``a`` held between two bounds; no gradient outside them."""
    return np.clip(a, low, high)


@gradient(clip, "a")
def _(g: Any, a: Any, low: Any, high: Any) -> Any:
    inside = (True if low is None else a >= low) & (True if high is None else a <= high)
    return g * inside


@op
def cast(a: Any, dtype: Any) -> Array:
    """Return the numbers in another type."""
    return np.asarray(a).astype(dtype)


@gradient(cast, "a")
def _(g: Any, a_dtype: Any) -> Any:
    return g.astype(a_dtype)


def _singles(low: float, high: float) -> Callable[[Rng], Iterator[Call]]:
    def make(rng: Rng) -> Iterator[Call]:
        for shape in [(3, 4), (), (1, 2, 1)]:
            yield call(rng.uniform(low, high, shape))

    return make


for _single in (negative, positive, absolute, square, exp, expm1, sin, cos, sign):
    samples(_single)(_singles(-2, 2))
for _single in (sqrt, log, log1p):
    samples(_single)(_singles(0.3, 2))


@samples(clip)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.uniform(-2, 2, (5, 5)), -1.0, 1.0)
    yield call(rng.uniform(-2, 2, 5), low=-1.0)


@samples(cast)
def _(rng: Rng) -> Iterator[Call]:
    yield call(rng.standard_normal((2, 3)), np.float64)
