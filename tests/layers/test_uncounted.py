"""A summary says which layers of one's own multiply matrices without counting it."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import neural_network as nn


def project(X: Any, W: Any) -> Any:
    return X @ W


class Product(nn.Layer):
    def __init__(self) -> None:
        self.W = nn.Parameter(np.ones((4, 3)))

    def forward(self, X: Any) -> Any:
        return X @ self.W


class Dotted(Product):
    def forward(self, X: Any) -> Any:
        return np.dot(X, self.W)


class ByMethod(Product):
    def forward(self, X: Any) -> Any:
        return self.inner(X)

    def inner(self, X: Any) -> Any:
        return np.einsum("ij,jk->ik", X, self.W)


class ByFunction(Product):
    def forward(self, X: Any) -> Any:
        return project(X, self.W)


class InGenerator(Product):
    def forward(self, X: Any) -> Any:
        return sum(row @ self.W for row in [X, X])


class Edges(nn.Layer):
    def forward(self, X: Any) -> Any:
        return nn.conv2d(X, np.ones((1, 1, 2, 2)))


class Attention(nn.Layer):
    def __init__(self) -> None:
        self.query = nn.Dense(3)

    def forward(self, X: Any) -> Any:
        return self.query(X) @ np.ones((3, 3))


class Counted(Product):
    def multiply_adds(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> int:
        return int(inputs[-1] * outputs[-1])


class Residual(nn.Layer):
    def __init__(self) -> None:
        self.body = nn.Dense(4)
        self.places = nn.Parameter(np.zeros((1, 4)))

    def forward(self, X: Any) -> Any:
        return X + self.body(X) * self.places


class Swish(nn.Layer):
    def forward(self, X: Any) -> Any:
        return X * nn.sigmoid(X)


SHAPES = {Edges: (1, 5, 5)}
UNCOUNTED = [Product, Dotted, ByMethod, ByFunction, InGenerator, Edges, Attention]


@pytest.mark.parametrize("kind", UNCOUNTED)
def test_a_layer_whose_products_are_not_counted_is_named(kind: Any) -> None:
    model = nn.Sequential(kind(), nn.Flatten(), nn.Dense(2))
    found = model.summary(SHAPES.get(kind, (4,)))
    assert found.uncounted == (f"0 {kind.__name__}",)
    last = str(found).splitlines()[-1]
    assert last.startswith(f"multiply-adds without those of 0 {kind.__name__}: a class")
    assert type(found.multiply_adds) is int
    model.initialize(SHAPES.get(kind, (4,)), rng=0)
    assert last in model._repr_html_()
    assert last in found._repr_html_()


def test_frozen_parameters_and_an_activation_of_ones_own_are_named_too() -> None:
    model = nn.Sequential(nn.Activation(lambda X: X @ np.ones((4, 4))), nn.Dense(2))
    model.initialize((4,), rng=0).freeze()
    lines = str(model.summary()).splitlines()[-2:]
    assert lines[0] == "10 parameters are frozen"
    assert lines[1].startswith("multiply-adds without those of 0 Activation")


@pytest.mark.parametrize("kind", [Counted, Residual, Swish])
def test_a_layer_that_counts_or_has_no_products_is_not_named(kind: Any) -> None:
    found = nn.Sequential(kind(), nn.Dense(2, "relu"), nn.Activation(nn.softmax)).summary((4,))
    assert found.uncounted == ()
    assert str(found).splitlines()[-1].split()[0] == "all"


class Backward(Product):
    def backward(self, g: Any) -> Any:
        return 5 * g


class Reversed(Product):
    def backward(self, X: Any) -> Any:
        return X[:, ::-1]

    def forward(self, X: Any) -> Any:
        return self.backward(X) @ self.W


def test_a_backward_that_nothing_calls_gets_a_hint() -> None:
    X, y = np.random.default_rng(0).random((40, 4)), np.arange(40) % 3
    with pytest.warns(
        nn.TrainingHint, match=r"^check_gradients: Backward.backward is never called"
    ):
        nn.check_gradients(Backward().initialize((4,), rng=0), [X])
    with pytest.warns(nn.TrainingHint, match=r"^fit: Backward.backward is never .*@nn.gradient"):
        nn.Trainer([Backward(), nn.Dense(3)], progress=False).fit(X, y, epochs=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in (Reversed, Product):
            nn.check_gradients(kind().initialize((4,), rng=0), [X])
            nn.Trainer([kind(), nn.Dense(3)], progress=False).fit(X, y, epochs=1)
