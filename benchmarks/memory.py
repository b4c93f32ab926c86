"""Memory at its peak, each time in a process of its own.

Run as a script it does one work and prints the bytes: ``python memory.py "ours"``.
"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from environment import THREADS, installed

STEPS, BATCH = 5, 128


def resident(which: str) -> int:
    """Return the bytes of this process in memory: ``VmRSS`` now, ``VmHWM`` at its peak.

    ``ru_maxrss`` will not do: a process inherits the peak of the one that started it.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(which):
            return 1024 * int(line.split()[1])
    raise RuntimeError(f"/proc/self/status has no {which}")


def starting_point() -> int:
    """Return what is resident now, and reset the peak to it: imports have a peak of their own."""
    Path("/proc/self/clear_refs").write_text("5")
    return resident("VmRSS")


def train(library: str) -> int:
    """Return how much a few steps of work A take beyond imports and data."""
    import numpy as np
    from networks import EXAMPLE, ours
    from training import our_fit, torch_fit

    import neural_network as nn

    rng = np.random.default_rng(0)
    X = rng.random((STEPS * BATCH, *EXAMPLE.shape), dtype=np.float32)
    y = rng.integers(10, size=len(X))
    if library == "ours":
        # Kernels import Numba late. It does not count, as PyTorch's own import does not.
        if installed("numba"):
            import_module("numba")
        way = our_fit(ours(EXAMPLE), nn.Adam(0.001), X, y, BATCH)
    else:
        import torch

        torch.set_num_threads(THREADS)
        way = torch_fit(EXAMPLE, X, y, BATCH, channels_last="last" in library)
        torch.ones(8, 8) @ torch.ones(8, 8)
    np.ones((8, 8), np.float32) @ np.ones((8, 8), np.float32)
    before = starting_point()
    way()
    return resident("VmHWM") - before


def convolve(taps: int) -> int:
    """Return what ``conv2d`` takes beyond picture and result, of float32, 4096 × 4096."""
    import numpy as np

    from neural_network import conv2d

    side = 4096
    rng = np.random.default_rng(0)
    X = rng.random((side, side), dtype=np.float32)
    W = rng.random((taps, taps), dtype=np.float32)
    conv2d(X[:1500, :1500], W)  # imports, and kernels where there are some
    before = starting_point()
    out = conv2d(X, W)
    return resident("VmHWM") - before - out.nbytes


def measured_in_new_process(*words: str) -> int:
    """Return what this script prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, *words], check=True, capture_output=True, text=True
    )
    return int(done.stdout.split()[-1])


def beyond_the_result(taps: int) -> float:
    """Return what ``conv2d`` takes beyond picture and result, in sizes of the picture."""
    return measured_in_new_process("conv2d", str(taps)) / (4 * 4096**2)


def example(quick: bool) -> list[dict[str, Any]]:
    """Peak memory of work A beside PyTorch's, in the more frugal of its memory formats."""
    from timing import filled

    names = ("ours", "PyTorch", "PyTorch, channels last")
    found: dict[str, list[int]] = {name: [] for name in names}
    measured_in_new_process("ours")  # so that compiled kernels are in the cache
    for _ in range(1 if quick else 3):
        for name in names:
            found[name].append(measured_in_new_process(name))
    medians = {name: median(values) for name, values in found.items()}
    peer = min(names[1:], key=medians.__getitem__)
    pairs = zip(found[peer], found["ours"], strict=True)
    return [
        filled(
            "A memory",
            peer=medians[peer] / 1e6,
            ours=medians["ours"] / 1e6,
            spread=[p / o for p, o in pairs],
            unit="MB",
            fastest=peer,
            rounds=len(found["ours"]),
            medians_mb={name: value / 1e6 for name, value in medians.items()},
        )
    ]


if __name__ == "__main__":
    print(convolve(int(sys.argv[2])) if sys.argv[1] == "conv2d" else train(sys.argv[1]))
