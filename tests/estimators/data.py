"""Small data and networks for the tests of estimators."""

from __future__ import annotations

from typing import Any

import numpy as np

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
