"""Small kernels for the tests of what kernels stand on. Imported where Numba is there."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from neural_network.kernels.patches import copy_part, inside
from neural_network.kernels.products import products
from neural_network.kernels.row_pooling import largest_of_windows
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.tile import exchange, largest
from neural_network.kernels.window_products import products_at
from neural_network.kernels.window_tile import window_gradients, window_sums


@part
def half(x: float) -> float:
    return x * 0.5


@partial(part, flags=frozenset())
def kahan(x: float, y: float, z: float) -> float:
    return ((x + y) - x) - y + z


@kernel
def row_sums(X: Any, out: Any) -> None:
    for i in prange(X.shape[0]):
        s = 0.0
        for j in range(X.shape[1]):
            s += half(np.sin(X[i, j]))
        out[i] = s


@kernel
def row_squares(X: Any, out: Any) -> None:
    for i in prange(X.shape[0]):
        out[i] = np.sum(X[i] * X[i])


@kernel
def exactly(X: Any, out: Any) -> None:
    for i in prange(X.shape[0]):
        out[i] = kahan(1e16, X[i], X[i])


@kernel
def multiply(numbers: Any, weights: Any, found: Any, sizes: Any, steps: Any, go_on: bool) -> None:
    count, width, runs, length = sizes
    at, row, step, run, w_at, w_step, w_run, y_at, y_row = steps
    for _ in prange(1):
        products(
            count, width, numbers, at, row, step, runs, run, length,
            weights, w_at, w_step, w_run, found, y_at, y_row, go_on,
        )  # fmt: skip


@kernel
def both_gradients(
    values: Any, offsets: Any, x: Any, dx: Any, w: Any, dw: Any, places: Any, both: bool
) -> None:
    first, count, at, w_at, length = places
    for _ in prange(1):
        exchange(values, offsets, first, count, x, dx, at, w, dw, w_at, length, both)


@kernel
def largest_numbers(sums: Any, best: Any, which: Any, places: Any) -> None:
    at, down, along, high, wide, to, length = places
    for _ in prange(1):
        largest(sums, at, down, along, high, wide, best, which, to, length)


# Long enough (some 20 ms a call) that other threads are met inside.
X = np.random.default_rng(0).standard_normal((200, 10_000))


def sums() -> Any:
    out = np.empty(len(X))
    row_sums(X, out)
    return out


@kernel
def summed_taps(sizes: Any, x: Any, w: Any, y: Any, gradients: bool) -> None:
    for task in prange(1):
        if task == 0 and gradients:
            window_gradients(
                sizes[0], sizes[1], sizes[2], sizes[3], x, sizes[4], sizes[5], sizes[6], sizes[7],
                sizes[8], w, sizes[9], sizes[10], sizes[11], y, sizes[12], sizes[13], sizes[14],
                sizes[15],
            )  # fmt: skip
        elif task == 0:
            window_sums(
                sizes[0], sizes[1], sizes[2], sizes[3], x, sizes[4], sizes[5], sizes[6], sizes[7],
                sizes[8], w, sizes[9], sizes[10], sizes[11], y, sizes[12], sizes[13], sizes[14],
                sizes[15],
            )  # fmt: skip


@kernel
def copied(numbers: Any, x: Any, y: Any) -> None:
    for task in prange(1):
        if task == 0:
            copy_part(
                x, numbers[0], numbers[1], numbers[2], y, numbers[3], numbers[4], numbers[5],
                numbers[6], numbers[7], numbers[8], numbers[9], numbers[10], numbers[11],
                numbers[12],
            )  # fmt: skip


@kernel
def copied_part(
    x: Any, at: int, height: int, width: int, top: int, left: int, step: int, y: Any, rows: int,
    columns: int,
) -> None:  # fmt: skip
    for task in prange(1):
        above, end = inside(top, step, height, rows)
        first, last = inside(left, step, width, columns)
        begin = at + (top + above * step) * width + left
        if task == 0:
            copy_part(
                x, begin, step * width, step, y, 0, above, end - above, rows - end, columns,
                first, last, 1, 0, 0,
            )  # fmt: skip


@kernel
def multiply_at(x: Any, sizes: Any, w: Any, offsets: Any, y: Any, y_row: int) -> None:
    count, width, at, row, length = sizes
    for _ in prange(1):
        products_at(count, width, x, at, row, length, w, offsets, y, y_row)


@kernel
def pooled(sums: Any, numbers: Any, factors: Any, shifts: Any, relu: bool, out: Any) -> None:
    at, rows, positions, down, along, f, to = numbers
    for _ in prange(1):
        largest_of_windows(
            sums, at, rows, positions, down, along, factors, shifts, f, relu, out, to
        )  # fmt: skip
