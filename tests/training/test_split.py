"""Rows that are held out: ``split``, and ``fit(validation=0.1)``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn

X = np.random.default_rng(0).normal(size=(103, 4)).astype(np.float32)
Y = np.repeat(np.arange(3), (60, 40, 3))
A, B = X[:8], np.arange(8)


def counts(labels: Any) -> list[int]:
    found: list[int] = np.unique(labels, return_counts=True)[1].tolist()
    return found


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5, 0.9, 0.001, 0.999])
@pytest.mark.parametrize("kind", ["numbers", "text", "column", "one-hot", "booleans"])
def test_each_class_is_divided_in_proportion(fraction: float, kind: str) -> None:
    classes = Y.clip(0, 1) if kind == "booleans" else Y
    y: Any = {
        "numbers": classes,
        "text": np.array(["a", "b", "c"])[classes],
        "column": classes[:, None],
        "one-hot": np.eye(3)[classes],
        "booleans": classes.astype(bool),
    }[kind]
    parts = nn.split(X, y, np.arange(103), fraction=fraction, rng=1)
    X_train, X_held, y_train, y_held, train, held = parts
    assert sorted([*train, *held]) == list(range(103))
    for some, rows in ((X_train, train), (X_held, held)):
        np.testing.assert_array_equal(some, X[rows])
    for some, rows in ((y_train, train), (y_held, held)):
        np.testing.assert_array_equal(some, y[rows])
    for number, of in zip(counts(classes[held]), counts(classes), strict=True):
        assert 1 <= number <= of - 1
        assert abs(number - fraction * of) <= 1


def test_the_parts_are_as_large_as_the_fraction_says() -> None:
    y = np.repeat(np.arange(10), 15)
    held = nn.split(y, y, fraction=0.1, rng=0)[3]
    assert len(held) == 15
    assert counts(held) == [2] * 5 + [1] * 5
    assert len(nn.split(np.zeros((10, 2)), fraction=0.3, rng=0)[1]) == 3
    assert counts(nn.split(y, y, fraction=0.1 * 2, rng=0)[3]) == [3] * 10


def test_one_seed_one_result_and_the_rows_are_shuffled() -> None:
    first, again, other = (nn.split(B, rng=seed, fraction=0.5) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.any(np.array(first) != np.array(other))
    assert any(list(part) != sorted(part) for part in (*first, *other))


def test_classes_may_be_other_labels_or_none() -> None:
    y = np.random.default_rng(0).normal(size=103)
    assert counts(nn.split(Y, y, fraction=0.2, by_class=Y, rng=0)[1]) == [12, 8, 1]
    assert len(nn.split(X, y, fraction=0.2, rng=0)[1]) == 21
    assert len(nn.split(B, B, by_class=False, fraction=0.25, rng=0)[1]) == 2


def test_several_inputs_and_targets_are_divided_alike() -> None:
    X_train, X_held, y_train, y_held = nn.split((A, B), {"a": B, "b": -B}, fraction=0.25, rng=0)
    assert [len(part) for part in (*X_train, *X_held)] == [6, 6, 2, 2]
    np.testing.assert_array_equal(X_train[1], y_train["a"])
    np.testing.assert_array_equal(X_held[1], -y_held["b"])
    np.testing.assert_array_equal(X_held[0], A[X_held[1]])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((A, B), {"fraction": 0.0}, r"fraction: expected a fraction above 0 and below 1, received"),
        ((A, B), {"fraction": 2}, r"received 2 \(0.25 holds out 2 of 8 rows\)"),
        ((A, B), {"fraction": "0.1"}, "split: fraction: expected a finite number"),
        ((A, B), {"fraction": np.nan}, "fraction: expected a finite number"),
        ((A, B[:7]), {}, r"y: expected 8 rows, as in X, received 7"),
        ((A, (B, B[:3])), {}, r"y\[1\]: expected 8 rows"),
        ((A, B, B[:2]), {}, r"more\[0\]: expected 8 rows"),
        (
            (A, B),
            {},
            r"y: expected at least 2 rows of each class, received 1 of class 0 \(by_class",
        ),
        ((A, list("aabbbbbc")), {}, "received 1 of class 'c'"),
        ((A,), {"fraction": 0.01}, "a fraction that leaves both parts one of the 8 rows"),
        ((A[:1],), {}, "X: expected at least two rows"),
        ((A,), {"by_class": [1, 1]}, "by_class: expected 8 labels"),
        ((A,), {"by_class": "y"}, "by_class: expected True, False, or a label for each row"),
        ((3.0,), {}, "X: expected an array with rows"),
        (([[1], [1, 2]],), {}, "X: expected rows of one shape"),
        ((A,), {"rng": "seed"}, "rng"),
    ],
)
def test_what_split_refuses(
    arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(nn.ArgumentError, match=message):
        nn.split(*arguments, **options)


# --- fit -------------------------------------------------------------------------------


def trainer(loss: Any = "softmax_cross_entropy", rng: int | None = 0, **options: Any) -> nn.Trainer:
    model = nn.Sequential(nn.Dense(3)).initialize((4,), rng=0)
    return nn.Trainer(model, nn.SGD(0.1), loss, rng=rng, progress=False, **options)


class Rows(nn.Callback):
    """Notes which rows are trained with, of data whose first number is the row."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002  # of the base
        self.seen |= set(np.round(trainer.latest.X[:, 0] * 1000).astype(int).tolist())


NUMBERED = X.copy()
NUMBERED[:, 0] = np.arange(103) / 1000


def rows_of(**options: Any) -> set[int]:
    note = Rows()
    y = options.pop("y", Y)
    made = trainer(options.pop("loss", "softmax_cross_entropy"), callbacks=[note], **options)
    history = made.fit(NUMBERED, y, batch_size=7, validation=0.2)
    assert "validation_loss" in history
    return note.seen


def test_a_fraction_of_each_class_is_not_trained_with() -> None:
    seen = rows_of()
    assert counts(Y[sorted(seen)]) == [48, 32, 2]
    assert rows_of() == seen
    assert rows_of(rng=1) != seen


def test_rows_without_a_label_are_divided_too() -> None:
    y = np.where(np.arange(103) % 2, Y, -1)
    loss = partial(nn.softmax_cross_entropy, ignore_index=-1)
    with pytest.raises(nn.ArgumentError, match="y: expected at least 2 rows of each class"):
        rows_of(y=np.where(np.arange(103) > 101, Y, np.minimum(Y, 1)), loss=loss)
    seen = rows_of(y=np.where(Y == 2, 1, y), loss=loss)
    assert 82 <= len(seen) <= 83
    for seed in range(4):  # and are no part of a class
        y = np.arange(103) % 3 - 1
        seen = rows_of(y=y, loss=loss, rng=seed)
        assert np.bincount(y[sorted(seen)] + 1).tolist() == [28, 27, 27]


@pytest.mark.parametrize("targets", ["numbers", "one column", "whole numbers"])
def test_targets_that_are_no_labels_are_drawn_from_all_rows(targets: str) -> None:
    y: Any = {
        "numbers": np.repeat(X[:, :1], 3, axis=1),
        "one column": np.repeat(X[:, :1], 3, axis=1) > 0,
        "whole numbers": np.arange(309).reshape(103, 3),
    }[targets]
    assert len(rows_of(y=y, loss="mse_loss")) == 82


def test_what_was_held_out_is_what_is_measured() -> None:
    made = trainer()
    history = made.fit(X, Y, batch_size=7, validation=0.2)
    note = rows_of()
    out = np.array(sorted({*range(103)} - note))
    again = trainer()
    other = again.fit(X, Y, batch_size=7, validation=0.2)
    assert other == history
    found = made.evaluate(X[out], Y[out])
    assert found["loss"] == pytest.approx(history["validation_loss"][-1], rel=1e-6)


@pytest.mark.parametrize("rng", [0, None])
def test_a_resumed_training_holds_out_the_same_rows(tmp_path: Path, rng: int | None) -> None:
    path = tmp_path / "run.checkpoint"
    model = nn.Sequential(nn.Dense(3)).initialize((4,), rng=0)
    options: dict[str, Any] = {"batch_size": 7, "validation": 0.2}
    saved = nn.Checkpoint(path)
    first = nn.Trainer(model.clone(), rng=rng, callbacks=[saved], progress=False)
    first.fit(X, Y, epochs=1, **options)
    second = nn.Trainer(model.clone(), rng=rng, callbacks=[saved], progress=False)
    history = second.fit(X, Y, epochs=3, resume=path, **options)
    unbroken = nn.Trainer(model.clone(), rng=first.seed, progress=False)
    assert unbroken.fit(X, Y, epochs=3, **options) == history
    other = nn.Trainer(model.clone(), rng=rng, callbacks=[saved], progress=False)
    with pytest.raises(nn.FileFormatError, match=r"validation: expected 0\.3, received 0\.2"):
        other.fit(X, Y, epochs=3, resume=path, batch_size=7, validation=0.3)
    with pytest.raises(nn.FileFormatError, match="validation: expected None"):
        other.fit(X, Y, epochs=3, resume=path, batch_size=7, validation=(X, Y))


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (0, "fit: validation: expected a fraction above 0"),
        (1.0, "fit: validation: expected a fraction above 0"),
        (-0.5, "fit: validation: expected a fraction above 0"),
        (20, r"received 20 \(0.194 holds out 20 of 103 rows\)"),
        (True, r"expected a pair \(X, y\), or a fraction such as 0.1, received True"),
        ("0.1", r"a pair \(X, y\), or a fraction such as 0.1, received '0.1'"),
    ],
)
def test_what_fit_refuses(validation: Any, message: str) -> None:
    with pytest.raises(nn.ArgumentError, match=message):
        trainer().fit(X, Y, validation=validation)


def test_batches_of_an_iterable_are_not_divided() -> None:
    with pytest.raises(
        nn.ArgumentError, match=r"validation: expected a pair \(X, y\), because of batches"
    ):
        trainer().fit([(X, Y)], validation=0.1)


def test_a_file_is_read_where_rows_are_needed(tmp_path: Path) -> None:
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    options: dict[str, Any] = {"batch_size": 7, "validation": 0.2}
    assert trainer().fit(mapped, Y, **options) == trainer().fit(X, Y, **options)
