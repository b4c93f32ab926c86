"""Winograd's transform: beside the sums that it replaces, and numbers that are not finite."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from tests.needs import kernels
from tests.threads import on_one_and_two_threads

tile = kernels("winograd_tile")
window_sums = kernels("convolution.window_sums")

# Images, height, width, channels, filters, padding, pooling: sizes that are no multiples of four,
# filters that are padded to whole vectors, few and many images.
NETWORKS = [
    (5, 9, 11, 64, 40, 1, None), (17, 14, 14, 64, 32, 1, None), (4, 13, 17, 48, 64, 0, 2),
    (20, 16, 12, 32, 33, 1, 2), (4, 32, 32, 64, 64, 1, 4), (16, 12, 12, 32, 64, 1, None),
]  # fmt: skip


def test_products_of_transforms_are_the_convolution() -> None:
    rng = np.random.default_rng(0)
    d, g = rng.standard_normal((6, 6)), rng.standard_normal((3, 3))
    products = (tile.OF_FILTER @ g @ tile.OF_FILTER.T) * (tile.OF_INPUT @ d @ tile.OF_INPUT.T)
    outputs = tile.OF_OUTPUT @ products @ tile.OF_OUTPUT.T
    expected = [[np.sum(d[i : i + 3, j : j + 3] * g) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-12)


def test_it_is_chosen_by_sizes() -> None:
    sizes = (3, 3), (1, 1), (14, 14)
    for images in (4, 64, 1000):  # parts of a batch are computed as the whole
        assert window_sums.by_winograd(images, 64, 64, *sizes)
    for other in (
        (64, 24, 64, *sizes), (64, 64, 24, *sizes), (64, 60, 64, *sizes), (3, 64, 64, *sizes),
        (64, 256, 256, (3, 3), (1, 1), (3, 3)),
        (64, 64, 64, (3, 3), (2, 2), (14, 14)), (64, 64, 64, (5, 5), (1, 1), (14, 14)),
    ):  # fmt: skip
        assert not window_sums.by_winograd(*other)


def _layer(network: tuple[Any, ...], value: float = 0.0) -> tuple[nn.Sequential, Any]:
    n, height, width, channels, filters, padding, pool = network
    layers = [nn.Conv2D(filters, 3, padding=padding)]
    model = nn.Sequential(*layers, *([] if pool is None else [nn.MaxPool2D(pool)]))
    model.initialize((channels, height, width), rng=1)
    X = np.random.default_rng(0).standard_normal((n, channels, height, width), np.float32)
    X[0, 0, 3, 3] += value
    return model, X


def _computed(model: nn.Sequential, X: Any, mode: str) -> list[Any]:
    with nn.use_kernels(mode), np.errstate(all="ignore"):
        given = nn.Tensor(X, requires_grad=True)
        result = model(given)
        for parameter in model.parameters():
            parameter.grad = None
        cotangent = np.random.default_rng(5).standard_normal(result.shape).astype(np.float32)
        result.backward(cotangent)
    return [result.data, given.grad, *(parameter.grad for parameter in model.parameters())]


@pytest.mark.parametrize("network", [network for network in NETWORKS if network[-1] is None])
def test_values_and_gradients_are_those_of_numpy(network: tuple[Any, ...]) -> None:
    model, X = _layer(network)
    for found, expected in zip(
        _computed(model, X, "numba"), _computed(model, X, "numpy"), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("network", NETWORKS)
def test_results_are_those_of_numpy(network: tuple[Any, ...]) -> None:
    model, X = _layer(network)
    found, expected = (_computed(model, X, mode)[0] for mode in ("numba", "numpy"))
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_not_finite_reaches_what_it_reaches_in_numpy(
    network: tuple[Any, ...], value: float
) -> None:
    model, X = _layer(network, value)
    found, expected = (_computed(model, X, mode) for mode in ("numba", "numpy"))
    np.testing.assert_array_equal(np.isfinite(found[0]), np.isfinite(expected[0]))
    if network[-1] is None:
        np.testing.assert_array_equal(np.isfinite(found[2]), np.isfinite(expected[2]))


@pytest.mark.parametrize("network", NETWORKS)
def test_one_and_two_threads_give_the_same_bits(network: tuple[Any, ...]) -> None:
    model, X = _layer(network)
    one, two = on_one_and_two_threads(lambda: _computed(model, X, "numba"))
    for found, expected in zip(two, one, strict=True):
        np.testing.assert_array_equal(found, expected)
