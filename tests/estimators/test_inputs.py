"""Every form of X gives the same network; what does not fit is a sentence."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from neural_network import ArgumentError, DTypeError, ShapeError, estimators
from tests.estimators.data import CONVERGES_NOT, QUICK, pictures, points

pytestmark = pytest.mark.filterwarnings(CONVERGES_NOT)
X, Y = pictures()
N = len(X)


def network(**options: Any) -> Any:
    return estimators.ConvNetClassifier(**{"filters": 4, "hidden_layer_sizes": 8} | QUICK | options)


FORMS = {
    "flat": (X.reshape(N, 90), {"image_shape": (3, 6, 5)}),
    "list": (X.reshape(N, 90).tolist(), {"image_shape": [3, 6, 5]}),
    "flat, channels last": (
        X.transpose(0, 2, 3, 1).reshape(N, 90),
        {"image_shape": (6, 5, 3), "channels": "last"},
    ),
    "channels last": (X.transpose(0, 2, 3, 1), {"channels": "last"}),
    "channels last and image_shape": (
        X.transpose(0, 2, 3, 1),
        {"channels": "last", "image_shape": (6, 5, 3)},
    ),
    "nested lists": (X.tolist(), {}),
    "sparse": (sparse.csr_matrix(X.reshape(N, 90)), {"image_shape": (3, 6, 5)}),
    "sparse columns": (sparse.csc_array(X.reshape(N, 90)), {"image_shape": (3, 6, 5)}),
    "frame": (pd.DataFrame(X.reshape(N, 90)), {"image_shape": (3, 6, 5)}),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_pictures(form: str) -> None:
    given, options = FORMS[form]
    if not hasattr(given, "dtype") and not hasattr(given, "columns"):
        expected = network().fit(X.astype(np.float64), Y)  # numbers in lists are float64
    else:
        expected = network().fit(X, Y)
    fitted = network(**options).fit(given, Y)
    assert fitted.input_shape_ == (3, 6, 5)
    assert fitted.n_features_in_ == 90
    np.testing.assert_array_equal(fitted.predict_proba(given), expected.predict_proba(X))


def test_one_channel_needs_no_axis() -> None:
    grey = X[:, 0]
    fitted = network().fit(grey, Y)
    assert fitted.input_shape_ == (1, 6, 5)
    expected = fitted.predict_proba(grey)
    np.testing.assert_array_equal(fitted.predict_proba(grey[:, None]), expected)
    np.testing.assert_array_equal(fitted.predict_proba(grey.reshape(N, 30)), expected)
    flat = network(image_shape=(6, 5)).fit(grey.reshape(N, 30), Y)
    np.testing.assert_array_equal(flat.predict_proba(grey), expected)


@pytest.mark.parametrize(("features", "shape"), [(36, (1, 6, 6)), (7, (1, 1, 7)), (1, (1, 1, 1))])
def test_flat_rows_without_a_shape(features: int, shape: tuple[int, ...]) -> None:
    rows = np.random.default_rng(0).normal(size=(N, features))
    assert network().fit(rows, Y).input_shape_ == shape
    assert estimators.Conv2DFeatures().fit(rows).input_shape_ == shape


def test_pooling_only_where_it_fits() -> None:
    signals = np.random.default_rng(0).normal(size=(N, 1, 1, 5))
    layers = network(filters=(4, 4, 4)).fit(signals, Y).model_
    windows = [layer.kernel_size for layer in layers if type(layer).__name__ == "MaxPool2D"]
    assert windows == [(1, 2), (1, 2)]  # 5 → 2 → 1


TYPES = {"float64": "float64", "float32": "float32", "float16": "float32", "uint8": "float32",
         "bool": "float32", "int16": "float32", "int32": "float64", "int64": "float64"}  # fmt: skip


@pytest.mark.filterwarnings("ignore::neural_network.TrainingHint")
@pytest.mark.parametrize("given", TYPES)
def test_the_type_to_compute_in(given: str) -> None:
    rows, y = points(40)
    fitted = estimators.MLPClassifier(5, **QUICK).fit(rows.astype(given), y)
    assert fitted.model_.dtype == fitted.predict_proba(rows.astype(given)).dtype == TYPES[given]
    regressor = estimators.MLPRegressor(5, **QUICK).fit(rows.astype(given), y)
    assert regressor.model_.dtype == TYPES[given]


@pytest.mark.parametrize(
    "make", [estimators.MLPClassifier, estimators.MLPRegressor, estimators.TrainerClassifier]
)
@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.coo_matrix])
def test_sparse_rows_give_the_bits_of_dense_ones(make: Any, kind: Any) -> None:
    rows, y = points(500)
    weights = np.arange(500) % 5
    dense = make(**QUICK).fit(rows, y, sample_weight=weights)
    fitted = make(**QUICK).fit(kind(rows), y, sample_weight=weights)
    np.testing.assert_array_equal(fitted.predict(kind(rows)), dense.predict(rows))
    np.testing.assert_array_equal(fitted.loss_curve_, dense.loss_curve_)


def test_a_perceptron_flattens_pictures() -> None:
    fitted = estimators.MLPClassifier(5, **QUICK).fit(X, Y)
    expected = estimators.MLPClassifier(5, **QUICK).fit(X.reshape(N, 90), Y)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))


def test_names_of_columns() -> None:
    rows, y = points(60)
    frame = pd.DataFrame(rows, columns=["width", "height"])
    fitted = estimators.MLPClassifier(5, **QUICK).fit(frame, pd.Series(y))
    assert fitted.feature_names_in_.tolist() == ["width", "height"]
    with pytest.raises(ValueError, match="feature names should match"):
        fitted.predict(frame.rename(columns={"width": "length"}))


BAD = {
    "another shape than image_shape": (
        X, {"image_shape": (5, 6)}, ShapeError, r"X: expected pictures of image_shape \(5, 6\)"),
    "another number than image_shape": (
        X.reshape(N, 90), {"image_shape": (5, 6)}, ShapeError, "30 numbers, received rows of 90"),
    "image_shape that is none": (X, {"image_shape": 6}, DTypeError, r"image_shape: expected \(H"),
    "a size that is none": (
        X, {"image_shape": (0, 90)}, ArgumentError, "image_shape: expected a whole number"),
    "channels": (X, {"channels": "middle"}, ArgumentError, "channels: expected one of 'first'"),
    "five axes": (X[..., None], {}, ShapeError, r"X: expected .* received rows of shape"),
    "a mask": (np.ma.masked_less(X, 0), {}, DTypeError, "an array without a mask"),
    "ragged": ([[1.0, 2.0], [3.0]], {}, ValueError, "X: expected rows of equal length"),
    "NaN": (np.where(X > 2, np.nan, X), {}, ValueError, "Input X contains NaN"),
    "infinity": (np.where(X > 2, np.inf, X), {}, ValueError, "Input X contains infinity"),
    "one axis": (X[:, 0, 0, 0], {}, ValueError, "Expected 2D array, got 1D array"),
    "no rows": (X[:0], {}, ValueError, r"Found array with 0 sample"),
    "text": (np.full((N, 4), "a"), {}, ValueError, "could not convert|dtype='numeric'"),
    "complex": (X.reshape(N, 90) * 1j, {}, ValueError, "Complex data not supported"),
    "another number of rows": (X[1:], {}, ValueError, "inconsistent numbers of samples"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_rows(case: str) -> None:
    given, options, kind, message = BAD[case]
    estimator = network(**options)
    before = dict(vars(estimator))
    with pytest.raises(kind, match=message):
        estimator.fit(given, Y)
    assert vars(estimator) == before


def test_other_pictures_in_prediction() -> None:
    fitted = network().fit(X, Y)
    with pytest.raises(ShapeError, match=r"predict: X: expected rows of shape \(3, 6, 5\)"):
        fitted.predict(X.transpose(0, 1, 3, 2))
    with pytest.raises(ValueError, match="is expecting 90 features"):
        fitted.predict(X[:, :2])
