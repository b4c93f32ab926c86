"""Hints of estimators name the estimators' arguments, once."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from neural_network import Conv2D, Dense, Flatten, MaxPool2D, Sequential, TrainingHint, estimators

rng = np.random.default_rng(0)
X, y = rng.random((60, 32, 32, 3)), rng.integers(0, 3, 60)
# A fixed seed: two filters that are both dead at the start would bring a hint of their own.
SHORT: Any = {"max_iter": 2, "tol": 1, "n_iter_no_change": 1, "random_state": 0}
POOLED = Sequential(Conv2D(16, 3, padding="same"), MaxPool2D(2), Flatten(), Dense(3))


def hints_of(estimator: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y)
        for rows in (60, 9, 8, 1):
            call = getattr(estimator, "predict", None) or estimator.transform
            call(X[:rows])
    return [str(one.message) for one in caught if one.category is TrainingHint]


@pytest.mark.parametrize(
    "estimator",
    [
        estimators.ConvNetClassifier(**SHORT),
        estimators.ConvNetRegressor(batch_size=7, early_stopping=True, **SHORT),
        estimators.TrainerClassifier(POOLED, batch_size=7, **SHORT),
        estimators.Conv2DFeatures("random"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_one_hint_of_channels_last(estimator: Any) -> None:
    """Neither the parts of a batch nor the maps inside the network are another reason."""
    (hint,) = hints_of(estimator)
    assert f'{type(estimator).__name__}(channels="last") takes them as they are' in hint
    assert "transpose" not in hint
    assert hints_of(estimator.set_params(channels="last")) == []


@pytest.mark.parametrize(
    ("shape", "hint"),
    [((3, 32, 32), True), ((3, 28, 28), True), ((3, 10, 10), False), ((1, 28, 28), False)],
)
def test_flat_colour_pictures(shape: tuple[int, ...], hint: bool) -> None:
    """Rows that are no square are taken as signals; those of a usual picture are probably none."""
    flat = np.random.default_rng(0).random((12, int(np.prod(shape))))
    labels = np.arange(12) % 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = estimators.ConvNetClassifier(filters=2, **SHORT).fit(flat, labels)
        estimator.predict(flat)
        estimators.ConvNetClassifier(filters=2, image_shape=shape, **SHORT).fit(flat, labels)
    texts = [str(one.message) for one in caught if one.category is TrainingHint]
    assert len(texts) == hint
    assert all(f"image_shape={shape}, or with" in text for text in texts)
