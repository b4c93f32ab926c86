"""A training of everything that has a state; as a program, it can be killed at any instant.

    python -m tests.training.resumable FOLDER [HOW]

goes on from ``FOLDER/run.checkpoint`` if it is there, says when a step is done, and leaves
the digest of what it learned. HOW is where it kills itself, or "from outside": it then waits
at its end until it is killed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

import neural_network as nn
from neural_network import (
    Adam,
    BatchNorm,
    Checkpoint,
    Cosine,
    CSVLog,
    Dense,
    Dropout,
    EarlyStopping,
)

ROWS, STEPS = 26, 4  # an epoch has 7 batches of 4: 4 steps of 2 batches, the last of one


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    X = rng.standard_normal((ROWS, 6)).astype(np.float32)
    return X, (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def noise(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return X + rng.standard_normal(X.shape).astype(np.float32) / 10


def make(folder: Path | None, *more: nn.Callback, **options: Any) -> nn.Trainer:
    model = nn.Sequential(Dense(8), BatchNorm(), nn.Activation("relu"), Dropout(0.3), Dense(3))
    files = (
        [Checkpoint(folder / "run.checkpoint", steps=1), CSVLog(folder / "log.csv")]
        if folder
        else []
    )
    chosen: dict[str, Any] = {
        "optimizer": Adam(Cosine(0.02), weight_decay=0.01),
        "callbacks": [*files, EarlyStopping(patience=2), *more],
        "augment": noise,
        "class_weights": {2: 2.0},
        "clip_norm": 1.0,
        "accumulate": 2,
        "average": 0.9,
        "progress": False,
        "rng": 3,
    }
    return nn.Trainer(**({"model": model} | chosen | options))


def fit(training: nn.Trainer, **options: Any) -> nn.History:
    X, y = data()
    weights = np.linspace(0.5, 2, ROWS)
    chosen = {
        "epochs": 3,
        "batch_size": 4,
        "validation": (X[:9] * 1.1, y[:9]),
        "sample_weights": weights,
    }
    return training.fit(X, y, **(chosen | options))


def digest(training: nn.Trainer) -> str:
    """Everything that was learned, bit for bit."""
    found = hashlib.sha256()
    for arrays in (training.memory.arrays(), training.optimizer.state()):
        for name, array in sorted(arrays.items()):
            found.update(name.encode() + array.tobytes())
    return found.hexdigest()


class Say(nn.Callback):
    comes_last = True

    def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002
        print("step", trainer.step, flush=True)


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def half_written(self: Path, content: bytes) -> None:
    with open(self, "wb") as file:
        file.write(content[: len(content) // 2])
        file.flush()
    die()


def after_renaming(*paths: str) -> None:
    shutil.move(*paths)
    die()


WAYS = {
    "half written": (Path, "write_bytes", half_written),
    "written": (os, "fsync", die),
    "before renaming": (os, "replace", die),
    "after renaming": (os, "replace", after_renaming),
}


class KillItself(nn.Callback):
    """In the step after the next, while the checkpoint is written."""

    def __init__(self, how: str) -> None:
        self.how, self.steps = how, 0

    def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002
        self.steps += 1
        if self.steps == 2:
            setattr(*WAYS[self.how])


class WaitToBeKilled(nn.Callback):
    """At the end, where a slow killer has not come before."""

    def on_fit_end(self, trainer: nn.Trainer) -> None:  # noqa: ARG002
        signal.pause()


if __name__ == "__main__":
    place = Path(sys.argv[1])
    more = [KillItself(how) if how in WAYS else WaitToBeKilled() for how in sys.argv[2:]]
    training = make(place, Say(), *more)
    file = place / "run.checkpoint"
    history = fit(training, epochs=5, resume=file if file.exists() else None)
    (place / "result.json").write_text(json.dumps([digest(training), dict(history)]))
