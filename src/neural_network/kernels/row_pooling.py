"""The end of a convolution of a single row with max pooling behind it, written for LLVM.

The sums of a filter are rows of an image. What bias and batch norm make of them, the largest number
of each pooling window and relu are one pass, in which neighbours are taken apart by vectors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from neural_network.kernels.runtime.compiler import linked_part
from neural_network.kernels.runtime.linking import in_llvm
from neural_network.kernels.tile import LANES, Writer, by_width, cgutils

# Vectors and lanes of the loop over the results of a row, from wide to narrow.
SIZES = ((1, LANES), (1, 8), (1, 4), (1, 1))


def _largest_of_windows(
    sums: Any, at: int, rows: int, positions: int, down: int, along: int,
    factors: Any, shifts: Any, f: int, relu: bool, out: Any, to: int,
) -> None:  # fmt: skip
    """Write the largest number of each window of ``down`` × ``along`` sums; NaN is the largest.

    The sums, in rows of ``positions · along`` from ``at`` on, are first multiplied by
    ``factors[f]``, then ``shifts[f]`` is added; relu is applied if ``relu``. ``rows`` ×
    ``positions`` results are written from ``to`` on.
    """
    for p in range(rows):
        for q in range(positions):
            best = np.float32(-np.inf)
            for tap in range(down * along):
                r, j = tap // along, tap % along
                place = at + ((p * down + r) * positions + q) * along + j
                number = sums[place] * factors[f] + shifts[f]
                # Not larger than the number, or the number is NaN; NaN stays.
                if not best > number:
                    best = best if np.isnan(best) else number
            out[to + p * positions + q] = 0 if relu and best < 0 else best


def _keep_larger(writer: Writer, best: Any, number: Any) -> None:
    """Put larger numbers, and NaN, in the place of those in the variable ``best``."""
    builder = writer.builder
    before = builder.load(best)
    not_larger = builder.fcmp_unordered("ule", before, number)
    stays = builder.fcmp_unordered("uno", before, before)
    replaced = builder.select(stays, before, number)
    builder.store(builder.select(not_larger, replaced, before), best)


def _write_largest(
    builder: Any, sums: Any, at: Any, rows: Any, positions: Any, down: Any, along: Any,
    factors: Any, shifts: Any, f: Any, relu: Any, out: Any, to: Any,
) -> None:  # fmt: skip
    """Write the loops for windows of one, two and more numbers along a row."""
    add, mul, number = builder.add, builder.mul, at.type
    line = mul(positions, along)
    factor, shift = (builder.load(builder.gep(array, [f])) for array in (factors, shifts))

    def write_rows(sizes: tuple[tuple[int, int], ...], keep_row: Callable[..., None]) -> None:
        with cgutils.for_range(builder, rows) as p:
            begin = add(at, mul(mul(p.index, down), line))
            target = add(to, mul(p.index, positions))

            def write(writer: Writer, _: int, q: Any) -> None:
                scale, offset = writer.broadcast(factor), writer.broadcast(shift)
                least = ir.Constant(ir.FloatType(), float("-inf"))
                best, zero = writer.variable(writer.broadcast(least)), writer.vector(None)

                def keep(found: Any) -> None:
                    _keep_larger(writer, best, writer.add_product(offset, found, scale))

                with cgutils.for_range(builder, down) as r:
                    keep_row(writer, add(begin, mul(r.index, line)), q, keep)
                result = builder.load(best)
                negative = builder.fcmp_ordered("<", result, zero)
                hidden = builder.and_(negative, writer.broadcast(relu))
                writer.store(builder.select(hidden, zero, result), out, add(target, q))

            by_width(builder, sizes, positions, write)

    def keep_one(writer: Writer, row: Any, q: Any, keep: Callable[[Any], None]) -> None:
        keep(writer.load(sums, add(row, q)))

    def keep_two(writer: Writer, row: Any, q: Any, keep: Callable[[Any], None]) -> None:
        lanes, begin = writer.lanes, add(row, mul(q, number(2)))
        found = [writer.load(sums, add(begin, number(first))) for first in (0, lanes)]
        for first in (0, 1):
            order = [first + 2 * lane for lane in range(lanes)]
            index = ir.Constant(ir.VectorType(ir.IntType(32), lanes), order)
            keep(builder.shuffle_vector(*found, index))

    def keep_each(writer: Writer, row: Any, q: Any, keep: Callable[[Any], None]) -> None:
        with cgutils.for_range(builder, along) as j:
            keep(writer.load(sums, add(add(row, mul(q, along)), j.index)))

    done, others = (builder.append_basic_block(name) for name in ("done", "others"))
    choice = builder.switch(along, others)
    for size, keep_row in ((1, keep_one), (2, keep_two)):
        block = builder.append_basic_block(f"along.{size}")
        choice.add_case(size, block)
        builder.position_at_end(block)
        write_rows(SIZES, keep_row)
        builder.branch(done)
    builder.position_at_end(others)
    write_rows(SIZES[-1:], keep_each)
    builder.branch(done)
    builder.position_at_end(done)


_written = in_llvm(_largest_of_windows, _write_largest)


@linked_part
def largest_of_windows(
    sums: Any, at: int, rows: int, positions: int, down: int, along: int,
    factors: Any, shifts: Any, f: int, relu: bool, out: Any, to: int,
) -> None:  # fmt: skip
    """As ``_largest_of_windows``."""
    _written(sums, at, rows, positions, down, along, factors, shifts, f, relu, out, to)
