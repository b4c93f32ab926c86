"""Activation functions as stages, beside the layers that are called one by one."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.plan.matching import matched
from neural_network.plan.run import Run
from neural_network.plan.vocabulary import Reader
from tests.needs import need_fast
from tests.plan.test_plan import compare_both, forward_and_backward
from tests.threads import on_one_and_two_threads

need_fast()

FUNCTIONS = {
    "sigmoid": nn.sigmoid,
    "tanh": nn.tanh,
    "leaky": nn.leaky_relu,
    "falling": partial(nn.leaky_relu, slope=-0.5),
    "elu": nn.elu,
    "elu 2": partial(nn.elu, alpha=2),
    "silu": nn.silu,
    "gelu": nn.gelu,
}


def dense(function: Any) -> nn.Sequential:
    return nn.Sequential(
        nn.Dense(37, function), nn.Dense(20), nn.Activation(function), nn.Dense(5, function)
    ).initialize((11,), rng=1)  # fmt: skip


def convolutions(function: Any) -> nn.Sequential:
    return nn.Sequential(
        nn.Activation(function), nn.Conv2D(5, 3, activation=function), nn.MaxPool2D(2),
        nn.Conv2D(5, 3, padding="same", groups=5, activation=function),
        nn.Conv2D(7, 3, padding="same", bias=False), nn.Activation(function),
        nn.Flatten(), nn.Dense(6, function), nn.Dense(3),
    ).initialize((3, 9, 8), rng=1)  # fmt: skip


def drawn(model: nn.Sequential, rows: int) -> Any:
    shape = (11,) if isinstance(model[0], nn.Dense) else (3, 9, 8)
    return np.random.default_rng(rows).standard_normal((rows, *shape)).astype(np.float32)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("make", [dense, convolutions])
def test_they_equal_the_layers(make: Any, name: str) -> None:
    model = make(FUNCTIONS[name])
    for rows in (6, 1, 4):
        compare_both(model, drawn(model, rows), rtol=1e-4, atol=1e-4)
    model[2].freeze()
    compare_both(model, drawn(model, 3), rtol=1e-4, atol=1e-4)
    X = drawn(model, 5)
    with nn.use_kernels("numpy"):
        expected = [model.predict(X), *forward_and_backward_of_parameters(model, X)]
    with nn.use_kernels("numba"):
        found = [model.predict(X), *forward_and_backward_of_parameters(model, X)]
    for actual, desired in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-4, atol=1e-4)


def forward_and_backward_of_parameters(model: Any, X: Any) -> list[Any]:
    """The gradients where that of the input is not wanted, of two backward passes."""
    model.zero_grad()
    out = model(X)
    G = np.random.default_rng(3).standard_normal(out.shape).astype(np.float32)
    for factor in (1, 2):
        out.backward(factor * G, retain_graph=True)
    return [p.grad for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numpy_computes_the_same_bits_as_the_layers(name: str, dtype: str) -> None:
    model = dense(FUNCTIONS[name]).astype(dtype)
    X = drawn(model, 4).astype(dtype)
    with nn.use_kernels("numpy"):
        together = [model.predict(X), *forward_and_backward(model, X)]
        with nn.watching(lambda layer, X, out: None):  # each layer is called by itself
            alone = [model.predict(X), *forward_and_backward(model, X)]
    for actual, desired in zip(together, alone, strict=True):
        np.testing.assert_array_equal(actual, desired)


def stages(model: nn.Sequential, shape: tuple[int, ...]) -> tuple[int, list[str]]:
    match = matched([layer._steps() for layer in model], shape)
    return match.layers, [type(stage).__name__ for stage in match.stages]


def test_a_network_is_one_run() -> None:
    conv, function, last = "ConvStage", "ElementwiseStage", "DenseStage"
    # Behind pooling and flatten, where the largest number stays the largest.
    rising = [function, conv, function, "DepthwiseStage", function, conv, function]
    rising += [last, function, last]
    assert stages(convolutions(nn.tanh), (9, 8, 3)) == (9, rising)
    for falls in (nn.gelu, nn.silu, FUNCTIONS["falling"]):
        count, found = stages(convolutions(falls), (9, 8, 3))
        assert (count, found[:4]) == (9, [function, conv, function, "PoolStage"])
    assert stages(dense(nn.gelu), (11,)) == (4, [last, function] * 3)
    # A depthwise convolution takes no flatten.
    model = nn.Sequential(
        nn.Conv2D(2, 3, groups=2), nn.Activation("tanh"), nn.Flatten(), nn.Dense(3)
    ).initialize((2, 5, 5), rng=0)  # fmt: skip
    assert stages(model, (5, 5, 2)) == (2, ["DepthwiseStage", function])
    compare_both(model, np.ones((3, 2, 5, 5), np.float32), rtol=1e-4, atol=1e-4)


def test_layers_end_where_their_exchanged_steps_are_complete() -> None:
    layers = [layer._steps() for layer in convolutions(nn.tanh)[1:]]
    reader = Reader(layers, exchanged=True)
    names = [type(step).__name__ for step in reader.steps]
    tanh, flat = "Elementwise", "Flatten"
    expected = ["Conv", "MaxPool", tanh, "Depthwise", tanh, "Conv", flat, tanh, "Dense", tanh]
    assert names == [*expected, "Dense"]
    assert reader.ends == [0, 3, 3, 5, 6, 8, 8, 10, 11]
    assert Reader(layers).ends == [0, 2, 3, 5, 6, 7, 8, 10, 11]


@pytest.mark.parametrize(
    "function",
    [
        nn.softplus, lambda Z: nn.tanh(Z) + 1, partial(nn.leaky_relu, slope=0),
        partial(nn.leaky_relu, slope=np.float32(0.1)), partial(nn.elu, alpha=np.nan),
        partial(nn.elu, 2.0), partial(nn.gelu, approximate="tanh"), partial(nn.tanh, Z=1),
    ],
)  # fmt: skip
def test_other_functions_are_called(function: Any) -> None:
    assert nn.Activation(function)._steps() is None
    assert nn.Dense(3, function)._steps() is None


def test_it_has_the_same_bits_on_any_number_of_threads() -> None:
    model = nn.Sequential(nn.Dense(300, "gelu"), nn.Dense(4, "tanh")).initialize((11,), rng=0)
    X = drawn(model, 70)
    with nn.use_kernels("numba"):
        for one, two in zip(
            *on_one_and_two_threads(lambda: forward_and_backward(model, X)), strict=True
        ):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_not_finite_comes_through(name: str) -> None:
    model = convolutions(FUNCTIONS[name])
    X = drawn(model, 4)
    X[1, 0, 4, 4], X[2, 1, 3, 3] = np.nan, np.inf
    found = []
    for mode in ("numpy", "numba"):
        with nn.use_kernels(mode):
            found.append(model.predict(X))
    np.testing.assert_array_equal(np.isnan(found[0]), np.isnan(found[1]))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4, atol=1e-4)


def test_kernels_compute_it(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Any] = []
    forward = Run.forward
    monkeypatch.setattr(Run, "forward", lambda run, X: runs.append(run) or forward(run, X))
    model = nn.Sequential(nn.Dense(300, "tanh"), nn.Dense(300, "tanh")).initialize((300,), rng=0)
    model.predict(np.zeros((64, 300), np.float32))
    assert [len(run.match.stages) for run in runs] == [4]
