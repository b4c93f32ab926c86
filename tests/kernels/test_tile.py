"""The loops that are written in LLVM's language, beside the same loops in plain Python."""

from __future__ import annotations

import numpy as np
import pytest

from tests import needs

tile = needs.kernels("tile")


@pytest.mark.parametrize("both", [True, False])
def test_gradients_of_any_width(both: bool) -> None:
    from tests.kernels.toy_kernels import both_gradients

    rng = np.random.default_rng(0)
    for length in [*range(0, 16 * tile.LANES, 4), 300]:
        for first, count in ((0, 1), (3, 5), (2, 0)):
            x, dx, w, dw = rng.standard_normal((4, 900)).astype(np.float32)
            values = rng.standard_normal(9).astype(np.float32)
            # Some overlap, and one stands twice.
            offsets = np.array([0, 7, 500, 1, 0, 9, 9, 400, 300], np.int32)
            desired_dx, desired_dw = dx.copy(), dw.copy()
            both_gradients(values, offsets, x, dx, w, dw, (first, count, 11, 5, length), both)
            tile._exchange(
                values, offsets, first, count, x, desired_dx, 11, w, desired_dw, 5, length, both
            )
            np.testing.assert_allclose(dx, desired_dx, rtol=1e-5, atol=1e-5)
            np.testing.assert_allclose(dw, desired_dw, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("window", [(1, 1), (2, 3), (3, 2), (15, 17)])
def test_largest_of_any_width(window: tuple[int, int]) -> None:
    from tests.kernels.toy_kernels import largest_numbers

    high, wide = window
    rng = np.random.default_rng(0)
    for length in range(0, 5 * tile.LANES, 8):
        for numbers in ([-2, -1, 0, 1], [-np.inf, -1, np.nan, np.inf], [-np.inf], [np.nan]):
            along, down = length + 3, wide * (length + 3) + 5
            sums = rng.choice(numbers, 7 + high * down + length).astype(np.float32)
            found = rng.standard_normal(length + 20).astype(np.float32)
            desired, index = found.copy(), np.full(len(found), 99, np.uint8)
            desired_index = index.copy()
            largest_numbers(sums, found, index, (7, down, along, high, wide, 9, length))
            tile._largest(sums, 7, down, along, high, wide, desired, desired_index, 9, length)
            np.testing.assert_array_equal(found, desired)
            np.testing.assert_array_equal(index, desired_index)
