"""Searches in several processes: the same results, one thread for each process."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

from neural_network import MissingDependencyError, estimators, get_num_threads
from tests.estimators.data import CONVERGES_NOT, QUICK, pictures, points
from tests.processes import run_python

pytestmark = pytest.mark.filterwarnings(CONVERGES_NOT)


def threads(estimator: Any, X: Any, y: Any) -> float:  # of a scorer
    """The largest number of threads of this process, of kernels and of BLAS."""
    blas = [found["num_threads"] for found in threadpool_info() if found["user_api"] == "blas"]
    return float(max(get_num_threads(), *blas))


@pytest.mark.slow
def test_processes_have_one_thread_each() -> None:
    X, y = points(40)
    with parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        found = cross_val_score(estimators.MLPClassifier(5, **QUICK), X, y, cv=2, scoring=threads)
    assert found.tolist() == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_two_jobs_find_what_one_finds(backend: str) -> None:
    images, labels = pictures(shape=(1, 6, 6))
    pipeline = make_pipeline(
        StandardScaler(), estimators.ConvNetClassifier(hidden_layer_sizes=4, **QUICK)
    )
    grid = {
        "convnetclassifier__filters": [2, (2, 3)],
        "convnetclassifier__learning_rate": [0.01, 0.1],
        "convnetclassifier__hidden_layer_sizes": [(), (4, 4)],
    }
    results = []
    for jobs in (1, 2):
        with parallel_config(backend, n_jobs=jobs):
            search = GridSearchCV(pipeline, grid, cv=2, scoring="neg_log_loss")
            results.append(search.fit(images.reshape(40, 36), labels))
    one, two = (search.cv_results_["mean_test_score"] for search in results)
    np.testing.assert_allclose(one, two, rtol=1e-6)
    assert results[0].best_params_ == results[1].best_params_


def test_the_library_itself_loads_no_scikit_learn() -> None:
    code = "import sys, neural_network.estimators as e, neural_network as nn; nn.relu; dir(e)"
    assert not run_python("-c", f"{code}; sys.exit('sklearn' in sys.modules)").returncode


def test_without_scikit_learn() -> None:
    code = f"""
import sys
sys.modules["sklearn"] = None
import neural_network as nn
from neural_network import *
for name in {estimators.__all__!r}:
    try:
        getattr(nn.estimators, name)
    except nn.MissingDependencyError as error:
        assert str(error).endswith('install "neural-network-numpy[sklearn]" brings it'), error
    else:
        sys.exit("no error")
try:
    from neural_network.estimators import MLPClassifier
except ImportError as error:
    assert "estimators: needs scikit-learn" in str(error), error
else:
    sys.exit("no error")
"""
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr


def test_the_error_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.base", None)
    for name in [name for name in sys.modules if name.startswith("neural_network.estimators.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(vars(estimators), "MLPClassifier", raising=False)
    with pytest.raises(MissingDependencyError, match="needs scikit-learn"):
        _ = estimators.MLPClassifier
    assert issubclass(MissingDependencyError, ImportError)


def test_the_base_is_scikit_learns() -> None:
    assert issubclass(estimators.MLPClassifier, BaseEstimator)
