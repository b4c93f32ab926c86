"""Measure beside the peers, in turn, and write docs/benchmarks.md.

``make bench`` measures everything, ``make bench ROW=field:lenet`` (or ``ROW="A B"``) some rows,
``make bench-quick`` rows A, B, E and F roughly.
Nothing here is a test: a busy machine makes noise, not errors.
"""

from __future__ import annotations

from environment import OPTION, installed, machine, restart_if_needed, set_threads

if __name__ == "__main__":
    restart_if_needed()  # before anything loads NumPy

import argparse
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import busy
import chart
import costs
import estimators
import field
import field_page
import first_steps
import inference
import limits
import memory
import peers
import pictures
import single_layers
import small_networks
import tape
import training
from field_networks import FIELD
from goals import GOALS, verdict
from page import page, table
from quiet import Watch, is_quiet
from words import figure

ROOT = Path(__file__).parents[1]
Measure = Callable[[bool], list[dict[str, Any]]]
# What each group needs of the extra ``bench``.
GROUPS: dict[str, tuple[Measure, tuple[str, ...]]] = {
    "A": (training.example, ("torch",)),
    "memory": (memory.example, ("torch",)),
    "B": (inference.many, ("onnx", "onnxruntime", "openvino")),
    "C": (inference.one, ("onnx", "onnxruntime", "openvino", "torch")),
    "D": (training.small, ("torch",)),
    "E": (training.mlp, ("torch", "scikit-learn")),
    "F": (pictures.small, ("scipy",)),
    "G": (pictures.large, ("opencv-python-headless", "scipy")),
    "epoch": (training.epoch, ("torch",)),
    "layers": (single_layers.layers, ("torch",)),
    "T": (tape.scalars_and_vectors, ("autograd",)),
}
COSTS = {
    "H": ("import", costs.importing),
    "I": ("sizes", costs.sizes),
    "first": ("first", first_steps.measure),
    "estimators": ("estimators", estimators.measure),
    "small": ("small", small_networks.measure),
    "busy": ("busy", busy.measure),
}
# A network of the field is a row of its own: ``field:lenet``.
NETWORKS = {f"field:{key}": key for key in FIELD}
ROWS = [*GROUPS, *NETWORKS, *COSTS]
QUICK = ("A", "B", "E", "F")


def main() -> int:
    """Measure, print, and write the page, the numbers and the chart."""
    options = arguments()
    began = perf_counter()
    names = options.only or (QUICK if options.quick else ROWS)
    about = machine()
    set_threads()
    numbers: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": about,
        "limits": limits.measure(),
        "rows": [],
        "missing": {},
    }
    for name, (measure, needs) in GROUPS.items():
        if name not in names:
            continue
        if missing := [package for package in needs if not installed(package)]:
            numbers["missing"][name] = missing
            print(f'{name}: not measured, {", ".join(missing)} missing; pip install ".[bench]"')
            continue
        start, watch = perf_counter(), Watch()
        found = measure(options.quick)
        others = watch.others()
        found = [row | {"others": others} for row in found]
        numbers["rows"] += found
        for row in found:
            print_row(row)
        busy = "" if is_quiet(others) else f", others took {others:.0%} of the processors"
        print(f"  {name}: {perf_counter() - start:.0f} s{busy}", flush=True)
    keys = [key for row, key in NETWORKS.items() if row in names]
    if keys:
        numbers["absent"] = peers.missing()
        numbers["field"] = measured_field(keys, options.quick)
    for name, (key, cost) in COSTS.items():
        if name in names:
            numbers[key] = cost(options.quick)
            print(f"{name}: {numbers[key]}", flush=True)
    numbers["seconds"] = perf_counter() - began
    if numbers["rows"]:
        print(f"\n{table(numbers['rows'])}\n")
    if text := field_page.summary(numbers):
        print(f"\n{text}\n")
    print(f"{numbers['seconds']:.0f} s in all")
    everything = not (options.only or options.quick or options.processor_time)
    output = options.output or (
        ROOT / "docs/benchmarks.md" if everything or options.update else None
    )
    if options.update and output is not None:
        numbers = updated(json.loads(output.with_suffix(".json").read_text("utf-8")), numbers)
    if output is not None:
        write(numbers, output)
    below = [row for row in numbers["rows"] if row["ratio"] < row["floor"]]
    return 1 if options.check and below else 0


def measured_field(keys: list[str], quick: bool) -> list[dict[str, Any]]:
    """Measure networks of the field, and print each cell."""
    for name, reason in peers.missing().items():
        print(f"field: {name} is not measured: {reason}")
    cells = []
    for key in keys:
        start = perf_counter()
        for cell in field.measure(key, quick):
            cells.append(cell)
            print(field_page.line(cell), flush=True)
        print(f"  field:{key}: {perf_counter() - start:.0f} s", flush=True)
    return cells


def updated(before: dict[str, Any], numbers: dict[str, Any]) -> dict[str, Any]:
    """Return the numbers of an earlier page with the rows that were measured now."""
    rows = {row["key"]: row for row in before["rows"]}
    rows |= {row["key"]: row | {"date": numbers["date"]} for row in numbers["rows"]}
    cells = {_cell(cell): cell for cell in before.get("field", []) + numbers.get("field", [])}
    versions = numbers["machine"]["versions"] | before["machine"]["versions"]
    costs = {key: numbers[key] for key, _ in COSTS.values() if key in numbers}
    return (
        before
        | costs
        | {
            "rows": [rows[key] for key in GOALS if key in rows],
            "field": list(cells.values()),
            "machine": before["machine"] | {"versions": versions},
        }
    )


def _cell(cell: dict[str, Any]) -> tuple[str, str, int]:
    return cell["key"], cell["work"], cell["rows"]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    only = f"these alone, not written: {', '.join(ROWS)}"
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", help=only)
    quick = f"{', '.join(QUICK)}, in few rounds, not written"
    parser.add_argument("--quick", action="store_true", help=quick)
    update = "with --only: replace these rows of the page"
    parser.add_argument("--update", action="store_true", help=update)
    parser.add_argument("--output", type=Path, help="the page; numbers and chart go beside it")
    alone = "one thread each, processor time, for a machine that others use; not written"
    parser.add_argument(OPTION, action="store_true", help=alone)
    parser.add_argument("--check", action="store_true", help="fail where a row is below its floor")
    return parser.parse_args()


def print_row(row: dict[str, Any]) -> None:
    """Print one line as soon as a row is known."""
    goal = GOALS[row["key"]]
    figures = f"{figure(row['peer_figure'])} / {figure(row['our_figure'])} {row['unit']}"
    print(
        f"{row['key']:<16} {figure(row['ratio']):>6} × {goal.peer:<28} {figures:<22} "
        f"aim {goal.aim:g}, floor {goal.floor:g}: {verdict(row['ratio'], goal)}",
        flush=True,
    )


def write(numbers: dict[str, Any], output: Path) -> None:
    """Write the page, the numbers as JSON, and the chart."""
    images = output.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    output.write_text(page(numbers), encoding="utf-8")
    text = json.dumps(numbers, indent=1, ensure_ascii=False) + "\n"
    output.with_suffix(".json").write_text(text, encoding="utf-8")
    chart.draw(numbers, images / "benchmarks.png")


if __name__ == "__main__":
    sys.exit(main())
