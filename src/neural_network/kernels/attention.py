"""Scaled dot-product attention of float32: scores, softmax and weighted sums of a block of queries.

The scores of a block stay in the second-level cache, and are never an array of all queries and
keys. The backward pass computes them again, which takes no longer than to store and load them.
Queries, keys and values are read where they lie, so that the heads of a network need no copy.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
from llvmlite import ir

from neural_network.kernels.copies import turn
from neural_network.kernels.products import PADDED_TO, products
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.runtime.layouts import Array, Sizes, as_line
from neural_network.kernels.runtime.linking import in_llvm
from neural_network.kernels.tile import LANES, Writer, cgutils
from neural_network.kernels.vectors import Vector, Vectors

# Queries of a block.
BLOCK = 64
# Rows of scores are padded to whole vectors of this many numbers.
WHOLE = max(LANES, PADDED_TO)
NO_MASK = np.zeros(0, np.float32)


def attended(
    query: Array, key: Array, value: Array, mask: Array | None, *, causal: bool, factor: float
) -> Array:
    """Return ``softmax(factor · Q Kᵀ + mask) V``, in the order of the queries' axes in memory.

    Args:
        query, key, value: (…, Lq, d), (…, Lk, d) and (…, Lk, dv).
        mask: to be added to the scores, broadcastable to them; −∞ masks. Or None.
        causal: whether query i attends only to keys 0 to i.
        factor: of the scores.
    """
    inputs = [_readable(array) for array in (query, key, value)]
    out = _like(inputs[0], value.shape[-1])
    added, steps = _mask_line(mask, (*query.shape[:-1], key.shape[-2]))
    lines, places, rows = _lines((*inputs, out), steps)
    attend(*lines, places, rows, added, _sizes(query, key, value), causal, np.float32(factor))
    return out


def attention_gradients(
    g: Array, query: Array, key: Array, value: Array, mask: Array | None, *, causal: bool,
    factor: float,
) -> list[Array]:  # fmt: skip
    """Return the gradients for queries, keys and values, given that for the result.

    Args:
        g: (…, Lq, dv).
        query, key, value, mask, causal, factor: as of ``attended``.
    """
    inputs = [_readable(array) for array in (query, key, value)]
    gradients = [_like(array, array.shape[-1]) for array in inputs]
    added, steps = _mask_line(mask, (*query.shape[:-1], key.shape[-2]))
    lines, places, rows = _lines((*inputs, _readable(g), *gradients), steps)
    attend_backward(
        *lines, places, rows, added, _sizes(query, key, value), causal, np.float32(factor)
    )
    return gradients


def _sizes(query: Array, key: Array, value: Array) -> Sizes:
    """Return the numbers of queries and keys, and the sizes of a key and of a value."""
    return (*query.shape[-2:-1], *key.shape[-2:], value.shape[-1])


def _readable(array: Array) -> Array:
    """Return an array whose rows are contiguous: this one, or a copy."""
    steps = array.strides
    size = array.itemsize
    usable = steps[-1] == size and min(steps) >= 0 and not any(step % size for step in steps)
    # Numba compiles a kernel anew for read-only arrays.
    return array if usable and array.flags.writeable else array.copy(order="C")


def _like(array: Array, last: int) -> Array:
    """Return memory in the order of an array's axes, with another size of the last axis."""
    shape = (*array.shape[:-1], last)
    out = np.empty_like(array, shape=shape)
    # Of axes of size 1 the order says nothing.
    return out if out.strides[-1] == out.itemsize else np.empty(shape, array.dtype)


def _mask_line(mask: Array | None, shape: Sizes) -> tuple[Array, Sizes]:
    """Return a mask as one axis, and its steps in the shape of the scores."""
    if mask is None:
        return NO_MASK, (0,) * len(shape)
    # Each row is contiguous; along the other axes, a mask of size 1 has step 0.
    rows = np.broadcast_to(mask, (*mask.shape[:-1], shape[-1])) if mask.ndim else mask
    rows = np.array(np.broadcast_to(rows, (*rows.shape[:-1], shape[-1])), np.float32, order="C")
    spread = np.broadcast_to(rows, shape)
    return rows.reshape(-1), tuple(step // rows.itemsize for step in spread.strides)


def _lines(arrays: tuple[Array, ...], mask_steps: Sizes) -> tuple[list[Array], Array, Array]:
    """Return arrays as one axis each, where each head of them begins, and the steps of rows."""
    lines, steps = zip(*map(as_line, arrays), strict=True)
    places, rows = _places(arrays[0].shape[:-2], (*steps, mask_steps))
    return [*lines], places, rows


@lru_cache(maxsize=64)
def _places(lead: Sizes, steps: tuple[Sizes, ...]) -> tuple[Array, Array]:
    """Return where each head begins, (arrays, heads), and the step of a row of each array."""
    heads = np.indices(lead, np.intp).reshape(len(lead), prod(lead))
    leading = np.array([array[:-2] for array in steps], np.intp).reshape(len(steps), len(lead))
    places = np.sum(leading[:, :, None] * heads, axis=1)
    return places, np.array([array[-2] for array in steps], np.intp)


def _softmax(numbers: Any, at: int, length: int) -> None:
    """Replace ``length`` scores from ``at`` on, a multiple of ``LANES``, by their softmax."""
    row = numbers[at : at + length]
    with np.errstate(all="ignore"):
        powers = np.exp(row - np.max(row))
        row[:] = powers / np.sum(powers)


def _write_softmax(builder: Any, numbers: Any, at: Any, length: Any) -> None:
    writer = Writer(builder, LANES)
    step = length.type(LANES)
    rounds = builder.sdiv(length, step)

    def across(vector: Any, combine: Any) -> Any:
        """Combine all lanes of a vector; the result stands in each."""
        index = ir.VectorType(ir.IntType(32), LANES)
        distance = LANES // 2
        while distance:
            order = ir.Constant(index, [lane ^ distance for lane in range(LANES)])
            vector = combine(vector, builder.shuffle_vector(vector, vector, order))
            distance //= 2
        return vector

    def larger(a: Any, b: Any) -> Any:
        # NaN is passed over: its own exponential makes the sum NaN.
        return builder.select(builder.fcmp_ordered(">", b, a), b, a)

    highest = writer.variable(ir.Constant(writer.vector, [float("-inf")] * LANES))
    with cgutils.for_range(builder, rounds) as loop:
        found = writer.load(numbers, builder.add(at, builder.mul(loop.index, step)))
        builder.store(larger(builder.load(highest), found), highest)
    top = Vector(writer, across(builder.load(highest), larger))
    total = writer.variable(writer.vector(None))
    with cgutils.for_range(builder, rounds) as loop:
        here = builder.add(at, builder.mul(loop.index, step))
        power = Vectors.exp(Vector(writer, writer.load(numbers, here)) - top).value
        writer.store(power, numbers, here)
        builder.store(builder.fadd(builder.load(total), power), total)
    share = 1.0 / Vector(writer, across(builder.load(total), builder.fadd))
    with cgutils.for_range(builder, rounds) as loop:
        here = builder.add(at, builder.mul(loop.index, step))
        writer.store((Vector(writer, writer.load(numbers, here)) * share).value, numbers, here)


softmax = in_llvm(_softmax, _write_softmax)


@part
def _padded(count: int) -> int:
    return -(-count // PADDED_TO) * PADDED_TO


@part
def _rows_of(
    source: Any, at: int, step: int, rows: int, length: int, factor: Any, target: Any
) -> None:
    """Fill ``target`` with rows, times a factor, zeros behind each up to whole vectors."""
    wide = len(target) // rows
    for i in range(rows):
        row = source[at + i * step : at + i * step + length]
        to = target[i * wide : (i + 1) * wide]
        for c in range(length):
            to[c] = row[c] * factor
        for c in range(length, wide):
            to[c] = np.float32(0)


@part
def _whole_rows(source: Any, at: int, step: int, rows: int, length: int) -> Any:
    """Return rows of whole vectors: an array, where they begin in it, and their step."""
    wide = _padded(length)
    if wide == length:
        return source, at, step
    target = np.empty(rows * wide, np.float32)
    _rows_of(source, at, step, rows, length, np.float32(1), target)
    return target, 0, wide


@part
def _allow(row: Any, mask: Any, at: int, seen: int, value: Any) -> bool:
    """Replace by ``value`` what is masked in the row of a query; return whether any key is not.

    Args:
        row: of as many numbers as there are keys.
        mask, at: where the query's row of the mask begins; or no mask.
        seen: so many keys causality allows.
        value: −∞ for scores, 0 for their gradients. To scores the mask is added.
    """
    keys, allowed = len(row), seen
    if len(mask) > 0:
        own, allowed = mask[at : at + keys], 0
        for c in range(seen):
            allowed += own[c] != -np.inf
        if value < 0:
            for c in range(keys):
                row[c] = value if own[c] == -np.inf else row[c] + own[c]
        else:
            for c in range(keys):
                row[c] = value if own[c] == -np.inf else row[c]
    for c in range(seen, keys):
        row[c] = value
    return allowed > 0


@part
def _weigh(
    queries: Any, rows: int, first: int, columns: Any, keys: int, size: int,
    mask: Any, mask_at: int, mask_row: int, causal: bool, weights: Any,
) -> None:  # fmt: skip
    """Fill ``weights`` with the softmax of the scores of some queries.

    Args:
        queries: times the factor; their step is that of whole vectors.
        rows, first: how many, and the number of the first.
        columns: the keys transposed, (size, whole vectors of keys).
        keys, size: how many, and of how many numbers.
        mask, mask_at, mask_row: the mask, where it begins and its step.
        causal: whether later keys are masked.
        weights: to be filled, (rows, whole vectors of keys).
    """
    wide = len(columns) // size
    products(
        rows, wide, queries, 0, _padded(size), 1, 1, 0, size,
        columns, 0, wide, 0, weights, 0, wide, False,
    )  # fmt: skip
    for i in range(rows):
        row = weights[i * wide : (i + 1) * wide]
        for c in range(keys, wide):
            row[c] = -np.inf
        seen = min(keys, first + i + 1) if causal else keys
        attends = _allow(
            row[:keys], mask, mask_at + (first + i) * mask_row, seen, -np.float32(np.inf)
        )
        if attends:
            softmax(weights, i * wide, wide)
        else:
            for c in range(wide):
                row[c] = np.float32(0)


@kernel
def attend(
    query: Any, key: Any, value: Any, out: Any, places: Any, steps: Any, mask: Any, sizes: Any,
    causal: bool, factor: Any,
) -> None:  # fmt: skip
    """Fill ``out``.

    Args:
        query, key, value, out: as one axis each; the numbers of a row are adjacent.
        places: (5, heads): where each head of them and of the mask begins.
        steps: (5,): the steps of their rows.
        mask: as one axis, added to the scores; or empty.
        sizes: the numbers of queries and keys, the sizes of a key and of a value.
        causal: whether later keys are masked.
        factor: of the scores.
    """
    count, keys, size, outputs = sizes
    heads, blocks = places.shape[1], -(-count // BLOCK)
    wide, columns = -(-keys // WHOLE) * WHOLE, _padded(outputs)
    for task in prange(heads * blocks):
        head, first = task // blocks, task % blocks * BLOCK
        rows = min(BLOCK, count - first)
        queries = np.empty(rows * _padded(size), np.float32)
        _rows_of(query, places[0, head] + first * steps[0], steps[0], rows, size, factor, queries)
        turned = np.empty(size * wide, np.float32)
        turn(key, places[1, head], steps[1], keys, size, turned, 0, wide)
        weights = np.empty(rows * wide, np.float32)
        _weigh(queries, rows, first, turned, keys, size,
               mask, places[4, head], steps[4], causal, weights)  # fmt: skip
        values, at, row = _whole_rows(value, places[2, head], steps[2], keys, outputs)
        to = places[3, head] + first * steps[3]
        if columns == outputs:
            products(rows, columns, weights, 0, wide, 1, 1, 0, keys,
                     values, at, row, 0, out, to, steps[3], False)  # fmt: skip
        else:
            sums = np.empty(rows * columns, np.float32)
            products(rows, columns, weights, 0, wide, 1, 1, 0, keys,
                     values, at, row, 0, sums, 0, columns, False)  # fmt: skip
            _unpad(sums, rows, outputs, np.float32(1), out, to, steps[3])


@part
def _unpad(
    source: Any, rows: int, length: int, factor: Any, target: Any, at: int, step: int
) -> None:
    """Copy rows of whole vectors, times a factor, to where they belong."""
    wide = _padded(length)
    for i in range(rows):
        row = source[i * wide : i * wide + length]
        to = target[at + i * step : at + i * step + length]
        for c in range(length):
            to[c] = row[c] * factor


@kernel
def attend_backward(
    query: Any, key: Any, value: Any, grad: Any, for_query: Any, for_key: Any, for_value: Any,
    places: Any, steps: Any, mask: Any, sizes: Any, causal: bool, factor: Any,
) -> None:  # fmt: skip
    """Fill the gradients for queries, keys and values.

    Args:
        query, key, value, grad, for_query, for_key, for_value: as one axis each.
        places, steps: (8, heads) and (8,): of these and of the mask, as of ``attend``.
        mask, sizes, causal, factor: as of ``attend``.
    """
    count, keys, size, outputs = sizes
    wide, columns, deep = -(-keys // WHOLE) * WHOLE, _padded(outputs), _padded(size)
    for head in prange(places.shape[1]):
        turned = np.empty(size * wide, np.float32)
        turn(key, places[1, head], steps[1], keys, size, turned, 0, wide)
        turned_values = np.empty(outputs * wide, np.float32)
        turn(value, places[2, head], steps[2], keys, outputs, turned_values, 0, wide)
        own_keys, keys_at, keys_row = _whole_rows(key, places[1, head], steps[1], keys, size)
        weights, slopes = np.empty((2, min(BLOCK, count) * wide), np.float32)
        sums = np.empty(min(BLOCK, count) * deep, np.float32)
        key_sums, value_sums = (
            np.empty(keys * deep, np.float32),
            np.empty(keys * columns, np.float32),
        )
        for first in range(0, count, BLOCK):
            rows = min(BLOCK, count - first)
            queries = np.empty(rows * deep, np.float32)
            _rows_of(
                query, places[0, head] + first * steps[0], steps[0], rows, size, factor, queries
            )
            _weigh(queries, rows, first, turned, keys, size,
                   mask, places[7, head], steps[7], causal, weights)  # fmt: skip
            g, g_at, g_row = _whole_rows(
                grad, places[3, head] + first * steps[3], steps[3], rows, outputs
            )
            products(keys, columns, weights, 0, 1, wide, 1, 0, rows,
                     g, g_at, g_row, 0, value_sums, 0, columns, first > 0)  # fmt: skip
            products(rows, wide, g, g_at, g_row, 1, 1, 0, outputs,
                     turned_values, 0, wide, 0, slopes, 0, wide, False)  # fmt: skip
            for i in range(rows):
                share = weights[i * wide : i * wide + keys]
                slope = slopes[i * wide : i * wide + keys]
                total = np.float32(0)
                for c in range(keys):
                    total += share[c] * slope[c]
                for c in range(keys):
                    slope[c] = share[c] * (slope[c] - total)
                seen = min(keys, first + i + 1) if causal else keys
                _allow(slope, mask, places[7, head] + (first + i) * steps[7], seen, np.float32(0))
            products(rows, deep, slopes, 0, wide, 1, 1, 0, keys,
                     own_keys, keys_at, keys_row, 0, sums, 0, deep, False)  # fmt: skip
            _unpad(sums, rows, size, factor, for_query,
                   places[4, head] + first * steps[4], steps[4])  # fmt: skip
            products(keys, deep, slopes, 0, 1, wide, 1, 0, rows,
                     queries, 0, deep, 0, key_sums, 0, deep, first > 0)  # fmt: skip
        _unpad(key_sums, keys, size, np.float32(1), for_key, places[5, head], steps[5])
        _unpad(value_sums, keys, outputs, np.float32(1), for_value, places[6, head], steps[6])
