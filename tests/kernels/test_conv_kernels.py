"""Convolution of many channels, compiled: against NumPy's bodies, at every size and step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import neural_network as nn
from neural_network.functional.convolution import direct
from neural_network.kernels.convolution import tiled
from tests.needs import need_fast
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

SIZES = st.tuples(
    st.integers(1, 3), st.integers(1, 9), st.integers(16, 37),  # pictures, channels, filters
)  # fmt: skip


def three(X: Any, W: Any, Y: Any, outputs: Any, sizes: Any, stride: Any) -> list[Any]:
    once = (1,) * len(stride)
    return [
        direct.convolve_direct(X, W, outputs, stride, once, False),
        direct.convolve_transpose(Y, W, sizes, stride, once),
        direct.convolve_filters(X, Y, W.shape[3:], stride, once),
    ]


@given(
    SIZES,
    st.lists(st.tuples(*[st.integers(1, 4)] * 2, st.integers(0, 7)), min_size=1, max_size=2),
    st.integers(0, 9),
)
@settings(max_examples=60)
def test_there_and_back_as_numpys_bodies(sizes: Any, axes: Any, seed: int) -> None:
    n, channels, filters = sizes
    taps, stride, more = (tuple(axis[i] for axis in axes) for i in range(3))
    size = tuple(t + m for t, m in zip(taps, more, strict=True))
    outputs = tuple(m // s + 1 for m, s in zip(more, stride, strict=True))
    rng = np.random.default_rng(seed)
    X, W, Y = (
        rng.standard_normal(shape).astype("float32")
        for shape in (
            (n, 1, channels, *size),
            (1, filters, channels, *taps),
            (n, 1, filters, *outputs),
        )
    )
    with nn.use_kernels("numpy"):
        expected = three(X, W, Y, outputs, size, stride)
    with nn.use_kernels("numba"):
        assert tiled.serve(X, W.shape, 1, (1,) * len(axes))
        found = three(X, W, Y, outputs, size, stride)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def example(seed: int = 0) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((33, 1, 5, 9, 8)).astype("float32")
    W = rng.standard_normal((1, 22, 5, 3, 2)).astype("float32")
    Y = rng.standard_normal((33, 1, 22, 4, 7)).astype("float32")
    return X, W, Y, (4, 7), (9, 8), (2, 1)


def test_any_order_in_memory_gives_the_same() -> None:
    X, W, Y, *rest = example()
    with nn.use_kernels("numba"):
        expected = three(X, W, Y, *rest)
        moved = [np.moveaxis(np.moveaxis(a, 2, -1).copy(), -1, 2) for a in (X, Y)]
        strided = [np.repeat(a, 2, axis=-1)[..., ::2] for a in (X, Y)]
        for A, B in (moved, strided):
            for array in (A, B):
                array.flags.writeable = False
            for ours, theirs in zip(three(A, W, B, *rest), expected, strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_threads_do_not_change_a_bit() -> None:
    X, W, Y, *rest = example()
    with nn.use_kernels("numba"):
        found = on_one_and_two_threads(lambda: three(X, W, Y, *rest))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_reaches_the_windows_that_hold_it(value: float) -> None:
    X, W, _, outputs, _, stride = example()
    X[3, 0, 2, 5, 4] = value
    with nn.use_kernels("numba"):
        out = direct.convolve_direct(X, W, outputs, stride, (1, 1), False)
    with nn.use_kernels("numpy"):
        expected = direct.convolve_direct(X, W, outputs, stride, (1, 1), False)
    np.testing.assert_array_equal(np.isfinite(out), np.isfinite(expected))
    np.testing.assert_array_equal(np.isnan(out), np.isnan(expected))


def test_where_kernels_do_not_serve() -> None:
    X = np.zeros((2, 1, 3, 8, 8), np.float32)
    with nn.use_kernels("numba"):
        assert tiled.serve(X, (1, 8, 3, 3, 3), 72, (1, 1))
        assert not tiled.serve(X, (1, 8, 3, 3, 3), 72, (1, 1), precise=True)
        assert tiled.serve(X, (1, 16, 1, 3, 3), 72, (1, 1), precise=True)
        assert not tiled.serve(X, (2, 8, 3, 3, 3), 72, (1, 1))  # groups
        assert not tiled.serve(X, (1, 8, 3, 3, 3), 72, (2, 1))  # dilation
        assert not tiled.serve(X, (1, 8, 1, 3, 3), 72, (1, 1))  # shifts are better
        assert not tiled.serve(X.astype("float64"), (1, 8, 3, 3, 3), 72, (1, 1))
        assert not tiled.serve(X, (1, 8, 3, 2, 2, 2), 72, (1, 1, 1))  # volumes
    with nn.use_kernels("numpy"):
        assert not tiled.serve(X, (1, 8, 3, 3, 3), 10**9, (1, 1))
    with nn.use_kernels("auto"):
        assert not tiled.serve(X, (1, 8, 3, 3, 3), 72, (1, 1))
        assert tiled.serve(X, (1, 8, 3, 3, 3), 10**6, (1, 1))


def test_bodies_run_uncompiled() -> None:
    code = """
import numpy as np, neural_network as nn
from tests.kernels.test_conv_kernels import example, three
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
