"""scikit-learn's own checks of estimators: all pass, and none is expected to fail."""

from __future__ import annotations

from typing import Any
from unittest import SkipTest

import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from conformance.counts import ESTIMATORS, SKIPPED, count
from neural_network import estimators

# Checks that need another library of arrays, or a device; no other check may be skipped.
ARRAY_API = (
    "check_array_api_input",
    "check_array_api_mixed_inputs",
    "check_array_api_same_namespace",
)


@pytest.mark.filterwarnings("ignore")  # networks on data of ten rows do not converge
@parametrize_with_checks([getattr(estimators, name)() for name in ESTIMATORS])
def test_check(estimator: Any, check: Any) -> None:
    function = getattr(check.func, "func", check.func)  # some are two times partial
    name = type(estimator).__name__
    try:
        check(estimator)
    except SkipTest:
        assert function.__name__ in ARRAY_API
        SKIPPED[f"{function.__name__} of {name}"] += 1
    else:
        count("estimator checks", name)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_no_tag_leaves_checks_out(name: str) -> None:
    tags = get_tags(getattr(estimators, name)())
    of_kind = tags.classifier_tags or tags.regressor_tags
    left_out = (tags.non_deterministic, tags.no_validation, tags._skip_test)
    assert not any(left_out)
    assert not getattr(of_kind, "poor_score", False)


def test_no_estimator_is_forgotten() -> None:
    assert set(ESTIMATORS) == set(estimators.__all__)
