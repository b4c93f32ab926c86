"""What the lines of the tables and of the tries are about."""

from __future__ import annotations

import functools
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

import neural_network as nn

HAS_SKLEARN = importlib.util.find_spec("sklearn") is not None
# What a line has that needs scikit-learn.
OF_ESTIMATORS = ("classifier", "nn.estimators.")


def things(folder: Path) -> dict[str, Any]:
    """Return the names that a line may use: a model, data, a trainer that has trained it …"""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((16, 64)).astype("f"), np.arange(16) % 2
    model = nn.Sequential(nn.Dense(8, "relu"), nn.Dense(2)).initialize((64,), rng=0)
    saved, path = str(folder / "saved.safetensors"), str(folder / "new.safetensors")
    nn.save(model, saved)
    trainer = nn.Trainer(model, nn.SGD(0.01), rng=0, progress=False)
    history = trainer.fit(X, y, validation=(X, y))
    found: dict[str, Any] = {}
    if HAS_SKLEARN:
        classifier = nn.estimators.MLPClassifier(4, max_iter=5, tol=9.0, n_iter_no_change=1)
        found["classifier"] = classifier.fit(X, y)
    return found | {
        "nn": nn, "np": np, "X": X, "y": y, "images": np.ones((2, 1, 8, 8), "f"),
        "model": model, "saved": saved, "path": path, "trainer": trainer, "history": history,
        "layer": nn.Dense(3).initialize((4,), rng=0), "conv": nn.Conv2D(4, 3),
        "t": nn.Tensor([[1.0, 2.0], [3.0, 4.0]]), "optimizer": nn.Adam(0.01, parameters=model),
        "groups": nn.OptimizerGroups([(model[0], nn.SGD(0.1)), (model[1], nn.Adam(0.1))]),
        "result": trainer.evaluate(X, y), "F": nn.functional, "functools": functools,
        "e": nn.explain_gradient(lambda w: (w * 2.0) ** 2, 0.5),
    }  # fmt: skip
