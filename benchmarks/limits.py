"""The two limits of the machine: arithmetic and memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from time import perf_counter

import numpy as np
from environment import THREADS

SIDE = 2048
PRODUCT_OPERATIONS = 2 * SIDE**3
COPIED = 200_000_000


def product() -> Callable[[], object]:
    """Return a call that multiplies two matrices of 2048 × 2048 in float32."""
    rng = np.random.default_rng(0)
    A, B = (rng.standard_normal((SIDE, SIDE), dtype=np.float32) for _ in range(2))
    out = np.empty_like(A)
    return lambda: np.matmul(A, B, out=out)


def measure() -> dict[str, float]:
    """Return operations and bytes per second; of a copy, what is read and what is written."""
    multiply = product()
    source = np.ones(COPIED // 4, np.float32)
    target = np.zeros_like(source)
    halves = list(
        zip(np.array_split(target, THREADS), np.array_split(source, THREADS), strict=True)
    )
    with ThreadPoolExecutor(THREADS) as pool:

        def copy() -> None:
            list(pool.map(lambda pair: np.copyto(*pair), halves))

        seconds: dict[str, list[float]] = {"product": [], "copy": []}
        for turn in range(8):
            for name, way in (("product", multiply), ("copy", copy)):
                start = perf_counter()
                way()
                if turn:
                    seconds[name].append(perf_counter() - start)
    return {
        "operations_per_second": PRODUCT_OPERATIONS / median(seconds["product"]),
        "bytes_per_second": 2 * COPIED / median(seconds["copy"]),
    }
