"""The arguments that make a layer: noted, compared, given again."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor

# Of an argument that is no attribute.
ABSENT: Any = type("Absent", (), {})()


def noted(layer: object, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return name → value of a constructor's call; of one that does not fit, nothing.

    Lists and dicts are copied, because ``__init__`` may change those it was given.
    """
    signature = inspect.signature(type(layer).__init__)
    try:
        arguments = list(signature.bind_partial(layer, *args, **kwargs).arguments.items())
    except TypeError:
        return {}  # __init__ is about to say what is wrong with them
    return {name: _copied(value) for name, value in arguments[1:]}  # without self


def call(cls: type[Any], arguments: Mapping[str, Any]) -> Any:
    """Make an object from the arguments that ``noted`` has returned.

    Raises:
        TypeError: an argument that its class does not take.
    """
    _, *parameters = inspect.signature(cls.__init__).parameters.values()
    signature = inspect.Signature(parameters)
    unknown = arguments.keys() - signature.parameters.keys()
    if unknown:
        raise TypeError(f"it has no argument {min(unknown)!r}")
    bound = inspect.BoundArguments(signature, dict(arguments))
    return cls(*bound.args, **bound.kwargs)


def ours(cls: type[Any]) -> bool:
    """Say whether a class is made as one of the library's, whose attributes are known."""
    return str(cls.__init__.__module__).startswith("neural_network.layers.")


def current(layer: Any, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of a layer of the library, as its attributes are now."""
    cls = type(layer)
    # Without generators: to draw from them would change what the next one draws.
    plain = {n: value for n, value in given.items() if not isinstance(value, np.random.Generator)}
    made = call(cls, plain)
    now, before = ({name: of._present(name) for name in names(cls)} for of in (layer, made))
    if same(now, before):
        return given
    # All of them: what was left out may follow from one that has changed.
    return {**given, **{name: value for name, value in now.items() if value is not ABSENT}}


def names(cls: type[Any]) -> list[str]:
    """Return the names of a constructor's arguments."""
    return list(inspect.signature(cls.__init__).parameters)[1:]


def same(one: Any, other: Any) -> bool:
    """Say whether two attributes mean the same, as far as anybody can tell.

    They are of two layers made by one call. Things without an ``==`` of their own
    (generators, objects) are taken for the same where their class is.

    >>> from neural_network.layers.arguments import same
    >>> same((1, [2.0]), (1, [2.0])), same(relu, tanh), same(1, "1")
    (True, False, False)
    """
    if one is other:
        return True
    if isinstance(one, np.random.Generator) or isinstance(other, np.random.Generator):
        return True  # a file holds none
    if isinstance(one, Tensor):
        return type(one) is type(other)  # what a layer learns is no argument
    if hasattr(one, "__name__") and hasattr(other, "__name__"):
        return _identity(one) == _identity(other)
    if isinstance(one, list | tuple | dict):
        kind = next(kind for kind in (list, tuple, dict) if isinstance(one, kind))
        if not isinstance(other, kind) or len(one) != len(other):
            return False
        if isinstance(one, dict) and isinstance(other, dict):
            return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
        return all(same(*pair) for pair in zip(one, other, strict=True))
    numbers = int | float | np.number | np.bool_
    if type(one) is not type(other) and not (
        isinstance(one, numbers) and isinstance(other, numbers)
    ):
        return False
    plain: Any = object.__eq__
    if type(one).__eq__ is plain:
        return True
    try:
        return bool(np.all((one == other) | ((one != one) & (other != other))))  # noqa: PLR0124  # NaN
    except Exception:  # whatever an ``==`` does that is not ours
        return True


def _identity(function: Any) -> tuple[Any, ...]:
    """Tell functions apart; a lambda that __init__ makes each time anew is one."""
    name = getattr(function, "__qualname__", function.__name__)
    return function.__module__, name, getattr(function, "__code__", None)


def _copied(value: Any) -> Any:
    if type(value) in (list, tuple):
        return type(value)(_copied(item) for item in value)
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return value
