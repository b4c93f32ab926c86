"""Compiled pooling against NumPy's bodies: both orders of memory, ties, NaN, threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, check_gradients, grad
from neural_network.functional.pooling.ops import window_max, window_sum
from neural_network.functional.window import Window
from neural_network.kernels.runtime.gate import THRESHOLDS, use_kernels
from tests import needs
from tests.layouts import in_order
from tests.threads import on_one_and_two_threads

kernels = needs.kernels("pooling")

RNG = np.random.default_rng(0)
# Images, window, stride.
CASES = [
    ((2, 3, 6, 8), (2, 2), (2, 2)),
    ((3, 5, 7, 9), (2, 2), (2, 2)),
    ((2, 17, 9, 7), (3, 2), (2, 1)),
    ((1, 4, 8, 6), (2, 3), (3, 4)),
    ((2, 1, 5, 5), (3, 3), (1, 1)),
    ((2, 3, 4, 4), (1, 1), (2, 1)),
    ((1, 2, 5, 40), (2, 2), (3, 2)),
]
POOLS = [
    lambda X, taps, stride: window_max(X, Window.of("f", X.shape[2:], taps, stride)),
    lambda X, taps, stride: window_sum(X, Window.of("f", X.shape[2:], taps, stride), 3.0),
]


def both_ways(pool: Any, X: Any, g_like: Any = None) -> tuple[Any, Any]:
    """The result, and the gradient for a cotangent that is the same at each call."""
    leaf = Tensor(X, requires_grad=True)
    out: Any = pool(leaf)
    g = np.random.default_rng(5).standard_normal(out.shape).astype(X.dtype)
    out.backward(in_order(g, g_like) if g_like else g)
    return out.data, leaf.grad


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", ["first", "last", "strided", "read-only"])
@pytest.mark.parametrize("pool", POOLS, ids=["max", "sum"])
@pytest.mark.parametrize(("shape", "taps", "stride"), CASES)
def test_as_numpys(shape: Any, taps: Any, stride: Any, pool: Any, layout: str, dtype: str) -> None:
    # Of few different numbers: many windows hold their largest more than once.
    X = RNG.integers(-4, 4, shape).astype(dtype)
    call = lambda X: pool(X, taps, stride)  # noqa: E731
    with use_kernels("numpy"):
        expected = both_ways(call, X)
    for g_like in ("first", "last"):
        with use_kernels("numba"):
            found = both_ways(call, in_order(X, layout), g_like)
        for actual, desired in zip(found, expected, strict=True):
            assert actual.dtype == desired.dtype == dtype
            np.testing.assert_allclose(actual, desired, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("taps", [(2, 2), (3, 2)])
def test_the_order_of_memory_stays(taps: Any) -> None:
    X = RNG.standard_normal((2, 3, 6, 8))
    for pool in POOLS:
        for layout in ("first", "last"):
            with use_kernels("numba"):
                out, gradient = both_ways(
                    lambda X, p=pool: p(X, taps, taps), in_order(X, layout), layout
                )
            for array in (out, gradient):
                seen = array if layout == "first" else np.moveaxis(array, 1, -1)
                assert seen.flags.c_contiguous


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("taps", [(2, 2), (3, 2)])
def test_what_is_not_finite(layout: str, taps: Any) -> None:
    X = RNG.standard_normal((2, 5, 9, 8)).astype("float32")
    X[0, 0, 0, 0] = X[1, 2, 5, 3] = X[0, 4, 8, 7] = np.nan
    X[0, 1, :4] = np.inf
    X[1, 1] = -np.inf
    for pool in POOLS:
        call = lambda X, p=pool: p(X, taps, (2, 2))  # noqa: E731
        with use_kernels("numpy"), np.errstate(invalid="ignore"):
            expected = both_ways(call, X)
        with use_kernels("numba"):
            found = both_ways(call, in_order(X, layout))
        assert np.isnan(expected[0]).any()
        for actual, desired in zip(found, expected, strict=True):
            np.testing.assert_allclose(actual, desired, rtol=1e-6, atol=1e-6)


def test_an_infinite_cotangent() -> None:
    X, g = RNG.standard_normal((1, 2, 4, 4)), np.full((1, 2, 2, 2), np.inf)
    found = []
    for mode in ("numpy", "numba"):
        leaf = Tensor(X, requires_grad=True)
        with use_kernels(mode), np.errstate(invalid="ignore"):
            nn.max_pool2d(leaf).backward(g)  # type: ignore[attr-defined]
        found.append(leaf.grad)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize(("shape", "taps", "stride"), CASES[:4])
def test_uncompiled(
    shape: Any, taps: Any, stride: Any, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    X = in_order(RNG.integers(-2, 2, shape).astype("float64"), layout)
    with use_kernels("numba"):
        for pool in POOLS:
            call = lambda X, p=pool: p(X, taps, stride)  # noqa: E731
            compiled = both_ways(call, X)
            with monkeypatch.context() as patch:
                for name, found in list(vars(kernels).items()):
                    body = getattr(found, "body", None) or getattr(found, "py_func", None)
                    if body is not None:
                        patch.setattr(kernels, name, body)
                plain = both_ways(call, X)
            for actual, desired in zip(plain, compiled, strict=True):
                np.testing.assert_allclose(actual, desired, rtol=1e-12)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("pool", POOLS, ids=["max", "sum"])
def test_threads_change_no_bit(pool: Any, layout: str) -> None:
    X = in_order(RNG.standard_normal((7, 5, 12, 13)).astype("float32"), layout)
    with use_kernels("numba"):
        found = on_one_and_two_threads(lambda: both_ways(lambda X: pool(X, (3, 3), (2, 2)), X))
    for actual, desired in zip(*found, strict=True):
        np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize("options", [{}, {"padding": 1, "ceil_mode": True, "stride": 1}])
def test_gradients_twice(name: str, options: Any, layout: str) -> None:
    pool = getattr(nn, name)
    X = in_order(RNG.standard_normal((2, 3, 5, 6)), layout)
    weights = RNG.standard_normal(pool(X, 2, **options).shape)
    with use_kernels("numba"):
        check_gradients(lambda X: pool(X, 2, **options), [X])
        slope = grad(lambda X: np.sum(weights * pool(X, 2, **options) ** 2))
        check_gradients(slope, [X], tolerance=1e-5)


@pytest.mark.parametrize("layout", ["first", "last"])
def test_shares_and_means_are_divided_and_not_multiplied_by_estimates(layout: str) -> None:
    X = in_order(RNG.integers(0, 2, (2, 33, 9, 9)).astype("float32"), layout)
    for pool in (nn.max_pool2d, nn.avg_pool2d):
        expected, ours = [], []
        for mode, results in (("numpy", expected), ("numba", ours)):
            with use_kernels(mode):
                results.extend(both_ways(lambda X, p=pool: p(X, 3), X))
        for actual, desired in zip(ours, expected, strict=True):
            np.testing.assert_array_equal(actual, desired)


def test_the_articles_images() -> None:
    for shape in ((9, 8), (9, 8, 3)):
        X = RNG.standard_normal(shape)
        with use_kernels("numpy"):
            expected = nn.max_pool(X, (2, 3), 2)
        with use_kernels("numba"):
            np.testing.assert_array_equal(nn.max_pool(X, (2, 3), 2), expected)


def test_small_images_stay_with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> None:
        raise AssertionError

    monkeypatch.setattr(kernels, "window_max", refuse)
    with use_kernels("auto"):
        nn.max_pool2d(np.ones((1, 1, 8, 8)))
        side = int(THRESHOLDS["pooling"] ** 0.5) + 1
        with pytest.raises(AssertionError):
            nn.max_pool2d(np.ones((1, 1, side, side)))
