"""Arguments of the estimators that no check of scikit-learn's tries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import estimators

X, Y = np.eye(6, 3), np.arange(6) % 3
FIELDS = np.zeros(0, [("a", "i4"), ("b", "f4")])


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: estimators.MLPClassifier(warm_start=np.ones(7)).fit(X, Y), "MLPClassifier.fit: warm_start: expected True or False"),
        (lambda: estimators.MLPClassifier(n_iter_no_change=np.ones((3, 0))).fit(X, Y), "MLPClassifier.fit: n_iter_no_change: expected a whole number"),
        (lambda: estimators.MLPClassifier().fit(X, Y, sample_weight=["1", None, "x"]), "MLPClassifier.fit: sample_weight: expected real numbers"),
        (lambda: estimators.MLPClassifier().fit(X, Y, sample_weight=np.sum), "MLPClassifier.fit: sample_weight: expected real numbers"),
        (lambda: estimators.TrainerRegressor().get_params(deep=np.ones(3)), "TrainerRegressor.get_params: deep: expected True or False"),  # type: ignore[arg-type]  # the point
        (lambda: estimators.MLPRegressor().fit(X[:2], np.array([[1], [1, 2]], dtype=object)), "MLPRegressor.fit: X, y: expected rows of numbers, and a number"),
        (lambda: estimators.TrainerRegressor(channels=FIELDS).fit(X, Y), "fit: channels: expected one of 'first', 'last'"),
        (lambda: estimators.TrainerRegressor(tol=1e3, n_iter_no_change=1, random_state=0).fit(X, Y).set_params(channels=FIELDS).predict(X), "predict: channels: expected one of 'first', 'last'"),
        (lambda: estimators.MLPClassifier().fit(X, range(10**12)), "fit: X, y: expected sizes that the memory is enough for"),
        (lambda: estimators.MLPClassifier().partial_fit(X, Y, classes=range(10**12)), "fit: classes: expected sizes that the memory is enough for"),
        (lambda: estimators.TrainerRegressor().fit(range(10**12), Y), "fit: X: expected sizes that the memory is enough for"),
    ],
)  # fmt: skip
def test_a_sentence_names_the_argument(call: Any, match: str) -> None:
    with pytest.raises(nn.ArgumentError, match=match):
        call()


def test_one_picture_is_no_rows() -> None:
    images = np.random.default_rng(0).normal(size=(10, 5, 6))
    model = estimators.ConvNetClassifier(1, hidden_layer_sizes=(), tol=9.0, n_iter_no_change=1,
                                         random_state=0).fit(images, np.arange(10) % 2)  # fmt: skip
    with pytest.raises(
        ValueError, match=r"predict: X: expected rows, .*\(5, 6\); X\[None\] is one"
    ):
        model.predict(images[0])
    with pytest.raises(ValueError, match="has 7 features"):
        model.predict(np.ones((3, 7)))
    assert model.predict(images[0][None]).shape == (1,)


def test_a_patience_may_be_infinite() -> None:
    model = estimators.MLPClassifier(2, max_iter=2, n_iter_no_change=np.inf, random_state=0)
    with pytest.warns(UserWarning, match="max_iter"):
        assert model.fit(X, Y).n_iter_ == 2


def test_text_of_variable_length_is_text() -> None:
    y = np.array(["no", "yes"] * 3, dtype=np.dtypes.StringDType())
    model = estimators.MLPClassifier(2, tol=0.1, random_state=0).fit(X, y)
    assert model.classes_.tolist() == ["no", "yes"]
    assert model.score(X, y) == model.score(X, y.astype(object))
    some = estimators.MLPClassifier(2, random_state=0).partial_fit(X[:1], y[:1], classes=y)
    assert some.classes_.tolist() == ["no", "yes"]
    with pytest.raises(ValueError, match="could not convert string to float"):
        estimators.MLPRegressor().fit(X, y)
    with pytest.raises(ValueError, match="could not convert string to float"):
        model.predict(np.array([["a", "b", "c"]], dtype=y.dtype))
