"""Operations on grey pictures (H, W) that the preparation of digits is composed of."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from neural_network.checks import Array


def area_average(picture: Array, height: int, width: int) -> Array:
    """Return a picture at another size: each new pixel is the mean of what it covers.

    Time and memory are O(H·W), whatever the proportions.

    Args:
        picture: (H, W) real numbers.
        height: rows of the result, at least 1.
        width: columns of the result, at least 1.

    Returns:
        (height, width) float64.

    Raises:
        Nothing.

    >>> area_average(np.array([[0.0, 3.0, 6.0]]), 1, 2)
    array([[1., 5.]])
    """
    return _averaged_rows(_averaged_rows(picture, height).T, width).T


def _averaged_rows(picture: Array, new: int) -> Array:
    """Return (new, W): means of the rows that each new row covers, weighed by how much of them."""
    edges = np.linspace(0, len(picture), new + 1).tolist()
    averaged = np.empty((new, picture.shape[1]))
    for place, (start, end) in enumerate(pairwise(edges)):
        first, last = int(start), math.ceil(end)
        rows = np.arange(first, last)
        covered = np.minimum(end, rows + 1) - np.maximum(start, rows)
        averaged[place] = (covered / (end - start)) @ picture[first:last]
    return averaged


def smoothed(shades: Array) -> Array:
    """Average each pixel with its neighbours, with weights 1 2 1 along each axis."""
    padded = np.pad(shades, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    means: Array = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    return means


def sampled(picture: Array, rows: Array, columns: Array) -> Array:
    """Return the picture between its pixels, by bilinear interpolation.

    Args:
        picture: (H, W) floating.
        rows: places, of any shape; whole numbers are the middles of pixels. Places outside
            are moved to the border.
        columns: of the same shape.

    Returns:
        Floating, in the shape of ``rows``.

    Raises:
        Nothing.

    >>> sampled(np.array([[0.0, 10.0]]), np.array([0.0, 0.0]), np.array([0.25, 9.0]))
    array([ 2.5, 10. ])
    """
    height, width = picture.shape
    down, across = np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)
    top, left = down.astype(np.intp), across.astype(np.intp)
    below, right = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    down, across = down - top, across - left
    upper = picture[top, left] * (1 - across) + picture[top, right] * across
    lower = picture[below, left] * (1 - across) + picture[below, right] * across
    between: Array = upper * (1 - down) + lower * down
    return between


def eroded(mask: Array, steps: int) -> Array:
    """Return the pixels whose neighbours, up to ``steps`` away along both axes, are in the mask.

    What lies outside of the picture counts as in the mask.

    >>> eroded(np.array([[1, 1, 1, 1, 0]], dtype=bool), 1)
    array([[ True,  True,  True, False, False]])
    """
    for _ in range(2):
        padded = np.pad(mask, ((steps, steps), (0, 0)), constant_values=True)
        windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * steps + 1, axis=0)
        mask = np.asarray(windows.all(axis=-1)).T
    return mask


def closed(shades: Array, steps: int) -> Array:
    """Fill what is darker than its surroundings and at most 2 · ``steps`` pixels wide.

    >>> closed(np.array([[9, 9, 1, 9, 9, 9, 1, 1, 1]]), 1)
    array([[9, 9, 9, 9, 9, 9, 1, 1, 1]])
    """
    for extreme in (np.max, np.min):
        for _ in range(2):
            padded = np.pad(shades, ((steps, steps), (0, 0)), mode="edge")
            windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * steps + 1, axis=0)
            shades = extreme(windows, axis=-1).T
    return shades


def otsu_threshold(values: Array) -> float:
    """Return the threshold that splits values into the two groups with the least variance.

    Of 256 candidates, the one with the largest variance between the groups,
    w₀ w₁ (μ₀ − μ₁)², with w the groups' shares of the values and μ their means.

    Args:
        values: any shape, real numbers, at least one.

    Returns:
        A float; the upper group is what lies above it. Where all values are equal, it
        is that value.

    Raises:
        ValueError: there are no values.

    Source: Otsu, "A threshold selection method from gray-level histograms", IEEE
    Transactions on Systems, Man, and Cybernetics 9, 1979.

    >>> round(otsu_threshold(np.array([1.0, 2.0, 9.0, 10.0])), 1)
    5.5
    """
    lowest, highest = float(np.min(values)), float(np.max(values))
    # No candidates lie between numbers that differ by rounding errors alone.
    if highest - lowest <= 1e-9 * max(abs(lowest), abs(highest)):
        return highest
    counts, edges = np.histogram(values, bins=256)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    total = np.cumsum(counts * middles)
    above = values.size - below
    # Both groups have members: the minimum and the maximum.
    apart = total[:-1] / below - (total[-1] - total[:-1]) / above
    between = below * above * apart**2
    # Where bins of the histogram are empty, several candidates are equally good.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float((edges[best[0] + 1] + edges[best[-1] + 1]) / 2)


def connected(mask: Array) -> Array:
    """Number the blobs of a mask: pixels that touch, also at corners, get one number.

    Every pixel takes the smallest number of its neighbours, and then the number of the pixel
    with that number (pointer jumping).

    Args:
        mask: (H, W) booleans.

    Returns:
        (H, W) int64: the place, in the flat mask, of the blob's first pixel; and
        outside of all blobs the pixel's own place.

    Raises:
        Nothing.

    Source: Shiloach and Vishkin, "An O(log n) parallel connectivity algorithm",
    Journal of Algorithms 3, 1982 (the halving).

    >>> connected(np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]], dtype=bool))
    array([[0, 1, 0],
           [3, 0, 5],
           [6, 7, 8]])
    """
    height, width = mask.shape
    numbers = np.arange(mask.size).reshape(mask.shape)
    padded = np.full((height + 2, width + 2), mask.size)
    while True:
        padded[1:-1, 1:-1] = np.where(mask, numbers, mask.size)
        rows = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
        around = np.minimum(np.minimum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
        smaller = np.where(mask, around, numbers)
        smaller = smaller.reshape(-1)[smaller]
        if np.array_equal(smaller, numbers):
            return numbers
        numbers = smaller
