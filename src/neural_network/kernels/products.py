"""Matrix products in tiles: the part that convolutions and dense layers share."""

from __future__ import annotations

from typing import Any

from neural_network.kernels.compiler import part
from neural_network.kernels.tile import LANES, ROWS, VECTORS, tile

# Columns are padded to whole vectors, the shortest of which has eight numbers,
# so that no tile has to know where they end.
PADDED_TO = 8
NARROW_ROWS = 7


def padded(columns: int) -> int:
    """Return how many columns a matrix gets, so that whole vectors fill it."""
    return -(-columns // PADDED_TO) * PADDED_TO


# Each size of a tile is compiled for itself, in every kernel, so there are no more of them than
# pay: other numbers of rows go one by one. Tiles are as few as possible, and their
# sizes differ by one at most.


def _wide(vectors: int) -> Any:
    """Return the part that computes any number of rows, several vectors wide."""

    @part
    def rows_of(
        count: int, x: Any, at: int, row: int, step: int, runs: int, run: int, length: int,
        w: Any, w_at: int, w_step: int, w_run: int, y: Any, y_at: int, y_row: int, go_on: bool,
    ) -> None:  # fmt: skip
        """Compute the rows."""
        tiles = -(-count // ROWS)
        small = count // tiles
        larger = count - small * tiles
        for t in range(tiles):
            rows = small + 1 if t < larger else small
            if rows == 6:
                tile(6, vectors, LANES, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif rows == 5:
                tile(5, vectors, LANES, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif rows == 4:
                tile(4, vectors, LANES, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            else:
                for p in range(rows):
                    tile(1, vectors, LANES, x, at + p * row, row, step, runs, run, length,
                         w, w_at, w_step, w_run, y, y_at + p * y_row, y_row, go_on)  # fmt: skip
            at += rows * row
            y_at += rows * y_row

    return rows_of


def _narrow(lanes: int) -> Any:
    """Return the part that computes any number of rows, one vector of so many lanes wide.

    One vector leaves room for more rows, and needs them: a sum has to wait for the last product
    before the next can be added to it, so many have to be under way. Three rows are what a
    3×3 filter over one channel has.
    """

    @part
    def rows_of(
        count: int, x: Any, at: int, row: int, step: int, runs: int, run: int, length: int,
        w: Any, w_at: int, w_step: int, w_run: int, y: Any, y_at: int, y_row: int, go_on: bool,
    ) -> None:  # fmt: skip
        """Compute the rows."""
        tiles = -(-count // NARROW_ROWS)
        small = count // tiles
        larger = count - small * tiles
        for t in range(tiles):
            rows = small + 1 if t < larger else small
            if rows == 7:
                tile(7, 1, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif rows == 6:
                tile(6, 1, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif rows == 4:
                tile(4, 1, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif rows == 3:
                tile(3, 1, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            else:
                for p in range(rows):
                    tile(1, 1, lanes, x, at + p * row, row, step, runs, run, length,
                         w, w_at, w_step, w_run, y, y_at + p * y_row, y_row, go_on)  # fmt: skip
            at += rows * row
            y_at += rows * y_row

    return rows_of


_widest, _two = _wide(VECTORS), _wide(2)
_one, _eight = _narrow(LANES), _narrow(8)


@part
def products(
    count: int, width: int, x: Any, at: int, row: int, step: int, runs: int, run: int,
    length: int, w: Any, w_at: int, w_step: int, w_run: int,
    y: Any, y_at: int, y_row: int, go_on: bool,
) -> None:  # fmt: skip
    """Compute ``count`` rows of ``width`` sums, a whole number of vectors; see ``tile``."""
    done = 0
    while done < width:
        left = width - done
        if left >= VECTORS * LANES:
            _widest(count, x, at, row, step, runs, run, length,
                    w, w_at + done, w_step, w_run, y, y_at + done, y_row, go_on)  # fmt: skip
            done += VECTORS * LANES
        elif left >= 2 * LANES:
            _two(count, x, at, row, step, runs, run, length,
                 w, w_at + done, w_step, w_run, y, y_at + done, y_row, go_on)  # fmt: skip
            done += 2 * LANES
        elif left >= LANES:
            _one(count, x, at, row, step, runs, run, length,
                 w, w_at + done, w_step, w_run, y, y_at + done, y_row, go_on)  # fmt: skip
            done += LANES
        else:
            _eight(count, x, at, row, step, runs, run, length,
                   w, w_at + done, w_step, w_run, y, y_at + done, y_row, go_on)  # fmt: skip
            done += 8
