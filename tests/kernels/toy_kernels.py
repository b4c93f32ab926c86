"""Small kernels for the tests of what kernels stand on. Imported where Numba is there."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from neural_network.kernels.products import products
from neural_network.kernels.runtime.compiler import kernel, part, prange


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


# Long enough (some 20 ms a call) that other threads are met inside.
X = np.random.default_rng(0).standard_normal((200, 10_000))


def sums() -> Any:
    out = np.empty(len(X))
    row_sums(X, out)
    return out
