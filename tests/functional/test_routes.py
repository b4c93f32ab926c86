"""``route``: each row of its table is reached, and every body computes the reference's sums."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from neural_network import conv2d, use_kernels
from neural_network.functional.convolution import compiled, direct, fft
from neural_network.functional.convolution.route import (
    depthwise_compiled,
    route,
    route_filter_gradient,
    route_transpose,
)
from neural_network.functional.pooling.ops import route as route_pooling
from neural_network.functional.window import Window
from tests.needs import need_fast


def drawn(images: Any, filters: Any, dtype: Any = "float64", **geometry: Any) -> Any:
    """Images, filters and the window."""
    rng = np.random.default_rng(0)
    window = Window.of("f", images[3:], filters[3:], **geometry)
    X, W = (rng.standard_normal(shape).astype(dtype) for shape in (images, filters))
    return X, W, window


def name_of(body: Any) -> str:
    """The file and name of a body, and whether a transform is compiled."""
    options = body.keywords if isinstance(body, partial) else {}
    function = body.func if isinstance(body, partial) else body
    file = function.__module__.rpartition(".")[2]
    return f"{'compiled ' if 'tile' in options else ''}{file}.{function.__name__}"


# Images, filters, type, window, method, mode → the body.
ROWS = [
    ((2, 3, 1, 9, 8), (3, 2, 1, 3, 3), "float32", {"padding": 1}, "auto", "numba", "compiled.depthwise"),
    ((2, 1, 3, 9, 8), (1, 4, 3, 2, 2), "float32", {"padding": 1}, "auto", "numba", "compiled.by_tiles"),
    ((2, 1, 3, 9), (1, 4, 3, 2), "float32", {"stride": 2}, "direct", "numba", "compiled.by_tiles"),
    ((2, 1, 1, 9, 8), (1, 16, 1, 2, 2), "float32", {}, "auto", "numba", "compiled.by_tiles"),
    ((2, 1, 1, 9, 8), (1, 4, 1, 3, 3), "float64", {"padding": 1}, "auto", "numba", "compiled.by_shifts"),
    ((2, 2, 1, 4, 9, 8), (2, 1, 1, 2, 3, 3), "float32", {}, "direct", "numba", "compiled.by_shifts"),
    ((1, 1, 1, 90, 80), (1, 1, 1, 3, 3), "float32", {"dilation": 2}, "auto", "numpy", "direct.by_shifts"),
    ((2, 1, 3, 9, 8), (1, 4, 3, 3, 3), "float64", {"padding": 2}, "auto", "numpy", "direct.by_columns"),
    ((2, 1, 3, 9, 8), (1, 4, 3, 3, 3), "float32", {"dilation": 2}, "auto", "numba", "direct.by_columns"),
    ((2, 1, 3, 9, 8), (1, 4, 3, 3, 3), "float32", {"padding": 2}, "auto", "numba", "direct.by_columns"),
    ((1, 1, 1, 90, 80), (1, 2, 1, 9, 9), "float64", {"padding": 3}, "fft", "numba", "compiled fft.convolve"),
    ((1, 1, 1, 90, 80), (1, 2, 1, 9, 9), "float64", {"stride": 2}, "fft", "numpy", "fft.convolve"),
    ((1, 1, 1, 90), (1, 2, 1, 9), "float64", {}, "fft", "numba", "fft.convolve"),
    ((2, 2, 3, 20, 18), (2, 2, 3, 5, 4), "float32", {"padding": 1}, "fft", "numba", "fft.convolve"),
    ((1, 1, 1, 256, 256), (1, 1, 1, 31, 31), "float64", {}, "auto", "numpy", "fft.convolve"),
]  # fmt: skip


@pytest.mark.parametrize(("images", "filters", "dtype", "geometry", "method", "mode", "body"), ROWS)
def test_each_row_is_reached_and_computes_the_sums(
    images: Any, filters: Any, dtype: str, geometry: Any, method: Any, mode: str, body: str
) -> None:
    if mode == "numba":
        need_fast()
    X, W, window = drawn(images, filters, dtype, **geometry)
    bias = np.random.default_rng(1).standard_normal(filters[:2]).astype(dtype)
    if window.outputs[-1] * max(filters) < 100:
        expected = direct.reference(X.astype(float), W.astype(float), window)
    else:  # the reference would take seconds
        expected = direct.by_columns(X, W, None, window, np.float64).astype(float)
    with use_kernels(mode):
        chosen = route(X, W, window, method)
        assert name_of(chosen) == body
        for added in (None, bias):
            found = chosen(X, W, added, window)
            assert found.dtype == dtype
            tolerance = 1e-12 if dtype == "float64" else 2e-5
            total = expected if added is None else direct.add_bias(expected.copy(), added)
            np.testing.assert_allclose(found, total, rtol=tolerance, atol=100 * tolerance)


AXES = st.lists(
    st.tuples(
        st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3),
        st.integers(0, 2), st.integers(0, 2),
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip


@given(AXES, st.tuples(*[st.integers(1, 3)] * 4))
def test_numpys_bodies_compute_the_reference_of_the_windows_size(axes: Any, counts: Any) -> None:
    more, taps, stride, dilation, *pads = zip(*axes, strict=True)
    sizes = tuple(m + d * (t - 1) for m, t, d in zip(more, taps, dilation, strict=True))
    n, groups, filters, channels = counts
    X, W, window = drawn(
        (n, groups, channels, *sizes), (groups, filters, channels, *taps),
        stride=stride, padding=tuple(zip(*pads, strict=True)), dilation=dilation,
    )  # fmt: skip
    expected = direct.reference(X, W, window)
    assert expected.shape[3:] == window.outputs
    bodies = [direct.by_columns, fft.convolve, *([direct.by_shifts] if channels == 1 else [])]
    for body in bodies:
        found = body(X, W, None, window)  # type: ignore[operator]
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10)
    # A convolution is linear, so each gradient is a scalar product with the sums.
    Y = np.random.default_rng(1).standard_normal(expected.shape)
    total = np.sum(expected * Y)
    assert np.sum(X * direct.transpose(Y, W, window)) == pytest.approx(total, abs=1e-8)
    assert np.sum(W * direct.filter_gradient(X, Y, window)) == pytest.approx(total, abs=1e-8)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    X, W, window = drawn((3, 2, 1, 11, 9), (2, 3, 1, 3, 2), padding=1, stride=(2, 1))
    Y = np.random.default_rng(1).standard_normal((3, 2, 3, *window.outputs))

    def computed() -> list[Any]:
        return [
            direct.by_shifts(X, W, None, window),
            direct.by_columns(X, W, None, window),
            direct.transpose(Y, W, window),
            direct.filter_gradient(X, Y, window),
        ]

    expected = computed()
    monkeypatch.setattr(direct, "SHIFT_BLOCK", 200)
    monkeypatch.setattr(direct, "COLUMN_BLOCK", 800)
    for actual, desired in zip(computed(), expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-12)


def test_where_tiles_do_not_apply() -> None:
    need_fast()

    def tiled(images: Any, filters: Any, dtype: str = "float32", **geometry: Any) -> bool:
        X, W, window = drawn(images, filters, dtype, **geometry)
        Y = np.zeros((len(X), *filters[:2], *window.outputs), dtype)
        chosen = {
            route(X, W, window, "direct", precise=False) is compiled.by_tiles,
            route_transpose(Y, W, window) is compiled.transpose_by_tiles,
            route_filter_gradient(X, Y, window) is compiled.filter_gradient_by_tiles,
        }
        assert len(chosen) == 1
        return chosen.pop()

    images, filters = (2, 1, 3, 8, 8), (1, 8, 3, 3, 3)
    with use_kernels("numba"):
        assert tiled(images, filters)
        assert tiled((2, 1, 1, 8, 8), (1, 16, 1, 3, 3))
        assert not tiled((2, 1, 1, 8, 8), (1, 8, 1, 3, 3))  # shifts are better
        assert not tiled((2, 2, 3, 8, 8), (2, 8, 3, 3, 3))  # groups
        assert not tiled(images, filters, dilation=(2, 1))
        assert not tiled(images, filters, "float64")
        assert not tiled((2, 1, 3, 4, 4, 4), (1, 8, 3, 2, 2, 2))  # volumes
        X, W, window = drawn(images, filters, "float32")
        assert route(X, W, window, "direct", precise=True) is not compiled.by_tiles  # long sums
    with use_kernels("numpy"):
        assert not tiled(images, filters)
    with use_kernels("auto"):
        assert not tiled(images, filters)
        assert tiled((99, 1, 3, 28, 28), filters)


def test_where_depthwise_kernels_apply() -> None:
    need_fast()

    def chosen(images: Any, filters: Any, precise: bool, dtype: str = "float32") -> bool:
        return depthwise_compiled(np.ones(images, dtype), np.ones(filters, dtype), precise)

    images, filters = (64, 8, 1, 28, 28), (8, 1, 1, 3, 3)
    assert chosen(images, filters, precise=True)
    assert not chosen((1, 8, 1, 5, 5), filters, precise=True)  # small
    assert not chosen(images, (8, 1, 1, 5, 5), precise=True)  # long sums
    assert chosen(images, (8, 1, 1, 5, 5), precise=True, dtype="float64")
    assert chosen(images, (8, 1, 1, 5, 5), precise=False)
    assert not chosen((64, 8, 1, 784), (8, 1, 1, 9), precise=True)  # one axis
    assert not chosen((64, 1, 1, 280, 280), (1, 8, 1, 3, 3), precise=True)  # one group
    with use_kernels("numpy"):
        assert not chosen(images, filters, precise=True)


@pytest.mark.parametrize(
    ("size", "taps", "dtype", "stride", "transformed"),
    [
        (1000, 3, "float32", 1, False),
        (1000, 7, "float32", 1, False),
        (1000, 21, "float32", 1, True),
        (1000, 63, "float32", 1, True),
        (1000, 11, "float64", 1, True),
        (1000, 15, "float32", 4, False),
    ],
)
def test_auto_takes_the_compiled_transform_for_large_filters(
    size: int, taps: int, dtype: str, stride: int, transformed: bool
) -> None:
    need_fast()
    X, W = np.ones((1, 1, 1, size, size), dtype), np.ones((1, 1, 1, taps, taps), dtype)
    window = Window.of("f", (size, size), (taps, taps), stride)
    assert name_of(route(X, W, window)) == (
        "compiled fft.convolve" if transformed else "compiled.by_shifts"
    )


def test_auto_sums_where_the_transforms_rounding_is_not_safe() -> None:
    X, W, window = drawn((1, 1, 1, 256, 256), (1, 1, 1, 31, 31))
    X, W = np.ones_like(X), np.ones_like(W)
    unsafe = X.copy()
    unsafe[..., 0, 0] = np.nan
    # A large number that few windows see would drown the others in its rounding.
    peaked, corner = X.copy(), W.copy()
    peaked[..., 0, 0], corner[..., -1, -1] = 1e8, 1e8
    with use_kernels("numpy"):
        assert name_of(route(X, W, window)) == "fft.convolve"
        for images, filters in ((unsafe, W), (X, W * np.inf), (peaked, corner)):
            assert name_of(route(images, filters, window)) != "fft.convolve"


@pytest.mark.parametrize("mode", ["numpy", "numba"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["image", "filter", "both"])
def test_the_transform_never_sees_what_is_not_finite(mode: Any, bad: float, where: str) -> None:
    """With both bodies, the result is that of five plain loops."""
    if mode == "numba":
        need_fast()
    for images, filters, padding, dilation in (
        ((2, 1, 1, 40, 50), (1, 2, 1, 7, 9), 0, 1),
        ((1, 1, 1, 40, 50), (1, 1, 1, 9, 7), 3, 2),
        ((1, 1, 3, 20, 20), (1, 2, 3, 5, 5), 2, 1),
        ((1, 3, 1, 20, 20), (3, 1, 1, 5, 5), 0, 1),
        ((1, 1, 2, 90), (1, 2, 2, 15), 1, 1),
    ):
        for dtype in ("float32", "float64"):
            X, W, _ = drawn(images, filters, dtype)
            window = Window.of("f", images[3:], filters[3:], 1, padding, dilation)
            if where != "filter":
                X[-1, 0, 0, ..., 8] = bad
            if where != "image":
                W[0, -1, 0, ..., 2] = -bad
            with np.errstate(all="ignore"), use_kernels(mode):
                found = route(X, W, window, "fft")(X, W, None, window)
                by_auto = route(X, W, window)(X, W, None, window)
                expected = direct.reference(X, W, window)
            assert np.isnan(expected).any() or np.isinf(expected).any()
            for out in (found, by_auto):
                np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_where_the_compiled_transform_does_not_apply() -> None:
    X, W = np.ones((1, 1, 1, 300, 300)), np.ones((1, 1, 1, 40, 40))
    assert fft.column_tile(X, W, Window.of("f", (300, 300), (40, 40)))
    # A filter wider than half a tile, and one taller than the tallest tile.
    assert fft.column_tile(X, W, Window.of("f", (300, 300), (40, 40), 1, 0, (1, 3))) is None
    assert fft.column_tile(X, W, Window.of("f", (700, 300), (600, 1))) is None
    assert fft.column_tile(X, W, Window.of("f", (300,), (40,))) is None
    need_fast()
    with use_kernels("numba"):
        longdouble = drawn((1, 1, 1, 40, 40), (1, 1, 1, 5, 5), "longdouble")
        assert name_of(route(*longdouble, "fft")) == "fft.convolve"
        assert name_of(route(*longdouble, "direct")).startswith("direct")


def test_depthwise_convolution_reaches_its_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    need_fast()
    called = []
    original = compiled.depthwise
    monkeypatch.setattr(compiled, "depthwise", lambda *a: called.append(1) or original(*a))
    X, W = np.ones((2, 3, 9, 9), "float32"), np.ones((6, 1, 3, 3), "float32")
    with use_kernels("numba"):
        conv2d(X, W, padding=1, groups=3)
        conv2d(X, W, padding=1, groups=3, method="fft")
        conv2d(X[:, :1], W, padding=1)
    assert called == [1]


def test_where_pooling_kernels_apply() -> None:
    need_fast()
    X = np.ones((2, 3, 8, 8))
    plain = Window.of("f", (8, 8), (2, 2), 2)
    with use_kernels("numba"):
        assert route_pooling(X.shape, plain, X)
        assert not route_pooling(X.shape, plain, X, X.astype("float32"))  # two types
        assert not route_pooling(X.shape, Window.of("f", (8, 8), (2, 2), 2, 0, 2), X)
        assert not route_pooling((2, 3, 8), Window.of("f", (8,), (2,), 2), X[..., 0])
    with use_kernels("numpy"):
        assert not route_pooling(X.shape, plain, X)
    with use_kernels("auto"):
        assert not route_pooling(X.shape, plain, X)
        assert route_pooling((99, 99, 8, 8), plain, X)
