"""Errors that ``fit`` raises before a training: measures, single rows, augmentation, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import SGD, BatchNorm, Dense, Dropout, ReduceOnPlateau, Trainer

RNG = np.random.default_rng(0)
X = RNG.standard_normal((33, 5)).astype(np.float32)
Y = np.arange(33) % 3


def norm() -> nn.Sequential:
    return nn.Sequential(Dense(4), BatchNorm(), Dropout(0.5), Dense(3))


def made(model: Any = None, **options: Any) -> Trainer:
    return Trainer(model or [Dense(3)], **({"rng": 0, "progress": False} | options))


def refused(
    trainer: Trainer, match: str, error: type[Exception] = nn.ArgumentError, **fit: Any
) -> None:
    """Nothing has moved then, and nothing was built."""
    built = trainer.model.built
    before = [p.data.copy() for _, p in trainer.model.named_parameters()]
    with pytest.raises(error, match=match):
        trainer.fit(X, Y, **fit)
    assert trainer.step == 0
    assert trainer.model.built == built
    for (_, parameter), numbers in zip(trainer.model.named_parameters(), before, strict=True):
        np.testing.assert_array_equal(parameter.data, numbers)


# --- what a plateau watches -------------------------------------------------------------------


class Spy(ReduceOnPlateau):
    seen: list[float]

    def observe(self, value: float) -> None:
        self.seen = [*getattr(self, "seen", []), value]


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: nn.WarmUp(s, 0.5)])
@pytest.mark.parametrize(
    ("options", "with_validation", "without"),
    [
        ({}, "validation_loss", "loss"),
        ({"mode": "max"}, "validation_accuracy", "accuracy"),
        ({"measure": "loss"}, "loss", "loss"),
        ({"measure": "accuracy", "mode": "max"}, "accuracy", "accuracy"),
    ],
)
def test_a_plateau_is_given_its_measure(
    options: dict[str, Any], with_validation: str, without: str, wrap: Any
) -> None:
    for validation, measure in (((X[:9], Y[:9]), with_validation), (None, without)):
        spy = Spy(0.1, **options)
        history = made(optimizer=SGD(wrap(spy))).fit(X, Y, epochs=3, validation=validation)
        assert spy.seen == history[measure]


def test_a_score_that_gets_better_lowers_no_rate() -> None:
    plateau = ReduceOnPlateau(0.1, factor=0.5, patience=0, mode="max", threshold=0)
    trainer = made(optimizer=SGD(plateau), metrics={"accuracy": lambda _, y: trainer.epoch})
    trainer.fit(X, Y, epochs=4)
    assert plateau.current == 0.1


def test_a_measure_that_there_is_not_is_said_before() -> None:
    for options, match in (
        ({"measure": "f1"}, r"ReduceOnPlateau: measure: expected one of loss, accuracy, received 'f1'"),
        ({"measure": "validation_loss"}, "received 'validation_loss'"),
    ):  # fmt: skip
        refused(made(optimizer=SGD(ReduceOnPlateau(0.1, **options))), match)
        refused(made(optimizer=SGD(nn.WarmUp(ReduceOnPlateau(0.1, **options), 0.5))), match)
    plateau = ReduceOnPlateau(0.1, mode="max")
    refused(
        made(optimizer=SGD(plateau), metrics=[]),
        r"ReduceOnPlateau: measure: expected one of loss, received None \(mode 'max'\)",
    )
    with pytest.raises(nn.DTypeError, match="ReduceOnPlateau: measure: expected the name"):
        ReduceOnPlateau(0.1, measure=3)
    assert ReduceOnPlateau(0.1, measure="loss").settings()["measure"] == "loss"


# --- a last batch of one row --------------------------------------------------------------------


def test_a_last_batch_of_one_row_is_found_before_the_training() -> None:
    match = (
        "fit: batch_size: expected one that leaves no last batch of a single row, which "
        "batch norm cannot use in training, received 32 .*more than one value"
    )
    refused(made(norm()), match)
    built = norm().initialize((5,), rng=0).eval()
    refused(made(built), match)
    assert not built[1].training
    np.testing.assert_array_equal(built[1].running_mean.data, 0)
    refused(made(norm()), "batch_size: .* received 1 ", batch_size=1)


def test_one_row_is_enough_for_others() -> None:
    for model in ([Dense(4), nn.LayerNorm(), Dropout(0.5), Dense(3)], [Dense(3)]):
        assert made(model).fit(X, Y).epochs == 1
    for size in (31, 33, 100):
        assert made(norm()).fit(X, Y, batch_size=size).epochs == 1
    pictures = np.zeros((33, 1, 4, 4), np.float32)
    spatial = [nn.Conv2D(2, 3), BatchNorm(), nn.Flatten(), Dense(3)]
    assert made(spatial).fit(pictures, Y).epochs == 1
    frozen = norm().initialize((5,), rng=0)
    frozen[1].freeze()
    assert made(frozen).fit(X, Y).epochs == 1


# --- augmentation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("augment", "error", "match"),
    [
        (lambda X, rng: None, nn.ArgumentError, "Trainer: augment: expected real numbers"),
        (lambda X, rng: X.astype(str), nn.DTypeError, "Trainer: augment: expected real numbers"),
        (lambda X, rng: X[:-1], nn.ShapeError, r"augment: expected a result of 32 rows, as it was given, received shape \(31, 5\)"),
        (lambda X, rng: 3.0, nn.ShapeError, r"augment: expected a result of 32 rows"),
        (lambda X, rng: X[:, :4], nn.ShapeError, "Dense: X: expected 5 numbers along the last axis"),
        (lambda X, rng: X[:, None], nn.ShapeError, r"Trainer: augment: expected rows that the model turns into \(3,\), as those of X, received \(1, 3\)"),
    ],
)  # fmt: skip
def test_augmentation_is_tried(augment: Any, error: type[Exception], match: str) -> None:
    refused(made(augment=augment), match, error)


@pytest.mark.parametrize(
    "augment", [nn.Augment(nn.Shift(2), nn.Flip()), nn.Rotate(9), nn.Cutout(2)]
)
def test_augmentations_of_pictures_are_refused_for_signals(augment: Any) -> None:
    X, y = np.zeros((6, 3, 16), np.float32), np.arange(6) % 3
    model = nn.Sequential(nn.Conv1D(2, 3), nn.Flatten(), nn.Dense(3))
    with pytest.raises(
        nn.errors.DTypeError, match=r"augment: .* signals \(N, C, L\), .*; here: augment="
    ) as caught:
        nn.Trainer(model, augment=augment, progress=False, rng=0).fit(X, y, epochs=1)
    line = str(caught.value).partition("here: augment=")[2]
    own = eval(line)
    nn.Trainer(model, augment=own, progress=False, rng=0).fit(X + 1, y, epochs=1)
    pictures = nn.Sequential(nn.Flatten(), nn.Dense(3))
    nn.Trainer(pictures, augment=augment, progress=False, rng=0).fit(X + np.arange(16), y, epochs=1)


def test_the_trial_of_an_augmentation_leaves_the_data_and_the_numbers_alone() -> None:
    draws: list[float] = []

    def spoil(X: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        draws.append(rng.random())
        X += 1
        return X

    data = X.copy()
    made(augment=spoil).fit(data, Y, batch_size=11)
    np.testing.assert_array_equal(data, X)
    assert len(draws) == len(set(draws)) == 4  # the trial's own, and three batches'


# --- files ------------------------------------------------------------------------------------------


def test_a_missing_checkpoint_builds_no_model(tmp_path: Path) -> None:
    refused(made(), "No such file", FileNotFoundError, resume=tmp_path / "missing")
    other = tmp_path / "other"
    made([Dense(4), Dense(3)], callbacks=[nn.Checkpoint(other)]).fit(X, Y)
    refused(made(), "another model", nn.FileFormatError, resume=other)


def test_two_callbacks_on_one_path(tmp_path: Path) -> None:
    path = tmp_path / "log"
    for pair in (
        [nn.Checkpoint(path), nn.CSVLog(tmp_path / "." / "log")],
        [nn.CSVLog(path)] * 2,
    ):
        with pytest.raises(
            nn.ArgumentError, match="Trainer: callbacks: .* two callbacks write one path: .*log"
        ):
            made(callbacks=pair)
    made(callbacks=[nn.CSVLog(path), nn.Checkpoint(tmp_path / "other")])


@pytest.mark.parametrize("method", ["compute_loss", "measure"])
def test_the_methods_of_a_subclass_are_tried_first(method: str) -> None:
    def fail(self: nn.Trainer, *_: Any) -> Any:
        raise ZeroDivisionError

    kind: Any = type("Own", (nn.Trainer,), {method: fail})
    trainer = kind([nn.Dense(2)], rng=0, progress=False)
    with pytest.raises(ZeroDivisionError):
        trainer.fit(np.eye(4), np.arange(4) % 2)
    assert not trainer.model.built  # before anything was changed


class TwoOutputs(nn.Layer):
    """Two dense layers side by side."""

    def __init__(self, form: type) -> None:
        self.a, self.b, self._form = nn.Dense(2), nn.Dense(1), form

    def forward(self, X: Any) -> Any:
        found = self.a(X), self.b(X)
        return found if self._form is tuple else dict(zip("ab", found, strict=True))


@pytest.mark.parametrize(
    ("form", "loss", "kind", "match"),
    [
        (tuple, lambda y, out: ((out - y) ** 2).mean(), TypeError, "a tuple of 2 and y a tuple"),
        (tuple, lambda out, y: out.mean() + y[0].mean(), AttributeError, "'tuple' object has no"),
        (dict, lambda out, y: nn.mse_loss(out["b"], y["c"]), KeyError, "KeyError: 'c' for a dict"),
        (dict, lambda out, y: nn.mse_loss(out["z"], y["b"]), KeyError, "and y a dict of 'a', 'b'"),
        (tuple, lambda out, y: nn.mse_loss(out[2], y[1]), IndexError, "tuple index out of range"),
    ],
)
def test_a_loss_of_several_outputs_is_told_what_they_are(
    form: type, loss: Any, kind: type[Exception], match: str
) -> None:
    X, labels, numbers = np.ones((6, 3), "f"), np.arange(6) % 2, np.ones((6, 1), "f")
    y = (labels, numbers) if form is tuple else {"a": labels, "b": numbers}
    trainer = nn.Trainer(TwoOutputs(form), loss=loss, progress=False)
    with pytest.raises(kind, match=match) as caught:
        trainer.fit(X, y)
    assert isinstance(caught.value, nn.ArgumentError)
    assert str(caught.value).startswith("Trainer: loss: expected a function of (outputs, y)")
