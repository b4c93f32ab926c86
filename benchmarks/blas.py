"""Matrix products on one thread of BLAS and on all: alone, and beside busy processes.

    python benchmarks/blas.py             # alone
    python benchmarks/blas.py --busy 2    # beside two processes that compute

From these figures ``neural_network/blas.py`` has its largest small product.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from time import perf_counter

import numpy as np
from threadpoolctl import ThreadpoolController

from neural_network.blas import SMALL, TINY

# (rows, inputs, outputs): a digit, dense layers, and convolutions as products.
PRODUCTS = [
    (1, 784, 128), (32, 784, 100), (128, 784, 128), (86_528, 9, 32), (128, 784, 512),
    (100_352, 72, 16), (256, 784, 512), (512, 1024, 1024),
]  # fmt: skip
SECONDS = 0.3
TURNS = 4


def main() -> None:
    """Print the median and the mean of each product."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=int, default=0, help="how many processes compute meanwhile")
    busy = parser.parse_args().busy
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
    try:
        print(f"float32, beside {busy} busy processes; small: up to {SMALL:,}, tiny: {TINY:,}")
        print("| product | multiplications | one thread: median, mean | all: median, mean |")
        print("| --- | ---: | ---: | ---: |")
        for m, k, n in PRODUCTS:
            one, every = measured(m, k, n)
            print(f"| {m} × {k} × {n} | {m * k * n:,} | {one} | {every} |", flush=True)
    finally:
        for other in others:
            other.kill()


def measured(m: int, k: int, n: int) -> list[str]:
    """Return microseconds, median and mean, on one thread and on all, taken in turns."""
    libraries = ThreadpoolController().select(user_api="blas")
    a, b = np.ones((m, k), np.float32), np.ones((k, n), np.float32)
    times: dict[int | None, list[float]] = {1: [], None: []}
    for _ in range(TURNS):
        for threads, found in times.items():
            with libraries.limit(limits=threads):
                end = perf_counter() + SECONDS
                while (start := perf_counter()) < end:
                    _ = a @ b
                    found.append(perf_counter() - start)
    return [f"{1e6 * np.median(t):,.0f}, {1e6 * np.mean(t):,.0f}" for t in times.values()]


if __name__ == "__main__":
    main()
