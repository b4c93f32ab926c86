"""Warps: affine maps and displacement fields of pictures, and bilinear sampling.

A warp maps each pixel p of the result to a position q in the picture:

    q(p) = c + M (p − c) + t + d(p)

with c the middle of the picture, M a 2×2 matrix, t an offset and d a field of
displacements; all in pixels, rows first. Rotation, scaling, shift and distortion are such maps,
and so is their composition: the picture is sampled once for any number of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neural_network.checks import Array

# Samples that are computed at a time, so that their memory stays in a core's cache.
BLOCK_SAMPLES = 32_768


class Warp(NamedTuple):
    """A warp for each of n pictures.

    Attributes:
        matrix: (n, 2, 2) float64.
        offset: (n, 2) float64, rows and columns.
        field: (n, 2, H, W) floating, or None for no displacements.
    """

    matrix: Array
    offset: Array
    field: Array | None = None


def identity_warp(n: int) -> Warp:
    """Return the warp that does not change n pictures.

    >>> identity_warp(1).offset
    array([[0., 0.]])
    """
    return Warp(np.tile(np.eye(2), (n, 1, 1)), np.zeros((n, 2)))


def composed(first: Warp, second: Warp) -> Warp:
    """Return the warp that does what ``first`` and then ``second`` do.

    The pixel p of the result comes from q₂(p) of the intermediate picture, and so from q₁(q₂(p)).
    The field of ``first`` is applied to the result instead of the intermediate picture, of which
    a part may lie outside; for a random field that is a draw from the same distribution.

    >>> turn = Warp(np.array([[[0.0, 1.0], [-1.0, 0.0]]]), np.zeros((1, 2)))
    >>> move = Warp(np.eye(2)[None], np.array([[0.0, 3.0]]))
    >>> composed(turn, move).offset
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
    """Return the warped pictures, by bilinear interpolation.

    Args:
        X: (n, H, W) or (n, C, H, W) integers or floats.
        warp: the same for all channels.
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
        # A mean of shades lies between them, so rounded values fit the type.
        result[rows] = np.rint(found, out=found) if X.dtype.kind in "iu" else found
    return result.reshape(X.shape)


def _sampled(planes: Array, warp: Warp, fill: float) -> Array:
    """Return (n, C, H, W) samples in float32 or wider."""
    n, channels, height, width = planes.shape
    # A border of the fill value, so that pixels outside need no case of their own: one before the
    # picture and two after it, because a position at the end has a neighbour on its right.
    row = width + 3
    computing = np.result_type(planes.dtype, np.float32)
    padded = np.full((n, channels, height + 3, row), fill, dtype=computing)
    padded[:, :, 1 : height + 1, 1 : width + 1] = planes
    flat = padded.reshape(-1)

    down, across = (_positions(warp, axis, (height, width), computing) for axis in (0, 1))
    top, left = down.astype(np.intp), across.astype(np.intp)
    down -= top
    across -= left
    starts = np.arange(n * channels).reshape(n, channels, 1, 1) * ((height + 3) * row)
    index = (top * row + left)[:, None] + starts

    upper: Array = np.take(flat, index)
    if not (down.any() or across.any()):
        return upper  # no position lies between pixels: without interpolation nothing is rounded
    down, across = down[:, None], across[:, None]
    upper += (np.take(flat[1:], index) - upper) * across
    lower = np.take(flat[row:], index)
    lower += (np.take(flat[row + 1 :], index) - lower) * across
    lower -= upper
    lower *= down
    upper += lower
    return upper


def _positions(warp: Warp, axis: int, size: tuple[int, int], dtype: np.dtype[np.generic]) -> Array:
    """Return (n, H, W): the rows (axis 0) or columns of the positions, limited to the border."""
    matrix, offset = warp.matrix.astype(dtype), warp.offset.astype(dtype)
    middle = [(length - 1) / 2 for length in size]
    rows, columns = (np.arange(k, dtype=dtype) - m for k, m in zip(size, middle, strict=True))
    # 1 for the border before the picture.
    along = matrix[:, axis, :1] * rows + (offset[:, axis, None] + dtype.type(middle[axis] + 1))
    positions: Array = along[:, :, None] + (matrix[:, axis, 1:] * columns)[:, None, :]
    if warp.field is not None:
        positions += warp.field[:, axis].astype(dtype, copy=False)
    np.clip(positions, 0, size[axis] + 1, out=positions)
    return positions
