"""Dense layers of inputs with more than two axes: each vector along the last one is a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.autograd import grad
from neural_network.layers.planning import without_plan
from neural_network.plan import plain
from tests.needs import need_fast
from tests.plan.test_plan import LAYOUTS, compare_both, forward_and_backward, gradients
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

L = nn
# name -> layers, the shape of a row, the stages of each run
NETWORKS: dict[str, tuple[Any, tuple[int, ...], list[list[str]]]] = {
    "tokens": (
        lambda: [L.Dense(24, "relu"), L.Dense(9, "gelu"), L.Activation("relu"), L.Dense(3)],
        (5, 7), [["DenseStage", "DenseStage", "ElementwiseStage"], ["DenseStage"]]),
    "last axis of images": (lambda: [L.Dense(17, bias=False)], (2, 3, 5), [["DenseStage"]]),
    "five axes": (lambda: [L.Dense(8, "tanh"), L.Dense(2)], (2, 1, 3, 4),
                  [["DenseStage", "ElementwiseStage", "DenseStage"]]),
    "then other layers": (
        lambda: [L.Dense(6, "relu"), L.LayerNorm(), L.Residual(L.Dense(6), L.Dense(6)),
                 L.Flatten(), L.Dense(4)],
        (3, 5), [["DenseStage"], ["DenseStage", "DenseStage"], ["DenseStage"]]),
}  # fmt: skip


def network(name: str, rows: int = 4) -> tuple[Any, Any]:
    make, shape, _ = NETWORKS[name]
    model = nn.Sequential(make()).initialize(shape, rng=1)
    return model, np.random.default_rng(2).standard_normal((rows, *shape)).astype("float32")


@pytest.mark.parametrize("name", NETWORKS)
def test_runs_compute_what_the_layers_do(name: str, kernel_runs: list[list[str]]) -> None:
    model, X = network(name)
    for some in (X, X[:2], X[:1], X):
        for recorded in (True, False):
            with without_plan(), nn.use_kernels("numpy"):
                expected = forward_and_backward(model, some, recorded)
            for mode in ("numpy", "numba"):
                with nn.use_kernels(mode):
                    found = forward_and_backward(model, some, recorded)
                for actual, desired in zip(found, expected, strict=True):
                    assert actual.shape == desired.shape
                    assert actual.dtype == np.float32
                    np.testing.assert_allclose(actual, desired, rtol=1e-4, atol=1e-5)
    assert kernel_runs[: len(NETWORKS[name][2])] == NETWORKS[name][2]
    with nn.use_kernels("numba"):
        predicted = [model.predict(X) for _ in range(2)]
    with without_plan(), nn.use_kernels("numpy"):
        expected = model.predict(X)
    for actual in predicted:
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-5)


def test_dropout_draws_for_rows_of_the_batch(kernel_runs: list[list[str]]) -> None:
    model = nn.Sequential(L.Dense(6), L.Dropout(0.5), L.Dense(3)).initialize((4, 5), rng=0)
    X = np.ones((2, 4, 5), np.float32)
    with nn.use_kernels("numba"):
        model(X)
    assert kernel_runs == [["DenseStage"]] * 2


@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_float64_and_whole_numbers(mode: str) -> None:
    model, X = network("tokens")
    model.astype(np.float64)
    for given in (X.astype(float), np.arange(70).reshape(2, 5, 7) % 9):
        with nn.use_kernels(mode):
            found = model(given).data
        with without_plan(), nn.use_kernels("numpy"):
            np.testing.assert_allclose(found, model(given).data, rtol=1e-12)
        assert found.dtype == np.float64


@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_no_row_and_no_token(mode: str) -> None:
    model, _ = network("tokens")
    with nn.use_kernels(mode):
        for shape in ((0, 5, 7), (2, 0, 7)):
            x = nn.Tensor(np.zeros(shape, np.float32), requires_grad=True)
            out = model(x)
            assert out.shape == (*shape[:2], 3)
            out.sum().backward()
            assert x.grad is not None
            assert x.grad.shape == shape
            np.testing.assert_array_equal(model[0].weight.grad, np.zeros((7, 24)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_memory_of_any_kind(layout: str) -> None:
    model, X = network("tokens")
    X = LAYOUTS[layout](X)
    with nn.use_kernels("numpy"):
        expected = gradients(model, X, LAYOUTS[layout])
    with nn.use_kernels("numba"):
        found = gradients(model, X, LAYOUTS[layout])
    for actual, desired in zip(found, expected, strict=True):
        np.testing.assert_allclose(actual, desired, rtol=1e-3, atol=2e-4)


def test_frozen_layers_and_another_backward_pass() -> None:
    model, X = network("tokens")
    model[1].freeze()
    x = nn.Tensor(X, requires_grad=True)
    with nn.use_kernels("numba"):
        loss = (model(x) ** 2).sum()
        loss.backward(retain_graph=True)
        first = x.grad.copy()
        loss.backward()
    np.testing.assert_allclose(x.grad, 2 * first, rtol=1e-6)
    assert model[1].weight.grad is None
    model[1].unfreeze()
    compare_both(model, X)


def test_second_derivatives() -> None:
    model, X = network("tokens")

    def penalty(x: Any) -> Any:
        return np.sum(np.square(grad(lambda z: np.sum(np.square(model(z))))(x)))

    with nn.use_kernels("numpy"):
        expected = grad(penalty)(X).data
    with nn.use_kernels("numba"):
        np.testing.assert_allclose(grad(penalty)(X).data, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("mode", ["numpy", "numba"])
def test_wrong_sizes_are_refused_by_the_layer(mode: str) -> None:
    model, _ = network("tokens")
    with nn.use_kernels(mode), pytest.raises(nn.ShapeError, match=r"Dense: X: expected 7 numbers"):
        model(np.zeros((2, 5, 8), np.float32))


@pytest.mark.parametrize("mode", ["numpy", "auto"])
def test_small_ones_are_one_op(mode: str) -> None:
    model, X = network("tokens")
    with nn.use_kernels(mode):
        out = model(nn.Tensor(X))
        assert out.node.rule is plain.PlainRun.rule


def test_threads_change_no_bit() -> None:
    def computed() -> Any:
        model, X = network("tokens", 300)  # so many rows that gradients are summed in pieces
        with nn.use_kernels("numba"):
            return np.concatenate([one.ravel() for one in forward_and_backward(model, X)])

    np.testing.assert_array_equal(*on_one_and_two_threads(computed))


def test_uncompiled() -> None:
    code = """
from tests.plan.test_token_rows import compare_both, network
compare_both(*network("tokens", 2))
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
