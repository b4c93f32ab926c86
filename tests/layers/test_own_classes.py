"""Layers that users write: what is said of their mistakes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import neural_network as nn

X = np.ones((4, 3), np.float32)


class Keras(nn.Layer):
    def call(self, X: Any) -> Any:
        return X


class Misspelt(nn.Layer):
    def foward(self, X: Any) -> Any:
        return X


class Nothing(nn.Layer):
    pass


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Keras, "Keras: forward: expected a method, received call, which is to be named forward"),
        (Misspelt, "Misspelt: forward: .* received foward, which is to be named forward"),
        (Nothing, "Nothing: forward: expected a method, received none"),
    ],
)
def test_a_layer_without_forward_names_what_it_has(kind: Any, said: str) -> None:
    for call in (lambda: kind()(X), lambda: nn.Sequential(nn.Dense(2), kind()).initialize((3,))(X)):
        with pytest.raises(nn.DTypeError, match=said):
            call()


def test_build_takes_shape_and_rng() -> None:
    class Own(nn.Layer):
        def build(self, input_shape: Any) -> None:  # type: ignore[override]  # that is the test
            self.w = nn.Parameter(np.ones(input_shape[-1]))

        def forward(self, X: Any) -> Any:
            return X * self.w

    said = r"Own: build: expected build\(self, shape, rng\), received build\(self, input_shape\)"
    for call in (lambda: Own()(X), lambda: nn.Sequential(nn.Dense(2), Own()).initialize((3,))):
        with pytest.raises(nn.DTypeError, match=said):
            call()


def test_a_type_error_inside_build_passes() -> None:
    class Own(nn.Layer):
        def build(self, shape: Any, rng: Any) -> None:
            rng.choice(len(shape[0]))

        def forward(self, X: Any) -> Any:
            return X

    with pytest.raises(TypeError, match="has no len"):
        Own()(X)


class Scale(nn.Layer):
    def __init__(self, weight: Any, name: str = "weight") -> None:
        setattr(self, name, weight)

    def forward(self, X: Any) -> Any:
        return X * next(value for name, value in vars(self).items() if not name.startswith("_"))


def fitted(layer: nn.Layer) -> list[str]:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        model = nn.Sequential(nn.Dense(3), layer)
        nn.Trainer(model, loss="mse_loss", rng=0, progress=False).fit(X, X)
    return [str(one.message) for one in found]


def test_weights_that_are_arrays_are_hinted_at() -> None:
    for name in ("w", "W", "weight", "bias", "gamma"):
        (said,) = fitted(Scale(np.ones(3, np.float32), name))
        assert said.startswith(
            f"fit: Scale.{name} is an array, which is neither trained nor saved; "
        )
        assert f"write self.{name} = nn.Parameter(…)" in said
    assert fitted(Scale(nn.Parameter(np.ones(3)))) == []
    assert fitted(Scale(nn.Buffer(np.ones(3)))) == []
    assert fitted(Scale(np.ones(3, np.float32), "mean")) == []
