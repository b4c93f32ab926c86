"""Preparing photographs of digits like the pictures of MNIST."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_real, check_not_empty
from neural_network.errors import ArgumentError, sentence
from neural_network.public import public

FIELD = 28  # the side of MNIST's pictures
BOX = 20  # the side of the box that a digit is fitted into
# Photographs are shrunk to this many pixels a side for speed; a digit is still larger than BOX.
LONGEST_SIDE = 384
# Thresholds in standard deviations of the paper's noise: below the first is paper, above the
# second is ink if it belongs to a stroke, and the ink of a picture must reach the third.
PAPER, INK, VISIBLE = 3.0, 8.0, 10.0
LEAST_NOISE = 0.25  # in shades, which are whole numbers in a photograph
# The contrast of ink, as a part of the darkest ink's: less is JPEG's ringing, or dust.
FAINTEST = 1 / 48
# Blobs with less than this part of the largest one's pixels are specks.
SMALLEST_STROKE = 0.04
# A blob of at least this part of the tallest one's height may be a digit of its own.
TALL = 0.5


@public
def prepare_digit(picture: ArrayLike) -> Array:
    """Prepare a photograph of a handwritten digit like the pictures of MNIST.

    The light on the paper is estimated and subtracted, noise is removed by Otsu's threshold, the
    strokes are cropped, resized to fit 20×20 with their proportions, and placed in 28×28 with
    their centre of mass in the middle. The darkest ink becomes 1. A digit of MNIST is hardly
    changed.

    Args:
        picture: (H, W) shades of grey from 0 for black to 255 for white, as
            ``load_picture`` gives them; dark ink on light paper or the reverse, as
            the border shows. One digit, nothing else, with paper on all sides.

    Returns:
        (28, 28) float32, from 0 for paper to 1 for ink.

    Raises:
        DTypeError: no real numbers.
        ShapeError: not two dimensions, or empty.
        ArgumentError: a shade outside of 0 to 255, or no ink.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
    document recognition", Proc. IEEE 86, 1998, section III.A.

    >>> paper = np.full((100, 80), 200.0)
    >>> paper[20:80, 40:52] = 30  # the stroke of a one
    >>> digit = prepare_digit(paper)
    >>> digit.shape, digit[14, 10:18].round(2)
    ((28, 28), array([0., 0., 1., 1., 1., 1., 0., 0.], dtype=float32))
    """
    return _centred(_fitted(_ink("prepare_digit", picture)))


def count_digits(picture: ArrayLike) -> int:
    """Count the groups of ink that stand side by side in a photograph.

    Blobs of ink that are at least half as tall as the tallest are counted; those that share a
    column count as one. Digits that touch, overlap or stand one above the other are counted as
    one, and the halves of a broken digit as two: the result is a hint.

    Args:
        picture: (H, W) shades of grey from 0 to 255, as ``prepare_digit`` takes them.

    Returns:
        An int, at least 1.

    Raises:
        DTypeError: no real numbers.
        ShapeError: not two dimensions, or empty.
        ArgumentError: a shade outside of 0 to 255, or no ink.

    >>> paper = np.full((100, 80), 200.0)
    >>> paper[20:80, 15:25] = paper[25:75, 50:60] = 30  # eleven
    >>> count_digits(paper)
    2
    """
    ink = _ink("count_digits", picture) > 0
    blobs = connected(ink)
    extents = []
    for number in np.unique(blobs[ink]):
        rows, columns = np.nonzero(ink & (blobs == number))
        extents.append((int(columns.min()), int(columns.max()), int(np.ptp(rows)) + 1))
    tallest = max(height for _, _, height in extents)
    groups, end = 0, -1
    for left, right, height in sorted(extents):
        if height < TALL * tallest:
            continue
        groups += left > end
        end = max(end, right)
    return groups


def _ink(function: str, picture: ArrayLike) -> Array:
    """Return the amount of ink of each pixel, from 0 for paper to 1."""
    # Converts a tensor, unless that would drop its gradient.
    shades = np.asarray(as_real(function, "picture", picture)).astype(float)
    check_not_empty(function, "picture", shades, 2)
    if not np.all((shades >= 0) & (shades <= 255)):
        received = f"{np.min(shades):g} to {np.max(shades):g}"
        raise ArgumentError(sentence(function, "picture", "shades from 0 to 255", received))
    shrink = min(1.0, LONGEST_SIDE / max(shades.shape))
    if shrink < 1:
        height, width = (max(1, round(length * shrink)) for length in shades.shape)
        shades = area_average(shades, height, width)
    border = np.ones(shades.shape, dtype=bool)
    edge = max(1, min(shades.shape) // 20)
    border[edge:-edge, edge:-edge] = False
    darker = _darker(shades, border)
    # Ink may be darker or lighter than the paper; it differs by more than the noise.
    side = 1.0 if np.sum(darker**3) >= 0 else -1.0
    threshold, noise = _threshold(side * darker)
    if noise > LEAST_NOISE:
        shades = _smoothed(shades)
    # Estimated from the border, the paper is less exact in the middle: now from all the paper.
    ink = side * _darker(shades, side * darker <= threshold)

    threshold, noise = _threshold(ink)
    above = ink[ink > threshold]
    full = float(np.percentile(above, 90)) if above.size else 0.0
    if full <= VISIBLE * noise:
        received = "a picture of one shade, or one whose noise hides the ink"
        raise ArgumentError(sentence(function, "picture", "ink on paper", received))
    faintest = max(INK * noise, FAINTEST * full)
    strokes = _strokes(ink > faintest, ink > max(threshold, faintest))
    return np.where(strokes, np.clip(ink / full, 0, 1), 0)


def _threshold(ink: Array) -> tuple[float, float]:
    """Return the threshold between paper and ink, and the standard deviation of the noise.

    Otsu's threshold is computed of the pixels that may be ink and of as many pixels of clean
    paper. Otherwise it would split the noise where ink is rare, and dark from pale ink where
    paper is.
    """
    # The standard deviation of a normal distribution is 1.4826 times the median distance.
    noise = max(1.4826 * float(np.median(np.abs(ink))), LEAST_NOISE)
    marked = ink[ink > PAPER * noise]
    if not marked.size:
        return np.inf, noise
    return otsu_threshold(np.concatenate([marked, np.zeros_like(marked)])), noise


def _smoothed(shades: Array) -> Array:
    """Average each pixel with its neighbours, with weights 1 2 1 along each axis."""
    padded = np.pad(shades, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    smoothed: Array = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4
    return smoothed


def _darker(shades: Array, paper: Array) -> Array:
    """Return how much darker each pixel is than the paper would be there.

    The paper's shade is a polynomial of second degree, which fits tilted light and a lens that
    darkens the corners. It minimises the sum of absolute differences from the pixels of paper,
    which some ink among them hardly changes, by iteratively reweighted least squares.
    """
    down, across = (np.linspace(-1, 1, length) for length in shades.shape)
    y, x = np.meshgrid(down, across, indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    known, seen = terms[paper], shades[paper]
    weights = np.ones(len(seen))
    for _ in range(10):
        weighted = known * weights[:, None]
        # lstsq, because few pixels do not determine all six coefficients.
        numbers = np.linalg.lstsq(weighted.T @ known, weighted.T @ seen, rcond=1e-9)[0]
        # Differences below half a shade have equal weights.
        weights = 1 / np.maximum(np.abs(seen - known @ numbers), 0.5)
    # Rounding to a millionth of a shade removes rounding errors.
    darker: Array = np.round(terms @ numbers - shades, 6)
    return darker


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
    counts, edges = np.histogram(values, bins=256)
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    total = np.cumsum(counts * middles)
    above = values.size - below
    # Unless all values are equal, both groups have members: the minimum and the maximum.
    if np.min(values) == np.max(values):
        return float(values.flat[0])
    apart = total[:-1] / below - (total[-1] - total[:-1]) / above
    between = below * above * apart**2
    # Where bins of the histogram are empty, several candidates are equally good.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    return float((edges[best[0] + 1] + edges[best[-1] + 1]) / 2)


def _strokes(possible: Array, certain: Array) -> Array:
    """Return the possible ink that belongs to strokes: to blobs with enough certain ink.

    Hysteresis as in Canny's edge detector: the soft rim of a stroke is kept, dirt is not.
    """
    blobs = connected(possible)
    sizes = np.bincount(blobs[certain], minlength=blobs.size)
    large = sizes >= max(1.0, SMALLEST_STROKE * sizes.max())
    kept: Array = possible & large[blobs]
    return kept


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


def _fitted(ink: Array) -> Array:
    """Crop to the ink, and resize the longer side to 20 pixels."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(cropped.shape)
    height, width = (max(1, round(length * scale)) for length in cropped.shape)
    fitted = area_average(cropped, height, width)
    darkest: Array = fitted / fitted.max()
    return darkest


def area_average(picture: Array, height: int, width: int) -> Array:
    """Return a picture at another size: each new pixel is the mean of what it covers.

    Args:
        picture: (H, W) floating.
        height: rows of the result, at least 1.
        width: columns of the result, at least 1.

    Returns:
        (height, width) in the type of ``picture``: R · picture · Cᵀ, with rows of R and
        C that are the parts of a new pixel that each old one covers.

    Raises:
        Nothing.

    >>> area_average(np.array([[0.0, 3.0, 6.0]]), 1, 2)
    array([[1., 5.]])
    """
    rows, columns = (
        _shares(old, new).astype(picture.dtype)
        for old, new in zip(picture.shape, (height, width), strict=True)
    )
    averaged: Array = rows @ picture @ columns.T
    return averaged


def _shares(old: int, new: int) -> Array:
    """Return (new, old): the part of each new pixel that each old one covers, along an axis."""
    edges = np.linspace(0, old, new + 1)
    starts, ends = edges[:-1, None], edges[1:, None]
    pixels = np.arange(old)
    overlap = np.clip(np.minimum(ends, pixels + 1) - np.maximum(starts, pixels), 0, None)
    shares: Array = overlap * (new / old)
    return shares


def _centred(digit: Array) -> Array:
    """Place a digit in the field with its centre of mass in the middle.

    It is moved by whole pixels, as in MNIST, so that nothing is blurred.
    """
    field = np.zeros((FIELD, FIELD), dtype=np.float32)
    corner = []
    for axis, length in enumerate(digit.shape):
        mass = digit.sum(axis=1 - axis)
        centre = mass @ np.arange(length) / mass.sum()
        # The centre of an even box lies half a pixel from the middle; the thousandth keeps
        # rounding errors from choosing the side.
        place = round(FIELD / 2 - centre - 1e-3)
        corner.append(min(max(place, 0), FIELD - length))
    top, left = corner
    field[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return field
