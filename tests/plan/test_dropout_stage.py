"""Dropout in training as a stage equals the layers one by one, with the same draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.layers.planning import without_plan
from neural_network.layers.randomness import Draws, drawing
from tests.needs import need_fast
from tests.plan.test_norm_stage import check
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

L = nn

# name -> layers, shape of a row, the stages that compute all of them
NETWORKS: dict[str, tuple[Any, tuple[int, ...], list[str]]] = {
    "dense": (
        lambda: [L.Dropout(0.2), L.Dense(19, "relu"), L.Dropout(0.5), L.Dense(8, "tanh"),
                 L.Dropout2D(0.4), L.Dense(3)],
        (13,), ["DropStage", "DenseStage", "DropStage", "DenseStage", "ElementwiseStage",
                "DropStage", "DenseStage"]),
    "flattened": (
        lambda: [L.Conv2D(5, 3, activation="relu"), L.MaxPool2D(2), L.Dropout(0.25), L.Flatten(),
                 L.Dropout(0.5), L.Dense(9, "relu"), L.Dropout(0.5), L.Dense(3)],
        (2, 9, 8), ["ConvStage", "DropStage", "DropStage", "DenseStage", "DropStage", "DenseStage"]),
    "images": (
        lambda: [L.Conv2D(6, 3, bias=False), L.BatchNorm(), L.Activation("relu"), L.Dropout(0.3),
                 L.Conv2D(17, 2), L.Dropout2D(0.5), L.Conv2D(4, 2, activation="relu"),
                 L.Dropout(0.1)],
        (3, 8, 9), ["ConvStage", "NormStage", "DropStage", "ConvStage", "DropStage", "ConvStage",
                    "DropStage"]),
    "channels flattened": (
        lambda: [L.Conv2D(7, 3), L.Dropout2D(0.5), L.Flatten(), L.Dense(2)],
        (1, 6, 5), ["ConvStage", "DropStage", "DenseStage"]),
    "series": (
        lambda: [L.Conv1D(6, 3, activation="relu"), L.Dropout(0.5), L.Conv1D(5, 2),
                 L.Dropout2D(0.3), L.GlobalAvgPool2D(), L.Dropout(0.5), L.Dense(2)],
        (2, 11), ["ConvStage", "DropStage", "ConvStage", "DropStage", "GlobalAvgPoolStage",
                  "DropStage", "DenseStage"]),
    "residual": (
        lambda: [L.Conv2D(4, 3, padding=1), L.Residual(L.Conv2D(4, 1), L.Dropout(0.5),
                 L.Conv2D(6, 1), shortcut=L.Sequential(L.Conv2D(6, 1), L.Dropout(0.5))),
                 L.Dropout(0.5)],
        (2, 5, 5), ["ConvStage", "AddStage", "DropStage"]),
}  # fmt: skip


def network(name: str, rows: int = 5, dtype: Any = np.float32) -> tuple[Any, Any]:
    make, shape, _ = NETWORKS[name]
    model = nn.Sequential(make()).initialize(shape, rng=1).astype(dtype)
    return model, np.random.default_rng(2).standard_normal((rows, *shape)).astype(dtype)


def found(model: Any, X: Any, *, input_too: bool = True) -> list[Any]:
    """The result, the gradients of input and parameters, and again, of a second backward pass."""
    model.zero_grad()
    x = nn.Tensor(X, requires_grad=input_too)
    with drawing(draws := Draws(4, 2, 3)), np.errstate(all="raise"):
        out = model(x)
        g = np.random.default_rng(3).standard_normal(out.shape).astype(X.dtype)
        out.backward(g, retain_graph=True)
        once = [x.grad, *(p.grad for p in model.parameters())]
        once = [None if one is None else one.copy() for one in once]
        with nn.no_grad():
            model(x)  # other draws, in other memory
        out.backward(g)
    twice = [x.grad, *(p.grad for p in model.parameters())]
    return [out.data, *once, *twice, np.array(draws.count)]


@pytest.mark.parametrize("input_too", [True, False], ids=["input too", "parameters"])
@pytest.mark.parametrize("name", NETWORKS)
def test_one_run_as_one_by_one(name: str, input_too: bool, runs: Any) -> None:
    model, X = network(name)
    for rows in (5, 2, 5, 7):  # in the same memory
        batch = np.resize(X, (rows, *X.shape[1:]))
        with nn.use_kernels("numba"):
            ours = found(model, batch, input_too=input_too)
        with nn.use_kernels("numpy"), without_plan():
            theirs = found(model, batch, input_too=input_too)
        check(ours, theirs)
        assert ours[-1] == theirs[-1] > 0
    assert runs == [("Run", NETWORKS[name][2])] * 8


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("input_too", [True, False], ids=["input too", "parameters"])
def test_small_networks_have_the_same_bits(input_too: bool, dtype: Any, runs: Any) -> None:
    model, X = network("dense", dtype=dtype)
    ours = found(model, X, input_too=input_too)
    assert runs[0] == ("PlainRun", NETWORKS["dense"][2])
    with without_plan():
        theirs = found(model, X, input_too=input_too)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("layer", [L.Dropout, L.Dropout2D])
@pytest.mark.parametrize("shape", [(24,), (7,)])
def test_kernel_and_layer_have_the_same_bits(layer: Any, shape: Any) -> None:
    model = nn.Sequential(layer(0.35), L.Dense(3, initializer="ones")).initialize(shape, rng=0)
    X = np.random.default_rng(0).standard_normal((50, *shape)).astype("float32")
    results = []
    for alone in (False, True):
        x = nn.Tensor(X, requires_grad=True)
        with nn.use_kernels("numba"), drawing(Draws(1, 2)):
            out = model[0](x) if alone else model(x)
        if not alone:
            model(x)
        out.backward(np.ones_like(out.data))
        results.append(x.grad / (1 if alone else 3))
    np.testing.assert_allclose(*results, rtol=1e-6)
    assert 0.2 < (results[0] == 0).mean() < 0.5


def test_functions_before_flatten_without_kernels(runs: Any) -> None:
    model = nn.Sequential(
        L.Activation("tanh"), L.Dropout2D(0.5), L.Flatten(), L.Activation("tanh"), L.Dropout(0.5)
    ).initialize((3, 4, 2), rng=0)  # fmt: skip
    X = np.random.default_rng(0).standard_normal((5, 3, 4, 2)).astype("float32")
    for mode, kind in (("numpy", "PlainRun"), ("numba", "Run")):
        with nn.use_kernels(mode):
            ours = found(model, X)
        with without_plan(), nn.use_kernels("numpy"):
            check(ours, found(model, X))
        assert runs[-1][0] == kind


@pytest.mark.parametrize("recorded", [True, False])
def test_evaluation_draws_nothing(recorded: bool, runs: Any) -> None:
    model, X = network("flattened")
    with nn.use_kernels("numba"), drawing(draws := Draws(1, 1)):
        ours = model.eval()(X).data if recorded else model.predict(X)
    assert draws.count == 0
    assert [stages for _, stages in runs] == [["ConvStage", "DenseStage", "DenseStage"]]
    with nn.use_kernels("numpy"), without_plan():
        np.testing.assert_allclose(ours, model.predict(X), rtol=1e-4, atol=1e-5)


def test_without_a_record_in_training_it_draws() -> None:
    model, X = network("flattened")
    results = []
    for mode in ("numba", "numpy", "auto", "auto"):
        with nn.use_kernels(mode), nn.no_grad(), drawing(Draws(1, 1)):
            results.append(model(X))
    for other in results[1:]:
        np.testing.assert_allclose(results[0], other, rtol=1e-4, atol=1e-5)


def test_a_rate_holds_from_the_next_call_on() -> None:
    model, X = network("images")
    for rate in (0.0, 0.9, 0.3):
        model[3].rate = rate
        with nn.use_kernels("numba"):
            ours = found(model, X)
        with nn.use_kernels("numpy"), without_plan():
            check(ours, found(model, X))


@pytest.mark.parametrize("frozen", [0, 4])
def test_frozen_layers(frozen: int) -> None:
    model, X = network("images")
    model[frozen].freeze()
    with nn.use_kernels("numba"):
        ours = found(model, X)
    with nn.use_kernels("numpy"), without_plan():
        check(ours, found(model, X))
    assert any(one is None for one in ours)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["dense", "images", "channels flattened"])
def test_what_is_not_finite(name: str, value: float) -> None:
    model, X = network(name)
    X[1].reshape(-1)[3] = value
    model.eval()
    for layer in model:
        if isinstance(layer, nn.Dropout):
            layer.train()
    results = []
    for mode in ("numba", "numpy"):
        with nn.use_kernels(mode), drawing(Draws(1, 1)):
            results.append(model(X).data)
    np.testing.assert_array_equal(*map(np.isfinite, results))
    np.testing.assert_allclose(*results, rtol=1e-3, atol=1e-4)
    assert not np.isfinite(results[0]).all()


def test_training_is_that_of_the_layers() -> None:
    X, y = np.random.default_rng(0).standard_normal((60, 13)).astype("float32"), np.arange(60) % 3
    trained = []
    for mode in ("numba", "auto", "numpy"):
        model, _ = network("dense")
        with nn.use_kernels(mode):
            trainer = nn.Trainer(model, rng=5, progress=False)
            trainer.fit(X, y, epochs=3, batch_size=16)
        trained.append(model.flat_parameters().copy())
    np.testing.assert_array_equal(*trained[1:])
    np.testing.assert_allclose(trained[0], trained[1], rtol=1e-3, atol=1e-5)


def test_threads_change_no_bit() -> None:
    def computed() -> Any:
        model, X = network("images", 33)
        with nn.use_kernels("numba"):
            return np.concatenate([one.ravel() for one in found(model, X)])

    np.testing.assert_array_equal(*on_one_and_two_threads(computed))


def test_uncompiled() -> None:
    code = """
import neural_network as nn
from neural_network.layers.planning import without_plan
from tests.plan.test_dropout_stage import check, found, network
for name in ("dense", "channels flattened", "images"):
    model, X = network(name, 2)
    with nn.use_kernels("numba"):
        ours = found(model, X)
    with nn.use_kernels("numpy"), without_plan():
        check(ours, found(model, X))
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
