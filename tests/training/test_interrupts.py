"""Ctrl-C: the current step is completed and a checkpoint is written."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Checkpoint, Dense, Trainer
from neural_network.training.interrupts import noticing_interrupts
from tests.training.resumable import digest, fit, make

pytestmark = pytest.mark.usefixtures("ctrl_c")

X = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def press(times: int = 1) -> None:
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)


class Press(nn.Callback):
    """Presses Ctrl-C at one place."""

    def __init__(self, place: str, step: int, times: int = 1) -> None:
        def verb(trainer: Trainer, *_: Any) -> None:
            if trainer.step == step:
                press(times)

        setattr(self, place, verb)


@pytest.mark.parametrize(
    ("place", "step", "where"),
    [
        (
            "on_step_begin",
            5,
            "stopped in epoch 2 of 3, after batch 4",
        ),  # two batches make a step
        ("on_step_end", 6, "stopped in epoch 2 of 3, after batch 4"),
        ("on_epoch_begin", 4, "stopped in epoch 2 of 3, after batch 2"),
        ("on_epoch_end", 8, "stopped after epoch 2 of 3 epochs"),
        ("on_epoch_end", 12, "stopped after epoch 3 of 3 epochs"),
    ],
)
def test_ctrl_c_writes_a_checkpoint_from_which_it_goes_on(
    tmp_path: Path, place: str, step: int, where: str
) -> None:
    """With accumulation, an average, dropout, batch norm, and the best weights kept."""
    whole = make(None)
    history = fit(whole)
    path = tmp_path / "run.checkpoint"
    stopped = make(None, Press(place, step), Checkpoint(path, seconds=1e6))
    with pytest.raises(nn.TrainingInterrupted, match=where) as caught:
        fit(stopped)
    assert f"saved {path}; fit(…, resume='{path}') resumes from here" in str(caught.value)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    resumed = make(None, Checkpoint(path))
    assert fit(resumed, resume=path) == history
    assert digest(resumed) == digest(whole)


def test_ctrl_c_without_a_checkpoint_names_it() -> None:
    with pytest.raises(
        nn.TrainingInterrupted, match=r"; callbacks=\[nn.Checkpoint\(path\)\] writes"
    ):
        fit(make(None, Press("on_step_end", 6)))


@pytest.mark.parametrize(
    ("place", "said"), [("on_epoch_end", "saved .*"), ("on_fit_end", "the training was over")]
)
@pytest.mark.parametrize("average", [None, 0.9])
def test_ctrl_c_at_the_end_leaves_what_the_unbroken_run_leaves(
    tmp_path: Path, place: str, said: str, average: float | None
) -> None:
    fit(whole := make(None, average=average))
    fit(longer := make(None, average=average, optimizer="sgd"), epochs=4)
    path = tmp_path / "run.checkpoint"
    more = [Press(place, 12), Checkpoint(path)]
    stopped = make(None, *more, average=average)
    with pytest.raises(nn.TrainingInterrupted, match=f"after epoch 3 of 3 epochs; {said}"):
        fit(stopped)
    assert digest(stopped) == digest(whole)
    assert stopped.history.epochs == 3
    # The file goes on from the last step, not from the average or the best weights.
    with pytest.raises(nn.TrainingInterrupted):
        fit(make(None, *more, average=average, optimizer="sgd"))
    fit(resumed := make(None, average=average, optimizer="sgd"), epochs=4, resume=path)
    assert digest(resumed) == digest(longer)


def test_a_second_ctrl_c_breaks_off_at_once() -> None:
    trainer = Trainer(
        [Dense(2)], callbacks=[Press("on_step_begin", 2, times=2)], rng=0, progress=False
    )
    with pytest.raises(KeyboardInterrupt) as caught:
        trainer.fit(X, Y, batch_size=5)
    assert not isinstance(caught.value, nn.TrainingInterrupted)
    assert trainer.step == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_is_left_alone_where_it_is_ignored_or_no_main_thread() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noticing_interrupts() as interrupt:
            press()
        assert not interrupt.pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    steps = []
    trainer = Trainer([Dense(2)], rng=0, progress=False)
    thread = threading.Thread(target=lambda: steps.append(trainer.fit(X, Y).epochs))
    thread.start()
    thread.join()
    assert steps == [1]
