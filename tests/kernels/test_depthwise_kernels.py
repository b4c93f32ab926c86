"""Compiled depthwise convolution against what NumPy's bodies give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_network.autograd import Tensor, check_gradients, grad
from neural_network.functional.convolution.ops import depthwise
from neural_network.functional.window import Window
from neural_network.kernels.runtime.gate import use_kernels
from tests import needs
from tests.layouts import in_order
from tests.threads import on_one_and_two_threads

planes = needs.kernels("convolution.depthwise_planes")
kernels = needs.kernels("convolution.depthwise")

RNG = np.random.default_rng(0)
# Images, filters, padding, stride, dilation.
CASES = [
    ((2, 4, 6, 7), (4, 1, 3, 3), ((1, 1), (1, 1)), (1, 1), (1, 1)),
    ((2, 3, 7, 6), (6, 1, 3, 3), ((2, 2), (2, 2)), (1, 1), (2, 2)),
    ((2, 3, 5, 8), (3, 1, 3, 2), ((0, 2), (1, 0)), (1, 1), (1, 1)),
    ((1, 5, 6, 5), (5, 1, 2, 3), ((0, 0), (0, 0)), (1, 1), (1, 1)),
    ((3, 2, 9, 8), (4, 1, 3, 3), ((1, 1), (1, 1)), (2, 2), (1, 1)),
    ((2, 3, 8, 9), (3, 1, 2, 2), ((0, 1), (3, 0)), (3, 2), (2, 3)),
    ((2, 17, 4, 3), (17, 1, 5, 5), ((2, 2), (2, 2)), (1, 1), (1, 1)),
    ((1, 2, 6, 40), (2, 1, 1, 1), ((0, 0), (0, 0)), (1, 1), (1, 1)),
    ((2, 2, 3, 3), (2, 1, 3, 3), ((2, 2), (2, 2)), (1, 1), (1, 1)),
]


def convolved(arrays: Any, case: Any) -> Any:
    """The result (N, F, OH, OW) for (N, C, H, W), filters (F, 1, fh, fw) and perhaps a bias."""
    X, W, *bias = arrays
    pads, stride, dilation = case[2:]
    window = Window.of("f", X.shape[2:], W.shape[2:], stride, pads, dilation)
    groups = X.shape[1]
    grouped = [
        X[:, :, None],
        *[array.reshape(groups, -1, *array.shape[1:]) for array in (W, *bias)],
    ]
    out: Any = depthwise(grouped, window, "auto", False)
    return out.reshape(len(X), len(W), *window.outputs)


def drawn(case: Any, dtype: str = "float64") -> list[Any]:
    shape, filters = case[:2]
    shapes: list[Any] = [shape, filters, filters[:1]]
    return [RNG.standard_normal(shape).astype(dtype) for shape in shapes]


def found(mode: str, arrays: list[Any], case: Any, layout: str = "first") -> list[Any]:
    """The result, and the gradients for a cotangent that is the same at each call."""
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    with use_kernels(mode):
        out: Any = convolved(leaves, case)
        g = np.random.default_rng(5).standard_normal(out.shape).astype(out.dtype)
        out.backward(in_order(g, layout))
    return [out.data, *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", ["first", "last", "strided", "read-only"])
@pytest.mark.parametrize("case", CASES)
def test_as_numpys(case: Any, layout: str, dtype: str) -> None:
    arrays = drawn(case, dtype)
    wide = [array.astype("float64") for array in arrays]
    for some in (slice(0, 3), slice(0, 2)):  # with and without a bias
        expected = found("numpy", wide[some], case)
        arrays[0] = in_order(arrays[0], layout)
        for g_layout in ("first", "last"):
            ours = found("numba", arrays[some], case, g_layout)
            for actual, desired in zip(ours, expected, strict=True):
                assert actual.dtype == dtype
                tolerance = 1e-12 if dtype == "float64" else 2e-5
                np.testing.assert_allclose(actual, desired, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("case", CASES[:4])
def test_the_order_of_memory_stays(case: Any, layout: str) -> None:
    arrays = drawn(case)
    arrays[0] = in_order(arrays[0], layout)
    for array in found("numba", arrays, case, layout)[:1]:
        seen = array if layout == "first" else np.moveaxis(array, 1, -1)
        assert seen.flags.c_contiguous


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("value", [np.inf, np.nan])
@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("case", [CASES[i] for i in (0, 2, 3, 4)])
def test_what_is_not_finite(case: Any, layout: str, value: float, place: int) -> None:
    arrays = drawn(case)
    arrays[place][0, 0, 0, 1] = value
    arrays[place][-1, 0, -1, -1] = -value
    with np.errstate(invalid="ignore"):
        expected = found("numpy", arrays, case)
    arrays[0] = in_order(arrays[0], layout)
    for actual, desired in zip(found("numba", arrays, case), expected, strict=True):
        if layout == "first":
            np.testing.assert_allclose(actual, desired, rtol=1e-10, atol=1e-12)
        else:  # the zeros around the image are left out there, and 0 · ∞ with them
            sure = np.isfinite(desired)
            np.testing.assert_allclose(actual[sure], desired[sure], rtol=1e-10, atol=1e-12)
    assert not np.isfinite(expected[0]).all()


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("case", CASES)
def test_gradients_twice(case: Any, layout: str) -> None:
    arrays = [a[:, :2] if a.ndim == 4 and a.shape[1] > 1 else a for a in drawn(case)]
    filters = 2 * (case[1][0] // case[0][1])
    arrays = [arrays[0], arrays[1][:filters], arrays[2][:filters]]
    arrays[0] = in_order(arrays[0], layout)
    with use_kernels("numba"):
        weights = RNG.standard_normal(convolved(arrays, case).shape)
        check_gradients(lambda a: convolved(a, case), [arrays])
        slope = grad(lambda X: np.sum(weights * convolved([X, *arrays[1:]], case) ** 2))
        check_gradients(slope, [arrays[0]], tolerance=1e-5)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("case", CASES)
def test_threads_change_no_bit(case: Any, layout: str) -> None:
    arrays = drawn(case, "float32")
    arrays[0] = in_order(np.repeat(arrays[0], 5, axis=0), layout)
    results = on_one_and_two_threads(lambda: found("numba", arrays, case, layout))
    for actual, desired in zip(*results, strict=True):
        np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("case", CASES[:6])
def test_uncompiled(case: Any, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = drawn(case)
    arrays[0] = in_order(arrays[0], layout)
    expected = found("numba", arrays, case, layout)
    for home in (planes, kernels):
        for name, kind in list(vars(home).items()):
            body = getattr(kind, "body", None) or getattr(kind, "py_func", None)
            if body is not None:
                monkeypatch.setattr(home, name, body)
                if hasattr(kernels, name):
                    monkeypatch.setattr(kernels, name, body)
    for actual, desired in zip(found("numba", arrays, case, layout), expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-12, atol=1e-13)
