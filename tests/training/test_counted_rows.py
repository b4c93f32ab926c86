"""Options of losses in a training: rows that are ignored, weights, smoothing, sums, own losses."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import SGD, Dense, Trainer

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 4)).astype(np.float32)
Y = np.arange(24) % 3
IGNORED = np.where(np.arange(24) % 4 == 0, -1, Y)
SOFT = np.eye(3)[Y] * 0.7 + 0.1
CROSS = nn.softmax_cross_entropy
IGNORING = partial(CROSS, ignore_index=-1)


def made(loss: Any = IGNORING, optimizer: Any = None, **options: Any) -> Trainer:
    model = nn.Sequential(Dense(5, "tanh"), Dense(3)).initialize((4,), rng=0)
    return Trainer(model, optimizer or SGD(0.5), loss=loss, rng=0, progress=False, **options)


def batches(*items: tuple[Any, ...]) -> Any:
    return lambda epoch: iter(items)


OPTIONS: dict[str, tuple[Any, Any]] = {
    "ignored": (IGNORING, IGNORED),
    "ignored far away": (partial(CROSS, ignore_index=-100), np.where(IGNORED < 0, -100, Y)),
    "a class ignored": (partial(CROSS, ignore_index=2), Y),
    "ignored by nll": (lambda o, y: nn.nll(nn.log_softmax(o), y, ignore_index=-1), IGNORED),
    "smoothing": (partial(CROSS, label_smoothing=0.1), Y),
    "weights": (partial(CROSS, class_weights=[1.0, 2.0, 0.5]), Y),
    "all options": (partial(IGNORING, class_weights=[1, 2, 3], label_smoothing=0.2), IGNORED),
    "sum": (partial(CROSS, reduction="sum"), Y),
    "soft labels": (CROSS, SOFT),
    "soft labels, smoothed": (partial(CROSS, label_smoothing=0.1), SOFT.astype(np.float32)),
    "the same soft labels": (CROSS, np.where(Y[:, None] >= 0, SOFT[:1], 0.0)),
    "hinge of classes": (nn.hinge, Y),
    "hinge of signs": (nn.hinge, np.where(np.eye(3)[Y] == 1, 1, -1)),
    "own loss": (lambda o, y: np.mean((o - np.eye(3)[y]) ** 2), Y),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_of_a_loss_trains_with_the_usual_metrics(name: str) -> None:
    loss, y = OPTIONS[name]
    trainer = made(loss, SGD(0.02 if name == "sum" else 0.2))
    history = trainer.fit(X, y, epochs=30, batch_size=8, validation=(X, y))
    assert history["loss"][-1] < history["loss"][0]
    if name not in ("own loss", "ignored by nll"):  # functions of one's own have no usual metric
        assert 0.4 < history["validation_accuracy"][-1] <= 1


def test_the_accuracy_of_a_loss_that_ignores_rows_is_that_of_the_others() -> None:
    trainer = made()
    found = trainer.evaluate(X, IGNORED)
    counted = IGNORED >= 0
    outputs = trainer.model.predict(X)
    assert found["accuracy"] == nn.accuracy(outputs[counted], Y[counted])
    assert found["loss"] == pytest.approx(CROSS(outputs[counted], Y[counted]))
    for metrics in (["accuracy"], [nn.accuracy], {"accuracy": nn.accuracy}):
        assert made(metrics=metrics).evaluate(X, IGNORED) == found


@pytest.mark.parametrize("function", [nn.accuracy, nn.confusion_matrix, nn.class_report])
def test_metrics_leave_ignored_rows_out(function: Any) -> None:
    scores, counted = X[:, :3].copy(), IGNORED >= 0
    scores[~counted] = np.nan
    found, expected = (
        function(scores, IGNORED, ignore_index=-1),
        function(scores[counted], Y[counted]),
    )
    for one, other in ((vars(found), vars(expected)) if function is nn.class_report else ({"": found}, {"": expected}),):  # fmt: skip
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    with pytest.raises(nn.ArgumentError, match="y_true: expected a row that is not ignored"):
        function(scores, Y * 0 - 1, ignore_index=-1)
    with pytest.raises(nn.DTypeError, match="ignore_index: expected a whole number"):
        function(X[:, :3], Y, ignore_index=0.5)
    with pytest.raises(nn.ArgumentError, match="ignore_index: expected None, because rows"):
        function(X[:, :3], np.eye(3)[Y], ignore_index=1)


def test_accuracy_of_rows_of_probabilities_is_that_of_the_likeliest_class() -> None:
    assert nn.accuracy([[0.1, 0.9], [0.8, 0.2]], [[0.4, 0.6], [0.3, 0.7]]) == 0.5


EMPTY = X[:6], np.full(6, -1)
LOSSES: list[Any] = [
    IGNORING,
    lambda outputs, y: CROSS(outputs, y, ignore_index=-1),
    lambda outputs, y: nn.nll(nn.log_softmax(outputs), y, ignore_index=-1),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_batch_of_ignored_rows_has_no_gradient_and_does_not_count(loss: Any) -> None:
    seen: list[float] = []

    class Note(nn.Callback):
        def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
            seen.append(loss)

    with_empty, without = made(loss, callbacks=[Note()]), made(loss)
    history = with_empty.fit(batches((X, Y), EMPTY, (X[:5], Y[:5])))
    expected = without.fit(batches((X, Y), (X[:5], Y[:5])))
    assert history == expected
    assert (with_empty.step, without.step) == (3, 2)
    assert np.isnan(seen[1])
    np.testing.assert_array_equal(
        with_empty.model.flat_parameters(), without.model.flat_parameters()
    )


def test_an_epoch_of_ignored_rows_measures_nothing_and_changes_nothing() -> None:
    trainer = made()
    before = trainer.model.flat_parameters().copy()
    history = trainer.fit(lambda epoch: iter([EMPTY if epoch else (X, Y)]), epochs=2)
    assert np.isfinite(history["loss"][0])
    assert np.isnan([history["loss"][1], history["accuracy"][1]]).all()
    trainer = made()
    trainer.fit(batches(EMPTY))
    np.testing.assert_array_equal(trainer.model.flat_parameters(), before)


def test_penalties_have_a_gradient_beside_ignored_rows() -> None:
    model = nn.Sequential(Dense(3, l2=0.5)).initialize((4,), rng=0)
    weight = model[0].weight.data.copy()
    Trainer(model, SGD(0.1), IGNORING, rng=0, progress=False).fit(batches(EMPTY))
    np.testing.assert_allclose(model[0].weight.data, weight * (1 - 0.1), rtol=1e-6)


@pytest.mark.parametrize(("loss", "y"), [OPTIONS[name] for name in ("ignored", "weights", "all options", "smoothing")])  # fmt: skip
def test_accumulated_batches_are_one_large_batch(loss: Any, y: Any) -> None:
    whole, parts = made(loss), made(loss, accumulate=3)
    one = whole.fit(batches((X, y)))
    several = parts.fit(batches((X[:2], y[:2]), (X[2:9], y[2:9]), (X[9:], y[9:])))
    np.testing.assert_allclose(
        parts.model.flat_parameters(), whole.model.flat_parameters(), rtol=1e-5, atol=1e-7
    )
    assert several["loss"] == pytest.approx(one["loss"])
    assert several["accuracy"] == pytest.approx(one["accuracy"])


def test_class_weights_and_sample_weights_beside_ignored_rows() -> None:
    counted = IGNORED >= 0
    for options, fit in (({"class_weights": {1: 3.0}}, {}), ({}, {"sample_weights": True})):
        weights = np.linspace(1, 2, 24) if fit else None
        all_rows, some = made(**options), made(CROSS, **options)
        all_rows.fit(X, IGNORED, batch_size=24, sample_weights=weights)
        some.fit(X[counted], Y[counted], batch_size=24, sample_weights=None if weights is None else weights[counted])  # fmt: skip
        np.testing.assert_allclose(
            all_rows.model.flat_parameters(), some.model.flat_parameters(), rtol=1e-5, atol=1e-6
        )


def test_weights_of_rows_scale_a_sum_and_may_be_large_or_small() -> None:
    total = partial(CROSS, reduction="sum")
    trainer = made(total)
    outputs = trainer.model.predict(X)
    rows = CROSS(outputs, Y, reduction="none")
    weights = np.linspace(0, 2, 24)
    batch = nn.training.data.Batch(X, Y, weights)
    assert trainer.compute_loss(nn.Tensor(outputs), batch).item() == pytest.approx(rows @ weights)
    usual = made(CROSS)
    usual.fit(X, Y, sample_weights=weights)
    for scale in (1e300, 1e-300):
        other = made(CROSS)
        history = other.fit(X, Y, sample_weights=weights * scale)
        assert np.isfinite(history["loss"]).all()
        np.testing.assert_allclose(
            other.model.flat_parameters(), usual.model.flat_parameters(), rtol=1e-5
        )


def test_a_training_that_ignores_rows_resumes_bit_for_bit(tmp_path: Path) -> None:
    y = np.where(np.arange(24) < 20, IGNORED, -1)
    y[:8] = -1

    class Copy(nn.Callback):
        comes_last = True

        def on_step_end(self, trainer: Trainer, loss: float) -> None:  # noqa: ARG002
            shutil.copy(tmp_path / "run", tmp_path / f"{trainer.step}")

    def run(*callbacks: nn.Callback, **fit: Any) -> Trainer:
        files = [nn.Checkpoint(tmp_path / "run", steps=1), *callbacks]
        trainer = made(optimizer=nn.Adam(0.1), callbacks=files)
        trainer.fit(X, y, epochs=3, batch_size=2, **fit)
        return trainer

    whole = run(Copy())
    for step in (1, 7, 17):
        again = run(resume=tmp_path / f"{step}")
        assert again.history == whole.history
        np.testing.assert_array_equal(again.model.flat_parameters(), whole.model.flat_parameters())


BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "all ignored": (IGNORING, {"y": Y * 0 - 1}, "^fit: y: expected a row that counts in the loss, received only rows"),
    "of one class": (IGNORING, {"y": np.where(Y == 1, 1, -1)}, "^fit: y: expected labels of at least two classes, received only class 1"),
    "no weight": (partial(CROSS, class_weights=[0, 0, 1]), {"y": Y % 2}, "^fit: y: expected a row that counts"),
    "validation ignored": (IGNORING, {"validation": (X, Y * 0 - 1)}, "^fit: validation: y: expected a row that counts"),
    "none": (partial(CROSS, reduction="none"), {}, r"Trainer: loss: expected a result of one number, received shape \(24,\)"),
    "weights of others": (partial(CROSS, class_weights=[1, 2]), {}, r"class_weights: expected shape \(3,\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_no_loss_can_learn_from_is_said_before(name: str) -> None:
    loss, options, match = BAD[name]
    trainer = made(loss)
    before = trainer.model.flat_parameters().copy()
    with pytest.raises(nn.ArgumentError, match=match):
        trainer.fit(**({"X": X, "y": Y} | options))
    np.testing.assert_array_equal(trainer.model.flat_parameters(), before)


def test_sums_make_no_mean_of_several_batches() -> None:
    with pytest.raises(nn.ArgumentError, match="Trainer: accumulate: expected 1 with a loss that"):
        made(partial(CROSS, reduction="sum"), accumulate=2)


def test_the_finder_leaves_out_steps_in_which_no_row_counts() -> None:
    finder = nn.LearningRateFinder(1e-4, 1.0, steps=10)
    made(callbacks=[finder]).fit(batches((X, Y), EMPTY), epochs=20)
    assert len(finder.rates) == len(finder.losses) == 10
    assert np.isfinite(finder.losses).all()


@pytest.mark.parametrize("reduction", [np.ones(3), np.zeros(0, [("a", "i4")]), None])
@pytest.mark.parametrize("options", [{"accumulate": 2}, {}])
def test_a_reduction_is_one_of_three_words(reduction: Any, options: dict[str, Any]) -> None:
    with pytest.raises(nn.ArgumentError, match="softmax_cross_entropy: reduction: expected one of"):
        made(partial(CROSS, reduction=reduction), **options).fit(X, Y, epochs=1)
