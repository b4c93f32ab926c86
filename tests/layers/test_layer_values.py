"""Norms and initialisers by numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neural_network import (
    INITIALIZERS,
    BatchNorm,
    Conv1D,
    Conv2D,
    ConvTranspose2D,
    Dense,
    DepthwiseConv2D,
    Embedding,
    GroupNorm,
    Layer,
    LayerNorm,
    Sequential,
    Tensor,
)

X = np.array([[1.0, 10.0], [3.0, 30.0], [8.0, 50.0]])


def test_batch_norm_in_training_and_evaluation() -> None:
    layer = BatchNorm(epsilon=1e-3)
    out = layer(X).data
    np.testing.assert_allclose(out, (X - [4, 30]) / np.sqrt(X.var(axis=0) + 1e-3), rtol=1e-5)
    # 0.9 · 0 + 0.1 · mean; 0.9 · 1 + 0.1 · Σ(x − mean)² / (n − 1): 13 and 400.
    np.testing.assert_allclose(layer.running_mean.data, [0.4, 3.0], rtol=1e-6)
    np.testing.assert_allclose(layer.running_variance.data, [2.2, 40.9], rtol=1e-6)
    layer(X)
    np.testing.assert_allclose(layer.running_mean.data, [0.76, 5.7], rtol=1e-6)
    np.testing.assert_allclose(layer.running_variance.data, [3.28, 76.81], rtol=1e-6)
    layer.gamma.data[...], layer.beta.data[...] = [2, 3], [-1, 1]
    expected = (X - [0.76, 5.7]) / np.sqrt(np.array([3.28, 76.81]) + 1e-3) * [2, 3] + [-1, 1]
    np.testing.assert_allclose(layer.predict(X), expected, rtol=1e-5)
    np.testing.assert_allclose(layer.running_mean.data, [0.76, 5.7], rtol=1e-6)
    assert layer.running_mean.dtype == layer.running_variance.dtype == np.float32
    assert [name for name, _ in layer.named_buffers()] == ["running_mean", "running_variance"]


def test_batch_norm_keeps_its_type_whatever_comes() -> None:
    layer = BatchNorm().initialize((2,))
    layer(Tensor(X))  # float64: a tensor keeps its type
    assert layer.running_mean.dtype == layer.running_variance.dtype == np.float32
    np.testing.assert_allclose(layer.running_mean.data, [0.4, 3.0], rtol=1e-6)
    wide = BatchNorm().astype("float64").initialize((2,))
    wide(Tensor(X.astype(np.float32)))
    assert wide.running_variance.dtype == np.float64


def test_batch_norm_recovers_from_numbers_too_large_for_a_variance() -> None:
    layer = BatchNorm(momentum=0.5)
    with np.errstate(over="raise"):
        layer(X * np.float32(1e25))
    largest = np.finfo(np.float32).max
    np.testing.assert_array_equal(layer.running_variance.data, [largest, largest])
    np.testing.assert_allclose(layer.running_mean.data, np.array([2, 15]) * 1e25, rtol=1e-6)
    assert (layer.predict(X * 1e25)[0] != 0).all()
    for _ in range(150):
        layer(X)
    np.testing.assert_allclose(layer.running_variance.data, [13, 400], rtol=1e-4)


def test_batch_norm_counts_all_places_of_a_channel() -> None:
    pictures = np.random.default_rng(0).normal(3, 2, (4, 2, 5, 6))
    layer = BatchNorm(momentum=0)
    out = layer(pictures).data
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(out.var(axis=(0, 2, 3)), 1, rtol=1e-4)
    unbiased = pictures.var(axis=(0, 2, 3), ddof=1)
    np.testing.assert_allclose(layer.running_variance.data, unbiased, rtol=1e-5)
    kept = BatchNorm(momentum=1).initialize((2, 5, 6))
    kept(pictures)
    np.testing.assert_array_equal(kept.running_mean.data, [0, 0])


def test_large_means_in_float32() -> None:
    """Sums of squares would lose all digits of a variance of 1 around 10,000."""
    far = np.random.default_rng(0).normal(1e4, 1, (500, 1)).astype(np.float32)
    layer = BatchNorm(momentum=0)
    layer(far)
    wide = far.astype(np.float64)
    np.testing.assert_allclose(layer.running_mean.data, wide.mean(), rtol=1e-6)
    np.testing.assert_allclose(layer.running_variance.data, wide.var(ddof=1), rtol=1e-3)


def test_a_walk_back_after_the_statistics_have_moved() -> None:
    layer = BatchNorm().initialize((2,), rng=0)
    loss = layer.eval()(X).sum()
    layer.train()(X)
    loss.backward()
    assert layer.gamma.grad is not None
    np.testing.assert_allclose(layer.gamma.grad, X.sum(axis=0) / np.sqrt(1 + 1e-5), rtol=1e-5)


def test_layer_and_group_norm() -> None:
    rows = LayerNorm()(X).data
    np.testing.assert_allclose(rows, [[-1, 1]] * 3, rtol=1e-5)
    pictures = np.random.default_rng(0).normal(3, 2, (2, 6, 3, 3))
    for groups in (1, 2, 6):
        out = GroupNorm(groups)(pictures).data.reshape(2, groups, -1)
        np.testing.assert_allclose(out.mean(axis=2), 0, atol=1e-6)
        np.testing.assert_allclose(out.std(axis=2), 1, rtol=1e-4)
    layer = LayerNorm()
    layer(X)
    layer.gamma.data[...], layer.beta.data[...] = [2, 3], [-1, 1]
    np.testing.assert_allclose(layer.predict(X), [[-3, 4]] * 3, rtol=1e-5)


VARIANCES: dict[str, Any] = {
    "glorot": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "glorot_uniform": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "glorot_normal": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "he_uniform": lambda fan_in, fan_out: 2 / fan_in,
    "he_normal": lambda fan_in, fan_out: 2 / fan_in,
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
    "lecun_uniform": lambda fan_in, fan_out: 1 / fan_in,
    "lecun_normal": lambda fan_in, fan_out: 1 / fan_in,
    "zeros": lambda fan_in, fan_out: 0,
}
# A layer, the shape of one input, fan_in, fan_out.
FANS: list[tuple[Any, tuple[int, ...], int, int]] = [
    (lambda i: Dense(300, initializer=i), (200,), 200, 300),
    (lambda i: Conv2D(80, (3, 5), initializer=i), (40, 6, 6), 40 * 15, 80 * 15),
    (lambda i: Conv2D(80, 3, groups=4, initializer=i), (40, 6, 6), 10 * 9, 20 * 9),
    (lambda i: Conv1D(80, 7, initializer=i), (40, 9), 40 * 7, 80 * 7),
    (lambda i: DepthwiseConv2D(5, 3, initializer=i), (500, 6, 6), 25, 75),
    (lambda i: ConvTranspose2D(60, 4, stride=2, initializer=i), (40, 3, 3), 40 * 4, 60 * 16),
    (lambda i: Embedding(400, 100, initializer=i), (3,), 1, 100),
]


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize(("make", "shape", "fan_in", "fan_out"), FANS)
def test_variances(make: Any, shape: tuple[int, ...], fan_in: int, fan_out: int, name: str) -> None:
    dtype = np.int64 if len(shape) == 1 and shape[0] == 3 else np.float32
    weight = make(name).initialize(shape, rng=0, dtype=dtype).weight.data
    expected = VARIANCES[name](fan_in, fan_out)
    np.testing.assert_allclose(weight.var(), expected, rtol=0.04)
    assert abs(weight.mean()) <= 4 * np.sqrt(expected / weight.size)
    if "uniform" in name:
        bound = np.sqrt(3 * expected)
        assert bound * 0.99 < np.abs(weight).max() <= bound * 1.000001
    elif "normal" in name:  # kurtosis tells a bell from a box
        assert abs(np.mean(weight**4) / weight.var() ** 2 - 3) < 0.2


def test_every_initializer_is_tested() -> None:
    assert set(INITIALIZERS) == {*VARIANCES, "orthogonal", "ones"}


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Dense(50, initializer="lecun"), (100,)),
        (Conv2D(60, 3, padding=1, initializer="lecun"), (30, 12, 12)),
        (ConvTranspose2D(30, 4, stride=2, padding=1, initializer="lecun"), (30, 12, 12)),
    ],
)
def test_signals_keep_their_size(layer: Layer, shape: tuple[int, ...]) -> None:
    signal = np.random.default_rng(0).normal(size=(20, *shape))
    out = layer.initialize(shape, rng=0).predict(signal)
    inner = out[..., 2:-2, 2:-2] if out.ndim == 4 else out
    assert 0.85 < inner.var() < 1.15


@pytest.mark.parametrize("sizes", [(5, 8), (8, 5), (6, 6)])
def test_orthogonal_dense(sizes: tuple[int, int]) -> None:
    weight = Dense(sizes[1], initializer="orthogonal").initialize(sizes[:1], rng=0).weight.data
    product = weight @ weight.T if sizes[0] <= sizes[1] else weight.T @ weight
    np.testing.assert_allclose(product, np.eye(min(sizes)), atol=1e-6)


def test_orthogonal_filters() -> None:
    filters = Conv2D(7, 3, initializer="orthogonal").initialize((2, 5, 5), rng=0).weight.data
    flat = filters.reshape(7, 18)
    np.testing.assert_allclose(flat @ flat.T, np.eye(7), atol=1e-6)
    # Without the signs of R, the diagonal of a QR decomposition would lean to one side.
    leaning = [
        INITIALIZERS["orthogonal"]((1, 1), 1, 1, np.random.default_rng(seed))[0, 0]
        for seed in range(200)
    ]
    assert set(leaning) == {-1.0, 1.0}
    assert abs(np.mean(leaning)) < 0.25


def test_an_initializer_of_ones_own() -> None:
    def halves(shape: Any, fan_in: int, fan_out: int, rng: np.random.Generator) -> Any:
        return np.full(shape, 0.5 * fan_in / fan_out)

    layer = Dense(2, initializer=halves).initialize((4,))
    np.testing.assert_array_equal(layer.weight.data, np.ones((4, 2)))


def test_one_seed_one_network() -> None:
    def weights(seed: int) -> Any:
        return Sequential(Conv2D(2, 3), BatchNorm()).initialize((1, 5, 5), rng=seed)[0].weight  # type: ignore[attr-defined]

    np.testing.assert_array_equal(weights(1).data, weights(1).data)
    assert (weights(1).data != weights(2).data).all()
