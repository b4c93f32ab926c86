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
from typing import Any, ParamSpec, TypeVar

import numpy as np

from neural_network.checks import Array, as_floating
from neural_network.functional.op import RULES, Call, Samples, call, gradient, op, samples
from neural_network.public import public

Slope = Callable[..., Any]
# Attributes of ``functional`` alone.
_public = public(top_level=False)
P = ParamSpec("P")
R = TypeVar("R")

# NumPy's function → the op that computes it on tensors.
UFUNCS: dict[Any, Callable[..., Any]] = {}


def elementary(*slopes: Slope, of: Samples) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make the decorated function an op, given its slope for each argument and its samples.

    Args:
        slopes: for each argument in turn, a function of ``g`` and of what it needs by name,
            as ``gradient`` takes it. With several, the result is summed to the argument's
            shape. Arguments that are left over have no gradient.
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


def _unary(
    ufunc: np.ufunc, slope: Slope, doc: str, low: float = -2, high: float = 2
) -> Callable[[Any], Array]:
    """Return the op of a ufunc of one argument; its samples lie between ``low`` and ``high``."""

    def forward(a: Any) -> Array:
        return ufunc(a)

    def of(rng: np.random.Generator) -> Iterator[Call]:
        for shape in [(3, 4), (), (1, 2, 1)]:
            yield call(rng.uniform(low, high, shape))

    return _row(ufunc, forward, (slope,), doc, of)


def _binary(
    ufunc: np.ufunc, slope_a: Slope, slope_b: Slope, doc: str, low: float = -2, high: float = 2
) -> Callable[[Any, Any], Array]:
    """Return the op of a ufunc of two arguments; its samples are broadcast in every way."""

    def forward(a: Any, b: Any) -> Array:
        return ufunc(a, b)

    def of(rng: np.random.Generator) -> Iterator[Call]:
        for left, right in [((3, 4), (3, 4)), ((3, 4), (4,)), ((2, 1, 4), (3, 1)), ((), (2,))]:
            yield call(rng.uniform(low, high, left), rng.uniform(low, high, right))

    return _row(ufunc, forward, (slope_a, slope_b), doc, of)


def _row(
    ufunc: np.ufunc, forward: Callable[P, R], slopes: Sequence[Slope], doc: str, of: Samples
) -> Callable[P, R]:
    forward.__name__ = forward.__qualname__ = ufunc.__name__
    forward.__doc__ = doc
    function = UFUNCS[ufunc] = elementary(*slopes, of=of)(forward)
    return function


# --- one argument ---------------------------------------------------------------------

negative = _public(_unary(np.negative, lambda g: -g, "Return ``−a``."))
positive = _unary(np.positive, lambda g: g, "Return a copy.")
absolute = _public(
    _unary(np.absolute, lambda g, a: g * np.sign(a), "Return the absolute value ``|a|``.")
)
sign = _public(
    _unary(np.sign, lambda g: 0 * g, "Return −1, 0 or 1; its gradient is 0 almost everywhere.")
)
square = _public(_unary(np.square, lambda g, a: 2 * g * a, "Return ``a²``."))
sqrt = _public(_unary(np.sqrt, lambda g, out: g / (2 * out), "Return the square root.", low=0.3))
exp = _public(_unary(np.exp, lambda g, out: g * out, "Return e to the power ``a``."))
expm1 = _public(
    _unary(np.expm1, lambda g, out: g * (out + 1), "Return ``exp(a) − 1``, exact near 0.")
)
log = _public(_unary(np.log, lambda g, a: g / a, "Return the natural logarithm.", low=0.3))
log1p = _public(
    _unary(np.log1p, lambda g, a: g / (1 + a), "Return ``log(1 + a)``, exact near 0.", low=0.3)
)
sin = _public(_unary(np.sin, lambda g, a: g * np.cos(a), "Return the sine; angles in radians."))
cos = _public(_unary(np.cos, lambda g, a: -g * np.sin(a), "Return the cosine; angles in radians."))


# --- two arguments --------------------------------------------------------------------


def _power_base(g: Any, a: Any, b: Any) -> Any:
    # b = 0 gives 0 and not 0 · a⁻¹, which is NaN at a = 0.
    lowered = np.where(np.equal(b, 0), 1.0, b) - 1
    return g * b * a**lowered


def _power_exponent(g: Any, a: Any, out: Any) -> Any:
    # At a = 0 the power is 0 for every b > 0, so the slope is 0.
    return g * out * np.log(np.where(np.equal(a, 0), 1.0, a))


def _extreme(ufunc: np.ufunc, wins: np.ufunc, doc: str) -> Callable[[Any, Any], Array]:
    """Return the op of ``maximum`` or ``minimum``; equal arguments share the gradient."""

    def slope(g: Any, a: Any, b: Any) -> Any:
        return g * (wins(a, b) + np.float32(0.5) * np.equal(a, b))

    return _binary(ufunc, slope, lambda g, a, b: slope(g, b, a), doc)


add = _public(_binary(np.add, lambda g: g, lambda g: g, "Return ``a + b``."))
subtract = _public(_binary(np.subtract, lambda g: g, lambda g: -g, "Return ``a − b``."))
multiply = _public(
    _binary(np.multiply, lambda g, b: g * b, lambda g, a: g * a, "Return ``a · b``.")
)
divide = _public(
    _binary(
        np.true_divide,
        lambda g, b: g / b,
        lambda g, a, b: -g * a / (b * b),
        "Return ``a / b``.",
        low=0.5,
    )
)
power = _public(
    _binary(np.power, _power_base, _power_exponent, "Return ``a`` to the power ``b``.", low=0.5)
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


# --- the error function, which NumPy lacks ---------------------------------------------

# Rational approximations of Cody, "Rational Chebyshev approximation for the error
# function", Math. Comp. 23, 1969; numerators and denominators, highest power first.
ERF_NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 113.864154151050156, 377.485237685302021,
     3209.37758913846947),
    (1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062),
)  # fmt: skip
ERF_MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 66.1191906371416295,
     298.635138197400131, 881.952221241769090, 1712.04761263407058, 2051.07837782607147,
     1230.33935479799725),
    (1.0, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019,
     3290.79923573345963, 4362.61909014324716, 3439.36767414372164, 1230.33935480374942),
)  # fmt: skip
ERF_FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip


@public
@elementary(
    lambda g, X: g * (2 / np.sqrt(np.pi)).astype(g.dtype) * np.exp(-X * X),
    of=lambda rng: [call(rng.uniform(-5, 5, (4, 5)))],
)
def erf(X: Any) -> Array:
    """Error function: ``2/√π · ∫₀ˣ exp(−t²) dt``, from −1 to 1.

    Args:
        X: any shape.

    Returns:
        The same shape, in the floating type of ``X``, within 1e-15.

    Raises:
        DTypeError: ``X`` does not hold real numbers.

    Source: Cody, "Rational Chebyshev approximation for the error function", 1969.

    >>> erf(np.array([0.0, 1.0, -10.0])).round(6)
    array([ 0.      ,  0.842701, -1.      ])
    """
    (X,), dtype = as_floating("erf", X=X)
    x = X.astype(np.float64)
    size = np.abs(x)
    with np.errstate(under="ignore"):
        small = np.where(size > 0.5, 0, x)
        near = small * _ratio(ERF_NEAR, small * small)
        held = np.clip(size, 0.5, 6)  # beyond 6 the rest is below 1e-17
        middle = np.exp(-held * held) * _ratio(ERF_MIDDLE, held)
        inverse = 1 / (held * held)
        far = (
            np.exp(-held * held) / held * (1 / np.sqrt(np.pi) - inverse * _ratio(ERF_FAR, inverse))
        )
        rest = np.where(held <= 4, middle, far)  # 1 − erf(|x|)
    out = np.where(size <= 0.5, near, np.copysign(1 - rest, x))
    return np.asarray(np.where(np.isnan(x), x, out), dtype=dtype)


def _ratio(table: tuple[Sequence[float], Sequence[float]], x: Array) -> Array:
    ratio: Array = np.polyval(np.array(table[0]), x) / np.polyval(np.array(table[1]), x)
    return ratio
