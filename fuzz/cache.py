"""Damaged files in the cache of compiled kernels, read by two processes at once."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.report import Fault, Report, repeating

ROOT = Path(__file__).parents[1]
CASES = 1000
PROCESSES = 2
ENDS = 300.0  # seconds after which a process hangs


def main(seconds: float, seed: int, case: int | None = None) -> Report:
    """Run the part: at most ``CASES`` cases."""
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.cache", folder, str(seconds), str(seed), str(case or 0)],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"NUMBA_CACHE_DIR": folder},
        )  # fmt: skip
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                number, outcome, faults = json.loads(line)
                report.cases += 1
                report.outcomes[outcome] += 1
                for place, text in faults:
                    report.add(place, Fault(text, repeating("cache", seed, number)))
                if number == case:
                    process.terminate()
                    break
        code = process.wait()
        if code and case is None:
            report.add("end", Fault(f"exit code {code}", repeating("cache", seed, 0)))
    return report


def run(folder: Path, seconds: float, seed: int, first: int) -> None:
    """Print what comes of each case; this process has Numba loaded and forks the others."""
    from tests.kernels import toy_kernels

    compute = calls(toy_kernels)
    begun = forked(compute, None, folder)[0]
    if begun["code"]:
        sys.exit(f"exit code {begun['code']} of the first process\n{begun['stderr']}")
    expected = begun["results"]
    end = time.monotonic() + seconds
    for number in range(first, CASES):
        if time.monotonic() > end:
            break
        rng = random.Random(f"{seed} {number}")
        changed = damage(rng, sorted(folder.rglob("*.nb[ic]")))
        outcome, faults = "not read", []
        found = forked(compute, expected, folder)
        for process in found:
            told = process["stderr"].splitlines()
            if process["code"] or len(told) > 1:
                text = f"{changed}: exit code {process['code']}\n{process['stderr']}"
                faults.append((f"exit code {process['code']}", text))
            if any("is damaged" in line for line in told):
                outcome = "compiled anew"
        misses = sum(process.get("misses", 0) for process in found)
        if misses > 1:
            faults.append(("misses", f"{changed}: compiled {misses} times"))
        print(json.dumps((number, outcome, faults)), flush=True)


def calls(kernels: Any) -> Callable[[], tuple[list[bytes], int]]:
    """Return a function that calls some kernels and returns their results and cache misses."""
    X = np.random.default_rng(0).standard_normal((6, 20))
    x, w = (np.arange(n, dtype=np.float32) for n in (7, 25))

    def compute() -> tuple[list[bytes], int]:
        sums, squares, same, products = np.empty(6), np.empty(6), np.empty(6), np.zeros(17, "f4")
        kernels.row_sums(X, sums)
        kernels.row_squares(X, squares)
        kernels.exactly(X[:, 0], same)
        kernels.multiply(
            x, w, products, (2, 8, 1, 3), (0, 3, 1, 0, 0, 8, 0, 0, 8), False
        )  # fmt: skip
        found = (kernels.row_sums, kernels.row_squares, kernels.exactly, kernels.multiply)
        misses = sum(sum(kernel.compiled.stats.cache_misses.values()) for kernel in found)
        return [array.tobytes() for array in (sums, squares, same, products)], misses

    return compute


def damage(rng: random.Random, files: list[Path]) -> str:
    """Damage one file; return what was done."""
    file = rng.choice(files)
    content = bytearray(file.read_bytes())
    kind = rng.choice(["bit", "bit", "bit", "bit", "cut", "empty", "another", "noise"])
    place = rng.randrange(len(content)) if content else 0
    if kind == "bit" and content:
        content[place] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        content = content[:place]
    elif kind == "another":
        content = bytearray(rng.choice(files).read_bytes())
    elif kind == "noise":
        content[place : place + 100] = rng.randbytes(100)
    else:
        content = bytearray()
    file.write_bytes(content)
    return f"{kind} at {place} of {file.name}"


def forked(
    compute: Callable[[], tuple[list[bytes], int]], expected: Any, folder: Path
) -> list[dict[str, Any]]:
    """Compute in processes at once; return their exit codes, cache misses and standard errors."""
    children = []
    for i in range(PROCESSES):
        pid = os.fork()
        if pid == 0:
            _child(compute, expected, folder / f"{i}.json", folder / f"{i}.err")
        children.append(pid)
    found = []
    for i, pid in enumerate(children):
        status = _wait(pid)
        answer, said = folder / f"{i}.json", folder / f"{i}.err"
        process = {"code": os.waitstatus_to_exitcode(status), "stderr": said.read_text()}
        if answer.exists():
            process |= json.loads(answer.read_text())
        found.append(process)
        for file in (answer, said):
            file.unlink(missing_ok=True)
    return found


def _child(
    compute: Callable[[], tuple[list[bytes], int]], expected: Any, answer: Path, said: Path
) -> None:
    code = 1
    try:
        os.dup2(os.open(said, os.O_CREAT | os.O_WRONLY), 2)
        results, misses = compute()
        shown = [result.hex() for result in results]
        assert expected in (None, shown), "another result"
        answer.write_text(json.dumps({"results": shown, "misses": misses}))
        code = 0
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stderr.flush()
        os._exit(code)


def _wait(pid: int) -> int:
    end = time.monotonic() + ENDS
    while True:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return status
        if time.monotonic() > end:
            os.kill(pid, 9)
            return os.waitpid(pid, 0)[1]
        time.sleep(0.01)


if __name__ == "__main__":
    run(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
