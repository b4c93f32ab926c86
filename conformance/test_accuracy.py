"""Elementary functions beside exact ones, at drawn bit patterns of each type.

1,000 a function and type; ``make accuracy`` draws 10,000.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from tests.functional.accuracy import ALLOWED, excepted, measure
from tests.functional.exact import CASES

DRAWS = int(os.environ.get("ACCURACY_DRAWS", "1000"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", CASES)
def test_values_and_slopes(name: str, dtype: Any) -> None:
    for result, worst in measure(CASES[name], dtype, draws=DRAWS, seed=1).items():
        if not excepted(name, result, dtype):
            assert worst.error <= ALLOWED, f"{name}, {result}: {worst}"
