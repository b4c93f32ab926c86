"""Parts of images copied with zeros around them, written for LLVM, beside the same in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests import needs

patches = needs.kernels("patches")
tile = needs.kernels("tile")

SLACK = 64


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("columns", [1, 4, 7, 8, 9, 16, 17, 40])
@pytest.mark.parametrize(("top", "left"), [(0, 0), (-1, -1), (-2, -3), (1, 2), (-5, -60), (2, 9)])
def test_any_part_of_an_image(step: int, columns: int, top: int, left: int) -> None:
    from tests.kernels.toy_kernels import copied_part

    height, width, rows = 6, 11, 4
    rng = np.random.default_rng(0)
    memory = rng.standard_normal(2 * SLACK + height * width + 2 * tile.LANES).astype(np.float32)
    image = memory[SLACK:][: height * width].reshape(height, width)
    y = np.full(rows * columns + tile.LANES, np.nan, np.float32)
    copied_part(memory, SLACK, height, width, top, left, step, y, rows, columns)
    place = np.arange(rows)[:, None] * step + top, np.arange(columns) * step + left
    inside = [(p >= 0) & (p < n) for p, n in zip(place, (height, width), strict=True)]
    expected = np.where(
        inside[0] & inside[1],
        image[np.clip(place[0], 0, height - 1), np.clip(place[1], 0, width - 1)],
        np.float32(0),
    )
    np.testing.assert_array_equal(y[: rows * columns].reshape(rows, columns), expected)


@pytest.mark.parametrize("size", [(0, 3, 0), (2, 3, 1), (3, 0, 0), (0, 1, 4)])
@pytest.mark.parametrize("step", [1, 2, 5])
@pytest.mark.parametrize("planes", [1, 3])
def test_the_same_as_in_python(size: tuple[int, int, int], step: int, planes: int) -> None:
    above, rows, below = size
    x = np.random.default_rng(0).standard_normal(2000).astype(np.float32)
    for columns in (1, 8, 13, 2 * tile.LANES):
        for first, end in ((0, columns), (1, columns), (columns // 2, columns // 2)):
            count = (above + rows + below) * columns
            found, expected = (np.zeros((planes, count + tile.LANES), np.float32) for _ in range(2))
            y_plane = (above + rows + below) * columns + tile.LANES
            numbers = (above, rows, below, columns, first, end, planes, 301, y_plane)
            from tests.kernels.toy_kernels import copied

            copied(np.array([5, 37, step, 0, *numbers]), x, found.reshape(-1))
            patches._copy(x, 5, 37, step, expected.reshape(-1), 0, *numbers)
            np.testing.assert_array_equal(found[:, :count], expected[:, :count])
