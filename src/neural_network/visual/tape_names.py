"""The names of the tensors that a function uses without being given them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from neural_network.autograd.tensor import Tensor
from neural_network.layers.layer import Layer


def captured_names(f: Callable[..., Any]) -> dict[int, str]:
    """Return ``id`` → name of the tensors that a function finds outside of its arguments.

    Parameters of a model are called as in ``named_parameters``; of several models, behind the
    name that the function has for each.

    >>> from neural_network.visual.tape_names import captured_names
    >>> model = Sequential(Dense(2)).initialize((3,), rng=0)
    >>> sorted(captured_names(model.predict).values())
    ['0.bias', '0.weight']
    """
    models: dict[str, Layer] = {}
    found: dict[int, str] = {}
    _collect(f, "model", models, found, set())
    distinct = {id(model) for model in models.values()}
    for name, model in models.items():
        for path, parameter in model.named_parameters():
            found.setdefault(id(parameter), path if len(distinct) == 1 else f"{name}.{path}")
    return found


def _collect(
    value: Any, name: str, models: dict[str, Layer], found: dict[int, str], seen: set[int]
) -> None:
    """Note the models and tensors in what a function refers to, and in the functions it calls."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Tensor):
        found[id(value)] = name
    elif isinstance(value, Layer):
        models[name] = value
    elif isinstance(value, functools.partial):
        for place, part in enumerate([value.func, *value.args]):
            _collect(part, f"{name}{place}", models, found, seen)
        for key, part in value.keywords.items():
            _collect(part, key, models, found, seen)
    elif inspect.ismethod(value):
        _collect(value.__self__, name, models, found, seen)
        _collect(value.__func__, name, models, found, seen)
    elif inspect.isfunction(value) and not str(value.__module__).startswith("neural_network."):
        variables = inspect.getclosurevars(value)
        for key, part in {**variables.globals, **variables.nonlocals}.items():
            _collect(part, key, models, found, seen)
