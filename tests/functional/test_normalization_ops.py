"""The norms of layers, and spatial dropout: definitions, numbers by hand, digits, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import Tensor, check_gradients, grad
from neural_network.functional.normalization.ops import normalize_over

RNG = np.random.default_rng(0)
SHAPES = [(5, 4), (3, 4, 5), (2, 4, 3, 2), (2, 4, 2, 3, 2)]
A, B = RNG.standard_normal(4), RNG.standard_normal(4)


def by_hand(X: Any, axes: Any, epsilon: float = 1e-5) -> Any:
    centre = X.mean(axis=axes, keepdims=True)
    spread = ((X - centre) ** 2).mean(axis=axes, keepdims=True)
    return (X - centre) / np.sqrt(spread + epsilon)


def beside(parameter: Any, ndim: int) -> Any:
    return parameter.reshape(1, -1, *(1,) * (ndim - 2))


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm_in_training(shape: Any) -> None:
    X = 3 * RNG.standard_normal(shape) + 2
    axes = (0, *range(2, len(shape)))
    expected = by_hand(X, axes, 0.01)
    np.testing.assert_allclose(nn.batch_norm(X, epsilon=0.01), expected)
    a, b = beside(A, X.ndim), beside(B, X.ndim)
    np.testing.assert_allclose(nn.batch_norm(X, A, B, epsilon=0.01), expected * a + b)
    np.testing.assert_allclose(nn.batch_norm(X, A, epsilon=0.01), expected * a)
    np.testing.assert_allclose(nn.batch_norm(X, beta=B, epsilon=0.01), expected + b)
    check_gradients(nn.batch_norm, [X, A, B])


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_norm_in_evaluation(shape: Any) -> None:
    X, mean, variance = RNG.standard_normal(shape), RNG.standard_normal(4), RNG.random(4)
    m, v = beside(mean, X.ndim), beside(variance, X.ndim)
    expected = (X - m) / np.sqrt(v + 1e-5)
    np.testing.assert_allclose(nn.batch_norm(X, mean=mean, variance=variance), expected)
    got = nn.batch_norm(X, A, B, mean, variance)
    np.testing.assert_allclose(got, expected * beside(A, X.ndim) + beside(B, X.ndim))
    # A row's result does not depend on the others, and one row is enough.
    np.testing.assert_array_equal(nn.batch_norm(X[:1], A, B, mean, variance), got[:1])
    check_gradients(nn.batch_norm, [X, A, B, mean, variance + 0.1])


def test_a_batch_evaluated_with_its_own_statistics_is_as_in_training() -> None:
    X = RNG.standard_normal((6, 4, 3))
    mean, variance = nn.batch_statistics(X)
    np.testing.assert_allclose(nn.batch_norm(X, A, B, mean, variance), nn.batch_norm(X, A, B))


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_statistics(shape: Any) -> None:
    X = (RNG.standard_normal(shape) + 7).astype("float32")
    axes = (0, *range(2, len(shape)))
    for images in (X, Tensor(X), Tensor(X, requires_grad=True)):
        mean, variance = nn.batch_statistics(images)
        assert type(mean) is type(variance) is np.ndarray
        assert mean.shape == variance.shape == (4,)
        assert mean.dtype == variance.dtype == np.float32
        np.testing.assert_allclose(mean, X.mean(axis=axes), rtol=1e-6)
        np.testing.assert_allclose(variance, X.var(axis=axes), rtol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("count", [1, 2, 4])
def test_group_norm(shape: Any, count: int) -> None:
    X = RNG.standard_normal(shape)
    grouped = X.reshape(len(X), count, 4 // count, *shape[2:])
    expected = by_hand(grouped, tuple(range(2, grouped.ndim))).reshape(shape)
    np.testing.assert_allclose(nn.group_norm(X, count), expected, atol=1e-15)
    expected = expected * beside(A, X.ndim) + beside(B, X.ndim)
    np.testing.assert_allclose(nn.group_norm(X, count, A, B), expected, atol=1e-15)
    check_gradients(lambda X, a, b: nn.group_norm(X, count, a, b), [X, A, B])


@pytest.mark.parametrize("shape", SHAPES[1:])
def test_instance_norm_is_group_norm_of_single_channels(shape: Any) -> None:
    X = RNG.standard_normal(shape)
    expected = by_hand(X, tuple(range(2, X.ndim)))
    np.testing.assert_allclose(nn.instance_norm(X), expected)
    np.testing.assert_allclose(nn.instance_norm(X, A, B), nn.group_norm(X, 4, A, B))
    check_gradients(nn.instance_norm, [X, A, B])


@pytest.mark.parametrize("axes", [-1, 2, (1, 2), (-1, 1), 0, (0, 1, 2), np.int64(1)])
def test_layer_norm(axes: Any) -> None:
    X = RNG.standard_normal((3, 4, 5))
    chosen = sorted(a % 3 for a in np.atleast_1d(axes))
    sizes = tuple(X.shape[a] for a in chosen)
    gamma, beta = RNG.standard_normal(sizes), RNG.standard_normal(sizes)
    expected = by_hand(X, tuple(chosen))
    np.testing.assert_allclose(nn.layer_norm(X, axes=axes), expected)
    letters = "".join("ijk"[a] for a in chosen)
    scaled = np.einsum(f"ijk,{letters}->ijk", expected, gamma)
    shifted = scaled + np.einsum(f"ijk,{letters}->ijk", np.ones_like(X), beta)
    np.testing.assert_allclose(nn.layer_norm(X, gamma, beta, axes=axes), shifted)
    check_gradients(lambda X, a, b: nn.layer_norm(X, a, b, axes=axes), [X, gamma, beta])


def test_numbers_by_hand() -> None:
    # Mean 2, deviations −1, 0, 1, variance 2/3; with ε = 1/3 the root is exactly 1.
    X = np.array([[1.0], [2.0], [3.0]])
    np.testing.assert_allclose(nn.batch_norm(X, [10], [5], epsilon=1 / 3), [[-5], [5], [15]])
    np.testing.assert_allclose(nn.layer_norm(X.T, epsilon=1 / 3), [[-1, 0, 1]])
    # Scaling all inputs changes nothing, where ε is small.
    np.testing.assert_allclose(nn.layer_norm(1e6 * X.T), nn.layer_norm(X.T, epsilon=1e-17))


def test_the_gradient_is_the_fused_formula() -> None:
    X, g, axes = RNG.standard_normal((4, 3, 5)), RNG.standard_normal((4, 3, 5)), (0, 2)
    t = Tensor(X, requires_grad=True)
    out = normalize_over(t, axes, 0.1)
    out.backward(g)
    y = out.data
    root = np.sqrt(X.var(axis=axes, keepdims=True) + 0.1)
    rest = g - g.mean(axes, keepdims=True) - y * (g * y).mean(axes, keepdims=True)
    np.testing.assert_allclose(t.grad, rest / root)


def test_second_derivatives_flow() -> None:
    X = RNG.standard_normal((4, 2))
    loss = lambda X: np.sum(nn.batch_norm(X, [1.0, 2.0]) ** 3)  # noqa: E731
    check_gradients(grad(loss), [X], tolerance=1e-5)


@pytest.mark.parametrize("mean", [1e4, 1e6])
@pytest.mark.parametrize("shape", [(4096, 4), (8, 4, 64, 64)])
def test_a_large_mean_costs_no_digits(shape: Any, mean: float) -> None:
    X = (RNG.standard_normal(shape) + mean).astype("float32")
    expected = by_hand(X.astype(float), (0, *range(2, X.ndim)))
    assert np.abs(nn.batch_norm(X) - expected).max() < 1e-4
    seen, spread = nn.batch_statistics(X)
    axes = (0, *range(2, X.ndim))
    np.testing.assert_allclose(seen, X.mean(axis=axes, dtype=float), rtol=1e-7)
    np.testing.assert_allclose(spread, X.var(axis=axes, dtype=float), rtol=2e-3)
    g = RNG.standard_normal(shape)
    single = Tensor(X, requires_grad=True)
    nn.batch_norm(single).backward(g)
    wide = Tensor(X.astype(float), requires_grad=True)
    nn.batch_norm(wide).backward(g)
    assert np.abs(single.grad - wide.grad).max() < 1e-4


def test_constant_channels_become_beta() -> None:
    X = np.full((64, 2, 7), [[0.1], [12345.67]], "float32")
    np.testing.assert_allclose(nn.batch_norm(X, beta=[1, 2])[0, :, 0], [1, 2], atol=1e-5)


def test_squares_that_leave_float32_do_not_wipe_the_result_out() -> None:
    X = np.array([[1e20, 1.0], [-1e20, 3.0]], "float32")
    np.testing.assert_allclose(nn.batch_norm(X), [[1, -1], [-1, 1]], rtol=1e-4)


def test_a_number_that_is_none_stays_in_its_channel() -> None:
    X = np.array([[np.inf, 1.0], [0.0, 3.0]])
    out = nn.batch_norm(X)
    assert np.isnan(out[:, 0]).all()
    np.testing.assert_allclose(out[:, 1], [-1, 1], rtol=1e-4)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_types_are_kept(dtype: str) -> None:
    X = RNG.standard_normal((4, 4, 3)).astype(dtype)
    a, b = A.astype(dtype), B.astype(dtype)
    for out in (
        nn.batch_norm(X, a, b),
        nn.batch_norm(X, a, b, a, b**2),
        nn.layer_norm(X),
        nn.group_norm(X, 2, a, b),
        nn.instance_norm(X, a, b),
        nn.dropout2d(X, 0.5),
        nn.dropout2d(X, 0.5, training=False),
        nn.batch_statistics(X)[1],
    ):
        assert out.dtype == dtype
    assert nn.layer_norm([[1, 2]]).dtype == np.float64


X4 = np.ones((2, 4, 3))


@pytest.mark.parametrize(
    ("error", "match", "call"),
    [
        (nn.ShapeError, r"batch_norm: X: expected \(N, C\)", lambda: nn.batch_norm(np.ones(3))),
        (nn.ShapeError, "X: expected at least one", lambda: nn.batch_norm(np.ones((0, 3)))),
        (nn.ShapeError, "more than one value per channel", lambda: nn.batch_norm(np.ones((1, 3)))),
        (nn.ShapeError, r"gamma: expected shape \(4,\)", lambda: nn.batch_norm(X4, np.ones(3))),
        (nn.ShapeError, "beta: expected", lambda: nn.batch_norm(X4, beta=np.ones((4, 1)))),
        (nn.ShapeError, "mean: expected", lambda: nn.batch_norm(X4, mean=1.0, variance=A)),
        (nn.ArgumentError, "variance: expected mean and", lambda: nn.batch_norm(X4, mean=A)),
        (nn.ArgumentError, "mean: expected mean and", lambda: nn.batch_norm(X4, variance=A)),
        (nn.ArgumentError, "from 0 up", lambda: nn.batch_norm(X4, mean=A, variance=-np.ones(4))),
        (nn.ArgumentError, "epsilon: .* above 0", lambda: nn.batch_norm(X4, epsilon=0)),
        (nn.DTypeError, "X: expected real", lambda: nn.batch_norm([["a", "b"]])),
        (nn.ShapeError, "batch_statistics: X: ", lambda: nn.batch_statistics([1.0])),
        (nn.ShapeError, "batch_statistics: X: ", lambda: nn.batch_statistics(np.ones((0, 1)))),
        (nn.DTypeError, "batch_statistics: X: ", lambda: nn.batch_statistics([[1j]])),
        (nn.ShapeError, "axes: expected different axes", lambda: nn.layer_norm(X4, axes=3)),
        (nn.ShapeError, "axes: expected different axes", lambda: nn.layer_norm(X4, axes=(1, -2))),
        (nn.ShapeError, "axes: expected different axes", lambda: nn.layer_norm(1.0)),
        (nn.DTypeError, "axes: expected an axis", lambda: nn.layer_norm(X4, axes=())),
        (nn.DTypeError, "axes: expected an axis", lambda: nn.layer_norm(X4, axes=True)),
        (nn.DTypeError, "axes: expected an axis", lambda: nn.layer_norm(X4, axes=1.0)),
        (nn.ShapeError, r"gamma: expected shape \(3,\)", lambda: nn.layer_norm(X4, np.ones(4))),
        (nn.ShapeError, "beta: ", lambda: nn.layer_norm(X4, beta=np.ones(3), axes=(1, 2))),
        (nn.ArgumentError, "layer_norm: epsilon", lambda: nn.layer_norm(X4, epsilon=-1)),
        (nn.ShapeError, "a divisor of the 4 channels", lambda: nn.group_norm(X4, 3)),
        (nn.ArgumentError, "groups: ", lambda: nn.group_norm(X4, 0)),
        (nn.DTypeError, "groups: ", lambda: nn.group_norm(X4, 2.0)),
        (nn.ShapeError, "group_norm: beta", lambda: nn.group_norm(X4, 2, beta=np.ones(2))),
        (nn.ShapeError, "group_norm: X", lambda: nn.group_norm(A, 2)),
        (nn.ShapeError, "with spatial axes", lambda: nn.instance_norm(np.ones((2, 4)))),
        (nn.ShapeError, "more than one value", lambda: nn.instance_norm(np.ones((2, 4, 1)))),
        (nn.ShapeError, "instance_norm: gamma", lambda: nn.instance_norm(X4, np.ones(3))),
        (nn.ShapeError, "dropout2d: X: .*spatial", lambda: nn.dropout2d(np.ones((2, 4)), 0.5)),
        (nn.ArgumentError, "rate: expected a rate below 1", lambda: nn.dropout2d(X4, 1)),
        (nn.ArgumentError, "rate: expected a finite", lambda: nn.dropout2d(X4, -0.1)),
        (nn.DTypeError, "training: ", lambda: nn.dropout2d(X4, 0.5, training="no")),  # type: ignore[arg-type]
        (nn.DTypeError, "rng: ", lambda: nn.dropout2d(X4, 0.5, rng=0.5)),  # type: ignore[arg-type]
        (nn.DTypeError, "X: expected real", lambda: nn.dropout2d([["a"]], 0.5)),
    ],
)
def test_errors_are_sentences(error: Any, match: str, call: Any) -> None:
    with pytest.raises(error, match=match):
        call()


def test_dropout2d_drops_whole_channels_and_keeps_the_expected_sum() -> None:
    X = RNG.standard_normal((200, 50, 2, 3))
    out = nn.dropout2d(X, 0.2, rng=1)
    kept = out[:, :, 0, 0] != 0
    assert 0.77 < kept.mean() < 0.83
    np.testing.assert_allclose(out, X * kept[:, :, None, None] / 0.8)
    np.testing.assert_array_equal(out, nn.dropout2d(X, 0.2, rng=np.random.default_rng(1)))
    assert (out != nn.dropout2d(X, 0.2, rng=2)).any()
    assert (nn.dropout2d(X, 0.5) != nn.dropout2d(X, 0.5)).any()
    np.testing.assert_array_equal(nn.dropout2d(X, 0), X)


def test_dropout2d_in_evaluation_is_a_copy() -> None:
    X = RNG.standard_normal((2, 3, 4))
    out = nn.dropout2d(X, 0.9, training=False)
    np.testing.assert_array_equal(out, X)
    assert not np.shares_memory(out, X)


def test_dropout2d_carries_gradients() -> None:
    check_gradients(lambda X: nn.dropout2d(X, 0.4, rng=3), [RNG.standard_normal((3, 4, 2))])
