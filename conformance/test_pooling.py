"""Pooling in one to three dimensions. No two numbers are equal but where a test says so.

Among equal largest numbers PyTorch's pools choose the first; ours share the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.agreement import agree
from neural_network import functional

LARGEST = {1: 14, 2: 9, 3: 6}


def drawn(seed: int, axes: int, *, dilated: bool) -> tuple[Any, dict[str, Any]]:
    """An array, and options that fit it."""
    rng = np.random.default_rng([seed, axes])

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(n) for n in rng.integers(low, high + 1, axes))

    size = each(1, 3)
    dilation = each(1, 2) if dilated else (1,) * axes
    reach = [d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True)]
    padding = tuple(int(rng.integers(0, k // 2 + 1)) for k in size)
    sizes = tuple(int(rng.integers(r, max(LARGEST[axes], r) + 1)) for r in reach)
    X = rng.standard_normal((2, int(rng.integers(1, 4)), *sizes))
    options = {"size": size, "padding": padding, "ceil_mode": bool(rng.random() < 0.5)}
    if rng.random() < 0.8:
        options["stride"] = each(1, 3)
    if dilated:
        options["dilation"] = dilation
    return X, options


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_max_pools(axes: int, seed: int) -> None:
    X, options = drawn(seed, axes, dilated=True)
    agree(getattr(functional, f"max_pool{axes}d"), X, **options)


@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_avg_pools(axes: int, seed: int, counted: bool) -> None:
    X, options = drawn(seed, axes, dilated=False)
    agree(getattr(functional, f"avg_pool{axes}d"), X, count_include_pad=counted, **options)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_padding_of_each_side(axes: int) -> None:
    X = np.random.default_rng(1).standard_normal((2, 2, *[6] * axes))
    pairs = tuple((0, 1) for _ in range(axes))
    agree(getattr(functional, f"max_pool{axes}d"), X, 3, 2, pairs)
    agree(getattr(functional, f"avg_pool{axes}d"), X, 3, 2, pairs)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("length", range(2, 12))
def test_every_rest_at_the_end(length: int, axes: int) -> None:
    X = np.random.default_rng(2).standard_normal((1, 1, *[4] * (axes - 1), length))
    for stride in (1, 2, 3):
        for padding in (0, 1):
            options = {"size": 2, "stride": stride, "padding": padding, "ceil_mode": True}
            agree(getattr(functional, f"max_pool{axes}d"), X, order=1, **options)
            agree(getattr(functional, f"avg_pool{axes}d"), X, order=1, **options)
            agree(
                getattr(functional, f"avg_pool{axes}d"),
                X, order=1, count_include_pad=False, **options,
            )  # fmt: skip


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 1), (7, 5, 3)])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 1), ((2, 3), (2, 1)), (1, 3)])
def test_the_articles_max_pool(shape: Any, size: Any, stride: Any) -> None:
    agree(functional.max_pool, np.random.default_rng(3).standard_normal(shape), size, stride)


@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 2, 3, 4), (2, 1, 2, 3, 2)])
def test_global_avg_pool(shape: Any) -> None:
    agree(functional.global_avg_pool, np.random.default_rng(4).standard_normal(shape))


def test_equal_numbers_give_equal_values() -> None:
    X = np.random.default_rng(5).integers(0, 2, (2, 2, 6, 6)).astype(float)
    agree(functional.max_pool2d, X, 3, 2, 1, order=0)
