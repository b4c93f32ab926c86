"""Cases in worker processes: a crash, a hang or a full memory ends one case, and is reported.

A part that uses it has a function ``case(seed, number) -> Outcome``, and perhaps ``set_up()``,
called in each worker before the memory is limited.
"""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import NamedTuple

from fuzz.report import Fault, Report, repeating

ROOT = Path(__file__).parents[1]


class Limits(NamedTuple):
    """What a case may use.

    Attributes:
        seconds: of the processor's time.
        hangs: seconds of the clock, after which the process is ended; other programs may take
            most of them.
        memory: bytes of address space above what the worker has when it begins.
    """

    seconds: float = 20.0
    hangs: float = 600.0
    memory: int = 1 << 30


def run_cases(
    part: str, seed: int, seconds: float, case: int | None = None, *,
    limits: Limits | None = None, most: int | None = None,
) -> Report:  # fmt: skip
    """Run the cases of a part until the time is over, or only one of them.

    Args:
        part: the name of its file.
        seed: of all cases.
        seconds: how long new cases are begun.
        case: the only one to run.
        limits: of each case.
        most: the first so many, however long they take, in one process.
    """
    report, lock = Report(), Lock()
    alone = case is not None or most is not None
    workers = 1 if alone else max(1, min(os.cpu_count() or 1, 8))
    end = monotonic() + seconds

    def work(place: int) -> None:
        number = place if case is None else case
        while alone or monotonic() < end:
            left = 0.0 if case is not None else math.inf if most else end - monotonic()
            number, alive = _work(
                part, seed, number, workers, left, most or sys.maxsize, limits or Limits(), report,
                lock,
            )  # fmt: skip
            if alive or case is not None:
                return
            number += workers
            if most is not None and number >= most:
                return

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(workers)))
    return report


def _work(
    part: str, seed: int, first: int, step: int, seconds: float, most: int, limits: Limits,
    report: Report, lock: Lock,
) -> tuple[int, bool]:  # fmt: skip
    """Let one process work until the time is over, or it dies; return its last case, and whether
    it ended well."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        arguments = [part, seed, first, step, most, seconds, *limits, folder]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "src")])
        # NumPy has been told to show them all, and so has the worker.
        environment.pop("PYTHONWARNINGS", None)
        process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.worker", *map(str, arguments)],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, cwd=folder,
            env=environment,
        )  # fmt: skip
        number, running = first, True
        with process:
            for line in process.stdout or []:
                message = json.loads(line)
                number, running = message["case"], "outcome" not in message
                if running:
                    continue
                with lock:
                    report.cases += 1
                    report.outcomes[message["outcome"]] += 1
                    for place, text in message["faults"]:
                        report.add(place, Fault(text, repeating(part, seed, number)))
        if process.returncode == 0:
            return number, True
        with lock:
            report.cases += 1
            report.add(*_death(process.returncode, Path(folder), repeating(part, seed, number)))
        return number, False


def _death(code: int, folder: Path, repeat: str) -> tuple[str, Fault]:
    """Describe how a worker ended in the middle of a case."""
    stack = (folder / "stack").read_text(errors="replace") if (folder / "stack").exists() else ""
    call = (folder / "call").read_text(errors="replace") if (folder / "call").exists() else ""
    if "Timeout" in stack:
        how = "over the time limit"
    else:
        how = f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
    frames = [line.strip() for line in stack.splitlines() if "neural_network" in line][:6]
    said = "" if frames else (folder / "output").read_text(errors="replace")[-3000:]
    text = "\n  ".join([f"{how}: {call}", *frames, *said.splitlines()])
    return f"{how} {frames[:1]}", Fault(text, repeat)
