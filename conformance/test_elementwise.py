"""Arithmetic and activations on drawn numbers, far from 0 too, and where arguments are equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.agreement import agree
from neural_network import functional
from neural_network.functional import elementwise

ACTIVATIONS = [
    ("identity", {}),
    ("relu", {}),
    ("sigmoid", {}),
    ("tanh", {}),
    ("leaky_relu", {}),
    ("leaky_relu", {"slope": 0.3}),
    ("elu", {}),
    ("elu", {"alpha": 0.5}),
    ("softplus", {}),
    ("silu", {}),
    ("mish", {}),
    ("gelu", {}),
    ("gelu", {"approximate": "tanh"}),
    ("hardswish", {}),
    ("erf", {}),
]
SHAPES = [(), (7,), (3, 5), (2, 1, 4, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [0.1, 3.0, 15.0])
@pytest.mark.parametrize(("name", "options"), ACTIVATIONS)
def test_activations(name: str, options: Any, scale: float, shape: Any) -> None:
    # No draw hits 0 or ±3, where the bent ones have two slopes to choose from.
    Z = np.random.default_rng(5).normal(0, scale, shape)
    agree(getattr(functional, name), np.asarray(Z), **options)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "elu"])
def test_at_zero_both_take_the_slope_from_below(name: str) -> None:
    agree(getattr(functional, name), np.array([-1.0, 0.0, 2.0]), order=1)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(
    ("shape", "axis"), [((4,), 0), ((3, 5), 1), ((3, 5), 0), ((2, 3, 4), -2), ((2, 3, 4, 2), 1)]
)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_softmax(name: str, shape: Any, axis: int, scale: float) -> None:
    agree(getattr(functional, name), np.random.default_rng(6).normal(0, scale, shape), axis=axis)


PAIRS = ["add", "subtract", "multiply", "divide", "power", "maximum", "minimum"]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", PAIRS)
def test_pairs_that_broadcast(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    full = rng.integers(1, 4, rng.integers(1, 5))
    shapes = [
        tuple(int(n) if rng.random() < 0.7 else 1 for n in full)[rng.integers(0, len(full) + 1) :]
        for _ in range(2)
    ]
    a, b = (np.asarray(rng.uniform(0.3, 3, shape)) for shape in shapes)
    agree(getattr(functional, name), a, b)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_equal_numbers_share_the_gradient(name: str) -> None:
    a = np.array([1.0, 2.0, 3.0])
    agree(getattr(functional, name), a, np.array([1.0, 5.0, 3.0]), order=1)


def test_powers_where_a_slope_could_be_nan() -> None:
    agree(functional.power, np.array([0.0, 0.0, -2.0]), np.array([2.0, 3.0, 3.0]), fixed=("b",))
    agree(functional.power, np.array([-1.5, 2.0, 0.5]), 2)
    agree(functional.power, np.array([4.0, 2.0, 0.5]), -0.5)


@pytest.mark.parametrize("scale", [0.01, 1.0, 20.0])
@pytest.mark.parametrize("name", ["sqrt", "log", "log1p", "square", "absolute", "negative"])
def test_singles(name: str, scale: float) -> None:
    agree(getattr(functional, name), np.random.default_rng(7).uniform(0.2, 1, (3, 4)) * scale)


@pytest.mark.parametrize("scale", [0.01, 1.0, 8.0])
@pytest.mark.parametrize("name", ["exp", "expm1", "sin", "cos", "sign"])
def test_singles_of_both_signs(name: str, scale: float) -> None:
    agree(getattr(functional, name), np.random.default_rng(8).normal(0, scale, (3, 4)))


@pytest.mark.parametrize("bounds", [(-0.5, 0.7), (None, 0.2), (0.0, None)])
def test_clip(bounds: Any) -> None:
    agree(functional.clip, np.random.default_rng(9).standard_normal((4, 5)), *bounds)


def test_clip_lets_the_gradient_through_on_its_bounds() -> None:
    agree(functional.clip, np.array([-1.0, -0.5, 0.7, 2.0]), -0.5, 0.7, order=1)


@pytest.mark.parametrize("steps", [np.floor, np.ceil])
def test_steps(steps: Any) -> None:
    agree(elementwise.flat, np.random.default_rng(10).normal(0, 3, (3, 4)), steps)


def test_where() -> None:
    rng = np.random.default_rng(11)
    for left, right in [((3, 4), (4,)), ((1, 4), (3, 1)), ((), (3, 4))]:
        condition = rng.random((3, 4)) < 0.4
        agree(functional.where, condition, *(np.asarray(rng.normal(size=s)) for s in (left, right)))
