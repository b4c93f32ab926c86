"""scikit-learn's own checks of estimators; ``make conformance`` runs and counts all of them."""

from __future__ import annotations

from unittest import SkipTest

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from neural_network import estimators

# Few epochs of small networks; the accuracy that some checks ask for needs a high rate.
SMALL = {"max_iter": 30, "hidden_layer_sizes": 10, "learning_rate": 0.03}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # networks on data of ten rows do not converge
@parametrize_with_checks([estimators.MLPClassifier(**SMALL), estimators.MLPRegressor(**SMALL)])
def test_check(estimator: object, check: object) -> None:
    try:
        check(estimator)
    except SkipTest as skipped:
        if "SCIPY_ARRAY_API" not in str(skipped):
            raise
