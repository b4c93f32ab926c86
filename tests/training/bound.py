"""A network, and optimizers that are bound to it, for tests of loops of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import neural_network as nn

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 5)).astype("float32")
Y = RNG.integers(0, 3, 24)

MAKES: dict[str, Callable[..., nn.Optimizer]] = {
    "sgd": lambda **more: nn.SGD(0.1, weight_decay=0.1, **more),
    "momentum": lambda **more: nn.SGD(0.1, 0.9, weight_decay=0.1, **more),
    "nesterov": lambda **more: nn.SGD(0.1, 0.9, nesterov=True, **more),
    "rmsprop": lambda **more: nn.RMSprop(0.01, momentum=0.5, centered=True, **more),
    "adagrad": lambda **more: nn.Adagrad(0.1, weight_decay=0.1, **more),
    "adam": lambda **more: nn.Adam(0.01, weight_decay=0.1, **more),
    "adamw": lambda **more: nn.AdamW(0.01, **more),
    "lion": lambda **more: nn.Lion(0.001, weight_decay=0.1, **more),
}
every_optimizer = pytest.mark.parametrize("name", MAKES)


def network(seed: int = 0) -> nn.Sequential:
    layers = (nn.Dense(6, "relu"), nn.BatchNorm(), nn.Dense(4, "tanh"), nn.Dense(3))
    return nn.Sequential(*layers).initialize((5,), rng=seed)


def backward(model: nn.Layer, optimizer: nn.Optimizer, some: Any = slice(None)) -> None:
    optimizer.zero_grad()
    nn.softmax_cross_entropy(model(X[some]), Y[some]).backward()


def step(model: nn.Layer, optimizer: nn.Optimizer, count: int = 1, **more: Any) -> None:
    for _ in range(count):
        backward(model, optimizer)
        optimizer.step(**more)


def numbers(layer: nn.Layer) -> list[Any]:
    return [parameter.data.copy() for parameter in layer.parameters()]


def same(one: Any, other: Any) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def by_parameter(optimizer: nn.Optimizer, model: nn.Layer, slot: str) -> list[Any]:
    cuts = np.cumsum([p.data.size for p in model.parameters()])
    return np.split(optimizer.slots_state[slot], cuts[:-1])
