"""All stages of one row in one call: for a single image a call of each stage costs more than it.

The image has its channels first, as it comes. A convolution is the product of its filters, which
are read where they lie, with what its windows read (``row_convolution``): nothing is prepared from
the weights, which may change in place at any time. Batch norm in evaluation is a factor and a shift
of the sums.

The stages are the rows of a table of integers (``instructions``). Their work is cut into tasks by
shapes alone, so that the bits are the same for any number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.convolution.shifts import nine
from neural_network.kernels.instructions import (
    ACTIVATE,
    ADD,
    COLUMNS,
    CONVOLVE,
    DENSE,
    DEPTHWISE,
    FIELDS,
    MAX_POOL,
    MEAN,
    NORMALIZE,
    SLACK,
    TRANSPOSED,
)
from neural_network.kernels.patches import copy_part, inside
from neural_network.kernels.products import products
from neural_network.kernels.row_convolution import convolve
from neural_network.kernels.row_functions import activated, pooled
from neural_network.kernels.row_stage import (
    APART,
    CHANNELS,
    DONE,
    FILTERS,
    GROUP,
    HEIGHT,
    KIND,
    LEFT,
    OTHER,
    PIECE,
    POSITIONS,
    RELU,
    ROWS,
    SCRATCH,
    SOURCE,
    SPACING_ALONG,
    SPACING_DOWN,
    STRIDE_ALONG,
    STRIDE_DOWN,
    TAKEN,
    TAPS_ALONG,
    TAPS_DOWN,
    TARGET,
    TASKS,
    TOP,
    WEIGHT,
    WIDE,
    factors_and_shifts,
    finish,
)
from neural_network.kernels.row_transposed import transposed
from neural_network.kernels.runtime.addresses import integers_at, numbers_at
from neural_network.kernels.runtime.compiler import kernel, linked_part, part, prange, serial_kernel
from neural_network.kernels.runtime.counters import add_one, value_of
from neural_network.kernels.tile import WIDTH


@part
def _depthwise(row: Any, task: int) -> None:
    """Compute some channels: depthwise convolution, batch norm, relu."""
    channels, height, width = row[CHANNELS], row[HEIGHT], row[WIDE]
    rows, positions, relu = row[ROWS], row[POSITIONS], row[RELU] != 0
    fh, fw, sh, sw = row[TAPS_DOWN], row[TAPS_ALONG], row[STRIDE_DOWN], row[STRIDE_ALONG]
    dh, dw, top, left = row[SPACING_DOWN], row[SPACING_ALONG], row[TOP], row[LEFT]
    # The sums of all windows, whatever the stride, in a plane with zeros around it: a tap is one
    # offset for all of them, and those that are not needed cost less than shorter loops.
    high, wide = (rows - 1) * sh + (fh - 1) * dh + 1, (positions - 1) * sw + (fw - 1) * dw + 1
    length = (rows - 1) * sh * wide + (positions - 1) * sw + 1
    length = -(-length // COLUMNS) * COLUMNS
    offsets = np.empty(fh * fw, np.int64)
    for t in range(fh * fw):
        offsets[t] = t // fw * dh * wide + t % fw * dw
    above, below = inside(-top, 1, height, high)
    before, after = inside(-left, 1, width, wide)
    begin = task * row[GROUP]
    count, size = min(row[GROUP], channels - begin), rows * positions
    image = numbers_at(row[SOURCE], channels * height * width + SLACK)
    weights = numbers_at(row[WEIGHT], channels * fh * fw)
    # What each channel needs follows that of the channel before, so that each copy is one call.
    plane = -(-high * wide // COLUMNS) * COLUMNS
    scratch = numbers_at(row[SCRATCH] + 4 * task * row[APART], row[PIECE])
    planes, sums = scratch[: count * plane + SLACK], scratch[count * plane + SLACK :]
    kept = sums[count * length + SLACK :]
    copy_part(
        image, (begin * height + above - top) * width - left, width, 1, planes, 0,
        above, below - above, high - below, wide, before, after, count, height * width, plane,
    )  # fmt: skip
    for c in range(count):
        own = sums[c * length :][:length]
        if fh * fw == 9:
            nine(own, planes, c * plane, length, weights[9 * (begin + c) :], offsets, 0)
        else:
            products(
                1, length, weights, (begin + c) * fh * fw, 0, 1, fh, fw, fw,
                planes, c * plane, dw, dh * wide, own, 0, length, False,
            )  # fmt: skip
    copy_part(
        sums, 0, sh * wide, sw, kept, 0, 0, rows, 0, positions, 0, positions, count, length, size
    )
    result = numbers_at(row[TARGET], channels * size)[begin * size :]
    factors, shifts = factors_and_shifts(row, begin, count)
    for c in range(count):
        at, end = c * size, (c + 1) * size
        # From one array to another: within one, the compiled loop takes one number at a time.
        finish(kept[at:end], result[at:end], factors[c], shifts[c], relu)


@part
def _dense(row: Any, task: int) -> None:
    """Compute some units: a vector times a matrix, batch norm, relu."""
    inputs, units = row[CHANNELS], row[FILTERS]
    first = task * WIDTH
    width = min(WIDTH, -(-(units - first) // 8) * 8)
    kept = min(WIDTH, units - first)
    numbers = numbers_at(row[SOURCE], inputs)
    weights = numbers_at(row[WEIGHT], inputs * units)
    # Whole vectors of the matrix, which in the last rows would end behind it.
    whole = min(inputs, max(0, (inputs * units - first - width) // units + 1))
    sums = np.empty(WIDTH, np.float32)
    products(
        1, width, numbers, 0, inputs, 1, 1, 0, whole, weights, first, units, 0,
        sums, 0, WIDTH, False,
    )  # fmt: skip
    for k in range(whole, inputs):
        for u in range(kept):
            sums[u] += numbers[k] * weights[k * units + first + u]
    result, (factors, shifts) = numbers_at(row[TARGET], units), factors_and_shifts(row, first, kept)
    for u in range(kept):
        total = sums[u] * factors[u] + shifts[u]
        result[first + u] = np.float32(0) if row[RELU] != 0 and total < 0 else total


@part
def _normalize(row: Any) -> None:
    """Compute batch norm and relu."""
    channels, size = row[CHANNELS], row[HEIGHT] * row[WIDE]
    image = numbers_at(row[SOURCE], channels * size)
    result = numbers_at(row[TARGET], image.size)
    factors, shifts = factors_and_shifts(row, 0, channels)
    for c in range(channels):
        begin, end = c * size, (c + 1) * size
        finish(image[begin:end], result[begin:end], factors[c], shifts[c], row[RELU] != 0)


@part
def _mean(row: Any) -> None:
    """Compute the mean of each channel."""
    channels, size = row[CHANNELS], row[HEIGHT] * row[WIDE]
    image, result = numbers_at(row[SOURCE], channels * size), numbers_at(row[TARGET], channels)
    for c in range(channels):
        own, total = image[c * size : (c + 1) * size], np.float32(0)
        for i in range(size):
            total += own[i]
        result[c] = total / np.float32(size)


@part
def _add(row: Any) -> None:
    """Add two arrays; relu."""
    size = row[CHANNELS] * row[HEIGHT] * row[WIDE]
    a, b = numbers_at(row[SOURCE], size), numbers_at(row[OTHER], size)
    result = numbers_at(row[TARGET], size)
    for i in range(size):
        total = a[i] + b[i]
        result[i] = np.float32(0) if row[RELU] != 0 and total < 0 else total


@linked_part
def compute_task(address: int, task: int) -> None:
    """Compute one task of a stage, the row of the table that begins at an address.

    It is most of what the kernels below do, so it is compiled once for all of them.
    """
    row = integers_at(address, len(FIELDS))
    kind = row[KIND]
    if kind == CONVOLVE:
        convolve(row, task)
    elif kind == DEPTHWISE:
        _depthwise(row, task)
    elif kind == DENSE:
        _dense(row, task)
    elif kind == NORMALIZE:
        _normalize(row)
    elif kind == MEAN:
        _mean(row)
    elif kind == ADD:
        _add(row)
    elif kind == TRANSPOSED:
        transposed(row, task)
    elif kind == ACTIVATE:
        activated(row, task)
    else:
        pooled(row, task, kind == MAX_POOL)


@serial_kernel
def compute_on_one_thread(table: Any) -> None:
    """Compute the stages of a table; where they are too small for several threads."""
    for s in range(len(table)):
        for task in range(table[s, TASKS]):
            compute_task(table[s].ctypes.data, task)


@kernel
def compute(table: Any) -> None:
    """Compute the stages of a table.

    Waking threads for each stage would cost more than a small one. So each thread goes through
    all stages: it takes tasks that no other has taken, then waits for those that others are still
    computing. A thread that begins late finds less to do, or nothing; nobody waits for it.
    """
    most = 1
    for s in range(len(table)):
        table[s, TAKEN] = table[s, DONE] = 0
        most = max(most, table[s, TASKS])
    for _ in prange(most):
        for s in range(len(table)):
            tasks = table[s, TASKS]
            task = add_one(table[s], TAKEN)
            while task < tasks:
                compute_task(table[s].ctypes.data, task)
                add_one(table[s], DONE)
                task = add_one(table[s], TAKEN)
            while value_of(table[s], DONE) < tasks:
                pass


@kernel
def compute_rows(tables: Any, X: Any, out: Any) -> None:
    """Compute all stages of many rows: each thread takes rows through all of them.

    Args:
        tables: (blocks, stages, fields): a table with memory of its own for each block of rows.
        X: (N, numbers of a row), contiguous.
        out: (N, numbers of a result), contiguous, to be filled.
    """
    block = -(-len(X) // len(tables))
    for b in prange(len(tables)):
        table = tables[b]
        row = numbers_at(table[0, SOURCE], X.shape[1])
        result = numbers_at(table[len(table) - 1, TARGET], out.shape[1])
        for n in range(b * block, min(len(X), (b + 1) * block)):
            for i in range(row.size):
                row[i] = X[n, i]
            for s in range(len(table)):
                for task in range(table[s, TASKS]):
                    compute_task(table[s].ctypes.data, task)
            for i in range(result.size):
                out[n, i] = result[i]
