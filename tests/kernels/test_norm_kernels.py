"""Compiled batch norm against NumPy's body: orders of memory, large means, NaN, threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, check_gradients, grad
from neural_network.functional.normalization import batch_norm
from neural_network.functional.normalization.batch_norm import batch_normalize, moments
from neural_network.kernels.runtime.gate import THRESHOLDS, use_kernels
from tests import needs
from tests.layouts import in_order
from tests.threads import on_one_and_two_threads

kernels = needs.kernels("normalization")

RNG = np.random.default_rng(0)
SHAPES = [(7, 5), (200, 3), (4, 3, 9), (2, 5, 6, 7), (1, 17, 4, 3), (3, 2, 2, 3, 4), (70, 1, 5, 5)]


def drawn(shape: Any, dtype: str = "float64") -> list[Any]:
    X = 3 * RNG.standard_normal(shape) + 2
    return [a.astype(dtype) for a in (X, *RNG.standard_normal((2, shape[1])))]


def found(mode: str, arrays: list[Any], layout: str = "first") -> list[Any]:
    """The result, and the gradients for a cotangent that is the same at each call."""
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    with use_kernels(mode):
        out: Any = nn.batch_norm(*leaves, epsilon=0.01)  # type: ignore[arg-type]  # tensors go where arrays do
        g = np.random.default_rng(5).standard_normal(out.shape).astype(out.dtype)
        out.backward(in_order(g, layout))
    return [out.data, *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", ["first", "last", "strided", "read-only"])
@pytest.mark.parametrize("shape", SHAPES)
def test_as_numpys(shape: Any, layout: str, dtype: str) -> None:
    arrays = drawn(shape, dtype)
    expected = found("numpy", [array.astype("float64") for array in arrays])
    arrays[0] = in_order(arrays[0], layout)
    for g_layout in ("first", "last"):
        for actual, desired in zip(found("numba", arrays, g_layout), expected, strict=True):
            assert actual.dtype == dtype
            tolerance = 1e-11 if dtype == "float64" else 2e-5
            np.testing.assert_allclose(actual, desired, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("layout", ["first", "last"])
def test_the_order_of_memory_stays(layout: str) -> None:
    arrays = drawn((2, 5, 6, 7))
    arrays[0] = in_order(arrays[0], layout)
    for array in found("numba", arrays, layout)[:2]:
        seen = array if layout == "first" else np.moveaxis(array, 1, -1)
        assert seen.flags.c_contiguous


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("mode", ["numpy", "numba"])
@pytest.mark.parametrize(("dtype", "mean"), [("float32", 3e4), ("float64", 1e9)])
def test_a_large_mean_takes_no_digits(mode: str, layout: str, dtype: str, mean: float) -> None:
    X = in_order((RNG.standard_normal((64, 3, 20, 20)) + mean).astype(dtype), layout)
    wide = X.astype(np.longdouble)
    axes = (0, 2, 3)
    with use_kernels(mode):
        middle, variance = moments(X)
        out = nn.batch_norm(X)
    np.testing.assert_allclose(middle, wide.mean(axis=axes).astype(float), rtol=1e-9)
    np.testing.assert_allclose(variance, wide.var(axis=axes).astype(float), rtol=1e-5)
    left = wide - wide.mean(axis=axes, keepdims=True)
    expected = left / np.sqrt(wide.var(axis=axes, keepdims=True) + 1e-5)
    np.testing.assert_allclose(out, expected.astype(float), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("layout", ["first", "last"])
def test_what_is_not_finite_stays_in_its_channel(layout: str) -> None:
    for value in (np.nan, np.inf, -np.inf):
        arrays = drawn((80, 5, 3, 3))
        arrays[0][70, 1, 2, 2] = value
        expected = found("numpy", arrays)
        arrays[0] = in_order(arrays[0], layout)
        for actual, desired in zip(found("numba", arrays), expected, strict=True):
            np.testing.assert_allclose(actual, desired, rtol=1e-11, atol=1e-11)
        assert np.isnan(expected[0]).sum() == 80 * 9


@pytest.mark.parametrize("layout", ["first", "last"])
def test_constant_and_huge_channels(layout: str) -> None:
    X = RNG.standard_normal((6, 3, 4, 4)).astype("float32")
    X[:, 0] = 0.1
    X[:, 1] *= 1e30
    found = []
    for mode in ("numpy", "numba"):
        with use_kernels(mode):
            found.append(nn.batch_norm(in_order(X, layout)))
    np.testing.assert_array_equal(found[1][:, 0], 0)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5, atol=1e-6)
    assert np.ptp(found[1][:, 1]) > 1


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_gradients_twice(mode: str, layout: str) -> None:
    X, gamma, beta = drawn((3, 2, 2, 3))
    X = in_order(X, layout)
    weights = RNG.standard_normal(X.shape)
    with use_kernels(mode):
        check_gradients(nn.batch_norm, [X, gamma, beta])
        for place in range(3):

            def loss(chosen: Any, place: int = place) -> Any:
                arrays = [X, gamma, beta]
                arrays[place] = chosen
                return np.sum(weights * batch_normalize(arrays, 0.1) ** 2)

            check_gradients(grad(loss), [[X, gamma, beta][place]], tolerance=1e-5)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("shape", SHAPES)
def test_threads_change_no_bit(shape: Any, layout: str) -> None:
    arrays = drawn((shape[0] * 9, *shape[1:]), "float32")
    arrays[0] = in_order(arrays[0], layout)
    results = on_one_and_two_threads(lambda: found("numba", arrays, layout))
    for actual, desired in zip(*results, strict=True):
        np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("shape", SHAPES)
def test_uncompiled(shape: Any, layout: str, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = drawn(shape)
    arrays[0] = in_order(arrays[0], layout)
    expected = found("numba", arrays)
    for name, kind in list(vars(kernels).items()):
        if hasattr(kind, "body"):
            monkeypatch.setattr(kernels, name, kind.body)
    for actual, desired in zip(found("numba", arrays), expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_the_layer_looks_at_its_batch_once(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(batch_norm, "moments", lambda X: calls.append(1) or moments(X))
    X = RNG.standard_normal((8, 3, 4, 4)).astype("float32")
    layer = nn.BatchNorm(momentum=0)
    with use_kernels(mode):
        layer(Tensor(X, requires_grad=True)).backward(np.ones_like(X))
    assert calls == [1]
    np.testing.assert_allclose(layer.running_mean.data, X.mean(axis=(0, 2, 3)), atol=1e-6)
    unbiased = X.var(axis=(0, 2, 3), ddof=1)
    np.testing.assert_allclose(layer.running_variance.data, unbiased, rtol=1e-5)


def test_small_batches_stay_with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(kernels, "moments", refuse)
    with use_kernels("auto"):
        nn.batch_norm(np.ones((2, 3)))
        with pytest.raises(AssertionError):
            nn.batch_norm(np.ones((THRESHOLDS["batch norm"], 1)))
