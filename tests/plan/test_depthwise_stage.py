"""Depthwise convolutions inside the plan: what kernels compute equals what the layers compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.plan.matching import matched
from tests.needs import need_fast
from tests.threads import on_one_and_two_threads

need_fast()

# Channels, sizes, and the options of the layer.
CASES: list[tuple[int, tuple[int, int], dict[str, Any]]] = [
    (24, (9, 8), {"kernel_size": 3, "padding": 1}),
    (3, (9, 8), {"kernel_size": 3, "stride": 2, "padding": 1, "bias": False}),
    (37, (7, 9), {"kernel_size": (3, 2), "stride": (2, 1), "padding": ((0, 2), (1, 0))}),
    (9, (7, 7), {"kernel_size": 3, "padding": 2, "dilation": 2}),
    (20, (15, 13), {"kernel_size": 5, "stride": 3, "padding": 2, "dilation": 2}),
    (8, (8, 9), {"kernel_size": 2, "stride": 3, "padding": ((0, 1), (3, 0)), "dilation": (2, 3)}),
    (5, (5, 5), {"kernel_size": 1, "padding": 1}),  # some outputs read no tap
    (16, (3, 3), {"kernel_size": 3, "stride": 4, "padding": 3}),
    (33, (6, 40), {"kernel_size": 4, "padding": "same"}),
]
IDS = [f"{channels} {options}" for channels, _, options in CASES]


def network(case: Any, activation: str | None = "relu", norm: bool = False) -> tuple[Any, Any]:
    channels, sizes, options = case
    layers = [nn.DepthwiseConv2D(activation=activation, **options), nn.Conv2D(4, 1)]
    if norm:
        layers[1:1] = [nn.BatchNorm(), nn.Activation("relu")]
    model = nn.Sequential(*layers).initialize((channels, *sizes), rng=1)
    rng = np.random.default_rng(2)
    for parameter in model.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    return model, rng.standard_normal((19, channels, *sizes)).astype("float32")


def results(model: Any, X: Any, *, input_too: bool = True) -> list[Any]:
    """The result, and the gradients for the input, if wanted, and the parameters."""
    model.zero_grad()
    x = nn.Tensor(X, requires_grad=input_too)
    out = model(x)
    out.backward(np.random.default_rng(3).standard_normal(out.shape).astype("float32"))
    return [out.data, x.grad, *(p.grad for p in model.parameters())]


def compare(model: Any, X: Any, **options: Any) -> None:
    with nn.use_kernels("numpy"):
        expected = results(model, X, **options)
    with nn.use_kernels("numba"):
        found = results(model, X, **options)
    for actual, desired in zip(found, expected, strict=True):
        assert (actual is None) == (desired is None)
        if desired is not None:
            scale = np.abs(desired).max()
            np.testing.assert_allclose(actual, desired, rtol=1e-4, atol=2e-6 * scale)


@pytest.mark.parametrize("activation", ["relu", None])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values_and_gradients(case: Any, activation: str | None) -> None:
    model, X = network(case, activation)
    for rows in (19, 3, 1):
        compare(model, X[:rows])
    compare(model, X, input_too=False)
    model[0].freeze()
    compare(model, X)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_batch_norm_is_folded(case: Any) -> None:
    model, X = network(case, None, norm=True)
    rng = np.random.default_rng(4)
    for statistics in (model[1].running_mean, model[1].running_variance):
        statistics.data[...] = rng.uniform(0.5, 2, statistics.shape)
    with nn.use_kernels("numpy"):
        expected = model.predict(X)
    with nn.use_kernels("numba"):
        found = model.predict(X)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-6 * np.abs(expected).max())


def test_which_layers_are_stages() -> None:
    def stages(*layers: nn.Layer) -> list[str]:
        model = nn.Sequential(*layers).initialize((6, 8, 8), rng=0)
        match = matched([layer._steps() for layer in model], (8, 8, 6))
        return [type(stage).__name__ for stage in match.stages]

    assert stages(nn.DepthwiseConv2D(3), nn.Conv2D(4, 1)) == ["DepthwiseStage", "ConvStage"]
    assert stages(nn.Conv2D(6, 3, groups=6)) == ["DepthwiseStage"]
    for layer in (
        nn.DepthwiseConv2D(3, multiplier=2),
        nn.Conv2D(6, 3, groups=2),
        nn.Conv2D(6, 3, dilation=2),
    ):
        assert stages(layer) == []


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_threads_change_no_bit(case: Any) -> None:
    model, X = network(case)
    with nn.use_kernels("numba"):
        one, two = on_one_and_two_threads(lambda: results(model, X))
    for actual, desired in zip(one, two, strict=True):
        np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("case", CASES[:3], ids=IDS[:3])
def test_what_is_not_finite(case: Any, value: float) -> None:
    model, X = network(case)
    X[1, 2, 0, 1], X[4, 1, 3, 3] = value, value
    with nn.use_kernels("numpy"):
        expected = results(model, X)
    with nn.use_kernels("numba"):
        found = results(model, X)
    for actual, desired in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.isfinite(actual), np.isfinite(desired))
        sure = np.isfinite(desired)
        scale = np.abs(desired[sure]).max(initial=1)
        np.testing.assert_allclose(actual[sure], desired[sure], rtol=1e-4, atol=2e-6 * scale)
    assert not np.isfinite(expected[0]).all()


def test_a_second_backward_pass_and_memory_used_again() -> None:
    model, X = network(CASES[0])
    with nn.use_kernels("numba"):
        x = nn.Tensor(X, requires_grad=True)
        out = model(x)
        kept = out.data.copy()
        g = np.ones(out.shape, np.float32)
        out.backward(g, retain_graph=True)
        once = [x.grad.copy(), *(p.grad.copy() for p in model.parameters())]
        model.predict(X + 1)
        out.backward(g)
        np.testing.assert_array_equal(out.data, kept)
    twice = [x.grad, *(p.grad for p in model.parameters())]
    for first, both in zip(once, twice, strict=True):
        np.testing.assert_allclose(both, 2 * first, rtol=1e-5)
