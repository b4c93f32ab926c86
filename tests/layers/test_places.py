"""Layers are named in messages by how Python reaches them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import Dense, Flatten, Residual, Sequential
from neural_network.layers.places import place_name, place_of, short


class Net(nn.Layer):
    """Of one's own, with layers in attributes, lists and dicts."""

    def __init__(self) -> None:
        self.first = Dense(3)
        self.rest = [Dense(3), Sequential(Dense(3), Dense(2))]
        self.heads = {"a": Dense(2), 7: Dense(1)}

    def forward(self, X: Any) -> Any:
        for layer in (self.first, *self.rest):
            X = layer(X)
        return self.heads["a"](X) + self.heads[7](X)


LONG = Sequential(*(Dense(2) for _ in range(12)))
PLACES: list[tuple[Any, str, str]] = [
    (Sequential(Dense(2)), "0", "model[0]"),
    (Sequential(Dense(2)), "0.weight", "model[0].weight"),
    (Sequential(Flatten(), Residual(Sequential(Dense(2)))), "1.body.0.0", "model[1].body[0][0]"),
    (LONG, "5", "model[5]"),
    (LONG, "6", "model[6] (model[-6])"),
    (LONG, "11.bias", "model[11].bias (model[-1].bias)"),
    (Sequential(LONG, Dense(2)), "0.11", "model[0][11] (model[0][-1])"),
    (Net(), "first.weight", "model.first.weight"),
    (Net(), "rest.1.0", "model.rest[1][0]"),
    (Net(), "heads.a", "model.heads['a']"),
    (Net(), "heads.7.bias", "model.heads[7].bias"),
    (Net(), "", "model"),
    (Net(), "gone.3", "model.gone.3"),
]


@pytest.mark.parametrize(("model", "name", "place"), PLACES)
def test_the_place_of_a_name(model: Any, name: str, place: str) -> None:
    assert place_name(model, name) == place


def test_every_place_leads_to_its_layer_or_parameter() -> None:
    for model in (Net().initialize((4,), rng=0), LONG.initialize((2,), rng=0)):
        for name, thing in [*model.named_layers(), *model.named_parameters()]:
            forwards, _, backwards = place_name(model, name).partition(" (")
            for place in filter(None, (forwards, backwards.rstrip(")"))):
                assert eval(place, {"model": model}) is thing


def test_short_forms() -> None:
    assert short(Dense(10)) == "Dense(10)"
    assert short(Dense(10, "relu")) == "Dense(10, relu)".replace("relu", "'relu'")
    assert short(Dense(10, bias=False)) == "Dense(10, bias=False)"
    assert short(nn.Conv2D(8, 3, padding="same")) == "Conv2D(8, 3, padding='same')"
    assert short(Dense(units=10, activation=nn.relu)) == "Dense(10, relu)"
    assert short(nn.BatchNorm()) == "BatchNorm()"
    assert short(Sequential(Dense(1))) == "Sequential"
    assert len(short(nn.Activation("x" * 200 if False else _long))) == 60
    assert place_of(LONG, Dense(3)) == "Dense(3)"


def _long(X: Any) -> Any:
    return X


_long.__name__ = "long" * 50

ERRORS: list[tuple[Any, tuple[int, ...], str]] = [
    (Sequential(Flatten(), Dense(4), Dense(3)), (6,), r"^Dense: X: .* \[model\[1\] Dense\(4\)\]$"),
    (Sequential(*(Dense(3) for _ in range(12))), (6,), r"\[model\[0\] Dense\(3\)\]$"),
    (Net(), (6,), r"^Dense: X: .* \[model.first Dense\(3\)\]$"),
    (Sequential(Net()), (6,), r"^Dense: X: .* \[model\[0\].first Dense\(3\)\]$"),
    (Dense(3), (6,), r"received shape \(2, 6\)$"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "shape", "match"), ERRORS)
@pytest.mark.parametrize("planned", [True, False])
def test_an_error_names_the_innermost_layer_as_seen_from_outside(
    model: Any, shape: tuple[int, ...], match: str, planned: bool
) -> None:
    model.initialize((4,), rng=0)
    with pytest.raises(nn.ShapeError, match=match) as caught:
        model.predict(np.ones((2, *shape))) if planned else model(np.ones((2, *shape)))
    assert len(str(caught.value)) <= 500


def test_a_layer_that_cannot_be_built_is_named_from_the_end_as_well() -> None:
    model = Sequential(*(Dense(4) for _ in range(11)), nn.Conv2D(2, 3))
    with pytest.raises(nn.ShapeError, match=r"\[model\[11\] \(model\[-1\]\) Conv2D\(2, 3\)\]$"):
        model.initialize((4,), rng=0)
    assert not model.built


def test_an_error_that_is_raised_again_is_named_anew() -> None:
    """One error object that a layer of one's own keeps and raises in two models."""
    error = nn.ArgumentError("Own: X: expected something else")

    class Own(nn.Layer):
        def forward(self, X: Any) -> Any:  # noqa: ARG002
            raise error

    own = Own()
    for model, place in ((Sequential(Flatten(), own), 1), (Sequential(own, Flatten()), 0)):
        with pytest.raises(nn.ArgumentError, match=rf"else \[model\[{place}\] Own\(\)\]$"):
            model(np.ones((1, 2)))
