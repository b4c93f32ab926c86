"""Small data and networks for the tests of estimators."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from neural_network import estimators

# Few epochs of a small network, without the question whether it converges.
QUICK: dict[str, Any] = {"max_iter": 3, "tol": 0.0, "random_state": 0}
CONVERGES_NOT = "ignore:.*max_iter:sklearn.exceptions.ConvergenceWarning"


def pictures(rows: int = 40, shape: tuple[int, ...] = (3, 6, 5)) -> tuple[Any, Any]:
    """Pictures (n, C, H, W), of which the brighter half is class 1."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, *shape)).astype(np.float32)
    y = np.arange(rows) % 2
    return X + y.reshape(-1, *[1] * len(shape)).astype(np.float32), y


def points(rows: int = 120, classes: int = 3, dtype: Any = np.float64) -> tuple[Any, Any]:
    """Points in the plane around a centre for each class."""
    rng = np.random.default_rng(1)
    y = np.arange(rows) % classes
    angles = 2 * np.pi * y / classes
    X = 3 * np.stack([np.cos(angles), np.sin(angles)], axis=1) + rng.normal(size=(rows, 2))
    return X.astype(dtype), y


CLASSIFIERS = {
    "mlp": partial(estimators.MLPClassifier, 6),
    "convnet": partial(estimators.ConvNetClassifier, 2, hidden_layer_sizes=6),
    "trainer": partial(estimators.TrainerClassifier, model__hidden_layer_sizes=6),
}
REGRESSORS = {
    "mlp": partial(estimators.MLPRegressor, 6),
    "convnet": partial(estimators.ConvNetRegressor, 2, hidden_layer_sizes=6),
    "trainer": partial(estimators.TrainerRegressor, model__hidden_layer_sizes=6),
}
ALL = {
    f"{n} {k}": m for k, kind in (("c", CLASSIFIERS), ("r", REGRESSORS)) for n, m in kind.items()
}
each_classifier = pytest.mark.parametrize("make", CLASSIFIERS.values(), ids=CLASSIFIERS)
each_regressor = pytest.mark.parametrize("make", REGRESSORS.values(), ids=REGRESSORS)
every = pytest.mark.parametrize("make", ALL.values(), ids=ALL)
