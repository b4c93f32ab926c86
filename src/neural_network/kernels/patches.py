"""Parts of images copied to where a kernel reads them: rows of numbers, with zeros around them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from llvmlite import ir

from neural_network.kernels.runtime.compiler import linked_part, part
from neural_network.kernels.runtime.linking import in_llvm
from neural_network.kernels.tile import LANES, Writer, cgutils

# Rows of at most so many numbers are copied by vectors of so many.
SHORT = 8


def _copy(
    x: Any, at: int, row: int, step: int, y: Any, y_at: int, above: int, rows: int, below: int,
    columns: int, first: int, end: int, planes: int, plane: int, y_plane: int,
) -> None:  # fmt: skip
    """Write rows of ``columns`` numbers, one behind the other: zeros, ``rows`` of ``x``, zeros.

    Number i of row r is ``x[at + r·row + i·step]`` where i is from ``first`` to ``end`` − 1, else
    0. There are ``above`` rows of zeros before them and ``below`` behind. Compiled, it reads and
    writes whole vectors: up to ``LANES`` − 1 numbers behind the last are overwritten, and all of
    ``x`` is read, those for the zeros left and right and 2 · ``LANES`` behind them too.
    The same is done for ``planes`` planes in turn, which are ``plane`` numbers apart in ``x`` and
    ``y_plane`` in ``y``.
    """
    for p in range(planes):
        for r in range(above + rows + below):
            for i in range(columns):
                inside = above <= r < above + rows and first <= i < end
                number = x[at + p * plane + (r - above) * row + i * step] if inside else 0
                y[y_at + p * y_plane + r * columns + i] = number


def _write_copy(
    builder: Any, x: Any, at: Any, row: Any, step: Any, y: Any, y_at: Any, above: Any, rows: Any,
    below: Any, columns: Any, first: Any, end: Any, planes: Any, plane: Any, y_plane: Any,
) -> None:  # fmt: skip
    number, add, mul, small = at.type, builder.add, builder.mul, ir.IntType(32)

    def write_rows(lanes: int, at: Any, y_at: Any) -> None:
        own_at = add(y_at, mul(above, columns))
        below_at = add(own_at, mul(rows, columns))
        begin_at = add(at, mul(first, step))
        writer = Writer(builder, lanes)
        index, zero = ir.VectorType(small, lanes), writer.vector(None)
        order = ir.Constant(index, list(range(lanes)))
        even = ir.Constant(index, [2 * lane for lane in range(lanes)])
        vectors = builder.sdiv(add(columns, number(lanes - 1)), number(lanes))
        bounds = [writer.broadcast(builder.trunc(one, small)) for one in (first, end)]

        def write(begin: Any, count: Any, value: Callable[[Any, Any], Any]) -> None:
            with cgutils.for_range(builder, count) as r:
                to = add(begin, mul(r.index, columns))
                with cgutils.for_range(builder, vectors) as v:
                    position = mul(v.index, number(lanes))
                    writer.store(value(r.index, position), y, add(to, position))

        def read(size: int, r: Any, position: Any) -> Any:
            begin = add(add(at, mul(r, row)), mul(position, number(size)))
            vector = writer.load(x, begin)
            if size == 2:
                more = writer.load(x, add(begin, number(lanes)))
                vector = builder.shuffle_vector(vector, more, even)
            place = builder.add(order, writer.broadcast(builder.trunc(position, small)))
            behind_first = builder.icmp_signed(">=", place, bounds[0])
            before_end = builder.icmp_signed("<", place, bounds[1])
            return builder.select(builder.and_(behind_first, before_end), vector, zero)

        write(y_at, above, lambda *_: zero)
        done, others = (builder.append_basic_block(name) for name in ("done", "others"))
        choice = builder.switch(step, others)
        for size in (1, 2):
            block = builder.append_basic_block(f"step.{size}")
            choice.add_case(size, block)
            builder.position_at_end(block)
            write(own_at, rows, partial(read, size))
            builder.branch(done)
        builder.position_at_end(others)
        write(own_at, rows, lambda *_: zero)
        with cgutils.for_range(builder, rows) as r:
            source, target = add(begin_at, mul(r.index, row)), add(own_at, mul(r.index, columns))
            with cgutils.for_range(builder, builder.sub(end, first)) as i:
                found = builder.load(builder.gep(x, [add(source, mul(i.index, step))]))
                builder.store(found, builder.gep(y, [add(target, add(first, i.index))]))
        builder.branch(done)
        builder.position_at_end(done)
        write(below_at, below, lambda *_: zero)

    # Whole vectors of short rows would overlap those of the next row.
    short = builder.icmp_signed("<=", columns, number(SHORT))
    with builder.if_else(short) as (narrow, wide):
        for lanes, size in ((SHORT, narrow), (LANES, wide)):
            with size, cgutils.for_range(builder, planes) as p:
                write_rows(lanes, add(at, mul(p.index, plane)), add(y_at, mul(p.index, y_plane)))


_copied = in_llvm(_copy, _write_copy)


@linked_part
def copy_part(
    x: Any, at: int, row: int, step: int, y: Any, y_at: int, above: int, rows: int, below: int,
    columns: int, first: int, end: int, planes: int, plane: int, y_plane: int,
) -> None:  # fmt: skip
    """As ``_copy``."""
    _copied(
        x, at, row, step, y, y_at, above, rows, below, columns, first, end, planes, plane, y_plane
    )  # fmt: skip


@part
def inside(begin: int, step: int, size: int, count: int) -> Any:
    """Return which of ``count`` positions from ``begin`` on, ``step`` apart, lie in 0 … size − 1.

    Returns:
        The first, and the one behind the last.
    """
    first = min(count, max(0, -(begin // step)))
    return first, min(count, max(first, (size - 1 - begin) // step + 1))
