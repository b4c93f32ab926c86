"""Sums, products and extremes where formulas lose numbers, time or memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import grad, hessian
from neural_network.autograd import Tensor, check_gradients
from neural_network.errors import DroppedGradientError

MANY = np.random.default_rng(0).uniform(0.9, 1.1, 60_000)


def nodes_of(out: Tensor) -> int:
    seen, waiting = set(), [out.node]
    while waiting:
        node = waiting.pop()
        if node is not None and node.number not in seen:
            seen.add(node.number)
            waiting += [tensor.node for _, _, tensor in node.parents]
    return len(seen)


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "prod"])
def test_60_000_numbers_are_one_op_and_little_memory(name: str) -> None:
    x = Tensor(MANY, requires_grad=True)
    tracemalloc.start()
    out: Any = getattr(np, name)(x)
    assert nodes_of(out) == 1
    np.sum(out).backward()
    assert tracemalloc.get_traced_memory()[1] < 100 * MANY.nbytes
    tracemalloc.stop()
    np.testing.assert_array_equal(out.data, getattr(np, name)(MANY))
    if name == "cumsum":
        np.testing.assert_array_equal(x.grad, np.arange(60_000, 0, -1))
    elif name == "prod":
        np.testing.assert_allclose(x.grad, np.prod(MANY) / MANY, rtol=1e-9)
    else:
        np.testing.assert_allclose(x.grad, np.cumsum(out.data[::-1])[::-1] / MANY, rtol=1e-9)


def test_a_running_sum_keeps_infinity() -> None:
    x = Tensor([1.0, np.inf, 2.0], requires_grad=True)
    out: Any = np.cumsum(x)
    assert out.tolist() == [1, np.inf, np.inf]
    out[0].backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, 0, 0]


@pytest.mark.parametrize("zeros", [[], [2], [0], [4], [1, 3], [0, 1, 2, 3, 4]])
@pytest.mark.parametrize("name", ["prod", "cumprod"])
def test_products_with_zeros(name: str, zeros: list[int]) -> None:
    x = np.array([0.5, -2.0, 3.0, 1.5, -1.0])
    x[zeros] = 0
    weights = np.array([1.0, -2.0, 0.5, 3.0, 1.0])

    def product(x: Any) -> Any:
        return np.sum(getattr(np, name)(x) * weights)

    def by_loop(x: Any) -> Any:
        totals = [x[0]]
        for k in range(1, 5):
            totals.append(totals[-1] * x[k])
        if name == "prod":
            return totals[-1] * weights.sum()
        return sum(t * w for t, w in zip(totals, weights, strict=True))

    np.testing.assert_allclose(grad(product)(x), grad(by_loop)(x), atol=1e-12)
    np.testing.assert_allclose(hessian(product)(x), hessian(by_loop)(x), atol=1e-12)

    def third(f: Any) -> Any:
        return grad(lambda x: np.sum(hessian(f)(x) ** 2))(x)

    np.testing.assert_allclose(third(product), third(by_loop), atol=1e-10)


def test_products_along_several_axes() -> None:
    X = np.random.default_rng(1).uniform(0.5, 1.5, (2, 3, 2, 2))
    X[0, 1, 0, 1] = X[1, 2, 1, 0] = X[1, 2, 0, 0] = 0
    for axis in [(0, 2), (3, -3), (), (0, 1, 2, 3), None, 1]:
        for keepdims in (False, True):
            check_gradients(lambda x, a=axis, k=keepdims: np.prod(x, axis=a, keepdims=k), [X])


def test_the_deviation_of_equal_numbers_has_slope_0() -> None:
    x = Tensor(np.array([[2.0, 2.0, 2.0], [1.0, 2.0, 4.0]]), requires_grad=True)
    np.sum(np.std(x, axis=1)).backward()
    assert x.grad is not None
    assert x.grad[0].tolist() == [0, 0, 0]
    assert np.all(x.grad[1] != 0)
    assert np.isfinite(hessian(np.std)(np.ones(3))).all()


def test_an_extreme_that_is_nan_has_its_slope_there() -> None:
    x = Tensor([1.0, np.nan, 3.0], requires_grad=True)
    np.max(x).backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 0]


def test_a_single_number_along_its_axis() -> None:
    for name in ("sum", "max", "min", "prod"):
        for axis in (0, -1, ()):
            out = getattr(np, name)(Tensor(2.5), axis=axis)
            assert out.data == getattr(np, name)(np.array(2.5), axis=axis)
            assert np.shape(grad(lambda x, n=name, a=axis: getattr(np, n)(x, axis=a))(2.5)) == ()
    for name in ("cumsum", "cumprod"):
        check_gradients(lambda x, n=name: getattr(np, n)(x, axis=0), [np.array(2.5)])


@pytest.mark.parametrize("axis", [2, -3, (0, 5), 1.0])
@pytest.mark.parametrize(
    "function",
    [
        np.sum, np.mean, np.var, np.std, np.max, np.min, np.prod, np.flip, np.squeeze, np.expand_dims,
        np.cumsum, np.cumprod, np.sort,
        lambda x, axis: np.diff(x, axis=axis),
        lambda x, axis: np.concatenate([x, x], axis), lambda x, axis: np.stack([x, x], axis),
        lambda x, axis: np.take(x, [0], axis), lambda x, axis: np.repeat(x, 2, axis),
        lambda x, axis: np.split(x, 1, axis), lambda x, axis: np.roll(x, 1, axis),
        lambda x, axis: np.swapaxes(x, 0, axis), lambda x, axis: np.moveaxis(x, 0, axis),
        lambda x, axis: np.trace(x, 0, 0, axis), lambda x, axis: np.transpose(x, (0, axis)),
        lambda x, axis: x.sum(axis), lambda x, axis: x.cumsum(axis), lambda x, axis: x.max(axis),
    ],
)  # fmt: skip
def test_an_axis_that_does_not_exist(function: Any, axis: Any) -> None:
    X = np.arange(4.0).reshape(2, 2)
    try:
        expected = function(X, axis=axis)
    except (ValueError, TypeError, IndexError) as error:
        with pytest.raises((type(error), DroppedGradientError)):
            function(Tensor(X, requires_grad=True), axis=axis)
    else:  # np.stack and np.expand_dims add one
        np.testing.assert_array_equal(function(Tensor(X), axis=axis).data, expected)


# Functions of 70,000 numbers, which float16 cannot count: it ends at 65504.
COUNTING: dict[str, Any] = {
    "mean": np.mean,
    "var": np.var,
    "std": np.std,
    "max": lambda x: np.max(np.minimum(x, 0.25)),
    "norm inf": lambda x: np.linalg.norm(np.minimum(x, 0.25), np.inf),
    "nanmean": np.nanmean,
    "nanvar": np.nanvar,
    "nanstd": np.nanstd,
    "nanmedian": np.nanmedian,
    "quantile": lambda x: np.quantile(x, [0.25, 0.5]),
    "quantile of a number": lambda x: np.quantile(x, 0.5),
    "percentile": lambda x: np.percentile(x, 50),
    "nanquantile": lambda x: np.nanquantile(x, 0.5),
    "nanpercentile": lambda x: np.nanpercentile(x, 50.0),
    "mse_loss": lambda x: nn.mse_loss(x, np.zeros_like(x)),
    "cross_entropy": lambda x: nn.softmax_cross_entropy(x.reshape(-1, 2), np.zeros(35_000, int)),
    "pooling": lambda x: nn.global_avg_pool(x.reshape(1, 1, 280, 250)),
}


@pytest.mark.parametrize("name", COUNTING)
def test_float16_of_many_numbers(name: str) -> None:
    numbers = np.random.default_rng(0).uniform(0, 1, 70_000).astype(np.float16)
    numbers[0] = 0.5
    found = []
    for dtype in (np.float16, np.float64):
        x = Tensor(numbers.astype(dtype), requires_grad=True)
        out = np.sum(COUNTING[name](x))
        out.backward()
        found.append((float(out.data), x.grad))
    (value, slopes), (exact_value, exact_slopes) = found
    assert slopes.dtype == np.float16
    assert np.isclose(value, exact_value, rtol=2e-3)
    # The places of a quantile are equal numbers.
    if not any(word in name for word in ("median", "quantile", "percentile")):
        np.testing.assert_allclose(slopes, exact_slopes, rtol=0.01, atol=6e-8)
    assert np.isclose(slopes.sum(dtype=float), exact_slopes.sum(), rtol=0.02, atol=0.02)
