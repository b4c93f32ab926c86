"""Moments of channels by blocks: those of a convolution and of batch norm have the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from tests.needs import kernels

batch_norm = kernels("batch_norm")
prepared = kernels("convolution.prepared")
parallel_region = kernels("runtime.threads").parallel_region

SHAPES = [
    (16, 8, 8, 16), (17, 9, 7, 24), (20, 32, 32, 16), (16, 5, 3, 40), (19, 40, 33, 8), (16, 1, 2, 3),
    (3, 20, 20, 16),
]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_moments_are_those_of_float64(shape: tuple[int, ...]) -> None:
    X = np.random.default_rng(0).normal(1000, 3, shape).astype(np.float32)
    with parallel_region():
        mean, variance = batch_norm.BlockMoments(shape).of_all(X, filled=False)
    exact = X.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean((0, 1, 2)), rtol=1e-9)
    np.testing.assert_allclose(variance, exact.var((0, 1, 2)), rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_convolution_fills_the_same(shape: tuple[int, ...], value: float) -> None:
    rng = np.random.default_rng(1)
    n, height, width, filters = shape
    X = rng.standard_normal((n, height, width, 5), np.float32)
    X[0, 0, 0, 0] += value
    W = rng.standard_normal((filters, 5, 3, 3), np.float32)
    convolve = prepared.ConvForward(
        X.shape,
        W.shape,
        (1, 1),
        ((1, 1), (1, 1)),
        None,
        (height, width),
        prepared.new_buffer,
    )
    out = np.empty(shape, np.float32)
    moments, others = batch_norm.BlockMoments(shape), batch_norm.BlockMoments(shape)
    moments.means[:] = moments.squares[:] = 7.0
    filled = convolve.fill_moments(moments.block, moments.period, moments.means, moments.squares)
    assert filled == (n >= 16)
    with parallel_region(), np.errstate(invalid="ignore"):
        convolve(X, W, prepared.NO_BIAS, out, False)
        found = moments.of_all(out, filled=filled)
        expected = others.of_all(out, filled=False)
    np.testing.assert_array_equal(found, expected)
    if filled:
        np.testing.assert_array_equal(moments.means, others.means)
        np.testing.assert_array_equal(moments.squares, others.squares)
