"""A checkpoint with a right checksum and wrong content is refused, and nothing changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Adam, Checkpoint, Dense, ReduceOnPlateau
from neural_network.array_files import read_arrays, write_arrays
from tests.training.resumable import data, digest, fit, make


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Of a training stopped in the middle of its second epoch, after 4 of 7 batches."""

    class Stop(nn.Callback):
        def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002
            trainer.stop = trainer.step == 6

    fit(made(Stop(), Checkpoint(tmp_path / "run.checkpoint", steps=1)))
    return tmp_path / "run.checkpoint"


def made(*more: nn.Callback, **options: Any) -> nn.Trainer:
    plateau = ReduceOnPlateau(0.02)
    return make(None, *more, **({"optimizer": Adam(plateau)} | options))


def rewritten(path: Path, change: Callable[[dict[str, Any], dict[str, str]], Any]) -> None:
    arrays, metadata = read_arrays(path)
    change(arrays, metadata)
    write_arrays(path, arrays, metadata)


def refused(path: Path, match: str, *more: nn.Callback) -> None:
    training = made(*more)
    fit(training, epochs=1)
    before = [digest(training), *(str(vars(c)) for c in training.callbacks)]
    average, history = training.average.state()["average"].copy(), training.history
    plateau = training.optimizer.learning_rate.state()
    frozen = [p.requires_grad for p in training.model.parameters()]
    with pytest.raises(nn.FileFormatError, match=match) as caught:
        fit(training, resume=path)
    assert str(caught.value).startswith(f"{path}: ")
    assert [digest(training), *(str(vars(c)) for c in training.callbacks)] == before
    np.testing.assert_array_equal(training.average.state()["average"], average)
    assert training.optimizer.learning_rate.state() == plateau
    assert [p.requires_grad for p in training.model.parameters()] == frozen
    assert training.history is history
    assert (training.epoch, training.batch, training.step, training.sums) == (1, 0, 4, {})
    unbuilt = made(*more)
    with pytest.raises(nn.FileFormatError):
        fit(unbuilt, resume=path)


NOT = "damaged metadata: position: "
POSITIONS: dict[str, list[tuple[Any, str]]] = {
    "epoch": [("x", "epoch is 'x'"), (-5, "epoch is -5"), (1e300, r"epoch is 1e\+300"), (True, "epoch is True"),
              (None, "epoch is None"), (7, "7 epochs, and a history of 1"), (10**30, "epoch is 1000")],
    "batch": [(10**9, "batch 1000000000, and an epoch of 7"), (-1, "batch is -1"), ([], r"batch is \[\]"),
              (0, "16 rows in 0 batches"), (1.0, "batch is 1.0")],
    "step": [("6", "step is '6'"), (-1, "step is -1"), (1 << 70, "step is")],
    "rows": [(0, "0 rows in 4 batches"), (3, "3 rows in 4 batches"), (1.5, "rows is 1.5"), ({}, "rows is {}")],
    "sums": [([], r"sums is \[\]"), ({}, r"4 batches, and sums of \[\]"), ({"loss": "x"}, "sums is"),
             ({"loss": 1.0}, r"4 batches, and sums of \['loss'\]"), ({"loss": 10**400, "accuracy": 1}, "sums is")],
    "stop": [(0, "stop is 0"), ("no", "stop is 'no'")],
    "seed": [("3", "seed is '3'"), (3.0, "seed is 3.0"), (-3, "seed is -3")],
    "measures": [({}, "measures is {}"), ([3], r"measures is \[3\]"), ([], r"the measures \[\], and a history of"),
                 (["loss"] * 4, r"the measures .*, and a history of others")],
    "counts": [([], r"counts is \[\]"), ({"loss": "x"}, "counts is"), ({"loss": 1.0}, "sums of .*, and other counts")],
    "seconds": [("x", "seconds is 'x'"), (-1.0, "seconds is -1.0"), (float("nan"), "seconds is nan")],
}  # fmt: skip


HISTORIES: list[tuple[Any, str]] = [
    ([], r"history is \[\]"),
    ({"loss": 3}, "history is"),
    ({"loss": ["x"]}, "history is"),
    ({}, "1 epochs, and a history of 0"),
    ({"loss": [1.0, 2.0]}, "1 epochs, and a history of 2"),
]


@pytest.mark.parametrize("place", range(len(HISTORIES)))
def test_a_history_of_the_first_version_that_no_training_has(file: Path, place: int) -> None:
    history, match = HISTORIES[place]

    def change(arrays: Any, metadata: dict[str, str]) -> None:
        position = json.loads(metadata["position"])
        metadata.update(format_version="1", position=json.dumps({**position, "history": history}))
        for name in [name for name in arrays if name.startswith("history.")]:
            del arrays[name]

    rewritten(file, change)
    refused(file, NOT + match)


def test_a_history_of_other_numbers_is_damaged(file: Path) -> None:
    def change(arrays: Any, _: dict[str, str]) -> None:
        arrays["history.loss"] = arrays["history.loss"].astype(np.float32)

    rewritten(file, change)
    refused(file, "damaged: history: expected float64 in one dimension")


@pytest.mark.parametrize("key", POSITIONS)
def test_a_position_where_no_training_stands(file: Path, key: str) -> None:
    whole = file.read_bytes()
    for value, match in POSITIONS[key]:

        def change(_: Any, metadata: dict[str, str], value: Any = value) -> None:
            metadata["position"] = json.dumps({**json.loads(metadata["position"]), key: value})

        file.write_bytes(whole)
        rewritten(file, change)
        refused(file, NOT + match)

    def without(_: Any, metadata: dict[str, str]) -> None:
        position = json.loads(metadata["position"])
        del position[key]
        metadata["position"] = json.dumps(position)

    file.write_bytes(whole)
    rewritten(file, without)
    refused(file, f"{NOT}{key} is nothing")


@pytest.mark.parametrize(
    ("key", "value", "match"),
    [
        ("settings", "[]", "damaged metadata: settings is no table"),
        ("settings", "3", "damaged metadata: settings is no table"),
        ("settings", "{}", "of another training: optimizer"),
        ("position", "{}", "damaged metadata: position: epoch is nothing"),
        ("position", "[]", "damaged metadata: position is no table"),
        ("position", "null", "damaged metadata: position is no table"),
        ("position", "{", r"damaged metadata: position \("),
        ("position", "[" * 100000, r"damaged metadata: position \("),
        ("architecture", "[]", "the checkpoint of another model"),
        ("frozen", "3", "damaged metadata: frozen names no parameters"),
        ("frozen", '["x"]', "damaged metadata: frozen names no parameters"),
        ("frozen", "[[]]", "damaged metadata: frozen names no parameters"),
        ("frozen", '"0.weight"', "damaged metadata: frozen names no parameters"),
    ],
)
def test_odd_metadata(file: Path, key: str, value: str, match: str) -> None:
    rewritten(file, lambda _, metadata: metadata.update({key: value}))
    refused(file, match)
    rewritten(file, lambda _, metadata: metadata.pop(key))
    refused(file, f"damaged metadata: {key}")


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("model.0.weight", np.full((6, 8), np.nan, np.float32), "damaged: 0.weight is not finite"),
        ("optimizer.steps", np.array(-1), "a count of at least 0"),
        ("optimizer.first", np.zeros(3), "of another training"),
        ("average.steps", None, "of another training"),
        ("average.average", np.zeros(3), "of another training"),
        ("schedule.current", np.array(99.0), "of another training .*current"),
        ("schedule.best", None, "of another training"),
        ("callback0.best", None, "not the state of EarlyStopping .*best: expected a result of one number, received None"),
        ("callback0.best", np.zeros(2), "not the state of EarlyStopping .*received shape"),
        ("callback0.best", np.array(np.nan), "best: expected a measure, received nan"),
        ("callback0.best_epoch", np.array(-1), "a count of at least 0"),
        ("callback0.best_epoch", np.array(1.5), "expected the dtype int64"),
        ("callback0.weights.0.weight", None, "weights: expected those of the model"),
        ("callback0.weights.0.weight", np.zeros(2), "weights: expected those of the model"),
        ("callback0.odd", np.zeros(2), "expected the names best_epoch, received best_epoch odd"),
    ],
)  # fmt: skip
def test_odd_arrays(file: Path, name: str, value: Any, match: str) -> None:
    def change(arrays: dict[str, Any], _: Any) -> None:
        arrays.pop(name, None)
        if value is not None:
            arrays[name] = value

    rewritten(file, change)
    refused(file, match)


class Refuses(nn.Callback):
    def state(self) -> dict[str, np.ndarray]:
        return {"odd": np.zeros(3)}

    def load_state(self, state: Any) -> None:  # noqa: ARG002
        self.half = 3
        raise AttributeError("no such thing")


def test_a_callback_that_refuses_leaves_all_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    fit(made(Checkpoint(path), Refuses()), epochs=1)
    refused(path, r"not the state of Refuses \(AttributeError: no such thing\)", Refuses())


MOMENTS = ["optimizer.mean", "optimizer.squares", "average.average"]


@pytest.mark.parametrize("name", MOMENTS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_moments_that_are_not_finite(file: Path, tmp_path: Path, name: str, value: float) -> None:
    """They are neither written nor read."""
    part, slot = name.split(".")
    path = tmp_path / "other.checkpoint"

    class Poison(nn.Callback):
        def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002
            if trainer.step == 2:
                getattr(trainer, part).slots_state[slot][3] = value

    with pytest.raises(
        nn.DivergenceError,
        match=rf"state of the {part} is not finite \({slot}\) after step 2; .*left",
    ):
        fit(made(Poison(), Checkpoint(path, steps=1)))
    arrays, metadata = read_arrays(path)
    assert json.loads(metadata["position"])["step"] == 1
    assert all(np.isfinite(array).all() for key, array in arrays.items() if key.startswith(part))
    rewritten(file, lambda arrays, _: arrays[name].__setitem__(3, value))
    refused(file, f"finite numbers, received NaN or infinity|{name}")


@pytest.mark.filterwarnings("ignore:fit. resume. trainer.stop had ended this training")
def test_buffers_may_be_infinite_and_not_nan(file: Path) -> None:
    rewritten(file, lambda arrays, _: arrays["model.1.running_mean"].__setitem__(3, np.inf))
    seen = []

    class Look(nn.Callback):
        def on_fit_begin(self, trainer: nn.Trainer) -> None:
            seen.append(trainer.model[1].running_mean.data[3])  # type: ignore[index]
            trainer.stop = True

    fit(made(Look()), resume=file)
    assert seen == [np.inf]
    rewritten(file, lambda arrays, _: arrays["model.1.running_mean"].__setitem__(3, np.nan))
    refused(file, r"damaged: 1\.running_mean is not finite")


def test_an_infinite_best_measure_and_measures_that_are_not_finite_are_no_damage(
    tmp_path: Path,
) -> None:
    """Nothing was better than NaN: so it stands in the file."""
    path = tmp_path / "run.checkpoint"
    bad = (np.full((3, 6), 3e38, np.float32), [0, 1, 2])
    first = made(Checkpoint(path))
    fit(first, epochs=1, validation=bad)
    assert np.isnan(first.history["validation_loss"][0])
    again = made()
    assert fit(again, epochs=1, validation=bad, resume=path).epochs == 1
    assert again.callbacks[0].best == np.inf


def test_an_iterable_without_a_length_has_no_batch_beyond_all(tmp_path: Path) -> None:
    X, y = data()
    path = tmp_path / "run.checkpoint"

    def trainer(*callbacks: nn.Callback) -> nn.Trainer:
        return nn.Trainer([Dense(3)], rng=0, callbacks=callbacks, progress=False)

    trainer(Checkpoint(path)).fit(lambda _: [(X, y)])
    place = {"batch": 1 << 40, "rows": 1 << 41, "sums": {"loss": 1.0, "accuracy": 1.0}}

    def change(_: Any, metadata: dict[str, str]) -> None:
        metadata["position"] = json.dumps(json.loads(metadata["position"]) | place)

    rewritten(path, change)
    with pytest.raises(nn.FileFormatError, match="batch 1099511627776, and an epoch of"):
        trainer().fit(lambda _: [(X, y)], resume=path)


def test_class_weights_may_come_in_another_order(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    first = make(None, Checkpoint(path), class_weights={0: 1.5, 2: 2})
    fit(first)
    again = make(None, class_weights={2: 2.0, 0: 1.5})
    assert fit(again, resume=path) == first.history
    with pytest.raises(nn.FileFormatError, match="class_weights"):
        fit(make(None, class_weights={2: 1.5, 0: 2.0}), resume=path)
