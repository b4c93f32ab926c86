"""One of the processes in which cases run; started by ``pool.run_cases``."""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import re
import resource
import sys
import warnings
from importlib import import_module
from itertools import count
from pathlib import Path
from time import monotonic, process_time
from typing import Any, NamedTuple

import fuzz
from fuzz.judging import unexpected


class Outcome(NamedTuple):
    """How a case ended.

    Attributes:
        name: what is counted: "returned", "refused" …
        faults: (place, text) of each.
    """

    name: str
    faults: list[tuple[str, str]]


def note(call: str) -> None:
    """Note what is about to be called, for the report of a crash."""
    os.ftruncate(_CALL, 0)
    os.pwrite(_CALL, call[:2000].encode(errors="replace"), 0)


_CALL = -1
# A line may say that the next seconds are spent on compiling, or how far work has come; the
# library that decodes TIFF prints what is wrong with a file, by one of its decoders.
EXPECTED = re.compile(
    r"neural_network: compiling|[Ee]poch +\d+/\d+[ ,]|the weights are those of epoch|"
    r"compiled \d+ of \d+: |\w+: \d+ of \d+$|tempfile\.tif: |$|"
    r"_?(TIFF|Fax3|LZW|ZIP|JPEG|OJPEG|PackBits|Thunder|NeXT|Log|SGILog|Pixar|LERC|ZSTD|WEBP|LZMA)"
    r"\w*: "
)


def main(arguments: list[str]) -> None:
    """Run cases, and write a line before and after each."""
    global _CALL  # noqa: PLW0603  # the file of this process
    part, folder = arguments[0], Path(arguments[-1])
    seed, first, step, most = (int(a) for a in arguments[1:5])
    seconds, most_seconds, hangs, memory = (float(a) for a in arguments[5:9])
    reports = os.fdopen(os.dup(1), "w")
    output = os.open(folder / "output", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    _CALL = os.open(folder / "call", os.O_RDWR | os.O_CREAT)
    # The functions of the module that runs as __main__ are others than those that parts import.
    sys.modules["fuzz.worker"] = sys.modules["__main__"]
    if "FUZZ_PATH" in os.environ:  # the folder of another part, for tests
        fuzz.__path__.append(os.environ["FUZZ_PATH"])
    module = import_module(f"fuzz.{part}")
    if hasattr(module, "set_up"):
        module.set_up()
    _limit_memory(int(memory))
    end = monotonic() + seconds
    with (folder / "stack").open("w") as stack:
        faulthandler.enable(stack)
        for number in count(first, step):
            print(json.dumps({"case": number}), file=reports, flush=True)
            faulthandler.dump_traceback_later(hangs, exit=True, file=stack)
            outcome = _watched(module, seed, number, output, most_seconds)
            faulthandler.cancel_dump_traceback_later()
            message = {"case": number, "outcome": outcome.name, "faults": outcome.faults}
            print(json.dumps(message), file=reports, flush=True)
            if monotonic() >= end or number + step >= most:
                break
    reports.close()
    os._exit(0)  # threads that a case left behind do not matter


def _watched(module: Any, seed: int, number: int, output: int, seconds: float) -> Outcome:
    """Run a case; its warnings and what it printed are faults as well."""
    start = process_time()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        outcome: Outcome = module.case(seed, number)
        gc.collect(0)
    faults = [*outcome.faults]
    call = os.pread(_CALL, 2000, 0).decode(errors="replace")
    faults += [(f"warning {text}", f"{call}: {text}") for text in unexpected(found)]
    if (took := process_time() - start) > seconds:
        faults.append((f"time {call[:40]}", f"{call}: took {took:.0f} s of the processor"))
    sys.stdout.flush()
    sys.stderr.flush()
    text = os.pread(output, 600, 0).decode(errors="replace")
    size = os.fstat(output).st_size
    lines = [line for line in text.splitlines() if not EXPECTED.match(line)]
    if lines:
        faults.append((f"output {text[:40]}", f"{call}: printed {size} bytes: {text[:300]}"))
    os.ftruncate(output, 0)
    return outcome._replace(faults=faults)


def _limit_memory(more: int) -> None:
    """Allow this much address space above what the process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + more
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(sys.argv[1:])
