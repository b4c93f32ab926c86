"""Pooling layers against windows that NumPy lays out, and numbers made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import check_gradients
from neural_network.functional.pooling import ops
from neural_network.functional.window import Window

RNG = np.random.default_rng(0)


def by_hand(
    X: Any, size: Any, stride: Any, pads: Any, dilation: Any, ceil: bool, kind: str, include: bool
) -> Any:
    """Window by window, as the definition has it."""
    spatial = X.shape[2:]
    outputs = []
    for n, k, s, p, d in zip(spatial, size, stride, pads, dilation, strict=True):
        span = n + 2 * p - d * (k - 1) - 1
        count = (-(-span // s) if ceil else span // s) + 1
        if ceil and (count - 1) * s >= n + p:
            count -= 1
        outputs.append(count)
    out = np.zeros((*X.shape[:2], *outputs))
    for place in np.ndindex(*outputs):
        places = [
            [o * s - p + d * t for t in range(k)]
            for o, s, p, d, k in zip(place, stride, pads, dilation, size, strict=True)
        ]
        real = [[i for i in axis if 0 <= i < n] for axis, n in zip(places, spatial, strict=True)]
        window = X[(slice(None), slice(None), *np.ix_(*real))]
        axes = tuple(range(2, X.ndim))
        if kind == "max":
            value = window.max(axis=axes)
        else:
            held = [
                len([i for i in axis if -p <= i < n + p]) if include else len(inside)
                for axis, inside, n, p in zip(places, real, spatial, pads, strict=True)
            ]
            value = window.sum(axis=axes) / np.prod(held)
        out[(slice(None), slice(None), *place)] = value
    return out


CASES = [
    (1, (7,), (3,), (2,), (1,), (1,)),
    (2, (7, 6), (2, 3), (2, 1), (1, 0), (1, 1)),
    (2, (8, 9), (3, 2), (3, 3), (1, 1), (2, 1)),
    (2, (5, 5), (2, 2), (2, 2), (0, 0), (1, 1)),
    (2, (6, 6), (3, 3), (4, 5), (1, 1), (1, 1)),
    (3, (4, 5, 4), (2, 2, 3), (2, 1, 2), (1, 0, 1), (1, 1, 1)),
]


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(("axes", "sizes", "size", "stride", "pads", "dilation"), CASES)
def test_max_pools(
    axes: int, sizes: Any, size: Any, stride: Any, pads: Any, dilation: Any, ceil: bool
) -> None:
    X = RNG.standard_normal((2, 3, *sizes)) - 5  # negative: a padding of 0 would win
    pool = getattr(nn, f"max_pool{axes}d")
    f = lambda X: pool(X, size, stride, pads, dilation=dilation, ceil_mode=ceil)  # noqa: E731
    expected = by_hand(X, size, stride, pads, dilation, ceil, "max", False)
    np.testing.assert_array_equal(f(X), expected)
    assert f(X.astype("float32")).dtype == np.float32
    check_gradients(f, [X[:1, :1]])


@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(("axes", "sizes", "size", "stride", "pads", "dilation"), CASES)
def test_avg_pools(
    axes: int,
    sizes: Any,
    size: Any,
    stride: Any,
    pads: Any,
    dilation: Any,
    ceil: bool,
    include: bool,
) -> None:
    X = RNG.standard_normal((2, 3, *sizes))
    pool = getattr(nn, f"avg_pool{axes}d")
    f = lambda X: pool(X, size, stride, pads, ceil_mode=ceil, count_include_pad=include)  # noqa: E731
    expected = by_hand(X, size, stride, pads, (1,) * axes, ceil, "mean", include)
    np.testing.assert_allclose(f(X), expected, rtol=1e-12)
    check_gradients(f, [X[:1, :1]])


def test_defaults_and_nan() -> None:
    X = np.arange(36.0).reshape(1, 1, 6, 6)
    np.testing.assert_array_equal(nn.max_pool2d(X)[0, 0], nn.max_pool(X[0, 0]))
    X[0, 0, 0, 0] = np.nan
    assert np.isnan(nn.max_pool2d(X)).sum() == 1
    assert nn.max_pool2d(np.ones((1, 1, 2, 2), int)).dtype == np.float64
    np.testing.assert_allclose(nn.global_avg_pool(X[..., 1:]), [[X[..., 1:].mean()]])
    check_gradients(nn.global_avg_pool, [RNG.standard_normal((2, 3, 2, 2))])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: nn.max_pool2d(np.ones((4, 4))), r"max_pool2d: X: expected \(N, C, H, W\), received shape \(4, 4\); X\[None, None\] is one image of one channel, and max_pool\(X\) pools it as it is$"),
        (lambda: nn.avg_pool1d(np.ones((1, 1, 0))), "avg_pool1d: X: expected at least one element"),
        (lambda: nn.max_pool2d(np.ones((1, 1, 2, 2)), 3), "max_pool2d: a 3×3 window does not fit a 2×2 image"),
        (lambda: nn.max_pool2d(np.ones((1, 1, 4, 4)), 2, padding=2), "max_pool2d: padding: expected at most half of the window 2×2, received 2"),
        (lambda: nn.max_pool2d(np.ones((1, 1, 4, 4)), 3, padding=2), "max_pool2d: padding: expected at most half of the window 3×3, received 2"),
        (lambda: nn.max_pool2d(np.ones((1, 1, 4, 4)), 2, ceil_mode="no"), "max_pool2d: ceil_mode: expected True or False"),
        (lambda: nn.avg_pool2d(np.ones((1, 1, 4, 4)), 0), "avg_pool2d: size: expected a whole number of at least 1, received 0"),
        (lambda: nn.avg_pool2d(np.ones((1, 1, 4, 4)), 2.0), "avg_pool2d: size: expected a whole number of at least 1, received 2.0"),
        (lambda: nn.global_avg_pool(np.ones((2, 3))), r"global_avg_pool: X: expected \(N, C, …\) with spatial axes"),
    ],
)  # fmt: skip
def test_bad_input(call: Any, text: str) -> None:
    with pytest.raises(nn.ArgumentError, match=text):
        call()


@pytest.mark.parametrize("mode", ["numpy", "numba"])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (2, 1), (3, 3)])
@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
def test_of_equal_maxima_the_first_has_the_gradient(
    mode: str, size: int, stride: int, last: bool, request: pytest.FixtureRequest
) -> None:
    if mode == "numba":
        request.getfixturevalue("fast")
    X = np.ones((1, 2, 4, 4), np.float32)
    if last:
        X = np.ascontiguousarray(X.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    with nn.use_kernels(mode):
        slope = nn.grad(lambda x: np.sum(nn.max_pool2d(x, size, stride)))(X)
    expected = np.zeros((4, 4))
    places = range(0, 4 - size + 1, stride)
    for i in places:
        for j in places:
            expected[i, j] = 1
    np.testing.assert_array_equal(slope, np.broadcast_to(expected, X.shape))


@pytest.mark.parametrize("block", [1, 150, 1 << 16])
@pytest.mark.parametrize("shape", [(5, 2, 6, 9), (5, 2, 7, 8), (6, 9), (4, 6, 9), (0, 2, 6, 9)])
def test_gradients_of_blocks_of_images(
    shape: tuple[int, ...], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ops, "BLOCK", block)
    rng = np.random.default_rng(1)
    X = rng.integers(-3, 3, shape).astype(np.float32)  # with equal maxima
    window = Window.of("max_pool", shape[-2:], (2, 3), (2, 3))
    with nn.use_kernels("numpy"):
        leaf = nn.Tensor(X, requires_grad=True)
        out = ops.window_max(leaf, window)
        cotangent = rng.standard_normal(out.shape).astype(np.float32)
        out.backward(cotangent)
    expected = np.zeros_like(X)
    for place in np.ndindex(out.shape):
        *before, i, j = place
        corner = X[(*before, slice(2 * i, 2 * i + 2), slice(3 * j, 3 * j + 3))]
        down, along = np.unravel_index(np.argmax(corner), (2, 3))
        expected[(*before, 2 * i + down, 3 * j + along)] = cotangent[place]
    np.testing.assert_array_equal(leaf.grad, expected)
