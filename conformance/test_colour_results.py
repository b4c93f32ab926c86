"""PyTorch's side of the colour pictures of ``make results``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks" / "results"))

import colour  # a script, found by the line above
import colour_pictures  # a script, found by the line above
from torch_networks import in_torch  # a script, found by `colour`


def test_both_libraries_begin_with_the_same_network() -> None:
    X, _ = colour_pictures.draw(20, 0)
    ours = colour.network(5)
    with torch.inference_mode():
        theirs = in_torch(colour.NETWORK, ours)(torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(ours.predict(X), theirs, rtol=1e-4, atol=1e-5)
    assert abs(theirs - colour.network(6).predict(X)).max() > 0.01


def test_pytorch_trains_until_the_accuracy_or_the_last_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(colour, "MOST_EPOCHS", 3)
    monkeypatch.setattr(colour, "RATE", 0.01)
    sets = (*colour_pictures.draw(128, 0), *colour_pictures.draw(50, 1))
    clock = colour.train_torch(0, colour_pictures.Pictures("some", 100.0, *sets))
    assert len(clock.accuracies) == 3
    assert len(set(clock.accuracies)) > 1  # it learns
    clock = colour.train_torch(0, colour_pictures.Pictures("some", 0.0, *sets))
    assert len(clock.accuracies) == 1
