"""Batch norm in training as a stage equals what the layers compute one by one, by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.layers.planning import without_plan
from neural_network.plan.matching import matched
from tests.needs import need_fast
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

L = nn


def relu() -> Any:
    return L.Activation("relu")


# name -> layers, shape of a row, the stages that compute them
NETWORKS: dict[str, tuple[Any, tuple[int, ...], list[str]]] = {
    "behind a convolution": (
        lambda: [L.Conv2D(8, 3, padding=1), L.BatchNorm(), relu(), L.Conv2D(5, 3, bias=False),
                 L.BatchNorm(), L.Flatten(), L.Dense(3)],
        (3, 9, 11), ["ConvStage", "NormStage", "ConvStage", "NormStage", "DenseStage"]),
    "pooled": (
        lambda: [L.Conv2D(5, 3, padding="same"), L.BatchNorm(), relu(), L.MaxPool2D(2),
                 L.Conv2D(17, 2), L.BatchNorm(), L.MaxPool2D((2, 3)), relu(), L.Flatten()],
        (2, 13, 14), ["ConvStage", "NormStage"] * 2),
    "pooled without relu": (
        lambda: [L.Conv2D(3, 1, bias=False), L.BatchNorm(0.5, 0.1), L.MaxPool2D((3, 1)),
                 L.Flatten(), L.Dense(2)], (1, 7, 4), ["ConvStage", "NormStage", "DenseStage"]),
    "behind pooling": (
        lambda: [L.Conv2D(16, 3, bias=False), L.MaxPool2D(2), L.BatchNorm(), relu(),
                 L.Conv2D(24, 3, padding=1, stride=2), L.BatchNorm()],
        (3, 14, 11), ["ConvStage", "NormStage"] * 2),
    "behind relu": (
        lambda: [L.Conv2D(4, 3, activation="relu"), L.BatchNorm(), L.Conv2D(130, 1),
                 L.BatchNorm(), relu()], (2, 5, 5), ["ConvStage", "NormStage"] * 2),
}  # fmt: skip


def network(name: str, rows: int = 5) -> tuple[Any, Any]:
    make, shape, _ = NETWORKS[name]
    model = nn.Sequential(make()).initialize(shape, rng=1)
    rng = np.random.default_rng(2)
    for layer in model:
        if isinstance(layer, nn.BatchNorm):  # some factors below 0, as they may become
            layer.gamma.data[...] = rng.standard_normal(layer.gamma.shape)
            layer.beta.data[...] = rng.standard_normal(layer.gamma.shape)
    return model, rng.standard_normal((rows, *shape)).astype("float32") + 1


def found(model: Any, X: Any, mode: str, *, input_too: bool = True) -> list[Any]:
    """The result, the running statistics, the gradients of input and parameters, and again."""
    for layer in model.all_layers():
        if isinstance(layer, nn.BatchNorm):
            layer.running_mean.data = np.zeros(layer.gamma.shape)
            layer.running_variance.data = np.ones(layer.gamma.shape)
    model.zero_grad()
    x = nn.Tensor(X, requires_grad=input_too)
    with nn.use_kernels(mode), np.errstate(all="raise"):
        out = model(x)
        g = np.random.default_rng(3).standard_normal(out.shape).astype("float32")
        out.backward(g, retain_graph=True)
        first = [x.grad, *(p.grad for p in model.parameters())]
        model.zero_grad()
        x.grad = None
        out.backward(g * 2)
    second = [x.grad, *(p.grad for p in model.parameters())]
    numbers = [out.data, *(b.data for _, b in model._look().buffers), *first, *second]
    return [None if one is None else np.array(one) for one in numbers]


def check(ours: list[Any], theirs: list[Any], tolerance: float = 2e-4) -> None:
    for one, other in zip(ours, theirs, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            assert one.dtype == other.dtype
            atol = tolerance * max(1, np.abs(other[np.isfinite(other)]).max(initial=0))
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=atol)


@pytest.mark.parametrize("input_too", [True, False], ids=["input too", "parameters"])
@pytest.mark.parametrize("name", NETWORKS)
def test_together_as_one_by_one(name: str, input_too: bool) -> None:
    model, X = network(name)
    for rows in (5, 2, 5, 7):  # in the same memory
        images = np.resize(X, (rows, *X.shape[1:]))
        theirs = found(model, images, "numpy", input_too=input_too)
        check(found(model, images, "numba", input_too=input_too), theirs)


@pytest.mark.parametrize("name", NETWORKS)
def test_which_stages_compute_them(name: str) -> None:
    model, X = network(name)
    _, *row = X.shape
    match = matched([layer._steps() for layer in model], (*row[1:], row[0]))
    assert [type(stage).__name__ for stage in match.stages] == NETWORKS[name][2]
    assert match.layers == len(model)


@pytest.mark.parametrize("mean", [0, 300, -1e4])
def test_a_large_mean_takes_no_digits(mean: float) -> None:
    model, X = network("pooled")
    model[0].weight.data *= 0.01
    model[0].bias.data[...] = mean + np.arange(5)
    X += np.random.default_rng(1).standard_normal(X.shape).astype("float32")
    # Layers and stage read the same numbers, rounded by the large bias.
    check(found(model, X, "numba"), found(model, X, "numpy"), 2e-3 if mean else 2e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e25, -3e38])
@pytest.mark.parametrize("name", ["pooled", "pooled without relu", "behind a convolution"])
def test_what_is_not_finite_or_huge_comes_through(name: str, value: float) -> None:
    model, X = network(name)
    X[2, 0, 3, 1] = value
    with np.errstate(all="ignore"):
        theirs = found_quietly(model, X, "numpy")
        ours = found_quietly(model, X, "numba")
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other))
    check(ours[:1], theirs[:1])


def found_quietly(model: Any, X: Any, mode: str) -> list[Any]:
    model.zero_grad()
    with nn.use_kernels(mode):
        x = nn.Tensor(X, requires_grad=True)
        out = model(x)
        out.backward(np.ones_like(out.data))
    return [out.data, x.grad, *(p.grad for p in model.parameters())]


def test_constant_channels() -> None:
    model, X = network("behind a convolution")
    model[0].weight.data[1] = 0
    model[0].bias.data[1] = 0.1
    model[1].beta.data[1] = 0  # relu's edge
    check(found(model, X, "numba"), found(model, X, "numpy"))


def test_equal_numbers_of_a_window() -> None:
    model, X = network("pooled")
    X = np.repeat(np.repeat(X[:, :, ::2, ::2], 2, axis=2), 2, axis=3)[:, :, :13, :14]
    model[0].weight.data[:, :, :, [0, 2]] = 0  # all that a window reads is equal
    model[0].weight.data[:, :, [0, 2]] = 0
    check(found(model, X, "numba"), found(model, X, "numpy"))


def test_gradients_of_any_memory_order() -> None:
    model, X = network("behind pooling")
    grads = []
    for mode in ("numpy", "numba"):
        model.zero_grad()
        with nn.use_kernels(mode):
            out = model(X)
            g = np.random.default_rng(3).standard_normal(out.shape).astype("float32")
            out.backward(np.asfortranarray(g))
        grads.append([p.grad for p in model.parameters()])
    check(grads[1], grads[0])


@pytest.mark.parametrize("frozen", [0, 1])
def test_frozen_layers(frozen: int) -> None:
    model, X = network("behind a convolution")
    model[frozen].freeze()
    theirs = found(model, X, "numpy")
    check(found(model, X, "numba"), theirs)
    assert sum(p.grad is None for p in model.parameters()) == 2


def test_one_number_of_each_channel_is_refused_by_its_layer() -> None:
    model = nn.Sequential(nn.Conv2D(4, 3), nn.BatchNorm(), relu()).initialize((2, 3, 3), rng=0)
    for mode in ("numpy", "numba"):
        with nn.use_kernels(mode), pytest.raises(nn.ShapeError, match=r"\[model\[1\] BatchNorm"):
            model(np.ones((1, 2, 3, 3), np.float32))
        with nn.use_kernels(mode):
            assert model(np.ones((2, 2, 3, 3), np.float32)).shape == (2, 4, 1, 1)


def test_statistics_move_once_with_each_forward_pass() -> None:
    model, X = network("pooled")
    with nn.use_kernels("numba"):
        model.predict(X)
        assert not model[1].running_mean.data.any()
        seen = []
        for recorded in (True, False):
            model[1].running_mean.data = np.zeros(5)
            if recorded:
                model(X).sum().backward()
            else:
                with nn.no_grad():
                    model(X)
            seen.append(model[1].running_mean.data.copy())
    np.testing.assert_array_equal(*seen)
    maps = model[0].predict(X)
    np.testing.assert_allclose(seen[0], 0.1 * maps.mean(axis=(0, 2, 3)), rtol=1e-4, atol=1e-6)


def test_evaluation_and_training_of_one_layer_are_told_apart() -> None:
    model, X = network("behind a convolution")
    for training in (True, False, True):
        model[1].training = training
        with nn.use_kernels("numpy"), without_plan():
            before = [b.data for _, b in model._look().buffers]
            expected = model(X).data
        for (_, buffer), data in zip(model._look().buffers, before, strict=True):
            buffer.data = data
        with nn.use_kernels("numba"):
            np.testing.assert_allclose(model(X).data, expected, rtol=1e-3, atol=1e-4)


def test_threads_change_no_bit() -> None:
    def run() -> Any:
        model, X = network("pooled", 33)
        return np.concatenate([one.ravel() for one in found(model, X, "numba")])

    np.testing.assert_array_equal(*on_one_and_two_threads(run))


def test_uncompiled() -> None:
    code = """
from tests.plan.test_norm_stage import check, found, network
for name in ("pooled", "behind a convolution"):
    model, X = network(name, 2)
    check(found(model, X, "numba"), found(model, X, "numpy"))
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
