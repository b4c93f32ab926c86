"""A training is resumed with the settings that it had; what differs is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn


def test_what_differs_is_named_when_a_training_is_resumed(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    X, y = np.ones((20, 3), np.float32), np.arange(20) % 2

    def fit(rows: int = 20, **options: Any) -> None:
        model = nn.Sequential(nn.Dense(2)).initialize((3,), rng=0)
        callbacks = [nn.Checkpoint(path)] if "resume" not in options else []
        trainer = nn.Trainer(model, callbacks=callbacks, rng=0, progress=False)
        trainer.fit(X[:rows], y[:rows], **{"epochs": 3, "batch_size": 5, **options})

    fit()
    with pytest.raises(
        nn.FileFormatError,
        match="data: expected batch_size 4, received batch_size 5 from the checkpoint$",
    ):
        fit(resume=path, batch_size=4)
    with pytest.raises(
        nn.FileFormatError, match=r"X of shape \[10, 3\], y of shape \[10\], received"
    ):
        fit(rows=10, resume=path)
    with pytest.raises(nn.ArgumentError, match="epochs: expected at least 3, which the checkpoint"):
        fit(resume=path, epochs=2)
    fit(resume=path)
