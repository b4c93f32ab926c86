"""The transformer: filters → flattened or pooled maps."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from neural_network import ArgumentError, ShapeError, conv2d, estimators, max_pool2d, named_filter
from tests.estimators.data import pictures

X, Y = pictures(shape=(1, 7, 6))
Conv2DFeatures = estimators.Conv2DFeatures


def test_maps_are_those_of_conv2d() -> None:
    filters = [named_filter("sobel-x"), named_filter("edges")]
    maps = conv2d(X[:, 0].astype(np.float64), np.array(filters), padding="same")
    features = Conv2DFeatures(["sobel-x", "edges"], activation=None, pool=None)
    found = features.fit_transform(X.astype(np.float64))
    np.testing.assert_allclose(found, maps.reshape(len(X), -1), atol=1e-12)
    pooled = Conv2DFeatures(filters).fit(X).transform(X)
    expected = max_pool2d(np.maximum(maps, 0), 2)
    np.testing.assert_allclose(pooled, expected.reshape(len(X), -1), atol=1e-5)
    assert features.output_shape_ == (2, 7, 6)


def test_filters_without_channels_are_laid_over_each_channel() -> None:
    colour, _ = pictures()
    features = Conv2DFeatures(np.ones((2, 3, 3)), activation=None, pool=None).fit(colour)
    found = features.transform(colour).reshape(len(colour), 3, 2, 6, 5)
    for channel in range(3):
        expected = conv2d(colour[:, channel], np.ones((3, 3)), padding="same")
        for number in range(2):
            np.testing.assert_allclose(found[:, channel, number], expected, atol=1e-5)
    own = np.random.default_rng(0).normal(size=(4, 3, 2, 2))
    whole = Conv2DFeatures(own, activation=None, pool=None).fit_transform(colour)
    maps = conv2d(colour, own.astype(np.float32), padding="same")
    np.testing.assert_allclose(whole, maps.reshape(len(colour), -1), atol=1e-4)


POOLS = {"max": np.max, "mean": np.mean}


@pytest.mark.parametrize("pool", POOLS)
def test_one_number_a_map(pool: str) -> None:
    features = Conv2DFeatures("mean", activation=None, pool=pool, pool_size="all").fit(X)
    maps = conv2d(X[:, 0], named_filter("mean").astype(np.float32), padding="same")
    np.testing.assert_allclose(
        features.transform(X)[:, 0], POOLS[pool](maps, axis=(1, 2)), atol=1e-5
    )


def test_random_filters() -> None:
    features = Conv2DFeatures("random", n_filters=5, kernel_size=(2, 3), random_state=0).fit(X)
    assert features.filters_.shape == (5, 1, 2, 3)
    np.testing.assert_array_equal(features.filters_, clone(features).fit(X).filters_)
    other = clone(features).set_params(random_state=1).fit(X)
    assert not np.array_equal(features.filters_, other.filters_)


def test_principal_components_of_windows() -> None:
    weights = np.arange(len(X)) % 3
    features = Conv2DFeatures("pca", n_filters=3, kernel_size=2).fit(X, sample_weight=weights)
    windows = np.array([
        image[0, i : i + 2, j : j + 2].ravel()
        for image in X.repeat(weights, axis=0) for i in range(6) for j in range(5)
    ], np.float64)  # fmt: skip
    windows -= windows.mean(axis=1, keepdims=True)
    _, _, components = np.linalg.svd(windows, full_matrices=False)
    found = features.filters_.reshape(3, 4)
    np.testing.assert_allclose(np.abs(found @ components[:3].T), np.eye(3), atol=1e-3)
    assert (found[np.arange(3), np.abs(found).argmax(axis=1)] > 0).all()


def test_in_a_pipeline() -> None:
    pipeline = make_pipeline(Conv2DFeatures().set_output(transform="pandas"), LogisticRegression())
    flat = X.reshape(len(X), 42)
    pipeline[0].set_params(image_shape=(7, 6))
    assert pipeline.fit(flat, Y).score(flat, Y) > 0.9
    table = pipeline[0].transform(flat)
    assert list(table.columns[:2]) == ["conv2dfeatures0", "conv2dfeatures1"]
    assert table.shape == (40, 27)
    np.testing.assert_array_equal(
        pipeline[0].set_output(transform="default").transform(sparse.csr_matrix(flat)), table
    )
    loaded = pickle.loads(pickle.dumps(pipeline[0]))
    np.testing.assert_array_equal(loaded.transform(flat), table)


REFUSED: dict[str, tuple[dict[str, Any], Any, str]] = {
    "a name": ({"filters": "sobel"}, ArgumentError, "filters: expected 'random', 'pca', or names"),
    "a list with a name": ({"filters": ["edges", "sobel"]}, ArgumentError, "received 'sobel'"),
    "channels": ({"filters": np.ones((2, 3, 3, 3))}, ShapeError, r"or \(F, 1, fh, fw\)"),
    "axes": ({"filters": np.ones(3)}, ShapeError, "filters: expected a name"),
    "NaN": ({"filters": [[np.nan]]}, ArgumentError, "filters: expected finite numbers"),
    "text": ({"filters": [["a"]]}, (TypeError, ValueError), "filters"),
    "none": ({"filters": "random", "n_filters": 0}, ArgumentError, "n_filters: expected a whole"),
    "too many": ({"filters": "pca", "n_filters": 10}, ArgumentError, "n_filters: expected at most"),
    "too large": (
        {"filters": "pca", "kernel_size": 8},
        ShapeError,
        "kernel_size: expected at most",
    ),
    "a filter that does not fit": ({"filters": np.ones((9, 9)), "padding": 0}, ShapeError, "9×9"),
    "pool": ({"pool": "sum"}, ArgumentError, "pool: expected one of 'max', 'mean'"),
    "pool_size": ({"pool_size": "half"}, (TypeError, ValueError), "pool_size"),
    "stride": ({"stride": 0}, ArgumentError, "stride"),
    "activation": ({"activation": "squish"}, ArgumentError, "activation"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_arguments(case: str) -> None:
    options, kind, message = REFUSED[case]
    features = Conv2DFeatures(**options)
    before = dict(vars(features))
    with pytest.raises(kind, match=message) as caught:
        features.fit(X)
    assert len(str(caught.value)) <= 500
    assert vars(features) == before
