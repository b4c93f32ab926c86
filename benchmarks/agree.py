"""Compare whole runs of the benchmarks: do they agree within their spreads?

``python benchmarks/agree.py first.json second.json third.json`` prints each row's ratio in each
run, and names the rows whose spreads have no value in common.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from field_page import figures
from goals import FIGURES
from words import figure, mean

Numbers = dict[str, Any]


def main() -> int:
    """Read the runs, print them side by side, and fail where a row disagrees."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, help="the JSON file of each run")
    runs = [json.loads(path.read_text("utf-8")) for path in parser.parse_args().runs]
    found = [rows(run) for run in runs]
    names = [name for name in found[0] if all(name in run for run in found)]
    apart = [name for name in names if not agree([run[name]["spread"] for run in found])]
    for name in names:
        ratios = "  ".join(words(run[name]) for run in found)
        print(f"{name:<44} {ratios}{'  APART' if name in apart else ''}")
    for key, goal in FIGURES.items():
        values = [figures(run).get(key) for run in runs]
        if None not in values:
            print(f"{goal.title:<64} {'  '.join(map(figure, values))} {goal.unit}")
    for number, run in enumerate(found, 1):
        print(f"run {number}: geometric mean {figure(mean([run[n]['ratio'] for n in names]))}")
    print(f"{len(names) - len(apart)} of {len(names)} rows agree")
    return 1 if apart else 0


def rows(run: Numbers) -> dict[str, Numbers]:
    """Return everything of a run that has a ratio and a spread, by name."""
    cells = {f"{c['key']}, {c['work']}, {c['rows']} rows": c for c in run.get("field", [])}
    return {row["key"]: row for row in run["rows"]} | cells


def agree(spreads: list[list[float]]) -> bool:
    """Return whether these spreads, each from its least ratio to its largest, share a value.

    >>> agree([[0.9, 1.1], [1.0, 1.3], [0.8, 1.05]]), agree([[0.9, 1.1], [1.2, 1.3]])
    (True, False)
    """
    return max(low for low, _ in spreads) <= min(high for _, high in spreads)


def words(row: Numbers) -> str:
    """Write a ratio and its spread."""
    low, high = map(figure, row["spread"])
    return f"{figure(row['ratio'])} ({low} to {high})"


if __name__ == "__main__":
    sys.exit(main())
