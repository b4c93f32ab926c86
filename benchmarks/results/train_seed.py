"""Train one seed of one recipe in a process of its own; resume it if it was begun.

python benchmarks/results/train_seed.py RECIPE SEED
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
from recipes import RECIPES, Recipe

import neural_network as nn
from neural_network.files import written_beside

ROOT = Path(__file__).parents[2]
STORED = Path(__file__).parent / "seeds"
RUNNING = ROOT / "build" / "results"


def pictures(data: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (n, 1, 28, 28) float32 from 0 to 1, and labels."""
    load = nn.load_mnist if data == "mnist" else nn.load_fashion_mnist
    images, labels = load(split, "full")
    return images[:, None].astype(np.float32) / 255, labels


def describe_commit() -> str:
    """Return the commit, with a + where the working tree differs from it."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(ROOT), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    return (git("rev-parse", "--short", "HEAD") or "unknown") + (
        "+" if git("status", "--porcelain", "src") else ""
    )


def processor() -> str:
    """Return the processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def train(name: str, recipe: Recipe, seed: int) -> dict[str, object]:
    """Return what is stored of a seed."""
    X, y = pictures(recipe.data, "train")
    model = recipe.model(seed)
    RUNNING.mkdir(parents=True, exist_ok=True)
    path = RUNNING / f"{name}-{seed}.checkpoint"
    trainer = nn.Trainer(
        model,
        optimizer=recipe.optimizer(),
        rng=seed,
        augment=recipe.augment,
        callbacks=[nn.Checkpoint(path, seconds=60)],
    )
    history = trainer.fit(
        X[: recipe.rows], y[: recipe.rows], recipe.epochs, recipe.batch_size,
        resume=path if path.exists() else None,
    )  # fmt: skip
    X_test, y_test = pictures(recipe.data, "test")
    measures = trainer.evaluate(X_test, y_test)
    nn.save(model, RUNNING / f"{name}-{seed}.safetensors")
    path.unlink()
    return {
        "settings": recipe.settings(seed),
        "accuracy": round(100 * measures["accuracy"], 4),
        "test_loss": measures["loss"],
        "training_loss": history["loss"],
        "seconds": round(history.seconds, 1),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "commit": describe_commit(),
        "date": date.today().isoformat(),
        "machine": processor(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def main() -> None:
    """Train, and store the seed beside the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipe", choices=sorted(RECIPES))
    parser.add_argument("seed", type=int)
    options = parser.parse_args()
    result = train(options.recipe, RECIPES[options.recipe], options.seed)
    STORED.mkdir(exist_ok=True)
    with written_beside(STORED / f"{options.recipe}-{options.seed}.json") as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{options.recipe} seed {options.seed}: {result['accuracy']} %")


if __name__ == "__main__":
    sys.exit(main())
