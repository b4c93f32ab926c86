"""Adaptive pooling and interpolation to drawn sizes, larger and smaller."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.agreement import agree
from neural_network.functional.interpolation import interpolate
from neural_network.functional.pooling import adaptive as pools

LARGEST = {1: 17, 2: 9, 3: 6}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


def drawn(seed: int, axes: int) -> tuple[np.random.Generator, Any]:
    rng = np.random.default_rng([seed, axes])
    sizes = rng.integers(1, LARGEST[axes] + 1, axes)
    return rng, rng.standard_normal((2, int(rng.integers(1, 3)), *sizes))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kind", ["avg", "max"])
def test_adaptive_pools(kind: str, axes: int, seed: int) -> None:
    rng, X = drawn(seed, axes)
    outputs = tuple(int(n) for n in rng.integers(1, LARGEST[axes] + 1, axes))
    # Larger than the picture, one number is the largest of several windows.
    agree(getattr(pools, f"adaptive_{kind}_pool{axes}d"), X, outputs)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_one_size_for_all_axes(axes: int) -> None:
    _, X = drawn(99, axes)
    for size in (1, 2):
        agree(getattr(pools, f"adaptive_avg_pool{axes}d"), X, size)
        agree(getattr(pools, f"adaptive_max_pool{axes}d"), X, size)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize(("straight", "aligned"), [(False, False), (True, False), (True, True)])
def test_interpolate(straight: bool, aligned: bool, axes: int, seed: int) -> None:
    rng, X = drawn(seed, axes)
    options: dict[str, Any] = {"mode": LINEAR[axes] if straight else "nearest"}
    if straight:
        options["align_corners"] = aligned
    sizes = tuple(int(n) for n in rng.integers(1, 2 * LARGEST[axes], axes))
    agree(interpolate, X, sizes, **options)
    scales = tuple(float(s) for s in rng.uniform(1, 3, axes))  # below 1, 1 place would be 0
    if not straight:
        scales = tuple(settled(n, s) for n, s in zip(X.shape[2:], scales, strict=True))
    agree(interpolate, X, scale=scales, **options)


def settled(n: int, scale: float) -> float:
    """A scale whose nearest places PyTorch agrees about with itself.

    Where the size, rounded down, stays the same or doubles, it forgets the scale in
    gradients, but not in the values of one and three dimensions: 3 places by 2.27 read
    0 0 0 1 1 2, and the gradient goes to 0 0 1 1 2 2.
    """
    return float(int(scale)) if int(n * scale) in (n, 2 * n) else scale


@pytest.mark.parametrize("scale", [0.3, 0.5, 0.7, 1.5, 2, 2.3])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_scales(mode: str, scale: float) -> None:
    X = np.random.default_rng(1).standard_normal((1, 2, 23))
    agree(interpolate, X, scale=scale, mode=mode)


@pytest.mark.parametrize("size", range(1, 60))
def test_every_nearest_place(size: int) -> None:
    # ⌊i · n / m⌋ hangs on the rounding of the product where that is a whole number.
    for length in (7, 10, 30):
        X = np.arange(float(length))[None, None]
        agree(interpolate, X, size, order=0)
