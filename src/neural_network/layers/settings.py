"""A model's architecture as plain data, and back: what stands in a saved file.

    {"layer": "Dense", "arguments": {"units": 10, "activation": "relu"}}

Only names of known classes and functions are ever read back; nothing is evaluated.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, DTypeError, FileFormatError, sentence
from neural_network.layers.activation import ACTIVATIONS
from neural_network.layers.initializers import INITIALIZERS
from neural_network.layers.layer import Layer

FUNCTIONS = {**ACTIVATIONS, **INITIALIZERS}
# What a description may hold: no model is nested deeper.
DEEPEST = 64


def describe(layer: Layer) -> dict[str, Any]:
    """Return the call that made a layer, as JSON can hold it.

    Raises:
        DTypeError: an argument that is no number, text, list, layer or known function.
    """
    name = type(layer).__name__
    arguments = {
        argument: _plain(name, argument, value) for argument, value in layer._arguments.items()
    }
    return {"layer": name, "arguments": arguments}


def _plain(layer: str, argument: str, value: Any) -> Any:
    if isinstance(value, Layer):
        return describe(value)
    if isinstance(value, np.bool_ | np.integer | np.floating):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(layer, argument, item) for item in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: _plain(layer, argument, item) for key, item in value.items()}}
    if isinstance(value, np.random.Generator):
        return None  # its draws are over, or the training's own
    for name, function in FUNCTIONS.items():
        if value is function:
            return name
    expected = "numbers, text, lists, layers or the library's own functions"
    raise DTypeError(sentence("save", f"{layer}({argument}=…)", expected, repr(value)))


def rebuild(
    path: str, description: object, known: Mapping[str, type[Layer]], depth: int = 0
) -> Layer:
    """Make the layers that a description names, with no parameters yet.

    Raises:
        FileFormatError: no description, a layer that is not known, or arguments that
            its class refuses.
    """
    if depth > DEEPEST:
        raise FileFormatError(f"{path}: layers nested deeper than {DEEPEST}")
    match description:
        case {"layer": str(name), "arguments": dict(arguments), **rest} if not rest:
            pass
        case _:
            raise FileFormatError(f"{path}: expected a layer and its arguments in the metadata")
    if name not in known:
        raise FileFormatError(
            f"{path}: unknown layer {name!r}; layers={{{name!r}: …}} gives its class"
        )
    values = {key: _value(path, value, known, depth) for key, value in arguments.items()}
    cls = known[name]
    positional: list[Any] = []
    for parameter in inspect.signature(cls).parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL and parameter.name in values:
            positional = list(values.pop(parameter.name))
        if parameter.kind is parameter.VAR_KEYWORD and parameter.name in values:
            values.update(values.pop(parameter.name))
    try:
        return cls(*positional, **values)
    except (ArgumentError, TypeError, ValueError, OverflowError) as error:
        raise FileFormatError(f"{path}: {name} cannot be made from its arguments ({error})") from (
            error
        )


def _value(path: str, value: Any, known: Mapping[str, type[Layer]], depth: int) -> Any:
    match value:
        case {"layer": _}:
            return rebuild(path, value, known, depth + 1)
        case {"dict": dict(items), **rest} if not rest:
            return {key: _value(path, item, known, depth + 1) for key, item in items.items()}
        case list(items):
            if depth > DEEPEST:
                raise FileFormatError(f"{path}: lists nested deeper than {DEEPEST}")
            made = [_value(path, item, known, depth + 1) for item in items]
            # Sizes were pairs; lists of layers are the same either way.
            return made if any(isinstance(item, Layer) for item in made) else tuple(made)
        case dict():
            raise FileFormatError(f"{path}: expected a layer or plain values in the metadata")
    return value
