"""Weights of rows and classes, and penalties: what they change in the loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_network import estimators
from tests.estimators.data import CONVERGES_NOT, QUICK, each_classifier, every, points

pytestmark = pytest.mark.filterwarnings(CONVERGES_NOT)
X, Y = points()


@every
def test_a_weight_is_a_repetition(make: Any) -> None:
    weights = np.random.default_rng(2).integers(0, 4, 40)
    assert 0 in weights
    options = QUICK | {"max_iter": 20}
    weighted = make(**options).fit(X[:40], Y[:40], sample_weight=weights)
    repeated = make(**options).fit(X[:40].repeat(weights, 0), Y[:40].repeat(weights))
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-9)
    name = "predict_proba" if hasattr(weighted, "predict_proba") else "predict"
    found = [getattr(one, name)(X) for one in (weighted, repeated)]
    np.testing.assert_allclose(*found, rtol=1e-7)


@each_classifier
def test_weights_of_classes(make: Any) -> None:
    uneven = np.flatnonzero((Y != 2) | (np.arange(120) < 30))
    rows, labels = X[uneven], np.array(["a", "b", "c"])[Y[uneven]]
    counts = np.unique(labels, return_counts=True)[1]
    balanced = make(class_weight="balanced", **QUICK).fit(rows, labels)
    table = {name: len(labels) / (3 * n) for name, n in zip("abc", counts, strict=True)}
    for weight in (table, None):
        own = None if weight else np.array([table[name] for name in labels])
        other = make(class_weight=weight, **QUICK).fit(rows, labels, sample_weight=own)
        np.testing.assert_allclose(balanced.loss_curve_, other.loss_curve_, rtol=1e-12)


@each_classifier
def test_weights_of_classes_times_those_of_rows(make: Any) -> None:
    table, rows = {0: 0.5, 1: 2.0, 2: 1.25}, np.random.default_rng(3).uniform(0.2, 3, 120)
    both = make(class_weight=table, **QUICK).fit(X, Y, sample_weight=rows)
    product = make(**QUICK).fit(X, Y, sample_weight=rows * np.array([table[c] for c in Y]))
    np.testing.assert_allclose(both.loss_curve_, product.loss_curve_, rtol=1e-12)
    alone = make(class_weight=table, **QUICK).fit(X, Y)
    assert not np.allclose(both.loss_curve_, alone.loss_curve_, rtol=1e-3)


def test_the_penalty_in_closed_form() -> None:
    rows, y = X[:30], 2 * X[:30, 0] + 1
    fitted = estimators.MLPRegressor(
        (), learning_rate=0.02, alpha=60.0, max_iter=2000, tol=0.0, random_state=0
    ).fit(rows, y)
    # The least of mean((XW + b − y)²) / 2 + 60 / 2 · W² / 30.
    centred = rows - rows.mean(axis=0)
    expected = np.linalg.solve(centred.T @ centred / 30 + 2 * np.eye(2), centred.T @ y / 30)
    np.testing.assert_allclose(fitted.model_[0].weight.data[:, 0], expected, atol=1e-3)


@pytest.mark.parametrize(("size", "batches"), [(len(X), 1), (50, 3)])
@pytest.mark.parametrize("make", [estimators.MLPClassifier, estimators.MLPRegressor])
def test_the_penalty_is_in_the_loss_that_decides(make: Any, size: int, batches: int) -> None:
    still = {"learning_rate": 1e-12, "max_iter": 1, "random_state": 0, "batch_size": size}
    plain = make(6, alpha=0.0, **still).fit(X, Y)
    fitted = make(6, alpha=3.0, **still).fit(X, Y)
    weights = sum(float((layer.weight.data**2).sum()) for layer in fitted.model_)
    half = 1.0 if make is estimators.MLPRegressor else 0.5  # theirs is half of the squared error
    # Each batch's is divided by its rows, by which the mean over batches weighs it.
    penalty = half * 3.0 * weights * batches / len(X)
    assert fitted.loss_ - plain.loss_ == pytest.approx(penalty, rel=1e-6)


def test_biases_have_no_penalty() -> None:
    constant = np.full(40, 7.0)
    fitted = estimators.MLPRegressor(
        (), alpha=1e4, learning_rate=0.1, n_iter_no_change=np.inf, random_state=0
    )
    assert fitted.fit(X[:40], constant).predict(X[:40]) == pytest.approx(constant, abs=0.1)
