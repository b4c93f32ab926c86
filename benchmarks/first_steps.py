"""What compiling costs: first steps with an empty cache of kernels, and in the next process.

Run as a script it prints the seconds of first and second calls, and of each compiled kernel:
``python first_steps.py example`` (or another network of the field).
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

# Networks of the field, and what the page calls them.
NETWORKS = {"example": "A", "resnet": "resnet"}
TITLES = {"A": "work A", "resnet": "`small_resnet`"}
# Kernels that take less to compile are not listed.
LISTED = 0.5


def steps(key: str) -> dict[str, Any]:
    """Return the seconds of the first ``conv2d`` of one digit, of steps, and of the kernels."""
    import numpy as np

    import neural_network as nn

    rng = np.random.default_rng(0)
    digit, edges = rng.random((28, 28)), rng.random((3, 3))
    began = perf_counter()
    nn.conv2d(digit, edges)
    found: dict[str, Any] = {"conv2d": perf_counter() - began}

    from field_networks import FIELD
    from networks import ours
    from training import our_fit

    entry = FIELD[key]
    X, y = entry.data(entry.batch)
    fit = our_fit(ours(entry.network), nn.Adam(0.001), X, y, entry.batch)
    found["kernels"] = kernels = {}
    watch_compiling(kernels)
    for name in ("first", "second"):
        began = perf_counter()
        fit()
        found[name] = perf_counter() - began
    return found


def watch_compiling(seconds: dict[str, float]) -> None:
    """Note in ``seconds`` what Numba takes for each kernel, with the parts that it calls."""
    from numba.core import event

    class Listener(event.Listener):
        def __init__(self) -> None:
            self.begun: list[float] = []

        def on_start(self, event: Any) -> None:  # noqa: ARG002  # the end says what it was
            self.begun.append(perf_counter())

        def on_end(self, event: Any) -> None:
            passed = perf_counter() - self.begun.pop()
            if not self.begun:  # a part counts with the kernel that it was compiled for
                function = event.data["dispatcher"].py_func
                name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
                seconds[name] = seconds.get(name, 0.0) + passed

    event.register("numba:compile", Listener())


def measure(quick: bool) -> dict[str, Any]:
    """Return seconds: with an empty cache, and medians of the processes that follow.

    Nothing, where there is no Numba to compile.
    """
    if not installed("numba"):
        return {}
    found: dict[str, Any] = {"networks": {}}
    for key, name in NETWORKS.items():
        with TemporaryDirectory() as folder:
            environment = {**os.environ, "NUMBA_CACHE_DIR": folder}

            def process(key: str = key, environment: dict[str, str] = environment) -> Any:
                command = [sys.executable, __file__, key]
                done = subprocess.run(
                    command, env=environment, check=True, capture_output=True, text=True
                )
                return json.loads(done.stdout)

            empty, later = process(), [process() for _ in range(2 if quick else 5)]
        found["networks"][name] = {
            "empty": empty["first"],
            "next": median(run["first"] for run in later),
            "warm": median(run["second"] for run in later),
            "kernels": empty["kernels"],
        }
        if name == "A":
            found["conv2d"] = max(run["conv2d"] for run in (empty, *later))
    return found


def as_text(found: dict[str, Any]) -> str:
    """Return the paragraph of the page."""
    lines = [
        "**Compiling.** The first `conv2d` of one digit takes "
        f"{1e3 * found['conv2d']:.1f} ms beyond the import (at most 50),\nwhatever is compiled."
    ]
    for name, first in found["networks"].items():
        longest = sorted(first["kernels"].items(), key=lambda item: -item[1])
        listed = ", ".join(f"`{kernel}` {t:.1f} s" for kernel, t in longest if t >= LISTED)
        lines.append(
            f"The first training step of {TITLES[name]} on a machine, where nothing is compiled "
            f"yet, takes\n{first['empty']:.1f} s, the first one of each later process "
            f"{first['next']:.2f} s, its second {first['warm']:.2f} s."
            + (f"\nCompiled, with the parts that each calls: {listed}." if listed else "")
        )
    return "\n".join(lines)


if __name__ == "__main__":
    print(json.dumps(steps(sys.argv[1])))
