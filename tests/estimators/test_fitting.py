"""fit, partial_fit, warm starts, early stopping, weights: what scikit-learn's users expect."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import accuracy_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from neural_network import SGD, Adam, Augment, Callback, Cosine, Shift, Trainer, estimators
from neural_network.estimators.layers import begin_weights
from tests.estimators.data import (
    CONVERGES_NOT,
    QUICK,
    each_classifier,
    each_regressor,
    every,
    pictures,
    points,
)

pytestmark = pytest.mark.filterwarnings(CONVERGES_NOT)
X, Y = points()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_fit_is_that_of_the_trainer(dtype: str) -> None:
    rows = X.astype(dtype)
    fitted = estimators.MLPClassifier(6, alpha=0.0, batch_size=50, **QUICK).fit(rows, Y)
    model = fitted._make_network("", (2,), 3).astype(dtype)
    begin_weights(model, (2,), fitted._seed)
    trainer = Trainer(model, Adam(0.001), rng=fitted._seed, metrics=[], progress=False)
    history = trainer.fit(rows, Y, epochs=3, batch_size=50)
    np.testing.assert_array_equal(fitted.loss_curve_, history["loss"])
    for ours, theirs in zip(fitted.model_.parameters(), model.parameters(), strict=True):
        np.testing.assert_array_equal(ours.data, theirs.data)


@every
def test_one_seed_one_result(make: Any) -> None:
    found = [make(**QUICK).fit(X, Y).predict(X) for _ in range(2)]
    np.testing.assert_array_equal(*found)
    other = make(**QUICK | {"random_state": 1}).fit(X, Y)
    assert other.loss_curve_ != make(**QUICK).fit(X, Y).loss_curve_
    state = make(**QUICK | {"random_state": np.random.RandomState(0)})
    assert state.fit(X, Y).loss_curve_ != state.fit(X, Y).loss_curve_


@every
def test_copies_and_pickles(make: Any) -> None:
    fitted = make(**QUICK).fit(X, Y)
    for other in (pickle.loads(pickle.dumps(fitted)), copy.deepcopy(fitted)):
        np.testing.assert_array_equal(other.predict(X), fitted.predict(X))
        other.partial_fit(X, Y, **{"classes": None} if hasattr(other, "classes_") else {})
        assert (other.n_iter_, len(other.loss_curve_)) == (1, 4)
    fresh = clone(fitted)
    assert not hasattr(fresh, "model_")
    assert fresh.get_params() == fitted.get_params()


@every
def test_before_fit(make: Any) -> None:
    with pytest.raises(NotFittedError, match="not fitted yet"):
        make().predict(X)


def test_attributes() -> None:
    fitted = estimators.MLPClassifier(6, **QUICK).fit(X, Y)
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert (fitted.n_features_in_, fitted.n_iter_, fitted.n_outputs_) == (2, 3, 3)
    assert len(fitted.loss_curve_) == fitted.history_.epochs == 3
    assert fitted.loss_ == fitted.loss_curve_[-1]
    assert fitted.best_loss_ == min(fitted.loss_curve_)
    probabilities = fitted.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(X)), probabilities)
    assert fitted.decision_function(X).shape == (120, 3)
    assert fitted.score(X, Y) == accuracy_score(Y, fitted.predict(X))


# --- labels ------------------------------------------------------------------------------

LABELS = {
    "text": np.array(["cat", "dog", "eel"])[Y],
    "objects": np.array(["cat", "dog", "eel"], dtype=object)[Y],
    "numbers apart": np.array([-7, 3, 1000])[Y],
    "floats": np.array([0.0, 2.0, 5.0])[Y],
    "list": np.array(["cat", "dog", "eel"])[Y].tolist(),
}


@each_classifier
@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_kind(make: Any, kind: str) -> None:
    labels = LABELS[kind]
    fitted = make(**QUICK).fit(X, labels)
    numbered = make(**QUICK).fit(X, Y)
    np.testing.assert_array_equal(fitted.classes_, np.unique(labels))
    np.testing.assert_array_equal(fitted.predict(X), np.unique(labels)[numbered.predict(X)])


@each_classifier
def test_two_classes(make: Any) -> None:
    fitted = make(**QUICK).fit(X, Y == 0)
    assert fitted.classes_.dtype == bool
    scores = fitted.decision_function(X)
    assert scores.shape == (120,)
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], 1 / (1 + np.exp(-scores)))
    np.testing.assert_array_equal(fitted.predict(X), scores > 0)


@each_classifier
def test_several_labels(make: Any) -> None:
    labels = np.stack([Y == 0, Y != 1, Y == 2], axis=1).astype(int)
    fitted = make(learning_rate=0.05, tol=1e-3, random_state=0).fit(X, labels)
    assert fitted.predict(X).shape == fitted.predict_proba(X).shape == labels.shape
    assert fitted.score(X, labels) > 0.8
    np.testing.assert_allclose(
        fitted.predict_log_proba(X), np.log(fitted.predict_proba(X)), atol=1e-12
    )
    weighted = make(**QUICK).fit(X, labels, sample_weight=np.ones(120))
    np.testing.assert_allclose(weighted.loss_curve_, make(**QUICK).fit(X, labels).loss_curve_)


@each_regressor
def test_several_numbers(make: Any) -> None:
    fitted = make(**QUICK).fit(X, np.stack([Y, -Y], axis=1))
    assert fitted.predict(X).shape == (120, 2)
    assert make(**QUICK).fit(X, Y).predict(X).shape == (120,)


# --- going on -----------------------------------------------------------------------------


@every
def test_partial_fit_goes_on(make: Any) -> None:
    classes = {"classes": [0, 1, 2]} if hasattr(make(), "predict_proba") else {}
    estimator = make(batch_size=30, learning_rate=0.05, random_state=0)
    scores = []
    for start in range(0, 600, 40):
        rows = np.arange(start, start + 40) % 120
        scores.append(estimator.partial_fit(X[rows], Y[rows], **classes).score(X, Y))
    assert scores[-1] > scores[0]
    assert (estimator.n_iter_, len(estimator.loss_curve_)) == (1, 15)
    if classes:
        assert scores[-1] > 0.85


def test_partial_fit_keeps_the_moments_of_adam() -> None:
    estimator = estimators.MLPClassifier(6, random_state=0)
    steps = [
        int(estimator.partial_fit(X, Y, [0, 1, 2])._optimizer_state["steps"]) for _ in range(3)
    ]
    assert steps == [1, 2, 3]


def test_each_partial_fit_has_an_order_of_its_own() -> None:
    def orders() -> list[Any]:
        """Return the rows of all batches of three calls."""
        found: list[Any] = []

        def note(rows: Any, rng: np.random.Generator) -> Any:
            seen.append(rows.copy())
            return rows

        estimator = estimators.MLPClassifier(6, batch_size=30, augment=note, random_state=0)
        for _ in range(3):
            seen: list[Any] = []
            estimator.partial_fit(X, Y, [0, 1, 2])
            found.append(np.concatenate(seen[-4:]))
        return found

    found = orders()
    for place, rows in enumerate(found):
        np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(X, axis=0))
        assert not np.array_equal(rows, found[place - 1])
    np.testing.assert_array_equal(orders(), found)


def test_partial_fit_of_one_class_at_a_time() -> None:
    estimator = estimators.MLPClassifier(6, random_state=0)
    for number in range(3):
        estimator.partial_fit(X[number == Y], Y[number == Y], classes=[0, 1, 2])
    assert estimator.predict_proba(X).shape == (120, 3)


@every
def test_warm_start_goes_on(make: Any) -> None:
    estimator = make(warm_start=True, **QUICK).fit(X, Y)
    first = estimator.loss_curve_
    assert estimator.fit(X, Y).loss_curve_[:3] == first
    assert estimator.loss_curve_[3] < first[0]
    assert estimator.n_iter_ == 3
    cold = make(**QUICK).fit(X, Y)
    assert cold.fit(X, Y).loss_curve_ == first


# --- stopping -----------------------------------------------------------------------------


@each_classifier
def test_early_stopping_keeps_the_best_weights(make: Any) -> None:
    kept: list[Any] = []

    class Keep(Callback):
        def on_epoch_end(self, trainer: Any, measures: Any) -> None:
            kept.append(([p.data.copy() for p in trainer.model.parameters()], measures))

    estimator = make(
        early_stopping=True, validation_fraction=0.25, learning_rate=0.05, n_iter_no_change=3,
        callbacks=[Keep()], random_state=0,
    ).fit(X, Y)  # fmt: skip
    scores = estimator.validation_scores_
    best = int(np.argmax(scores))
    assert best < len(scores) - 1  # else there is nothing to restore
    assert estimator.best_validation_score_ == max(scores)
    for now, then in zip(estimator.model_.parameters(), kept[best][0], strict=True):
        np.testing.assert_array_equal(now.data, then)
    assert "validation_loss" in kept[0][1]


def test_the_score_is_of_rows_that_are_not_trained_with() -> None:
    seen: list[Any] = []

    class Look(Callback):
        def on_step_end(self, trainer: Any, loss: float) -> None:  # noqa: ARG002
            seen.append(trainer.latest.X)

    estimator = estimators.MLPClassifier(
        6, early_stopping=True, validation_fraction=0.2, batch_size=96, callbacks=[Look()], **QUICK
    ).fit(X, Y)
    trained = {tuple(row) for row in seen[0]}
    held = np.array([tuple(row) not in trained for row in X])
    assert held.sum() == 24
    assert np.bincount(Y[held]).tolist() == [8, 8, 8]  # of each class
    expected = accuracy_score(Y[held], estimator.predict(X[held]))
    assert estimator.best_validation_score_ == expected


@pytest.mark.filterwarnings(CONVERGES_NOT)
def test_rare_classes_are_held_out_by_the_seed_alone() -> None:
    rare = np.where(np.arange(120) == 5, 9, Y)
    for y, rows in [(rare, 120), (Y, 12)]:
        options = {"early_stopping": True, "validation_fraction": 0.15, "max_iter": 2}
        fitted = estimators.MLPClassifier(4, random_state=0, **options).fit(X[:rows], y[:rows])
        again = estimators.MLPClassifier(4, random_state=0, **options).fit(X[:rows], y[:rows])
        assert fitted.loss_curve_ == again.loss_curve_
        assert len(fitted.validation_scores_) == 2
    with pytest.raises(
        ValueError, match="validation_fraction: expected a share of at least 2 rows"
    ):
        estimators.MLPClassifier(4, early_stopping=True).fit(X[:9], Y[:9])


def test_nothing_is_held_out_by_default() -> None:
    estimator = estimators.MLPClassifier(6, **QUICK).fit(X, Y)
    assert estimator.validation_scores_ is None
    assert list(estimator.history_) == ["loss"]


def test_the_loss_decides_when_it_ends() -> None:
    patient = estimators.MLPClassifier(6, tol=1e9, n_iter_no_change=4, random_state=0).fit(X, Y)
    assert patient.n_iter_ == 6  # the first is an improvement, then more than four are none
    with pytest.warns(
        ConvergenceWarning, match="max_iter: 3 epochs have ended before .*a larger max_iter"
    ):
        estimators.MLPClassifier(6, **QUICK).fit(X, Y)


# --- what is handed to the trainer ------------------------------------------------------------


def test_callbacks_and_augmentation() -> None:
    images, labels = pictures(shape=(1, 8, 8))
    calls: list[str] = []

    class Note(Callback):
        def on_fit_begin(self, trainer: Any) -> None:
            calls.append(type(trainer).__name__)

    plain = estimators.ConvNetClassifier(2, **QUICK).fit(images, labels)
    augmented = estimators.ConvNetClassifier(
        2, callbacks=[Note()], augment=Augment(Shift(2)), **QUICK
    ).fit(images, labels)
    assert calls == ["PenalizedTrainer"]
    assert plain.loss_curve_ != augmented.loss_curve_


OPTIMIZERS = ["adam", "sgd", "rmsprop", Adam, partial(SGD, momentum=0.9)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("rate", [0.01, Cosine(0.01)])
def test_optimizers(optimizer: Any, rate: Any) -> None:
    fitted = estimators.MLPClassifier(6, optimizer=optimizer, learning_rate=rate, **QUICK).fit(X, Y)
    assert fitted.loss_curve_[-1] < fitted.loss_curve_[0]


def test_options_of_the_network() -> None:
    images, labels = pictures(shape=(1, 8, 8))
    estimator = estimators.ConvNetClassifier(
        (2, 3), (3, 5), pool_size=(1, 2), hidden_layer_sizes=[4, 5], activation="tanh",
        dropout=0.5, batch_norm=True, **QUICK,
    )  # fmt: skip
    names = [type(layer).__name__ for layer in estimator.fit(images, labels).model_]
    block = ["Conv2D", "BatchNorm", "Activation", "MaxPool2D"]
    hidden = ["Dense", "BatchNorm", "Activation", "Dropout"]
    assert names == [*block, *block, "Flatten", *hidden, *hidden, "Dense"]


def test_metadata_routing() -> None:
    with config_context(enable_metadata_routing=True):
        network = estimators.MLPClassifier(6, **QUICK).set_fit_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler(), network)
        weights = np.where(Y == 0, 0.0, 1.0)
        pipeline[0].set_fit_request(sample_weight=False)
        network.set_score_request(sample_weight=True)
        cross_val_score(network, X, Y, params={"sample_weight": weights}, cv=2)
        routed = pipeline.fit(X, Y, sample_weight=weights)[-1].loss_curve_
    scaled = StandardScaler().fit_transform(X)
    alone = estimators.MLPClassifier(6, **QUICK).fit(scaled, Y, sample_weight=weights)
    assert routed == alone.loss_curve_


@every
def test_html(make: Any) -> None:
    estimator = make(learning_rate=0.02)
    assert "learning_rate=0.02" in repr(estimator)
    assert type(estimator).__name__ in estimator_html_repr(estimator)
