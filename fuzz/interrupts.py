"""Ctrl-C at random instants while Numba is imported, and kernels are loaded or compiled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuzz.report import Fault, Report, repeating

ROOT = Path(__file__).parents[1]
CASES = 200
ENDS = 300.0  # seconds after which a process hangs
# Ctrl-C is let through from "ready" to the end of the first call.
CODE = """
import signal
import numpy as np, neural_network as nn
from neural_network.kernels.runtime.gate import kernel_wanted
X = np.ones(10, np.float32)
nn.use_kernels("numba")
def compute():
    assert kernel_wanted("finite check", 1e9, X)
    from neural_network.kernels.finite import all_finite
    return all_finite(X)
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print("ready", flush=True)
    compute()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("finished", flush=True)
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print("interrupted", flush=True)
assert compute()
X[3] = np.inf
assert not compute()
print("right", flush=True)
"""


def main(seconds: float, seed: int, case: int | None = None) -> Report:
    """Run the part: at most ``CASES`` cases."""
    report, end = Report(), time.monotonic() + seconds
    latest = 0.0
    with tempfile.TemporaryDirectory() as warm, ThreadPoolExecutor(os.cpu_count()) as pool:
        lasts = {kind: _press(kind, warm, None)[2] for kind in ("compiled", "loaded")}

        def run(number: int) -> tuple[int, str, str, float]:
            if time.monotonic() > end and case is None:
                return number, "", "", 0.0
            rng = random.Random(f"{seed} {number}")
            kind = rng.choice(sorted(lasts))
            return number, *_press(kind, warm, rng.uniform(0, 1.1) * lasts[kind])

        numbers = range(CASES) if case is None else [case]
        for number, outcome, text, waited in pool.map(run, numbers):
            if outcome:
                report.cases += 1
                report.outcomes[outcome] += 1
                latest = max(latest, waited)
            if text:
                report.add(
                    text.splitlines()[-1], Fault(text, repeating("interrupts", seed, number))
                )
    report.outcomes["ms at most until the interrupt"] = round(1000 * latest)
    return report


def _press(kind: str, warm: str, instant: float | None) -> tuple[str, str, float]:
    """Return the outcome of one process, the text of its fault, and how long the rest took.

    Args:
        kind: whether the kernel is compiled or loaded from the cache.
        warm: a folder with the cache of an earlier process.
        instant: seconds from the beginning of the call to Ctrl-C; None for none.
    """
    with tempfile.TemporaryDirectory() as cold, tempfile.TemporaryFile("w+") as said:
        folder = cold if kind == "compiled" and instant is not None else warm
        process = subprocess.Popen(
            [sys.executable, "-c", CODE],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=said, text=True,
            env=os.environ | {"NUMBA_CACHE_DIR": folder},
        )  # fmt: skip
        end = threading.Timer(ENDS, process.kill)
        end.start()
        assert process.stdout is not None
        with process.stdout as lines:
            lines.readline()
            pressed = time.monotonic()
            if instant is not None:
                time.sleep(instant)
                pressed = time.monotonic()
                process.send_signal(signal.SIGINT)
            outcome = lines.readline().strip() or "ended"
            waited = time.monotonic() - pressed
            rest = lines.read()
        process.wait()
        end.cancel()
        said.seek(0)
        err = said.read()
    text = ""
    if process.returncode or rest != "right\n":
        text = f"Ctrl-C after {instant} s, {kind}: {outcome}, exit code {process.returncode}\n{err}"
    return f"{kind}: {outcome}", text, waited
