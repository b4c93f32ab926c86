"""What is said of a layer's class that a user has written."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import Any

from neural_network.errors import DTypeError, sentence

# What a layer's computation is called elsewhere.
OF_FORWARD = ("call", "compute", "apply", "forward_pass", "__forward__")


def without_forward(layer: object) -> DTypeError:
    """Return the error of a layer that computes nothing, with the name to change if any."""
    own = [name for kind in type(layer).__mro__[:-1] if is_own(kind) for name in vars(kind)]
    found = [name for name in OF_FORWARD if name in own] or get_close_matches("forward", own, 1)
    received = f"{found[0]}, which is to be named forward" if found else "none"
    return DTypeError(sentence(type(layer).__name__, "forward", "a method", received))


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
