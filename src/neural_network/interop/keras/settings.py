"""What the layers of a .keras file compute, beside those of a ``Sequential``.

Both are written as steps in Keras' words: a class with its settings, or an activation. Layers that
compute nothing in evaluation, and ``Flatten``, which the shapes show, are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import zip_longest
from typing import Any, NamedTuple

from neural_network.errors import ArgumentError, brief, sentence
from neural_network.functional import activations
from neural_network.interop.keras.layouts import CONVOLUTIONS, GROUPS, NORMALIZATIONS
from neural_network.layers.activation import Activation, Flatten
from neural_network.layers.containers import Sequential
from neural_network.layers.convolution import ConvTranspose2D, DepthwiseConv2D
from neural_network.layers.dropout import Dropout, Dropout2D
from neural_network.layers.layer import Layer
from neural_network.layers.pooling import AvgPool2D, GlobalAvgPool2D, MaxPool2D

SILENT = (Activation, Flatten, Dropout, Dropout2D)
POOLS: dict[type[Layer], str] = {
    MaxPool2D: "max_pooling2d",
    AvgPool2D: "average_pooling2d",
    GlobalAvgPool2D: "global_average_pooling2d",
}
# Keras' name of an activation → ours, where it has another one.
RENAMED = {
    "swish": "silu",
    "hard_silu": "hardswish",
    "hard_swish": "hardswish",
    "linear": "identity",
}
# Class of Keras → the activation that it is, and its options with their usual values.
ACTIVATION_LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ReLU": ("relu", {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}),
    "Softmax": ("softmax", {"axis": -1}),
    "ELU": ("elu", {"alpha": 1.0}),
    "LeakyReLU": ("leaky_relu", {"negative_slope": 0.01}),
}
# Keras' activation of this name has 0.2 as its slope.
OTHERWISE = {"leaky_relu": {"negative_slope": 0.2}}
# Classes of Keras that compute nothing in evaluation, or only other shapes.
NOTHING = ("Input", "Dropout", "Spatial", "Gaussian", "Alpha", "Random", "Activity", "Flatten")


class Step(NamedTuple):
    """A computation, in Keras' words.

    Attributes:
        name: of the class, as in the names of layers, or of the activation.
        settings: of a class.
        layer: whose it is, for errors.
    """

    name: str
    settings: Mapping[str, Any]
    layer: str

    def __str__(self) -> str:
        """Show it as a call."""
        return f"{self.name}({', '.join(f'{key}={value}' for key, value in self.settings.items())})"


# A function of the user's own in an Activation: it may be any activation or class of Keras.
ANY = "a function"


def check_steps(function: str, model: Sequential, theirs: Iterator[tuple[str, Any]]) -> None:
    """Raise ArgumentError at the first step in which a model differs from a file.

    Args:
        function: for errors.
        model: the model.
        theirs: class and settings of each layer of the file, in order.
    """
    for here, there in zip_longest(_ours(model), _theirs(theirs)):
        if here is None or there is None or not _same(here, there):
            expected = (
                f"{there!s:.150} next, as layer {there.layer:.60}" if there else "no further layer"
            )
            expected += " in the file"
            received = f"{here!s:.150} of layer {here.layer}" if here else "no further layer"
            raise ArgumentError(sentence(function, "model", expected, received))


def _same(here: Step, there: Step) -> bool:
    if here.name == ANY:
        return there.name not in GROUPS.values()
    return here.name == there.name and here.settings == there.settings


# --- ours --------------------------------------------------------------------------------


def _ours(model: Sequential, prefix: str = "") -> Iterator[Step]:
    for place, layer in enumerate(model.layers):
        name = f"{prefix}{place}"
        if type(layer) is Sequential:
            yield from _ours(layer, f"{name}.")
            continue
        kind = GROUPS.get(type(layer)) or POOLS.get(type(layer))
        if kind is not None:
            yield Step(kind, _settings(layer), name)
        function = getattr(
            layer, "function" if isinstance(layer, Activation) else "activation", None
        )
        if function not in (None, activations.identity):
            yield Step(_name_of(function), {}, name)


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "")
    known = not isinstance(function, partial) and getattr(activations, name, None) is function
    return name if known else ANY


def _settings(layer: Any) -> dict[str, Any]:
    if isinstance(layer, NORMALIZATIONS):
        return {"epsilon": layer.epsilon}
    if isinstance(layer, MaxPool2D | AvgPool2D):
        size, stride = layer.kernel_size, layer.stride
        found: dict[str, Any] = {"pool_size": size, "strides": stride}
        if any(d != 1 for d in getattr(layer, "dilation", ())) or layer.ceil_mode:
            found["dilation and ceil_mode"] = (getattr(layer, "dilation", 1), layer.ceil_mode)
        padding = _padding(layer.padding, size, stride, size)
        if padding != "valid" and getattr(layer, "count_include_pad", False):
            padding = f"{padding}, counted in the mean"
        return {**found, "padding": padding}
    if not isinstance(layer, CONVOLUTIONS):
        return {}
    size, stride, dilation = layer.kernel_size, layer.stride, layer.dilation
    reach = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    found = {"strides": stride, "dilation_rate": dilation}
    if isinstance(layer, ConvTranspose2D):
        cropped = tuple(k - s for k, s in zip(reach, stride, strict=True))
        same = all(2 * p == c for p, c in zip(layer.padding, cropped, strict=True))
        plain = not any(layer.output_padding)
        words = "same" if same else "valid" if not any(layer.padding) else str(layer.padding)
        found["padding"] = words if plain else f"{words}, output_padding={layer.output_padding}"
    else:
        found["padding"] = _padding(layer.padding, reach, stride, size)
    if not isinstance(layer, DepthwiseConv2D) and layer.groups != 1:
        found["groups"] = layer.groups
    return found


def _padding(padding: Any, reach: Any, stride: Any, size: Any) -> str:
    """Return a padding as Keras has it, or its numbers."""
    if padding == "valid" or all(n == 1 for n in size):
        return "valid"
    if padding == "same":
        return "same"
    numbers = (padding,) * len(size) if isinstance(padding, int) else tuple(padding)
    pairs = [(n, n) if isinstance(n, int) else tuple(n) for n in numbers]
    if not any(map(any, pairs)):
        return "valid"
    usual = [((r - 1) // 2, r // 2) for r in reach]
    return "same" if pairs == usual and all(s == 1 for s in stride) else str(padding)


# --- theirs ------------------------------------------------------------------------------


def _theirs(described: Iterator[tuple[str, Any]]) -> Iterator[Step]:
    for kind, of in described:
        name = str(of.get("name", kind))
        if kind in ACTIVATION_LAYERS:
            word, usual = ACTIVATION_LAYERS[kind]
            given = {key: of.get(key, value) for key, value in usual.items()}
            yield Step(
                word, {key: value for key, value in given.items() if value != usual[key]}, name
            )
            continue
        group = next(
            (g for g in (*GROUPS.values(), *POOLS.values()) if _plain(g) == kind.lower()), None
        )
        if group is not None:
            yield Step(group, _their_settings(group, of), name)
        elif kind != "Activation" and not kind.startswith(NOTHING):
            yield Step(kind, {}, name)
        if (activation := of.get("activation")) not in (None, "linear"):
            word = activation if isinstance(activation, str) else brief(activation, repr, 60)
            yield Step(RENAMED.get(word, word), OTHERWISE.get(word, {}), name)


def _plain(group: str) -> str:
    return group.replace("_", "")


def _their_settings(group: str, of: Mapping[str, Any]) -> dict[str, Any]:
    if "normalization" in group:
        return {"epsilon": of["epsilon"]} if "epsilon" in of else {}
    found: dict[str, Any] = {}
    for name in ("pool_size", "strides", "dilation_rate"):
        if isinstance(of.get(name), list | int):
            value = of[name]
            found[name] = tuple(value) if isinstance(value, list) else (value,)
    sizes = of.get("pool_size", of.get("kernel_size"))
    if "padding" in of:
        one = isinstance(sizes, list) and all(n == 1 for n in sizes)
        found["padding"] = "valid" if one else of["padding"]
    if of.get("output_padding") is not None:
        found["padding"] = f"{of.get('padding')}, output_padding={of['output_padding']}"
    if of.get("groups", 1) != 1:
        found["groups"] = of["groups"]
    return found
