"""How many calls of Python small networks take: they are most of their time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.needs import need_fast

X = np.random.default_rng(0).standard_normal((960, 20)).astype("f")
Y = X[:, :3].argmax(axis=1)


def network() -> Any:
    layers = nn.Dense(64, "relu"), nn.Dense(64, "relu"), nn.Dense(3)
    return nn.Sequential(*layers).initialize((20,), rng=0)


def calls_of(function: Callable[[], Any]) -> int:
    """Return how many calls of Python a function makes, itself included."""
    count = 0

    def note(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event == "call"

    function()
    sys.setprofile(note)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize(("mode", "calls"), [("numpy", 120), ("auto", 80)])
def test_a_step_of_a_training(mode: str, calls: int) -> None:
    if mode == "auto":
        need_fast()
    trainer = nn.Trainer(network(), nn.Adam(0.001), rng=0, progress=False)

    def fit(steps: int) -> Any:
        return trainer.fit(X[: 32 * steps], Y[: 32 * steps], batch_size=32)

    with nn.use_kernels(mode):
        fit(20)  # what is compiled
        few, many = (calls_of(lambda steps=steps: fit(steps)) for steps in (20, 30))
    assert (many - few) / 10 < calls
    assert few - 2 * (many - few) < 1800  # what is done once for a training of an epoch


def test_a_prediction_of_one_row() -> None:
    model = network()
    assert calls_of(lambda: model.predict(X[:1])) < 55
