"""Elementary functions beside exact ones, at 10,000 drawn bit patterns a type and function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.functional.accuracy import ALLOWED, excepted, measure
from tests.functional.exact import CASES


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes(name: str, dtype: Any) -> None:
    for result, worst in measure(CASES[name], dtype, draws=10_000, seed=1).items():
        if not excepted(name, result, dtype):
            assert worst.error <= ALLOWED, f"{name}, {result}: {worst}"
