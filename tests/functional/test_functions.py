"""Numbers made by hand for every function but conv2d and the networks."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import neural_network as nn

ELEMENTWISE = [nn.identity, nn.relu, nn.sigmoid]
FLOATS = arrays(
    np.float64,
    array_shapes(min_dims=1, max_dims=3, max_side=6),
    elements=st.floats(-1e3, 1e3, width=32),
)


# --- one rule of types --------------------------------------------------------


@pytest.mark.parametrize(
    ("given_types", "result"),
    [
        (("float32", "float32"), "float32"),
        (("float32", "float64"), "float64"),
        (("float16", "float32"), "float32"),
        (("float16", "float16"), "float16"),
        (("int64", "float32"), "float32"),
        (("uint8", "int8"), "float64"),
        (("bool", "float16"), "float16"),
    ],
)
def test_the_widest_floating_type_wins(given_types: tuple[str, str], result: str) -> None:
    X, W = (np.ones((3, 3), dtype) for dtype in given_types)
    assert nn.matrix_multiply(X, W).dtype == result
    assert nn.conv2d(X, W).dtype == result
    assert nn.forward_mlp(X, W, np.zeros(3, "int8"), W, np.zeros(3, "int8"))[1].dtype == result
    assert nn.momentum_update(X, W, 0.5, 0.5)[0].dtype == result


@pytest.mark.parametrize("function", [*ELEMENTWISE, nn.softmax, nn.normalize, nn.max_pool])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", "int32", "bool"])
def test_one_argument_keeps_its_type(function: Any, dtype: str) -> None:
    Z = np.eye(4).astype(dtype)
    kind = dtype if "float" in dtype or dtype == "longdouble" else "float64"
    assert function(Z).dtype == kind


@given(FLOATS, st.sampled_from([*ELEMENTWISE, nn.softmax]))
def test_no_input_changes_and_no_output_shares_its_memory(Z: Any, function: Any) -> None:
    before = Z.copy()
    Z.flags.writeable = False
    out = function(Z)
    np.testing.assert_array_equal(Z, before)
    assert out.shape == Z.shape
    assert not np.shares_memory(out, Z)


# --- activations --------------------------------------------------------------


def test_relu() -> None:
    assert nn.relu([[-1, 0], [2, -0.5]]).tolist() == [[0, 0], [2, 0]]
    assert np.isnan(nn.relu(np.array([np.nan]))).all()
    assert nn.relu(np.zeros((0, 3))).shape == (0, 3)


def test_elu_has_its_own_slope_at_0() -> None:
    # With alpha = 1 it is smooth there: e⁰ = 1 from both sides.
    assert nn.grad(nn.elu)(0.0) == 1
    assert nn.grad(nn.elu)(0.0, 0.25) == 0.25


def test_sigmoid_numbers() -> None:
    # σ(ln 3) = 3/4, and σ(−z) = 1 − σ(z)
    np.testing.assert_allclose(nn.sigmoid([np.log(3), -np.log(3)]), [0.75, 0.25], rtol=1e-15)
    np.testing.assert_allclose(nn.sigmoid(-700.0), np.exp(-700.0), rtol=1e-14)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble"])
def test_sigmoid_and_softmax_warn_at_no_input(dtype: str) -> None:
    most = np.finfo(dtype).max
    Z = np.array([-np.inf, -most, -1e4, -1.0, -0.0, 1e4, most, np.inf], dtype)
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        out = nn.sigmoid(Z)
        rows = nn.softmax(Z[1:-1] / 2)
    assert out[[0, 1, -2, -1]].tolist() == [0, 0, 1, 1]
    assert np.all((out >= 0) & (out <= 1))
    assert float(rows.sum()) == 1


@given(FLOATS)
def test_softmax_rows_are_probabilities_and_ignore_a_shift(Z: Any) -> None:
    out = nn.softmax(Z)
    np.testing.assert_allclose(out.sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(nn.softmax(Z + 100), out, rtol=1e-9, atol=1e-300)


def test_softmax_numbers() -> None:
    # e^0 : e^(ln 3) = 1 : 3
    np.testing.assert_allclose(nn.softmax([[0], [np.log(3)]], axis=0), [[0.25], [0.75]])
    np.testing.assert_allclose(nn.softmax([[0, np.log(3)]]), [[0.25, 0.75]], rtol=1e-15)


# --- normalize, matrix_multiply -----------------------------------------------


def test_normalize_numbers() -> None:
    # Column 0: mean 2, variance ((−1)² + 1²)/2 = 1. Column 1: mean 3, variance 9. Column 2: constant.
    X = np.array([[1, 0, 7], [3, 6, 7]])
    assert nn.normalize(X).tolist() == [[-1, -1, 0], [1, 1, 0]]
    assert X.tolist() == [[1, 0, 7], [3, 6, 7]]
    assert nn.normalize([2, 4]).tolist() == [-1, 1]
    assert nn.normalize([[5.0]]).tolist() == [[0]]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_constant_column_becomes_0_though_its_mean_is_rounded(dtype: str) -> None:
    X = np.full((999, 2), 0.1, dtype)
    X[0, 1] = 1
    out = nn.normalize(X)
    assert not out[:, 0].any()
    assert out[0, 1] > 10


def test_normalize_of_numbers_whose_squares_vanish_and_of_infinity() -> None:
    for size in (1e-200, 1e200, 1.0):
        np.testing.assert_allclose(nn.normalize([size, 2 * size]), [-1, 1])
    assert np.isnan(nn.normalize([[np.inf], [1.0]])).all()


def test_normalize_sums_safely() -> None:
    # A float16 sum would overflow at 65504, a float32 mean of a long column drift.
    out = nn.normalize(np.arange(4000, dtype="float16"))
    assert abs(float(out.astype(float).std()) - 1) < 1e-3
    column = (np.random.default_rng(0).random(300_000) + 1000).astype("float32")
    assert abs(float(nn.normalize(column).astype(float).mean())) < 1e-6


def test_matrix_multiply_numbers() -> None:
    assert nn.matrix_multiply([[1, 2]], [[3], [4]]).tolist() == [[11]]
    # In float16 the running sum would stop at 2048, where 1 is below the resolution.
    ones = np.ones((1, 5000), "float16")
    assert nn.matrix_multiply(ones, ones.T).tolist() == [[5000]]


# --- losses -------------------------------------------------------------------


def test_mse_loss_numbers() -> None:
    assert nn.mse_loss([1, 2], [0, 4]) == 2.5
    assert type(nn.mse_loss(np.ones(2, "float32"), np.ones(2, "float32"))) is float
    assert nn.mse_loss(np.full((2, 2), 300, "float16"), np.zeros((2, 2))) == 90000


def test_binary_cross_entropy_numbers() -> None:
    expected = -(np.log(0.8) + np.log(1 - 0.4)) / 2
    assert nn.binary_cross_entropy([0.8, 0.4], [1, 0]) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_losses_are_finite_at_the_ends(dtype: str) -> None:
    most = -np.log(1e-15)
    A, y = np.array([0, 1], dtype), np.array([1, 0])
    assert nn.binary_cross_entropy(A, y) == pytest.approx(most, rel=1e-3)
    assert abs(nn.binary_cross_entropy(A, 1 - y)) < 1e-14
    assert nn.cross_entropy(A[None], y[None]) == pytest.approx(most, rel=1e-3)


def test_a_probability_rounded_above_1_is_still_finite() -> None:
    A = np.nextafter(np.ones(1, "float32"), np.float32(2))
    assert nn.binary_cross_entropy(A, [0]) == pytest.approx(-np.log(1e-15), rel=1e-3)


def test_probabilities_may_be_rounded_above_1_in_their_own_type() -> None:
    half = np.nextafter(np.ones((1, 2), "float16"), np.float16(2))
    for A in (half, half.astype("float32") * 0 + np.float32(1.0000001)):
        assert nn.cross_entropy(A, np.array([[1.0, 0.0]])) < 0.01


def test_a_probability_rounded_below_0_is_clipped() -> None:
    for loss in (nn.cross_entropy([[-1e-8, 1.0]], [[1, 0]]), nn.binary_cross_entropy([-1e-8], [1])):
        assert loss == pytest.approx(-np.log(1e-15))


def test_nan_predictions_give_a_nan_loss() -> None:
    assert np.isnan(nn.mse_loss([np.nan], [1.0]))
    assert np.isnan(nn.cross_entropy([[np.nan, 0.5]], [[1, 0]]))


def test_cross_entropy_numbers() -> None:
    A, y = [[0.25, 0.75], [0.5, 0.5]], [[0, 1], [1, 0]]
    expected = -(np.log(0.75) + np.log(0.5)) / 2
    assert nn.cross_entropy(A, y) == pytest.approx(expected, rel=1e-13)


def test_l2_regularization_numbers() -> None:
    penalty, gradients = nn.l2_regularization([np.array([[1, 2]]), np.array([3], "float32")], 0.5)
    assert penalty == 0.5 * (1 + 4 + 9)
    assert [g.tolist() for g in gradients] == [[[1, 2]], [3]]
    assert [g.dtype.name for g in gradients] == ["float64", "float32"]
    assert nn.l2_regularization([], 0.5) == (0.0, [])


# --- pooling, dropout, momentum, accuracy, labels -----------------------------


def test_max_pool_numbers() -> None:
    X = np.array([[1, 2, 3, 9], [4, 0, 5, 6], [7, 8, -1, -2], [0, 0, -3, -4]])
    assert nn.max_pool(X).tolist() == [[4, 9], [8, -1]]
    assert nn.max_pool(X, 2, 1).tolist() == [[4, 5, 9], [8, 8, 6], [8, 8, -1]]
    assert nn.max_pool(X, 3, 2).tolist() == [[8]]
    assert nn.max_pool(X, (4, 1), (1, 2)).tolist() == [[7, 5]]


@pytest.mark.parametrize(("size", "stride"), [(2, 1), ((3, 2), (1, 3)), ((1, 5), 1), (5, 5)])
def test_max_pool_is_the_maximum_of_each_window(size: Any, stride: Any) -> None:
    X = np.random.default_rng(0).standard_normal((9, 8, 2))
    (fh, fw), (sh, sw) = (np.broadcast_to(v, 2) for v in (size, stride))
    windows = np.lib.stride_tricks.sliding_window_view(X, (fh, fw), axis=(0, 1))[::sh, ::sw]
    step: Any = tuple(int(v) for v in np.broadcast_to(stride, 2))
    np.testing.assert_array_equal(nn.max_pool(X, size, step), windows.max(axis=(-2, -1)))


def test_max_pool_channels_and_nan() -> None:
    X = np.stack([np.arange(16).reshape(4, 4), -np.arange(16).reshape(4, 4)], axis=-1)
    assert nn.max_pool(X).shape == (2, 2, 2)
    assert nn.max_pool(X)[..., 1].tolist() == [[0, -2], [-8, -10]]
    assert nn.max_pool(X[..., :1]).tolist() == [[5, 7], [13, 15]]
    holed = X[..., 0].astype(float)
    holed[0, 0] = np.nan
    assert np.isnan(nn.max_pool(holed)).tolist() == [[True, False], [False, False]]


def test_dropout_draws_from_numpys_binomial() -> None:
    A = np.arange(1.0, 9).reshape(2, 4)
    np.random.seed(3)
    mask = np.random.binomial(1, 0.7, size=A.shape)
    np.random.seed(3)
    np.testing.assert_array_equal(nn.dropout(A, 0.7), A * mask)


def test_dropout_keeps_p_without_rescaling() -> None:
    out = nn.dropout(np.full(100_000, 3.0), 0.8, rng=0)
    assert set(out.tolist()) == {0.0, 3.0}
    assert abs(np.mean(out > 0) - 0.8) < 0.01
    np.testing.assert_array_equal(out, nn.dropout(np.full(100_000, 3.0), 0.8, rng=0))
    A = np.array([1.0, np.inf])
    assert nn.dropout(A, 0, rng=0).tolist() == [0, 0]
    untouched = nn.dropout(A, 0.1, training=False)
    np.testing.assert_array_equal(untouched, A)
    assert not np.shares_memory(untouched, A)


def test_momentum_update_numbers() -> None:
    velocity = np.array([1.0, -2.0])
    v, step = nn.momentum_update(velocity, np.array([10.0, 0.0]), 0.9, 0.1)
    np.testing.assert_allclose(v, [0.9 - 1, -1.8], rtol=1e-15)
    np.testing.assert_array_equal(v, step)
    assert not np.shares_memory(v, step)
    assert velocity.tolist() == [1, -2]


def test_accuracy_numbers() -> None:
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.5, 0.5]])
    assert nn.accuracy(scores, [1, 0, 0, 0]) == 0.75
    assert nn.accuracy(scores, np.eye(2)[[1, 0, 0, 0]]) == 0.75
    assert nn.accuracy(scores, np.array([1.0, 0, 0, 1])) == 0.5
    assert type(nn.accuracy(scores, np.array([1, 0, 0, 1], "uint8"))) is float


def test_one_hot_numbers() -> None:
    assert nn.one_hot(np.array([1, 0], "uint8")).tolist() == [[0, 1], [1, 0]]
    assert nn.one_hot([0], 3).tolist() == [[1, 0, 0]]
    assert nn.one_hot([True, False]).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("name", nn.FILTERS)
def test_named_filters(name: str) -> None:
    values = nn.named_filter(name)
    assert values.shape == (3, 3)
    # Edges and slopes ignore brightness; the others keep it.
    keeps_brightness = name in ("sharpen", "mean", "gaussian-blur", "emboss")
    assert values.sum() == pytest.approx(1 if keeps_brightness else 0)
    values[:] = 9
    assert nn.named_filter(name).max() < 9


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_the_rows_of_a_matrix_are_stacked_as_those_of_an_array(axis: int) -> None:
    array = np.arange(6.0).reshape(2, 3)
    stacked = nn.functional.stack(np.asmatrix(array), axis=axis)
    assert type(stacked) is np.ndarray
    np.testing.assert_array_equal(stacked, np.stack(array, axis=axis))
