"""Sums, products of matrices and convolutions beside exact fractions: within n · unit · Σ|terms|."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import neural_network as nn
from neural_network.autograd import Tensor
from tests.needs import need_fast

to_fractions: Any = np.vectorize(Fraction, otypes=[object])


def wide(shape: Any, dtype: str, seed: int, spread: float = 20) -> Any:
    """Numbers of many sizes and both signs, so that most sums cancel."""
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(shape) * 2 ** rng.uniform(-spread, spread, shape)).astype(dtype)


def check(found: Any, compute: Any, n: int, *arrays: Any) -> None:
    """Compare with the same sums of fractions, of which there are n terms each."""
    exact_args = [to_fractions(a.astype("float64")) for a in arrays]
    exact, sizes = np.asarray(compute(*exact_args)), np.asarray(compute(*map(abs, exact_args)))
    found = np.asarray(found)
    assert found.shape == exact.shape
    unit = Fraction(float(np.finfo(found.dtype).eps)) / 2
    for ours, right, size in zip(found.ravel(), exact.ravel(), sizes.ravel(), strict=True):
        assert abs(Fraction(float(ours)) - right) <= n * unit * size


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums(dtype: str) -> None:
    x = wide((7, 200), dtype, 0)
    t = Tensor(x)
    check(np.sum(t, axis=1).data, lambda a: a.sum(1), 200, x)
    check(t.mean(0).data, lambda a: a.sum(0) / 7, 7 + 1, x)
    check(np.cumsum(t, axis=1).data, lambda a: np.cumsum(a, 1), 200, x)
    check(np.trace(t).data, np.trace, 7, x)
    check(nn.grad(lambda a: np.cumsum(a, 1).sum())(x), _counts_down, 200, x)


def _counts_down(a: Any) -> Any:
    return np.tile([Fraction(n) for n in range(a.shape[1], 0, -1)], (len(a), 1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products(dtype: str) -> None:
    a, b = wide((6, 90), dtype, 1), wide((90, 5), dtype, 2)
    g = wide((6, 5), dtype, 3)
    products: list[Any] = [
        np.matmul, np.dot, lambda a, b: np.einsum("ij,jk->ik", a, b), nn.matrix_multiply
    ]  # fmt: skip
    for product in products:
        left, right = (Tensor(m, requires_grad=True) for m in (a, b))
        out = product(left, right)
        check(out.data, np.dot, 90, a, b)
        out.backward(g)
        check(left.grad, lambda g, b: np.dot(g, b.T), 5, g, b)
        check(right.grad, lambda a, g: np.dot(a.T, g), 6, a, g)


def correlated(X: Any, W: Any) -> Any:
    """(N, C, H, W) with (F, C, h, w), of whatever numbers."""
    windows = sliding_window_view(X, W.shape[2:], (2, 3))
    return np.stack([(windows * w[:, None, None]).sum((1, 4, 5)) for w in W], 1)


@pytest.mark.parametrize("mode", ["numpy", "numba"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_convolutions(dtype: str, mode: Any) -> None:
    if mode == "numba":
        need_fast()
    X, W = wide((2, 2, 8, 7), dtype, 4, spread=8), wide((3, 2, 3, 2), dtype, 5, spread=8)
    image, filters = (Tensor(a, requires_grad=True) for a in (X, W))
    with nn.use_kernels(mode):
        out: Any = nn.conv2d(image, filters, method="direct")
        check(out.data, correlated, 12, X, W)
        g = wide(out.shape, dtype, 6, spread=8)
        out.backward(g)
    swapped = [X.swapaxes(0, 1), g.swapaxes(0, 1)]
    check(filters.grad.swapaxes(0, 1), correlated, g[:, 0].size, *swapped)
    padded = np.pad(g, ((0, 0), (0, 0), (2, 2), (1, 1)))
    flipped = W[:, :, ::-1, ::-1].swapaxes(0, 1)
    check(image.grad, correlated, 18, padded, flipped)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_convolutions_by_transforms_of_numbers_of_one_size(dtype: str) -> None:
    # A transform spreads its rounding over the image; so numbers of many sizes are not promised.
    X, W = (wide(s, dtype, i, spread=0) for i, s in enumerate([(1, 1, 20, 18), (2, 1, 6, 5)]))
    check(nn.conv2d(X, W, method="fft"), correlated, 30, X, W)
