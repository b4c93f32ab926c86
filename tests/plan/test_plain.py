"""Small networks of dense layers, which NumPy computes as one op: the same bits as one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network.layers import planning
from neural_network.layers.planning import without_plan
from neural_network.plan.plain import PlainRun
from tests.needs import need_fast

NETWORKS: dict[str, tuple[Any, ...]] = {
    "one layer": (nn.Dense(3),),
    "relu": (nn.Dense(7, "relu"), nn.Dense(5, "relu")),
    "no bias": (nn.Dense(7, "relu", bias=False), nn.Dense(2, bias=False)),
    "an activation of its own": (nn.Flatten(), nn.Dense(9), nn.Activation("relu"), nn.Dense(1)),
    "a stop in between": (nn.Dense(6, "relu"), nn.Dense(6, "tanh"), nn.Dense(4), nn.Dropout(0.5)),
    "batch norm": (nn.Dense(6), nn.BatchNorm(), nn.Activation("relu"), nn.Dense(4)),
}


def built(name: str, dtype: Any = np.float32) -> tuple[nn.Sequential, Any]:
    """Return a model of its own, and some rows."""
    model = nn.Sequential(*(layer.clone() for layer in NETWORKS[name]))
    model = model.initialize((8,), rng=1).astype(dtype)
    return model, np.random.default_rng(2).standard_normal((6, 8)).astype(dtype)


def forward_and_backward(model: Any, X: Any, *, input_too: bool) -> list[Any]:
    """Return the result, and the gradients for the input, if wanted, and the parameters."""
    model.zero_grad()
    x = nn.Tensor(X, requires_grad=input_too)
    out = model(x)
    g = np.random.default_rng(3).standard_normal(out.shape).astype(X.dtype)
    out.backward(g)
    return [out.data, x.grad, *(p.grad for p in model.parameters())]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that holds, for each plain run, how many layers it computes."""
    found: list[int] = []

    class Counted(PlainRun):
        def forward(self, X: Any) -> Any:
            found.append(self.match.layers)
            return super().forward(X)

    monkeypatch.setattr(planning, "PlainRun", Counted)
    return found


@pytest.mark.parametrize("mode", ["auto", "numpy"])
@pytest.mark.parametrize("input_too", [True, False], ids=["input too", "parameters"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_bits_are_those_of_one_by_one(
    name: str, dtype: Any, input_too: bool, mode: str, runs: list[int]
) -> None:
    model, X = built(name, dtype)
    # In evaluation there is no dropout, and batch norm uses its running statistics.
    with nn.use_kernels(mode), model.in_mode(training=False):
        found = forward_and_backward(model, X, input_too=input_too)
        predicted = model.predict(X)
        taken = list(runs)
        with without_plan():
            expected = forward_and_backward(model, X, input_too=input_too)
            alone = model.predict(X)
    assert taken
    assert taken == runs
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
        assert ours is None or ours.dtype == dtype
    if name == "batch norm":  # folded into the layer before
        np.testing.assert_allclose(predicted, alone, rtol=1e-5, atol=1e-6)
    else:
        np.testing.assert_array_equal(predicted, alone)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_comes_through(value: float) -> None:
    model, X = built("relu")
    X[1, 2] = value
    found = forward_and_backward(model, X, input_too=True)
    with without_plan():
        expected = forward_and_backward(model, X, input_too=True)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_whole_network_is_one_op_whose_gradients_are_one_buffer(runs: list[int]) -> None:
    model, X = built("relu")
    out = model(nn.Tensor(X))
    assert runs == [2]
    assert {len(out.node.parents), len(list(model.parameters()))} == {4}
    out.backward(np.ones(out.shape, "f"))
    first, *rest = [p.grad for p in model.parameters()]
    assert all(grad.base is first.base for grad in rest)
    assert first.base.size == sum(p.size for p in model.parameters())


def test_frozen_parameters_have_no_gradient() -> None:
    model, X = built("relu")
    model[0].freeze()
    found = forward_and_backward(model, X, input_too=True)
    with without_plan():
        expected = forward_and_backward(model, X, input_too=True)
    assert [grad is None for grad in found] == [False, False, True, True, False, False]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_second_backward_pass_adds_the_same() -> None:
    model, X = built("no bias")
    out = model(X)
    out.backward(np.ones(out.shape, "f"), retain_graph=True)
    once = [p.grad.copy() for p in model.parameters()]
    out.backward(np.ones(out.shape, "f"))
    for grad, parameter in zip(once, model.parameters(), strict=True):
        np.testing.assert_array_equal(parameter.grad, 2 * grad)
    with pytest.raises(nn.GradientError, match="run: its record was freed"):
        out.backward(np.ones(out.shape, "f"))


def test_gradients_of_two_passes_share_no_memory() -> None:
    model, X = built("relu")
    weight, passes = model[0].weight, []
    for rows in (X, 2 * X):
        model.zero_grad()
        model(rows).backward(np.ones((6, 5), "f"))
        passes.append((weight.grad, weight.grad.copy()))
    assert not np.array_equal(passes[0][1], passes[1][1])
    for grad, then in passes:
        np.testing.assert_array_equal(grad, then)


def test_parameters_of_a_second_run_cannot_change_in_place() -> None:
    model, X = built("relu")
    model(X).backward(np.ones((6, 5), "f"))
    with nn.no_grad():
        model[1].weight *= 2  # the first pass is done
    out = model(X)
    with pytest.raises(nn.GradientError, match="the backward pass of run"), nn.no_grad():
        model[1].weight *= 2
    model.zero_grad()
    out.backward(np.ones((6, 5), "f"))


def test_what_the_backward_pass_needs_cannot_change_in_place() -> None:
    model, X = built("relu")
    x = nn.Tensor(X)
    out = model(x)
    for changed in (x, out, model[1].weight):
        with (
            pytest.raises(nn.GradientError, match="in-place change: the backward pass of run"),
            nn.no_grad(),
        ):
            changed[...] = 2
    out.backward(np.ones(out.shape, "f"))
    x *= 2  # it is done


def test_a_kernel_computes_what_is_large() -> None:
    need_fast()
    model = nn.Sequential(nn.Dense(300, "relu"), nn.Dense(10)).initialize((300,), rng=0)
    with nn.use_kernels("auto"):
        large, small = (model(np.ones((rows, 300), "f")) for rows in (64, 1))
        wide = model.astype(np.float64)(np.ones((64, 300)))
    assert [out.node.rule.by_kernels for out in (large, small, wide)] == [True, False, False]
