"""Where each pixel of a moved picture comes from, and fetching it from there.

A warp says, for the pixel p of the result, which place of the picture it shows:

    q(p) = c + M (p − c) + t + d(p)

with c the middle of the picture, M a 2×2 matrix, t an offset and d a field of
displacements; all in pixels, rows first. Turning, scaling, shifting and bending
are such maps, and so is one after the other: however many there are, the picture
is sampled once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neural_network.checks import Array

# Samples that are fetched at a time: what they need stays in a core's cache.
BLOCK_SAMPLES = 32_768


class Warp(NamedTuple):
    """A warp for each of n pictures.

    Attributes:
        matrix: (n, 2, 2) float64.
        offset: (n, 2) float64, rows and columns.
        field: (n, 2, H, W) floating, or None where nothing is bent.
    """

    matrix: Array
    offset: Array
    field: Array | None = None


def still(n: int) -> Warp:
    """Return the warp that leaves n pictures as they are.

    >>> still(1).offset
    array([[0., 0.]])
    """
    return Warp(np.tile(np.eye(2), (n, 1, 1)), np.zeros((n, 2)))


def one_after_the_other(first: Warp, second: Warp) -> Warp:
    """Return the warp of pictures that are warped by ``first`` and then by ``second``.

    The pixel p of the result comes from q₂(p) of the picture between, and that from
    q₁(q₂(p)). The field of ``first`` is laid over the finished picture instead of
    the one between, of which a part may lie outside: for a random field, that is
    another draw of the same kind.

    >>> turn = Warp(np.array([[[0.0, 1.0], [-1.0, 0.0]]]), np.zeros((1, 2)))
    >>> move = Warp(np.eye(2)[None], np.array([[0.0, 3.0]]))
    >>> one_after_the_other(turn, move).offset
    array([[3., 0.]])
    """
    matrix = first.matrix @ second.matrix
    offset = (first.matrix @ second.offset[:, :, None])[:, :, 0] + first.offset
    field = first.field
    if second.field is not None:
        turn = first.matrix.astype(second.field.dtype)
        vectors = second.field.reshape(len(turn), 2, -1)
        bent = (turn @ vectors).reshape(second.field.shape)
        field = bent if field is None else field + bent
    return Warp(matrix, offset, field)


def warped(X: Array, warp: Warp, fill: float) -> Array:
    """Return the pictures that the warp shows, by bilinear interpolation.

    Args:
        X: (n, H, W) or (n, C, H, W) integers or floats.
        warp: where the pixels come from, the same for all channels.
        fill: the shade outside of a picture.

    Returns:
        A new array of the shape and type of ``X``; integers are rounded.

    >>> half = Warp(np.eye(2)[None], np.array([[0.0, 0.5]]))
    >>> warped(np.array([[[0.0, 10.0, 20.0]]]), half, fill=0.0)
    array([[[ 5., 15., 10.]]])
    """
    n, height, width = len(X), *X.shape[-2:]
    planes = X.reshape(n, -1, height, width)
    result = np.empty_like(planes)
    step = max(1, BLOCK_SAMPLES // planes[0].size)
    for start in range(0, n, step):
        rows = slice(start, start + step)
        field = None if warp.field is None else warp.field[rows]
        part = Warp(warp.matrix[rows], warp.offset[rows], field)
        found = _sampled(planes[rows], part, fill)
        # A mean of shades lies between them, so that rounding suffices to fit the type.
        result[rows] = np.rint(found, out=found) if X.dtype.kind in "iu" else found
    return result.reshape(X.shape)


def _sampled(planes: Array, warp: Warp, fill: float) -> Array:
    """Return (n, C, H, W) samples in float32 or wider."""
    n, channels, height, width = planes.shape
    # A border of the fill value takes the place of asking which pixels lie outside.
    # It is one wide before the picture, and two after it, where a place has a
    # neighbour on its right even at the end.
    row = width + 3
    computing = np.result_type(planes.dtype, np.float32)
    padded = np.full((n, channels, height + 3, row), fill, dtype=computing)
    padded[:, :, 1 : height + 1, 1 : width + 1] = planes
    flat = padded.reshape(-1)

    down, across = (_places(warp, axis, (height, width), computing) for axis in (0, 1))
    top, left = down.astype(np.intp), across.astype(np.intp)
    down -= top
    across -= left
    starts = np.arange(n * channels).reshape(n, channels, 1, 1) * ((height + 3) * row)
    index = (top * row + left)[:, None] + starts

    upper: Array = np.take(flat, index)
    if not (down.any() or across.any()):
        return upper  # nothing lies between pixels, and so nothing is rounded
    down, across = down[:, None], across[:, None]
    upper += (np.take(flat[1:], index) - upper) * across
    lower = np.take(flat[row:], index)
    lower += (np.take(flat[row + 1 :], index) - lower) * across
    lower -= upper
    lower *= down
    upper += lower
    return upper


def _places(warp: Warp, axis: int, size: tuple[int, int], dtype: np.dtype[np.generic]) -> Array:
    """Return (n, H, W): the rows (axis 0) or columns that a warp shows, on the border at most."""
    matrix, offset = warp.matrix.astype(dtype), warp.offset.astype(dtype)
    middle = [(length - 1) / 2 for length in size]
    rows, columns = (np.arange(k, dtype=dtype) - m for k, m in zip(size, middle, strict=True))
    # 1 for the border before the picture.
    along = matrix[:, axis, :1] * rows + (offset[:, axis, None] + dtype.type(middle[axis] + 1))
    places: Array = along[:, :, None] + (matrix[:, axis, 1:] * columns)[:, None, :]
    if warp.field is not None:
        places += warp.field[:, axis].astype(dtype, copy=False)
    np.clip(places, 0, size[axis] + 1, out=places)
    return places
