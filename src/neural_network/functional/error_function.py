"""The error function, which NumPy lacks, and what activations compute from its tail.

Rational approximations of Cody, "Rational Chebyshev approximation for the error function",
Math. Comp. 23, 1969. Far out, where 1 − erf is small, it is ``exp(−x²)`` times a factor that
varies slowly. A rounding of x² would be magnified by the exponential, so x is split into a
multiple of 1/128, whose square is exact, and a small rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from neural_network.checks import Array, as_floating, rounded
from neural_network.functional.elementwise import elementary, finite, in_double
from neural_network.functional.op import call
from neural_network.public import public

# Numerators and denominators, highest power first.
NEAR = (
    (1.85777706184603153e-1, 3.16112374387056560, 113.864154151050156, 377.485237685302021,
     3209.37758913846947),
    (1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228, 2844.23683343917062),
)  # fmt: skip
MIDDLE = (
    (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 66.1191906371416295,
     298.635138197400131, 881.952221241769090, 1712.04761263407058, 2051.07837782607147,
     1230.33935479799725),
    (1.0, 15.7449261107098347, 117.693950891312499, 537.181101862009858, 1621.38957456669019,
     3290.79923573345963, 4362.61909014324716, 3439.36767414372164, 1230.33935480374942),
)  # fmt: skip
FAR = (
    (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1,
     1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1,
     6.05183413124413191e-2, 2.33520497626869185e-3),
)  # fmt: skip
ROOT_HALF = 0.7071067811865476
ROOT_PI = 1.7724538509055159
ROOT_2_PI = 2.5066282746310002
# exp(x) is smaller than any number for x < −746.
LOWEST_EXPONENT = -700.0
BEYOND = 40.0


def exp_times(exponent: Array, factor: Array) -> Array:
    """Return ``exp(exponent) · factor`` where the exponential alone might lose digits.

    Below ``LOWEST_EXPONENT`` the factor is multiplied in before the number gets that small.
    """
    product: Array = np.exp(np.maximum(exponent, LOWEST_EXPONENT)) * factor
    rest = np.minimum(exponent - LOWEST_EXPONENT, 0)
    return product * np.exp(rest) if np.any(rest) else product


def gaussian_times(x: Array, scale: float, factor: Array) -> Array:
    """Return ``exp(−scale · x²) · factor``, for a power of 2 as scale."""
    x = np.clip(x, -BEYOND, BEYOND)
    near = np.rint(x * 128) / 128
    return exp_times(-scale * near * near, np.exp(-scale * (x - near) * (x + near)) * factor)


def near_zero(x: Array) -> Array:
    """Return erf(x) for |x| ≤ 0.5."""
    square = x * x
    return x * _ratio(NEAR, square)


def tail_factor(x: Array) -> Array:
    """Return ``exp(x²) · (1 − erf(x))`` for x ≥ 0.5."""
    middle = np.clip(x, 0.5, 4)
    far = np.clip(x, 4, None)
    inverse = 1 / (far * far)
    return np.where(
        x <= 4, _ratio(MIDDLE, middle), (1 / ROOT_PI - inverse * _ratio(FAR, inverse)) / far
    )


def _ratio(table: tuple[Sequence[float], Sequence[float]], x: Array) -> Array:
    ratio: Array = np.polyval(np.array(table[0]), x) / np.polyval(np.array(table[1]), x)
    return ratio


@in_double
def _erf(x: Array) -> Array:
    size = np.abs(x)
    held = np.clip(size, 0.5, 6)  # beyond 6 the rest is below 1e-17
    rest = gaussian_times(held, 1.0, tail_factor(held))
    near = near_zero(np.clip(x, -0.5, 0.5))
    return np.where(size <= 0.5, near, np.copysign(1 - rest, x))


_erf_slope = in_double(lambda x: gaussian_times(x, 1.0, np.asarray(2 / ROOT_PI)))


@elementary(
    lambda g, X, out: g * (-2 * finite(X)) * out,
    of=lambda rng: [call(rng.uniform(-3, 3, (4, 5)))],
)
def erf_slope(X: Any) -> Array:
    """Return the slope of the error function, ``2/√π · exp(−x²)``."""
    return _erf_slope(X)


@public
@elementary(lambda g, X: g * erf_slope(X), of=lambda rng: [call(rng.uniform(-5, 5, (4, 5)))])
def erf(X: Any) -> Array:
    """Error function: ``2/√π · ∫₀ˣ exp(−t²) dt``, from −1 to 1.

    Args:
        X: any shape.

    Returns:
        The same shape, in the floating type of ``X``, within 4 units in the last place.

    Raises:
        DTypeError: ``X`` does not hold real numbers.

    Source: Cody, "Rational Chebyshev approximation for the error function", 1969.

    >>> erf(np.array([0.0, 1.0, -10.0])).round(6)
    array([ 0.      ,  0.842701, -1.      ])
    """
    (X,), dtype = as_floating("erf", X=X)
    return rounded(_erf(X), dtype)


# --- the normal distribution, for gelu ----------------------------------------------------


def _share_below(z: Array, factor: Array, left_factor: Array) -> Array:
    """Return ``factor`` times the chance that a normal number lies below z.

    Left of −0.7 that is ``exp(−z²/2) · tail / 2``; ``left_factor`` is what is added to
    ``factor · tail / 2`` there, to be multiplied by the same exponential.
    """
    x = z * ROOT_HALF
    tail = tail_factor(np.maximum(np.abs(x), 0.5)) / 2
    left = gaussian_times(z, 0.5, factor * tail + left_factor)
    right = factor * (1 - gaussian_times(np.abs(z), 0.5, tail))
    centre = factor * (near_zero(np.clip(x, -0.5, 0.5)) + 1) / 2
    return np.where(x < -0.5, left, np.where(x > 0.5, right, centre))


@in_double
def _gelu(z: Array) -> Array:
    """Return z times the chance that a normal number lies below it."""
    z = np.maximum(z, -BEYOND)
    return _share_below(z, z, np.asarray(0.0))


@in_double
def _gelu_slope(z: Array) -> Array:
    """Return that chance plus z times its slope, ``z · exp(−z²/2) / √(2π)``."""
    held = np.clip(z, -BEYOND, BEYOND)
    slope = held / ROOT_2_PI
    rest = np.where(held * ROOT_HALF < -0.5, 0, gaussian_times(held, 0.5, slope))
    return _share_below(held, np.asarray(1.0), slope) + rest


def _held(z: Any) -> Any:
    """Return z limited to where the density is not 0, so that no product is ∞ · 0."""
    return np.clip(z, -BEYOND, BEYOND)


@elementary(
    # (2 − z²) times the density.
    lambda g, Z: g * ((2 - _held(Z) ** 2) * erf_slope(_held(Z) * ROOT_HALF) * (ROOT_HALF / 2)),
    of=lambda rng: [call(rng.uniform(-4, 4, (4, 5)))],
)
def gelu_slope(Z: Any) -> Array:
    """Return the slope of gelu."""
    return _gelu_slope(Z)


@elementary(lambda g, Z: g * gelu_slope(Z), of=lambda rng: [call(rng.uniform(-4, 4, (4, 5)))])
def exact_gelu(Z: Any) -> Array:
    """Return ``Z · (1 + erf(Z / √2)) / 2``."""
    return _gelu(Z)
