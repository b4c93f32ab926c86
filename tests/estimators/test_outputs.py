"""What a classifier makes of a network's outputs: scores, probabilities, numbers near 0 and 1."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Activation, Dense, estimators
from tests.estimators.data import CONVERGES_NOT, points

pytestmark = pytest.mark.filterwarnings(CONVERGES_NOT)
X, Y = points()
TWO = Y == 0
LABELS = np.stack([Y == 0, Y != 1, X[:, 0] > 0], axis=1).astype(int)
FLAT = Activation(partial(nn.functional.reshape, shape=(-1,)))


def fitted(y: Any, *ends: Any, loss: Any = "auto") -> estimators.TrainerClassifier:
    model = [Dense(8, "tanh"), *ends]
    return estimators.TrainerClassifier(
        model, loss=loss, learning_rate=0.05, max_iter=60, tol=0.0, random_state=0
    ).fit(X, y)


CASES: dict[str, tuple[Any, list[Any], list[Any]]] = {
    "softmax": (Y, [Dense(3, "softmax")],
                ["auto", "cross_entropy", nn.cross_entropy, partial(nn.cross_entropy), "mse_loss",
                 "huber"]),
    "log_softmax": (Y, [Dense(3, "log_softmax")], ["auto", "nll", "kl"]),
    "three scores": (Y, [Dense(3)],
                     ["auto", "hinge", "mse_loss", "huber", "binary_cross_entropy_with_logits"]),
    "three sigmoids": (Y, [Dense(3, "sigmoid")], ["auto", "binary_cross_entropy", "mse_loss"]),
    "sigmoid": (TWO, [Dense(1, "sigmoid")],
                ["auto", "binary_cross_entropy", nn.binary_cross_entropy, "mse_loss", "l1"]),
    "sigmoid, flat": (TWO, [Dense(1, "sigmoid"), FLAT], ["auto", "binary_cross_entropy"]),
    "one score": (TWO, [Dense(1)],
                  ["auto", "binary_cross_entropy_with_logits", "hinge", "mse_loss", "l1"]),
    "labels by sigmoid": (LABELS, [Dense(3, "sigmoid")],
                          ["auto", "binary_cross_entropy", "mse_loss"]),
    "labels by scores": (LABELS, [Dense(3)],
                         ["auto", "binary_cross_entropy_with_logits", "hinge", "mse_loss"]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("y", "ends", "loss"),
    [
        pytest.param(y, ends, loss, id=f"{name}, {loss if isinstance(loss, str) else 'function'}")
        for name, (y, ends, losses) in CASES.items()
        for loss in losses
    ],
)
def test_a_network_that_has_learned_predicts_well(y: Any, ends: list[Any], loss: Any) -> None:
    classifier = fitted(y, *ends, loss=loss)
    assert classifier.score(X, y) > 0.85
    shares = classifier.predict_proba(X)
    assert shares.shape == (120, classifier.n_outputs_)
    assert shares.min() >= 0
    assert shares.max() <= 1
    if y is LABELS:
        found = (shares > 0.5).astype(int)
    else:
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
        found = classifier.classes_[shares.argmax(axis=1)]
    np.testing.assert_array_equal(classifier.predict(X), found)


def test_probabilities_are_the_networks_own() -> None:
    three = fitted(Y, Dense(3, "softmax"))
    np.testing.assert_allclose(three.predict_proba(X), three.model_.predict(X), rtol=1e-6)
    np.testing.assert_allclose(
        np.exp(three.predict_log_proba(X)), three.model_.predict(X), rtol=1e-6
    )
    one = fitted(TWO, Dense(1, "sigmoid"))
    np.testing.assert_allclose(one.predict_proba(X)[:, 1:], one.model_.predict(X), rtol=1e-6)
    several = fitted(LABELS, Dense(3, "sigmoid"))
    np.testing.assert_allclose(several.predict_proba(X), several.model_.predict(X), rtol=1e-6)


def test_the_usual_loss_of_probabilities() -> None:
    for y, end, loss in [
        (Y, "softmax", "cross_entropy"),
        (LABELS, "sigmoid", "binary_cross_entropy"),
    ]:
        usual = fitted(y, Dense(3, end))
        assert usual.loss_curve_ == fitted(y, Dense(3, end), loss=loss).loss_curve_


def test_a_loss_of_the_users_gets_class_numbers() -> None:
    seen: list[Any] = []

    def loss(outputs: Any, y: Any) -> Any:
        seen.append(y)
        return nn.softmax_cross_entropy(outputs, y)

    assert fitted(np.array(["a", "b", "c"])[Y], Dense(3), loss=loss).score(
        X, np.array(["a", "b", "c"])[Y]
    ) > 0.85  # fmt: skip
    assert {(y.ndim, y.dtype.kind) for y in seen} == {(1, "i")}


def test_certain_probabilities_are_numbers() -> None:
    certain = Dense(1, "sigmoid")
    classifier = estimators.TrainerClassifier(
        certain, learning_rate=1e-9, max_iter=1, random_state=0
    ).fit(X, TWO)
    classifier.model_.bias = [1e4]
    assert np.isfinite(classifier.decision_function(X)).all()
    assert classifier.predict_proba(X)[:, 1] == pytest.approx(1)
