"""A model's architecture as plain data, and back: what stands in a saved file.

    {"layer": "Dense", "arguments": {"units": 10, "activation": "relu"}}

A layer that stands in several places is described once; {"again": 3} then means the
layer that was described as the fourth. Only names of known classes and functions are
ever read back; nothing is evaluated.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from neural_network.errors import DTypeError, FileFormatError, sentence
from neural_network.layers.activation import ACTIVATIONS
from neural_network.layers.initializers import INITIALIZERS
from neural_network.layers.layer import Layer

FUNCTIONS = {**ACTIVATIONS, **INITIALIZERS}
# What a description may hold: no model is nested deeper.
DEEPEST = 64


def known_layers() -> dict[str, type[Layer]]:
    """Return name → class of the library's own layers."""
    from neural_network import layers

    classes = (getattr(layers, name) for name in layers.__all__)
    return {
        cls.__name__: cls
        for cls in classes
        if isinstance(cls, type) and issubclass(cls, Layer) and cls is not Layer
    }


def describe(layer: Layer) -> dict[str, Any]:
    """Return the call that made a layer, as JSON can hold it.

    Raises:
        DTypeError: an argument that is no number, text, list, layer or known function; a
            class of your own with the name of one of the library's.
    """
    return _describe(layer, {}, known_layers())


def _describe(
    layer: Layer, places: dict[int, int], library: Mapping[str, type[Layer]]
) -> dict[str, Any]:
    if id(layer) in places:
        return {"again": places[id(layer)]}
    places[id(layer)] = len(places)
    cls = type(layer)
    if library.get(cls.__name__, cls) is not cls:
        expected = f"another name: the library's {cls.__name__} would be read in its place"
        raise DTypeError(sentence("save", f"the class {cls.__qualname__}", expected, cls.__name__))

    def plain(argument: str, value: Any) -> Any:
        if isinstance(value, Layer):
            return _describe(value, places, library)
        if isinstance(value, np.bool_ | np.integer | np.floating):
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list | tuple):
            return [plain(argument, item) for item in value]
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {"dict": {key: plain(argument, item) for key, item in value.items()}}
        if isinstance(value, np.random.Generator):
            return None  # its draws are over, or the training's own
        for name, function in FUNCTIONS.items():
            if value is function:
                return {"function": name}
        place = f"{cls.__name__}({argument}=…)"
        expected = "numbers, text, lists, layers or the library's own functions"
        raise DTypeError(sentence("save", place, expected, repr(value)))

    arguments = {name: plain(name, value) for name, value in layer._given().items()}
    return {"layer": cls.__name__, "arguments": arguments}


def rebuild(path: str, description: object, known: Mapping[str, type[Layer]]) -> Layer:
    """Make the layers that a description names, with no parameters yet.

    Raises:
        FileFormatError: no description, a layer that is not known, or arguments that
            its class refuses.
    """
    model = _Reader(path, known).value(description, depth=0)
    if not isinstance(model, Layer):
        raise FileFormatError(f"{path}: expected a layer and its arguments in the metadata")
    return model


class _Reader:
    """Reads one description; knows the layers made so far by the order of their description."""

    def __init__(self, path: str, known: Mapping[str, type[Layer]]) -> None:
        self.path, self.known = path, known
        self.made: list[Layer | None] = []

    def value(self, value: Any, depth: int) -> Any:
        """Return what a value of the description stands for."""
        if depth > DEEPEST:
            raise FileFormatError(f"{self.path}: layers or lists nested deeper than {DEEPEST}")
        match value:
            case {"layer": str(name), "arguments": dict(arguments), **rest} if not rest:
                return self._layer(name, arguments, depth)
            case {"again": int(place), **rest} if not rest and 0 <= place < len(self.made):
                if self.made[place] is None:
                    raise FileFormatError(f"{self.path}: a layer that lies inside itself")
                return self.made[place]
            case {"dict": dict(items), **rest} if not rest:
                return {key: self.value(item, depth + 1) for key, item in items.items()}
            case {"function": str(name), **rest} if not rest and name in FUNCTIONS:
                return FUNCTIONS[name]
            case list(items):
                made = [self.value(item, depth + 1) for item in items]
                # Sizes were pairs; lists of layers are the same either way.
                return made if any(isinstance(item, Layer) for item in made) else tuple(made)
            case dict():
                raise FileFormatError(f"{self.path}: expected layers and plain values, {value!r}")
        return value

    def _layer(self, name: str, arguments: dict[str, Any], depth: int) -> Layer:
        if name not in self.known:
            hint = f"layers={{{name!r}: …}} gives its class"
            raise FileFormatError(f"{self.path}: unknown layer {name!r}; {hint}")
        place = len(self.made)
        self.made.append(None)
        values = {key: self.value(item, depth + 1) for key, item in arguments.items()}
        cls = self.known[name]
        # Of __init__ without self, as Layer.__new__ noted them.
        _, *parameters = inspect.signature(cls.__init__).parameters.values()
        signature = inspect.Signature(parameters)
        try:
            unknown = values.keys() - signature.parameters.keys()
            if unknown:
                raise TypeError(f"it has no argument {min(unknown)!r}")
            call = inspect.BoundArguments(signature, values)
            layer = cls(*call.args, **call.kwargs)
        except Exception as error:  # whatever a class says to arguments that it did not write
            raise FileFormatError(
                f"{self.path}: {name} cannot be made from its arguments ({error})"
            ) from error
        self.made[place] = layer
        return layer
