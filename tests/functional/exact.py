"""What elementary functions and their slopes are, to 160 bits: the other side of the comparison.

A value is a number, or a list of terms whose sum it is: where terms cancel, an error is
measured by the largest of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np

import neural_network as nn
from neural_network.functional import error_function, smooth, ufuncs

mp: Any = mpmath.mp.clone()
mp.prec = 160
Exact = Callable[..., Any]
# What a reference returns where NumPy's own conventions decide, for example the sign of 0.
UNDECIDED = None


@dataclass(frozen=True)
class Case:
    """A function, its value, and its slopes; where usual numbers for each argument lie."""

    function: Any
    value: Exact
    slopes: tuple[Exact, ...]
    usual: tuple[tuple[float, float], ...] = ((-4, 4),)
    numpy: Any = None  # what decides where there is no number

    @property
    def arguments(self) -> int:
        return len(self.usual)


CASES: dict[str, Case] = {}


def one(name: str, value: Exact, slope: Exact, low: float = -4, high: float = 4) -> None:
    """Take a ufunc of one argument."""
    ufunc = getattr(np, name)
    CASES[name] = Case(ufunc, value, (slope,), ((low, high),), ufunc)


def two(name: str, value: Exact, *slopes: Exact, low: float = -4, high: float = 4) -> None:
    """Take a ufunc of two arguments."""
    ufunc = getattr(np, name)
    CASES[name] = Case(ufunc, value, slopes, ((low, high), (low, high)), ufunc)


def ours(name: str, function: Any, value: Exact, *slopes: Exact) -> None:
    """Take a function of this library: it has a limit everywhere."""
    CASES[name] = Case(function, value, slopes, ((-20, 20),))


def sign(x: Any) -> Any:
    return (x > 0) - (x < 0)


def zero(*_: Any) -> Any:
    return mp.mpf(0)


# --- one argument -----------------------------------------------------------------------------

one("negative", lambda x: -x, lambda x: mp.mpf(-1))
one("positive", lambda x: x, lambda x: mp.mpf(1))
one("conjugate", lambda x: x, lambda x: mp.mpf(1))
one("absolute", abs, sign)
one("fabs", abs, sign)
one("sign", sign, zero)
one("square", lambda x: x * x, lambda x: 2 * x)
one("sqrt", mp.sqrt, lambda x: 1 / (2 * mp.sqrt(x)), 0, 4)
one("cbrt", lambda x: sign(x) * mp.cbrt(abs(x)), lambda x: 1 / (3 * mp.cbrt(abs(x)) ** 2))
one("reciprocal", lambda x: 1 / x, lambda x: -1 / (x * x))
one("exp", mp.exp, mp.exp)
one("exp2", lambda x: mp.exp(x * mp.ln2), lambda x: mp.exp(x * mp.ln2) * mp.ln2)
one("expm1", mp.expm1, mp.exp)
one("log", mp.log, lambda x: 1 / x, 0, 4)
one("log2", lambda x: mp.log(x) / mp.ln2, lambda x: 1 / (x * mp.ln2), 0, 4)
one("log10", lambda x: mp.log(x) / mp.ln10, lambda x: 1 / (x * mp.ln10), 0, 4)
one("log1p", mp.log1p, lambda x: 1 / (1 + x), -1, 4)
one("sin", mp.sin, mp.cos)
one("cos", mp.cos, lambda x: -mp.sin(x))
one("tan", mp.tan, lambda x: mp.sec(x) ** 2)
one("arcsin", mp.asin, lambda x: 1 / mp.sqrt((1 - x) * (1 + x)), -1, 1)
one("arccos", mp.acos, lambda x: -1 / mp.sqrt((1 - x) * (1 + x)), -1, 1)
one("arctan", mp.atan, lambda x: 1 / (1 + x * x))
one("sinh", mp.sinh, mp.cosh)
one("cosh", mp.cosh, mp.sinh)
one("tanh", mp.tanh, lambda x: mp.sech(x) ** 2)
one("arcsinh", mp.asinh, lambda x: 1 / mp.sqrt(1 + x * x))
one("arccosh", mp.acosh, lambda x: 1 / (mp.sqrt(x - 1) * mp.sqrt(x + 1)), 1, 4)
one("arctanh", mp.atanh, lambda x: 1 / ((1 - x) * (1 + x)), -1, 1)
for _name in ("deg2rad", "radians"):
    one(_name, lambda x: x * mp.pi / 180, lambda x: mp.pi / 180)
for _name in ("rad2deg", "degrees"):
    one(_name, lambda x: x * 180 / mp.pi, lambda x: 180 / mp.pi)
for _name, _steps in {
    "floor": mp.floor,
    "ceil": mp.ceil,
    "rint": mp.nint,
    "trunc": lambda x: sign(x) * mp.floor(abs(x)),
}.items():
    one(_name, _steps, zero)
CASES["sinc"] = Case(
    np.sinc,
    mp.sincpi,
    (lambda x: [mp.cospi(x) / x, -mp.sincpi(x) / x] if x else mp.mpf(0),),
    numpy=np.sinc,
)


# --- two arguments ----------------------------------------------------------------------------


def beats(a: Any, b: Any, largest: bool) -> Any:
    return mp.mpf(1) / 2 if a == b else mp.mpf((a > b) == largest)


def power(a: Any, b: Any) -> Any:
    if a == 0:
        return UNDECIDED if b < 0 else mp.mpf(b == 0)
    if a < 0:
        odd = mp.isint(b) and int(b) % 2 if abs(b) < 2**53 else UNDECIDED
        return UNDECIDED if odd is UNDECIDED else (-1) ** odd * mp.exp(b * mp.log(-a))
    return mp.exp(b * mp.log(a))


def power_by_base(a: Any, b: Any) -> Any:
    if a == 0:
        return UNDECIDED if b < 0 else mp.inf if 0 < b < 1 else mp.mpf(b == 1)
    if a < 0 and a != -1 and abs(b) > 2**23:
        return UNDECIDED  # b − 1, which decides about the sign of ∞, may be no float32
    lower = power(a, b - 1)
    return UNDECIDED if lower is UNDECIDED else b * lower


def power_by_exponent(a: Any, b: Any) -> Any:
    if a <= 0:
        return zero() if a == 0 and b >= 0 else UNDECIDED
    if mp.isinf(a):
        return mp.inf if b >= 0 else zero()
    return power(a, b) * mp.log(a)


def quotient(a: Any, b: Any, rounded: Any) -> Any:
    """Return a / b rounded to a whole number, without an error of the division."""
    if mp.isinf(b):
        return mp.mpf(rounded(Fraction(sign(a) * sign(b), 3)))
    return mp.mpf(rounded(_fraction(a) / _fraction(b)))


def _fraction(x: Any) -> Fraction:
    mantissa, exponent = x.man_exp
    return int(sign(x)) * Fraction(mantissa) * Fraction(2) ** exponent


def _rest(a: Any, b: Any, rounded: Any) -> Any:
    if mp.isinf(b):
        return b if quotient(a, b, rounded) else a
    exact = _fraction(a) - _fraction(b) * rounded(_fraction(a) / _fraction(b))
    return mp.mpf(exact.numerator) / exact.denominator


def _share(a: Any, b: Any, base: Any = 1) -> Any:
    return 1 / (1 + mp.exp((b - a) * base))


def _log_of_sum(a: Any, b: Any, base: Any = 1) -> Any:
    return [max(a, b), mp.log1p(mp.exp(-abs(a - b) * base)) / base]


def _over_square(a: Any, b: Any) -> Any:
    return a / (a * a + b * b) if a or b else zero()


def _angle(a: Any, b: Any) -> Any:
    return mp.atan2(a, b) if a else UNDECIDED


def _length(a: Any, b: Any) -> Any:
    return mp.sqrt(a * a + b * b)


two("add", lambda a, b: [a, b], lambda a, b: mp.mpf(1), lambda a, b: mp.mpf(1))
two("subtract", lambda a, b: [a, -b], lambda a, b: mp.mpf(1), lambda a, b: mp.mpf(-1))
two("multiply", lambda a, b: a * b, lambda a, b: b, lambda a, b: a)
two("divide", lambda a, b: a / b, lambda a, b: 1 / b, lambda a, b: -a / (b * b))
for _name in ("maximum", "fmax"):
    two(_name, max, lambda a, b: beats(a, b, True), lambda a, b: beats(b, a, True))
for _name in ("minimum", "fmin"):
    two(_name, min, lambda a, b: beats(a, b, False), lambda a, b: beats(b, a, False))
for _name in ("power", "float_power"):
    two(_name, power, power_by_base, power_by_exponent)
two("logaddexp", _log_of_sum, _share, lambda a, b: _share(b, a))
two(
    "logaddexp2",
    lambda a, b: _log_of_sum(a, b, mp.ln2),
    lambda a, b: _share(a, b, mp.ln2),
    lambda a, b: _share(b, a, mp.ln2),
)
two(
    "hypot",
    _length,
    lambda a, b: a / _length(a, b) if a or b else zero(),
    lambda a, b: b / _length(a, b) if a or b else zero(),
)
two("arctan2", _angle, lambda a, b: _over_square(b, a), lambda a, b: -_over_square(a, b))
for _name, _whole in (("fmod", math.trunc), ("remainder", math.floor)):
    two(
        _name,
        partial(_rest, rounded=_whole),
        lambda a, b: mp.mpf(1),
        lambda a, b, _whole=_whole: -quotient(a, b, _whole),
    )
two("floor_divide", lambda a, b: quotient(a, b, math.floor) if b else UNDECIDED, zero, zero)
two(
    "copysign",
    lambda a, b: abs(a) * sign(b) if b else UNDECIDED,
    lambda a, b: sign(a) * sign(b) if b else UNDECIDED,
    zero,
)
two(
    "heaviside",
    lambda a, b: b if a == 0 else mp.mpf(a > 0),
    zero,
    lambda a, b: mp.mpf(a == 0),
)


# --- activations ------------------------------------------------------------------------------


def sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def bell(x: Any) -> Any:
    """The slope of the sigmoid."""
    return mp.sech(x / 2) ** 2 / 4


def softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(-abs(x))) + max(x, 0)


def silu_slope(x: Any) -> Any:
    return [sigmoid(x), x * bell(x)]


def mish_slope(x: Any) -> Any:
    return [mp.tanh(softplus(x)), x * sigmoid(x) * mp.sech(softplus(x)) ** 2]


def below(x: Any) -> Any:
    """The chance that a normal number lies below x."""
    return mp.erfc(-x / mp.sqrt(2)) / 2 if abs(x) < 1000 else mp.mpf(x > 0)


def gelu_slope(x: Any) -> Any:
    return [below(x), x * mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)]


def erf_slope(x: Any) -> Any:
    return 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)


def angle(x: Any) -> Any:
    return mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)


def tanh_gelu(x: Any) -> Any:
    return [x / 2, x / 2 * mp.tanh(angle(x))]


def tanh_gelu_slope(x: Any) -> Any:
    by_x = mp.sqrt(2 / mp.pi) * (1 + 3 * mp.mpf("0.044715") * x * x)
    half = mp.mpf(1) / 2
    return [half, half * mp.tanh(angle(x)), half * x * mp.sech(angle(x)) ** 2 * by_x]


def hardswish_slope(x: Any) -> Any:
    return [x / 3, mp.mpf(1) / 2] if abs(x) <= 3 else mp.mpf(x > 0)


ours("identity", nn.identity, lambda x: x, lambda x: mp.mpf(1))
ours("relu", nn.relu, lambda x: max(x, 0), lambda x: mp.mpf(x > 0))
ours(
    "leaky_relu",
    nn.leaky_relu,
    lambda x: x if x > 0 else x / 100,
    lambda x: mp.mpf(1) if x > 0 else mp.mpf(1) / 100,
)
ours(
    "elu",
    nn.elu,
    lambda x: x if x > 0 else mp.expm1(x),
    lambda x: mp.mpf(1) if x > 0 else mp.exp(x),
)
ours("sigmoid", nn.sigmoid, sigmoid, bell)
ours("nn.tanh", nn.tanh, mp.tanh, lambda x: mp.sech(x) ** 2)
ours("softplus", nn.softplus, softplus, sigmoid)
ours("silu", nn.silu, lambda x: x * sigmoid(x), silu_slope)
ours("mish", nn.mish, lambda x: x * mp.tanh(softplus(x)), mish_slope)
ours("gelu", nn.gelu, lambda x: [x / 2, x / 2 * mp.erf(x / mp.sqrt(2))], gelu_slope)
ours("gelu by tanh", partial(nn.gelu, approximate="tanh"), tanh_gelu, tanh_gelu_slope)
ours(
    "hardswish",
    nn.hardswish,
    lambda x: x * min(max(x + 3, 0), 6) / 6,
    hardswish_slope,
)
ours("erf", nn.erf, mp.erf, erf_slope)
# Slopes that are ops of their own; their slopes are second derivatives.
ours("slope of erf", error_function.erf_slope, erf_slope)
ours("slope of sigmoid", smooth.sigmoid_slope, bell)
ours("slope of silu", smooth.silu_slope, silu_slope)
ours("slope of mish", smooth.mish_slope, mish_slope)
ours("slope of gelu", error_function.gelu_slope, gelu_slope)
CASES["slope of hypot"] = Case(
    ufuncs.direction, lambda a, b: a / _length(a, b) if a or b else zero(), (), ((-4, 4),) * 2
)
CASES["slope of arctan2"] = Case(
    ufuncs.angle_slope, lambda a, b: _over_square(b, a), (), ((-4, 4),) * 2
)
