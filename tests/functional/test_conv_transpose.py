"""Transposed convolution: the transpose of conv, and numbers made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import check_gradients

RNG = np.random.default_rng(0)
CONV = {1: nn.conv1d, 2: nn.conv2d, 3: nn.conv3d}
TRANSPOSE = {1: nn.conv_transpose1d, 2: nn.conv_transpose2d, 3: nn.conv_transpose3d}

CASES = [
    (1, (7,), (3,), (2,), (1,), (1,), 1),
    (2, (6, 7), (3, 2), (1, 1), (0, 0), (1, 1), 1),
    (2, (8, 7), (3, 3), (2, 3), (1, 2), (1, 1), 2),
    (2, (9, 9), (2, 3), (3, 2), (1, 0), (2, 2), 4),
    (3, (4, 5, 4), (2, 2, 3), (2, 1, 2), (1, 0, 1), (1, 1, 1), 2),
]


@pytest.mark.parametrize(("axes", "sizes", "taps", "stride", "pads", "dilation", "groups"), CASES)
def test_it_is_the_transpose_of_convolution(
    axes: int, sizes: Any, taps: Any, stride: Any, pads: Any, dilation: Any, groups: int
) -> None:
    # ⟨conv(x), y⟩ = ⟨x, conv_transpose(y)⟩ for every x and y says just that.
    inputs, maps = 4, 8
    W = RNG.standard_normal((maps, inputs // groups, *taps))
    x = RNG.standard_normal((2, inputs, *sizes))
    options: Any = {"dilation": dilation, "groups": groups}
    padding: Any = tuple((p, p) for p in pads)
    there = CONV[axes](x, W, stride, padding, **options)
    y = RNG.standard_normal(there.shape)
    covered = [d * (k - 1) + 1 for k, d in zip(taps, dilation, strict=True)]
    more = tuple(
        n + 2 * p - ((m - 1) * s + c)
        for n, p, m, s, c in zip(sizes, pads, there.shape[2:], stride, covered, strict=True)
    )
    back = TRANSPOSE[axes](y, W, stride, pads, more, **options)
    assert back.shape == x.shape
    assert np.sum(there * y) == pytest.approx(np.sum(x * back), rel=1e-12)


def test_numbers_by_hand() -> None:
    X = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    W = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    # Without a gap the windows overlap in the middle.
    first_row = [1, 12, 20]
    out = nn.conv_transpose2d(X, W)
    expected = np.zeros((3, 3))
    for i, j in np.ndindex(2, 2):
        expected[i : i + 2, j : j + 2] += X[0, 0, i, j] * W[0, 0]
    np.testing.assert_array_equal(out[0, 0], expected)
    assert out[0, 0, 0].tolist() == first_row
    assert nn.conv_transpose2d(X, W, 2, 1).shape == (1, 1, 2, 2)
    assert nn.conv_transpose2d(X, W, 2, 0, 1)[0, 0, -1].tolist() == [0] * 5
    np.testing.assert_array_equal(nn.conv_transpose2d(X, W, bias=[5.0]), out + 5)
    assert nn.conv_transpose2d(X.astype("float32"), W.astype("float32")).dtype == np.float32


def test_gradients() -> None:
    X, W, b = RNG.standard_normal((2, 4, 3, 2)), RNG.standard_normal((4, 1, 2, 3)), np.ones(2)
    check_gradients(
        lambda X, W, b: nn.conv_transpose2d(X, W, (2, 1), (0, 1), (1, 0), groups=2, bias=b),
        [X, W, b],
    )


X, W = np.ones((1, 2, 3, 3)), np.ones((2, 3, 2, 2))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: nn.conv_transpose2d(X[0], W), "conv_transpose2d: X: expected .N, C, H, W."),
        (lambda: nn.conv_transpose2d(X, W[0]), "conv_transpose2d: filters: expected 4 dimensions"),
        (lambda: nn.conv_transpose2d(X[:0], W), "conv_transpose2d: X: expected at least one element"),
        (lambda: nn.conv_transpose2d(X, W[:1]), r"filters: expected shape \(2, 3, 2, 2\), received shape \(1, 3, 2, 2\)"),
        (lambda: nn.conv_transpose2d(X, W, groups=3), "groups: expected a divisor of the 2 channels, received 3"),
        (lambda: nn.conv_transpose2d(X, W, bias=[1.0]), r"bias: expected shape \(3,\), received shape \(1,\)"),
        (lambda: nn.conv_transpose2d(X, W, 0), "stride: expected a whole number of at least 1, received 0"),
        (lambda: nn.conv_transpose2d(X, W, 2, -1), "padding: expected a whole number of at least 0, received -1"),
        (lambda: nn.conv_transpose2d(X, W, 2, 0, 2), r"output_padding: expected less than the stride \(2, 2\), received \(2, 2\)"),
        (lambda: nn.conv_transpose2d(X, W, 1, 2), r"padding: expected less than half of the result \(4, 4\), received \(2, 2\)"),
        (lambda: nn.conv_transpose2d(X, W, 1.5), "stride: expected a whole number of at least 1, received 1.5"),
    ],
)  # fmt: skip
def test_bad_input(call: Any, text: str) -> None:
    with pytest.raises(nn.ArgumentError, match=text):
        call()
