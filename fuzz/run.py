"""Run the parts of the fuzzer one after the other; ``make fuzz``.

    python -m fuzz.run --seconds 3600 --seed 7      all parts, an hour together
    python -m fuzz.run calls --seed 7               one of them
    python -m fuzz.run calls --seed 7 --case 1234   one case, as the report of a fault says

A part is a file of this folder with a row in ``PARTS`` and a function

    main(seconds: float, seed: int, case: int | None = None) -> Report

A case is a function of the seed and its number alone, so that it can be repeated by itself.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from time import perf_counter, time_ns

from fuzz.report import Report

# Part → its share of the time. A part with a fixed number of cases may end earlier.
PARTS = {
    "calls": 6.0,
    "mutations": 3.0,
    "command": 1.0,
    "cache": 1.0,  # damaged files of compiled kernels
    "interrupts": 1.0,  # Ctrl-C while Numba is imported or compiles
    "large_files": 1.0,
}


def run(parts: list[str], seconds: float, seed: int, case: int | None = None) -> list[Report]:
    """Run parts, each for its share of the time; print what each did (``Report.add``: faults)."""
    shares = sum(PARTS[part] for part in parts)
    reports = []
    for part in parts:
        start = perf_counter()
        main = import_module(f"fuzz.{part}").main
        report: Report = main(seconds * PARTS[part] / shares, seed, case)
        print(f"{part}: {report.summary()}, {perf_counter() - start:.0f} s", flush=True)
        reports.append(report)
    return reports


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; return 1 if there was a fault."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; or all")
    parser.add_argument("--seconds", type=float, default=3600.0, help="for all parts together")
    parser.add_argument("--seed", type=int, help="drawn from the clock if not given")
    parser.add_argument("--case", type=int, help="only this case of one part")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; expected {', '.join(PARTS)}")
    if options.case is not None and (options.seed is None or len(options.parts) != 1):
        parser.error("--case needs one part and --seed")
    seed = time_ns() // 1_000_000 % 10**9 if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    reports = run(options.parts or list(PARTS), options.seconds, seed, options.case)
    faults = sum(len(report.faults) for report in reports)
    print(f"{sum(report.cases for report in reports)} cases, {faults} faults; seed {seed}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
