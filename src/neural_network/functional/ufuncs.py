"""NumPy's other universal functions: rows of the table of ``elementwise.py``.

Roots, logarithms, angles, hyperbolic functions, remainders and steps; and ``sinc``. Slopes are
written so that they neither overflow nor lose digits where their value is a usual number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import factorial
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.functional.elementwise import binary, elementary, in_double, power_slopes, unary
from neural_network.functional.op import Call, call
from neural_network.functional.smooth import sigmoid_slope

# Plain numbers, which do not decide the type of a result.
LN_2 = 0.6931471805599453
LN_10 = 2.302585092994046
PI = 3.141592653589793


def _pairs(rng: np.random.Generator) -> Iterator[Call]:
    """Return samples for slopes of two arguments."""
    yield call(rng.uniform(0.5, 2, (3, 4)), rng.uniform(-2, -0.5, 4))


# --- powers and logarithms ------------------------------------------------------------------

_cbrt_slope = in_double(lambda x: 1 / (3 * np.cbrt(x) ** 2))


@elementary(
    lambda g, a, out: g * out * (-2 / 3) / a,
    of=lambda rng: [call(rng.uniform(0.3, 2, (3, 4)))],
)
def cbrt_slope(a: Any) -> Array:
    """Return the slope of the cube root."""
    return _cbrt_slope(a)


reciprocal = unary(np.reciprocal, lambda g, out: -(g * out) * out, "Return ``1 / a``.", low=0.5)
cbrt = unary(np.cbrt, lambda g, a: g * cbrt_slope(a), "Return the cube root.", low=0.3)
exp2 = unary(np.exp2, lambda g, out: g * out * LN_2, "Return 2 to the power ``a``.")
log2 = unary(np.log2, lambda g, a: g / LN_2 / a, "Return the logarithm to base 2.", low=0.3)
log10 = unary(np.log10, lambda g, a: g / LN_10 / a, "Return the logarithm to base 10.", low=0.3)
float_power = binary(
    np.float_power,
    *power_slopes(np.float_power),
    "Return ``a`` to the power ``b``, in float64 at least.",
    low=0.5,
)


def _shares(exp: np.ufunc, log_base: float) -> Callable[[Any, Any], Array]:
    """Return the op ``exp(a) / (exp(a) + exp(b))``, the slope of logaddexp by a."""

    @in_double
    def computed(a: Array, b: Array) -> Array:
        difference = np.where(np.equal(a, b), 0, a - b)  # also for two infinities
        # The exponential would magnify the rounding of the difference: what it lost is added.
        second = difference - a
        lost = (a - (difference - second)) - (b + second)
        lost = np.where(np.isfinite(lost), lost, 0)
        decay = exp(-np.abs(difference)) * (1 - np.sign(difference) * lost * log_base)
        return np.where(difference > 0, 1, decay) / (1 + decay)

    def slope(g: Any, a: Any, b: Any) -> Any:
        return g * (share(a, b) * share(b, a) * log_base)

    @elementary(slope, lambda g, a, b: -slope(g, a, b), of=_pairs)
    def share(a: Any, b: Any) -> Array:
        return computed(a, b)

    return share


share_of_exp = _shares(np.exp, 1.0)
share_of_exp2 = _shares(np.exp2, LN_2)
logaddexp = binary(
    np.logaddexp,
    lambda g, a, b: g * share_of_exp(a, b),
    lambda g, a, b: g * share_of_exp(b, a),
    "Return ``log(exp(a) + exp(b))``.",
)
logaddexp2 = binary(
    np.logaddexp2,
    lambda g, a, b: g * share_of_exp2(a, b),
    lambda g, a, b: g * share_of_exp2(b, a),
    "Return ``log2(2ᵃ + 2ᵇ)``.",
)


# --- lengths and angles -----------------------------------------------------------------------


def _scaled(a: Array, b: Array) -> tuple[Array, Array, Array, Array]:
    """Return two numbers divided by the same power of 2, its exponent, and the larger size.

    The larger of them is then from 0.5 to 1, so that squares neither overflow nor vanish.
    """
    size = np.maximum(np.abs(a), np.abs(b))
    endless = np.isinf(size)
    exponent = np.where(np.isfinite(size), np.frexp(size)[1], 0)
    a, b = (np.where(endless, np.where(np.isinf(x), np.sign(x), 0), x) for x in (a, b))
    return np.ldexp(a, -exponent), np.ldexp(b, -exponent), exponent, size


@in_double
def _direction(a: Array, b: Array) -> Array:
    a, b, _, size = _scaled(a, b)
    return np.where(size == 0, 0, a / np.hypot(a, b))


@in_double
def _angle_slope(a: Array, b: Array) -> Array:
    a, b, exponent, size = _scaled(a, b)
    return np.where((size == 0) | np.isinf(size), 0, np.ldexp(b / (a * a + b * b), -exponent))


def _over_length(g: Any, a: Any, b: Any) -> Any:
    length = np.hypot(a, b)
    return g / np.where(np.equal(length, 0), 1.0, length)


def _direction_slope_a(g: Any, a: Any, b: Any) -> Any:
    return _over_length(g, a, b) * direction(b, a) ** 2


def _direction_slope_b(g: Any, a: Any, b: Any) -> Any:
    return -_over_length(g, a, b) * direction(a, b) * direction(b, a)


@elementary(_direction_slope_a, _direction_slope_b, of=_pairs)
def direction(a: Any, b: Any) -> Array:
    """Return ``a / √(a² + b²)``; 0 for two zeros, as the slope of ``abs`` at 0."""
    return _direction(a, b)


def _angle_slope_a(g: Any, a: Any, b: Any) -> Any:
    return -2 * g * angle_slope(a, b) * angle_slope(b, a)


def _angle_slope_b(g: Any, a: Any, b: Any) -> Any:
    return g * (angle_slope(b, a) ** 2 - angle_slope(a, b) ** 2)


@elementary(_angle_slope_a, _angle_slope_b, of=_pairs)
def angle_slope(a: Any, b: Any) -> Array:
    """Return ``b / (a² + b²)``, the slope of the angle of (b, a) by a; 0 for two zeros."""
    return _angle_slope(a, b)


hypot = binary(
    np.hypot,
    lambda g, a, b: g * direction(a, b),
    lambda g, a, b: g * direction(b, a),
    "Return ``√(a² + b²)``.",
    low=0.5,
)
arctan2 = binary(
    np.arctan2,
    lambda g, a, b: g * angle_slope(a, b),
    lambda g, a, b: -g * angle_slope(b, a),
    "Return the angle of the point (b, a).",
    low=0.5,
)


def _unit(ufunc: np.ufunc) -> Callable[[Any], Array]:
    """Return the op of a conversion of angles, which is its own slope."""

    def slope(g: Any) -> Any:
        return ufunc(g)

    return unary(ufunc, slope, "Return the angle in the other unit.")


for _ufunc in (np.deg2rad, np.radians, np.rad2deg, np.degrees):
    _unit(_ufunc)
tan = unary(
    np.tan, lambda g, out: g * (1 + out * out), "Return the tangent; angles in radians.", -1, 1
)
arcsin = unary(
    np.arcsin,
    lambda g, a: g / np.sqrt((1 - a) * (1 + a)),
    "Return the angle of a sine.",
    -0.9,
    0.9,
)
arccos = unary(
    np.arccos,
    lambda g, a: -g / np.sqrt((1 - a) * (1 + a)),
    "Return the angle of a cosine.",
    -0.9,
    0.9,
)


def _arctan_slope(g: Any, a: Any) -> Any:
    # Divided twice, because 1 + a² overflows where its reciprocal is a usual number.
    length = np.hypot(1.0, a)
    return g / length / length


arctan = unary(np.arctan, _arctan_slope, "Return the angle of a tangent.")


# --- hyperbolic functions -----------------------------------------------------------------------

sinh = unary(np.sinh, lambda g, a: g * np.cosh(a), "Return the hyperbolic sine.")
cosh = unary(np.cosh, lambda g, a: g * np.sinh(a), "Return the hyperbolic cosine.")
tanh = unary(np.tanh, lambda g, a: g * (4 * sigmoid_slope(2 * a)), "Return the hyperbolic tangent.")
arcsinh = unary(np.arcsinh, lambda g, a: g / np.hypot(1.0, a), "Return the inverse of sinh.")
arccosh = unary(
    np.arccosh,
    lambda g, a: g / (np.sqrt(a - 1) * np.sqrt(a + 1)),
    "Return the inverse of cosh.",
    1.2,
    4,
)
arctanh = unary(
    np.arctanh, lambda g, a: g / ((1 - a) * (1 + a)), "Return the inverse of tanh.", -0.9, 0.9
)


# --- signs, choices, steps ------------------------------------------------------------------------

fabs = unary(np.fabs, lambda g, a: g * np.sign(a), "Return the absolute value, not of integers.")
conjugate = unary(np.conjugate, lambda g: g, "Return the number itself, which is real.")
for _steps_of in (np.floor, np.ceil, np.rint, np.trunc):
    unary(_steps_of, lambda g: 0 * g, "Return a step function; its slope is 0.")


@elementary(lambda g: g, of=lambda rng: [call(rng.uniform(0.1, 0.9, (3, 2)) - 1)])
def fraction(a: Any) -> Array:
    """Return what is behind the decimal point, with its sign."""
    return np.modf(a)[0]


def _choice(ufunc: np.ufunc, wins: np.ufunc, doc: str) -> Callable[[Any, Any], Array]:
    """Return the op of ``fmax`` or ``fmin``, which take a number rather than NaN."""

    def slope(g: Any, a: Any, b: Any) -> Any:
        return g * ((wins(a, b) | np.isnan(b)) + np.float32(0.5) * np.equal(a, b))

    return binary(ufunc, slope, lambda g, a, b: slope(g, b, a), doc)


fmax = _choice(np.fmax, np.greater, "Return the larger one that is a number.")
fmin = _choice(np.fmin, np.less, "Return the smaller one that is a number.")


def _steps(rng: np.random.Generator) -> Iterator[Call]:
    """Return samples whose quotient is away from whole numbers."""
    b = rng.uniform(0.5, 2, (3, 4)) * rng.choice([-1, 1], (3, 4))
    yield call(b * (rng.integers(-3, 3, (3, 4)) + rng.uniform(0.2, 0.8, (3, 4))), b)
    yield call(np.asarray(rng.uniform(3.2, 3.8)), np.array([1.0, -1.0]))


def _whole_part(a: Any, b: Any) -> Any:
    """Return how often b goes into a, towards 0; fmod is exact, and a / b might be rounded up."""
    return np.rint((a - np.fmod(a, b)) / b)


fmod = binary(
    np.fmod,
    lambda g: g,
    lambda g, a, b: -g * _whole_part(a, b),
    "Return what is left of a divided by b, with the sign of a.",
    of=_steps,
)
remainder = binary(
    np.remainder,
    lambda g: g,
    lambda g, a, b: -g * np.floor_divide(a, b),
    "Return what is left of a divided by b, with the sign of b.",
    of=_steps,
)
floor_divide = binary(
    np.floor_divide,
    lambda g: 0 * g,
    lambda g: 0 * g,
    "Return ``a / b`` rounded down; its gradient is 0 almost everywhere.",
    of=_steps,
)
copysign = binary(
    np.copysign,
    lambda g, a, b: g * (np.sign(a) * np.copysign(1.0, b)),
    lambda g: 0 * g,
    "Return the size of a with the sign of b.",
)
heaviside = binary(
    np.heaviside,
    lambda g: 0 * g,
    lambda g, a: g * np.equal(a, 0),
    "Return 0 for a below 0, 1 above it, and b for 0.",
)


def _ldexp_slope(g: Any, b: Any) -> Any:
    return np.ldexp(g, b)


ldexp = binary(
    np.ldexp,
    _ldexp_slope,
    None,
    "Return ``a · 2ᵇ`` for whole numbers b.",
    of=lambda rng: [call(rng.uniform(-2, 2, (3, 4)), rng.integers(-3, 4, 4))],
)


# --- sinc, which is no ufunc ----------------------------------------------------------------


def _near(a: Any) -> Any:
    """Return where the power series of the slope of sinc is exact."""
    return np.less(a, 0.25) & np.greater(a, -0.25)


def _series(x: Any, order: int) -> Any:
    """Return the slope of sinc near 0 (order 1), or the slope of that (order 2)."""
    total: Any = 0.0
    for k in range(9, 0, -1):
        total = total * (x * x) + _coefficient(k) * (1 if order == 1 else 2 * k - 1)
    return total * x if order == 1 else total


def _coefficient(k: int) -> float:
    """Return the coefficient of x²ᵏ⁻¹ in the slope: ``(−1)ᵏ · π²ᵏ · 2k / (2k + 1)!``."""
    return (-1) ** k * PI ** (2 * k) * 2 * k / factorial(2 * k + 1)


@in_double
def _sinc_slope(x: Array) -> Array:
    near = _near(x)
    far = np.where(near, 1, x)
    # Whole turns are taken away before the multiplication by π, which would round them.
    turn = far - 2 * np.rint(far / 2)
    sine, size = np.sin(PI * turn), np.abs(turn)
    cosine = np.where(size > 0.25, np.sin(PI * (0.5 - size)), np.cos(PI * turn))
    slope = (cosine - sine / (PI * far)) / far
    return np.where(near, _series(np.where(near, x, 0), 1), slope)


def _sinc_bend(g: Any, a: Any) -> Any:
    near = _near(a)
    far = np.where(near, 1.0, a)
    bend = -PI * PI * np.sinc(far) - 2 * sinc_slope(far) / far
    return g * np.where(near, _series(np.where(near, a, 0.0), 2), bend)


@elementary(_sinc_bend, of=lambda rng: [call(rng.uniform(-3, 3, (3, 4)))])
def sinc_slope(a: Any) -> Array:
    """Return the slope of sinc, ``(cos(πa) − sinc(a)) / a``."""
    return _sinc_slope(a)


@elementary(
    lambda g, a: g * sinc_slope(a),
    of=lambda rng: [call(rng.uniform(-3, 3, (3, 4)))],
)
def sinc(a: Any) -> Array:
    """Return ``sin(πa) / (πa)``, and 1 at 0."""
    return np.sinc(a)
