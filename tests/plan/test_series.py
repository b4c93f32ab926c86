"""Networks of series, whose convolutions have one spatial axis, as stages of the plan."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import grad
from neural_network.layers.planning import without_plan
from tests.needs import need_fast
from tests.plan.test_norm_stage import check, found, relu
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

L = nn


def pool(size: int, stride: int | None = None, function: Any = nn.max_pool1d) -> Any:
    return L.Activation(partial(function, size=size, stride=stride))


# name -> layers, shape of a row, the stages that compute all of them
NETWORKS: dict[str, tuple[Any, tuple[int, ...], list[str]]] = {
    "classifier": (
        lambda: [L.Conv1D(8, 5, padding=2, bias=False), L.BatchNorm(), relu(), pool(2),
                 L.Conv1D(13, 3, stride=2), L.BatchNorm(), relu(), L.GlobalAvgPool2D(),
                 L.Dense(7, "relu"), L.Dense(3)],
        (3, 21), ["ConvStage", "NormStage"] * 2 + ["GlobalAvgPoolStage"] + ["DenseStage"] * 2),
    "flattened": (
        lambda: [L.Conv1D(16, 3, activation="relu"), L.Conv1D(24, 3, stride=2, activation="relu"),
                 L.Flatten(), L.Dense(5)], (9, 20), ["ConvStage", "ConvStage", "DenseStage"]),
    "pooled at once": (
        lambda: [L.Conv1D(6, 4, padding=((2, 0),), activation="relu"), pool(3), L.Conv1D(5, 2),
                 L.Activation(nn.max_pool1d), L.Flatten()], (2, 17), ["ConvStage"] * 2),
    "one channel": (
        lambda: [L.Conv1D(4, 3), pool(2), relu(), L.Flatten(), L.Dense(2)],
        (1, 12), ["ConvStage", "DenseStage"]),
    "means": (
        lambda: [L.Conv1D(5, 1, activation="tanh"), pool(3, 2, nn.avg_pool1d),
                 L.Conv1D(17, 7, stride=3, padding="same"), L.BatchNorm(), pool(2),
                 L.Activation(nn.global_avg_pool)],
        (3, 40), ["ConvStage", "ElementwiseStage", "PoolStage", "ConvStage", "NormStage",
                  "GlobalAvgPoolStage"]),
    "a series comes out": (
        lambda: [L.Conv1D(20, 3, padding=1, activation="relu"), L.Conv1D(3, 3, padding=1)],
        (2, 11), ["ConvStage"] * 2),
    "residual": (
        lambda: [L.Conv1D(6, 3, padding="same"), L.Residual([L.Conv1D(6, 3, padding=1), L.BatchNorm(),
                 relu(), L.Conv1D(6, 1)]), relu(), L.Flatten(), L.Dense(2)],
        (2, 9), ["ConvStage", "AddStage", "DenseStage"]),
}  # fmt: skip


def network(name: str, rows: int = 5) -> tuple[Any, Any]:
    make, shape, _ = NETWORKS[name]
    model = nn.Sequential(make()).initialize(shape, rng=1)
    rng = np.random.default_rng(2)
    for parameter in model.parameters():
        parameter.data[...] = rng.standard_normal(parameter.shape)
    return model, rng.standard_normal((rows, *shape)).astype("float32")


def alone(model: Any, X: Any, **options: Any) -> list[Any]:
    with without_plan():
        return found(model, X, "numpy", **options)


@pytest.mark.parametrize("input_too", [True, False], ids=["input too", "parameters"])
@pytest.mark.parametrize("name", NETWORKS)
def test_one_run_as_one_by_one(name: str, input_too: bool, kernel_runs: list[list[str]]) -> None:
    model, X = network(name)
    for rows in (5, 2, 5, 7):  # in the same memory
        series = np.resize(X, (rows, *X.shape[1:]))
        ours = found(model, series, "numba", input_too=input_too)
        check(ours, alone(model, series, input_too=input_too))
    assert kernel_runs == [NETWORKS[name][2]] * 4
    assert ours[0].shape == model(series).shape
    assert ours[-len(list(model.parameters())) - 1] is None or input_too


@pytest.mark.parametrize("name", NETWORKS)
def test_evaluation(name: str, kernel_runs: list[list[str]]) -> None:
    model, X = network(name)
    for layer in model.all_layers():
        if isinstance(layer, nn.BatchNorm):
            layer.running_mean.data[...] = 0.3
            layer.running_variance.data[...] = 2.5
    for rows in (5, 2, 4):
        with nn.use_kernels("numba"):
            ours = model.predict(X[:rows])
        with nn.use_kernels("numpy"), without_plan():
            theirs = model.predict(X[:rows])
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4 * np.abs(theirs).max())
    assert len(kernel_runs) == 3


@pytest.mark.parametrize("frozen", [0, 1, 4])
def test_frozen_layers(frozen: int) -> None:
    model, X = network("classifier")
    model[frozen].freeze()
    ours = found(model, X, "numba")
    check(ours, alone(model, X))
    assert any(one is None for one in ours)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["flattened", "pooled at once", "a series comes out"])
def test_what_is_not_finite(name: str, value: float) -> None:
    model, X = network(name)
    X[1, 0, 3] = X[4, 1, -1] = value
    numbers = []
    for mode in ("numba", "numpy"):
        with nn.use_kernels(mode), np.errstate(all="ignore"):
            numbers.append(model.predict(X))
    np.testing.assert_array_equal(*map(np.isfinite, numbers))
    np.testing.assert_allclose(*numbers, rtol=1e-3, atol=1e-3)


LAYOUTS = {
    "columns": np.asfortranarray,
    "backwards": lambda X: X[::-1, :, ::-1].copy()[::-1, :, ::-1],
    "channels last": lambda X: X.transpose(0, 2, 1).copy().transpose(0, 2, 1),
    "one for all": lambda X: np.broadcast_to(X[:1], X.shape),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_of_any_kind(layout: str) -> None:
    model, X = network("a series comes out")
    X, lay_out = LAYOUTS[layout](X), LAYOUTS[layout]
    numbers = []
    for mode in ("numba", "numpy"):
        model.zero_grad()
        x = nn.Tensor(X, requires_grad=True)
        with nn.use_kernels(mode):
            out = model(x)
            g = np.random.default_rng(3).standard_normal(out.shape).astype("float32")
            out.backward(lay_out(g))
        numbers.append([out.data, x.grad, *(p.grad for p in model.parameters())])
    check(*numbers)


def test_second_derivatives() -> None:
    model, X = network("pooled at once")
    for layer in (model[0], model[2]):
        layer.weight.data *= 0.3

    def penalty(x: Any) -> Any:
        return np.sum(np.square(grad(lambda z: np.sum(np.square(model(z))))(x)))

    numbers = []
    for mode in ("numba", "numpy"):
        with nn.use_kernels(mode):
            numbers.append(grad(penalty)(X).data)
    assert np.abs(numbers[1]).max() > 0.1
    check(numbers[:1], numbers[1:])


@pytest.mark.parametrize(
    ("layer", "shape", "other"),
    [
        (lambda: L.Conv1D(4, 3), (2, 8), (2, 1, 8)),
        (lambda: L.Conv2D(4, (1, 3)), (2, 1, 8), (2, 8)),
        (lambda: L.DepthwiseConv2D((1, 3)), (2, 1, 8), (2, 8)),
        (lambda: L.ConvTranspose2D(4, (1, 3)), (2, 1, 8), (2, 8)),
    ],
)
def test_input_of_another_rank_is_refused_by_the_layer(layer: Any, shape: Any, other: Any) -> None:
    for behind in ([], [L.Conv1D(3, 1) if len(shape) == 2 else L.Conv2D(3, 1)]):
        model = nn.Sequential(layer(), *behind).initialize(shape, rng=0)
        for mode in ("numpy", "numba"):
            with nn.use_kernels(mode), pytest.raises(nn.ShapeError, match=r"\(N, |channels"):
                model(np.ones((2, *other), np.float32))


def test_a_pooling_of_another_rank_is_refused_by_its_layer() -> None:
    model = nn.Sequential(L.Conv1D(4, 3), L.Flatten()).initialize((2, 8), rng=0)
    for wrong in (L.MaxPool2D((1, 2)), L.AvgPool2D((1, 2)), L.Activation(nn.max_pool2d)):
        for mode in ("numpy", "numba"):
            with nn.use_kernels(mode), pytest.raises(nn.ShapeError, match=r"_pool2d: X: expected"):
                model.insert(1, wrong)  # which tries the model


@pytest.mark.parametrize(
    "layer",
    [
        lambda: L.Conv1D(4, 3, groups=2), lambda: L.Conv1D(4, 3, dilation=2),
        lambda: pool(3, 2), lambda: L.Activation(partial(nn.max_pool1d, size=2, padding=1)),
        lambda: L.Activation(partial(nn.avg_pool1d, size=2, ceil_mode=True)),
    ],
)  # fmt: skip
def test_layers_without_a_stage_are_called(layer: Any, kernel_runs: list[list[str]]) -> None:
    model = nn.Sequential(L.Conv1D(4, 3), layer(), L.Conv1D(3, 2)).initialize((2, 19), rng=0)
    X = np.random.default_rng(0).standard_normal((3, 2, 19)).astype("float32")
    check(found(model, X, "numba"), alone(model, X))
    assert kernel_runs == [["ConvStage"]] * 2


def test_tokens_are_no_series(kernel_runs: list[list[str]]) -> None:
    model = nn.Sequential(L.Activation("tanh"), L.Dense(4)).initialize((5, 6), rng=0)
    X = np.random.default_rng(0).standard_normal((3, 5, 6)).astype("float32")
    check(found(model, X, "numba"), alone(model, X))
    assert kernel_runs == [["ElementwiseStage", "DenseStage"]]


def test_threads_change_no_bit() -> None:
    def computed() -> Any:
        model, X = network("classifier", 33)
        return np.concatenate([one.ravel() for one in found(model, X, "numba")])

    np.testing.assert_array_equal(*on_one_and_two_threads(computed))


def test_uncompiled() -> None:
    code = """
from tests.plan.test_series import alone, check, found, network
for name in ("classifier", "pooled at once"):
    model, X = network(name, 2)
    check(found(model, X, "numba"), alone(model, X))
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
