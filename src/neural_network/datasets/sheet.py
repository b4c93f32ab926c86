"""Finding a sheet of paper in a photograph, and seeing it from straight above."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neural_network.checks import Array
from neural_network.datasets.image_ops import (
    area_average,
    closed,
    connected,
    eroded,
    otsu_threshold,
    sampled,
)

# A sheet is looked for in a picture of this many pixels a side.
SEARCHED_SIDE = 192
# The least part of the picture that is table, and that is sheet.
TABLE, SHEET = 0.02, 0.08
# Parts of the picture's longer side: what is darker than its surroundings and at most twice as
# wide as the first is no table; what is at most twice as wide as the second is no part of a sheet.
CLOSED, NARROW = 1 / 96, 1 / 48
# The most of a sheet that ink covers.
INKED = 0.35
# The least part of the difference of paper and table that is found within a few pixels: the edge
# of a sheet is sharp, and light fades slowly.
SHARP = 0.55
# The least part of its convex hull, and of four straight edges around it, that a sheet covers.
CONVEX, FOUR_EDGES = 0.93, 0.9
# A sheet that the picture's border cuts is there at least this part of its whole width.
ACROSS = 0.7
# The most that a sheet is longer than wide.
SLENDER = 4
# The part of a sheet along its edges that is left out, because edges are not found exactly.
MARGIN = 0.02


class Sheet(NamedTuple):
    """A sheet of paper in a picture.

    Attributes:
        corners: (4, 2) rows and columns of the corners, as parts of the picture's height and
            width; top left first, clockwise.
        mask: (h, w) booleans: the sheet, in a smaller picture.
    """

    corners: Array
    mask: Array


def find_sheet(shades: Array) -> Sheet | None:
    """Return the sheet of paper that lies on a table of another shade, or None.

    Pixels of the table's shade that hang together with the picture's border are the table; the
    largest blob of all others is the sheet, if its edge is sharp, it has four straight edges or is
    cut by the picture's border, and something is on it.

    Args:
        shades: (H, W) from 0 to 255.

    >>> photograph = np.full((60, 80), 40.0)
    >>> photograph[10:50, 20:70] = 220  # a sheet
    >>> photograph[20:40, 40:44] = 50  # a one on it
    >>> sheet = find_sheet(photograph)
    >>> (sheet.corners[[0, 2]] * [60, 80]).round(3)
    array([[10., 20.],
           [50., 70.]])
    """
    shrink = min(1.0, SEARCHED_SIDE / max(shades.shape))
    height, width = (max(1, round(length * shrink)) for length in shades.shape)
    small = area_average(shades, height, width)
    for light in (small, 255 - small):
        mask = _largest_bright(light)
        if mask is not None:
            found = _as_sheet(mask)
            if found is not None:
                return found
    return None


def _largest_bright(light: Array) -> Array | None:
    """Return a blob, its holes filled, whose border is a sharp step down to a table; or None."""
    threshold = otsu_threshold(light)
    # Lines on the paper are too narrow to hang together with the table here.
    longest = max(light.shape)
    dark = closed(light, max(1, round(CLOSED * longest))) <= threshold
    blobs = connected(dark)
    edges = np.concatenate([blobs[0], blobs[-1], blobs[:, 0], blobs[:, -1]])
    outside = np.isin(blobs, edges) & dark
    if np.mean(outside) < TABLE:
        return None
    # Without what is narrow: the grain of a table, a pen beside the sheet.
    narrow = max(1, round(NARROW * longest))
    core = eroded(~outside, narrow)
    others = connected(core)
    numbers, sizes = np.unique(others[core], return_counts=True)
    if not sizes.size or sizes.max() < SHEET * light.size:
        return None
    largest = (others == numbers[sizes.argmax()]) & core
    mask: Array = ~eroded(~largest, narrow)
    # Away from the edge, whose pixels are partly of the table.
    inner = eroded(mask, 2 * narrow)
    holes = np.mean(light[inner] <= threshold) if inner.any() else 0.0
    if not 0 < holes <= INKED:
        return None
    ring = max(2, narrow)
    within = mask & eroded(mask, 1) & ~eroded(mask, ring)
    around = ~mask & eroded(~mask, 1) & ~eroded(~mask, ring)
    if not (within.any() and around.any()):
        return None
    # Along most of the edge, not only where ink lies beside it.
    step = np.quantile(light[within], 0.35) - np.quantile(light[around], 0.65)
    whole = np.median(light[mask]) - np.median(light[outside])
    return mask if step >= SHARP * whole else None


def _as_sheet(mask: Array) -> Sheet | None:
    """Return the sheet that covers a mask, if the mask has a sheet's form."""
    hull = _convex_hull(mask)
    if np.sum(mask) < CONVEX * _area(hull):
        return None
    size = np.array(mask.shape)
    corners = _four_edges(hull)
    if np.sum(mask) < FOUR_EDGES * _area(corners):
        if not _is_cut(mask):
            return None  # a round thing, for example the light ink of a zero
        # Cut by the picture's border, it has more than four edges: left as it lies.
        (top, left), (bottom, right) = hull.min(axis=0), hull.max(axis=0)
        corners = np.array([[top, left], [top, right], [bottom, right], [bottom, left]])
    corners = _upright(corners)
    lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    if max(lengths) > SLENDER * min(lengths):
        return None  # a stroke
    return Sheet(corners / size, mask)


def _is_cut(mask: Array) -> bool:
    """Return whether a sheet lies across a border of the picture, and does not only touch it."""
    height, width = mask.any(axis=1).sum(), mask.any(axis=0).sum()
    wide = max(mask[0].sum(), mask[-1].sum()) >= ACROSS * width
    return bool(wide or max(mask[:, 0].sum(), mask[:, -1].sum()) >= ACROSS * height)


def _area(polygon: Array) -> float:
    """Return the area of a polygon (n, 2), by the shoelace formula."""
    y, x = polygon.T
    return 0.5 * abs(float(y @ np.roll(x, -1) - x @ np.roll(y, -1)))


def _cross(o: Array, a: Array, b: Array) -> float:
    return float((a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]))


def _convex_hull(mask: Array) -> Array:
    """Return the corners (n, 2) of the convex hull of a mask's pixels, in order.

    Source: Andrew, "Another efficient algorithm for convex hulls in two dimensions",
    Information Processing Letters 9, 1979.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    left = mask[rows].argmax(axis=1)
    right = mask.shape[1] - mask[rows, ::-1].argmax(axis=1)
    points = np.concatenate(
        [np.stack([rows + down, ends], axis=1) for down in (0, 1) for ends in (left, right)]
    )
    ordered = np.unique(points, axis=0).astype(float)
    hull: list[Array] = []
    for half in (ordered, ordered[::-1]):
        chain: list[Array] = []
        for point in half:
            while len(chain) >= 2 and _cross(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        hull += chain[:-1]
    return np.array(hull)


def _four_edges(hull: Array) -> Array:
    """Return the corners (4, 2) of four of the hull's edges, extended until they meet.

    The edge whose loss adds the least area is left out, until four remain.
    """
    corners = list(hull)
    while len(corners) > 4:
        best = (np.inf, 0, corners[0])
        for place in range(len(corners)):
            before, start, end, after = (corners[(place + k) % len(corners)] for k in range(-1, 3))
            first, second = start - before, after - end
            across = first[0] * second[1] - first[1] * second[0]
            if across <= 1e-9:
                continue  # the neighbours do not meet on that side
            along = ((end - start)[0] * second[1] - (end - start)[1] * second[0]) / across
            meeting = start + along * first
            added = abs(_cross(start, end, meeting)) / 2
            if added < best[0]:
                best = (added, place, meeting)
        added, place, meeting = best
        if added == np.inf:
            break
        corners[place] = meeting
        del corners[(place + 1) % len(corners)]
    return np.array(corners[:4])


def _upright(corners: Array) -> Array:
    """Order four corners: top left first, clockwise, so that the sheet is turned by least."""
    y, x = corners.T
    middle_y, middle_x = corners.mean(axis=0)
    clockwise = corners[np.argsort(np.arctan2(y - middle_y, x - middle_x))]
    turns = [np.roll(clockwise, turn, axis=0) for turn in range(4)]

    def slant(turned: Array) -> float:
        down, right = turned[1] - turned[0] + turned[2] - turned[3]
        return abs(float(np.arctan2(down, right)))

    return min(turns, key=slant)


def straightened(picture: Array, sheet: Sheet, longest: int) -> tuple[Array, Array]:
    """Return a sheet seen from straight above, and where there is paper.

    Args:
        picture: (H, W) shades of the picture in which the sheet was found, of any size.
        sheet: what ``find_sheet`` returned.
        longest: the most pixels a side of the result.

    Returns:
        Shades (h, w) and booleans (h, w), without the margins of the sheet.
    """
    corners = sheet.corners * picture.shape
    # Averaged first, so that each pixel of the result is a mean of what it covers.
    low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, None)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int), picture.shape)
    part = picture[low[0] : high[0], low[1] : high[1]]
    edges = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
    lengths = np.array([edges[1] + edges[3], edges[0] + edges[2]]) / 2
    shrink = min(1.0, longest / max(lengths))
    small = area_average(part, *(max(1, round(length * shrink)) for length in part.shape))
    scale = np.array(small.shape) / part.shape
    height, width = (max(1, round(length * shrink)) for length in lengths)
    margin = max(1, round(MARGIN * max(height, width)))
    places = np.meshgrid(
        np.arange(margin, max(margin + 1, height - margin)) + 0.5,
        np.arange(margin, max(margin + 1, width - margin)) + 0.5,
        indexing="ij",
    )
    rows, columns = _projected(places, (height, width), corners)
    shades = sampled(small, (rows - low[0]) * scale[0] - 0.5, (columns - low[1]) * scale[1] - 0.5)
    inside = eroded(np.pad(sheet.mask, 1), 2)[1:-1, 1:-1].astype(float)
    down, across = np.array(inside.shape) / picture.shape
    paper = sampled(inside, rows * down - 0.5, columns * across - 0.5) > 0.99
    return shades, paper


def _projected(
    places: tuple[Array, ...], size: tuple[int, int], corners: Array
) -> tuple[Array, Array]:
    """Return where places of a rectangle are in a photograph of it, given those of its corners.

    The perspective is y = (a u + b v + c) / w and x = (d u + e v + f) / w with w = g u + h v + 1.
    """
    height, width = size
    equations, values = [], []
    ends = [(0, 0), (0, width), (height, width), (height, 0)]
    for (down, right), (y, x) in zip(ends, corners, strict=True):
        equations.append([down, right, 1, 0, 0, 0, -down * y, -right * y])
        equations.append([0, 0, 0, down, right, 1, -down * x, -right * x])
        values += [y, x]
    a, b, c, d, e, f, g, h = np.linalg.solve(np.array(equations, dtype=float), np.array(values))
    u, v = places
    depth = g * u + h * v + 1
    return (a * u + b * v + c) / depth, (d * u + e * v + f) / depth
