"""A summary says which layers of one's own have parameters whose products it does not count."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import neural_network as nn


class Product(nn.Layer):
    def __init__(self) -> None:
        self.W = nn.Parameter(np.ones((4, 3)))

    def forward(self, X: Any) -> Any:
        return X @ self.W


class Counted(Product):
    def multiply_adds(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> int:
        return int(inputs[-1] * outputs[-1])


class Residual(nn.Layer):
    def __init__(self) -> None:
        self.body = nn.Dense(4)

    def forward(self, X: Any) -> Any:
        return X + self.body(X)


class Swish(nn.Layer):
    def forward(self, X: Any) -> Any:
        return X * nn.sigmoid(X)


def test_a_layer_whose_products_are_not_counted_is_named() -> None:
    model = nn.Sequential(Product(), nn.Flatten(), nn.Dense(2)).initialize((4,), rng=0).freeze()
    found = model.summary()
    assert found.uncounted == ("0 Product",)
    *_, frozen, last = str(found).splitlines()
    assert frozen == "20 parameters are frozen"
    assert last.startswith("multiply-adds without those of 0 Product: a class of your own counts")
    assert type(found.multiply_adds) is int
    assert last in model._repr_html_()
    assert last in found._repr_html_()


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
