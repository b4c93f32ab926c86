"""Every op's samples by kernels, compiled and as plain Python, against NumPy's bodies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor
from neural_network.functional.op import Call
from tests.functional.test_ops import CASES, changed
from tests.needs import need_fast
from tests.processes import output_of

need_fast()

# Rounding may differ by the order of sums.
BOUNDS = {"float32": (1e-4, 1e-4), "float64": (1e-10, 1e-12)}


def there_and_back(function: Any, sample: Call, dtype: str, mode: str) -> list[Any]:
    """The result, and each argument's gradient for a random cotangent."""
    tensors: list[Tensor] = []

    def tensor(value: Any) -> Tensor:
        tensors.append(Tensor(value.astype(dtype), requires_grad=True))
        return tensors[-1]

    plain, lifted = changed(sample, lambda v: v.astype(dtype)), changed(sample, tensor)
    with nn.use_kernels(mode):
        first = function(*plain.args, **plain.kwargs)
        out = function(*lifted.args, **lifted.kwargs)
        cotangent = np.random.default_rng(4).standard_normal(out.shape)
        out.backward(cotangent.astype(out.dtype))
    return [first, out.data, *(one.grad for one in tensors)]


def compare(function: Any, sample: Call, dtype: str) -> None:
    rtol, atol = BOUNDS[dtype]
    expected = there_and_back(function, sample, dtype, "numpy")
    found = there_and_back(function, sample, dtype, "numba")
    for actual, desired in zip(found, expected, strict=True):
        if desired is None:
            assert actual is None
            continue
        assert np.asarray(actual).dtype == np.asarray(desired).dtype
        np.testing.assert_allclose(actual, desired, rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize(("function", "sample"), CASES)
def test_compiled(function: Any, sample: Call, dtype: str) -> None:
    compare(function, sample, dtype)


@pytest.mark.slow
def test_uncompiled() -> None:
    code = """
from tests.kernels.test_kernel_samples import BOUNDS, CASES, compare
for case in CASES:
    for dtype in BOUNDS:
        try:
            compare(*case.values, dtype)
        except AssertionError as error:
            raise AssertionError(f"{case.id}, {dtype}") from error
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
