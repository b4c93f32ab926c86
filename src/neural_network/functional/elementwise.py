"""Elementary functions, element by element, as NumPy broadcasts them.

These are the ops behind ``+``, ``*``, ``np.exp`` and other functions of NumPy when they meet a
tensor. Each is a row: NumPy's function, its slopes, and where its samples lie. A slope takes
``g``, the loss's gradient for the result, and returns that for one argument.

An element that was broadcast to many places has influenced all of them, so its gradient is
the sum over those places: ``sum_to``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from neural_network.checks import Array
from neural_network.functional.op import RULES, Call, Samples, call, gradient, op, samples
from neural_network.public import public

Slope = Callable[..., Any]
# Attributes of ``functional`` alone.
_public = public(top_level=False)
P = ParamSpec("P")
R = TypeVar("R")

# NumPy's function → the op that computes it on tensors.
UFUNCS: dict[Any, Callable[..., Any]] = {}


def elementary(*slopes: Slope | None, of: Samples) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make the decorated function an op, given its slope for each argument and its samples.

    Args:
        slopes: for each argument in turn, a function of ``g`` and of what it needs by name,
            as ``gradient`` takes it. With several, the result is summed to the argument's
            shape. None, and arguments that are left over, have no gradient.
        of: the samples.

    >>> @elementary(lambda g, x: g * 3 * x**2, of=lambda rng: [call(rng.standard_normal(3))])
    ... def cube(x):
    ...     return x**3
    >>> cube(2.0), grad(cube)(2.0)
    (8.0, np.float64(12.0))
    """

    def decorate(forward: Callable[P, R]) -> Callable[P, R]:
        function = op(forward)
        rule = RULES[function]
        for name, slope in zip(rule.names, slopes, strict=False):
            if slope is None:
                continue
            if len(slopes) == 1:
                gradient(function, name)(slope)
            else:
                needs = tuple(inspect.signature(slope).parameters)[1:]
                rule.register(name, _summed(slope, name), (*needs, f"{name}_shape"))
        samples(function)(of)
        return function

    return decorate


def _summed(slope: Slope, name: str) -> Slope:
    """Return the slope for an argument that may have been broadcast."""

    def formula(g: Any, **values: Any) -> Any:
        shape = values.pop(f"{name}_shape")
        return sum_to(slope(g, **values), shape)

    return formula


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


def unary(
    ufunc: np.ufunc, slope: Slope, doc: str, low: float = -2, high: float = 2
) -> Callable[[Any], Array]:
    """Return the op of a ufunc of one argument; its samples lie between ``low`` and ``high``."""

    def forward(a: Any) -> Array:
        return ufunc(a)

    def of(rng: np.random.Generator) -> Iterator[Call]:
        for shape in [(3, 4), (), (1, 2, 1)]:
            yield call(rng.uniform(low, high, shape))

    return _row(ufunc, forward, (slope,), doc, of)


def binary(
    ufunc: np.ufunc,
    slope_a: Slope,
    slope_b: Slope | None,
    doc: str,
    low: float = -2,
    high: float = 2,
    of: Samples | None = None,
) -> Callable[[Any, Any], Array]:
    """Return the op of a ufunc of two arguments; its samples are broadcast in every way."""

    def forward(a: Any, b: Any) -> Array:
        return ufunc(a, b)

    def between(rng: np.random.Generator) -> Iterator[Call]:
        for left, right in [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 1, 4), (3, 1)), ((), (2,))]:
            yield call(rng.uniform(low, high, left), rng.uniform(low, high, right))

    return _row(ufunc, forward, (slope_a, slope_b), doc, of or between)


def _row(
    ufunc: np.ufunc,
    forward: Callable[P, R],
    slopes: Sequence[Slope | None],
    doc: str,
    of: Samples,
) -> Callable[P, R]:
    forward.__name__ = forward.__qualname__ = ufunc.__name__
    forward.__doc__ = doc
    function = UFUNCS[ufunc] = elementary(*slopes, of=of)(forward)
    return function


def in_double(formula: Callable[..., Any]) -> Callable[..., Array]:
    """Return a formula computed in float64 without warnings; its result is rounded once.

    For float32 this keeps the digits that a formula of several steps would lose.
    """

    @wraps(formula)
    def computed(*values: Any) -> Array:
        dtype = np.result_type(*values)
        if dtype.kind != "f":
            dtype = np.dtype(np.float64)
        with np.errstate(all="ignore"):
            wide = formula(*[np.asarray(value, np.float64) for value in values])
            return np.asarray(wide).astype(dtype, copy=False)

    return computed


def widened(g: Any) -> Any:
    """Return float16 as float32, anything else as it is.

    In gradients: float16 ends at 65504, and a count of more numbers would be infinite in it.

    >>> widened(np.float16(1)) / 70000
    np.float32(1.4285714e-05)
    """
    return g.astype(np.float32) if g.dtype == np.float16 else g


# --- one argument ---------------------------------------------------------------------

negative = _public(unary(np.negative, lambda g: -g, "Return ``−a``."))
positive = unary(np.positive, lambda g: g, "Return a copy.")
absolute = _public(
    unary(np.absolute, lambda g, a: g * np.sign(a), "Return the absolute value ``|a|``.")
)
sign = _public(
    unary(np.sign, lambda g: 0 * g, "Return −1, 0 or 1; its gradient is 0 almost everywhere.")
)
square = _public(unary(np.square, lambda g, a: 2 * g * a, "Return ``a²``."))
sqrt = _public(unary(np.sqrt, lambda g, out: g / (2 * out), "Return the square root.", low=0.3))
exp = _public(unary(np.exp, lambda g, out: g * out, "Return e to the power ``a``."))
# Not g · (out + 1), which is 0 far below 0, where out is rounded to −1.
expm1 = _public(unary(np.expm1, lambda g, a: g * np.exp(a), "Return ``exp(a) − 1``, exact near 0."))
log = _public(unary(np.log, lambda g, a: g / a, "Return the natural logarithm.", low=0.3))
log1p = _public(
    unary(np.log1p, lambda g, a: g / (1 + a), "Return ``log(1 + a)``, exact near 0.", low=0.3)
)
sin = _public(unary(np.sin, lambda g, a: g * np.cos(a), "Return the sine; angles in radians."))
cos = _public(unary(np.cos, lambda g, a: -g * np.sin(a), "Return the cosine; angles in radians."))


# --- two arguments --------------------------------------------------------------------


# Up to this number, float32 holds all whole numbers.
EXACT = 2**24


def _root_slope(g: Any, out: Any) -> Any:
    at_zero = np.equal(out, 0)
    return np.where(at_zero, 0.0, g / (2 * np.where(at_zero, 1.0, out)))


@elementary(_root_slope, of=lambda rng: [call(rng.uniform(0.3, 2, (3, 4)))])
def root_of_squares(a: Any) -> Array:
    """Return the square root of a sum of squares: its slope at 0 is 0, as that of ``abs``."""
    return np.sqrt(a)


def power_slopes(power: np.ufunc) -> tuple[Slope, Slope]:
    """Return the slopes of ``power(a, b)`` by its base and by its exponent.

    By the base it is ``b · a^(b − 1)``. Where b is below 0.5 or very large, b − 1 is rounded, and
    a power magnifies that, so it is ``b · aᵇ / a`` there. By the exponent it is ``aᵇ · log a``.
    """

    def base(g: Any, a: Any, b: Any, out: Any) -> Any:
        if isinstance(b, int | float) and (0.5 <= b <= 2048 or b == 0):
            return g * b * power(a, b - 1 if b else 0.0)
        if np.float16 in (out.dtype, getattr(b, "dtype", None)):  # in which b − 1 may be even as b
            a, b = (x if isinstance(x, int | float) else x.astype(np.float32) for x in (a, b))
            out = power(a, b)
        tiny = np.finfo(out.dtype).tiny
        usual = np.isfinite(out) & (np.greater_equal(out, tiny) | np.less_equal(out, -tiny))
        usual = (usual & np.less(b, 0.5)) | ((usual | np.isinf(out)) & np.greater(b, EXACT))
        usual = usual & np.not_equal(a, 0) & np.isfinite(a)
        divided = g * (b * out) / np.where(usual, a, 1.0)
        # b = 0 gives 0 and not 0 · a⁻¹, which is NaN at a = 0; nor is ∞ · 0 wanted for b = ∞.
        lowered = np.where(np.equal(b, 0), 1.0, b) - 1
        direct = g * finite(b) * power(np.where(usual, 1.0, a), lowered)
        return np.where(usual, divided, direct)

    def exponent(g: Any, a: Any, b: Any, out: Any) -> Any:
        # Where the power is 0, its limit is 0, also for log a = ±∞; so is that of 0⁰.
        known = np.equal(out, 0) | (np.equal(a, 0) & np.equal(b, 0))
        return g * out * np.log(np.where(known, 1.0, a))

    return base, exponent


def _extreme(ufunc: np.ufunc, wins: np.ufunc, doc: str) -> Callable[[Any, Any], Array]:
    """Return the op of ``maximum`` or ``minimum``; equal arguments share the gradient."""

    def slope(g: Any, a: Any, b: Any) -> Any:
        return g * (wins(a, b) + np.float32(0.5) * np.equal(a, b))

    return binary(ufunc, slope, lambda g, a, b: slope(g, b, a), doc)


add = _public(binary(np.add, lambda g: g, lambda g: g, "Return ``a + b``."))
subtract = _public(binary(np.subtract, lambda g: g, lambda g: -g, "Return ``a − b``."))
multiply = _public(binary(np.multiply, lambda g, b: g * b, lambda g, a: g * a, "Return ``a · b``."))
divide = _public(
    binary(
        np.true_divide,
        lambda g, b: g / b,
        # Not g · a / b², because b² is 0 or ∞ where the slope is not.
        lambda g, b, out: -(g * out) / b,
        "Return ``a / b``.",
        low=0.5,
    )
)
power = _public(
    binary(np.power, *power_slopes(np.power), "Return ``a`` to the power ``b``.", low=0.5)
)
maximum = _public(_extreme(np.maximum, np.greater, "Return the larger one; NaN stays NaN."))
minimum = _public(_extreme(np.minimum, np.less, "Return the smaller one; NaN stays NaN."))


# --- with options ---------------------------------------------------------------------


@public(top_level=False)
@op
def where(condition: Any, a: Any, b: Any) -> Array:
    """Return ``a`` where the condition holds, ``b`` elsewhere."""
    return np.where(condition, a, b)


gradient(where, "a")(lambda g, condition, a_shape: sum_to(np.where(condition, g, 0), a_shape))
gradient(where, "b")(lambda g, condition, b_shape: sum_to(np.where(condition, 0, g), b_shape))


@samples(where)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(rng.random((3, 4)) < 0.5, rng.standard_normal((3, 4)), rng.standard_normal((4,)))
    yield call(rng.random((3, 1)) < 0.5, rng.standard_normal(()), rng.standard_normal((3, 4)))


@elementary(lambda g: 0 * g, of=lambda rng: [call(rng.uniform(0.1, 0.9, (3, 2)), np.floor)])
def flat(a: Any, steps: Callable[[Any], Array]) -> Array:
    """Return a step function (floor, round …), whose gradient is 0 almost everywhere."""
    return np.asarray(steps(a))


@elementary(lambda g: g, of=lambda rng: [call(rng.standard_normal((2, 3)))])
def finite(a: Any) -> Array:
    """Return ``a`` with the largest numbers in place of ±∞, whose product with 0 is NaN.

    Its slope is 1 everywhere: in a product with 0 it stands for the limit.
    """
    array = np.asarray(a)
    if array.dtype.kind != "f":
        return array
    largest = np.finfo(array.dtype).max
    return np.clip(array, -largest, largest)


def _inside(g: Any, a: Any, low: Any, high: Any) -> Any:
    return g * ((True if low is None else a >= low) & (True if high is None else a <= high))


@public(top_level=False)
@elementary(
    _inside,
    of=lambda rng: [
        call(rng.uniform(-2, 2, (5, 5)), -1.0, 1.0),
        call(rng.uniform(-2, 2, 5), low=-1.0),
    ],
)
def clip(a: Any, low: Any = None, high: Any = None) -> Array:
    """Return ``a`` limited to an interval; the gradient is 0 outside it."""
    return np.clip(a, low, high)


@elementary(
    lambda g, a_dtype: g.astype(a_dtype),
    of=lambda rng: [call(rng.standard_normal((2, 3)), np.float64)],
)
def cast(a: Any, dtype: Any) -> Array:
    """Return the numbers in another type."""
    return np.asarray(a).astype(dtype)
