"""What compiling costs: first steps with an empty cache of kernels, and in the next process.

Run as a script it prints the seconds of first and second calls: ``python first_steps.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from environment import installed

BATCH = 128


def steps() -> dict[str, float]:
    """Return the seconds of the first ``conv2d`` of one digit, and of steps of work A."""
    import numpy as np

    import neural_network as nn

    rng = np.random.default_rng(0)
    digit, edges = rng.random((28, 28)), rng.random((3, 3))
    began = perf_counter()
    nn.conv2d(digit, edges)
    found = {"conv2d": perf_counter() - began}

    from networks import EXAMPLE, ours
    from training import our_fit

    X = rng.random((BATCH, *EXAMPLE.shape), dtype=np.float32)
    fit = our_fit(ours(EXAMPLE), nn.Adam(0.001), X, rng.integers(10, size=BATCH), BATCH)
    for name in ("first", "second"):
        began = perf_counter()
        fit()
        found[name] = perf_counter() - began
    return found


def measure(quick: bool) -> dict[str, float]:
    """Return seconds: with an empty cache, and medians of the processes that follow.

    Nothing, where there is no Numba to compile.
    """
    if not installed("numba"):
        return {}
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}

        def process() -> dict[str, float]:
            command = [sys.executable, __file__]
            done = subprocess.run(
                command, env=environment, check=True, capture_output=True, text=True
            )
            found: dict[str, float] = json.loads(done.stdout)
            return found

        empty, later = process(), [process() for _ in range(2 if quick else 5)]
    return {
        "conv2d": max(run["conv2d"] for run in (empty, *later)),
        "empty": empty["first"],
        "next": median(run["first"] for run in later),
        "warm": median(run["second"] for run in later),
    }


def as_text(found: dict[str, Any]) -> str:
    """Return the paragraph of the page."""
    return (
        f"**Compiling.** The first training step of work A on a machine, where nothing is\n"
        f"compiled yet, takes {found['empty']:.1f} s (at most 30), the first one of each later "
        f"process {found['next']:.2f} s,\nits second {found['warm']:.2f} s (at most 1 s less). "
        f"The first `conv2d` of one digit takes\n{1e3 * found['conv2d']:.1f} ms beyond the import "
        "(at most 50), whatever is compiled."
    )


if __name__ == "__main__":
    print(json.dumps(steps()))
