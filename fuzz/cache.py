"""Damaged files in the cache of compiled kernels, read by two processes at once.

Each round damages all files, each a case, and forks two processes that call all kernels. They are
forked from a process that has compiled something, so that a round takes a second, and not twenty.
"""

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
ROUNDS = 200
PROCESSES = 2
ENDS = 300.0  # seconds after which a process hangs


def main(seconds: float, seed: int, case: int | None = None) -> Report:
    """Run the part: at most ``ROUNDS`` rounds; ``case`` is the number of one."""
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
                number, outcomes, faults = json.loads(line)
                report.cases += sum(outcomes.values())
                report.outcomes.update(outcomes)
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
    """Print what comes of each round."""
    from tests.kernels import small_kernels

    small_kernels.add_one(1j)  # Numba reads its tables when it compiles first
    compute = calls(small_kernels)
    begun = forked(compute, None, folder)[0]
    if begun["code"]:
        sys.exit(f"exit code {begun['code']} of the first process\n{begun['stderr']}")
    expected = begun["results"]
    files = sorted(path for path in folder.rglob("*.nbc") if path.name in begun["files"])
    end = time.monotonic() + seconds
    for number in range(first, ROUNDS):
        if time.monotonic() > end:
            break
        rng = random.Random(f"{seed} {number}")
        whole = [path.read_bytes() for path in files]
        changes = [damage(rng, path, whole) for path in files]
        changed = sum(path.read_bytes() != w for path, w in zip(files, whole, strict=True))
        faults, story = [], "; ".join(changes)
        found = forked(compute, expected, folder)
        for process in found:
            told = process["stderr"].splitlines()
            if process["code"] or len(told) > 1:
                text = f"{story}: exit code {process['code']}\n{process['stderr']}"
                faults.append((f"exit code {process['code']}", text))
        misses = sum(process.get("misses", 0) for process in found)
        if misses != changed and not faults:
            faults.append(("misses", f"{story}: {changed} files, compiled {misses} times"))
        outcomes = {"compiled anew": changed, "unchanged": len(files) - changed}
        print(json.dumps((number, outcomes, faults)), flush=True)


def calls(kernels: Any) -> Callable[[], tuple[list[bytes], int, list[str]]]:
    """Return a function that calls kernels: their results, cache misses and files."""
    X = np.random.default_rng(0).standard_normal(20)

    def compute() -> tuple[list[bytes], int, list[str]]:
        out, short = np.empty(20), np.empty(20, "f4")
        before = _misses(kernels)
        kernels.doubled(X, out)
        kernels.doubled(X.astype("f4"), short)
        numbers = [kernels.add_one(1.5), kernels.add_one(2), kernels.half_sum(X)]
        results = [out.tobytes(), short.tobytes(), np.array(numbers).tobytes()]
        return results, _misses(kernels) - before, _names(kernels)

    return compute


def _dispatchers(kernels: Any) -> list[Any]:
    return [kernels.doubled.compiled, kernels.add_one, kernels.half_sum]


def _misses(kernels: Any) -> int:
    return sum(sum(one.stats.cache_misses.values()) for one in _dispatchers(kernels))


def _names(kernels: Any) -> list[str]:
    """Return the names of the files that this process has compiled or loaded."""
    return [
        one._cache.file(types, one.targetctx.codegen()).name
        for one in _dispatchers(kernels)
        for types in one.overloads
        if "complex" not in str(types)
    ]


def damage(rng: random.Random, file: Path, whole: list[bytes]) -> str:
    """Damage a file; return what was done."""
    content = bytearray(file.read_bytes())
    kind = rng.choice(["bit", "bit", "bit", "bit", "cut", "empty", "another", "noise"])
    place = rng.randrange(len(content))
    if kind == "bit":
        content[place] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        content = content[:place]
    elif kind == "another":
        content = bytearray(rng.choice(whole))
    elif kind == "noise":
        content[place : place + 100] = rng.randbytes(100)
    else:
        content = bytearray()
    file.write_bytes(content)
    return f"{kind} at {place} of {file.name}"


def forked(
    compute: Callable[[], tuple[list[bytes], int, list[str]]], expected: Any, folder: Path
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
    compute: Callable[[], tuple[list[bytes], int, list[str]]],
    expected: Any,
    answer: Path,
    said: Path,
) -> None:
    code = 1
    try:
        os.dup2(os.open(said, os.O_CREAT | os.O_WRONLY), 2)
        results, misses, files = compute()
        shown = [result.hex() for result in results]
        assert expected in (None, shown), "another result"
        answer.write_text(json.dumps({"results": shown, "misses": misses, "files": files}))
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
