"""Sums of products kept in registers: the inner loops of matrix products and convolutions.

A processor multiplies and adds sixteen numbers at once (AVX-512; eight or four elsewhere), twice
in a cycle, but loads and stores fewer. So sums must stay in registers until they are complete.
Numba cannot guarantee that for an array; LLVM, to which Numba compiles, can for vectors. Each loop
is written here in LLVM's language; beside it stands the same loop in plain Python, which defines
what it computes and runs where nothing is compiled (``NUMBA_DISABLE_JIT=1``).

All arrays are flat float32, and all offsets are counted in numbers. Nothing is checked here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils as _cgutils

from neural_network.kernels.runtime.linking import in_llvm

# Numba's helpers, which have no type annotations.
cgutils: Any = _cgutils

# Numbers of a vector register, and vectors of the widest tile. With 32 registers, six rows of four
# vectors leave registers for the factors; with 16, six rows of two.
_FEATURES = binding.get_host_cpu_features()
LANES = 16 if _FEATURES.get("avx512f") else 8 if _FEATURES.get("avx2") else 4
VECTORS = 2 if LANES == 8 else 4
ROWS = 6
WIDTH = VECTORS * LANES
# The vectors and lanes of a tile of each width, and the widths from wide to narrow.
TILES = {8: (1, 8)} | {vectors * LANES: (vectors, LANES) for vectors in (1, 2, VECTORS)}
WIDTHS = tuple(sorted(TILES, reverse=True))
# An addition takes four cycles, and two can begin in each, so at least eight independent sums
# should be in progress. Tiles of at most this many vectors keep two copies of each.
FEW = 4
# The loop of the largest tiles adds two products of each sum in a round: fewer instructions are
# left for addresses, which matters where another process uses the same core. Four are slower.
MANY = (ROWS - 1) * VECTORS
# Heights of a tile one vector wide. Its rows share each loaded vector of ``w``: the taller the
# tile, the fewer loads for each product.
TALL = (1, 2, 3, 4, 5, 6, 7, 12, 13, 14)


class Writer:
    """Writes operations on vectors of ``lanes`` numbers in LLVM's language."""

    def __init__(self, builder: Any, lanes: int) -> None:
        self.builder, self.lanes = builder, lanes
        self.vector = ir.VectorType(ir.FloatType(), lanes)

    def load(self, data: Any, offset: Any) -> Any:
        """Load the vector at an offset."""
        address = self.builder.gep(data, [offset])
        return self.builder.load(self.builder.bitcast(address, self.vector.as_pointer()), align=4)

    def store(self, vector: Any, data: Any, offset: Any) -> None:
        """Store a vector at an offset."""
        address = self.builder.gep(data, [offset])
        target = self.builder.bitcast(address, vector.type.as_pointer())
        self.builder.store(vector, target, align=1)

    def broadcast(self, number: Any) -> Any:
        """Copy a number into all lanes."""
        nothing = ir.Constant(ir.VectorType(number.type, self.lanes), ir.Undefined)
        lane = self.builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(lane, nothing, zeros)

    def add_product(self, total: Any, a: Any, b: Any) -> Any:
        """Return total + a · b, rounded once ("contract")."""
        product = self.builder.fmul(a, b, flags=["contract"])
        return self.builder.fadd(product, total, flags=["contract"])

    def variable(self, vector: Any) -> Any:
        """Allocate a variable, which LLVM keeps in a register."""
        return cgutils.alloca_once_value(self.builder, vector)


def _tile(
    rows: int, width: int, x: Any, at: int, row: int, step: int, runs: int,
    run: int, length: int, w: Any, w_at: int, w_step: int, w_run: int,
    y: Any, y_at: int, y_row: int, accumulate: bool,
) -> None:  # fmt: skip
    """Add up ``rows`` × ``width`` sums of ``runs · length`` products each.

    ``y[p, c] = Σ_m Σ_k x[at + p·row + m·run + k·step] · w[w_at + m·w_run + k·w_step + c]``,
    where row p of ``y`` begins at ``y_at + p·y_row``; ``accumulate`` adds to its numbers. The
    width is one of ``WIDTHS``; there are 1 to ``ROWS`` rows or, one vector wide, one of ``TALL``;
    ``row`` or ``step`` is 1.
    """
    for p in range(rows):
        total = y[y_at + p * y_row :][:width].copy() if accumulate else np.zeros(width, y.dtype)
        for m in range(runs):
            for k in range(length):
                begin = w_at + m * w_run + k * w_step
                total += x[at + p * row + m * run + k * step] * w[begin : begin + width]
        y[y_at + p * y_row :][:width] = total


def write_tiles(
    write: Callable[..., None], builder: Any, rows: Any, width: Any, *arguments: Any
) -> None:
    """Write a tile of each size, and the choice between them.

    Args:
        write: writes a tile, from a ``Writer``, its rows, its vectors and the other arguments.
        builder: of the function.
        rows, width: of the tile that is chosen.
        arguments: the others.
    """
    end = builder.append_basic_block("end")
    # No tile has 16 rows.
    choice = builder.switch(builder.add(builder.mul(width, width.type(16)), rows), end)
    for size, (vectors, lanes) in TILES.items():
        for height in TALL if vectors == 1 else range(1, ROWS + 1):
            block = builder.append_basic_block(f"tile.{height}.{size}")
            choice.add_case(16 * size + height, block)
            builder.position_at_end(block)
            write(Writer(builder, lanes), height, vectors, *arguments)
            builder.branch(end)
    builder.position_at_end(end)


class Sums:
    """The sums of a tile of P rows and V vectors, while they are added up.

    Args:
        writer: writes the operations.
        P, V: rows, and vectors of each.
        y, y_at, y_row: where the sums are stored: an array, the offset of the first row, and from
            one row to the next.
    """

    def __init__(self, writer: Writer, P: int, V: int, y: Any, y_at: Any, y_row: Any) -> None:
        self._writer, builder, number = writer, writer.builder, y_at.type
        # Products are added to the copies of a sum in turn.
        self._copies = 2 if P * V <= FEW else 1
        self._at_once = 2 if P * V <= FEW or P * V >= MANY else 1
        zero = writer.vector(None)
        self._totals = [
            [[writer.variable(zero) for _ in range(V)] for _ in range(P)]
            for _ in range(self._copies)
        ]
        self._lanes_at = [number(v * writer.lanes) for v in range(V)]
        rows = [builder.add(y_at, builder.mul(y_row, number(p))) for p in range(P)]
        self._y = y
        self._places = [[builder.add(row, lane) for lane in self._lanes_at] for row in rows]

    def load(self) -> None:
        """Begin with the numbers that are stored."""
        for totals, places in zip(self._totals[0], self._places, strict=True):
            for total, place in zip(totals, places, strict=True):
                self._writer.builder.store(self._writer.load(self._y, place), total)

    def store(self) -> None:
        """Store the sums."""
        builder = self._writer.builder
        for p, places in enumerate(self._places):
            for v, place in enumerate(places):
                total = builder.load(self._totals[0][p][v])
                for copy in range(1, self._copies):
                    total = builder.fadd(total, builder.load(self._totals[copy][p][v]))
                self._writer.store(total, self._y, place)

    def add_products(
        self, length: Any, x: Any, rows_at: list[Any], x_place: Callable[[Any], Any],
        w: Any, w_place: Callable[[Any], Any],
    ) -> None:  # fmt: skip
        """Write the loop that adds the products of ``length`` numbers of each row.

        Args:
            length: how many.
            x, w: the factors.
            rows_at: of each row, from the first.
            x_place, w_place: where number k of the first row of ``x``, and of ``w``, are.
        """
        builder, copies, at_once = self._writer.builder, self._copies, self._at_once
        add, mul, number = builder.add, builder.mul, length.type

        def add_one(copy: int, k: Any) -> None:
            x_at, w_at = x_place(k), w_place(k)
            columns = [self._writer.load(w, add(w_at, lane)) for lane in self._lanes_at]
            for row_at, totals in zip(rows_at, self._totals[copy], strict=True):
                one = builder.load(builder.gep(x, [add(x_at, row_at)]))
                factor = self._writer.broadcast(one)
                for total, column in zip(totals, columns, strict=True):
                    before = builder.load(total)
                    builder.store(self._writer.add_product(before, factor, column), total)

        rounds = builder.sdiv(length, number(at_once))
        with cgutils.for_range(builder, rounds) as inner:
            for one in range(at_once):
                add_one(one % copies, add(mul(inner.index, number(at_once)), number(one)))
        if at_once > 1:
            done = mul(rounds, number(at_once))
            with cgutils.for_range(builder, builder.sub(length, done)) as rest:
                add_one(0, add(done, rest.index))


def _write_sums(
    writer: Writer, P: int, V: int, x: Any, at: Any, row: Any, step: Any, runs: Any,
    run: Any, length: Any, w: Any, w_at: Any, w_step: Any, w_run: Any,
    y: Any, y_at: Any, y_row: Any, accumulate: Any,
) -> None:  # fmt: skip
    """Write a tile of P rows and V vectors."""
    builder, number = writer.builder, at.type
    add, mul = builder.add, builder.mul
    sums = Sums(writer, P, V, y, y_at, y_row)
    with builder.if_then(accumulate):
        sums.load()

    def add_all(row: Any, step: Any) -> None:
        rows_at = [mul(row, number(p)) for p in range(P)]
        with cgutils.for_range(builder, runs) as outer:
            x_run = add(at, mul(outer.index, run))
            w_begin = add(w_at, mul(outer.index, w_run))
            sums.add_products(
                length, x, rows_at, lambda k: add(x_run, mul(k, step)),
                w, lambda k: add(w_begin, mul(k, w_step)),
            )  # fmt: skip

    # A loop with the constant 1 needs fewer registers for addresses.
    is_one = builder.icmp_signed("==", step, number(1))
    with builder.if_else(is_one) as (neighbours, others):
        with neighbours:
            add_all(row, number(1))
        with others:
            add_all(number(1), step)
    sums.store()


def by_width(
    builder: Any, sizes: tuple[tuple[int, int], ...], length: Any,
    write: Callable[[Writer, int, Any], None],
) -> None:  # fmt: skip
    """Write loops that cover ``length`` numbers with vectors, as many at once as possible.

    Args:
        builder: of the function.
        sizes: the vectors that a loop takes at once and their lanes, from wide to narrow.
        length: a multiple of the smallest size.
        write: writes the body of a loop for so many vectors, from a position on.
    """
    done = length.type(0)
    for vectors, lanes in sizes:
        width = length.type(vectors * lanes)
        rounds = builder.sdiv(builder.sub(length, done), width)
        with cgutils.for_range(builder, rounds) as loop:
            position = builder.add(done, builder.mul(loop.index, width))
            write(Writer(builder, lanes), vectors, position)
        done = builder.add(done, builder.mul(rounds, width))


def _exchange(
    values: Any, offsets: Any, first: int, count: int, x: Any, dx: Any, at: int,
    w: Any, dw: Any, w_at: int, length: int, both: bool,
) -> None:  # fmt: skip
    """Add to a gradient or both: ``dw[c] += Σ_k v_k · x[o_k + c]``, ``dx[o_k + c] += v_k · w[c]``.

    k runs over ``count`` entries of ``values`` v and ``offsets`` o from ``first`` on, c over
    ``length`` numbers, a multiple of 4; o is counted from ``at``, c from ``w_at``.
    """
    for k in range(first, first + count):
        begin = at + offsets[k]
        dw[w_at : w_at + length] += values[k] * x[begin : begin + length]
        if both:
            dx[begin : begin + length] += values[k] * w[w_at : w_at + length]


def _write_exchange(
    builder: Any, values: Any, offsets: Any, first: Any, count: Any, x: Any, dx: Any, at: Any,
    w: Any, dw: Any, w_at: Any, length: Any, both: Any,
) -> None:  # fmt: skip
    add, sizes = builder.add, ((6, LANES), (2, LANES), (1, LANES), (1, 4))

    def write(writer: Writer, vectors: int, position: Any, *, with_dx: bool) -> None:
        steps = [add(position, position.type(v * writer.lanes)) for v in range(vectors)]
        places = [add(w_at, step) for step in steps]
        weights = [writer.load(w, place) for place in places] if with_dx else []
        totals = [writer.variable(writer.load(dw, place)) for place in places]
        with cgutils.for_range(builder, count) as loop:
            k = add(first, loop.index)
            begin = add(at, builder.sext(builder.load(builder.gep(offsets, [k])), at.type))
            value = writer.broadcast(builder.load(builder.gep(values, [k])))
            for v in range(vectors):
                here = add(begin, steps[v])
                total = builder.load(totals[v])
                builder.store(writer.add_product(total, value, writer.load(x, here)), totals[v])
                if with_dx:
                    before = writer.load(dx, here)
                    writer.store(writer.add_product(before, value, weights[v]), dx, here)
        for total, place in zip(totals, places, strict=True):
            writer.store(builder.load(total), dw, place)

    with builder.if_else(both) as (two, one):
        with two:
            by_width(builder, sizes, length, partial(write, with_dx=True))
        with one:
            by_width(builder, sizes, length, partial(write, with_dx=False))


def _largest(
    sums: Any, at: int, down: int, along: int, high: int, wide: int,
    best: Any, which: Any, to: int, length: int,
) -> None:  # fmt: skip
    """Find the largest of ``high`` × ``wide`` neighbours, and the index of its first occurrence.

    ``best[to + c] = max over r, q of sums[at + r·down + q·along + c]`` for ``length`` c, a
    multiple of 8, and ``which`` = r · wide + q. NaN counts as the largest number.
    """
    for c in range(length):
        best[to + c], which[to + c] = sums[at + c], 0
        for tap in range(high * wide):
            found = sums[at + tap // wide * down + tap % wide * along + c]
            if found > best[to + c] or found != found:  # noqa: PLR0124  # NaN is unequal to itself
                best[to + c], which[to + c] = found, tap


def _write_largest(
    builder: Any, sums: Any, at: Any, down: Any, along: Any, high: Any, wide: Any,
    best: Any, which: Any, to: Any, length: Any,
) -> None:  # fmt: skip
    add, mul, byte = builder.add, builder.mul, ir.IntType(8)

    def write(writer: Writer, _: int, position: Any) -> None:
        corner, target = add(at, position), add(to, position)
        largest = writer.variable(writer.load(sums, corner))
        first = writer.variable(ir.VectorType(byte, writer.lanes)(None))
        with cgutils.for_range(builder, high) as rows:
            line = add(corner, mul(rows.index, down))
            with cgutils.for_range(builder, wide) as columns:
                found = writer.load(sums, add(line, mul(columns.index, along)))
                before = builder.load(largest)
                # Greater, or NaN, which is unordered to itself.
                better = builder.or_(
                    builder.fcmp_ordered(">", found, before),
                    builder.fcmp_unordered("uno", found, found),
                )
                tap = builder.trunc(add(mul(rows.index, wide), columns.index), byte)
                index = builder.select(better, writer.broadcast(tap), builder.load(first))
                builder.store(builder.select(better, found, before), largest)
                builder.store(index, first)
        writer.store(builder.load(largest), best, target)
        writer.store(builder.load(first), which, target)

    by_width(builder, ((1, LANES), (1, 8)), length, write)


def _transpose(x: Any, at: int, row: int, y: Any, y_at: int, y_row: int) -> None:
    """Write a block of 8 × 8 numbers transposed: ``y[y_at + j·y_row + i] = x[at + i·row + j]``."""
    for i in range(8):
        for j in range(8):
            y[y_at + j * y_row + i] = x[at + i * row + j]


def _write_transpose(
    builder: Any, x: Any, at: Any, row: Any, y: Any, y_at: Any, y_row: Any
) -> None:
    writer, add, mul, number = Writer(builder, 8), builder.add, builder.mul, at.type
    index = ir.VectorType(ir.IntType(32), 8)
    rows = [writer.load(x, add(at, mul(row, number(i)))) for i in range(8)]
    # Row i and lane j have three bits each. A round exchanges one bit of i with that of j, in
    # pairs of rows that differ in this bit alone; so all three rounds exchange i and j.
    for bit in (4, 2, 1):
        for i in range(8):
            if not i & bit:
                pair = rows[i], rows[i | bit]
                lower = [j if not j & bit else 8 + (j ^ bit) for j in range(8)]
                upper = [j | bit if not j & bit else 8 + j for j in range(8)]
                rows[i] = builder.shuffle_vector(*pair, ir.Constant(index, lower))
                rows[i | bit] = builder.shuffle_vector(*pair, ir.Constant(index, upper))
    for j in range(8):
        writer.store(rows[j], y, add(y_at, mul(y_row, number(j))))


def _add_bias(
    rows: int, length: int, x: Any, row: int, bias: Any, y: Any, y_at: int, y_row: int, relu: bool
) -> None:
    """Write sums plus a bias for each column, or relu of that.

    ``y[y_at + i·y_row + c] = x[i·row + c] + bias[c]`` for ``length`` c, a multiple of 8.
    """
    for i in range(rows):
        for c in range(length):
            total = x[i * row + c] + bias[c]
            # In this form NaN is kept, because no comparison with it is true.
            y[y_at + i * y_row + c] = 0 if relu and total < 0 else total


def _write_add_bias(
    builder: Any, rows: Any, length: Any, x: Any, row: Any, bias: Any, y: Any, y_at: Any,
    y_row: Any, relu: Any,
) -> None:  # fmt: skip
    add, mul = builder.add, builder.mul
    with cgutils.for_range(builder, rows) as loop:
        begin, end = mul(loop.index, row), add(y_at, mul(loop.index, y_row))

        def write(writer: Writer, _: int, position: Any) -> None:
            found = writer.load(x, add(begin, position))
            total, zero = builder.fadd(found, writer.load(bias, position)), writer.vector(None)
            negative = builder.fcmp_ordered("<", total, zero)
            cut = builder.and_(negative, writer.broadcast(relu))
            writer.store(builder.select(cut, zero, total), y, add(end, position))

        by_width(builder, ((1, LANES), (1, 8)), length, write)


def _relu_backward(
    grad: Any, out: Any, at: int, y: Any, y_at: int, total: Any, length: int, relu: bool
) -> None:
    """Write a gradient where relu passed, or all of it without relu, and add it to ``total``.

    ``y[y_at + c] = grad[at + c]`` where ``out[at + c] > 0``, else 0, for ``length`` c, a multiple
    of 8. ``out`` is read without relu as well.
    """
    for c in range(length):
        passed = not relu or out[at + c] > 0
        y[y_at + c] = grad[at + c] if passed else 0
        total[c] += y[y_at + c]


def _write_relu_backward(
    builder: Any, grad: Any, out: Any, at: Any, y: Any, y_at: Any, total: Any, length: Any,
    relu: Any,
) -> None:  # fmt: skip
    all_pass = builder.not_(relu)

    def write(writer: Writer, _: int, position: Any) -> None:
        here, zero = builder.add(at, position), writer.vector(None)
        positive = builder.fcmp_ordered(">", writer.load(out, here), zero)
        passed = builder.or_(positive, writer.broadcast(all_pass))
        kept = builder.select(passed, writer.load(grad, here), zero)
        writer.store(kept, y, builder.add(y_at, position))
        writer.store(builder.fadd(writer.load(total, position), kept), total, position)

    by_width(builder, ((1, LANES), (1, 8)), length, write)


tile = in_llvm(_tile, partial(write_tiles, _write_sums))
exchange = in_llvm(_exchange, _write_exchange)
largest = in_llvm(_largest, _write_largest)
transpose = in_llvm(_transpose, _write_transpose)
add_bias = in_llvm(_add_bias, _write_add_bias)
relu_backward = in_llvm(_relu_backward, _write_relu_backward)
