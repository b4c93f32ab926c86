"""Depthwise windows of channels-last images in registers: the inner loops, written for LLVM.

Each channel is a sum of its own, so that a vector holds neighbouring channels. ``window_sums``
keeps the weights of up to 3 × 3 taps in registers while it goes through a rectangle of outputs;
``window_gradients`` keeps their gradients. Beside each stands the same loop in plain Python, which
defines what it computes; see ``tile``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import linked_part
from neural_network.kernels.runtime.linking import in_llvm
from neural_network.kernels.tile import LANES, Writer, by_width, cgutils

# Taps along an axis that are computed at once.
TAPS = 3
# Vectors and lanes of the loops over channels, from wide to narrow.
SIZES = ((1, LANES), (1, 8), (1, 1))


def _sums(
    high: int, wide: int, rows: int, columns: int, x: Any, at: int, run: int, row: int,
    down: int, along: int, w: Any, w_at: int, w_down: int, w_along: int,
    y: Any, y_at: int, y_run: int, y_row: int, length: int, accumulate: bool,
) -> None:  # fmt: skip
    """Sum ``high`` × ``wide`` taps for ``rows`` × ``columns`` outputs of ``length`` channels.

    ``y[y_at + i·y_run + j·y_row + c] = Σ_m Σ_k x[at + i·run + j·row + m·down + k·along + c]
    · w[w_at + m·w_down + k·w_along + c]``; ``accumulate`` adds to its numbers.
    """
    for place in range(rows * columns):
        i, j = place // columns, place % columns
        out = y[y_at + i * y_run + j * y_row :][:length]
        total = out.copy() if accumulate else np.zeros(length, y.dtype)
        for tap in range(high * wide):
            m, k = tap // wide, tap % wide
            factor = w[w_at + m * w_down + k * w_along :][:length]
            total += x[at + i * run + j * row + m * down + k * along :][:length] * factor
        out[:] = total


def _gradients(
    high: int, wide: int, rows: int, columns: int, x: Any, at: int, run: int, row: int,
    down: int, along: int, w: Any, w_at: int, w_down: int, w_along: int,
    y: Any, y_at: int, y_run: int, y_row: int, length: int,
) -> None:  # fmt: skip
    """Add to ``w`` its gradient, from ``y`` for the result; arguments as of ``_sums``."""
    for tap in range(high * wide):
        m, k = tap // wide, tap % wide
        total = w[w_at + m * w_down + k * w_along :][:length]
        for place in range(rows * columns):
            i, j = place // columns, place % columns
            factor = y[y_at + i * y_run + j * y_row :][:length]
            total += x[at + i * run + j * row + m * down + k * along :][:length] * factor


def _by_taps(
    builder: Any, high: Any, wide: Any, write: Callable[[list[tuple[int, int]]], None]
) -> None:
    """Write the loops for each number of taps, and the choice between them."""
    end = builder.append_basic_block("end")
    choice = builder.switch(builder.add(builder.mul(high, high.type(16)), wide), end)
    for taps_down in range(TAPS + 1):
        for taps_along in range(1 if taps_down else 0, TAPS + 1 if taps_down else 1):
            block = builder.append_basic_block(f"taps.{taps_down}.{taps_along}")
            choice.add_case(16 * taps_down + taps_along, block)
            builder.position_at_end(block)
            write([(m, k) for m in range(taps_down) for k in range(taps_along)])
            builder.branch(end)
    builder.position_at_end(end)


def _write_sums(
    builder: Any, high: Any, wide: Any, rows: Any, columns: Any, x: Any, at: Any, run: Any,
    row: Any, down: Any, along: Any, w: Any, w_at: Any, w_down: Any, w_along: Any,
    y: Any, y_at: Any, y_run: Any, y_row: Any, length: Any, accumulate: Any,
) -> None:  # fmt: skip
    def place(begin: Any, i: Any, by_i: Any, j: Any, by_j: Any) -> Any:
        return _place(builder, begin, i, by_i, j, by_j)

    def write(taps: list[tuple[int, int]]) -> None:
        number = at.type
        offsets = [place(number(0), number(m), down, number(k), along) for m, k in taps]

        def write_strip(writer: Writer, _: int, c: Any) -> None:
            begin = builder.add(w_at, c)
            factors = [
                writer.load(w, place(begin, number(m), w_down, number(k), w_along)) for m, k in taps
            ]
            with cgutils.for_range(builder, rows) as i, cgutils.for_range(builder, columns) as j:
                corner = builder.add(place(at, i.index, run, j.index, row), c)
                to = builder.add(place(y_at, i.index, y_run, j.index, y_row), c)
                before, none = writer.load(y, to), writer.vector(None)
                total = builder.select(accumulate, before, none)
                for offset, factor in zip(offsets, factors, strict=True):
                    value = writer.load(x, builder.add(corner, offset))
                    total = writer.add_product(total, value, factor)
                writer.store(total, y, to)

        by_width(builder, SIZES, length, write_strip)

    _by_taps(builder, high, wide, write)


def _write_gradients(
    builder: Any, high: Any, wide: Any, rows: Any, columns: Any, x: Any, at: Any, run: Any,
    row: Any, down: Any, along: Any, w: Any, w_at: Any, w_down: Any, w_along: Any,
    y: Any, y_at: Any, y_run: Any, y_row: Any, length: Any,
) -> None:  # fmt: skip
    def place(begin: Any, i: Any, by_i: Any, j: Any, by_j: Any) -> Any:
        return _place(builder, begin, i, by_i, j, by_j)

    def write(taps: list[tuple[int, int]]) -> None:
        number = at.type
        offsets = [place(number(0), number(m), down, number(k), along) for m, k in taps]

        def write_strip(writer: Writer, _: int, c: Any) -> None:
            begin = builder.add(w_at, c)
            targets = [place(begin, number(m), w_down, number(k), w_along) for m, k in taps]
            totals = [writer.variable(writer.load(w, target)) for target in targets]
            with cgutils.for_range(builder, rows) as i, cgutils.for_range(builder, columns) as j:
                corner = builder.add(place(at, i.index, run, j.index, row), c)
                factor = writer.load(y, builder.add(place(y_at, i.index, y_run, j.index, y_row), c))
                for offset, total in zip(offsets, totals, strict=True):
                    value = writer.load(x, builder.add(corner, offset))
                    product = writer.add_product(builder.load(total), value, factor)
                    builder.store(product, total)
            for target, total in zip(targets, totals, strict=True):
                writer.store(builder.load(total), w, target)

        by_width(builder, SIZES, length, write_strip)

    _by_taps(builder, high, wide, write)


def _place(builder: Any, begin: Any, i: Any, by_i: Any, j: Any, by_j: Any) -> Any:
    """Return begin + i · by_i + j · by_j."""
    return builder.add(builder.add(begin, builder.mul(i, by_i)), builder.mul(j, by_j))


_all_sums = in_llvm(_sums, _write_sums)
_all_gradients = in_llvm(_gradients, _write_gradients)


# Functions of their own: LLVM would compute the offsets of all sizes before the loops over taps.
@linked_part
def _sums_of_taps(
    high: int, wide: int, rows: int, columns: int, x: Any, at: int, run: int, row: int,
    down: int, along: int, w: Any, w_at: int, w_down: int, w_along: int,
    y: Any, y_at: int, y_run: int, y_row: int, length: int, accumulate: bool,
) -> None:  # fmt: skip
    _all_sums(
        high, wide, rows, columns, x, at, run, row, down, along, w, w_at, w_down, w_along,
        y, y_at, y_run, y_row, length, accumulate,
    )  # fmt: skip


@linked_part
def _gradients_of_taps(
    high: int, wide: int, rows: int, columns: int, x: Any, at: int, run: int, row: int,
    down: int, along: int, w: Any, w_at: int, w_down: int, w_along: int,
    y: Any, y_at: int, y_run: int, y_row: int, length: int,
) -> None:  # fmt: skip
    _all_gradients(
        high, wide, rows, columns, x, at, run, row, down, along, w, w_at, w_down, w_along,
        y, y_at, y_run, y_row, length,
    )  # fmt: skip


@linked_part
def window_sums(
    high: int, wide: int, rows: int, columns: int, x: Any, at: int, run: int, row: int,
    down: int, along: int, w: Any, w_at: int, w_down: int, w_along: int,
    y: Any, y_at: int, y_run: int, y_row: int, length: int,
) -> None:  # fmt: skip
    """Sum any number of taps; arguments as of ``_sums``. Without a tap, the sums are 0."""
    if high == 0 or wide == 0:
        _sums_of_taps(0, 0, rows, columns, x, at, run, row, down, along, w, w_at, w_down, w_along,
                   y, y_at, y_run, y_row, length, False)  # fmt: skip
        return
    if columns == 1:  # one loop is faster than two
        rows, columns, row, y_row = 1, rows, run, y_run
    for m in range(0, high, TAPS):
        for k in range(0, wide, TAPS):
            _sums_of_taps(
                min(TAPS, high - m), min(TAPS, wide - k), rows, columns,
                x, at + m * down + k * along, run, row, down, along,
                w, w_at + m * w_down + k * w_along, w_down, w_along,
                y, y_at, y_run, y_row, length, m + k > 0,
            )  # fmt: skip


@linked_part
def window_gradients(
    high: int, wide: int, rows: int, columns: int, x: Any, at: int, run: int, row: int,
    down: int, along: int, w: Any, w_at: int, w_down: int, w_along: int,
    y: Any, y_at: int, y_run: int, y_row: int, length: int,
) -> None:  # fmt: skip
    """Add the gradients of any number of taps; arguments as of ``_sums``."""
    if columns == 1:
        rows, columns, row, y_row = 1, rows, run, y_run
    for m in range(0, high, TAPS):
        for k in range(0, wide, TAPS):
            _gradients_of_taps(
                min(TAPS, high - m), min(TAPS, wide - k), rows, columns,
                x, at + m * down + k * along, run, row, down, along,
                w, w_at + m * w_down + k * w_along, w_down, w_along,
                y, y_at, y_run, y_row, length,
            )  # fmt: skip
