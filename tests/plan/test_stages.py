"""A stage is one file: this one has all that a new stage needs, with its layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pytest

import neural_network as nn
from neural_network.plan.conv import Conv, ConvStage, MaxPool
from neural_network.plan.dense import Dense
from neural_network.plan.matching import matched
from neural_network.plan.vocabulary import (
    BatchNorm,
    Flatten,
    PreparedStage,
    Reader,
    ReLU,
    Stage,
    Step,
)
from neural_network.plan.workspace import StageBuffers, Workspace
from tests.needs import need_fast
from tests.plan.test_plan import compare_both

need_fast()

KINDS = list(Stage.kinds)


@dataclass(frozen=True, eq=False)
class Power(Step):
    """``(X² + 1) ** exponent``, whose exponent is learned."""

    exponent: Any

    @property
    def parameters(self) -> list[Any]:
        return [self.exponent]

    def by_ops(self, X: Any, exponent: Any) -> Any:
        return (X * X + 1) ** exponent


class PreparedPower(PreparedStage):
    computed = 0

    def forward(self, X: Any, out: Any) -> None:
        PreparedPower.computed += 1
        self.saved_input = X
        np.power(X * X + 1, self.stage.step.exponent.data, out=out)

    def backward(self, grad_out: Any, gradients: Sequence[Any]) -> Any:
        X, exponent = self.saved_input, self.stage.step.exponent.data
        base = X * X + 1
        gradients[0][...] = (grad_out * base**exponent * np.log(base)).sum()
        return grad_out * exponent * base ** (exponent - 1) * 2 * X


class PowerStage(Stage):
    prepared = PreparedPower
    parameters, work, needs_output = 1, 1_000_000, False

    def __init__(self, step: Power, shape: tuple[int, ...]) -> None:
        self.step = step
        self.input_shape = self.output_shape = shape

    @classmethod
    def match(cls, reader: Reader, shape: tuple[int, ...]) -> Self | None:
        step = reader.next(Power)
        return None if step is None else cls(step, shape)


class PowerLayer(nn.Layer):
    def build(self, _shape: Any, _rng: Any) -> None:
        self.exponent = nn.Parameter(np.array(1.5))

    def forward(self, X: Any) -> Any:
        return (X * X + 1) ** self.exponent

    def _steps(self) -> list[Step]:
        return [Power(self.exponent)]


# The plan looks only at the library's own layers.
PowerLayer.__module__ = "neural_network.layers.power"


# Defining the class has registered it. Only the tests of this file use it: a worker may leave
# the file and come back to it.
REGISTERED = [kind for kind in Stage.kinds if kind not in KINDS]
Stage.kinds[:] = KINDS


@pytest.fixture(autouse=True)
def the_stage_is_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [PowerStage] == REGISTERED
    monkeypatch.setattr(Stage, "kinds", [*KINDS, PowerStage])


@pytest.mark.parametrize("recorded", [True, False])
def test_a_new_stage_is_computed_between_the_others(recorded: bool) -> None:
    model = nn.Sequential(
        nn.Conv2D(3, 3, activation="relu"), PowerLayer(), nn.Conv2D(2, 2), PowerLayer(),
        nn.Flatten(), nn.Dense(4), PowerLayer(),
    ).initialize((1, 6, 6), rng=0)  # fmt: skip
    X = np.random.default_rng(0).standard_normal((3, 1, 6, 6)).astype("float32")
    before = PreparedPower.computed
    if recorded:
        compare_both(model, X)
    else:
        with nn.use_kernels("numpy"):
            expected = model.predict(X)
        with nn.use_kernels("numba"):
            np.testing.assert_allclose(model.predict(X), expected, rtol=1e-3)
    assert PreparedPower.computed == before + 3


def parameter(*shape: int) -> Any:
    return nn.Parameter(np.random.default_rng(len(shape)).random(shape))


def norm(channels: int) -> BatchNorm:
    return BatchNorm(*(parameter(channels) for _ in range(4)), epsilon=0.1)


def test_steps_of_one_stage() -> None:
    conv = Conv(parameter(5, 2, 3, 3), parameter(5), (1, 1), "same")
    (stage,) = matched(
        [[conv, norm(5), ReLU()], [MaxPool((2, 2))], [], [ReLU()], [Flatten()]], (6, 6, 2)
    ).stages
    assert isinstance(stage, ConvStage)
    assert (stage.input_shape, stage.output_shape) == ((6, 6, 2), (3 * 3 * 5,))
    assert (stage.work, stage.parameters, stage.needs_output) == (6 * 6 * 5 * 2 * 9, 2, False)
    # One geometry serves the stage, its kernels and its ops.
    assert conv.window((6, 6)) is stage.window
    for size in (6, 7, 6):
        X = np.zeros((2, 2, size, size), np.float32)
        found = conv.by_ops(X, *(p.data for p in conv.parameters))
        assert found.shape == (2, 5, size, size)


@pytest.mark.parametrize(
    ("layers", "shape", "count", "stages"),
    [
        ([[Dense(parameter(4, 3), None)], [Flatten()], [ReLU()]], (4,), 2, 1),
        ([[Flatten()], [], [Dense(parameter(4, 3), None)], [ReLU()], []], (4,), 5, 1),
        ([[Dense(parameter(4, 3), None)], [norm(4)]], (4,), 1, 1),  # batch norm of another size
        ([[Dense(parameter(4, 3), None)], [Dense(parameter(4, 3), None)]], (4,), 1, 1),
        ([[Dense(parameter(4, 3), None)], None, [ReLU()]], (4,), 1, 1),
        ([[ReLU()], [Dense(parameter(4, 3), None)]], (4,), 0, 0),
        ([[], [Dense(parameter(4, 3), None), norm(2)]], (4,), 0, 0),  # ends inside a layer
        ([[Dense(parameter(4, 3), None)], [Dense(parameter(3, 2), None), norm(3)]], (4,), 1, 1),
        ([[Conv(parameter(5, 1, 3, 3), None, (1, 1), 0)], [MaxPool((9, 9))]], (6, 6, 1), 0, 0),
    ],
)  # fmt: skip
def test_how_far_a_match_goes(layers: Any, shape: Any, count: int, stages: int) -> None:
    match = matched(layers, shape)
    assert (match.layers, len(match.stages)) == (count, stages)
    assert len(match.steps) == sum(len(steps) for steps in layers[:count])


def test_every_step_means_what_its_layer_computes() -> None:
    model = nn.Sequential(
        nn.Conv2D(4, 3, stride=2, padding=((1, 0), (0, 2)), activation="relu"), nn.MaxPool2D(2),
        nn.BatchNorm(), nn.Flatten(), nn.Dense(3, "relu"), nn.Dropout(0.5), nn.Activation("relu"),
    ).initialize((2, 9, 9), rng=0).eval()  # fmt: skip
    X = np.random.default_rng(0).standard_normal((3, 2, 9, 9)).astype("float32")
    with nn.use_kernels("numpy"), nn.no_grad():
        for layer in model:
            expected, steps = layer.forward(X), layer._evaluation_steps()
            assert steps is not None
            for step in steps:
                X = step.by_ops(X, *[parameter.data for parameter in step.parameters])
            np.testing.assert_array_equal(X, expected)


def test_a_workspace_prepares_anew_when_a_buffer_grows() -> None:
    workspace = Workspace()
    small = workspace.buffer(0, "a", (2, 3))
    assert workspace.prepared(("key",), lambda key: f"first {key}") == "first key"
    assert workspace.prepared(("key",), lambda _: "second") == "first key"
    large = workspace.buffer(0, "a", (3, 3))
    assert not np.shares_memory(small, large)
    assert workspace.prepared(("key",), lambda _: "second") == "second"
    first, later = StageBuffers(workspace, 0), StageBuffers(workspace, 1)
    assert later.persistent_buffer("g", (2,)) is not later.persistent_buffer("g", (2,))
    assert np.shares_memory(later.persistent_buffer("g", (2,)), later.persistent_buffer("g", (2,)))
    kept = first.persistent_buffer("g", (2,))
    assert not np.shares_memory(kept, first.persistent_buffer("g", (2,)))
