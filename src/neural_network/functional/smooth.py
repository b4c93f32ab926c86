"""What smooth activations and their slopes compute, from exponentials that cannot overflow.

Each function is written once for negative and once for positive numbers, in ``exp(−|z|)``, so
that no digit is lost far out: ``1 − tanh²``, for example, would be 0 where tanh is rounded to 1.
The slope of an activation is an op, whose own slope is a formula of ops again; so there are
derivatives of every order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.functional.elementwise import elementary, in_double
from neural_network.functional.error_function import exp_times
from neural_network.functional.op import Call, call

# exp(−HELD) is 0.
HELD = 800.0


def normal_numbers(rng: np.random.Generator) -> list[Call]:
    """Return samples on both sides of 0."""
    return [call(rng.normal(0, 3, (3, 5)))]


def held(z: Any) -> Any:
    """Return z limited to where exp(−|z|) is not 0, so that no product is ∞ · 0."""
    return np.clip(z, -HELD, HELD)


def _by_sign(
    negative: Callable[[Array, Array], Array], positive: Callable[[Array, Array], Array]
) -> Callable[..., Array]:
    """Return a function in two pieces, computed in float64.

    Args:
        negative: for z ≤ 0 the factor of exp(z), given z and exp(z).
        positive: for z ≥ 0 the value, given z and exp(−z).
    """

    @in_double
    def computed(z: Array) -> Array:
        below = np.clip(z, -HELD, 0)
        decay = np.exp(-np.abs(z))
        return np.where(
            z < 0, exp_times(below, negative(below, decay)), positive(np.maximum(z, 0), decay)
        )

    return computed


@in_double
def softplus_of(z: Array) -> Array:
    """Return ``log(1 + exp(z))``."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


@in_double
def _sigmoid_slope(z: Array) -> Array:
    decay = np.exp(-np.abs(z))
    return decay / (1 + decay) ** 2


@elementary(lambda g, Z, out: -g * out * np.tanh(Z / 2), of=normal_numbers)
def sigmoid_slope(Z: Any) -> Array:
    """Return the slope of the logistic function, ``sigmoid(Z) · sigmoid(−Z)``."""
    return _sigmoid_slope(Z)


# --- silu: z · σ(z) -----------------------------------------------------------------------

silu_of = _by_sign(lambda z, e: z / (1 + e), lambda z, e: z / (1 + e))
_silu_slope = _by_sign(
    lambda z, e: (1 + z / (1 + e)) / (1 + e),
    lambda z, e: (1 + np.minimum(z, HELD) * e / (1 + e)) / (1 + e),
)


@elementary(lambda g, Z: g * (sigmoid_slope(Z) * (2 - held(Z) * np.tanh(Z / 2))), of=normal_numbers)
def silu_slope(Z: Any) -> Array:
    """Return the slope of silu, ``σ(Z) · (1 + Z · σ(−Z))``."""
    return _silu_slope(Z)


# --- mish: z · tanh(softplus(z)) -------------------------------------------------------------
#
# With e = exp(z), tanh(softplus(z)) = e · (e + 2) / d and its slope 4 · e · (e + 1) / d², where
# d = e² + 2e + 2.

mish_of = _by_sign(
    lambda z, e: z * (e + 2) / (e * (e + 2) + 2),
    lambda z, e: z * (1 + 2 * e) / (1 + 2 * e + 2 * e * e),
)
_mish_slope = _by_sign(
    lambda z, e: _mish_slope_below(z, e, e * e / 2),
    lambda z, e: _mish_slope_above(np.minimum(z, HELD), e, 1 + 2 * e + 2 * e * e),
)


def _mish_slope_below(z: Array, e: Array, half: Array) -> Array:
    # (1 + e) / (d / 2) is written as 1 less something, which rounds once.
    d = 1 + (e + half)
    return ((1 + e / 2) + z * (1 - half / d)) / d


def _mish_slope_above(z: Array, e: Array, d: Array) -> Array:
    return (1 + 2 * e) / d + z * (4 * e * e * (1 + e)) / (d * d)


def _mish_bend(g: Any, Z: Any) -> Any:
    """Return the slope of ``t + z · σ · (1 − t²)``, with t = tanh(softplus(z))."""
    z, slope = held(Z), sigmoid_slope(Z)
    share, t = (1 + np.tanh(z / 2)) / 2, np.tanh(np.logaddexp(z, 0.0))
    return g * ((1 - t * t) * (2 * share + z * slope - 2 * z * share * share * t))


@elementary(_mish_bend, of=normal_numbers)
def mish_slope(Z: Any) -> Array:
    """Return the slope of mish."""
    return _mish_slope(Z)


# --- gelu with a tangent ----------------------------------------------------------------------

CURVE = 0.7978845608028654  # √(2/π)


def _bent(z: Any) -> tuple[Any, Any]:
    """Return z, limited to where the tangent is not ±1 and z³ cannot overflow, and its angle."""
    z = np.clip(z, -25, 25)
    return z, (z + z * z * z * 0.044715) * CURVE


@in_double
def _tanh_gelu(z: Array) -> Array:
    return np.maximum(z, -1e300) * ((np.tanh(_bent(z)[1]) + 1) * 0.5)


def _tanh_gelu_slope(g: Any, Z: Any) -> Any:
    z, angle = _bent(Z)
    bend = sigmoid_slope(2 * angle) * (2 * CURVE * z * (1 + 0.134145 * z * z))
    return g * ((np.tanh(angle) + 1) * 0.5 + bend)


@elementary(_tanh_gelu_slope, of=normal_numbers)
def tanh_gelu(Z: Any) -> Array:
    """Return ``Z · (1 + tanh(√(2/π) · (Z + 0.044715 · Z³))) / 2``."""
    return _tanh_gelu(Z)
