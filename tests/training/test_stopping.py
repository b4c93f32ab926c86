"""Why a training has stopped, which weights came back; balanced classes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import ArgumentError

X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
Y = np.repeat([0, 1, 2], (40, 15, 5))


class Scripted(nn.Trainer):
    """Measures what it was told."""

    numbers = (3.0, 2.0, 2.5, 2.4, 2.3, 1.0)

    def evaluate(self, X: Any, y: Any, *, batch_size: int = 256) -> dict[str, float]:
        found = super().evaluate(X, y, batch_size=batch_size)
        return {**found, "loss": self.numbers[self.epoch]}


def stopped(
    patience: int, capsys: pytest.CaptureFixture[str], **options: Any
) -> tuple[nn.EarlyStopping, str, nn.Trainer]:
    stopping = nn.EarlyStopping(patience=patience, **options)
    trainer = Scripted([nn.Dense(3)], callbacks=[stopping], rng=0)
    trainer.fit(X, Y, epochs=6, validation=(X, Y))
    return stopping, capsys.readouterr().out, trainer


def test_it_says_why_and_which_weights_came_back(capsys: pytest.CaptureFixture[str]) -> None:
    stopping, out, trainer = stopped(2, capsys)
    assert stopping.reason == "validation_loss has not improved on 2 of epoch 2 for 2 epochs"
    assert stopping.restored_epoch == 2
    assert f"early stopping after epoch 4: {stopping.reason}\n" in out
    assert out.endswith("the weights are those of epoch 2 (validation_loss 2)\n")
    assert trainer.history.epochs == 4
    stopping, out, _ = stopped(1, capsys)
    assert "on 2 of epoch 2 for 1 epoch\n" in out


def test_a_training_that_ends_by_itself_has_no_reason(capsys: pytest.CaptureFixture[str]) -> None:
    stopping, out, _ = stopped(5, capsys)
    assert (stopping.reason, stopping.restored_epoch) == ("", 6)
    assert "early stopping" not in out
    assert out.endswith("the weights are those of epoch 6 (validation_loss 1)\n")
    stopping, out, _ = stopped(5, capsys, restore_best=False)
    assert (stopping.reason, stopping.restored_epoch) == ("", None)
    assert "the weights are" not in out


def test_a_training_that_is_resumed_after_its_end_says_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, reasons = tmp_path / "run.checkpoint", []
    for resume in (None, path):
        stopping = nn.EarlyStopping(patience=2)
        callbacks = [stopping, nn.Checkpoint(path)]
        trainer = Scripted([nn.Dense(3)], callbacks=callbacks, rng=0, progress=False)
        trainer.fit(X, Y, epochs=6, validation=(X, Y), resume=resume)
        reasons.append((stopping.reason, stopping.restored_epoch))
    assert reasons[0] == reasons[1]
    assert reasons[0][0]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("measure", "mode"),
    [
        ("validation_f1", "max"), ("auc", "max"), ("r2", "max"), ("mae", "min"), ("loss", "min"),
        ("validation_acc", "max"), ("acc", "max"), ("validAcc", "max"), ("f1_macro", "max"),
        ("macroF1", "max"), ("top5_accuracy", "max"), ("top_k_accuracy", "max"), ("dice", "max"),
        ("mean_iou", "max"), ("precision", "max"), ("validation_recall", "max"), ("R2", "max"),
        ("myscore", "max"), ("F1Score", "max"), ("validation_binary_accuracy", "max"),
        ("dice_loss", "min"), ("f1_loss", "min"), ("validation_error", "min"), ("rmse", "min"),
        ("error_rate", "min"), ("brier_score", "min"), ("cross_entropy", "min"), ("mse_loss", "min"),
        ("incorrect", "min"), ("validation_kl", "min"), ("l1", "min"), ("valloss", "min"),
    ],
)  # fmt: skip
def test_the_better_direction_follows_from_the_measure(measure: str, mode: str) -> None:
    assert nn.EarlyStopping(measure).mode == mode
    assert nn.ReduceOnPlateau(0.1, measure=measure).mode == mode
    other = "min" if mode == "max" else "max"
    assert nn.EarlyStopping(measure, mode=other).mode == other
    assert nn.ReduceOnPlateau(0.1, measure=measure, mode=other).mode == other


@pytest.mark.parametrize("measure", ["validation_gap", "<lambda>", "indices", "machine", ""])
def test_a_name_that_tells_no_direction_needs_a_mode(measure: str) -> None:
    with pytest.raises(ArgumentError, match='EarlyStopping: mode: expected mode="min" or mode="ma'):
        nn.EarlyStopping(measure)
    with pytest.raises(ArgumentError, match=f"ReduceOnPlateau: mode: .* the name '{measure}'"):
        nn.ReduceOnPlateau(0.1, measure=measure)
    assert nn.EarlyStopping(measure, mode="max").mode == "max"


def test_an_accuracy_of_ones_own_stops_at_its_best() -> None:
    class Improving(Scripted):
        def evaluate(self, X: Any, y: Any, *, batch_size: int = 256) -> dict[str, float]:
            numbers = (0.5, 0.65, 0.725, 0.817)
            return {**super().evaluate(X, y, batch_size=batch_size), "acc": numbers[self.epoch]}

    def acc(y_pred: Any, y_true: Any) -> float:
        return nn.accuracy(y_pred, y_true)

    stopping = nn.EarlyStopping("validation_acc", patience=2)
    plateau = nn.ReduceOnPlateau(0.1, patience=0, measure="validation_acc")
    trainer = Improving(
        [nn.Dense(3)], nn.SGD(plateau), callbacks=[stopping], metrics=[acc], rng=0, progress=False
    )
    trainer.fit(X, Y, epochs=3, validation=(X, Y))
    assert (stopping.best_epoch, stopping.reason) == (3, "")
    assert plateau.current == 0.1


# --- balanced classes ------------------------------------------------------------------


def fitted(y: Any, **options: Any) -> nn.Trainer:
    trainer = nn.Trainer([nn.Dense(4)], nn.SGD(0.1), rng=0, progress=False, **options)
    trainer.fit(X, y, epochs=2, batch_size=16)
    return trainer


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    wanted = {0: 60 / (3 * 40), 1: 60 / (3 * 15), 2: 60 / (3 * 5)}  # class 3 does not occur
    for y in (Y, np.eye(4)[Y]):
        by_name = fitted(y, class_weights="balanced")
        by_hand = fitted(y, class_weights=wanted)
        assert by_name.history == by_hand.history
        assert by_name.history != fitted(y).history


def test_balanced_weights_leave_ignored_rows_out() -> None:
    y = np.where(np.arange(60) % 4 == 0, -1, Y)
    counts = np.bincount(y[y >= 0])
    loss = partial(nn.softmax_cross_entropy, ignore_index=-1)
    by_hand = {c: counts.sum() / (3 * count) for c, count in enumerate(counts)}
    by_name = fitted(y, class_weights="balanced", loss=loss).history
    assert by_name == fitted(y, class_weights=by_hand, loss=loss).history


def test_balanced_weights_follow_the_rows_that_are_trained_with(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    histories = []
    for epochs, resume in ((3, None), (1, None), (3, path)):
        callbacks = [nn.Checkpoint(path)]
        own: Any = {"class_weights": "balanced", "rng": 0, "progress": False}
        trainer = nn.Trainer([nn.Dense(3)], callbacks=callbacks, **own)
        histories.append(trainer.fit(X, Y, epochs=epochs, validation=0.2, resume=resume))
    assert histories[0] == histories[2]


def test_what_balanced_refuses() -> None:
    with pytest.raises(nn.ArgumentError, match="class_weights: expected one of 'balanced'"):
        nn.Trainer([nn.Dense(3)], class_weights="balance")
    with pytest.raises(nn.ArgumentError, match="a weight for each class with an iterable"):
        trainer = nn.Trainer([nn.Dense(3)], class_weights="balanced", progress=False)
        trainer.fit([(X, Y)])
    with pytest.raises(nn.ArgumentError, match="class_weights: expected none with a loss that"):
        nn.Trainer([nn.Dense(3)], loss="mse_loss", class_weights="balanced")


def test_a_stop_by_somebody_else_has_no_reason_of_early_stopping() -> None:
    class Stop(nn.Callback):
        def on_epoch_end(self, trainer: nn.Trainer, measures: Any) -> None:  # noqa: ARG002  # of the base
            trainer.stop = trainer.epoch == 2

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 4)).astype(np.float32), np.arange(40) % 2
    stopping = nn.EarlyStopping("loss", patience=9)
    trainer = nn.Trainer([nn.Dense(2)], callbacks=[stopping, Stop()], rng=0, progress=False)
    trainer.fit(X, y, epochs=5)
    assert trainer.epoch == 2
    assert stopping.reason == ""
    assert stopping.restored_epoch == stopping.best_epoch


def test_the_weights_that_were_measured_come_back() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)).astype(np.float32), rng.integers(0, 3, 60)
    for average in (None, 0.9):
        stopping = nn.EarlyStopping(patience=3)
        trainer = nn.Trainer(
            [nn.Dense(16, "relu"), nn.Dense(3)], nn.Adam(0.05), callbacks=[stopping],
            average=average, rng=0, progress=False,
        )  # fmt: skip
        trainer.fit(X[:40], y[:40], epochs=60, batch_size=8, validation=(X[40:], y[40:]))
        assert stopping.reason
        assert trainer.evaluate(X[40:], y[40:])["loss"] == pytest.approx(stopping.best, rel=1e-6)


def test_balanced_weights_are_those_of_the_rows_to_train_with() -> None:
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [10, 3])
    X = rng.normal(size=(13, 4)).astype(np.float32)

    def trained(weights: Any) -> Any:
        trainer = nn.Trainer([nn.Dense(2)], class_weights=weights, rng=0, progress=False)
        return trainer.fit(X, y, epochs=2, validation=0.34)

    # 3 and 1 rows are held out.
    assert trained("balanced") == trained([9 / (2 * 7), 9 / (2 * 2)])
    assert trained("balanced") != trained([13 / (2 * 10), 13 / (2 * 3)])
