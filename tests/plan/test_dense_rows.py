"""Many rows of small dense networks are predicted by one kernel."""

from __future__ import annotations

import copy
import threading
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.kernels.runtime import gate
from neural_network.plan.chain import ChainOutputs
from tests.needs import need_module

need_module("numba")


def network(*units: int, bias: bool = True, inputs: int = 7, activation: str = "relu") -> Any:
    layers = [nn.Dense(one, activation, bias=bias) for one in units[:-1]]
    return nn.Sequential(*layers, nn.Dense(units[-1], bias=bias)).initialize((inputs,), rng=1)


def rows(count: int, inputs: int = 7) -> Any:
    return np.random.default_rng(2).standard_normal((count, inputs)).astype(np.float32)


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows were computed by the kernel."""
    counts: list[int] = []
    own = ChainOutputs.predicted

    def predicted(self: ChainOutputs, X: Any) -> Any:
        found = own(self, X)
        if found is not None:
            counts.append(len(X))
        return found

    monkeypatch.setattr(ChainOutputs, "predicted", predicted)
    return counts


def by_numpy(model: Any, X: Any) -> Any:
    with nn.use_kernels("numpy"):
        return model.predict(X, batch_size=len(X))


def check(model: Any, X: Any) -> None:
    with nn.use_kernels("numba"):
        first, again = (model.predict(X, batch_size=len(X)) for _ in range(2))
    expected = by_numpy(model, X)
    assert first.dtype == expected.dtype
    assert first.shape == expected.shape
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("units", [(3,), (5, 2), (8, 16), (64, 64, 10), (1, 1), (33, 7, 100, 9)])
@pytest.mark.parametrize("count", [2, 3, 50, 256])
def test_as_numpy(units: tuple[int, ...], bias: bool, count: int, used: list[int]) -> None:
    check(network(*units, bias=bias), rows(count))
    assert used == [count] * 2


def test_parameters_with_memory_of_their_own_give_the_same_bits(used: list[int]) -> None:
    model, X = network(64, 10, inputs=300), rows(50, inputs=300)
    copied = copy.deepcopy(model)
    assert not np.shares_memory(copied[0].weight.data.base, copied[1].weight.data.base)
    for mode in ("auto", "numba"):
        with nn.use_kernels(mode):
            np.testing.assert_array_equal(copied.predict(X), model.predict(X))
    copied[0].weight.data[...] = 0  # in place: a copy that was kept would not see it
    with nn.use_kernels("numba"):
        np.testing.assert_array_equal(copied.predict(X), copied.predict(X[:1]).repeat(50, axis=0))
    assert used == [50] * 5


def test_changed_numbers_are_seen(used: list[int]) -> None:
    model, X = network(5, 2), rows(9)
    check(model, X)
    model[0].weight.data[...] *= 2  # in place
    check(model, X)
    model[1].weight = rows(5, 2)  # copied
    check(model, X)
    model[1] = nn.Dense(2).initialize((5,), rng=3)  # another layer, with memory of its own
    check(model, X)
    model.flat_parameters()
    check(model, X)
    assert len(used) >= 6


def test_a_part_of_a_larger_model(used: list[int]) -> None:
    part, X = network(5, 3), rows(9)
    check(part, X)
    whole = nn.Sequential(part, nn.Dense(2)).initialize((7,), rng=4)  # moves the part's numbers
    whole[0][0].weight.data[...] *= 2
    check(part, X)
    check(whole, X)
    assert used[:4] == [9] * 4


def test_images_relu_as_a_layer_and_strange_rows(used: list[int]) -> None:
    X = np.random.default_rng(0).standard_normal((4, 1, 3, 5)).astype(np.float32)
    layers = nn.Flatten(), nn.Dense(6), nn.Activation("relu"), nn.Dense(4)
    check(nn.Sequential(*layers).initialize((1, 3, 5), rng=0), X)
    model, X = network(5, 2), rows(12)
    check(model, X[::-2])
    fixed = X.copy()
    fixed.flags.writeable = False
    check(model, fixed)
    check(model, X.astype(np.float64))
    check(model, np.array([[np.nan, np.inf, -np.inf, 0, 1, 2, 3]] * 2, np.float32))
    assert used


def test_other_networks_are_left_to_others(used: list[int]) -> None:
    check(network(5, 2, activation="tanh"), rows(9))
    check(network(5, 2).astype(np.float64), rows(9).astype(np.float64))
    normed = nn.Sequential(nn.Dense(4), nn.BatchNorm(), nn.Dense(2)).initialize((7,), rng=0)
    check(normed, rows(9))
    apart = network(5, 2)
    apart[0].weight.data = apart[0].weight.data.copy(order="F")
    check(apart, rows(9))
    assert len(used) <= 2  # of the last, if its numbers were put in order


@pytest.mark.parametrize("step", [-1, 0])
def test_by_sizes(step: int, used: list[int]) -> None:
    model = network(64, inputs=64)
    count = gate.THRESHOLDS["dense rows"] // 64**2 + step
    model.predict(rows(count, 64))
    assert bool(used) == (step == 0)
    most = gate.LIMITS["dense rows"] // 64**2
    del used[:]
    with nn.use_kernels("numba"):
        model.predict(rows(most + 1 + step, 64), batch_size=most + 1)
    assert bool(used) == (step == -1)


def test_several_threads_at_once() -> None:
    model = network(64, 32, 10)
    inputs = [rows(count) for count in (5, 40, 90, 200)]
    expected = [by_numpy(model, X) for X in inputs]
    wrong: list[Any] = []

    def work(X: Any, right: Any) -> None:
        with nn.use_kernels("numba"):
            for _ in range(200):
                if not np.allclose(model.predict(X), right, rtol=1e-4, atol=1e-5):
                    wrong.append(len(X))

    threads = [
        threading.Thread(target=work, args=pair) for pair in zip(inputs, expected, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_results_are_the_callers() -> None:
    model, X = network(5, 2), rows(9)
    with nn.use_kernels("numba"):
        first = model.predict(X)
        kept = first.copy()
        model.predict(-X)
    np.testing.assert_array_equal(first, kept)
