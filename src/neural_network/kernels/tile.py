"""Sums of products kept in registers: the inner loops of matrix products and convolutions.

A processor multiplies and adds sixteen numbers at once (AVX-512; eight or four elsewhere), twice
in a cycle, but loads and stores fewer. So sums must stay in registers until they are complete.
Numba cannot guarantee that for an array; LLVM, to which Numba compiles, can for vectors. Each loop
is written here in LLVM's language; beside it stands the same loop in plain Python, which defines
what it computes and runs where nothing is compiled (``NUMBA_DISABLE_JIT=1``).

All arrays are flat float32, and all offsets are counted in numbers. Nothing is checked here.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import binding, ir
from numba.core import cgutils as _cgutils, types
from numba.extending import intrinsic

# Numba's helpers, which have no type annotations.
cgutils: Any = _cgutils

# Numbers of a vector register, and vectors of the widest tile. With 32 registers, six rows of four
# vectors leave registers for the factors; with 16, six rows of two.
_FEATURES = binding.get_host_cpu_features()
LANES = 16 if _FEATURES.get("avx512f") else 8 if _FEATURES.get("avx2") else 4
VECTORS = 2 if LANES == 8 else 4
ROWS = 6
WIDTH = VECTORS * LANES
# An addition takes four cycles, and two can begin in each, so at least eight independent sums
# should be in progress. Tiles of at most this many vectors keep two copies of each.
FEW = 4
# Heights of a tile one vector wide. Its rows share each loaded vector of ``w``: the taller the
# tile, the fewer loads for each product.
TALL = (1, 2, 3, 4, 5, 6, 7, 12, 13, 14)


def _tile(  # in plain Python
    rows: int, vectors: int, lanes: int, x: Any, at: int, row: int, step: int, runs: int,
    run: int, length: int, w: Any, w_at: int, w_step: int, w_run: int,
    y: Any, y_at: int, y_row: int, accumulate: bool,
) -> None:  # fmt: skip
    """Add up ``rows`` × ``vectors · lanes`` sums of ``runs · length`` products each.

    ``y[p, c] = Σ_m Σ_k x[at + p·row + m·run + k·step] · w[w_at + m·w_run + k·w_step + c]``,
    where row p of ``y`` begins at ``y_at + p·y_row``; ``accumulate`` adds to its numbers. There
    are 1 to ``ROWS`` rows or, one vector wide, one of ``TALL``; ``row`` or ``step`` is 1.
    """
    width = vectors * lanes
    for p in range(rows):
        total = y[y_at + p * y_row :][:width].copy() if accumulate else np.zeros(width, y.dtype)
        for m in range(runs):
            for k in range(length):
                begin = w_at + m * w_run + k * w_step
                total += x[at + p * row + m * run + k * step] * w[begin : begin + width]
        y[y_at + p * y_row :][:width] = total


def _gather(  # in plain Python
    vectors: int, lanes: int, values: Any, offsets: Any, first: int, count: int,
    w: Any, w_at: int, y: Any, y_at: int,
) -> None:  # fmt: skip
    """Add a weighted sum of rows of ``w``: ``y[c] += Σ_k values[k] · w[offsets[k] + c]``.

    k runs over ``count`` entries from ``first`` on, c over ``vectors · lanes`` numbers; offsets are
    counted from ``w_at``.
    """
    width = vectors * lanes
    for k in range(first, first + count):
        begin = w_at + offsets[k]
        y[y_at : y_at + width] += values[k] * w[begin : begin + width]


def _exchange(  # in plain Python
    vectors: int, lanes: int, values: Any, offsets: Any, first: int, count: int,
    x: Any, dx: Any, at: int, w: Any, dw: Any, w_at: int,
) -> None:  # fmt: skip
    """Add to both gradients: ``dw[c] += Σ_k v_k · x[o_k + c]`` and ``dx[o_k + c] += v_k · w[c]``.

    k runs over ``count`` entries of ``values`` v and ``offsets`` o from ``first`` on, c over
    ``vectors · lanes`` numbers; o is counted from ``at``, c from ``w_at``.
    """
    width = vectors * lanes
    for k in range(first, first + count):
        begin = at + offsets[k]
        dw[w_at : w_at + width] += values[k] * x[begin : begin + width]
        dx[begin : begin + width] += values[k] * w[w_at : w_at + width]


def _largest(  # in plain Python
    lanes: int, sums: Any, at: int, down: int, along: int, high: int, wide: int,
    best: Any, which: Any, to: int,
) -> None:  # fmt: skip
    """Find the largest of ``high`` × ``wide`` neighbours, and the index of its first occurrence.

    ``best[to + c] = max over r, q of sums[at + r·down + q·along + c]`` for ``lanes`` c, and
    ``which`` = r · wide + q. NaN counts as the largest number.
    """
    for c in range(lanes):
        best[to + c], which[to + c] = sums[at + c], 0
        for tap in range(high * wide):
            found = sums[at + tap // wide * down + tap % wide * along + c]
            if found > best[to + c] or found != found:  # noqa: PLR0124  # NaN is unequal to itself
                best[to + c], which[to + c] = found, tap


class _Writer:
    """Writes the loops of one intrinsic in LLVM's language."""

    def __init__(
        self, context: Any, builder: Any, signature: Any, arguments: Any, lanes: int
    ) -> None:
        self.context, self.builder = context, builder
        self.types, self.values, self.lanes = signature.args, arguments, lanes
        self.vector = ir.VectorType(ir.FloatType(), lanes)

    def data(self, argument: int) -> Any:
        """Return the address of an array's first number, or the address that was passed."""
        if isinstance(self.types[argument], types.CPointer):
            return self.values[argument]
        array = self.context.make_array(self.types[argument])
        return array(self.context, self.builder, self.values[argument]).data

    def load(self, data: Any, offset: Any) -> Any:
        address = self.builder.gep(data, [offset])
        return self.builder.load(self.builder.bitcast(address, self.vector.as_pointer()), align=4)

    def store(self, vector: Any, data: Any, offset: Any) -> None:
        address = self.builder.gep(data, [offset])
        self.builder.store(vector, self.builder.bitcast(address, self.vector.as_pointer()), align=4)

    def broadcast(self, data: Any, offset: Any) -> Any:
        """Load one number into all lanes."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        first = ir.Constant(ir.IntType(32), 0)
        number = self.builder.load(self.builder.gep(data, [offset]))
        lane = self.builder.insert_element(nothing, number, first)
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(lane, nothing, zeros)

    def add_product(self, total: Any, a: Any, b: Any) -> None:
        """Add a · b to a sum, rounded once ("contract")."""
        product = self.builder.fmul(a, b, flags=["contract"])
        before = self.builder.load(total)
        self.builder.store(self.builder.fadd(product, before, flags=["contract"]), total)

    def sums(self, count: int) -> list[Any]:
        """Allocate sums, which LLVM keeps in registers."""
        zero = ir.Constant(self.vector, None)
        return [cgutils.alloca_once_value(self.builder, zero) for _ in range(count)]


@intrinsic(prefer_literal=True)
def _compiled_tile(
    typing: Any, rows: Any, vectors: Any, lanes: Any, x: Any, at: Any, row: Any, step: Any,
    runs: Any, run: Any, length: Any, w: Any, w_at: Any, w_step: Any, w_run: Any, y: Any, y_at: Any,
    y_row: Any, accumulate: Any,
) -> Any:  # fmt: skip
    V, L = vectors.literal_value, lanes.literal_value
    index = types.intp
    signature = types.void(
        index, vectors, lanes, x, index, index, index, index, index, index,
        w, index, index, index, y, index, index, types.boolean,
    )  # fmt: skip

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        writer = _Writer(context, builder, signature, arguments, L)
        end = builder.append_basic_block("end")
        choice = builder.switch(arguments[0], end)
        for size in TALL if V == 1 else range(1, ROWS + 1):
            block = builder.append_basic_block(f"rows.{size}")
            choice.add_case(size, block)
            builder.position_at_end(block)
            _write_tile(writer, size, V, arguments)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return signature, write


def _write_tile(writer: _Writer, P: int, V: int, arguments: Any) -> None:
    """Write a tile of P rows and V vectors."""
    at, row, step, runs, run, length = arguments[4:10]
    w_at, w_step, w_run = arguments[11:14]
    y_at, y_row, accumulate = arguments[15:]
    builder = writer.builder
    x, w, y = (writer.data(i) for i in (3, 10, 14))
    add, mul = builder.add, builder.mul

    def number(value: int) -> Any:
        return ir.Constant(at.type, value)

    # Products are added to the copies of a sum in turn.
    copies = 2 if P * V <= FEW else 1
    totals = [[writer.sums(V) for _ in range(P)] for _ in range(copies)]
    for own in totals:
        for line in own:
            for total in line:
                builder.store(ir.Constant(writer.vector, None), total)
    y_places = [add(y_at, mul(y_row, number(p))) for p in range(P)]
    lanes_at = [number(v * writer.lanes) for v in range(V)]
    with builder.if_then(accumulate):
        for p in range(P):
            for v in range(V):
                before = writer.load(y, add(y_places[p], lanes_at[v]))
                builder.store(before, totals[0][p][v])

    def add_all(row: Any, step: Any) -> None:
        rows_at = [mul(row, number(p)) for p in range(P)]

        def add_products(copy: int, x_at: Any, w_now: Any) -> None:
            columns = [writer.load(w, add(w_now, lane)) for lane in lanes_at]
            for p in range(P):
                factor = writer.broadcast(x, add(x_at, rows_at[p]))
                for v in range(V):
                    writer.add_product(totals[copy][p][v], factor, columns[v])

        with cgutils.for_range(builder, runs) as outer:
            x_run = add(at, mul(outer.index, run))
            w_begin = add(w_at, mul(outer.index, w_run))
            rounds = builder.sdiv(length, number(copies))
            with cgutils.for_range(builder, rounds) as inner:
                for copy in range(copies):
                    k = add(mul(inner.index, number(copies)), number(copy))
                    add_products(copy, add(x_run, mul(k, step)), add(w_begin, mul(k, w_step)))
            if copies > 1:
                done = mul(rounds, number(copies))
                with cgutils.for_range(builder, builder.sub(length, done)) as rest:
                    k = add(done, rest.index)
                    add_products(0, add(x_run, mul(k, step)), add(w_begin, mul(k, w_step)))

    # A loop with the constant 1 needs fewer registers for addresses.
    is_one = builder.icmp_signed("==", step, number(1))
    with builder.if_else(is_one) as (neighbours, others):
        with neighbours:
            add_all(row, number(1))
        with others:
            add_all(number(1), step)
    for p in range(P):
        for v in range(V):
            total = builder.load(totals[0][p][v])
            for copy in range(1, copies):
                total = builder.fadd(total, builder.load(totals[copy][p][v]))
            writer.store(total, y, add(y_places[p], lanes_at[v]))


@intrinsic(prefer_literal=True)
def _compiled_gather(
    typing: Any, vectors: Any, lanes: Any, values: Any, offsets: Any, first: Any, count: Any,
    w: Any, w_at: Any, y: Any, y_at: Any,
) -> Any:  # fmt: skip
    V, L = vectors.literal_value, lanes.literal_value
    index = types.intp
    signature = types.void(vectors, lanes, values, offsets, index, index, w, index, y, index)

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        writer = _Writer(context, builder, signature, arguments, L)
        _, _, _, _, first, count, _, w_at, _, y_at = arguments
        values, offsets, w, y = (writer.data(i) for i in (2, 3, 6, 8))
        totals = writer.sums(V)
        lanes_at = [ir.Constant(first.type, v * L) for v in range(V)]
        for v in range(V):
            builder.store(writer.load(y, builder.add(y_at, lanes_at[v])), totals[v])
        with cgutils.for_range(builder, count) as loop:
            k = builder.add(first, loop.index)
            found = builder.load(builder.gep(offsets, [k]))
            begin = builder.add(w_at, builder.sext(found, first.type))
            value = writer.broadcast(values, k)
            for v in range(V):
                writer.add_product(
                    totals[v], value, writer.load(w, builder.add(begin, lanes_at[v]))
                )
        for v in range(V):
            writer.store(builder.load(totals[v]), y, builder.add(y_at, lanes_at[v]))
        return context.get_dummy_value()

    return signature, write


@intrinsic(prefer_literal=True)
def _compiled_exchange(
    typing: Any, vectors: Any, lanes: Any, values: Any, offsets: Any, first: Any, count: Any,
    x: Any, dx: Any, at: Any, w: Any, dw: Any, w_at: Any,
) -> Any:  # fmt: skip
    V, L = vectors.literal_value, lanes.literal_value
    index = types.intp
    signature = types.void(
        vectors, lanes, values, offsets, index, index, x, dx, index, w, dw, index
    )

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        writer = _Writer(context, builder, signature, arguments, L)
        _, _, _, _, first, count, _, _, at, _, _, w_at = arguments
        values, offsets, x, dx, w, dw = (writer.data(i) for i in (2, 3, 6, 7, 9, 10))
        add = builder.add
        lanes_at = [ir.Constant(first.type, v * L) for v in range(V)]
        weights = [writer.load(w, add(w_at, lane)) for lane in lanes_at]
        totals = writer.sums(V)
        for v in range(V):
            builder.store(writer.load(dw, add(w_at, lanes_at[v])), totals[v])
        with cgutils.for_range(builder, count) as loop:
            k = add(first, loop.index)
            found = builder.load(builder.gep(offsets, [k]))
            begin = add(at, builder.sext(found, first.type))
            value = writer.broadcast(values, k)
            for v in range(V):
                here = add(begin, lanes_at[v])
                writer.add_product(totals[v], value, writer.load(x, here))
                product = builder.fmul(value, weights[v], flags=["contract"])
                shared = builder.fadd(product, writer.load(dx, here), flags=["contract"])
                writer.store(shared, dx, here)
        for v in range(V):
            writer.store(builder.load(totals[v]), dw, add(w_at, lanes_at[v]))
        return context.get_dummy_value()

    return signature, write


@intrinsic(prefer_literal=True)
def _compiled_largest(
    typing: Any, lanes: Any, sums: Any, at: Any, down: Any, along: Any, high: Any, wide: Any,
    best: Any, which: Any, to: Any,
) -> Any:  # fmt: skip
    index = types.intp
    signature = types.void(lanes, sums, index, index, index, index, index, best, which, index)
    L = lanes.literal_value

    def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        writer = _Writer(context, builder, signature, arguments, L)
        _, _, at, down, along, high, wide, _, _, to = arguments
        sums, best, which = (writer.data(i) for i in (1, 7, 8))
        byte = ir.IntType(8)
        bytes_ = ir.VectorType(byte, L)
        largest = cgutils.alloca_once_value(builder, writer.load(sums, at))
        first = cgutils.alloca_once_value(builder, ir.Constant(bytes_, None))
        with cgutils.for_range(builder, high) as rows:
            line = builder.add(at, builder.mul(rows.index, down))
            with cgutils.for_range(builder, wide) as columns:
                found = writer.load(sums, builder.add(line, builder.mul(columns.index, along)))
                before = builder.load(largest)
                # Greater, or NaN, which is unordered to itself.
                better = builder.or_(
                    builder.fcmp_ordered(">", found, before),
                    builder.fcmp_unordered("uno", found, found),
                )
                number = builder.add(builder.mul(rows.index, wide), columns.index)
                nothing = ir.Constant(bytes_, ir.Undefined)
                lane = builder.insert_element(
                    nothing, builder.trunc(number, byte), ir.Constant(ir.IntType(32), 0)
                )
                zeros = ir.Constant(ir.VectorType(ir.IntType(32), L), [0] * L)
                spread = builder.shuffle_vector(lane, nothing, zeros)
                builder.store(builder.select(better, found, before), largest)
                builder.store(builder.select(better, spread, builder.load(first)), first)
        writer.store(builder.load(largest), best, to)
        target = builder.bitcast(builder.gep(which, [to]), bytes_.as_pointer())
        builder.store(builder.load(first), target, align=1)
        return context.get_dummy_value()

    return signature, write


_config: Any = numba.config
COMPILED = not _config.DISABLE_JIT
tile: Any = _compiled_tile if COMPILED else _tile
gather: Any = _compiled_gather if COMPILED else _gather
exchange: Any = _compiled_exchange if COMPILED else _exchange
largest: Any = _compiled_largest if COMPILED else _largest
