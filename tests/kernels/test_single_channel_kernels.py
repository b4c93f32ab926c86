"""Compiled sums where a filter reads one channel: against NumPy's bodies, and their bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from neural_network import conv1d, conv2d, conv3d
from neural_network.kernels.runtime.gate import use_kernels
from tests import needs
from tests.layouts import laid_out
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

shifts = needs.kernels("convolution.shifts")
fft = needs.kernels("convolution.fft")

BOUND = {"float16": 1e-6, "float32": 1e-6, "float64": 1e-12}
RNG = np.random.default_rng(0)


def by(mode: str, *args: Any, call: Any = conv2d, **options: Any) -> Any:
    with use_kernels(mode):
        return call(*args, **options)


def exactly(X: Any, W: Any, call: Any = conv2d, **options: Any) -> tuple[Any, Any]:
    """The sums in float64 by NumPy, and those of the terms' sizes."""
    X, W = np.asarray(X, float), np.asarray(W, float)
    options["method"] = "direct"
    sums = by("numpy", np.abs(X), np.abs(W), call=call, **options)
    return by("numpy", X, W, call=call, **options), sums


@st.composite
def calls(draw: Any) -> dict[str, Any]:
    """A call in which every filter reads one channel."""
    groups, per_group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    taps = (draw(st.integers(1, 12)), draw(st.integers(1, 12)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    sizes = tuple(
        d * (k - 1) + 1 + draw(st.sampled_from([0, 1, 5, 20, 90]))
        for k, d in zip(taps, dilation, strict=True)
    )
    return {
        "image": (draw(st.integers(1, 3)), groups, *sizes),
        "kernel": (groups * per_group, 1, *taps),
        "groups": groups,
        "stride": (draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        "padding": draw(st.sampled_from([0, 1, "same", ((0, 2), (1, 0))])),
        "dilation": dilation,
        "flip": draw(st.booleans()),
        "method": draw(st.sampled_from(["direct", "fft"])),
        "dtype": draw(st.sampled_from(["float16", "float32", "float64"])),
        "layout": draw(st.sampled_from(["C", "F", "negative", "strided"])),
        "seed": draw(st.integers(0, 2**16)),
    }


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(calls())
def test_any_call_holds_its_bound(call: dict[str, Any]) -> None:
    rng = np.random.default_rng(call["seed"])
    dtype = call["dtype"]
    X = laid_out(rng.uniform(-5, 5, call["image"]).astype(dtype), call["layout"])
    W = laid_out(rng.uniform(-5, 5, call["kernel"]).astype(dtype), call["layout"])
    names = ("stride", "padding", "dilation", "groups", "flip")
    options = {name: call[name] for name in names}
    before = X.copy(), W.copy()
    out = by("numba", X, W, method=call["method"], **options)
    expected, sums = exactly(X, W, **options)
    assert out.dtype == dtype
    assert out.shape == expected.shape
    if call["method"] == "fft":
        sums = sums.max()
    rounding = 2**-11 * np.abs(expected) if dtype == "float16" else 0
    assert np.all(np.abs(out - expected) <= BOUND[dtype] * sums + rounding)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(W, before[1])


@pytest.mark.parametrize("kind", ["thirds", "positive", "signed"])
@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize("taps", [(3, 3), (4, 5), (7, 8), (5, 11), (8, 9), (31, 31), (5, 64)])
def test_long_float32_sums(taps: Any, method: Any, kind: str) -> None:
    # Equal numbers drift in one direction: the worst that a chain of sums can meet.
    make = {
        "thirds": lambda shape: np.full(shape, 1 / 3),
        "positive": RNG.random,
        "signed": RNG.standard_normal,
    }[kind]
    X, W = make((90, 110)).astype("float32"), make(taps).astype("float32")
    expected, sums = exactly(X, W)
    error = np.abs(by("numba", X, W, method=method) - expected)
    assert np.all(error <= 1e-6 * (sums if method == "direct" else sums.max()))


def test_chains_cover_every_tap_once_and_are_never_too_deep() -> None:
    for taps in range(1, 400):
        seen, depth = 0, 0
        plan = shifts.chains(taps).tolist()
        for first, length, ends in plan:
            assert first == seen
            # The kernel has a loop for each of these, the longest only at a block's start.
            assert length in ((9, 8, 4, 1) if depth == 0 else (8, 4, 1))
            seen, depth = seen + length, max(depth, length) if depth == 0 else depth + 1
            # One more is the last rounding, from float64; 17 would be above a millionth.
            assert depth <= 15
            depth = 0 if ends else depth
        assert seen == taps
        assert plan[-1][2] == 1


@pytest.mark.parametrize("length", [2, 4, 8, 16, 32, 128])
def test_the_transform_there_and_back(length: int) -> None:
    wide = fft.WIDE
    z = RNG.standard_normal((length, wide)) + 1j * RNG.standard_normal((length, wide))
    Z = np.concatenate([z.real, z.imag], axis=1)
    powers = np.arange(length)[:, None] * np.arange(1, 4)
    turn = np.exp(-2j * np.pi / length * powers)
    real, imag = np.ascontiguousarray(turn.real), np.ascontiguousarray(turn.imag)
    fft.transform(Z, real, imag)
    found = Z[:, :wide] + 1j * Z[:, wide:]
    expected = np.fft.fft(z, axis=0)[fft.order(length)]
    np.testing.assert_allclose(found, expected, atol=1e-13 * length)
    fft.inverse_transform(Z, real, imag)
    np.testing.assert_allclose(Z[:, :wide] + 1j * Z[:, wide:], length * z, atol=1e-13 * length**2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("taps", [(3, 3), (4, 7), (9, 9)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_not_finite_stays_in_its_windows(
    bad: float, stride: int, taps: Any, dtype: str
) -> None:
    X, W = RNG.random((2, 40, 50)).astype(dtype), RNG.random(taps).astype(dtype)
    # In the middle, in a corner, at a row's end.
    for place in ((0, 20, 30), (1, 0, 0), (1, 11, 49)):
        X[place] = bad
    found, expected = (by(m, X, W, stride=stride, method="direct") for m in ("numba", "numpy"))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    np.testing.assert_allclose(found, expected, rtol=1e-6)  # ∞ where there is ∞
    # "auto" never transforms such an image.
    np.testing.assert_array_equal(by("numba", X, W, stride=stride), found)


def test_a_zero_tap_on_infinity_is_nan() -> None:
    X = np.array([[np.inf, 1.0, 1.0, -np.inf]])
    found = by("numba", X, np.array([[0.0, 1.0]]))
    np.testing.assert_array_equal(found, [[np.nan, 1.0, -np.inf]])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("taps", [1, 3, 70])
def test_other_numbers_of_dimensions(taps: int, dtype: str) -> None:
    signal, line = RNG.random((3, 5000)).astype(dtype), RNG.random((2, taps)).astype(dtype)
    few = min(taps, 3)
    volume = RNG.random((2, 6, 7, 70)).astype(dtype)
    block = RNG.random((2, few, few, taps)).astype(dtype)
    for call, X, W in ((conv1d, signal, line), (conv3d, volume, block)):
        for options in ({}, {"stride": 2, "dilation": 1}, {"stride": 3, "padding": 1}):
            found = by("numba", X, W, call=call, method="direct", **options)
            expected, sums = exactly(X, W, call, **options)
            assert np.all(np.abs(found - expected) <= BOUND[dtype] * sums)


def test_across_tiles_and_shares() -> None:
    X, W = RNG.standard_normal((3, 2, 700, 500)), RNG.standard_normal((4, 1, 21, 30))
    for options in ({"stride": (2, 3), "padding": (4, 0)}, {"dilation": (2, 3)}, {"stride": 200}):
        expected, sums = exactly(X, W, groups=2, **options)
        for method in ("direct", "fft"):
            found = by("numba", X, W, groups=2, method=method, **options)
            assert np.abs(found - expected).max() <= 1e-12 * sums.max()


def test_the_transforms_of_some_filters_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    X, W = RNG.standard_normal((60, 60)), RNG.standard_normal((5, 9, 9))
    whole = by("numba", X, W, method="fft")
    monkeypatch.setattr("neural_network.functional.convolution.fft.FILTER_SPECTRA", 1)
    np.testing.assert_array_equal(by("numba", X, W, method="fft"), whole)


def test_the_transform_does_not_overflow_where_the_result_fits() -> None:
    X, W = np.full((100, 90), 1e304), np.full((31, 31), 1e-3)
    np.testing.assert_allclose(by("numba", X, W, method="fft"), 9.61e303, rtol=1e-12)


@pytest.mark.slow
def test_uncompiled_bodies_compute_the_same() -> None:
    code = (
        "import sys, numpy as np, neural_network as nn\n"
        "rng = np.random.default_rng(1)\n"
        "X, W = rng.random((3, 2, 21, 23)), rng.random((4, 1, 5, 4))\n"
        "broad, few = rng.random((7, 200)), rng.random((3, 5))\n"
        "with nn.use_kernels('numba'):\n"
        "    for dtype in ('f', 'd'):\n"
        "        for method in ('direct', 'fft'):\n"
        "            out = nn.conv2d(X.astype(dtype), W.astype(dtype), (1, 2), groups=2, method=method)\n"
        "            print(*out.ravel().tolist())\n"
        "    # Across two tiles: nothing is read past the end of a row.\n"
        "    print(*nn.conv2d(broad, few, method='fft').ravel().tolist())\n"
    )
    printed = []
    for disabled in ("0", "1"):
        lines = output_of(code, NUMBA_DISABLE_JIT=disabled).splitlines()
        printed.append([np.array(line.split(), float) for line in lines])
    assert [len(line) for line in printed[0]] == [3 * 4 * 17 * 10] * 4 + [5 * 196]
    for rtol, compiled, plain in zip((1e-6, 1e-6, *[1e-13] * 3), *printed, strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=rtol)


@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_thread_gives_the_same_bits(method: Any, dtype: str) -> None:
    X, W = RNG.random((5, 300, 400)).astype(dtype), RNG.random((2, 11, 11)).astype(dtype)
    np.testing.assert_array_equal(*on_one_and_two_threads(lambda: by("numba", X, W, method=method)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_largest_number(dtype: str) -> None:
    X = RNG.standard_normal((4, 600, 500)).astype(dtype)
    X[1, 3, 4], X[2, 599, 499], X[3, 300, 200] = -1e30, np.nan, -np.inf
    found = fft.largest_magnitudes(X)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.abs(X).max(axis=(1, 2)))


def test_small_images_never_load_a_compiler() -> None:
    code = (
        "import sys, numpy as np, neural_network as nn\n"
        "for method in ('auto', 'direct', 'fft'):\n"
        "    nn.conv2d(np.ones((28, 28)), np.ones((3, 3)), method=method)\n"
        "nn.conv2d(np.ones((100, 28, 28)), np.ones((5, 5)))\n"
        "assert 'numba' not in sys.modules\n"
        "nn.conv2d(np.ones((1000, 28, 28), 'f'), np.ones((3, 3), 'f'))\n"
        "assert 'numba' in sys.modules\n"
    )
    output_of(code)
