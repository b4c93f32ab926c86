"""Compiled checks of buffers for NaN and infinity: wherever they are, compiled and not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests import needs

kernels = needs.kernels("finite")

SIZES = [1, kernels.BLOCK - 1, kernels.BLOCK, kernels.BLOCK + 1, 3 * kernels.BLOCK + 7]


@pytest.fixture(params=["compiled", "uncompiled"], autouse=True)
def bodies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "uncompiled":
        for name, found in list(vars(kernels).items()):
            body = getattr(found, "body", None) or getattr(found, "py_func", None)
            if body is not None:
                monkeypatch.setattr(kernels, name, body)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
def test_one_bad_number_is_found_anywhere(size: int, dtype: str) -> None:
    numbers = np.full(size, np.finfo(dtype).max, dtype)  # their sum would overflow
    assert kernels.all_finite(numbers)
    for place in {0, size // 2, size - 1}:
        for bad in (np.nan, np.inf, -np.inf):
            numbers[place] = bad
            with np.errstate(invalid="ignore"):
                assert not kernels.all_finite(numbers)
            numbers[place] = 0
    assert kernels.all_finite(numbers)


@pytest.mark.parametrize("size", SIZES)
def test_copying_and_checking_another_buffer(size: int) -> None:
    source, target = np.random.default_rng(0).random((2, size)).astype("float32")
    source[0] = np.nan  # not the buffer that is checked
    gradients: Any = np.ones(size, "float32")
    assert kernels.copy_and_check(source, target, gradients)
    np.testing.assert_array_equal(target, source)
    gradients[-1], source[-1] = np.inf, 7
    with np.errstate(invalid="ignore"):
        assert not kernels.copy_and_check(source, target, gradients)
    np.testing.assert_array_equal(target, source)
