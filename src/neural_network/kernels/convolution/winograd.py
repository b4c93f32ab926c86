"""Winograd's convolution of 3 × 3 filters: a quarter of the products, for many channels.

Outputs are computed by tiles of 4 × 4 (``winograd_tile``). A *line* is four rows of outputs, all
tiles of them. For some lines at once, the numbers under their tiles are transformed; each of the
36 numbers of a transform then is a matrix product, tiles × channels by channels × filters; and the
sums are transformed back. Images, filters and results are as in ``tiles``.

Rounding: the error is at most about 10⁻⁶ of the sum of the absolute products, some five times
that of ``tiles``. Where a sum is not finite, its rows are computed as in ``tiles``: a transform
mixes the numbers of a tile, and would spread NaN and infinity over it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.convolution.tiles import finish_row, pool_row, taps_inside
from neural_network.kernels.copies import copy, fill, repeated
from neural_network.kernels.finite import count_of
from neural_network.kernels.moments import moments_of_image
from neural_network.kernels.products import products
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.winograd_tile import (
    SIDE,
    SIZE,
    TAPS,
    transform_filters,
    transform_gradient,
    transform_input,
    transform_output,
    transform_taps,
)

# Numbers of a transform; and filters times channels that a task transforms.
NUMBERS, PIECE = SIZE * SIZE, 4096
LARGEST = np.finfo(np.float32).max


@kernel
def fill_transformed(W: Any, U: Any) -> None:
    """Fill ``U`` with the transforms of filters.

    Args:
        W: (9 · C, columns), as in ``tiles.convolve``.
        U: (36, C · columns).
    """
    weights, transformed, size = W.reshape(-1), U.reshape(-1), U.shape[1]
    for task in prange(-(-size // PIECE)):
        at = task * PIECE
        transform_filters(
            weights, at, TAPS * size, size, transformed, at, SIZE * size, size,
            min(PIECE, size - at),
        )  # fmt: skip


@part
def _fill_strip(
    X: Any, place: int, line: int, row: int, begin: int, end: int, numbers: int,
    strip: Any, rows: int, length: int,
) -> None:  # fmt: skip
    """Copy the rows under a line of tiles, with zeros for what is not there.

    Args:
        X, place, line: of the image: row r begins at ``place + r · line``.
        row: the first of the rows; those that are not from ``begin`` to ``end`` are zeros.
        numbers: of a row, that are read; zeros follow them.
        strip, rows, length: is filled: so many rows of this length.
    """
    for r in range(rows):
        first = r * length
        known = numbers if begin <= row + r < end else 0
        if known > 0:
            at = place + (row + r) * line
            copy(X[at : at + known], strip[first : first + known])
        fill(strip, first + known, first + length, np.float32(0))


@part
def _input_line(
    X: Any, place: int, line: int, row: int, begin: int, end: int, channels: int, numbers: int,
    strip: Any, wide: int, V: Any, to: int, tiles: int,
) -> None:  # fmt: skip
    """Transform what a line of tiles reads.

    Args:
        X, place, line, row, begin, end, numbers: as in ``_fill_strip``.
        channels: C.
        strip: memory for the rows.
        wide: tiles of the line.
        V, to, tiles: where they are written: number ξ of tile t begins at ``to + ξ · tiles · C +
            t · C``.
    """
    length, step = (wide * SIDE + TAPS - 1) * channels, tiles * channels
    _fill_strip(X, place, line, row, begin, end, numbers, strip, SIZE, length)
    for t in range(wide):
        transform_input(
            strip, t * SIDE * channels, length, channels, V, to + t * channels, SIZE * step, step,
            channels,
        )  # fmt: skip


@part
def _products_of_lines(
    first: int, count: int, tall: int, wide: int, X: Any, image: int, place: int, line: int,
    top: int, begin: int, end: int, channels: int, numbers: int, strip: Any, V: Any, U: Any,
    columns: int, M: Any,
) -> None:  # fmt: skip
    """Fill ``M`` with the transformed sums of ``count`` lines.

    Args:
        first: the first of them; image n has the lines from n · ``tall`` on.
        wide: tiles of a line.
        X, image, place, line, top: row r of image n begins at ``n · image + place + r · line``;
            ``top`` is the first one under its first line.
        begin, end, channels, numbers, strip: as in ``_input_line``.
        V: memory for the transformed numbers.
        U: the transformed filters, of ``columns`` columns.
    """
    tiles = count * wide
    for k in range(count):
        n, i = (first + k) // tall, (first + k) % tall * SIDE
        _input_line(
            X, n * image + place, line, top + i, begin, end, channels, numbers, strip, wide,
            V, k * wide * channels, tiles,
        )  # fmt: skip
    for number in range(NUMBERS):
        products(
            tiles, columns, V, number * tiles * channels, channels, 1, 1, 0, channels,
            U, number * channels * columns, columns, 0,
            M, number * tiles * columns, columns, False,
        )  # fmt: skip


@part
def _sums_of_line(
    M: Any, at: int, tiles: int, wide: int, sums: Any, positions: int, columns: int,
    X: Any, place: int, line: int, row: int, begin: int, end: int, channels: int, W: Any,
) -> None:  # fmt: skip
    """Fill ``sums``, four rows of ``wide`` · 4 positions, with the outputs of a line of tiles.

    Args:
        M, at, tiles: sums of products; number ξ of tile t begins at ``at + ξ · tiles · columns +
            t · columns``.
        wide: tiles of the line.
        positions: outputs of a row that are needed.
        columns: filters, padded.
        X, place, line, row, begin, end, channels: as in ``_input_line``.
        W: the filters themselves.
    """
    length, step = wide * SIDE * columns, tiles * columns
    for t in range(wide):
        transform_output(
            M, at + t * columns, SIZE * step, step, sums, t * SIDE * columns, length, columns,
            columns,
        )  # fmt: skip
    beyond = 0
    for r in range(SIDE):
        beyond += count_of(sums[r * length : r * length + positions * columns], LARGEST)
    if beyond > 0:
        run = TAPS * channels
        for r in range(SIDE):
            upper, runs = taps_inside(row + r, TAPS, begin, end)
            products(
                positions, columns, X, place + (row + r + upper) * line, channels, 1, runs, line,
                run, W, upper * run * columns, columns, run * columns,
                sums, r * length, columns, False,
            )  # fmt: skip


@kernel
def convolve(
    X: Any, x_steps: Any, channels: int, W: Any, U: Any, b: Any, out: Any, out_steps: Any,
    sizes: Any, added: Any, added_steps: Any, begin: int, end: int, top: int, left: int,
    relu: bool, lines: int, together: int,
    block: int, period: int, means: Any, squares: Any,
) -> None:  # fmt: skip
    """Fill ``out`` as ``tiles.convolve`` does, for filters of 3 × 3 and a stride of 1.

    Args:
        X, x_steps, channels, W, b, out, out_steps, sizes, added, added_steps, begin, end, top,
            left, relu, block, period, means, squares: as in ``tiles.convolve``; C is a multiple
            of 8.
        U: (36, C · columns): the transformed filters.
        lines: of a task; of whole images if the moments are filled.
        together: lines that are transformed at once.
    """
    images, rows, positions, filters = sizes
    columns, weights, transformed = W.shape[1], W.reshape(-1), U.reshape(-1)
    image, line, _, _ = x_steps
    tall, wide = -(-rows // SIDE), -(-positions // SIDE)
    length, biases = wide * SIDE * columns, repeated(b, positions, columns)
    for task in prange(-(-images * tall // lines)):
        last = min((task + 1) * lines, images * tall)
        V = np.empty(NUMBERS * together * wide * channels, X.dtype)
        M = np.empty(NUMBERS * together * wide * columns, X.dtype)
        strip = np.empty(SIZE * (wide * SIDE + TAPS - 1) * channels, X.dtype)
        sums = np.empty(SIDE * length, X.dtype)
        for first in range(task * lines, last, together):
            count = min(together, last - first)
            _products_of_lines(
                first, count, tall, wide, X, image, left * channels, line, top, begin, end,
                channels, (positions + TAPS - 1) * channels, strip, V, transformed, columns, M,
            )  # fmt: skip
            for k in range(count):
                n, i = (first + k) // tall, (first + k) % tall * SIDE
                _sums_of_line(
                    M, k * wide * columns, count * wide, wide, sums, positions, columns,
                    X, n * image + left * channels, line, top + i, begin, end, channels, weights,
                )  # fmt: skip
                for r in range(min(SIDE, rows - i)):
                    finish_row(
                        sums, r * length, biases, b.size > 0, added,
                        n * added_steps[0] + (i + r) * added_steps[1], added_steps,
                        out, n * out_steps[0] + (i + r) * out_steps[1], out_steps,
                        positions, columns, filters, relu,
                    )  # fmt: skip
                if means.size > 0 and i + SIDE >= rows:  # while the image is in the cache
                    moments_of_image(
                        out, n * out_steps[0], rows * positions, filters, block, period, means,
                        squares, n,
                    )  # fmt: skip


@kernel
def convolve_and_pool(
    X: Any, x_steps: Any, channels: int, W: Any, U: Any, b: Any, out: Any, out_steps: Any,
    sizes: Any, argmax: Any, begin: int, end: int, ph: int, pw: int, relu: bool,
    lines: int, together: int,
) -> None:  # fmt: skip
    """Convolve, and keep the largest sum of each pooling window.

    Args:
        X, x_steps, channels, W, b, out, out_steps, sizes, argmax, begin, end, ph, pw, relu: as in
            ``tiles.convolve_and_pool``; ``ph`` is 1, 2 or 4.
        U, lines, together: as in ``convolve``.
    """
    images, rows, positions, filters = sizes
    columns, weights, transformed = W.shape[1], W.reshape(-1), U.reshape(-1)
    image, line, _, _ = x_steps
    pooled, conv_positions = SIDE // ph, positions * pw
    tall, wide = -(-rows // pooled), -(-conv_positions // SIDE)
    length, biases = wide * SIDE * columns, repeated(b, positions, columns)
    for task in prange(-(-images * tall // lines)):
        last = min((task + 1) * lines, images * tall)
        V = np.empty(NUMBERS * together * wide * channels, X.dtype)
        M = np.empty(NUMBERS * together * wide * columns, X.dtype)
        strip = np.empty(SIZE * (wide * SIDE + TAPS - 1) * channels, X.dtype)
        sums = np.empty(SIDE * length, X.dtype)
        best = np.empty(positions * columns, out.dtype)
        which = np.empty(positions * columns, np.uint8)
        for first in range(task * lines, last, together):
            count = min(together, last - first)
            _products_of_lines(
                first, count, tall, wide, X, image, 0, line, 0, begin, end, channels,
                (conv_positions + TAPS - 1) * channels, strip, V, transformed, columns, M,
            )  # fmt: skip
            for k in range(count):
                n, p = (first + k) // tall, (first + k) % tall * pooled
                _sums_of_line(
                    M, k * wide * columns, count * wide, wide, sums, conv_positions, columns,
                    X, n * image, line, p * ph, begin, end, channels, weights,
                )  # fmt: skip
                for r in range(min(pooled, rows - p)):
                    pool_row(
                        sums[r * ph * length :], length, ph, pw, biases, relu, best, which,
                        positions, columns, filters,
                        out, n * out_steps[0] + (p + r) * out_steps[1], out_steps,
                        argmax, (n * rows + p + r) * positions * filters,
                    )  # fmt: skip


@kernel
def filters_gradient(
    X: Any, x_steps: Any, channels: int, G: Any, begin: int, end: int, images: int, rows: int,
    positions: int, top: int, left: int, V: Any, Z: Any, sums: Any, out: Any, together: int,
) -> None:  # fmt: skip
    """Compute the filters' gradient.

    Args:
        X, x_steps, channels, G, begin, end, images, rows, positions, top, left: as in
            ``tiles.filters_gradient``.
        V, Z: memory for the transforms of ``X`` and ``G`` under ``together`` lines: 36 numbers of
            each tile's channels, and of its columns.
        sums: memory for 36 · C · columns numbers.
        out: (9 · C, columns), to be filled.
        together: lines whose products are computed at once.
    """
    _, high, across, columns = G.shape
    gradients, result, (image, line, _, _) = G.reshape(-1), out.reshape(-1), x_steps
    tall, wide, size = -(-rows // SIDE), -(-positions // SIDE), channels * columns
    for first in range(0, images * tall, together):
        count = min(together, images * tall - first)
        tiles = count * wide
        for k in prange(count):
            n, i = (first + k) // tall, (first + k) % tall * SIDE
            strip = np.empty(SIZE * (wide * SIDE + TAPS - 1) * channels, X.dtype)
            _input_line(
                X, n * image, line, i, begin, end, channels, (positions + TAPS - 1) * channels,
                strip, wide, V, k * wide * channels, tiles,
            )  # fmt: skip
            length, step = wide * SIDE * columns, tiles * columns
            strip = np.empty(SIDE * length, X.dtype)
            _fill_strip(
                gradients, ((n * high + top) * across + left) * columns, across * columns, i, 0,
                rows, positions * columns, strip, SIDE, length,
            )  # fmt: skip
            for t in range(wide):
                transform_gradient(
                    strip, t * SIDE * columns, length, columns,
                    Z, (k * wide + t) * columns, SIZE * step, step, columns,
                )  # fmt: skip
        for number in prange(NUMBERS):
            products(
                channels, columns, V, number * tiles * channels, 1, channels, 1, 0, tiles,
                Z, number * tiles * columns, columns, 0, sums, number * size, columns, first > 0,
            )  # fmt: skip
    for task in prange(-(-size // PIECE)):
        at = task * PIECE
        transform_taps(
            sums, at, SIZE * size, size, result, at, TAPS * size, size, min(PIECE, size - at)
        )
