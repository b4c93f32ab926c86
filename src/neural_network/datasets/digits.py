"""Preparing photographs of digits like the pictures of MNIST."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_real, check_not_empty
from neural_network.datasets.image_ops import (
    area_average,
    connected,
    eroded,
    otsu_threshold,
    sampled,
    smoothed,
)
from neural_network.datasets.paper_lines import without_lines
from neural_network.datasets.sheet import find_sheet, straightened
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, ShapeError, give_hint_of_call, sentence
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
# On lined paper: less is what is left of a line.
LINED = 0.2
# A photograph of a sheet on a table is larger.
SMALLEST_PHOTOGRAPH = 64
# In a smaller picture a digit may cover much of the border, where light is estimated first.
EVENLY_LIT = 48
# The most pixels of paper to which light is fitted.
FITTED = 16_384
# How many times as large pictures smaller than MNIST's become.
ENLARGED = 8
# A blob of at least this part of the tallest one's height may be a digit of its own.
TALL = 0.5


@public
@explains_calls
def prepare_digit(picture: ArrayLike) -> Array:
    """Prepare a photograph of a handwritten digit like the pictures of MNIST.

    A sheet that lies on a table of another shade is found and seen from straight above; the light
    on the paper is estimated and subtracted; straight lines from end to end, as lined and squared
    paper has them, are removed; noise is removed by Otsu's threshold; the strokes are cropped,
    resized to fit 20×20 with their proportions, and placed in 28×28 with their centre of mass in
    the middle. The darkest ink becomes 1. A digit of MNIST is hardly changed. Pictures smaller than
    MNIST's are enlarged.

    Args:
        picture: (H, W) shades of grey from 0 for black to 255 for white, as
            ``load_picture`` gives them; dark ink on light paper or the reverse, as
            the border shows. One digit, nothing else, with paper on all sides; a sheet may be
            turned by up to 45°, and lines without the edges of a sheet by up to 24°.

    Returns:
        (28, 28) float32, from 0 for paper to 1 for ink.

    Raises:
        DTypeError: no real numbers.
        ShapeError: not two dimensions, or empty.
        ArgumentError: a shade outside of 0 to 255, all shades from 0 to 1, or no ink.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to
    document recognition", Proc. IEEE 86, 1998, section III.A.

    >>> paper = np.full((100, 80), 200.0)
    >>> paper[20:80, 40:52] = 30  # the stroke of a one
    >>> digit = prepare_digit(paper)
    >>> digit.shape, digit[14, 10:18].round(2)
    ((28, 28), array([0., 0., 1., 1., 1., 1., 0., 0.], dtype=float32))
    """
    prepared, count = prepared_and_counted("prepare_digit", picture)
    if count > 1:
        give_hint_of_call(
            f"prepare_digit: there seem to be {count} digits side by side, which together become "
            "one picture; prepare one at a time: picture[:, first:last]"
        )
    return prepared


def prepared_and_counted(function: str, picture: ArrayLike) -> tuple[Array, int]:
    """Return what ``prepare_digit`` and ``count_digits`` return; ``function`` is for errors."""
    ink = _ink(function, picture)
    return _centred(_fitted(ink)), _count(ink)


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
    return _count(_ink("count_digits", picture))


def _count(amount: Array) -> int:
    ink = amount > 0
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
    shades = np.asarray(as_real(function, "picture", picture))
    if shades.ndim == 3 and {shades.shape[0], shades.shape[-1]} & {3, 4}:
        expected = "(H, W) shades of grey, as load_picture(path) gives them"
        middle = "picture.mean(axis=-1)" if shades.shape[-1] in (3, 4) else "picture.mean(axis=0)"
        received = f"shape {shades.shape}: colours ({middle} makes grey of them)"
        raise ShapeError(sentence(function, "picture", expected, received))
    check_not_empty(function, "picture", shades, 2)
    low, high = float(np.min(shades)), float(np.max(shades))
    if not (low >= 0 and high <= 255):  # not for NaN, either
        received = f"{low:g} to {high:g}"
        raise ArgumentError(sentence(function, "picture", "shades from 0 to 255", received))
    if max(shades.shape) < FIELD:
        few = _ink_of_few(shades.astype(float))
        if few is None:
            raise _no_ink(function, shades)
        return few
    shrink = min(1.0, LONGEST_SIDE / max(shades.shape))
    height, width = (max(1, round(length * shrink)) for length in shades.shape)
    small = area_average(shades, height, width)
    sheet = find_sheet(small) if min(small.shape) >= SMALLEST_PHOTOGRAPH else None
    found = None
    if sheet is not None:
        found = ink_on(*straightened(shades, sheet, LONGEST_SIDE))
    if found is None:  # no sheet, or nothing on it
        found = ink_on(small, np.ones(small.shape, dtype=bool))
    if found is None:
        raise _no_ink(function, shades)
    return found


def _no_ink(function: str, shades: Array) -> ArgumentError:
    if shades.dtype.kind == "f" and np.max(shades) <= 1 and np.min(shades) < np.max(shades):
        received = f"{np.min(shades):g} to {np.max(shades):g}; multiplied by 255 they are shades"
        return ArgumentError(sentence(function, "picture", "shades from 0 to 255", received))
    received = "a picture of one shade, or one whose noise or shadows hide the ink"
    return ArgumentError(sentence(function, "picture", "ink on paper", received))


def _ink_of_few(shades: Array) -> Array | None:
    """Return the ink of a picture smaller than MNIST's, enlarged; None where there is none.

    In so few pixels a digit may reach the border, and light is even: paper is the darkest or
    the lightest shade, whichever most of the border is closer to.
    """
    low, high = shades.min(), shades.max()
    border = np.concatenate([shades[0], shades[-1], shades[:, 0], shades[:, -1]])
    ink = shades - low if np.median(border) - low <= high - np.median(border) else high - shades
    if ink.max() <= VISIBLE * LEAST_NOISE:
        return None
    padded = np.pad(ink / np.percentile(ink[ink > 0.3 * ink.max()], 90), 2)
    rows, columns = (np.arange(ENLARGED * n) / ENLARGED - 0.5 for n in padded.shape)
    soft = sampled(padded, *np.meshgrid(rows, columns, indexing="ij"))
    # The strokes of an enlarged picture are soft; those of MNIST have an edge of two pixels.
    return np.clip(2 * (soft - 0.4) + 0.5, 0, 1)


def ink_on(shades: Array, paper: Array) -> Array | None:
    """Return the ink on paper, from 0 to 1 and without lines; None where there is no ink.

    ``paper`` is false for pixels beside the paper.
    """
    edge = max(1, min(shades.shape) // 20)
    border = paper & ~eroded(np.pad(paper, edge), edge)[edge:-edge, edge:-edge]
    darker = _darker(shades, border, even=max(shades.shape) < EVENLY_LIT)
    # Ink may be darker or lighter than the paper; it differs by more than the noise.
    side = 1.0 if np.sum(darker[paper] ** 3) >= 0 else -1.0
    threshold, noise = _threshold(side * darker[paper])
    if noise > LEAST_NOISE:
        shades = smoothed(shades)
    # Estimated from the border, the paper is less exact in the middle: now from all the paper.
    ink = side * _darker(shades, paper & (side * darker <= threshold))
    ink[~paper] = 0
    cleaned = without_lines(ink, float(np.percentile(ink[paper], 99.7)))
    ink = cleaned.ink
    if cleaned.lines:  # among which light was estimated too dark
        ink = np.where(paper, ink - np.median(ink[paper]), 0)
    threshold, noise = _threshold(ink[paper])
    above = ink[ink > threshold]
    full = float(np.percentile(above, 90)) if above.size else 0.0
    if full <= VISIBLE * noise:
        return None
    faintest = max(INK * noise, (LINED if cleaned.lines else FAINTEST) * full)
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


def _darker(shades: Array, paper: Array, *, even: bool = False) -> Array:
    """Return how much darker each pixel is than the paper would be there.

    The paper's shade is a polynomial of second degree, which fits tilted light and a lens that
    darkens the corners. It minimises the sum of absolute differences from the pixels of paper,
    which some ink among them hardly changes, by iteratively reweighted least squares. It is of
    degree 0 where the light is ``even``.
    """
    y, x = np.ogrid[-1 : 1 : shades.shape[0] * 1j, -1 : 1 : shades.shape[1] * 1j]
    powers = [y**0 * x**0] if even else [y**0 * x**0, x + 0 * y, y + 0 * x, x * x, x * y, y * y]
    terms = [np.broadcast_to(power, shades.shape) for power in powers]
    # Some thousands of pixels determine six coefficients as well as all of them do.
    places = np.flatnonzero(paper)
    places = places[:: -(-len(places) // FITTED)]
    known = np.stack([term.reshape(-1)[places] for term in terms], axis=-1)
    seen = shades.reshape(-1)[places]
    weights = np.ones(len(seen))
    for _ in range(10):
        weighted = known * weights[:, None]
        # lstsq, because few pixels do not determine all six coefficients.
        numbers = np.linalg.lstsq(weighted.T @ known, weighted.T @ seen, rcond=1e-9)[0]
        # Differences below half a shade have equal weights.
        weights = 1 / np.maximum(np.abs(seen - known @ numbers), 0.5)
    fitted = sum(number * power for number, power in zip(numbers, powers, strict=True))
    # Rounding to a millionth of a shade removes rounding errors.
    darker: Array = np.round(fitted - shades, 6)
    return darker


def _strokes(possible: Array, certain: Array) -> Array:
    """Return the possible ink that belongs to strokes: to blobs with enough certain ink.

    Hysteresis as in Canny's edge detector: the soft rim of a stroke is kept, dirt is not.
    """
    blobs = connected(possible)
    sizes = np.bincount(blobs[certain], minlength=blobs.size)
    large = sizes >= max(1.0, SMALLEST_STROKE * sizes.max())
    kept: Array = possible & large[blobs]
    return kept


def _fitted(ink: Array) -> Array:
    """Crop to the ink, and resize the longer side to 20 pixels."""
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    cropped = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = BOX / max(cropped.shape)
    height, width = (max(1, round(length * scale)) for length in cropped.shape)
    fitted = area_average(cropped, height, width)
    darkest: Array = fitted / fitted.max()
    return darkest


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
