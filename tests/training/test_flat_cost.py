"""What an epoch costs does not depend on how many there were before."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Checkpoint, CSVLog, Dense, EarlyStopping, History, Trainer
from neural_network.array_files import read_arrays

X = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
EPOCHS = 4000
MEASURES = ["loss", "accuracy", "validation_loss", "validation_accuracy"]


def made(*callbacks: nn.Callback, **options: Any) -> Trainer:
    return Trainer([Dense(2)], callbacks=callbacks, rng=0, progress=False, **options)


def grown(trainer: Trainer, epochs: int) -> None:
    """Add epochs of random numbers to the history."""
    numbers = np.random.default_rng(1).random((epochs, len(MEASURES)))
    for row in numbers.tolist():
        trainer.history.add(dict(zip(MEASURES, row, strict=True)))
    trainer.epoch += epochs


def rows(path: Path) -> list[list[float]]:
    _, *lines = csv.reader(path.read_text().splitlines())
    return [[float(cell) for cell in line] for line in lines]


def as_rows(history: History) -> list[list[float]]:
    return [[epoch, *row] for epoch, row in enumerate(zip(*history.values(), strict=True), 1)]


def test_the_log_writes_one_line_in_a_late_epoch(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "log.csv"
    log = CSVLog(path)
    trainer = made(log)
    trainer.fit(X, Y, epochs=1, validation=(X, Y))
    for epochs in (EPOCHS, 1, 1):  # the first time it finds that epochs are missing
        grown(trainer, epochs)
        log.on_epoch_end(trainer, {})
    assert rows(path) == as_rows(trainer.history)
    inode, size = path.stat().st_ino, path.stat().st_size
    monkeypatch.setattr("neural_network.training.callbacks.written_beside", None)
    for _ in range(3):
        grown(trainer, 1)
        log.on_epoch_end(trainer, {})
    assert path.stat().st_ino == inode
    assert path.stat().st_size - size < 3 * 100
    assert rows(path) == as_rows(trainer.history)


def spoil_by_a_piece(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


@pytest.mark.parametrize(
    "spoil", [spoil_by_a_piece, Path.unlink, lambda path: path.write_text("mine\n")]
)
def test_a_log_that_somebody_changes_is_whole_after_the_next_epoch(
    tmp_path: Path, spoil: Callable[[Path], Any]
) -> None:
    path = tmp_path / "log.csv"

    class Spoil(nn.Callback):
        def on_epoch_begin(self, trainer: Trainer) -> None:
            if trainer.epoch == 2:
                spoil(path)

    history = made(CSVLog(path), Spoil()).fit(X, Y, epochs=4)
    assert rows(path) == as_rows(history)


def test_a_measure_that_is_added_later_has_a_column(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"

    class Late(Trainer):
        def measure(self, outputs: Any, y: Any) -> dict[str, float]:
            more = {"late": 1.0} if self.epoch >= 2 else {}
            return {**super().measure(outputs, y), **more}

    trainer = Late([Dense(2)], callbacks=[CSVLog(path)], rng=0, progress=False)
    trainer.fit(X, Y, epochs=4)
    found = list(csv.DictReader(path.read_text().splitlines()))
    assert [line["late"] for line in found] == ["", "", "1.0", "1.0"]


def test_a_resumed_log_loses_the_lines_beyond_the_checkpoint(tmp_path: Path) -> None:
    def callbacks(name: str) -> list[nn.Callback]:
        return [CSVLog(tmp_path / f"{name}.csv"), Checkpoint(tmp_path / name)]

    made(*callbacks("whole")).fit(X, Y, epochs=5)
    made(*callbacks("part")).fit(X, Y, epochs=3)
    with open(tmp_path / "part.csv", "a") as file:  # killed between log and checkpoint
        file.write("4,0.1,0.2\n5,0.")
    made(*callbacks("part")).fit(X, Y, epochs=5, resume=tmp_path / "part")
    assert (tmp_path / "part.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_full_disk_leaves_the_log_as_it_was(tmp_path: Path, monkeypatch: Any) -> None:
    from neural_network.files import append, os as system

    path = tmp_path / "log.csv"
    path.write_bytes(b"epoch,loss\n1,0.5\n")
    write = system.write
    monkeypatch.setattr(system, "write", lambda file, content: write(file, content[:3]))
    with pytest.raises(nn.FileWriteError, match=r"cannot write .*log.csv: No space left"):
        append(path, b"2,0.25\n")
    assert path.read_bytes() == b"epoch,loss\n1,0.5\n"


def test_a_checkpoint_grows_by_the_bytes_of_its_numbers_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    checkpoint = Checkpoint(path)
    trainer = made(checkpoint)
    trainer.fit(X, Y, epochs=1, validation=(X, Y))
    small, text = path.stat().st_size, read_arrays(path)[1]
    grown(trainer, EPOCHS)
    checkpoint.write(trainer)
    arrays, more = read_arrays(path)
    assert path.stat().st_size - small <= 8 * len(MEASURES) * EPOCHS + 200
    assert sum(map(len, more.values())) - sum(map(len, text.values())) < 30
    for name, numbers in trainer.history.items():
        assert arrays[f"history.{name}"].tolist() == numbers


def test_an_epoch_costs_the_same_after_thousands(tmp_path: Path) -> None:
    callbacks = [CSVLog(tmp_path / "log.csv"), EarlyStopping("loss", 10**6), Checkpoint(tmp_path / "c")]  # fmt: skip
    trainer = made(*callbacks)
    trainer.fit(X, Y, epochs=1, validation=(X, Y))

    def seconds() -> float:
        found = []
        for _ in range(12):
            start = time.process_time()
            grown(trainer, 1)
            for callback in callbacks:
                callback.on_epoch_end(trainer, {"loss": 1.0})
            found.append(time.process_time() - start)
        return min(found)

    early = seconds()
    grown(trainer, 10 * EPOCHS)
    # Ten times as many epochs as a long training has: what is left is a copy of 1.3 MB.
    assert seconds() < 8 * early


def test_the_packed_history_is_the_history() -> None:
    history = History({"loss": [1.0]})
    for numbers in ([2.0, 3.0], [], [float("nan")], [float("nan"), 1.0]):
        history["loss"] += numbers
        np.testing.assert_array_equal(history.arrays()["loss"], history["loss"])
    history["loss"] = [5.0, *history["loss"][:-1], 9.0]
    np.testing.assert_array_equal(history.arrays()["loss"], history["loss"])
    history["loss"] = [7.0]
    history["more"] = [1, 2]
    assert {name: a.tolist() for name, a in history.arrays().items()} == {"loss": [7.0], "more": [1.0, 2.0]}  # fmt: skip
    assert history.arrays()["more"].dtype == np.float64


def test_the_finder_stops_where_a_look_at_all_losses_would() -> None:
    def has_risen(losses: list[float]) -> bool:
        best = int(np.argmin(losses))
        until_best = losses[: max(best + 1, 5)]
        spread = max(max(until_best) - min(until_best), abs(losses[best]))
        return len(losses) > 5 and losses[-1] - losses[best] > 3 * spread + 1e-12

    rng = np.random.default_rng(0)
    for _ in range(200):
        losses = (np.cumsum(rng.standard_normal(40)) + rng.choice([0.0, 20.0])).tolist()
        finder, trainer = nn.LearningRateFinder(steps=40), made()
        trainer.model.initialize((4,), rng=0)
        with finder.during_fit(trainer):
            for place, loss in enumerate(losses, 1):
                finder.on_step_end(trainer, loss)
                assert trainer.stop == (has_risen(losses[:place]) or place == 40)
                if trainer.stop:
                    break
