"""Early stopping, logs, the finder, the progress that is shown, and Ctrl-C."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import (
    SGD,
    Checkpoint,
    CSVLog,
    Dense,
    EarlyStopping,
    LearningRateFinder,
    Trainer,
)
from tests.processes import HANGS, start_python

ROOT = Path(__file__).parents[2]
X = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


class Script(Trainer):
    """Measures what the test says, and moves each weight by 1 in each epoch."""

    numbers: list[float]

    def train_step(self, batch: Any) -> float:
        value = super().train_step(batch)
        self.sums["loss"] = self.numbers[self.epoch] * self.rows
        self.memory.gradients[:] = -1.0
        return value


def scripted(numbers: list[float], stop: EarlyStopping, **options: Any) -> Script:
    model = nn.Sequential(Dense(2)).initialize((4,), rng=0)
    model.flat_parameters()[:] = 0
    trainer = Script(model, SGD(1.0), callbacks=[stop], progress=False, **options)
    trainer.numbers = numbers
    trainer.fit(X, Y, epochs=len(numbers), batch_size=30)
    return trainer


NAN = float("nan")


@pytest.mark.parametrize(
    ("numbers", "options", "epochs", "best"),
    [
        ([3, 2, 1], {"patience": 1}, 3, 3),
        ([3, 2, 2, 2, 1], {"patience": 2}, 4, 2),  # a tie is no improvement
        ([3, 2, 2.5, 1.9, 2, 2, 2], {"patience": 2}, 6, 4),
        ([3, 2.6, 2.3, 2.1], {"patience": 2, "threshold": 0.5}, 4, 3),  # 0.7 in two epochs
        ([3, 4, 5, 5, 4], {"patience": 1, "mode": "max"}, 4, 3),
        ([NAN, NAN, 1], {"patience": 2}, 2, 0),
        ([2, NAN, 1, NAN, NAN, 0], {"patience": 2}, 5, 3),
    ],
)
def test_early_stopping(
    numbers: list[float], options: dict[str, Any], epochs: int, best: int
) -> None:
    stop = EarlyStopping("loss", **options)
    trainer = scripted(numbers, stop)
    assert trainer.history.epochs == epochs
    assert stop.best_epoch == best
    # After epoch n all weights are n; the best ones come back, if any epoch was better.
    np.testing.assert_array_equal(trainer.model.flat_parameters(), float(best or epochs))
    kept = scripted(numbers, EarlyStopping("loss", restore_best=False, **options))
    np.testing.assert_array_equal(kept.model.flat_parameters(), float(epochs))


def test_what_early_stopping_guesses_and_refuses() -> None:
    assert EarlyStopping("validation_accuracy").mode == "max"
    assert EarlyStopping().mode == "min"
    for options, match in (
        ({"patience": 0}, "EarlyStopping: patience: expected a whole number of at least 1"),
        (
            {"mode": "auto"},
            "mode: expected 'min' or 'max', received 'auto'; without mode= it is as",
        ),
        ({"mode": "best"}, "EarlyStopping: mode: expected one of 'min', 'max', received 'best'"),
        ({"threshold": -1}, "EarlyStopping: threshold: expected a finite number from 0"),
        ({"restore_best": 1}, "EarlyStopping: restore_best: expected True or False"),
        ({"measure": 3}, "EarlyStopping: measure: expected the name of a measure, received 3"),
    ):
        with pytest.raises(nn.errors.ArgumentError, match=match):
            EarlyStopping(**options)


def test_the_best_weights_are_those_that_were_measured() -> None:
    """With an average, the averaged ones: the best epoch's validation loss is found again."""
    stop = EarlyStopping(patience=2)
    model = nn.Sequential(Dense(16, "relu"), nn.BatchNorm(), Dense(2))
    trainer = Trainer(model, nn.Adam(0.02), callbacks=[stop], average=0.9, rng=1, progress=False)
    validation = (X, np.where(np.arange(30) % 4, Y, 1 - Y))  # a quarter is wrong
    history = trainer.fit(X, Y, epochs=30, batch_size=8, validation=validation)
    assert 1 < stop.best_epoch == history.epochs - 2
    assert trainer.evaluate(*validation)["loss"] == history["validation_loss"][stop.best_epoch - 1]


def test_a_second_fit_forgets_the_first() -> None:
    stop = EarlyStopping("loss", patience=1)
    trainer = scripted([1, 5, 5], stop)
    assert trainer.history.epochs == 2
    trainer.numbers = [9, 8, 7]
    trainer.fit(X, Y, epochs=3, batch_size=30)
    assert trainer.history.epochs == 3
    assert stop.best == 7


def test_the_log_is_the_history(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    trainer = Trainer([Dense(2)], callbacks=[CSVLog(path)], rng=0, progress=False)
    history = trainer.fit(X, Y, epochs=3, validation=(X, Y))
    head, *lines = path.read_text().splitlines()
    assert head == "epoch,loss,accuracy,validation_loss,validation_accuracy"
    for epoch, line in enumerate(lines):
        assert [float(cell) for cell in line.split(",")] == [
            epoch + 1,
            *(h[epoch] for h in history.values()),
        ]
    assert len(lines) == 3


def test_stopping_in_the_middle_of_an_epoch_measures_nothing() -> None:
    class Stop(nn.Callback):
        def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
            trainer.stop = trainer.step == 5

    trainer = Trainer([Dense(2)], callbacks=[Stop()], rng=0, progress=False)
    history = trainer.fit(X, Y, epochs=9, batch_size=10)
    assert (trainer.step, trainer.epoch, trainer.batch, history.epochs) == (5, 1, 2, 1)
    Stop.on_step_end = lambda self, trainer, loss: setattr(trainer, "stop", trainer.step == 6)
    assert trainer.fit(X, Y, epochs=9, batch_size=10).epochs == 2  # the epoch was whole

    class Before(nn.Callback):
        def on_epoch_begin(self, trainer: Trainer) -> None:
            trainer.stop = trainer.epoch == 1

    trainer = Trainer([Dense(2)], callbacks=[Before()], rng=0, progress=False)
    trainer.fit(X, Y, epochs=9, batch_size=10)
    assert (trainer.step, trainer.epoch) == (3, 1)


# --- the finder ------------------------------------------------------------------------------


@pytest.mark.parametrize("high", [1e2, 1e38])
def test_the_finder_suggests_a_rate_and_learns_nothing(high: float) -> None:
    """The second rate ends the training with weights of 1e38, and with infinities."""
    model = nn.Sequential(Dense(32, "relu"), nn.BatchNorm(), Dense(2)).initialize((4,), rng=0)
    before = {
        name: t.data.copy() for name, t in [*model.named_parameters(), *model.named_buffers()]
    }
    finder = LearningRateFinder(1e-5, high, steps=60)
    trainer = Trainer(model, SGD(0.1), "mse_loss", callbacks=[finder], rng=0, progress=False)
    trainer.fit(X, X[:, :2], epochs=60, batch_size=30)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        np.testing.assert_array_equal(tensor.data, before[name])
    assert len(finder.rates) == len(finder.losses) < 60
    np.testing.assert_allclose(finder.rates[:2], [1e-5, 1e-5 * (high / 1e-5) ** (1 / 59)])
    learned = Trainer(model, SGD(finder.suggestion), "mse_loss", rng=0, progress=False)
    history = learned.fit(X, X[:, :2], epochs=20, batch_size=30)
    assert history["loss"][-1] < history["loss"][0]
    assert 1e-4 < finder.suggestion < 1


def test_a_finder_with_too_few_batches_says_so_and_suggests_nothing() -> None:
    finder = LearningRateFinder()
    trainer = Trainer([Dense(2)], callbacks=[finder], rng=0, progress=False)
    with pytest.warns(nn.TrainingHint, match=r"after 13 of 100 steps, .*epochs=8\) has .*steps=13"):
        trainer.fit(np.eye(26, 4), np.arange(26) % 2, epochs=1, batch_size=2)
    assert finder.suggestion is None
    trainer.fit(np.eye(26, 4), np.arange(26) % 2, epochs=8, batch_size=2)
    assert finder.suggestion is not None


def test_the_finder_gives_the_weights_back_however_it_ends() -> None:
    class Fails(nn.Callback):
        def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
            if trainer.step == 3:
                raise RuntimeError("no more")

    model = nn.Sequential(Dense(2)).initialize((4,), rng=0)
    before = model.flat_parameters().copy()
    finder = LearningRateFinder()
    with pytest.raises(RuntimeError, match="no more"):
        Trainer(model, callbacks=[finder, Fails()], progress=False).fit(X, Y, batch_size=5)
    np.testing.assert_array_equal(model.flat_parameters(), before)
    assert finder.suggestion is None  # three steps say nothing


@pytest.mark.parametrize("offset", [0.0, -2.0, -100.0])
def test_the_finder_works_below_zero_too(offset: float) -> None:
    def shifted(outputs: Any, y: Any) -> Any:
        return nn.mse_loss(outputs, y) + offset

    finder = LearningRateFinder(1e-4, 1e3, steps=60)
    trainer = Trainer([Dense(2)], SGD(0.1), shifted, callbacks=[finder], rng=0, progress=False)
    trainer.fit(X, X[:, :2], epochs=60, batch_size=30)
    assert 20 < len(finder.losses) < 60
    assert 1e-3 < finder.suggestion < 10
    assert finder.losses[-1] > finder.losses[0]


# --- what is shown -----------------------------------------------------------------------------


def test_plain_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    Trainer([Dense(2)], rng=0).fit(X, Y, epochs=2, validation=(X, Y))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("epoch 2/2  loss 0.")
    assert "  validation_accuracy 0." in lines[1]
    assert lines[1].endswith(" s")
    Trainer([Dense(2)], rng=0, progress=False).fit(X, Y)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("neural_network.training.progress.SECONDS_BETWEEN_LINES", 0.0)
    Trainer([Dense(2)], rng=0).fit(X, Y, batch_size=15)
    assert [line[:17] for line in capsys.readouterr().out.splitlines()[:2]] == [
        "epoch 1/1  batch ",
        "epoch 1/1  batch ",
    ]


# A training that sleeps after each step, or waits after the third until it reads a line.
PAUSES = """
import sys, time
import numpy as np
import neural_network as nn

class Pauses(nn.Callback):
    def on_step_end(self, trainer, loss):
        print("step", trainer.step, flush=True)
        if sys.argv[1] == "sleep":
            time.sleep(0.12)
        elif trainer.step == 3:
            sys.stdin.readline()

X = np.random.default_rng(0).standard_normal((30, 4))
trainer = nn.Trainer([nn.Dense(2)], callbacks=[Pauses()], rng=0)
trainer.fit(X, np.arange(30) % 2, epochs=2, batch_size=5)
"""


def test_a_bar_on_a_terminal() -> None:
    screen, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with start_python("-c", PAUSES, "sleep", stdout=terminal, env=environment) as run:
        os.close(terminal)
        shown = b""
        try:
            while piece := os.read(screen, 4096):
                shown += piece
        except OSError:  # the other end is closed
            pass
        assert run.wait() == 0
    os.close(screen)
    text = shown.decode()
    assert "━" in text
    assert "\x1b[" in text  # it is drawn again in its place
    assert "epoch 2/2  loss" in text
    assert "epoch 1/2  loss 0" in text


# --- Ctrl-C --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_finishes_the_step_and_says_where_it_stopped() -> None:
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start_python("-c", PAUSES, "wait", **pipes) as run:
        lines = [run.stdout.readline() for _ in range(3)]
        run.send_signal(signal.SIGINT)  # in the callback of that step, which goes on to its end
        out, error = run.communicate("go on\n", timeout=HANGS)
    assert run.returncode != 0
    assert lines == ["step 1\n", "step 2\n", "step 3\n"]
    assert out == ""
    assert "TrainingInterrupted: stopped in epoch 1 of 2, after batch 3" in error


# --- checkpoints in time -----------------------------------------------------------------------------


def test_when_checkpoints_are_written(tmp_path: Path, monkeypatch: Any) -> None:
    written: list[int] = []
    monkeypatch.setattr(Checkpoint, "write", lambda self, trainer: written.append(trainer.step))
    path = tmp_path / "a"
    for options, expected in (
        ({}, [6, 12]),
        ({"steps": 4}, [4, 6, 8, 12, 12]),
        ({"seconds": 1e-9}, [*range(1, 7), 6, *range(7, 13), 12]),
        ({"seconds": 1e9}, [6, 12]),
    ):
        written.clear()
        Trainer([Dense(2)], callbacks=[Checkpoint(path, **options)], progress=False).fit(
            X, Y, epochs=2, batch_size=5
        )
        assert written == expected
    for options, match in (
        ({"steps": 0}, "Checkpoint: steps"),
        ({"seconds": 0}, "Checkpoint: seconds"),
    ):
        with pytest.raises(nn.errors.ArgumentError, match=match):
            Checkpoint(path, **options)
    for kind in (Checkpoint, CSVLog):
        with pytest.raises(
            nn.DTypeError, match=f"{kind.__name__}: path: expected the path of a file, received 3"
        ):
            kind(3)


def test_a_wrong_call_names_the_class_that_was_called() -> None:
    make: Any = nn.CSVLog
    with pytest.raises(TypeError, match="^CSVLog: missing"):
        make()


def test_a_checkpoint_that_could_be_resumed_is_not_overwritten_in_silence(tmp_path: Path) -> None:
    X, y = np.ones((8, 3), "f"), np.arange(8) % 2
    path = str(tmp_path / "run.checkpoint")

    def trainer(units: int = 2) -> nn.Trainer:
        model = nn.Sequential(nn.Dense(units))
        return nn.Trainer(model, rng=0, progress=False, callbacks=[nn.Checkpoint(path)])

    trainer().fit(X, y, epochs=2)
    with pytest.warns(nn.TrainingHint, match=r"stopped in epoch 2, .*: fit\(…, resume='"):
        trainer().fit(X, y, epochs=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error", nn.TrainingHint)
        trainer().fit(X, y, epochs=3)  # it is finished
        trainer().fit(X, y, epochs=4, resume=path)
        trainer(3).fit(X, y, epochs=9)  # another model
        Path(path).write_bytes(b"no checkpoint")
        trainer().fit(X, y, epochs=1)
