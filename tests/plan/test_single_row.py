"""Prediction of a single row in one compiled call equals what NumPy computes layer by layer."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.layers.parameter import place
from neural_network.layers.planning import without_plan
from neural_network.plan import single_row
from neural_network.plan.single_row import Program
from tests.needs import kernels as kernels_of, need_fast
from tests.plan.row_networks import NETWORKS, network
from tests.plan.test_calls import calls_of
from tests.processes import output_of
from tests.threads import on_one_and_two_threads

need_fast()

L = nn
kernels = kernels_of("single_row")

PRODUCTS = single_row.PRODUCTS


def by_numpy(model: Any, X: Any) -> Any:
    with nn.use_kernels("numpy"), without_plan():
        return model.predict(X)


def by_kernels(model: Any, X: Any) -> Any:
    with nn.use_kernels("numba"):
        return model.predict(X)


def check(found: Any, expected: Any) -> None:
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * scale)


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list of what programs have computed."""
    found: list[Any] = []
    for compute in (Program.one_row, Program.each_row):

        def noted(self: Any, X: Any, compute: Any = compute) -> Any:
            found.append(X)
            return compute(self, X)

        monkeypatch.setattr(Program, compute.__name__, noted)
    return found


@pytest.fixture
def each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the rows of all networks be computed by themselves."""
    monkeypatch.setattr(single_row, "PRODUCTS", 1 << 40)
    monkeypatch.setattr(single_row, "WEIGHTS", 1 << 40)
    monkeypatch.setattr(single_row, "VECTORS", 0)
    monkeypatch.setattr(single_row, "MANY", 2)
    monkeypatch.setattr(single_row.ChainOutputs, "serves", staticmethod(lambda _: False))


@pytest.mark.parametrize("several", [False, True], ids=["one thread", "several"])
@pytest.mark.parametrize("name", NETWORKS)
def test_values(name: str, several: bool, rows: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    if several:  # by tasks of all kinds
        monkeypatch.setattr(single_row, "SEVERAL_THREADS", 0)
        monkeypatch.setattr(single_row, "PATCHES", 100)
    model, X = network(name)
    check(by_kernels(model, X), by_numpy(model, X))
    assert len(rows) == 1


@pytest.mark.usefixtures("each_row")
@pytest.mark.parametrize("name", NETWORKS)
def test_each_of_many_rows(name: str, rows: list[Any]) -> None:
    model, X = network(name)
    rng = np.random.default_rng(3)
    for count in (2, 16, 35, 3):
        some = rng.standard_normal((count, *X.shape[1:])).astype(np.float32)
        some[-1] = np.nan
        found, expected = by_kernels(model, some), by_numpy(model, some)
        check(found[:-1], expected[:-1])
        np.testing.assert_array_equal(np.isnan(found[-1]), np.isnan(expected[-1]))
        one, two = on_one_and_two_threads(lambda some=some: by_kernels(model, some))
        np.testing.assert_array_equal(one, two)
        check(one[:1], by_kernels(model, some[:1]))
        for tensor in model.parameters():
            tensor.data *= np.float32(0.75)  # is seen in the next call
    assert [len(X) for X in rows] == [n for count in (2, 16, 35, 3) for n in (count,) * 3 + (1,)]


def test_which_rows_are_computed_by_themselves(
    rows: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_row, "PRODUCTS", PRODUCTS)
    shape = (single_row.MANY, 3, 32, 32)
    images = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    few = [L.Conv2D(8, 3, stride=2, padding=1), L.Conv2D(8, 3, stride=2), L.GlobalAvgPool2D()]
    cases = {
        "few products for each number": (few, True),
        "a function that is slow in NumPy": ([L.Conv2D(8, 3, activation="gelu"), *few], True),
        "many": ([L.Conv2D(64, 5, padding=2), L.Conv2D(64, 5), L.GlobalAvgPool2D()], False),
        "a vector": ([*few[:2], L.Flatten(), L.Dense(64)], False),
    }
    for name, (layers, alone) in cases.items():
        model = L.Sequential(*(layer.clone() for layer in layers)).initialize((3, 32, 32), rng=0)
        rows.clear()
        check(by_kernels(model, images[1:]), by_numpy(model, images[1:]))
        assert not rows, "fewer are not worth compiling for"
        check(by_kernels(model, images), by_numpy(model, images))
        assert bool(rows) == alone, name


@pytest.mark.usefixtures("each_row")
def test_many_rows_of_any_memory_order() -> None:
    model, X = network("depthwise")
    some = np.random.default_rng(3).standard_normal((5, *X.shape[1:])).astype(np.float32)
    expected = by_numpy(model, some)
    last = np.ascontiguousarray(some.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    check(by_kernels(model, last), expected)
    some.flags.writeable = False
    check(by_kernels(model, some), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_not_finite_comes_through(name: str, value: float) -> None:
    model, X = network(name)
    X.reshape(-1)[X.size // 2] = value
    found, expected = by_kernels(model, X), by_numpy(model, X)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(expected))
    finite = np.isfinite(expected)
    check(found[finite], expected[finite])


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["batch norm", "pools", "depthwise", "residual"])
def test_weights_that_are_not_finite(name: str, value: float) -> None:
    for place_of in range(len(network(name)[0].parameters())):
        model, X = network(name)
        model.parameters()[place_of].data.reshape(-1)[0] = value
        found, expected = by_kernels(model, X), by_numpy(model, X)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))


@pytest.mark.parametrize("name", ["batch norm", "strides", "depthwise"])
def test_threads_change_no_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_row, "SEVERAL_THREADS", 0)
    model, X = network(name)
    one, two = on_one_and_two_threads(lambda: by_kernels(model, X))
    np.testing.assert_array_equal(one, two)


def test_many_weights_are_read_by_several_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    compute = kernels.compute
    monkeypatch.setattr(kernels, "compute", lambda table: (called.append(1), compute(table)))
    for most, calls in ((1 << 30, 0), (1, 1)):
        monkeypatch.setattr(single_row, "SEVERAL_WEIGHTS", most)
        model, X = network("batch norm")
        check(by_kernels(model, X), by_numpy(model, X))
        assert len(called) == calls


def test_several_threads_compute_each_row_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_row, "SEVERAL_THREADS", 0)
    model, X = network("batch norm")
    for row in (X, -X, X / 2, X):
        check(by_kernels(model, row), by_numpy(model, row))


def test_changes_in_place_are_seen(rows: list[Any]) -> None:
    model, X = network("batch norm")
    tensors = [*model.parameters(), *(one for _, one in model.named_buffers())]
    by_kernels(model, X)
    for tensor in tensors:
        before = by_kernels(model, X)
        tensor.data *= np.float32(1.5)
        tensor.data += np.float32(0.25)
        found = by_kernels(model, X)
        check(found, by_numpy(model, X))
        assert not np.array_equal(found, before)
    assert len(rows) == 1 + 2 * len(tensors)


@pytest.mark.usefixtures("each_row")
@pytest.mark.parametrize("count", [1, 3])
def test_arrays_that_are_exchanged_are_seen(count: int) -> None:
    model, X = network("strides")
    X = np.repeat(X, count, axis=0)
    by_kernels(model, X)
    for tensor in model.parameters():
        place(tensor, tensor.data * np.float32(2))
        check(by_kernels(model, X), by_numpy(model, X))


def test_layers_that_are_exchanged_are_seen() -> None:
    model, X = network("strides")
    by_kernels(model, X)
    model[-1] = L.Dense(3).initialize((5,), rng=3)
    check(by_kernels(model, X), by_numpy(model, X))


def test_the_result_is_the_callers() -> None:
    model, X = network("images out")
    model.eval()
    with nn.use_kernels("numba"), nn.no_grad():
        first = model(X)
        kept = first.copy()
        model(-X)
    np.testing.assert_array_equal(first, kept)


def test_tasks_at_the_same_time_have_memory_of_their_own() -> None:
    layers = L.Conv2D(64, 3, padding=1, activation="relu"), L.DepthwiseConv2D(3), L.Conv2D(64, 1)
    model = L.Sequential(*layers).initialize((16, 48, 48), rng=0)
    X = np.random.default_rng(0).standard_normal((1, 16, 48, 48)).astype(np.float32)
    one, two = on_one_and_two_threads(lambda: [by_kernels(model, X) for _ in range(10)])
    for found in two:
        np.testing.assert_array_equal(found, one[0])


@pytest.mark.parametrize("order", ["channels last", "read-only", "reversed", "a view"])
def test_any_memory_order(order: str) -> None:
    model, X = network("residual")
    expected = by_numpy(model, X)
    if order == "channels last":
        X = np.ascontiguousarray(X.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    elif order == "read-only":
        X.flags.writeable = False
    elif order == "reversed":
        X = X[..., ::-1].copy()[..., ::-1]
    else:
        X = np.stack([X, X], axis=-1)[..., 1]
    check(by_kernels(model, X), expected)


def test_other_calls_are_computed_as_before(rows: list[Any]) -> None:
    model, X = network("strides")
    with nn.use_kernels("numba"):
        model.eval()
        check(model(X).data, by_numpy(model, X))  # recorded
        check(model.astype("float64").predict(X), by_numpy(model, X))
    with nn.use_kernels("numpy"):
        model.predict(X)
    assert rows == []


def test_a_tensor_comes_out_where_one_goes_in(rows: list[Any]) -> None:
    model, X = network("strides")
    model.eval()
    with nn.use_kernels("numba"), nn.no_grad():
        found = model(nn.Tensor(X))
    assert isinstance(found, nn.Tensor)
    check(found.data, by_numpy(model, X))
    assert len(rows) == 1


def test_what_has_no_kernel_is_left_to_the_layers(rows: list[Any]) -> None:
    model = L.Sequential(L.Conv2D(3, 3), L.Activation("tanh"), L.Conv2D(2, 3, padding=70))
    X = np.ones((1, 2, 6, 7), np.float32)
    model.initialize(X.shape[1:], rng=0)
    check(by_kernels(model, X), by_numpy(model, X))
    assert rows == []


def test_several_threads_predict_at_once() -> None:
    model, X = network("batch norm")
    inputs = [X * np.float32(n + 1) for n in range(4)]
    expected = [by_kernels(model, one) for one in inputs]
    wrong: list[int] = []

    def predict(n: int) -> None:
        for _ in range(200):
            if not np.array_equal(by_kernels(model, inputs[n]), expected[n]):
                wrong.append(n)

    threads = [threading.Thread(target=predict, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_few_calls_of_python() -> None:
    model, X = network("strides")
    with nn.use_kernels("numba"):
        model.predict(X)  # imports end what is remembered of BLAS libraries
        assert calls_of(lambda: model.predict(X)) < 60


def test_the_plain_bodies() -> None:
    code = """
from tests.plan import test_single_row as tests
tests.single_row.PRODUCTS, tests.single_row.VECTORS = 1 << 40, 0
for several in (1 << 40, 0):
    tests.single_row.SEVERAL_THREADS = several
    for name in tests.NETWORKS:
        model, X = tests.network(name)
        for some in (X, tests.np.concatenate([X, -X, X / 2])):
            tests.check(tests.by_kernels(model, some), tests.by_numpy(model, some))
"""
    output_of(code, NUMBA_DISABLE_JIT="1")
