"""NumPy's functions on tensors beside the same functions on arrays, on many drawn arguments."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from tests.autograd.draws import all_drawers, run

from conformance.agreement import DRAWN

DRAWERS = all_drawers()
COUNT = 1000


@pytest.mark.parametrize("function", DRAWERS, ids=lambda f: f.__name__)
def test_a_rule_equals_its_function(function: Any) -> None:
    found = run(function, DRAWERS[function], COUNT, 1 + zlib.crc32(function.__name__.encode()))
    assert found["agrees"] >= COUNT // 6, found
    DRAWN.update(found)
