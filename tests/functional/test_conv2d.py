"""conv2d against SciPy, and against numbers made by hand."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import signal

import neural_network as nn
from neural_network import conv2d
from tests import oracles
from tests.layouts import laid_out

IMAGE = np.array([[1, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1]])
MEAN = np.full((2, 2), 0.25)
TOLERANCE = {"float32": 1e-6, "float64": 1e-12}
# float16 keeps 11 bits: the rounding of the result itself.
ROUNDING = {"float16": 2.0**-11}


def test_exercise_1() -> None:
    expected = [[1.25, 1.5, 1.25], [1.5, 2, 1.5], [1.25, 1.5, 1.25]]
    assert conv2d(IMAGE, MEAN).tolist() == expected


def test_exercise_2() -> None:
    assert conv2d(IMAGE, MEAN, stride=2).tolist() == [[1.25, 1.25], [1.25, 1.25]]


def test_flip_is_the_listings_convolution() -> None:
    image = np.arange(12.0).reshape(3, 4)
    kernel = np.array([[1.0, 2.0], [0.0, -1.0]])
    assert conv2d(image, kernel).tolist() == [[-3, -1, 1], [5, 7, 9]]
    assert conv2d(image, kernel, flip=True).tolist() == [[13, 15, 17], [21, 23, 25]]
    np.testing.assert_array_equal(
        conv2d(image, kernel, flip=True), signal.convolve2d(image, kernel, mode="valid")
    )


@pytest.mark.parametrize(
    ("image", "kernel", "result"),
    [
        ((6, 5), (3, 2), (4, 4)),
        ((6, 5), (7, 3, 2), (7, 4, 4)),
        ((8, 6, 5), (3, 2), (8, 4, 4)),
        ((8, 6, 5), (7, 3, 2), (8, 7, 4, 4)),
        ((8, 6, 5), (7, 8, 3, 2), (7, 4, 4)),
        ((2, 8, 6, 5), (7, 8, 3, 2), (2, 7, 4, 4)),
        ((1, 6, 5), (1, 3, 2), (1, 1, 4, 4)),
    ],
)
@pytest.mark.parametrize("method", ["direct", "fft", "auto"])
def test_every_row_of_the_shape_table(image: Any, kernel: Any, result: Any, method: Any) -> None:
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal(image), rng.standard_normal(kernel)
    as_layer_X = {2: X[None, None], 3: X[None] if W.ndim == 4 else X[:, None], 4: X}.get(X.ndim)
    as_layer_W = {2: W[None, None], 3: W[:, None], 4: W}.get(W.ndim)
    expected = oracles.layer(as_layer_X, as_layer_W).reshape(result)
    out = conv2d(X, W, method=method)
    assert out.shape == result
    np.testing.assert_allclose(out, expected, atol=1e-12)


@st.composite
def layers(draw: Any) -> dict[str, Any]:
    """A call of conv2d that is valid, with every option drawn."""
    groups = draw(st.integers(1, 3))
    inputs, per_group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    taps = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    sizes = tuple(
        d * (k - 1) + 1 + draw(st.integers(0, 9)) for k, d in zip(taps, dilation, strict=True)
    )
    small = st.integers(0, 3)
    return {
        "image": (draw(st.integers(1, 3)), groups * inputs, *sizes),
        "kernel": (groups * per_group, inputs, *taps),
        "stride": (draw(st.integers(1, 4)), draw(st.integers(1, 4))),
        "padding": draw(
            st.one_of(
                st.sampled_from(["valid", "same"]),
                small,
                st.tuples(small, small),
                st.tuples(st.tuples(small, small), st.tuples(small, small)),
            )
        ),
        "dilation": dilation,
        "groups": groups,
        "flip": draw(st.booleans()),
        "method": draw(st.sampled_from(["direct", "fft", "auto"])),
        "dtype": draw(st.sampled_from(["float16", "float32", "float64", "uint8", "int64", "bool"])),
        "layout": draw(st.sampled_from(["C", "F", "negative", "strided"])),
        "signed": draw(st.booleans()),
        "seed": draw(st.integers(0, 2**16)),
    }


@pytest.mark.slow
@settings(max_examples=300)
@given(layers())
def test_against_scipy(call: dict[str, Any]) -> None:
    rng = np.random.default_rng(call["seed"])
    dtype = call["dtype"]
    low = -5 if call["signed"] and dtype not in ("uint8", "bool") else 0
    X = laid_out((rng.uniform(low, 5, call["image"])).astype(dtype), call["layout"])
    W = laid_out((rng.uniform(low, 5, call["kernel"])).astype(dtype), call["layout"])
    names = ("stride", "padding", "dilation", "groups", "flip")
    options = {name: call[name] for name in names}
    before = X.copy(), W.copy()
    out = conv2d(X, W, method=call["method"], **options)

    expected = oracles.layer(X, W, **options)
    sums = oracles.layer(np.abs(X.astype(float)), np.abs(W.astype(float)), **options)
    if call["method"] != "direct":
        sums = sums.max()
    kind = dtype if dtype.startswith("float") else "float64"
    assert out.dtype == kind
    assert out.shape == expected.shape
    allowed = TOLERANCE.get(kind, 1e-6) * sums + ROUNDING.get(kind, 0) * np.abs(expected)
    assert np.all(np.abs(out - expected) <= allowed)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(W, before[1])


@pytest.mark.parametrize("method", ["direct", "fft"])
@pytest.mark.parametrize("kind", ["constant", "thirds", "positive", "signed"])
@pytest.mark.parametrize(
    ("image", "kernel"),
    [
        ((300, 310), (31, 31)),
        ((2, 64, 20, 20), (8, 64, 3, 3)),
        ((60, 70), (4, 5)),
        ((60, 70), (11, 11)),
        ((60, 70), (3, 11, 11)),
        ((1, 4096, 6, 6), (2, 4096, 1, 1)),
    ],
)
def test_float32_holds_its_bound_in_long_sums(
    image: Any, kernel: Any, kind: str, method: Any
) -> None:
    # A float32 running sum of equal numbers drifts in one direction: 961 terms
    # of 0.1 are off by 1e-5. The contract allows 1e-6.
    rng = np.random.default_rng(1)
    make = {
        "constant": lambda shape: np.full(shape, 0.1),
        "thirds": lambda shape: np.full(shape, 1 / 3),
        "positive": rng.random,
        "signed": rng.standard_normal,
    }[kind]
    X, W = make(image).astype("float32"), make(kernel).astype("float32")
    wide, out = (
        conv2d(X.astype(float), W.astype(float), method="direct"),
        conv2d(X, W, method=method),
    )
    sums = conv2d(np.abs(X).astype(float), np.abs(W).astype(float), method="direct")
    assert out.dtype == np.float32
    assert np.all(np.abs(out - wide) <= 1e-6 * (sums if method == "direct" else sums.max()))


@pytest.mark.parametrize("method", ["direct", "fft"])
def test_longdouble_keeps_its_digits(method: Any) -> None:
    rng = np.random.default_rng(7)
    X, W = (rng.random((20, 20)) / 3).astype("longdouble"), rng.random((9, 9)).astype("longdouble")
    X += np.longdouble(2) ** -60
    windows = np.lib.stride_tricks.sliding_window_view(X, W.shape)
    expected = np.einsum("ijmn,mn->ij", windows, W)
    assert np.abs(conv2d(X, W, method=method) - expected).max() < 1e-16 * expected.max()


def test_methods_agree_across_tiles_and_blocks() -> None:
    # Larger than a tile of the transform and than a block of the sum, in both axes.
    rng = np.random.default_rng(2)
    X, W = rng.standard_normal((2, 3, 530, 300)), rng.standard_normal((3, 1, 9, 20))
    options: dict[str, Any] = {"stride": (2, 3), "padding": (4, 0), "groups": 3}
    direct, fft = (conv2d(X, W, method=m, **options) for m in ("direct", "fft"))
    np.testing.assert_allclose(fft, direct, atol=1e-12 * np.abs(W).sum() * np.abs(X).max())
    np.testing.assert_allclose(
        direct[1:, :, :20, :20],
        oracles.layer(X[1:, :, :50, :80], W, (2, 3), ((4, 0), (0, 0)), groups=3)[..., :20, :20],
        atol=1e-11,
    )


@pytest.mark.parametrize("stride", [1, 2, 28, 1000, 10**9])
@pytest.mark.parametrize("method", ["direct", "fft"])
def test_strides_up_to_longer_than_the_picture(stride: int, method: Any) -> None:
    X, W = np.random.default_rng(3).standard_normal((2, 28, 28))
    kernel = W[:5, :5]
    full = signal.correlate2d(X, kernel, mode="valid")
    out = conv2d(X, kernel, stride=stride, method=method)
    np.testing.assert_allclose(out, full[::stride, ::stride], atol=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (5, 5)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", ["direct", "auto", "fft"])
def test_what_is_not_finite_stays_in_its_windows(
    bad: float, shape: Any, dtype: str, method: Any
) -> None:
    X = np.ones((64, 64), dtype)
    X[10, 20] = bad
    out = conv2d(X, np.ones(shape, dtype), method=method)
    taps = shape[-1]
    touched = np.zeros(out.shape, bool)
    touched[..., 11 - taps : 11, 21 - taps : 21] = True
    np.testing.assert_array_equal(~np.isfinite(out), touched)
    assert np.all(out[~touched] == taps * taps)


def test_a_zero_tap_on_infinity_is_nan_without_a_warning() -> None:
    out = conv2d(np.array([[np.inf, 1.0, 1.0]]), np.array([[0.0, 1.0]]))
    np.testing.assert_array_equal(out, [[np.nan, 1.0]])


def test_the_transform_does_not_overflow_where_the_result_fits() -> None:
    X, W = np.full((300, 300), 1e304), np.full((31, 31), 1e-3)
    np.testing.assert_allclose(conv2d(X, W, method="fft"), 9.61e303, rtol=1e-12)
    np.testing.assert_allclose(conv2d(X, W, method="fft", bias=[1e303]), 1.061e304, rtol=1e-12)


@pytest.mark.parametrize("method", ["fft", "auto"])
def test_pixels_that_no_tap_sees_do_not_spoil_the_others(method: Any) -> None:
    X = np.random.default_rng(5).random((200, 200))
    X[1::2] *= 1e9
    X[:, 1::2] *= 1e9
    W = np.ones((21, 21))
    direct = conv2d(X, W, 2, dilation=2, method="direct")
    out = conv2d(X, W, 2, dilation=2, method=method)
    assert np.abs(out - direct).max() <= 1e-12 * direct.max()


@pytest.mark.parametrize(
    ("image", "kernel", "method", "megabytes"),
    [
        # Shifts: two blocks of a quarter megabyte. Windows: one of two, and a product.
        ((2000, 2000), (3, 3), "direct", 2),
        ((1, 300_000), (8, 1, 9), "direct", 8),
        ((600, 600), (64, 64), "direct", 8),
        # The spectra of some of the filters, 64 megabytes; those of all would be 270.
        ((32, 128, 128), (32, 32, 31, 31), "fft", 150),
        ((2000, 2000), (31, 31), "auto", 8),
    ],
)
def test_memory_does_not_grow_with_the_picture(
    image: Any, kernel: Any, method: Any, megabytes: int
) -> None:
    rng = np.random.default_rng(6)
    X, W = rng.random(image).astype("float32"), rng.random(kernel).astype("float32")
    conv2d(X, W, method=method)  # what is loaded once does not count
    tracemalloc.start()
    out = conv2d(X, W, method=method)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - out.nbytes <= megabytes * 1e6


@pytest.mark.parametrize("padding", ["same", 1, (1, 1), ((1, 1), (1, 1)), np.array([1, 1])])
def test_paddings_that_mean_the_same(padding: Any) -> None:
    X, W = np.random.default_rng(4).standard_normal((2, 7, 7))
    expected = signal.correlate2d(X, W[:3, :3], mode="same")
    np.testing.assert_allclose(conv2d(X, W[:3, :3], padding=padding), expected, atol=1e-12)


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_same_gives_ceil_and_puts_the_odd_row_last(stride: int) -> None:
    out = conv2d(np.ones((5, 5)), np.ones((2, 2)), stride, "same")
    assert out.shape == (-(-5 // stride),) * 2
    if stride == 1:
        assert out[0].tolist() == [4, 4, 4, 4, 2]


@pytest.mark.parametrize("bias", [0.5, np.float32(0.5), np.array(0.5), np.array([0.5]), [0.5]])
def test_bias_of_a_single_filter(bias: Any) -> None:
    np.testing.assert_array_equal(conv2d(IMAGE, MEAN, bias=bias), conv2d(IMAGE, MEAN) + 0.5)


def test_bias_of_several_filters_is_added_to_each_map() -> None:
    W = np.stack([MEAN, -MEAN])
    out = conv2d(np.stack([IMAGE] * 3), W, bias=np.array([10, 20]))
    assert out[:, 0, 0, 0].tolist() == [11.25] * 3
    assert out[:, 1, 0, 0].tolist() == [18.75] * 3


def test_a_python_number_does_not_widen_float32() -> None:
    X, W = IMAGE.astype("float32"), MEAN.astype("float32")
    assert conv2d(X, W, bias=0.5).dtype == np.float32
    assert conv2d(X, W, bias=np.zeros(1)).dtype == np.float64
    assert conv2d(IMAGE.astype("uint8"), W).dtype == np.float32
    assert conv2d(IMAGE.astype(">f4"), W).dtype == np.dtype("float32").newbyteorder("=")


def test_the_result_is_new_and_contiguous() -> None:
    X = np.ones((3, 4, 5))
    out = conv2d(X, np.ones((1, 1)))
    assert not np.shares_memory(out, X)
    assert out.flags.c_contiguous
    assert out.flags.writeable


def test_a_filter_of_the_table_is_an_array_and_its_name_is_not() -> None:
    image = np.arange(30.0).reshape(5, 6)
    by_name = nn.conv2d(image, nn.named_filter("sobel-x"))
    np.testing.assert_array_equal(nn.conv2d(image, nn.FILTERS["sobel-x"]), by_name)
    with pytest.raises(nn.DTypeError, match=r"filter_kernel: .*named_filter\(name\) is a filter"):
        nn.conv2d(image, "sobel-x")
