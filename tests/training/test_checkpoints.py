"""A training resumed from a checkpoint ends with the bits of the uninterrupted one."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tools.make_fixture import make_trainer, train

import neural_network as nn
from neural_network import Adam, BatchNorm, Checkpoint, Dense, EarlyStopping, ReduceOnPlateau
from neural_network.array_files import read_arrays, write_arrays
from tests.processes import HANGS, ROOT, start_python
from tests.training.resumable import STEPS, WAYS, data, digest, fit, make

FIXTURES = ROOT / "tests" / "fixtures"


class Keep(nn.Callback):
    """Keeps the checkpoint of each step, and of each epoch's end."""

    comes_last = True

    def __init__(self, folder: Path) -> None:
        self.folder, self.files = folder, []

    def keep(self) -> None:
        self.files.append(self.folder / f"{len(self.files)}.kept")
        self.files[-1].write_bytes((self.folder / "run.checkpoint").read_bytes())

    def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002
        self.keep()

    def on_epoch_end(self, trainer: nn.Trainer, measures: Any) -> None:  # noqa: ARG002
        self.keep()


def test_resuming_at_every_step_is_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    unbroken = make(tmp_path, keep := Keep(tmp_path))
    history = fit(unbroken)
    log = (tmp_path / "log.csv").read_text()
    assert len(keep.files) == 3 * STEPS + 3
    assert unbroken.step == 3 * STEPS
    assert len(log.splitlines()) == 4
    for file in keep.files:
        resumed = make(tmp_path, rng=None)
        assert fit(resumed, resume=file) == history
        assert digest(resumed) == digest(unbroken)
        assert resumed.seed == resumed.history.seed == 3
        assert (tmp_path / "log.csv").read_text() == log
        assert resumed.callbacks[1].best_epoch == unbroken.callbacks[1].best_epoch


@pytest.mark.slow
def test_killed_at_any_instant_and_resumed_it_ends_where_the_unbroken_run_ends(
    tmp_path: Path,
) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    unbroken.mkdir()
    broken.mkdir()
    whole = make(unbroken)
    history = fit(whole, epochs=5)
    chance = random.Random(1)
    file = broken / "run.checkpoint"
    for how in ["from outside", *WAYS, "from outside"]:
        code = killed(broken, how, chance)
        assert code == -signal.SIGKILL
        assert file.exists()
        assert not (broken / "result.json").exists()
    with program(broken) as run:
        assert run.wait(HANGS) == 0
    assert json.loads((broken / "result.json").read_text()) == [digest(whole), dict(history)]
    assert (broken / "log.csv").read_bytes() == (unbroken / "log.csv").read_bytes()
    # Nothing is left of what was half written.
    assert sorted(path.name for path in broken.iterdir()) == [
        "log.csv",
        "result.json",
        "run.checkpoint",
    ]


def program(folder: Path, *how: str) -> subprocess.Popen[str]:
    return start_python("-m", "tests.training.resumable", folder, *how)


def killed(folder: Path, how: str, chance: random.Random) -> int:
    with program(folder, how) as run:
        if how == "from outside":
            for _ in range(chance.randint(1, 4)):
                run.stdout.readline()
            # Nearly all of a step's time goes into the checkpoint.
            with pytest.raises(subprocess.TimeoutExpired):
                run.wait(chance.uniform(0, 0.004))
            run.kill()
        return run.wait(HANGS)


@pytest.mark.parametrize("version", "12")
def test_a_checkpoint_of_each_version_is_resumed(tmp_path: Path, version: str) -> None:
    """Made by tools/make_fixture.py, in the middle of the second of four epochs."""
    checkpoint = FIXTURES / f"checkpoint_v{version}.safetensors"
    assert read_arrays(checkpoint)[1]["format_version"] == version
    expected = nn.load_arrays(FIXTURES / f"checkpoint_v{version}_result.safetensors")
    file = tmp_path / "run.checkpoint"
    trainer = make_trainer(Checkpoint(file, steps=1))
    found = train(trainer, resume=checkpoint)
    assert trainer.seed == trainer.history.seed == 3
    assert trainer.optimizer.learning_rate.state().keys() >= {"current", "best"}
    assert found.keys() == expected.keys()
    for name, array in found.items():  # other processors round differently
        np.testing.assert_allclose(array, expected[name], rtol=1e-3, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("version", "12")
def test_what_a_checkpoint_stores_is_restored(tmp_path: Path, version: str) -> None:
    """The arrays of the file are those that a training continues from, bit for bit."""
    checkpoint = FIXTURES / f"checkpoint_v{version}.safetensors"
    file = tmp_path / "run.checkpoint"

    class WriteAtOnce(nn.Callback):
        def on_fit_begin(self, trainer: nn.Trainer) -> None:
            files.write(trainer)
            trainer.stop = True

    trainer = make_trainer(WriteAtOnce(), files := Checkpoint(file))
    train(trainer, resume=checkpoint)
    (old, before), (new, after) = read_arrays(checkpoint), read_arrays(file)
    expected, position = json.loads(before["position"]), json.loads(after["position"])
    if version == "1":  # had the history in its metadata
        history = expected.pop("history")
        old |= {f"history.{name}": np.array(numbers) for name, numbers in history.items()}
        expected["measures"] = list(history)
        expected["counts"] = dict.fromkeys(expected["sums"], expected["rows"])
    assert position == expected
    assert old.keys() == new.keys()
    for name, array in old.items():
        np.testing.assert_array_equal(new[name], array, err_msg=name)


def test_a_finished_run_and_one_that_stopped_early_return_at_once(tmp_path: Path) -> None:
    early = nn.Callback()
    early.on_epoch_begin = lambda trainer: pytest.fail("it trained")
    for stop, epochs in (
        (EarlyStopping("loss", patience=1, threshold=9.0), 9),
        (EarlyStopping("loss"), 2),
    ):
        files = Checkpoint(tmp_path / "run.checkpoint")
        first = make(None, stop, files)
        history = fit(first, epochs=epochs)
        assert history.epochs == 2
        again = make(
            None, type(stop)("loss", patience=stop.patience, threshold=stop.threshold), files, early
        )
        assert fit(again, epochs=epochs, resume=files.path) == history
        assert digest(again) == digest(first)
    with pytest.raises(pytest.fail.Exception, match="it trained"):  # more epochs are allowed
        fit(again, epochs=3, resume=files.path)


def test_a_schedule_that_observes_is_resumed_and_reset_by_each_fit(tmp_path: Path) -> None:
    def made() -> nn.Trainer:
        plateau = ReduceOnPlateau(0.01, factor=0.5, patience=0, threshold=0.9)
        # No early stopping: the bias before a batch norm moves by rounding alone, and with
        # it the validation loss, which is not what is tested here.
        files = Checkpoint(tmp_path / "run.checkpoint", steps=1)
        return make(None, optimizer=Adam(plateau), average=None, callbacks=[files])

    whole = made()
    fit(whole, epochs=4)
    assert whole.optimizer.learning_rate.current == 0.01 / 8
    fit(half := made(), epochs=2)
    assert half.optimizer.learning_rate.current == 0.01 / 2
    assert fit(made(), epochs=4, resume=tmp_path / "run.checkpoint") == whole.history
    fit(half, epochs=1)  # a new run on the weights as they are
    assert half.rate == 0.01
    assert half.history.epochs == 1


def test_a_float64_model_and_frozen_layers_come_back(tmp_path: Path) -> None:
    def made() -> nn.Trainer:
        training = make(tmp_path, keep := Keep(tmp_path))
        training.model.initialize((6,), rng=0).astype(np.float64)
        training.model[0].freeze()
        training.keep = keep
        return training

    whole = made()
    history = fit(whole)
    assert whole.memory.flat.dtype == np.float64
    for file in [*whole.keep.files]:
        half = made()
        half.model.unfreeze()  # the file restores what is frozen
        with pytest.warns(nn.TrainingHint, match="by the checkpoint 0.* is frozen"):
            assert fit(half, resume=file) == history
        assert digest(half) == digest(whole)


def test_batches_without_a_length_go_on_too(tmp_path: Path) -> None:
    X, y = data()

    def batches(epoch: int) -> Any:
        for start in range(epoch, ROWS_OF_EPOCH, 5):
            yield X[start : start + 5], y[start : start + 5]

    def made(*more: nn.Callback) -> nn.Trainer:
        return make(tmp_path, *more, class_weights=None, accumulate=4)

    validation = (X[:9], y[:9])
    whole = made(keep := Keep(tmp_path))
    history = whole.fit(batches, epochs=3, validation=validation)
    assert whole.step == 3 * 2  # the last of an epoch with fewer batches
    for file in keep.files:
        half = made()
        assert half.fit(batches, epochs=3, validation=validation, resume=file) == history
        assert digest(half) == digest(whole)


ROWS_OF_EPOCH = 24


# --- what a file may be instead -----------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    fit(make(tmp_path), epochs=1)
    return tmp_path / "run.checkpoint"


def refused(
    training: nn.Trainer, match: str, error: type[Exception] = nn.FileFormatError, **options: Any
) -> None:
    """Whatever is wrong, the trainer stays as it was."""
    training.callbacks = [c for c in training.callbacks if not isinstance(c, Keep)]
    fit(training, epochs=1)
    before, history = digest(training), training.history
    with pytest.raises(error, match=match):
        fit(training, **options)
    assert digest(training) == before
    assert training.history is history
    assert training.epoch == 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"optimizer": "sgd"}, "of another training: optimizer: expected .*SGD.*received .*Adam"),
        ({"optimizer": Adam(0.1)}, "optimizer: expected .*0.1"),
        ({"loss": "hinge"}, "loss: expected 'hinge', received 'softmax_cross_entropy'"),
        ({"metrics": []}, r"metrics: expected \[\], received \['accuracy'\]"),
        ({"augment": None}, "augment: expected 'None', received 'noise'"),
        ({"class_weights": None}, "class_weights"),
        ({"clip_norm": None}, "clip_norm: expected None, received 1.0"),
        ({"accumulate": 3}, "accumulate: expected 3, received 2"),
        ({"average": None}, "average: expected None, received 0.9"),
        ({"callbacks": []}, r"callbacks: expected \[\], received \['EarlyStopping'\]"),
        ({"rng": 4}, "rng: expected 4, received 3"),
        ({"model": [Dense(3)]}, "the checkpoint of another model"),
        ({"model": [Dense(8), BatchNorm(), Dense(3)]}, "the checkpoint of another model"),
    ],
)
def test_another_training_is_refused(file: Path, change: dict[str, Any], match: str) -> None:
    refused(make(None, **change), match, resume=file)


def test_other_data_are_refused(file: Path) -> None:
    refused(make(None), "of another training: data", resume=file, batch_size=6)
    wide = nn.Trainer(
        [Dense(8), BatchNorm(), nn.Activation("relu"), nn.Dropout(0.3), Dense(3)],
        rng=3,
        progress=False,
    )
    X, y = data()
    with pytest.raises(nn.FileFormatError, match="of another"):
        wide.fit(np.hstack([X, X]), y, resume=file)


def test_a_model_for_other_inputs_is_refused(tmp_path: Path) -> None:
    """The layers are the same, and of batches without a length nothing is noted."""
    X, y = data()
    path = tmp_path / "run.checkpoint"
    nn.Trainer([Dense(3)], rng=0, callbacks=[Checkpoint(path)], progress=False).fit(
        lambda _: [(X, y)]
    )
    wide = nn.Trainer([Dense(3)], rng=0, progress=False)
    with pytest.raises(
        nn.FileFormatError, match=r"0.weight: expected float32 \(5, 3\), received float32 \(6, 3\)"
    ):
        wide.fit(lambda _: [(X[:, :5], y)], resume=path)
    double = nn.Trainer([Dense(3)], rng=0, progress=False)
    double.model.initialize((6,)).astype(np.float64)
    with pytest.raises(nn.FileFormatError, match="0.weight: expected float64"):
        double.fit(lambda _: [(X, y)], resume=path)


def test_damage_is_found_wherever_it_is(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for place in (4, 100, len(content) // 2, len(content) - 40, len(content) - 1):
        damaged = content.copy()
        damaged[place] ^= 4
        file.write_bytes(damaged)
        refused(make(None), "run.checkpoint: ", resume=file)
    for length in (0, 7, 300, len(content) - 1):
        file.write_bytes(content[:length])
        refused(make(None), "not a whole safetensors file", resume=file)


def test_another_file_is_refused(file: Path, tmp_path: Path) -> None:
    training = make(None)
    fit(training, epochs=1)
    nn.save(training.model, tmp_path / "model")
    refused(
        training,
        "expected a neural-network-numpy checkpoint, received .* model",
        resume=tmp_path / "model",
    )
    refused(training, "expected a safetensors file, received a folder", resume=tmp_path)
    refused(training, "No such file", FileNotFoundError, resume=tmp_path / "none")
    arrays, metadata = read_arrays(file)
    write_arrays(file, arrays, {**metadata, "format_version": "3"})
    refused(training, "format version 3, this library reads version 1 and 2", resume=file)
    with pytest.raises(nn.FileFormatError, match="expected a neural-network-numpy model"):
        write_arrays(file, arrays, metadata)
        nn.load(file)


def test_the_old_checkpoint_survives_a_full_disk(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "run.checkpoint"
    fit(make(tmp_path, optimizer="adam"), epochs=1)
    old, history = path.read_bytes(), fit(make(None, optimizer="adam"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    for owner, name in ((os, "fsync"), (os, "replace"), (Path, "write_bytes")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, full)
            with pytest.raises(
                nn.FileWriteError, match="cannot write .*run.checkpoint: No space left"
            ):
                fit(make(tmp_path, optimizer="adam"), resume=path)
        assert path.read_bytes() == old
        assert sorted(p.name for p in tmp_path.iterdir()) == ["log.csv", "run.checkpoint"]
    assert fit(make(tmp_path, optimizer="adam"), resume=path) == history


def test_what_cannot_be_written_is_said_before_the_training(tmp_path: Path) -> None:
    model = nn.Sequential(Dense(4, activation=lambda Z: Z * 2), Dense(3))
    training = make(tmp_path, augment=None)
    training.model = model
    with pytest.raises(nn.DTypeError, match=r"Dense\(activation=…\): expected numbers, text"):
        fit(training)
    assert training.step == 0
    with pytest.raises(nn.FileWriteError, match="No such file or directory"):
        fit(make(tmp_path / "nowhere"))
