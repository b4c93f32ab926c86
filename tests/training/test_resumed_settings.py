"""A training is resumed with the settings that it had; what differs is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.array_files import read_arrays, write_arrays


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


X = np.random.default_rng(0).random((20, 3), np.float32)
Y = (X[:, 0] > 0.5).astype(int)
HINT = r"by the checkpoint 0\.weight, 0\.bias is (not )?frozen.* call fit without resume="


def network(*, frozen: bool) -> nn.Sequential:
    model = nn.Sequential(nn.Dense(4, "relu"), nn.BatchNorm(), nn.Dense(2)).initialize((3,), rng=0)
    if frozen:
        model[0].freeze()
    return model


def trained(model: nn.Layer, *callbacks: Any, epochs: int = 2, **options: Any) -> nn.Trainer:
    trainer = nn.Trainer(model, callbacks=callbacks, rng=0, progress=False)
    trainer.fit(X, Y, epochs=epochs, batch_size=5, **options)
    return trainer


@pytest.mark.parametrize("frozen", [False, True])
def test_other_frozen_layers_get_a_word(tmp_path: Path, frozen: bool) -> None:
    path = tmp_path / "run.checkpoint"
    trainer = trained(network(frozen=frozen), nn.Checkpoint(path))
    with pytest.warns(nn.TrainingHint, match=HINT):
        other = trained(network(frozen=not frozen), epochs=4, resume=path)
    assert other.model[0].weight.requires_grad != frozen
    (trainer.model[0].unfreeze if frozen else trainer.model[0].freeze)()
    with pytest.warns(nn.TrainingHint, match=HINT):  # in the same process as well
        trainer.fit(X, Y, epochs=4, batch_size=5, resume=path)
    same = trained(network(frozen=frozen), epochs=4, resume=path)
    whole = trained(network(frozen=frozen), epochs=4)
    np.testing.assert_array_equal(same.model.flat_parameters(), whole.model.flat_parameters())


class Thaw(nn.Callback):
    """Unfreezes the first layer behind the second epoch."""

    def on_epoch_begin(self, trainer: Any) -> None:
        if trainer.epoch == 2:
            trainer.model[0].unfreeze()


def test_layers_that_a_callback_unfreezes_may_be_as_at_the_beginning_or_as_now(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run.checkpoint"
    whole = trained(network(frozen=True), Thaw(), epochs=5)
    first = trained(network(frozen=True), Thaw(), nn.Checkpoint(path), epochs=4)
    for model in (network(frozen=True), first.model):
        again = trained(model, Thaw(), epochs=5, resume=path)
        np.testing.assert_array_equal(again.model.flat_parameters(), whole.model.flat_parameters())
    # What it goes on to write says how the whole training began.
    trained(network(frozen=True), Thaw(), nn.Checkpoint(path), epochs=5, resume=path)
    trained(network(frozen=True), Thaw(), epochs=6, resume=path)


def test_a_checkpoint_of_before_frozen_layers_were_compared(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    trained(network(frozen=True), nn.Checkpoint(path))
    arrays, metadata = read_arrays(path)
    settings = json.loads(metadata["settings"])
    del settings["frozen"]
    metadata["settings"] = json.dumps(settings)
    write_arrays(path, arrays, metadata)
    trained(network(frozen=True), epochs=3, resume=path)
