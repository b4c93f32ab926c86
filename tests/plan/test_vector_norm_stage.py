"""Batch norm of vectors in training as a stage equals what the layers compute one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.layers.planning import without_plan
from tests.needs import need_fast
from tests.plan.test_norm_stage import check, found, relu
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

L = nn

# name -> layers, shape of a row, the stages that compute all of them
NETWORKS: dict[str, tuple[Any, tuple[int, ...], list[str]]] = {
    "dense": (
        lambda: [L.Dense(19, bias=False), L.BatchNorm(), relu(), L.Dense(8, "relu"), L.BatchNorm(),
                 L.Dense(3)],
        (7,), ["DenseStage", "VectorNormStage"] * 2 + ["DenseStage"]),
    "first and last": (
        lambda: [L.BatchNorm(0.5, 0.1), L.Dense(130, "tanh"), L.BatchNorm()],
        (5,), ["VectorNormStage", "DenseStage", "ElementwiseStage", "VectorNormStage"]),
    "behind flatten": (
        lambda: [L.Conv2D(3, 3, padding=1), L.Flatten(), L.BatchNorm(), relu(), L.Flatten(),
                 L.Dense(4)],
        (2, 4, 5), ["ConvStage", "VectorNormStage", "DenseStage"]),
    "behind a global mean": (
        lambda: [L.Conv2D(16, 3), L.BatchNorm(), relu(), L.GlobalAvgPool2D(), L.BatchNorm(),
                 L.Dense(4)],
        (1, 6, 5), ["ConvStage", "NormStage", "GlobalAvgPoolStage", "VectorNormStage",
                    "DenseStage"]),
}  # fmt: skip


def network(name: str, rows: int = 9, dtype: Any = np.float32) -> tuple[Any, Any]:
    make, shape, _ = NETWORKS[name]
    model = nn.Sequential(make()).initialize(shape, rng=1).astype(dtype)
    rng = np.random.default_rng(2)
    for layer in model:
        if isinstance(layer, nn.BatchNorm):  # some factors below 0, as they may become
            layer.gamma.data[...] = rng.standard_normal(layer.gamma.shape)
            layer.beta.data[...] = rng.standard_normal(layer.gamma.shape)
    return model, rng.standard_normal((rows, *shape)).astype(dtype) + 1


def alone(model: Any, X: Any, **options: Any) -> list[Any]:
    with without_plan():
        return found(model, X, "numpy", **options)


@pytest.mark.parametrize("input_too", [True, False], ids=["input too", "parameters"])
@pytest.mark.parametrize("name", NETWORKS)
def test_one_run_as_one_by_one(name: str, input_too: bool, runs: Any) -> None:
    model, X = network(name)
    for rows in (9, 4, 9, 40):  # in the same memory
        batch = np.resize(X, (rows, *X.shape[1:]))
        batch += np.random.default_rng(rows).standard_normal(batch.shape).astype("float32")
        ours = found(model, batch, "numba", input_too=input_too)
        check(ours, alone(model, batch, input_too=input_too))
    assert runs == [("Run", NETWORKS[name][2])] * 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("input_too", [True, False], ids=["input too", "parameters"])
@pytest.mark.parametrize("name", ["dense", "first and last"])
def test_small_networks_have_the_same_bits(
    name: str, input_too: bool, dtype: Any, runs: Any
) -> None:
    model, X = network(name, dtype=dtype)
    for rows in (9, 2):
        ours = found(model, X[:rows], "auto", input_too=input_too)
        for one, other in zip(ours, alone(model, X[:rows], input_too=input_too), strict=True):
            np.testing.assert_array_equal(one, other)
    assert runs == [("PlainRun", NETWORKS[name][2])] * 2


@pytest.mark.parametrize("mode", ["numpy", "auto", "numba"])
@pytest.mark.parametrize("name", ["dense", "behind a global mean"])
def test_one_row_is_refused_by_its_layer(name: str, mode: str) -> None:
    model, X = network(name)
    place = next(i for i, layer in enumerate(model) if layer.__class__ is nn.BatchNorm and i != 1)
    place = 1 if name == "dense" else place
    for recorded in (True, False):
        with nn.use_kernels(mode):
            if not recorded:
                with nn.no_grad():
                    model(X)
                    model(X)
            with pytest.raises(nn.ShapeError, match=rf"more than one.*\[model\[{place}\] BatchN"):
                if recorded:
                    model(X[:1])
                else:
                    with nn.no_grad():
                        model(X[:1])
            assert model(X[:2]).shape == (2, model(X).shape[1])


def test_one_row_inside_a_residual_block() -> None:
    block = L.Residual(L.Conv2D(2, 3, padding=1), L.BatchNorm())
    model = nn.Sequential(L.Conv2D(2, 1), block, L.Flatten(), L.BatchNorm())
    model.initialize((1, 3, 3), rng=0)
    X = np.random.default_rng(0).standard_normal((4, 1, 3, 3)).astype("float32")
    check(found(model, X, "numba"), alone(model, X))
    with nn.use_kernels("numba"), pytest.raises(nn.ShapeError, match=r"\[model\[3\] BatchNorm"):
        model(X[:1])


@pytest.mark.parametrize("frozen", [0, 1])
def test_frozen_layers(frozen: int) -> None:
    model, X = network("dense")
    model[frozen].freeze()
    for mode in ("auto", "numba"):
        ours = found(model, X, mode)
        check(ours, alone(model, X))
        assert any(one is None for one in ours)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e25, -3e38])
@pytest.mark.parametrize("mode", ["auto", "numba"])
def test_what_is_not_finite_or_huge_comes_through(mode: str, value: float) -> None:
    model, X = network("first and last")
    X[2, 3] = value
    results = []
    for kind in (mode, "numpy"):
        model.zero_grad()
        with nn.use_kernels(kind), np.errstate(all="ignore"):
            x = nn.Tensor(X, requires_grad=True)
            out = model(x)
            out.backward(np.ones_like(out.data))
        results.append([out.data, x.grad, *(p.grad for p in model.parameters())])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other))


@pytest.mark.parametrize("mean", [300, -1e4])
def test_a_large_mean_takes_no_digits(mean: float) -> None:
    model, X = network("first and last", 60)
    X += np.float32(mean)
    check(found(model, X, "numba"), alone(model, X), 2e-3)


def test_statistics_move_once_with_each_forward_pass() -> None:
    model, X = network("dense")
    for mode in ("auto", "numba"):
        seen = []
        for recorded in (True, False):
            model[1].running_mean.data = np.zeros(19)
            with nn.use_kernels(mode):
                model.predict(X)
                assert not model[1].running_mean.data.any()
                if recorded:
                    model(X).sum().backward()
                else:
                    with nn.no_grad():
                        model(X)
            seen.append(model[1].running_mean.data.copy())
        np.testing.assert_array_equal(*seen)
        expected = 0.1 * model[0].predict(X).mean(axis=0)
        np.testing.assert_allclose(seen[0], expected, rtol=1e-4, atol=1e-6)


def test_threads_change_no_bit() -> None:
    def computed() -> Any:
        model, X = network("behind flatten", 67)
        return np.concatenate([one.ravel() for one in found(model, X, "numba")])

    np.testing.assert_array_equal(*on_one_and_two_threads(computed))


def test_uncompiled() -> None:
    code = """
from tests.plan.test_vector_norm_stage import alone, check, found, network
for name in ("dense", "behind flatten"):
    model, X = network(name, 6)
    check(found(model, X, "numba"), alone(model, X))
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
