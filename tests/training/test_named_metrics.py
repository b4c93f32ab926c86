"""Metrics by their names: numbers made by hand, and the measures of whole epochs."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype(np.float32)
Y = np.tile([0, 1, 1, 0, 2], 10)

# Arguments, options, and the number made by hand.
VALUES: list[tuple[Callable[..., float], Any, Any, dict[str, Any], float]] = [
    (nn.accuracy, [1, 0, 2], [1, 1, 2], {}, 2 / 3),
    (nn.accuracy, np.array([1, 0], "uint8"), np.eye(2)[[1, 1]], {}, 0.5),
    (nn.accuracy, [True, False], [1, 1], {}, 0.5),
    (nn.accuracy, [1, 0, 2], [1, -1, 0], {"ignore_index": -1}, 0.5),
    (nn.binary_accuracy, [0.5, 0.6], [0, 1], {}, 1.0),
    (nn.binary_accuracy, [[0.2], [-0.2]], [1, 1], {"threshold": 0}, 0.5),
    (nn.binary_accuracy, [0.9, -0.2], [1, -1], {}, 1.0),
    (nn.binary_accuracy, [[0.9, 0.1], [0.4, 0.6]], [[1, 1], [0, 1]], {}, 0.75),
    (nn.binary_accuracy, [0.9, 0.9, 0.1], [1, 7, 1], {"ignore_index": 7}, 0.5),
    (nn.f1, [0.9, 0.9, 0.1], [1, 0, 0], {}, 2 / 3),
    (nn.f1, [0, 0], [0, 0], {}, 0.0),
    (nn.f1, [0, 0], [0, 0], {"average": "macro"}, 1.0),
    (nn.f1, [[1, 0, 0], [0, 1, 0]], [0, 0], {}, (2 / 3 + 0) / 2),
    (nn.f1, [0, 1, 2, 2], [0, 1, 1, 2], {"average": "micro"}, 0.75),
    (nn.f1, [0, 1, 2, 2], [0, 1, 1, 2], {"average": "weighted"}, (1 + 2 * 2 / 3 + 2 / 3) / 4),
    (nn.f1, [0, 0, 0, 1], [0, 1, 2, 1], {"average": "weighted"}, (0.5 + 2 * 2 / 3 + 0) / 4),
    (nn.f1, [0, 1, 1], [0, 1, 9], {"ignore_index": 9}, 1.0),
    (nn.auc, [0.5, 0.5, 0.5], [0, 1, 1], {}, 0.5),
    (nn.auc, [1.0, 2.0, 2.0, 3.0], [0, 0, 1, 1], {}, 3.5 / 4),
    (nn.auc, [1.0, 2.0], [1, 1], {}, math.nan),
    (nn.auc, [1.0, 2.0, 0.0], [0, 1, 5], {"ignore_index": 5}, 1.0),
    (nn.auc, [[5.0, 4.0], [0.0, 1.0]], [0, 1], {}, 1.0),
    (nn.auc, [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], [0, 1], {}, 1.0),  # class 2 has no row
    (nn.auc, [[0.9, 0.3], [0.1, 0.2], [0.5, 0.9]], [[1, 1], [0, 0], [1, 1]], {}, 1.0),
    (nn.mae, [[1.0], [3.0]], [2.0, 3.0], {}, 0.5),
    (nn.mae, np.array([200], "uint8"), np.array([250], "uint8"), {}, 50.0),
    (nn.r2, [2.0, 2.0], [1.0, 3.0], {}, 0.0),
    (nn.r2, [3.0, 3.0], [3.0, 3.0], {}, 1.0),
    (nn.r2, [3.0, 4.0], [3.0, 3.0], {}, 0.0),
    (nn.r2, [[1.0, 0.0], [3.0, 0.0]], [[1.0, 1.0], [3.0, -1.0]], {}, 0.5),
    (nn.r2, [3.0], [3.0], {}, math.nan),
    (nn.top_k_accuracy, [[1, 1, 1], [1, 1, 1]], [1, 2], {"k": 2}, 0.5),
    (nn.top_k_accuracy, [[3, 2, 1], [3, 2, 1]], [1, -1], {"k": 2, "ignore_index": -1}, 1.0),
    (nn.top_k_accuracy, [[3, 2, 1]], [2], {"k": 3}, 1.0),
]


@pytest.mark.parametrize(("metric", "y_pred", "y_true", "options", "value"), VALUES)
def test_numbers_made_by_hand(
    metric: Callable[..., float], y_pred: Any, y_true: Any, options: dict[str, Any], value: float
) -> None:
    found = metric(y_pred, y_true, **options)
    assert type(found) is float
    assert found == pytest.approx(value, abs=1e-12, nan_ok=True)


BAD: list[tuple[Callable[..., float], Any, Any, dict[str, Any], str]] = [
    (nn.accuracy, [0.2, 0.7], [0, 1], {}, "whole numbers, received .*; binary_accuracy takes"),
    (nn.accuracy, [-1, 1], [0, 1], {}, "accuracy: y_pred: expected class indices from 0"),
    (nn.accuracy, [0, 1], [0, 0.5], {}, "accuracy: y_true: expected class indices"),
    (nn.accuracy, [0, 1], [0, 1, 1], {}, r"accuracy: y_true: expected shape \(2,\)"),
    (nn.accuracy, [0, 2**40], [0, 1], {}, "expected class indices below 1,000,000"),
    (nn.accuracy, np.zeros(0, int), np.zeros(0, int), {}, "y_pred: expected at least one element"),
    (nn.binary_accuracy, [[0.1, 0.9]], [1], {}, r"y_true: .*; accuracy takes a score for each"),
    (nn.binary_accuracy, [0.1], [2], {}, "y_true: expected labels 0 and 1 .*received 2"),
    (nn.binary_accuracy, [0.1, 0.2], [-1, 0], {}, "labels 0 and 1"),
    (nn.binary_accuracy, [np.nan], [1], {}, "y_pred: expected no NaN"),
    (nn.binary_accuracy, [0.1], [1], {"threshold": "x"}, "threshold: expected a finite number"),
    (nn.binary_accuracy, [0.1], [3], {"ignore_index": 3}, "a row that is not ignored"),
    (nn.f1, [0, 1], [0, 1], {"average": "mean"}, "f1: average: expected one of 'binary'"),
    (nn.f1, [0, 2], [0, 1], {"average": "binary"}, "f1: average: expected 'macro'"),
    (nn.f1, [[0.1, 0.9]], [2], {}, "f1: y_true"),
    (nn.auc, [[0.1, 0.9]], [2], {}, "auc: y_true"),
    (nn.auc, [0.1, 0.9], [0.2, 1], {}, "auc: y_true: expected labels 0 and 1"),
    (nn.mae, [1.0, 2.0], [[1.0, 2.0]], {}, "mae: y_true: expected the shape"),
    (nn.mae, [np.nan], [1.0], {}, "mae: y_pred: expected no NaN"),
    (nn.r2, ["a"], [1.0], {}, "r2: y_pred: expected real numbers"),
    (nn.r2, 1.0, 1.0, {}, "r2: y_pred: expected an array with rows"),
    (nn.top_k_accuracy, [[1, 2]], [0], {}, "k: expected at most 2, the number of columns"),
    (nn.top_k_accuracy, [[1, 2]], [0], {"k": 0}, "k: expected a whole number of at least 1"),
    (nn.top_k_accuracy, [1, 2], [0], {}, "y_pred: expected 2 dimensions"),
]


@pytest.mark.parametrize(("metric", "y_pred", "y_true", "options", "message"), BAD)
def test_what_is_refused(
    metric: Callable[..., float], y_pred: Any, y_true: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(nn.ArgumentError, match=message):
        metric(y_pred, y_true, **options)


# --- in a training ---------------------------------------------------------------------


class Watched(nn.Trainer):
    """Notes the outputs of each batch."""

    def measure(self, outputs: Any, y: Any) -> dict[str, float]:
        self.seen = [*getattr(self, "seen", []), (np.copy(outputs), y)]
        return super().measure(outputs, y)


def test_an_epoch_is_measured_by_all_of_its_rows() -> None:
    metrics = ["f1", "accuracy", "auc"]
    trainer = Watched([nn.Dense(3)], metrics=metrics, rng=0, progress=False)
    history = trainer.fit(X, Y, epochs=1, batch_size=7)
    assert list(history) == ["loss", *metrics]
    outputs, y = (np.concatenate(part) for part in zip(*trainer.seen[-8:], strict=True))
    assert len(y) == 50
    for metric in (nn.f1, nn.accuracy, nn.auc):
        assert history[metric.__name__][0] == pytest.approx(metric(outputs, y), rel=1e-12)
    found = trainer.evaluate(X, Y)
    outputs = trainer.model.predict(X)
    assert found["f1"] == nn.f1(outputs, Y)
    assert found["auc"] == nn.auc(outputs, Y)


@pytest.mark.parametrize("loss", ["binary_cross_entropy_with_logits", "binary_cross_entropy"])
def test_scores_are_cut_where_the_loss_has_its_middle(loss: str) -> None:
    y = (X[:, 0] > 0).astype(np.float32)[:, None]
    end = [] if "logits" in loss else [nn.Activation("sigmoid")]
    names = ["binary_accuracy", "f1"]
    trainer = nn.Trainer([nn.Dense(1), *end], loss=loss, metrics=names, rng=0, progress=False)
    trainer.fit(X, y, epochs=3)
    outputs = trainer.model.predict(X)
    middle = 0 if "logits" in loss else 0.5
    found = trainer.evaluate(X, y)
    assert found["binary_accuracy"] == np.mean((outputs > middle) == y)
    assert found["f1"] == nn.f1((outputs > middle).astype(float), y)


def test_rows_that_the_loss_ignores_are_no_rows_of_a_metric() -> None:
    y = np.where(np.arange(50) % 3, Y, -1)
    loss = partial(nn.softmax_cross_entropy, ignore_index=-1)
    own = {"top2": partial(nn.top_k_accuracy, k=2), "f1": nn.f1}
    trainer = nn.Trainer([nn.Dense(3)], loss=loss, metrics=own, rng=0, progress=False)
    trainer.fit(X, y, epochs=2, batch_size=3)
    outputs, found = trainer.model.predict(X)[y >= 0], trainer.evaluate(X, y)
    assert found["f1"] == nn.f1(outputs, y[y >= 0])
    assert found["top2"] == nn.top_k_accuracy(outputs, y[y >= 0], k=2)


def test_a_metric_that_does_not_fit_is_refused_before_the_training() -> None:
    trainer = nn.Trainer([nn.Dense(3)], metrics=["top_k_accuracy"], rng=0, progress=False)
    with pytest.raises(nn.ArgumentError, match="top_k_accuracy: k: expected at most 3"):
        trainer.fit(X, Y)
    trainer = nn.Trainer([nn.Dense(1)], loss="mse_loss", metrics=["auc"], rng=0, progress=False)
    with pytest.raises(nn.ArgumentError, match="auc: y_true: expected labels 0 and 1"):
        trainer.fit(X, X[:, :1])
    assert not trainer.model.built


class KilledError(RuntimeError):
    """What ends a training."""


class Kill(nn.Callback):
    """Ends a training in the middle of an epoch."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, trainer: nn.Trainer, loss: float) -> None:  # noqa: ARG002  # of the base
        if trainer.step == self.step:
            raise KilledError


def test_a_training_resumed_in_an_epoch_measures_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    own: dict[str, Any] = {"metrics": ["f1", "auc"], "rng": 0, "progress": False}

    def fit(*callbacks: nn.Callback, **options: Any) -> nn.History:
        model = nn.Sequential(nn.Dense(3))
        trainer = nn.Trainer(model, callbacks=callbacks, **own)
        return trainer.fit(X, Y, epochs=2, batch_size=7, validation=0.2, **options)

    unbroken = fit()
    kept = nn.Checkpoint(path, steps=1)
    with pytest.raises(KilledError):
        fit(Kill(10), kept)
    arrays = nn.load_arrays(path)
    assert len(arrays["gathered.outputs"]) == 21
    other = nn.Trainer(nn.Sequential(nn.Dense(3)), callbacks=[kept], rng=0, progress=False)
    with pytest.raises(nn.FileFormatError, match="metrics"):
        other.fit(X, Y, epochs=2, batch_size=7, validation=0.2, resume=path)
    resumed = fit(kept, resume=path)
    assert resumed == unbroken


def test_rows_that_are_kept_are_copies() -> None:
    from neural_network.training.gathering import Gathered

    kept = Gathered({"f1": nn.f1})
    outputs, y = np.array([0.9, 0.9, 0.1]), np.array([1, 0, 0])
    kept.add(outputs, y)
    outputs[...] = 0  # as the next batch may be computed in the same memory
    y[...] = 1
    assert kept.measures() == {"f1": 2 / 3}


def test_a_metric_with_options_has_its_name() -> None:
    X, y = np.random.default_rng(0).random((12, 4)), np.arange(12) % 3
    best = partial(nn.top_k_accuracy, k=2)
    trainer = nn.Trainer(
        nn.Sequential(nn.Dense(3)), metrics=["accuracy", best], rng=0, progress=False
    )
    assert [*trainer.fit(X, y, epochs=1)] == ["loss", "accuracy", "top_k_accuracy"]
