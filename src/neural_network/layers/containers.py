"""Layers made of layers."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, DTypeError, ShapeError, sentence
from neural_network.layers.layer import Layer
from neural_network.layers.planning import run_layers
from neural_network.public import named, public


@public
@named("layer")
class Sequential(Layer):
    """One layer after the other.

    Args:
        layers: given one by one, or as a single list. A layer that stands in it twice
            is one layer with one set of parameters; so it is again after ``load``.

    Attributes:
        layers: the list; ``model[0]`` is its first, ``model[1:3]`` a model of two, and
            ``model[-1] = layer`` replaces the last.

    Raises:
        DTypeError: something else than a layer.
        ArgumentError: no layer.

    >>> model = Sequential(Flatten(), Dense(32, "relu"), Dense(10))
    >>> model.initialize((28, 28), rng=0).predict(np.ones((2, 28, 28))).shape
    (2, 10)
    """

    def __init__(self, *layers: Layer | list[Layer] | tuple[Layer, ...]) -> None:
        self.layers = check_layers("Sequential", layers)

    def children(self) -> Iterator[tuple[str, Layer]]:
        """Yield the layers by their numbers."""
        for place, layer in enumerate(self.layers):
            yield str(place), layer

    def forward(self, X: Any) -> Any:
        """Hand the input from layer to layer."""
        return _through(self, self.layers, "", X)

    def _given(self) -> Mapping[str, Any]:
        """Return the layers that are there now."""
        return {"layers": self.layers}

    def __len__(self) -> int:
        """Return how many layers."""
        return len(self.layers)

    def __iter__(self) -> Iterator[Layer]:
        """Yield the layers."""
        return iter(self.layers)

    def __getitem__(self, key: int | slice) -> Layer:
        """Return a layer, or a model of some of the layers, which it shares."""
        return Sequential(self.layers[key]) if isinstance(key, slice) else self.layers[key]

    def __setitem__(self, key: int, layer: Layer) -> None:
        """Put another layer in the place of one."""
        self.layers[operator.index(key)] = check_layers("Sequential", (layer,))[0]

    def __repr__(self) -> str:
        """Show a layer in each line."""
        return _lines("Sequential", self.layers)


@public
@named("layer")
class Residual(Layer):
    """What goes in, added to what the layers make of it: ``X + body(X)``.

    Args:
        layers: the body, given one by one or as a list.
        shortcut: a layer for the other way where shapes differ, such as
            ``Conv2D(32, 1, stride=2)``; None hands the input on.

    Attributes:
        body: the layers.
        shortcut: the other way, or None.

    Raises:
        DTypeError, ArgumentError: as ``Sequential``.
        ShapeError: (when called) the two ways end in different shapes.

    Source: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition",
    arXiv 1512.03385.

    >>> Residual(Dense(3, initializer="zeros"))(np.ones((1, 3))).data
    array([[1., 1., 1.]], dtype=float32)
    """

    def __init__(
        self, *layers: Layer | list[Layer] | tuple[Layer, ...], shortcut: Layer | None = None
    ) -> None:
        self.body = check_layers("Residual", layers)
        self.shortcut = None if shortcut is None else check_layers("Residual", (shortcut,))[0]

    def forward(self, X: Any) -> Any:
        """Any shape that the body keeps."""
        out = _through(self, self.body, "body.", X)
        if self.shortcut is None:
            straight = self._numbers(X)
        else:
            straight = _called("shortcut", self.shortcut, X)
        if np.shape(out) != np.shape(straight):
            expected = f"the shape {np.shape(straight)} of the shortcut (see shortcut=)"
            raise ShapeError(sentence("Residual", "layers", expected, f"shape {np.shape(out)}"))
        return out + straight

    def _given(self) -> Mapping[str, Any]:
        """Return the layers that are there now."""
        return {"layers": self.body, "shortcut": self.shortcut}

    def __repr__(self) -> str:
        """Show a layer in each line."""
        last = [] if self.shortcut is None else [f"shortcut={self.shortcut!r}"]
        return _lines("Residual", [*self.body, *last])


def _lines(name: str, parts: list[Any]) -> str:
    shown = [part if isinstance(part, str) else repr(part) for part in parts]
    inner = ",\n".join(shown).replace("\n", "\n    ")
    return f"{name}(\n    {inner},\n)"


def check_layers(function: str, layers: tuple[Any, ...]) -> list[Layer]:
    """Return the layers, given one by one or as one list; anything else is refused."""
    if len(layers) == 1 and isinstance(layers[0], list | tuple):
        layers = tuple(layers[0])
    for place, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            hint = " (a class was given: call it)" if isinstance(layer, type) else ""
            expected = f"a layer such as Dense(10){hint}"
            raise DTypeError(sentence(function, f"layer {place}", expected, repr(layer)))
    if not layers:
        raise ArgumentError(sentence(function, "layers", "at least one layer", "none"))
    return list(layers)


def _through(owner: Layer, layers: Sequence[Layer], prefix: str, X: Any) -> Any:
    """Pass an input from layer to layer; neighbours are computed together where that is faster."""

    def call(position: int, X: Any, planned: bool) -> Any:
        return _called(f"{prefix}{position}", layers[position], X, planned=planned)

    return run_layers(owner, layers, X, call)


def _called(name: str, layer: Layer, X: Any, *, planned: bool = False) -> Any:
    """Call a layer; where it raises an error, add which layer it is."""
    try:
        return layer._run((X,), {}, planned=True) if planned else layer(X)
    except ArgumentError as error:
        # A container inside shows its kind; the layer in it that complains has said the rest.
        shown = (
            type(layer).__name__ if any(True for _ in type(layer).children(layer)) else repr(layer)
        )
        error.args = (f"{error} [layer {name}: {shown}]",)
        raise
