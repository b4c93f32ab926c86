"""Arrays of types that no network takes: each method says so, whatever fails inside scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import neural_network as nn
from neural_network.estimators import Conv2DFeatures, MLPClassifier, MLPRegressor
from neural_network.estimators.refusals import raised_by_scikit_learn
from tests.estimators.data import CONVERGES_NOT
from tests.needs import need_module

pytestmark = pytest.mark.filterwarnings(CONVERGES_NOT)
N = 12
X, y = np.random.default_rng(0).normal(size=(N, 9)), np.arange(N) % 2
QUICK: dict[str, Any] = {"max_iter": 1, "tol": 0.0, "random_state": 0}
RECORD = np.dtype([("a", "f8"), ("b", "i4")])


class Odd:
    """Refuses everything."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def __lt__(self, other: object) -> bool:
        raise RuntimeError("no order")

    def __float__(self) -> float:
        raise RuntimeError("no number")

    __hash__ = None  # type: ignore[assignment]  # as of a list


def filled(value: Any, shape: tuple[int, ...]) -> Any:
    made = np.empty(shape, object)
    for place in np.ndindex(*shape):
        made[place] = value
    return made


OBJECTS = [{}, Odd(), 1j, b"x", 10**400, np.zeros(2), None]
ODD: dict[str, Callable[[tuple[int, ...]], Any]] = {
    "records": lambda shape: np.zeros(shape, RECORD),
    "a row of records": lambda shape: np.zeros(shape[:1], RECORD),
    "void": lambda shape: np.zeros(shape, "V4"),
    "dates": lambda shape: np.zeros(shape, "datetime64[D]"),
    "spans": lambda shape: np.zeros(shape, "timedelta64[s]"),
    "bytes": lambda shape: np.full(shape, b"ab"),
    "complex": lambda shape: np.ones(shape, complex),
    "masked": lambda shape: np.ma.masked_array(np.ones(shape), mask=True),
    "frame of text": lambda shape: pd.DataFrame(np.full((*shape, 1)[:2], "a")),
    "periods": lambda shape: pd.Series(pd.period_range("2020", periods=shape[0])),
    "intervals": lambda shape: pd.Series(pd.interval_range(0, shape[0])),
    "mixed": lambda shape: np.array([1.0, "a"] * (shape[0] // 2), object),
    "records without an axis": lambda _: np.zeros((), RECORD),
    **{
        f"objects {str(value)[:12]}": lambda shape, value=value: filled(value, shape)
        for value in OBJECTS
    },
}


def judge(call: Callable[[], Any]) -> str | None:
    """Return what is wrong with the error of a call; it may also be right to compute."""
    try:
        call()
    except nn.NeuralNetworkError as error:
        text = str(error)
        return None if len(text) <= 500 and ": expected " in text else text
    except Warning:  # of scikit-learn's, about a column of labels
        return None
    except Exception as error:  # of any kind: an accident, unless scikit-learn raises it
        return None if raised_by_scikit_learn(error) else repr(error)
    return None


@pytest.mark.parametrize("kind", ODD)
def test_odd_types_get_sentences(kind: str, fitted: dict[type, Any]) -> None:
    wrong = []
    for cls, estimator in fitted.items():
        before = dict(vars(estimator))
        given = ODD[kind]((N, 9))
        methods = ("predict", "predict_proba", "predict_log_proba", "decision_function")
        for name in (*methods, "transform"):
            if hasattr(cls, name):
                method = getattr(estimator, name)
                wrong.append((name, judge(lambda f=method, v=given: f(v))))
        wrong.append(("fit", judge(lambda e=estimator, v=given: e.fit(v, y))))
        for shape in ((N,), (N, 2)):
            given = ODD[kind](shape)
            calls = {
                "y of fit": lambda e=estimator, v=given: e.fit(X, v),
                "weights of fit": lambda e=estimator, v=given: e.fit(X, y, sample_weight=v),
            }
            if cls is not Conv2DFeatures:
                calls |= {
                    "y of partial_fit": lambda e=estimator, v=given: e.partial_fit(X, v),
                    "X of score": lambda e=estimator: e.score(ODD[kind]((N, 9)), y),
                    "y of score": lambda e=estimator, v=given: e.score(X, v),
                    "weights of score": lambda e=estimator, v=given: e.score(X, y, v),
                }
            if cls is MLPClassifier:
                calls["classes"] = lambda v=given: MLPClassifier(2, **QUICK).partial_fit(X, y, v)
                calls["classes again"] = lambda e=estimator, v=given: e.partial_fit(X, y, v)
            for name, call in calls.items():
                if "fit" in name:
                    vars(estimator).update(before)
                wrong.append((name, judge(call)))
                vars(estimator).update(before)
    assert [(name, found) for name, found in wrong if found is not None] == []


@pytest.fixture(scope="module")
def fitted() -> dict[type, Any]:
    return {
        MLPClassifier: MLPClassifier(2, **QUICK).fit(X, y),
        MLPRegressor: MLPRegressor(2, **QUICK).fit(X, y),
        Conv2DFeatures: Conv2DFeatures("sobel-x").fit(X),
    }


def test_the_sentences(fitted: dict[type, Any]) -> None:
    classifier, regressor = fitted[MLPClassifier], fitted[MLPRegressor]
    records = np.zeros((N, 9), RECORD)
    with pytest.raises(TypeError, match=r"MLPClassifier.predict: X: .*structured_to_unstruct"):
        classifier.predict(records)
    with pytest.raises(TypeError, match=r"MLPClassifier.fit: X: .* numbers, .* datetime64\[D\]"):
        classifier.fit(records.view(np.uint8)[:, :9].astype("datetime64[D]"), y)
    # Before 1.8 scikit-learn refuses these labels itself.
    match = "MLPClassifier.score: y, sample_weight: expected labels|Labels in y_true and y_pred"
    with pytest.raises(TypeError, match=match):
        classifier.score(X, records[:, 0])
    with pytest.raises(TypeError, match=r"MLPRegressor.score: .* numbers, and weights"):
        regressor.score(X, y, records[:, 0])
    with pytest.raises(TypeError, match=r"MLPRegressor.fit: X, y: expected .* not 'dict'"):
        regressor.fit(X, filled({}, (N,)))
    with pytest.raises(RuntimeError, match=r"MLPClassifier.fit: .* \(no comparison\)"):
        classifier.fit(X, filled(Odd(), (N,)))
    with pytest.raises(ValueError, match=r"^Input X contains NaN"):  # scikit-learn's own
        classifier.predict(np.full((1, 9), np.nan))


def test_types_that_numpy_lacks() -> None:
    ml_dtypes = need_module("ml_dtypes")
    with pytest.raises(nn.DTypeError, match=r"as X.astype\(np.float32\), received dtype bfloat16"):
        MLPClassifier(2).fit(X.astype(ml_dtypes.bfloat16), y)
