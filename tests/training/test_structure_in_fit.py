"""During ``fit`` the structure is fixed; what is frozen, and dropout's rate, may change."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import neural_network as nn

X = np.random.default_rng(0).standard_normal((32, 8)).astype(np.float32)
Y = np.arange(32) % 3


class Net(nn.Layer):
    """Has a head that could be exchanged, and a list."""

    def __init__(self) -> None:
        self.head = nn.Dense(3)
        self.parts = [nn.Dense(8)]

    def forward(self, X: Any) -> Any:
        return self.head(self.parts[0](X))


class Do(nn.Callback):
    """Does something after each step."""

    def __init__(self, deed: Callable[[Any], Any]) -> None:
        self.deed = deed

    def on_step_end(self, trainer: nn.Trainer, *_: Any) -> None:
        self.deed(trainer.model)


def fitted(model: nn.Layer, deed: Callable[[Any], Any]) -> nn.Trainer:
    trainer = nn.Trainer(model, rng=0, progress=False, callbacks=[Do(deed)])
    trainer.fit(X, Y, epochs=2, batch_size=8)
    return trainer


CHANGES: dict[str, Callable[[Any], Any]] = {
    "append": lambda m: m.append(nn.Dense(3)),
    "insert": lambda m: m.insert(0, nn.Flatten()),
    "replace": lambda m: m.replace(-1, nn.Dense(3)),
    "assignment to a place": lambda m: m.__setitem__(0, nn.Flatten()),
    "remove": lambda m: m.remove(0),
    "an own layer's attribute": lambda m: setattr(m[1], "head", nn.Dense(3)),
    "an own layer's list": lambda m: m[1].parts.append(nn.Dense(3)),
    "a parameter": lambda m: setattr(m[1].head, "weight", nn.Parameter(np.ones((8, 3)))),
    "astype": lambda m: m.astype("float64"),
    "astype of a model around a part": lambda m: nn.Sequential(m[1]).astype("float64"),
    "astype of a part": lambda m: m[1].parts[0].astype("float64"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_structure_does_not_change_during_fit(change: str) -> None:
    model = nn.Sequential(nn.Flatten(), Net())
    with pytest.raises(nn.ArgumentError, match=r"expected no change of the structure during fit"):
        fitted(model, CHANGES[change])
    assert len(model) == 2
    assert {parameter.dtype.name for parameter in model.parameters()} == {"float32"}
    CHANGES[change](model)  # afterwards it may


def test_what_is_frozen_holds_from_the_next_step_on() -> None:
    model = nn.Sequential(nn.Dense(8, "tanh"), nn.Dense(3)).initialize((8,), rng=0)
    first = model[0].weight  # type: ignore[attr-defined]
    seen: list[Any] = []

    def deed(model: Any) -> None:
        seen.append(first.data.copy())
        (model[0].freeze if len(seen) == 2 else model[0].unfreeze)()

    fitted(model, deed)
    same = [np.array_equal(*pair) for pair in pairwise(seen)]
    assert same == [False, True, False, False, False, False, False]


def test_the_rate_of_dropout_changes_during_fit() -> None:
    model = nn.Sequential(nn.Dense(8), nn.Dropout(0.5), nn.Dense(3))
    drop: Any = model[1]
    fitted(model, lambda _: setattr(drop, "rate", drop.rate / 2))
    assert drop.rate == 0.5**9
    assert repr(drop) == f"Dropout(rate={0.5**9})"
