"""Removing the lines of lined and squared paper from around a digit.

A family of lines is followed across the picture: in column x, the line that is at height c in the
middle of the picture is at

    y(c, x) = c + (slope + fan · (c − m) / H) · (x − n)

with (m, n) the middle of a picture H pixels high; ``fan`` describes a perspective. Along such a
path, ink of a digit is found for some of the way, and a line from one end to the other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from neural_network.checks import Array

SMALLEST = 64  # smaller pictures do not show lines
STEEPEST = 0.45  # the most that lines are slanted
REACH = 3  # pixels from the middle of a line to the paper beside it
PARTS = 6  # of a line, in each of which it has to be seen
LEAST_NOISE = 0.5  # in shades
CROSSED = 0.5  # the least part of the picture's width along which a line is dark


class Family(NamedTuple):
    """Lines side by side; see above."""

    slope: float
    fan: float


class Cleaned(NamedTuple):
    """Ink without lines.

    Attributes:
        ink: (H, W), as it was where there is no line.
        lines: how many were found.
        slope: of the lines along the rows; down for each pixel to the right.
    """

    ink: Array
    lines: int
    slope: float


def without_lines(ink: Array, full: float) -> Cleaned:
    """Remove straight lines that cross the picture, along rows and along columns.

    Args:
        ink: (H, W) how much darker than paper, in shades.
        full: how dark the digit is.
    """
    if min(ink.shape) < SMALLEST:
        return Cleaned(ink, 0, 0.0)
    slopes, lines = [], 0
    for axis in (0, 1):
        turned = ink if axis == 0 else ink.T
        noise = _noise(turned)
        family = _family(turned, noise)
        if family is None:
            continue
        cleaned, count = _removed(turned, family, noise, full)
        if count:
            lines += count
            slopes += [(count, family.slope * (1 if axis == 0 else -1))]
            ink = cleaned if axis == 0 else cleaned.T
    slope = sum(count * slope for count, slope in slopes) / max(lines, 1)
    return Cleaned(ink, lines, slope)


def _noise(ink: Array) -> float:
    """Return the standard deviation of the noise, from differences along the rows.

    Three pixels apart, because neighbours were smoothed; the smallest quarter of them, because
    lines across the rows make many of them large. A quarter of a normal distribution is less
    than 0.3186 standard deviations from its middle.
    """
    apart = np.quantile(np.abs(ink[:, 3:] - ink[:, :-3]), 0.25)
    return max(float(apart) / (0.3186 * math.sqrt(2)), LEAST_NOISE)


def _heights(family: Family, shape: tuple[int, int], columns: Array) -> Array:
    """Return y(c, x) for all c, and x of these columns: (H, columns)."""
    height, width = shape
    c = np.arange(height)[:, None]
    slopes = family.slope + family.fan * (c - (height - 1) / 2) / height
    return c + slopes * (columns - (width - 1) / 2)


def _along(values: Array, family: Family, columns: Array) -> Array:
    """Return (H, columns): the values along the paths; NaN where they are outside."""
    rows = np.rint(_heights(family, values.shape, columns)).astype(np.intp)
    inside = (rows >= 0) & (rows < len(values))
    found = values[np.clip(rows, 0, len(values) - 1), columns]
    return np.where(inside, found, np.nan)


def _family(ink: Array, noise: float) -> Family | None:
    """Return the direction in which thin dark lines cross the picture, or None."""
    width = ink.shape[1]
    padded = np.pad(ink, ((REACH, REACH), (0, 0)), mode="edge")
    beside = np.maximum(padded[: -2 * REACH], padded[2 * REACH :])
    # Limited, so that a digit's dark strokes do not count for more than a long pale line.
    thin = np.clip((ink - beside) / (4 * noise), 0, 1)
    wide = np.maximum(thin, np.maximum(np.roll(thin, 1, axis=0), np.roll(thin, -1, axis=0)))

    def crossed(values: Array, step: int, family: Family) -> Array:
        """Return the part of the way along which each path is dark."""
        columns = np.arange(step // 2, width, step)
        seen = _along(values, family, columns)
        counts = np.isfinite(seen).sum(axis=1)
        parts: Array = np.nansum(seen, axis=1) / np.maximum(counts, 0.3 * len(columns))
        return parts

    def sharpest(values: Array, step: int, tries: list[Family]) -> Family:
        scores = [np.sum(crossed(values, step, family) ** 3) for family in tries]
        return tries[int(np.argmax(scores))]

    coarse = [Family(float(s), 0.0) for s in np.linspace(-STEEPEST, STEEPEST, 73)]
    best = sharpest(wide, 8, coarse)
    if crossed(wide, 8, best).max() < CROSSED / 2:
        return None
    for values, step, slope, fan in ((wide, 8, 0.03, 0.3), (thin, 4, 0.006, 0.05)):
        around = [
            Family(float(best.slope + s), float(best.fan + f))
            for s in np.linspace(-slope, slope, 5)
            for f in np.linspace(-fan, fan, 7)
        ]
        best = sharpest(values, step, around)
    return best if crossed(wide, 4, best).max() >= CROSSED else None


def _removed(ink: Array, family: Family, noise: float, full: float) -> tuple[Array, int]:
    """Return the ink without the lines of a family, and their number."""
    height, width = ink.shape
    columns = np.arange(width)
    paths = _along(ink, family, columns)
    parts = np.array_split(columns, PARTS)
    medians = np.full((height, PARTS), np.nan)
    for place, part in enumerate(parts):
        seen = paths[:, part]
        enough = np.isfinite(seen).mean(axis=1) > 0.5
        medians[enough, place] = np.nanmedian(seen[enough], axis=1)
    known = np.isfinite(medians)
    least = np.where(known, medians, np.inf).min(axis=1)
    least[known.sum(axis=1) < PARTS // 2] = 0
    threshold = max(3 * noise / np.sqrt(width / PARTS), 1.0)
    line = least > threshold
    starts = line & ~np.concatenate([[False], line[:-1]])
    count = int(starts.sum())
    # A few that are as dark as the digit are its own strokes, in a picture cut close to it.
    if count == 0 or (count < 3 and np.max(least) > 0.6 * full):
        return ink, 0
    level = np.where(line, least, 0.0)
    near = np.maximum(level, np.maximum(np.roll(level, 1), np.roll(level, -1)))
    # Back from paths to pixels: c is where y(c, x) = y.
    y, dx = np.arange(height)[:, None], columns - (width - 1) / 2
    tilt = family.fan / height * dx
    c = (y - family.slope * dx + tilt * (height - 1) / 2) / (1 + tilt)
    place = np.clip(np.rint(c).astype(np.intp), 0, height - 1)
    dark = near[place]
    band = dark > 0
    across = np.minimum(_across(ink, band), ink)
    # More than a line's ink is subtracted, because its darkness varies; never down below paper.
    paper = np.median(ink[~band])
    without = np.maximum(np.maximum(ink - 1.3 * dark, across), paper)
    return np.where(band, np.minimum(without, ink), ink), count


def _across(ink: Array, band: Array) -> Array:
    """Return the ink that a stroke has above and below a line, for each pixel of the line.

    A stroke that crosses the line is on both sides of it, straight across or slanted.
    """
    height, width = ink.shape
    rows = np.arange(height)[:, None]
    above = np.maximum.accumulate(np.where(band, 0, rows), axis=0)
    below = np.minimum.accumulate(np.where(band, height - 1, rows)[::-1], axis=0)[::-1]
    columns = np.arange(width)
    half = (below - above + 1) // 2
    found = np.full(ink.shape, -np.inf)
    for slant in (-1, 0, 1):
        left = np.clip(columns - slant * half, 0, width - 1)
        right = np.clip(columns + slant * half, 0, width - 1)
        found = np.maximum(found, np.minimum(ink[above, left], ink[below, right]))
    return found
