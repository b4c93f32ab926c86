"""A model's architecture as plain data, and back: what stands in a saved file.

    {"layer": "Dense", "arguments": {"units": 10, "activation": "relu"}}

A list is one of JSON's; {"tuple": […]} is a tuple, {"dict": {…}} a dict.
A layer that stands in several places is described once; {"again": 3} then means the
layer that was described as the fourth. Only names of known classes and functions are
ever read back; nothing is evaluated.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import numpy as np

from neural_network.errors import DTypeError, FileFormatError, sentence
from neural_network.layers import arguments as given_arguments
from neural_network.layers.activation import ACTIVATIONS
from neural_network.layers.initializers import INITIALIZERS
from neural_network.layers.layer import Layer
from neural_network.lazy import NameTable

FUNCTIONS: Mapping[str, Any] = ChainMap(ACTIVATIONS, INITIALIZERS)  # type: ignore[arg-type]  # only read
# What a description may hold: no model is nested deeper, and none calls more layers, those
# counted again that stand in several places: a few words can unfold to a billion calls.
DEEPEST = 64
MOST_CALLED = 10_000
# Nobody pads or strides by more; it bounds what one call of a hostile file's model allocates.
WIDEST_STEP = 4096


def known_layers() -> NameTable[type[Layer]]:
    """Return name → class of the library's own layers."""
    return NameTable("layer")


def describe(layer: Layer) -> dict[str, Any]:
    """Return the call that made a layer, as JSON can hold it.

    Raises:
        DTypeError: an argument that is no number, text, list, layer or known function; a
            class of your own with the name of one of the library's.
    """
    return _Writer().layer(layer)


def own_classes(layer: Layer) -> dict[str, type[Layer]]:
    """Return name → class of the layers in a description that are not the library's.

    Raises:
        DTypeError: as ``describe``; two classes of one name.
    """
    writer = _Writer()
    writer.layer(layer)
    return writer.own


class _Writer:
    """Writes one description; knows the layers described so far by their order."""

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        self.library = known_layers()
        self.own: dict[str, type[Layer]] = {}

    def layer(self, layer: Layer) -> dict[str, Any]:
        """Return the call that makes a layer, or the place where it was described."""
        if id(layer) in self.places:
            return {"again": self.places[id(layer)]}
        self.places[id(layer)] = len(self.places)
        cls = type(layer)
        name = cls.__name__
        if self.library.get(name, cls) is not cls:
            expected = f"another name: the library's {name} would be read in its place"
            raise DTypeError(sentence("save", f"the class {cls.__qualname__}", expected, name))
        if name not in self.library and self.own.setdefault(name, cls) is not cls:
            place = f"the class {cls.__qualname__}"
            raise DTypeError(sentence("save", place, "one class of each name", f"two {name}"))
        arguments = {
            argument: self.value(f"{name}({argument}=…)", value)
            for argument, value in layer._given().items()
        }
        return {"layer": name, "arguments": arguments}

    def value(self, place: str, value: Any) -> Any:
        """Return an argument as JSON can hold it."""
        if isinstance(value, Layer):
            return self.layer(value)
        if isinstance(value, np.bool_ | np.integer | np.floating):
            value = value.item()
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, tuple):
            return {"tuple": [self.value(place, item) for item in value]}
        if isinstance(value, list):
            return [self.value(place, item) for item in value]
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {"dict": {key: self.value(place, item) for key, item in value.items()}}
        if isinstance(value, np.random.Generator):
            return None  # its draws are over, or the training's own
        for name, function in FUNCTIONS.items():
            if value is function:
                return {"function": name}
        expected = "numbers, text, lists, layers or the library's own functions"
        raise DTypeError(sentence("save", place, expected, repr(value)))


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
        # How many layers each of them calls, itself included; and all so far.
        self.calls: list[int] = []
        self.called = 0

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
                self._count(self.calls[place])
                return self.made[place]
            case {"dict": dict(items), **rest} if not rest:
                return {key: self.value(item, depth + 1) for key, item in items.items()}
            case {"function": str(name), **rest} if not rest and name in FUNCTIONS:
                return FUNCTIONS[name]
            case {"tuple": list(items), **rest} if not rest:
                return tuple(self.value(item, depth + 1) for item in items)
            case list(items):
                return [self.value(item, depth + 1) for item in items]
            case dict():
                raise FileFormatError(f"{self.path}: expected layers and plain values, {value!r}")
        return value

    def _layer(self, name: str, arguments: dict[str, Any], depth: int) -> Layer:
        if name not in self.known:
            hint = f"layers={{{name!r}: …}} gives its class"
            raise FileFormatError(f"{self.path}: unknown layer {name!r}; {hint}")
        place = len(self.made)
        self.made.append(None)
        self.calls.append(1)
        before = self.called
        self._count(1)
        values = {key: self.value(item, depth + 1) for key, item in arguments.items()}
        cls = self.known[name]
        try:
            layer: Layer = given_arguments.call(cls, values)
        except Exception as error:  # whatever a class says to arguments that it did not write
            raise FileFormatError(
                f"{self.path}: {name} cannot be made from its arguments ({error})"
            ) from error
        for attribute in ("padding", "output_padding", "stride"):
            found = vars(layer).get(attribute, 0)
            if cls.__module__.startswith("neural_network.") and _widest(found) > WIDEST_STEP:
                raise FileFormatError(
                    f"{self.path}: {name} has a {attribute} of {found}, expected at most "
                    f"{WIDEST_STEP}"
                )
        self.made[place], self.calls[place] = layer, self.called - before
        return layer

    def _count(self, calls: int) -> None:
        self.called += calls
        if self.called > MOST_CALLED:
            raise FileFormatError(f"{self.path}: expected at most {MOST_CALLED:,} calls of layers")


def _widest(sizes: Any) -> int:
    """Return the largest number in sizes; a padding's names depend on the filter."""
    if isinstance(sizes, list | tuple):
        return max(map(_widest, sizes), default=0)
    return sizes if isinstance(sizes, int) else 0
