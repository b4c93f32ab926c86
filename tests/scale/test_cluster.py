"""Searches on a cluster of two worker processes: the results of one process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import dask.array as da
import distributed
import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score

import neural_network as nn
from neural_network.estimators import MLPClassifier

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*max_iter")]


@pytest.fixture(scope="module")
def client() -> Iterator[distributed.Client]:
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def data(rows: int = 120) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(rows, 6))
    return X, np.where(X[:, 0] * X[:, 1] > 0, "yes", "no")


def search(estimator: Any = None) -> GridSearchCV:
    estimator = estimator or MLPClassifier(max_iter=5, random_state=0, tol=0)
    grid = {"hidden_layer_sizes": [(8,), (16,)], "learning_rate": [0.01, 0.001]}
    return GridSearchCV(estimator, grid, cv=3)


def threads() -> tuple[int, list[int]]:
    import threadpoolctl

    blas = [one for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]
    return nn.get_num_threads(), [one["num_threads"] for one in blas]


def test_a_worker_has_one_thread_for_kernels_and_one_for_blas(client: distributed.Client) -> None:
    for kernels, blas in client.run(threads).values():
        assert kernels == 1
        assert set(blas) == {1}


def test_searches_scores_and_ensembles_equal_those_of_one_process(
    client: distributed.Client,
) -> None:
    X, y = data()
    network = MLPClassifier(hidden_layer_sizes=(8,), max_iter=5, random_state=0, tol=0)
    ensemble = BaggingClassifier(network, n_estimators=4, random_state=1, n_jobs=2)
    here = search().fit(X, y)
    scores = cross_val_score(network, X, y, cv=4)
    answers = ensemble.fit(X, y).predict_proba(X)
    with joblib.parallel_config("dask"):
        there = search().fit(X, y)
        np.testing.assert_array_equal(cross_val_score(network, X, y, cv=4), scores)
        np.testing.assert_array_equal(ensemble.fit(X, y).predict_proba(X), answers)
    assert there.best_params_ == here.best_params_
    np.testing.assert_array_equal(
        there.cv_results_["mean_test_score"], here.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(there.predict_proba(X), here.predict_proba(X))


class Killing(ClassifierMixin, BaseEstimator):
    """A network whose first ``fit`` in a worker kills the worker's process."""

    def __init__(
        self, mark: str = "", hidden_layer_sizes: Any = (8,), learning_rate: float = 0.01
    ) -> None:
        self.mark = mark
        self.hidden_layer_sizes = hidden_layer_sizes
        self.learning_rate = learning_rate

    def fit(self, X: Any, y: Any) -> Any:
        import contextlib

        if self.mark:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
        self.network_ = MLPClassifier(
            hidden_layer_sizes=self.hidden_layer_sizes, max_iter=5, random_state=0, tol=0,
            learning_rate=self.learning_rate,
        ).fit(X, y)  # fmt: skip
        self.classes_ = self.network_.classes_
        return self

    def predict(self, X: Any) -> Any:
        return self.network_.predict(X)


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(
    client: distributed.Client, tmp_path: Any
) -> None:
    X, y = data()
    here = search(Killing()).fit(X, y)
    killed = tmp_path / "killed"
    before = set(client.run(os.getpid).values())
    # ``scatter`` puts a copy into each worker; otherwise one alone has what joblib sends it.
    with joblib.parallel_config("dask", scatter=[X, y]):
        # The search fits the best one again in this process, and so finds the mark there.
        there = search(Killing(mark=str(killed))).fit(X, y)
    assert killed.exists()
    client.wait_for_workers(2)
    assert set(client.run(os.getpid).values()) != before
    for key in ("mean_test_score", "split0_test_score", "params"):
        np.testing.assert_array_equal(there.cv_results_[key], here.cv_results_[key])
    np.testing.assert_array_equal(there.predict(X), here.predict(X))


def test_blocks_on_a_cluster_equal_those_of_one_process(client: distributed.Client) -> None:
    image = np.random.default_rng(0).normal(size=(50, 41))
    blocks = nn.scale.dask.conv2d(da.from_array(image, 16), np.ones((3, 3)), padding="same")
    np.testing.assert_allclose(
        client.compute(blocks, sync=True), nn.conv2d(image, np.ones((3, 3)), padding="same")
    )
    model = nn.models.load_tiny_cnn()
    digits = np.random.default_rng(0).random((12, 1, 28, 28), dtype=np.float32)
    scores = nn.scale.dask.predict(model, da.from_array(digits, (5, 1, 28, 28)))
    np.testing.assert_allclose(
        client.compute(scores, sync=True), model.predict(digits), rtol=1e-5, atol=1e-6
    )
