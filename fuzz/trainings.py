"""Trainings that are drawn by a number, to be killed and resumed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tests.training.resumable import noise

import neural_network as nn
from neural_network import SGD, Adam, Cosine, Dense, StepDecay

ROWS = 26
# One training in each turn has this, whatever else is drawn.
KINDS = (
    "groups", "tuples", "dicts", "held out", "stopping", "balanced", "all rows", "accumulated",
)  # fmt: skip


class Training(NamedTuple):
    """A trainer, and what its ``fit`` is called with.

    Attributes:
        trainer: of the training.
        arguments: of ``fit``.
        has: what of ``KINDS`` it has.
    """

    trainer: nn.Trainer
    arguments: dict[str, Any]
    has: frozenset[str]


class Several(nn.Layer):
    """Two inputs → classes and a number, as a tuple or a dict."""

    def __init__(self, *, as_dict: bool) -> None:
        self.as_dict = as_dict
        self.numbers, self.identities = Dense(6), nn.Embedding(7, 6)
        self.body = nn.Sequential(nn.BatchNorm(), nn.Activation("relu"), nn.Dropout(0.3))
        self.classes, self.side = Dense(3), Dense(1)

    def forward(self, X: Any, ids: Any) -> Any:
        """(N, 6) and (N,) → (N, 3) and (N, 1)."""
        features = self.body(self.numbers(X) + self.identities(ids))
        out = self.classes(features), self.side(features)
        return dict(zip(("classes", "side"), out, strict=True)) if self.as_dict else out


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else list(value)


def both_losses(outputs: Any, y: Any, *, reduction: str = "mean") -> Any:
    """Return the sum of the losses of both outputs."""
    (classes, side), (labels, numbers) = _parts(outputs), _parts(y)
    of_classes = nn.softmax_cross_entropy(classes, labels, reduction=reduction)
    return of_classes + nn.mse_loss(side, numbers, reduction=reduction)


def share_right(outputs: Any, y: Any) -> float:
    """Return the accuracy of the first output."""
    return float(nn.accuracy(_parts(outputs)[0], _parts(y)[0]))


def louder(X: Any, rng: np.random.Generator) -> Any:
    """Return two inputs, the first with noise."""
    return noise(X[0], rng), X[1]


def drawn(folder: Path | None, number: int, seed: int) -> Training:
    """Return the training of a number.

    Args:
        folder: for its checkpoint and its log; None: it writes none.
        number: of the training; it has ``KINDS[number % len(KINDS)]``.
        seed: for what else it has, and of the training.
    """
    chance = random.Random(seed)
    has = {kind for kind in KINDS if chance.random() < 0.4}
    has.add(KINDS[number % len(KINDS)])
    if KINDS[number % len(KINDS)] in ("balanced", "all rows"):
        has -= {"tuples", "dicts"}
    several = "dicts" in has or "tuples" in has
    if several:
        has -= {"balanced", "all rows"}
    has -= {"tuples"} if "dicts" in has else set()
    rng = np.random.default_rng(5)
    X = rng.standard_normal((ROWS, 6)).astype(np.float32)
    y: Any = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    inputs: Any = X
    if several:
        inputs, numbers = (X, rng.integers(0, 7, ROWS)), X[:, :1] - X[:, 2:3]
        y = {"classes": y, "side": numbers} if "dicts" in has else (y, numbers)
    arguments: dict[str, Any] = {"X": inputs, "y": y, "batch_size": 4}
    if chance.random() < 0.5:
        arguments["sample_weights"] = np.linspace(0.5, 2, ROWS)
    if "held out" in has:
        arguments["validation"] = chance.choice([0.1, 0.3])
    else:
        arguments["validation"] = (inputs, y)
    stopping = nn.EarlyStopping(patience=chance.choice([1, 3]) if "stopping" in has else 99)
    options: dict[str, Any] = {
        "model": _model(several, as_dict="dicts" in has),
        "callbacks": [*_files(folder), stopping],
        "augment": louder if several else noise,
        "accumulate": 2 if "accumulated" in has else 1,
        "average": chance.choice([None, 0.9]),
        "clip_norm": chance.choice([None, 1.0]),
        "progress": False,
        "rng": seed,
    }
    if several:
        options |= {"loss": both_losses, "metrics": [share_right]}
    elif "all rows" in has:
        options["metrics"] = ["accuracy", "f1", "auc"]
    if "balanced" in has:
        options["class_weights"] = "balanced"
    options["optimizer"] = _optimizer(options["model"], grouped="groups" in has)
    return Training(nn.Trainer(**options), arguments, frozenset(has))


def _files(folder: Path | None) -> list[nn.Callback]:
    if folder is None:
        return []
    return [nn.Checkpoint(folder / "run.checkpoint", steps=1), nn.CSVLog(folder / "log.csv")]


def _model(several: bool, *, as_dict: bool) -> Any:
    if several:
        return Several(as_dict=as_dict)
    return nn.Sequential(Dense(8), nn.BatchNorm(), nn.Activation("relu"), nn.Dropout(0.3), Dense(3))


def _optimizer(model: Any, *, grouped: bool) -> Any:
    if not grouped:
        return Adam(Cosine(0.02), weight_decay=0.01)
    first, *others = [layer for _, layer in model.children()]
    return [(first, SGD(StepDecay(0.05, every=3), momentum=0.9)), (others, Adam(Cosine(0.02)))]
