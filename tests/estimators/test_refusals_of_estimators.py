"""What the estimators refuse, with a sentence, and before anything is changed."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from neural_network import (
    Adam,
    ArgumentError,
    Callback,
    DivergenceError,
    DTypeError,
    EarlyStopping,
    estimators,
)  # fmt: skip
from tests.estimators.data import CLASSIFIERS, CONVERGES_NOT, QUICK, each_classifier, every, points

pytestmark = pytest.mark.filterwarnings(CONVERGES_NOT)
X, Y = points()

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "max_iter": ({"max_iter": 0}, "max_iter: expected a whole number of at least 1"),
    "tol": ({"tol": -1}, "tol: expected a finite number from 0"),
    "n_iter_no_change": ({"n_iter_no_change": 1.5}, "n_iter_no_change: expected a whole"),
    "validation_fraction": (
        {"early_stopping": True, "validation_fraction": 1.0},
        "validation_fraction: expected a number between 0 and 1"),
    "early_stopping": ({"early_stopping": "yes"}, "early_stopping: expected True or False"),
    "warm_start": ({"warm_start": 1}, "warm_start: expected True or False"),
    "batch_size": ({"batch_size": "all"}, "batch_size: expected a whole number"),
    "optimizer": ({"optimizer": "lbfgs"}, "optimizer: expected one of 'adam'|'sgd'"),
    "an optimizer that is made": ({"optimizer": Adam(0.1)}, "or a function of the rate"),
    "learning_rate": ({"learning_rate": "adaptive"}, "learning_rate: expected"),
    "random_state": ({"random_state": "a"}, "cannot be used to seed"),
    "class_weight": ({"class_weight": "even"}, "class_weight"),
    "callbacks": ({"callbacks": ["a"]}, r"callbacks\[0\]: expected a Callback"),
    "validation": ({"callbacks": [EarlyStopping()]}, "observe \"loss\".*early_stopping=True holds"),
    "one callback": ({"callbacks": EarlyStopping()}, "callbacks: expected None, or a list of"),
    "augment": ({"augment": 3}, "augment: expected a function"),
}  # fmt: skip
OF_NETWORK: dict[str, tuple[dict[str, Any], str]] = {
    "alpha": ({"alpha": -1.0}, "alpha: expected a finite number from 0"),
    "hidden_layer_sizes": ({"hidden_layer_sizes": (3, 0)}, "hidden_layer_sizes: expected a whole"),
    "activation": ({"activation": "logistic"}, "activation: expected one of"),
    "dropout": ({"dropout": 1.0}, "dropout: expected a number below 1"),
    "batch_norm": ({"batch_norm": 2}, "batch_norm: expected True or False"),
}
OF_CONVNET: dict[str, tuple[dict[str, Any], str]] = {
    "filters": ({"filters": (4, -1)}, "filters: expected a whole number"),
    "kernel_size": ({"kernel_size": (3, 3, 3)}, "kernel_size: expected a size, or a pair"),
    "pool_size": ({"pool_size": 0}, "pool_size: expected a whole number"),
}


@pytest.mark.parametrize(
    ("make", "case"),
    [
        *[(make, case) for make in CLASSIFIERS.values() for case in REFUSED.values()],
        *[(estimators.MLPClassifier, case) for case in OF_NETWORK.values()],
        *[(estimators.ConvNetClassifier, case) for case in (OF_NETWORK | OF_CONVNET).values()],
    ],
)
def test_refused_arguments(make: Any, case: Any) -> None:
    options, message = case
    estimator = make(**options)
    before = dict(vars(estimator))
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        estimator.fit(X, Y)
    assert len(str(caught.value)) <= 500
    assert vars(estimator) == before


BAD_LABELS = {
    "one class": (np.zeros(120), "at least two classes, received one class, 0"),
    "one class of text": (np.full(120, "cat"), "received one class, 'cat'"),
    "numbers between": (X[:, 0], "Unknown label type: continuous"),
    "NaN": (np.where(Y == 0, np.nan, 1.0), "Input y contains NaN"),
    "several classes a row": (np.stack([Y, Y], 1), "one class a row, or zeros and ones"),
    "none": (None, "requires y to be passed"),
    "bytes": (np.array([b"no", b"yes"])[Y % 2], "labels represented as bytes|received bytes"),
    "mixed": (np.array(["a", 1] * 60, dtype=object), "all text or all numbers|mix of label"),
}


@each_classifier
@pytest.mark.parametrize("case", BAD_LABELS)
def test_bad_labels(make: Any, case: str) -> None:
    labels, message = BAD_LABELS[case]
    estimator = make(random_state=0)
    before = dict(vars(estimator))
    with pytest.raises((ValueError, TypeError), match=message):
        estimator.fit(X, labels)
    assert vars(estimator) == before


def test_one_row() -> None:
    with pytest.raises(ArgumentError, match="received one class, 1"):
        estimators.MLPClassifier().fit(X[:1], [1])
    fitted = estimators.MLPRegressor(6, **QUICK).fit(X[:1], [1.5])
    assert fitted.predict(X[:1]).shape == (1,)
    classifier = estimators.MLPClassifier(6, **QUICK).fit(X, Y)
    np.testing.assert_array_equal(classifier.predict(X[:1]), classifier.predict(X)[:1])


def test_classes_that_fit_did_not_see() -> None:
    fitted = estimators.MLPClassifier(6, **QUICK).fit(X, Y)
    unseen = np.where(Y == 0, 9, Y)
    assert fitted.score(X, unseen) <= 2 / 3  # they are wrong, whatever is predicted
    with pytest.raises(
        ArgumentError, match=r"y: expected classes among \[0, 1, 2\], received \[9\]"
    ):
        fitted.partial_fit(X, unseen)
    fitted.set_params(warm_start=True)
    with pytest.raises(ArgumentError, match="y: expected classes among"):
        fitted.fit(X, unseen)


def test_partial_fit_refuses() -> None:
    estimator = estimators.MLPClassifier(6, random_state=0)
    with pytest.raises(ArgumentError, match="classes: expected all classes in the first call"):
        estimator.partial_fit(X, Y)
    with pytest.raises(ArgumentError, match="early_stopping: expected False with partial_fit"):
        clone(estimator).set_params(early_stopping=True).partial_fit(X, Y, [0, 1, 2])
    with pytest.raises(ArgumentError, match="class_weight: expected a dict"):
        clone(estimator).set_params(class_weight="balanced").partial_fit(X, Y, [0, 1, 2])
    estimator.partial_fit(X, Y, classes=[0, 1, 2])
    with pytest.raises(ArgumentError, match=r"classes: expected None, or those of the first call"):
        estimator.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match="is expecting 2 features"):
        estimator.partial_fit(X[:, :1], Y)
    regressor = estimators.MLPRegressor(6, random_state=0).partial_fit(X, Y)
    with pytest.raises(ArgumentError, match=r"y: expected \(n,\) as in the last call"):
        regressor.partial_fit(X, np.stack([Y, Y], axis=1))


def test_warm_start_of_another_network() -> None:
    estimator = estimators.MLPClassifier(6, warm_start=True, **QUICK).fit(X, Y)
    estimator.set_params(hidden_layer_sizes=7)
    with pytest.raises(ArgumentError, match="warm_start: expected False where the network"):
        estimator.fit(X, Y)
    assert estimator.n_iter_ == 3


WEIGHTS = {
    "only zeros": (np.zeros(120), "non-zero number|expected a weight above 0"),
    "negative": (np.where(Y == 0, -1.0, 1.0), "Negative values"),
    "NaN": (np.where(Y == 0, np.nan, 1.0), "contains NaN"),
    "too few": (np.ones(119), "sample_weight.shape"),
    "two axes": (np.ones((120, 1)), "1D array"),
}


@every
@pytest.mark.parametrize("case", WEIGHTS)
def test_bad_weights(make: Any, case: str) -> None:
    weights, message = WEIGHTS[case]
    with pytest.raises(ValueError, match=message):
        make().fit(X, Y, sample_weight=weights)


@pytest.mark.filterwarnings("ignore::neural_network.TrainingHint")
def test_a_training_that_diverges() -> None:
    estimator = estimators.MLPRegressor(6, optimizer="sgd", learning_rate=1e6, random_state=0)
    before = dict(vars(estimator))
    with pytest.raises(DivergenceError, match=re.compile("loss|gradient|finite", re.IGNORECASE)):
        estimator.fit(X * 1e3, Y)
    assert vars(estimator) == before


def test_dtype_errors_are_value_and_type_errors() -> None:
    with pytest.raises(DTypeError, match="max_iter"):
        estimators.MLPClassifier(max_iter=2.5).fit(X, Y)


class Interrupt(Callback):
    def on_epoch_end(self, *_: Any) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_a_training_that_is_broken_off_leaves_the_weights(method: str) -> None:
    """Weights, statistics and the optimizer's state are those before, so that it can go on."""
    models = [
        estimators.ConvNetClassifier(
            2, batch_norm=True, warm_start=True, random_state=0, max_iter=2
        )
        for _ in range(2)
    ]
    for model in models:
        getattr(model, method)(X, Y, **({"classes": [0, 1, 2]} if method == "partial_fit" else {}))
    expected = models[1].predict_proba(X)
    with pytest.raises(KeyboardInterrupt):
        getattr(models[1].set_params(callbacks=[Interrupt()]), method)(X, Y)
    np.testing.assert_array_equal(models[1].predict_proba(X), expected)
    for model in models:
        getattr(model.set_params(callbacks=None), method)(X, Y)
    np.testing.assert_array_equal(models[0].predict_proba(X), models[1].predict_proba(X))


def test_dates_are_no_numbers() -> None:
    with pytest.raises(DTypeError, match="X: expected rows of numbers, received dtype datetime64"):
        estimators.MLPClassifier().fit(np.zeros((4, 2), "M8[s]"), [0, 1, 0, 1])


def test_targets_that_the_type_of_the_rows_cannot_hold() -> None:
    with pytest.raises(ArgumentError, match=r"y: expected numbers that the model's float32 can"):
        estimators.MLPRegressor().fit(np.eye(3, dtype="f4"), [1.0, 1e39, 2.0])


@pytest.mark.parametrize(
    ("channels", "fitted", "moved"),
    [
        ("last", "(4, 4, 3)", "X.transpose(0, 2, 3, 1)"),
        ("first", "(3, 4, 4)", "X.transpose(0, 3, 1, 2)"),
    ],
)
def test_pictures_of_the_other_order_of_axes_are_told_the_one_of_fit(
    channels: str, fitted: str, moved: str
) -> None:
    last = np.random.default_rng(0).random((12, 4, 4, 3)).astype(np.float32)
    first = last.transpose(0, 3, 1, 2)
    given, other = (last, first) if channels == "last" else (first, last)
    classifier = estimators.ConvNetClassifier(
        filters=(2,), channels=channels, max_iter=1, random_state=0
    ).fit(given, np.arange(12) % 2)
    said = f"expected rows of shape {fitted}, as in fit, received rows of shape {other.shape[1:]}"
    with pytest.raises(ArgumentError, match=re.escape(f"{said}; {moved}")):
        classifier.predict(other)
    assert len(classifier.predict(given)) == 12
