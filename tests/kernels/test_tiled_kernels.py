"""Convolution of many channels, compiled: against NumPy's bodies, at every size and step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import neural_network as nn
from neural_network.functional.convolution import compiled
from neural_network.functional.convolution.route import (
    route,
    route_filter_gradient,
    route_transpose,
)
from neural_network.functional.window import Window
from tests.needs import need_fast
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

SIZES = st.tuples(
    st.integers(1, 3), st.integers(1, 9), st.integers(16, 37),  # images, channels, filters
)  # fmt: skip


def three(X: Any, W: Any, Y: Any, bias: Any, window: Window) -> list[Any]:
    """The convolution and its gradients for images and filters."""
    return [
        route(X, W, window, "direct", precise=False)(X, W, bias, window),
        route_transpose(Y, W, window)(Y, W, window),
        route_filter_gradient(X, Y, window)(X, Y, window),
    ]


@given(
    SIZES,
    st.lists(
        st.tuples(*[st.integers(1, 4)] * 2, st.integers(0, 7), *[st.integers(0, 3)] * 2),
        min_size=1,
        max_size=2,
    ),
    st.booleans(),
    st.integers(0, 9),
)
@settings(max_examples=60)
def test_forward_and_backward_as_numpys_bodies(
    sizes: Any, axes: Any, with_bias: bool, seed: int
) -> None:
    n, channels, filters = sizes
    taps, stride, more, *pads = zip(*axes, strict=True)
    size = tuple(t + m for t, m in zip(taps, more, strict=True))
    window = Window.of("f", size, taps, stride, tuple(zip(*pads, strict=True)))
    rng = np.random.default_rng(seed)
    X, W, Y, bias = (
        rng.standard_normal(shape).astype("float32")
        for shape in (
            (n, 1, channels, *size),
            (1, filters, channels, *taps),
            (n, 1, filters, *window.outputs),
            (1, filters),
        )
    )
    arrays = X, W, Y, bias if with_bias else None
    with nn.use_kernels("numpy"):
        expected = three(*arrays, window)
    with nn.use_kernels("numba"):
        assert route(X, W, window, "direct", precise=False) is compiled.by_tiles
        found = three(*arrays, window)
    for actual, desired in zip(found, expected, strict=True):
        assert actual.shape == desired.shape
        np.testing.assert_allclose(actual, desired, rtol=1e-4, atol=1e-4)


def example(seed: int = 0) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((33, 1, 5, 9, 8)).astype("float32")
    W = rng.standard_normal((1, 22, 5, 3, 2)).astype("float32")
    Y = rng.standard_normal((33, 1, 22, 4, 7)).astype("float32")
    return X, W, Y, None, Window.of("f", (9, 8), (3, 2), (2, 1))


def test_any_order_in_memory_gives_the_same() -> None:
    X, W, Y, *rest = example()
    with nn.use_kernels("numba"):
        expected = three(X, W, Y, *rest)
        moved = [np.moveaxis(np.moveaxis(a, 2, -1).copy(), -1, 2) for a in (X, Y)]
        strided = [np.repeat(a, 2, axis=-1)[..., ::2] for a in (X, Y)]
        for A, B in (moved, strided):
            for array in (A, B):
                array.flags.writeable = False
            for actual, desired in zip(three(A, W, B, *rest), expected, strict=True):
                np.testing.assert_array_equal(actual, desired)


def test_threads_do_not_change_a_bit() -> None:
    X, W, Y, *rest = example()
    with nn.use_kernels("numba"):
        found = on_one_and_two_threads(lambda: three(X, W, Y, *rest))
    for actual, desired in zip(*found, strict=True):
        np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_reaches_the_windows_that_hold_it(value: float) -> None:
    X, W, _, _, window = example()
    X[3, 0, 2, 5, 4] = value
    found = []
    for mode in ("numba", "numpy"):
        with nn.use_kernels(mode):
            found.append(route(X, W, window, "direct", precise=False)(X, W, None, window))
    out, expected = found
    np.testing.assert_array_equal(np.isfinite(out), np.isfinite(expected))
    np.testing.assert_array_equal(np.isnan(out), np.isnan(expected))


def test_bodies_run_uncompiled() -> None:
    code = """
import numpy as np, neural_network as nn
from tests.kernels.test_tiled_kernels import example, three
X, W, Y, *rest = example()
X, Y = X[:2], Y[:2]
with nn.use_kernels("numba"):
    found = three(X, W, Y, *rest)
with nn.use_kernels("numpy"):
    expected = three(X, W, Y, *rest)
for a, b in zip(found, expected):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
from neural_network.kernels.convolution.tiles import convolve
assert convolve.compiled is convolve.body
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
