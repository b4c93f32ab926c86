"""The trainings of ``make kill-test``, broken off and resumed in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fuzz.trainings import KINDS, drawn

import neural_network as nn
from tests.training.resumable import digest

EPOCHS = 5


class BreakOff(nn.Callback):
    """End the process, as it were, after so many steps."""

    comes_last = True

    def __init__(self, steps: int) -> None:
        self.left = steps

    def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002  # the base class takes it
        self.left -= 1
        if self.left == 0:
            raise EOFError


def trained(folder: Path, number: int, steps: int) -> tuple[Any, int]:
    """Return what a training has learned and told, and how often it was broken off."""
    folder.mkdir()
    for breaks in range(100):
        trainer, arguments, _ = drawn(folder, number, seed=number)
        trainer.callbacks = [*trainer.callbacks, BreakOff(steps)]
        path = folder / "run.checkpoint"
        try:
            history = trainer.fit(**arguments, epochs=EPOCHS, resume=path if breaks else None)
        except EOFError:
            continue
        (stopping,) = (one for one in trainer.callbacks if isinstance(one, nn.EarlyStopping))
        told = json.dumps([dict(history), stopping.reason, stopping.restored_epoch])
        return (digest(trainer), told, (folder / "log.csv").read_text()), breaks
    raise AssertionError


@pytest.mark.parametrize("number", range(len(KINDS)))
def test_a_training_that_was_broken_off_is_the_unbroken_one(tmp_path: Path, number: int) -> None:
    assert KINDS[number] in drawn(None, number, seed=number).has
    wanted, _ = trained(tmp_path / "unbroken", number, 1000)
    found, breaks = trained(tmp_path / "broken", number, 3)
    assert breaks > 3
    assert found == wanted


def test_the_drawn_trainings_differ_and_stop_early(tmp_path: Path) -> None:
    number = KINDS.index("stopping")
    trainer, arguments, _ = drawn(tmp_path, number, seed=12)
    trainer.fit(**arguments, epochs=60)
    (stopping,) = (one for one in trainer.callbacks if isinstance(one, nn.EarlyStopping))
    assert stopping.reason
    assert stopping.restored_epoch is not None
    assert stopping.restored_epoch < trainer.epoch
