"""Matrix products by tiles, shared by convolutions and dense layers."""

from __future__ import annotations

from typing import Any

from neural_network.kernels.runtime.compiler import linked_part, part
from neural_network.kernels.tile import LANES, ROWS, WIDTHS, tile

# Columns are padded to whole vectors, the shortest of which has eight numbers, so that no tile
# needs a special case for the last ones.
PADDED_TO = 8
# Tiles of one vector have at most 14 rows where that makes them 12 or more, else at most 7.
TALLEST, TALL_FROM, LESS_TALL = 14, 12, 7


def padded_columns(columns: int) -> int:
    """Return a number of columns rounded up to whole vectors."""
    return -(-columns // PADDED_TO) * PADDED_TO


@part
def _rows_at_once(count: int, width: int) -> int:
    """Return the largest number of rows of a tile."""
    if width > LANES:
        return ROWS
    return TALLEST if count // -(-count // TALLEST) >= TALL_FROM else LESS_TALL


@part
def tiles_of(count: int, width: int) -> Any:
    """Return in how many tiles of a width rows are computed, and the height of the smaller ones.

    Their heights differ by at most one.

    Returns:
        How many tiles there are, the height of the smaller ones, and how many have one row more.
    """
    tiles = -(-count // _rows_at_once(count, width))
    small = count // tiles
    return tiles, small, count - small * tiles


@linked_part
def products(
    count: int, width: int, x: Any, at: int, row: int, step: int, runs: int, run: int,
    length: int, w: Any, w_at: int, w_step: int, w_run: int,
    y: Any, y_at: int, y_row: int, accumulate: bool,
) -> None:  # fmt: skip
    """Compute ``count`` rows of ``width`` sums; arguments as of ``tile``.

    ``width`` is a multiple of 8; ``row`` or ``step`` is 1. Each strip of columns is computed in
    the fewest tiles.
    """
    if count <= 0:
        return
    done = 0
    for tile_width in WIDTHS:
        if width - done < tile_width:
            continue
        tiles, small, larger = tiles_of(count, tile_width)
        while width - done >= tile_width:
            first = 0
            for t in range(tiles):
                rows = small + 1 if t < larger else small
                tile(rows, tile_width, x, at + first * row, row, step, runs, run, length,
                     w, w_at + done, w_step, w_run,
                     y, y_at + done + first * y_row, y_row, accumulate)  # fmt: skip
                first += rows
            done += tile_width
