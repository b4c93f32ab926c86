"""Transposed convolutions inside the plan: what kernels compute equals what the layers compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.plan.matching import matched
from tests.needs import need_fast
from tests.plan.test_depthwise_stage import compare, results
from tests.threads import on_one_and_two_threads

need_fast()

# Channels, sizes, filters, and the options of the layer.
CASES: list[tuple[int, tuple[int, int], int, dict[str, Any]]] = [
    (5, (4, 5), 3, {"kernel_size": 2, "stride": 2}),
    (24, (7, 7), 16, {"kernel_size": 3, "stride": 2, "padding": 1, "output_padding": 1}),
    (3, (5, 4), 7, {"kernel_size": (3, 4), "stride": (1, 3), "padding": (0, 1), "bias": False}),
    (8, (3, 4), 9, {"kernel_size": 2, "stride": 4, "output_padding": (3, 1)}),  # gaps
    (1, (6, 6), 1, {"kernel_size": 5, "padding": 2}),
    (9, (5, 2), 4, {"kernel_size": (5, 1), "stride": (2, 3), "output_padding": (1, 2)}),  # gaps
    (8, (7, 6), 2, {"kernel_size": 4, "stride": 2, "padding": 1}),
]
IDS = [f"{channels} {options}" for channels, _, _, options in CASES]


def network(case: Any, activation: str | None = "relu", norm: bool = False) -> tuple[Any, Any]:
    channels, sizes, filters, options = case
    layers = [nn.ConvTranspose2D(filters, activation=activation, **options), nn.Conv2D(4, 1)]
    if norm:
        layers[1:1] = [nn.BatchNorm(), nn.Activation("relu")]
    model = nn.Sequential(*layers).initialize((channels, *sizes), rng=1)
    rng = np.random.default_rng(2)
    for parameter in model.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    return model, rng.standard_normal((19, channels, *sizes)).astype("float32")


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
def test_alone_and_behind_another_layer(case: Any) -> None:
    model, X = network(case)
    compare(nn.Sequential(model[0]), X)
    channels, sizes, filters, options = case
    behind = nn.Sequential(
        nn.Conv2D(channels, 1, activation="relu"), nn.ConvTranspose2D(filters, **options)
    )
    compare(behind.initialize((2, *sizes), rng=0), X[:, :1].repeat(2, axis=1))
    flat = nn.Sequential(model[0], nn.Flatten(), nn.Dense(3)).initialize((channels, *sizes), rng=0)
    compare(flat, X)


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
    def stages(**options: Any) -> list[str]:
        model = nn.Sequential(nn.ConvTranspose2D(6, 3, **options)).initialize((6, 8, 8), rng=0)
        match = matched([layer._steps() for layer in model], (8, 8, 6))
        return [type(stage).__name__ for stage in match.stages]

    assert stages(stride=2) == ["TransposeStage"]
    assert stages(groups=2) == stages(dilation=2) == []


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_threads_change_no_bit(case: Any) -> None:
    model, X = network(case)
    with nn.use_kernels("numba"):
        one, two = on_one_and_two_threads(lambda: results(model, X))
    for actual, desired in zip(one, two, strict=True):
        np.testing.assert_array_equal(actual, desired)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("case", [CASES[1], CASES[6]], ids=["16 filters", "2 filters"])
def test_what_is_not_finite(case: Any, value: float) -> None:
    model, X = network(case)
    X[1, 2, 0, 1], X[4, 1, 3, 3] = value, value
    with nn.use_kernels("numpy"):
        expected = results(model, X)
    with nn.use_kernels("numba"):
        found = results(model, X)
    for actual, desired in zip(found, expected, strict=True):
        # What is cut off at the sides is left out, and 0 · ∞ with it.
        sure = np.isfinite(desired)
        scale = np.abs(desired[sure]).max(initial=1)
        np.testing.assert_allclose(actual[sure], desired[sure], rtol=1e-4, atol=2e-6 * scale)
    np.testing.assert_array_equal(np.isfinite(found[0]), np.isfinite(expected[0]))
    assert not np.isfinite(expected[0]).all()
    assert not np.isfinite(found[2]).all()


def test_a_second_backward_pass_and_memory_used_again() -> None:
    model, X = network(CASES[1])
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
