"""What is said of a layer's class that a user has written."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from neural_network.errors import DTypeError, returned, sentence

# What a layer's computation is called elsewhere.
OF_FORWARD = ("call", "compute", "apply", "forward_pass", "__forward__")


def without_forward(layer: object) -> DTypeError:
    """Return the error of a layer that computes nothing, with the name to change if any."""
    own = [name for kind in type(layer).__mro__[:-1] if is_own(kind) for name in vars(kind)]
    found = [name for name in OF_FORWARD if name in own] or get_close_matches("forward", own, 1)
    received = f"{found[0]}, which is to be named forward" if found else "none"
    return DTypeError(sentence(type(layer).__name__, "forward", "a method", received))


def without_result(
    layer: Any, method: str = "forward", expected: str = "an array or a tensor"
) -> DTypeError:
    """Return the error of a layer whose method, or whose function, returns nothing."""
    name = type(layer).__name__
    if not is_own(type(layer)):  # the library's, with a function that somebody has passed
        method = next((n for n in ("activation", "function") if n in vars(layer)), method)
    return DTypeError(sentence(name, method, expected, returned(None)))


def sum_of_penalties(layers: Sequence[Any]) -> Any:
    """Return the sum of the penalties of layers, each of its own.

    Raises:
        DTypeError: a layer returns none.
    """
    try:
        return sum((layer.own_penalty() for layer in layers), 0.0)
    except TypeError:
        for layer in layers:
            if layer.own_penalty() is None:
                raise without_result(layer, "own_penalty", "a number") from None
        raise


def is_own(kind: type) -> bool:
    """Return whether a class is not the library's."""
    return not kind.__module__.startswith("neural_network.")


def check_build(layer: Any, error: TypeError) -> None:
    """Raise DTypeError if ``build`` does not take what it is called with."""
    signature = inspect.signature(layer.build)
    try:
        signature.bind((), None)
    except TypeError:
        received = f"build(self, {', '.join(signature.parameters)})"
        text = sentence(type(layer).__name__, "build", "build(self, shape, rng)", received)
        raise DTypeError(text) from error
