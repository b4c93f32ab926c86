"""Sums over the taps of depthwise windows, written for LLVM, beside the same loops in Python."""

from __future__ import annotations

import numpy as np
import pytest

from tests import needs

window_tile = needs.kernels("window_tile")
tile = needs.kernels("tile")


@pytest.mark.parametrize("gradients", [False, True], ids=["sums", "gradients"])
@pytest.mark.parametrize("taps", [(0, 2), (1, 1), (1, 3), (3, 2), (3, 3), (5, 4), (7, 1)])
@pytest.mark.parametrize("outputs", [(1, 1), (4, 1), (1, 5), (3, 4), (0, 3)])
def test_any_size(taps: tuple[int, int], outputs: tuple[int, int], gradients: bool) -> None:
    from tests.kernels.toy_kernels import summed_taps

    rng = np.random.default_rng(0)
    for length in (1, 7, 8, tile.LANES, 2 * tile.LANES + 11):
        x, w, y = (rng.standard_normal(size).astype(np.float32) for size in (60_000, 6_000, 9_000))
        row, along, w_along, y_row = length + 1, length + 2, length + 3, 2 * length
        run, down, w_down, y_run = 400, 900, 4 * w_along + 1, 5 * y_row
        sizes = (*taps, *outputs, 11, run, row, down, along, 5, w_down, w_along, 3, y_run, y_row)
        found_w, found_y = w.copy(), y.copy()
        summed_taps(np.array([*sizes, length]), x, found_w, found_y, gradients)
        numbers = (*sizes[:4], x, *sizes[4:9], w, *sizes[9:12], y, *sizes[12:])
        if gradients:
            window_tile._gradients(*numbers, length)
        else:
            window_tile._sums(*numbers, length, False)
        np.testing.assert_allclose(found_w, w, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found_y, y, rtol=1e-4, atol=1e-5)
