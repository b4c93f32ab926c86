"""A layer constructed anew, with some other arguments and the numbers that still fit."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from neural_network.describing import arguments_of, make, renamed
from neural_network.errors import ArgumentError, give_hint, sentence
from neural_network.layers.changes import check_unchanged, share, shared
from neural_network.layers.unfound import unsaved


def clone(layer: Any, changes: Mapping[str, Any]) -> Any:
    """Return a layer made with changed arguments; see ``Layer.clone``."""
    cls = type(layer)
    names = arguments_of(cls).names
    changes = renamed(cls, changes, names, warns=True)
    given = layer._current_arguments()
    unknown = changes.keys() - names.keys()
    for parameter in arguments_of(cls).signature.parameters.values() if unknown else ():
        if parameter.kind is parameter.VAR_KEYWORD:  # it takes them all
            more = {name: changes[name] for name in unknown}
            changes = {name: changes[name] for name in changes if name not in unknown}
            changes[parameter.name] = {**given.get(parameter.name, {}), **more}
            unknown = set()
    if unknown:
        expected = f"arguments of {cls.__name__}: {', '.join(names) or 'there are none'}"
        raise ArgumentError(sentence("clone", "changes", expected, min(unknown)))
    check_unchanged("clone", layer)
    same = deepcopy({name: value for name, value in given.items() if name not in changes})
    made = make(cls, {**same, **changes})
    if layer.dtype != made.dtype:
        made.astype(layer.dtype)
    # Of a layer of several inputs, only the first one's shape is known: it is built by its
    # first call.
    inputs = inspect.signature(made.forward).parameters.values()
    if layer._built_for is not None and sum(one.default is one.empty for one in inputs) == 1:
        made.initialize(layer.input_shape, dtype=layer.input_dtype)
    numbers = dict((*layer.named_parameters(), *layer.named_buffers()))
    table = shared(layer)
    left = share(made, numbers, table)
    if left and not made.built:
        expected = "a layer that is built for one input, or that shares no parameters"
        raise ArgumentError(sentence("clone", "model", expected, f"{min(left)}, which is shared"))
    own = dict(layer.named_layers())
    for name, inner in made.named_layers():
        inner.training = own.get(name, layer)._training
    for name, tensor in (*made.named_parameters(), *made.named_buffers()):
        if name in numbers and numbers[name].shape == tensor.shape:
            tensor.data[...] = numbers[name].data
            tensor.requires_grad = numbers[name].requires_grad
    if not changes and (name := unsaved(layer, lambda: made)) is not None:
        give_hint(
            f"clone: {name} is neither a Parameter nor a Buffer, and has other numbers in the new "
            "layer; nn.Parameter(…) and nn.Buffer(…) are copied"
        )
    return made
