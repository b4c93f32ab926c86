"""Matrix products in tiles: the part that convolutions and dense layers share."""

from __future__ import annotations

from typing import Any

from neural_network.kernels.compiler import part
from neural_network.kernels.tile import LANES, ROWS, VECTORS, tile

# Columns are padded to whole vectors, the shortest of which has four numbers,
# so that no tile has to know where they end.
PADDED_TO = 4


def padded(columns: int) -> int:
    """Return how many columns a matrix gets, so that whole vectors fill it."""
    return -(-columns // PADDED_TO) * PADDED_TO


def _rows_of(vectors: int, lanes: int, most: int) -> Any:
    """Return the part that computes any number of rows, so many vectors of so many lanes wide.

    ``most`` is how many rows a tile may have.
    """

    @part
    def rows_of(
        count: int, x: Any, at: int, row: int, step: int, runs: int, run: int, length: int,
        w: Any, w_at: int, w_step: int, w_run: int, y: Any, y_at: int, y_row: int, go_on: bool,
    ) -> None:  # fmt: skip
        # As few tiles as possible, of sizes that differ by one at most.
        tiles = -(-count // most)
        small = count // tiles
        larger = count - small * tiles
        for t in range(tiles):
            rows = small + 1 if t < larger else small
            if most > 6 and rows == 8:
                tile(8, vectors, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif most > 6 and rows == 7:
                tile(7, vectors, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif rows == 6:
                tile(6, vectors, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif rows == 5:
                tile(5, vectors, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif rows == 4:
                tile(4, vectors, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif rows == 3:
                tile(3, vectors, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            elif rows == 2:
                tile(2, vectors, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            else:
                tile(1, vectors, lanes, x, at, row, step, runs, run, length,
                     w, w_at, w_step, w_run, y, y_at, y_row, go_on)  # fmt: skip
            at += rows * row
            y_at += rows * y_row

    return rows_of


_widest, _two = _rows_of(VECTORS, LANES, ROWS), _rows_of(2, LANES, ROWS)
# One vector alone leaves room for more rows, and needs them: a sum has to wait for the last
# product before the next can be added to it, so eight have to be under way.
_one, _eight, _four = _rows_of(1, LANES, 8), _rows_of(1, 8, 8), _rows_of(1, 4, 8)


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
        elif left >= 8:
            _eight(count, x, at, row, step, runs, run, length,
                   w, w_at + done, w_step, w_run, y, y_at + done, y_row, go_on)  # fmt: skip
            done += 8
        else:
            _four(count, x, at, row, step, runs, run, length,
                  w, w_at + done, w_step, w_run, y, y_at + done, y_row, go_on)  # fmt: skip
            done += 4
