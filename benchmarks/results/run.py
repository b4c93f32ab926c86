"""``make results``: train every seed of every row that is not stored yet, write docs/results.md.

A finished seed is a small JSON file in benchmarks/results/seeds; it counts while its
settings are the recipe's. A running one is checkpointed each minute in build/results.
Stop the command whenever you like and start it again: it goes on. A time is measured again once its
file is removed there; nothing else should run then.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cold
import colour
from cold import spread
from recipes import RECIPES
from train_seed import ROOT, RUNNING, STORED

from neural_network.files import written_beside

HERE = Path(__file__).parent
WEIGHTS = ROOT / "src" / "neural_network" / "models" / "weights" / "tiny_cnn.safetensors"
# The seed whose weights are shipped: fixed beforehand, not the best one.
SHIPPED_SEED = 0


def stored(name: str, seed: int) -> dict[str, Any] | None:
    """Return a finished seed, if its settings are still the recipe's."""
    path = STORED / f"{name}-{seed}.json"
    if not path.exists():
        return None
    result: dict[str, Any] = json.loads(path.read_text())
    return result if result["settings"] == RECIPES[name].settings(seed) else None


def run_seed(job: tuple[str, int]) -> None:
    """Train one seed in a process with one thread for matrix products."""
    name, seed = job
    environment = {**os.environ, **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")}
    command = [sys.executable, str(HERE / "train_seed.py"), name, str(seed)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        print(f"{name} seed {seed}: {line.rstrip()}", flush=True)
    if process.wait():
        raise SystemExit(f"{name} seed {seed} failed; start again to resume")


def table() -> str:
    """Return docs/results.md from what is stored."""
    lines = [
        "# Results",
        "",
        "Written by `make results`; every number is measured, none is typed. Accuracy is of the",
        "10,000 test pictures, mean ± standard deviation over seeds, at an epoch fixed beforehand;",
        "the test pictures chose nothing. Recipes: `benchmarks/results/recipes.py`. Finished seeds",
        "with their settings and commits: `benchmarks/results/seeds/`.",
        "",
        "| row | parameters | epochs | accuracy, % | aim | at least | each seed | seconds a seed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    notes = set()
    for name, recipe in RECIPES.items():
        found = [result for seed in recipe.seeds if (result := stored(name, seed))]
        if len(found) < len(recipe.seeds):
            lines.append(
                f"| {recipe.title} | | | {len(found)} of {len(recipe.seeds)} seeds | | | | |"
            )
            continue
        accuracies = [result["accuracy"] for result in found]
        each = ", ".join(f"{accuracy:.2f}" for accuracy in accuracies)
        seconds = spread([result["seconds"] for result in found], 0)
        parameters = found[0]["settings"]["parameters"]
        lines.append(
            f"| {recipe.title} | {parameters:,} | {recipe.epochs} | {spread(accuracies, 2)} "
            f"| {recipe.aim} | {recipe.floor or ''} | {each} | {seconds} |"
        )
        notes |= {
            f"{r['machine']}, Python {r['python']}, NumPy {r['numpy']}, commit {r['commit']}"
            for r in found
        }
    lines += [
        "",
        "Seconds are the wall time of one process with one thread for matrix products, beside",
        "other work on the same cores: they tell the order, not the speed.",
        "",
        *(f"- {note}" for note in sorted(notes)),
    ]
    return "\n".join([*lines, *cold.lines(), *colour.lines()]) + "\n"


def main() -> None:
    """Do what is not done yet, and write the page after each seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="seeds side by side")
    parser.add_argument("--table", action="store_true", help="only write the page again")
    options = parser.parse_args()
    STORED.mkdir(exist_ok=True)
    jobs = [(n, seed) for n, r in RECIPES.items() for seed in r.seeds if not stored(n, seed)]
    if not options.table:
        print(f"{len(jobs)} seeds to train, {options.jobs} at a time", flush=True)
        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(run_seed, jobs))
        trained = RUNNING / f"tiny_cnn-{SHIPPED_SEED}.safetensors"
        if trained.exists():
            WEIGHTS.parent.mkdir(exist_ok=True)
            shutil.copyfile(trained, WEIGHTS)
        if jobs or not cold.time_runs():
            cold.measure_time()
        cold.measure_best()
        if not colour.stored():
            colour.measure()
    page = ROOT / "docs" / "results.md"
    with written_beside(page) as temporary:
        temporary.write_text(table())
    print(page.read_text())


if __name__ == "__main__":
    main()
