"""Each sum of a convolution depends on the numbers that its window reads, and on no others.

Transforms that save products (Winograd's, Fourier's) mix the numbers of a whole tile: where a sum
is exactly 0, they leave a rounding error whose sign decides whether relu lets the gradient pass;
where two sums are equal, it decides which one pooling takes; and a large number disturbs sums that
do not read it. Kernels have to do none of that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.needs import need_fast

need_fast()


def _numbers(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape, np.float32)


def _both(model: nn.Sequential, X: Any) -> list[list[Any]]:
    """Return result, input gradient and gradients of parameters: by NumPy, and by kernels."""
    found = []
    for mode in ("numpy", "numba"):
        with nn.use_kernels(mode):
            given = nn.Tensor(X, requires_grad=True)
            model.zero_grad()
            result = model(given)
            cotangent = np.random.default_rng(5).standard_normal(result.shape)
            result.backward(cotangent.astype(np.float32))
        found.append([result.data, given.grad, *(p.grad for p in model.parameters())])
    return found


def _close(model: nn.Sequential, X: Any) -> None:
    for plain, compiled in zip(*_both(model, X), strict=True):
        scale = np.abs(plain).max()
        np.testing.assert_allclose(compiled, plain, rtol=0, atol=2e-6 * scale)


def test_windows_of_zeros_pass_no_gradient() -> None:
    X = np.zeros((8, 32, 20, 20), np.float32)
    X[:, :, 3:10, 3:11] = _numbers(8, 32, 7, 8)
    model = nn.Sequential(nn.Conv2D(32, 3, padding="same", activation="relu"))
    model.initialize(X.shape[1:], rng=1)
    (plain, *_), (compiled, *_) = _both(model, X)
    np.testing.assert_array_equal(compiled > 0, plain > 0)
    _close(model, X)


def test_first_gradients_of_real_digits() -> None:
    digits = nn.load_mnist()[0][:32, None].astype(np.float32) / 255
    model = nn.Sequential(
        nn.Conv2D(32, 3, activation="relu"), nn.Conv2D(32, 3, activation="relu"), nn.MaxPool2D(2)
    )
    model.initialize(digits.shape[1:], rng=0)
    _close(model, digits)


@pytest.mark.parametrize("size", [2, 4])
def test_pooling_takes_the_first_of_equal_sums(size: int) -> None:
    X = np.empty((8, 32, 16, 16), np.float32)
    X[...] = _numbers(8, 32, 1, 1)
    model = nn.Sequential(nn.Conv2D(64, 3), nn.MaxPool2D(size))
    model.initialize(X.shape[1:], rng=1)
    _close(model, X)


@pytest.mark.parametrize("value", [1e4, 1e10, 1e30])
def test_a_large_number_reaches_the_sums_that_read_it_alone(value: float) -> None:
    X = _numbers(4, 64, 16, 16)
    W = _numbers(64, 64, 3, 3)
    with nn.use_kernels("numba"):
        before = nn.conv2d(X, W, padding=1, precise=False)
        X[0, 0, 4, 4] = value
        after = nn.conv2d(X, W, padding=1, precise=False)
    reads = np.zeros(before.shape, bool)
    reads[0, :, 3:6, 3:6] = True
    np.testing.assert_array_equal(after[~reads], before[~reads])
    assert (after != before)[reads].all()


def test_parts_of_a_batch_have_the_bits_of_the_whole() -> None:
    X = _numbers(16, 32, 14, 14)
    model = nn.Sequential(nn.Conv2D(48, 3, padding="same", activation="relu"))
    model.initialize(X.shape[1:], rng=1)
    with nn.use_kernels("numba"):
        whole = model.predict(X)
        for images in (2, 3, 5, 15):
            np.testing.assert_array_equal(model.predict(X[:images]), whole[:images])
