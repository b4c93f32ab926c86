"""What the convolution of a single row is made of, beside the same in plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from tests import needs

products = needs.kernels("window_products")
pooling = needs.kernels("row_pooling")


@pytest.mark.parametrize("count", [1, 2, 5, 6, 7, 14, 15, 23, 31])
@pytest.mark.parametrize("width", [8, 16, 24, 40, 72, 152])
@pytest.mark.parametrize("length", [0, 1, 2, 9, 27])
def test_products_at_offsets(count: int, width: int, length: int) -> None:
    from tests.kernels.toy_kernels import multiply_at

    rng = np.random.default_rng(0)
    at, row, y_row = 3, length + 2, width + 8
    x = rng.standard_normal(at + count * row).astype(np.float32)
    w = rng.standard_normal(400 + width).astype(np.float32)
    offsets = rng.integers(0, 400, length)
    found = np.full(count * y_row, np.nan, np.float32)
    expected = found.copy()
    multiply_at(x, np.array([count, width, at, row, length]), w, offsets, found, y_row)
    products._tile(count, width, x, at, row, length, w, 0, offsets, expected, 0, y_row)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("along", [1, 2, 3, 5])
@pytest.mark.parametrize("down", [1, 2, 3])
@pytest.mark.parametrize("positions", [1, 3, 4, 7, 8, 13, 16, 31, 45])
@pytest.mark.parametrize("relu", [False, True])
def test_the_largest_of_windows(along: int, down: int, positions: int, relu: bool) -> None:
    from tests.kernels.toy_kernels import pooled

    rng, rows, at, to = np.random.default_rng(0), 3, 2, 5
    sums = rng.standard_normal(at + rows * down * positions * along).astype(np.float32)
    for value in (np.nan, np.inf, -np.inf):
        sums[at + rng.integers(sums.size - at)] = value
    factors, shifts = np.array([[9, -1.5, 9], [9, 0.25, 9]], np.float32)
    numbers = np.array([at, rows, positions, down, along, 1, to])
    found = np.full(to + rows * positions + 3, 7, np.float32)
    expected = found.copy()
    pooled(sums, numbers, factors, shifts, relu, found)
    with np.errstate(invalid="ignore"):
        pooling._largest_of_windows(
            sums, *numbers[:5], factors, shifts, 1, relu, expected, to
        )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    windows = (sums[at:] * factors[1] + shifts[1]).reshape(rows, down, positions, along)
    largest = windows.max(axis=(1, 3))
    plain = np.where(largest < 0, 0, largest) if relu else largest
    np.testing.assert_allclose(expected[to:-3].reshape(rows, positions), plain, rtol=1e-6)
