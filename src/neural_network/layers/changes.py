"""What was changed in a model after its layers were made, so that their arguments do not make it.

Parameters that were assigned to several layers are made again from a table: the name of a
parameter or buffer → the first name that the same one has in the model.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from neural_network.errors import ArgumentError, sentence
from neural_network.layers.places import place_of
from neural_network.layers.structure import TENSORS, Structure, unfold


def check_unchanged(function: str, model: Any) -> None:
    """Raise ArgumentError unless arguments and the table of ``shared`` make a model again."""
    described, waiting = set[int](), [model]
    while waiting:
        layer = waiting.pop()
        if id(layer) not in described:
            described.add(id(layer))
            found: list[tuple[str, Any]] = []
            unfold("", list(layer._current_arguments().values()), found)
            waiting += [value for _, value in found if isinstance(value, Structure)]
    for layer in model.all_layers():
        changed = layer._changed
        arguments = layer._current_arguments() if id(layer) in described else {}
        if changed is not None and changed not in arguments:
            expected = "a model that its layers' arguments make again"
            received = f"{changed} of {place_of(model, layer)} that was changed after it was made"
            raise ArgumentError(sentence(function, "model", expected, received))
    places = _places(model)
    exchanged = {id(one) for layer, name, one in places.values() if name in layer._exchanged}
    for name in shared(model):
        layer, attribute, tensor = places[name]
        if attribute not in vars(layer) and id(tensor) in exchanged:
            expected = "shared parameters in attributes, not in lists or dicts"
            raise ArgumentError(sentence(function, "model", expected, name))


def shared(model: Any) -> dict[str, str]:
    """Return the table of a model; it is empty where no parameter was exchanged for another."""
    if not any(layer._exchanged for layer in model.all_layers()):
        return {}
    first: dict[int, str] = {}
    for name, (_, _, tensor) in _places(model).items():
        first.setdefault(id(tensor), name)
    return {
        name: first[id(tensor)]
        for name, (_, _, tensor) in _places(model).items()
        if name != first[id(tensor)]
    }


def share(model: Any, names: Collection[str], table: Mapping[str, str]) -> list[str]:
    """Let the layers of a model that was just made share what a table says, and nothing else.

    Args:
        model: that is built.
        names: of the parameters and buffers that are not in the table.
        table: as of ``shared``.

    Returns:
        The names in the table that are not in the model, or of another shape or kind there.
    """
    if not table and len(model.named_parameters()) + len(model.named_buffers()) == len(names):
        return []  # the usual case: nothing is shared
    seen = set[int]()
    for name, (layer, attribute, tensor) in _places(model).items():
        if id(tensor) in seen and name in names and attribute in vars(layer):
            setattr(layer, attribute, type(tensor)(tensor.data))
        seen.add(id(tensor))
    places, left = _places(model), []
    for name, first in table.items():
        layer, attribute, before = places.get(name, (None, "", None))
        tensor = places.get(first, (None, "", None))[2]
        fits = tensor is not None and type(before) is type(tensor) and before.shape == tensor.shape
        if fits and attribute in vars(layer):
            setattr(layer, attribute, tensor)
        elif tensor is None or before is not tensor:
            left.append(name)
    return left


def _places(model: Any) -> dict[str, tuple[Any, str, Any]]:
    """Return name → (layer, attribute, tensor), also of other names of the same tensor."""
    return {
        f"{prefix}.{attribute}" if prefix else attribute: (layer, attribute, value)
        for prefix, layer in model.named_layers()
        for attribute, value in layer._members()
        if isinstance(value, TENSORS)
    }
