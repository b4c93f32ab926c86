"""Layers without parameters: a function of each number, and ``Flatten``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Any

import numpy as np

from neural_network.checks import as_function, as_real
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.functional import activations
from neural_network.layers.layer import Layer
from neural_network.lazy import NameTable
from neural_network.plan import vocabulary
from neural_network.plan.elementwise import Elementwise
from neural_network.plan.pooling import pool_of
from neural_network.plan.vocabulary import ReLU, Step, Steps
from neural_network.public import named, public

Function = Callable[[Any], Any]
ACTIVATIONS: NameTable[Function] = NameTable("activation")


def as_activation(function: str, value: object, argument: str = "activation") -> Function:
    """Return a function: one of the table's by name, the one given, or the identity for None."""
    if value is None:
        return activations.identity
    return as_function(function, argument, value, ACTIVATIONS)


def steps_of(function: Function) -> list[Step] | None:
    """Return the steps of an activation function; None if stages do not know it."""
    if function is activations.identity:
        return []
    if function is activations.relu:
        return [ReLU()]
    step = Elementwise.of(function) or pool_of(function)
    return None if step is None else [step]


# Functions that need an option → one that they take.
OPTIONS = {"interpolate": "scale=2"} | {
    f"adaptive_{kind}_pool{axes}d": "output_size=1" for kind in ("avg", "max") for axes in (1, 2, 3)
}


def of_function(value: Any) -> str:
    """Return the line that makes a layer of a function, "" for what is none.

    >>> import neural_network as nn
    >>> of_function(nn.max_pool1d), of_function(nn.interpolate), of_function(lambda X: X)
    ... # doctest: +NORMALIZE_WHITESPACE
    ('nn.Activation(nn.max_pool1d)',
     'nn.Activation(functools.partial(nn.interpolate, scale=2))',
     'nn.Activation(function)')
    """
    if isinstance(value, partial):
        given = [
            *map(repr, value.args),
            *(f"{name}={one!r}" for name, one in value.keywords.items()),
        ]
        value, options = value.func, ", ".join(given)
    else:
        options = OPTIONS.get(getattr(value, "__name__", ""), "")
    if isinstance(value, type) or not callable(value):
        return ""
    name = getattr(value, "__name__", "function")
    if name == "<lambda>":
        name = "function"
    elif getattr(value, "__module__", "").startswith("neural_network."):
        name = f"nn.{name}"
    return f"nn.Activation({f'functools.partial({name}, {options})' if options else name})"


@public
@named("layer")
class Activation(Layer):
    """A function of each number as a layer.

    Args:
        function: a function, or the name of one: "relu", "gelu", "softmax" …

    Attributes:
        function: what is called.

    Raises:
        ArgumentError, DTypeError: no function and no known name; one that needs an option.

    >>> Activation("relu").predict(np.array([[-1.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    def __init__(self, function: str | Function) -> None:
        self.function = as_activation("Activation", function, "function")
        name = getattr(self.function, "__name__", "")
        if name in OPTIONS and getattr(self.function, "__module__", "").startswith(
            "neural_network."
        ):
            received = f"{name}, which needs an option; here: {of_function(self.function)}"
            raise ArgumentError(sentence("Activation", "function", "one of an array", received))

    def forward(self, X: Any) -> Any:
        """Any shape → the same."""
        return self.function(self._numbers(X))

    def _steps(self) -> Steps:
        """The function, if stages know it."""
        return steps_of(self.function)


@public
@named("layer")
class Flatten(Layer):
    """Lay all axes but the first side by side: (N, C, H, W) → (N, C·H·W).

    Raises:
        ShapeError: (when called) no axis to keep.

    >>> Flatten().predict(np.ones((2, 3, 4))).shape
    (2, 12)
    """

    def forward(self, X: Any) -> Any:
        """(N, …) → (N, everything else)."""
        X = as_real("Flatten", "X", X)
        shape = np.shape(X)
        if not shape:
            raise ShapeError(sentence("Flatten", "X", "(N, …)", "a single number"))
        return np.reshape(X, (shape[0], prod(shape[1:])))  # −1 is ambiguous where there is no row

    def _steps(self) -> Steps:
        """Flatten."""
        return [vocabulary.Flatten()]
