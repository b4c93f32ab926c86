"""Products of filters with images whose numbers lie at given offsets.

A matrix of patches holds each number of an image as often as windows contain it. Here a row of that
matrix is the place where it begins: rows of windows below each other share their numbers.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir

from neural_network.kernels.products import tiles_of
from neural_network.kernels.runtime.compiler import linked_part
from neural_network.kernels.runtime.linking import in_llvm
from neural_network.kernels.tile import WIDTHS, Sums, Writer, write_tiles


def _tile(
    rows: int, width: int, x: Any, at: int, row: int, length: int, w: Any, w_at: int,
    offsets: Any, y: Any, y_at: int, y_row: int,
) -> None:  # fmt: skip
    """Add up ``rows`` × ``width`` sums of ``length`` products each.

    ``y[y_at + p·y_row + c] = Σ_k x[at + p·row + k] · w[w_at + offsets[k] + c]``; sizes as of
    ``tile.tile``, and ``offsets`` 64-bit integers.
    """
    for p in range(rows):
        total = np.zeros(width, y.dtype)
        for k in range(length):
            begin = w_at + offsets[k]
            total += x[at + p * row + k] * w[begin : begin + width]
        y[y_at + p * y_row :][:width] = total


def _write_sums(
    writer: Writer, P: int, V: int, x: Any, at: Any, row: Any, length: Any, w: Any, w_at: Any,
    offsets: Any, y: Any, y_at: Any, y_row: Any,
) -> None:  # fmt: skip
    """Write a tile of P rows and V vectors."""
    builder, number = writer.builder, at.type
    offsets = builder.bitcast(offsets, ir.IntType(64).as_pointer())
    sums = Sums(writer, P, V, y, y_at, y_row)
    sums.add_products(
        length, x, [builder.mul(row, number(p)) for p in range(P)],
        lambda k: builder.add(at, k),
        w, lambda k: builder.add(w_at, builder.load(builder.gep(offsets, [k]))),
    )  # fmt: skip
    sums.store()


tile_at = in_llvm(_tile, partial(write_tiles, _write_sums))


@linked_part
def products_at(
    count: int, width: int, x: Any, at: int, row: int, length: int, w: Any,
    offsets: Any, y: Any, y_row: int,
) -> None:  # fmt: skip
    """Compute ``count`` rows of ``width`` sums, a multiple of 8; arguments as of ``_tile``."""
    done = 0
    for tile_width in WIDTHS:
        if width - done < tile_width:
            continue
        tiles, small, larger = tiles_of(count, tile_width)
        while width - done >= tile_width:
            first = 0
            for t in range(tiles):
                rows = small + 1 if t < larger else small
                tile_at(rows, tile_width, x, at + first * row, row, length, w, done, offsets,
                        y, done + first * y_row, y_row)  # fmt: skip
                first += rows
            done += tile_width
