"""Residual blocks and pooling as stages, and nested containers, equal what the layers compute one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.layers.planning import without_plan
from tests.needs import need_fast
from tests.plan.test_norm_stage import check, found, found_quietly, relu
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

L = nn


def block(*layers: Any, **options: Any) -> Any:
    return L.Residual(*layers, **options)


# name -> layers, shape of a row, the stages that compute them in training
NETWORKS: dict[str, tuple[Any, tuple[int, ...], list[str]]] = {
    "the first layer": (
        lambda: [block(L.Conv2D(3, 3, padding=1, activation="relu"), L.Conv2D(3, 3, padding=1)),
                 L.Flatten(), L.Dense(2)], (3, 5, 7), ["AddStage", "DenseStage"]),
    "projected": (
        lambda: [L.Conv2D(4, 3), L.BatchNorm(), relu(),
                 block(L.Conv2D(6, 3, stride=2, padding=1, bias=False), L.BatchNorm(), relu(),
                       L.Conv2D(6, 3, padding=1, bias=False), L.BatchNorm(),
                       shortcut=L.Sequential(L.Conv2D(6, 1, stride=2), L.BatchNorm())),
                 relu(), L.Conv2D(3, 1)], (2, 9, 8),
        ["ConvStage", "NormStage", "AddStage", "ConvStage"]),
    "one after the other, nested": (
        lambda: [L.Sequential(
            L.Conv2D(5, 3, padding=1, activation="relu"),
            block(L.Sequential(L.Conv2D(5, 3, padding=1), L.BatchNorm()),
                  block(L.Conv2D(5, 1, activation="relu"), L.Conv2D(5, 1))), relu()),
            block(L.Conv2D(5, 3, padding="same"), L.BatchNorm()), L.Flatten()], (3, 6, 5),
        ["ConvStage", "AddStage", "AddStage"]),
    "a pooled shortcut": (
        lambda: [block(L.Conv2D(4, 2, stride=2), shortcut=L.Sequential(
            L.Conv2D(4, 1), L.MaxPool2D(2))), relu(), L.Flatten(), L.Dense(3)], (2, 6, 4),
        ["AddStage", "DenseStage"]),
    "batch norm first": (
        lambda: [L.Conv2D(4, 3), block(
            L.BatchNorm(), relu(), L.Conv2D(6, 3, padding=1, stride=2),
            shortcut=L.Sequential(L.AvgPool2D(2), L.Conv2D(6, 1))), relu(),
            L.GlobalAvgPool2D(), L.Dense(3)], (2, 10, 8),
        ["ConvStage", "AddStage", "GlobalAvgPoolStage", "DenseStage"]),
    "pooled behind the sum": (
        lambda: [L.Conv2D(4, 3), block(L.Conv2D(4, 1, activation="relu")), relu(), L.MaxPool2D(2),
                 L.AvgPool2D(3, 1), L.Flatten(), L.Dense(3)], (2, 10, 12),
        ["ConvStage", "AddStage", "PoolStage", "PoolStage", "DenseStage"]),
    "means": (
        lambda: [L.Conv2D(4, 3), L.BatchNorm(), relu(), L.AvgPool2D((2, 3)), L.Conv2D(5, 1),
                 L.GlobalAvgPool2D(), L.Flatten()], (2, 9, 12),
        ["ConvStage", "NormStage", "PoolStage", "ConvStage", "GlobalAvgPoolStage"]),
    "maxima at the end": (
        lambda: [block(L.Conv2D(2, 1)), L.MaxPool2D((3, 2)), L.Flatten()], (2, 7, 7),
        ["AddStage", "PoolStage"]),
}  # fmt: skip


def network(name: str, rows: int = 5) -> tuple[Any, Any]:
    make, shape, _ = NETWORKS[name]
    model = nn.Sequential(make()).initialize(shape, rng=1)
    rng = np.random.default_rng(2)
    for layer in model.all_layers():
        if isinstance(layer, nn.BatchNorm):
            layer.gamma.data[...] = rng.standard_normal(layer.gamma.shape)
            layer.beta.data[...] = rng.standard_normal(layer.gamma.shape)
    return model, rng.standard_normal((rows, *shape)).astype("float32") + 1


def stages(model: Any) -> list[str]:
    *_, decision = [one for one in model._plan.decisions.values() if one.recorded]
    match = decision.parts[0].match
    assert match.layers == len(model)
    return [type(stage).__name__ for stage in match.stages]


@pytest.mark.parametrize("input_too", [True, False], ids=["input too", "parameters"])
@pytest.mark.parametrize("name", NETWORKS)
def test_together_as_one_by_one(name: str, input_too: bool) -> None:
    model, X = network(name)
    for rows in (5, 2, 5, 7):  # in the same memory
        images = np.resize(X, (rows, *X.shape[1:]))
        ours = found(model, images, "numba", input_too=input_too)
        assert stages(model) == NETWORKS[name][2]
        with without_plan():
            theirs = found(model, images, "numpy", input_too=input_too)
        check(ours, theirs)


@pytest.mark.parametrize("name", NETWORKS)
def test_evaluation(name: str) -> None:
    model, X = network(name)
    with nn.use_kernels("numpy"):
        model(X)
        expected = model.predict(X)
    for mode in ("numba", "auto", "numba"):
        with nn.use_kernels(mode):
            np.testing.assert_allclose(model.predict(X), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("order", [np.asfortranarray, lambda X: np.repeat(X, 2, -1)[..., ::2]])
def test_memory_of_any_kind(order: Any) -> None:
    model, X = network("the first layer")
    check(found(model, order(X), "numba"), found(model, X, "numpy"))


def test_frozen_paths() -> None:
    model, X = network("projected")
    model[3].shortcut.freeze()
    ours = found(model, X, "numba")
    assert sum(p.grad is None for p in model.parameters()) == 4
    check(ours, found(model, X, "numpy"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_comes_through(value: float) -> None:
    model, X = network("a pooled shortcut")
    X[2, 0, 3, 1] = value
    with np.errstate(all="ignore"):
        theirs, ours = (found_quietly(model, X, mode) for mode in ("numpy", "numba"))
    np.testing.assert_array_equal(np.isfinite(ours[0]), np.isfinite(theirs[0]))
    check(ours[:1], theirs[:1])


def test_a_change_inside_ends_the_decision() -> None:
    model, X = network("one after the other, nested")
    for change in (
        lambda: model[0].append(nn.Activation("relu")),
        lambda: model[1].replace(0, nn.Conv2D(5, 1)),
        model[0][1].body[0][1].eval,
        model[0][1].body[0][1].train,
        lambda: model[1].append(nn.Activation("tanh")),  # it has no steps
    ):
        found(model, X, "numba")
        change()
        check(found(model, X, "numba"), found(model, X, "numpy"))


def test_paths_of_different_shapes_are_refused_by_their_layer() -> None:
    layer = nn.Residual(nn.Conv2D(3, 3, padding=1))
    model = nn.Sequential(nn.Conv2D(3, 1), layer).initialize((3, 6, 6), rng=0)
    with nn.use_kernels("numba"):
        model(np.ones((2, 3, 6, 6), np.float32))
        with pytest.raises(nn.ShapeError, match="Residual: layers: expected the shape"):
            layer.replace(0, nn.Conv2D(2, 3, padding=1))
        model(np.ones((2, 3, 6, 6), np.float32))


def test_threads_change_no_bit() -> None:
    def run() -> Any:
        model, X = network("projected", 33)
        return np.concatenate([one.ravel() for one in found(model, X, "numba")])

    np.testing.assert_array_equal(*on_one_and_two_threads(run))


def test_steps_of_a_block_mean_what_it_computes() -> None:
    model, X = network("projected")
    model.predict(X)
    with nn.use_kernels("numpy"), nn.no_grad(), model.in_mode(training=False):
        expected = model(X)
        np.testing.assert_array_equal(model(X), expected)  # by ops, from the second call on
        with without_plan():
            np.testing.assert_array_equal(model(X), expected)


def test_a_block_without_a_stage_is_computed_alike_each_time() -> None:
    # Batch norm of vectors in evaluation begins no stage, and the dense layer behind it does.
    layers = [L.Dense(8), block(L.BatchNorm(), relu(), L.Dense(8))]
    model = nn.Sequential(layers).initialize((9,), rng=0)
    X = np.random.default_rng(1).standard_normal((5, 9)).astype("float32")
    with nn.use_kernels("numba"):
        first = model.predict(X)
        for _ in range(3):
            np.testing.assert_array_equal(model.predict(X), first)
        (inner,) = model[1]._plan.decisions.values()
    assert [part.compiled for part in inner.parts.values()] == [False, False, True]


def test_uncompiled() -> None:
    code = """
from tests.plan.test_residual_stage import check, found, network
model, X = network("projected", 2)
check(found(model, X, "numba"), found(model, X, "numpy"))
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
