"""Matrix products by tiles, shared by convolutions and dense layers."""

from __future__ import annotations

from typing import Any

from neural_network.kernels.runtime.compiler import linked_part, part
from neural_network.kernels.tile import LANES, ROWS, VECTORS, tile

# Columns are padded to whole vectors, the shortest of which has eight numbers, so that no tile
# needs a special case for the last ones.
PADDED_TO = 8
# Tiles of one vector have at most 14 rows where that makes them 12 or more, else at most 7.
TALLEST, TALL_FROM, LESS_TALL = 14, 12, 7


def padded_columns(columns: int) -> int:
    """Return a number of columns rounded up to whole vectors."""
    return -(-columns // PADDED_TO) * PADDED_TO


@part
def _rows_at_once(count: int, vectors: int) -> int:
    """Return the largest number of rows of a tile."""
    if vectors > 1:
        return ROWS
    return TALLEST if count // -(-count // TALLEST) >= TALL_FROM else LESS_TALL


def _strip(vectors: int, lanes: int) -> Any:
    """Return the part that computes any number of rows that are this many vectors wide."""

    @part
    def rows_of(
        count: int, x: Any, at: int, row: int, step: int, runs: int, run: int, length: int,
        w: Any, w_at: int, w_step: int, w_run: int, y: Any, y_at: int, y_row: int, accumulate: bool,
    ) -> None:  # fmt: skip
        """Compute the rows in the fewest tiles, whose heights differ by at most one."""
        if count <= 0:
            return
        tiles = -(-count // _rows_at_once(count, vectors))
        small = count // tiles
        larger = count - small * tiles
        for t in range(tiles):
            rows = small + 1 if t < larger else small
            tile(rows, vectors, lanes, x, at, row, step, runs, run, length,
                 w, w_at, w_step, w_run, y, y_at, y_row, accumulate)  # fmt: skip
            at += rows * row
            y_at += rows * y_row

    return rows_of


_widest, _two = _strip(VECTORS, LANES), _strip(2, LANES)
_one, _eight = _strip(1, LANES), _strip(1, 8)


@linked_part
def products(
    count: int, width: int, x: Any, at: int, row: int, step: int, runs: int, run: int,
    length: int, w: Any, w_at: int, w_step: int, w_run: int,
    y: Any, y_at: int, y_row: int, accumulate: bool,
) -> None:  # fmt: skip
    """Compute ``count`` rows of ``width`` sums; arguments as of ``tile``.

    ``width`` is a multiple of 8; ``row`` or ``step`` is 1.
    """
    done = 0
    while done < width:
        left = width - done
        if left >= VECTORS * LANES:
            _widest(count, x, at, row, step, runs, run, length,
                    w, w_at + done, w_step, w_run, y, y_at + done, y_row, accumulate)  # fmt: skip
            done += VECTORS * LANES
        elif left >= 2 * LANES:
            _two(count, x, at, row, step, runs, run, length,
                 w, w_at + done, w_step, w_run, y, y_at + done, y_row, accumulate)  # fmt: skip
            done += 2 * LANES
        elif left >= LANES:
            _one(count, x, at, row, step, runs, run, length,
                 w, w_at + done, w_step, w_run, y, y_at + done, y_row, accumulate)  # fmt: skip
            done += LANES
        else:
            _eight(count, x, at, row, step, runs, run, length,
                   w, w_at + done, w_step, w_run, y, y_at + done, y_row, accumulate)  # fmt: skip
            done += 8
