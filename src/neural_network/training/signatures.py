"""Whether functions that a training calls take what they are called with."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from neural_network.errors import DTypeError, sentence


def takes(function: Callable[..., Any], count: int) -> bool:
    """Return whether a function can be called with so many arguments, as far as one can know."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # written in C
        return True
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True


def check_takes(name: str, value: Callable[..., Any], *arguments: str) -> None:
    """Raise DTypeError unless a function of a ``Trainer`` can be called with these arguments.

    Args:
        name: of the argument of ``Trainer``, or of a callback's method.
        value: the function.
        arguments: what the trainer passes, by position.
    """
    if takes(value, len(arguments)):
        return
    called = getattr(value, "__name__", type(value).__name__)
    called = "a lambda of " if called == "<lambda>" else f"{called} with "
    expected = f"a function that is called with ({', '.join(arguments)})"
    received = f"{called}{inspect.signature(value)}"
    raise DTypeError(sentence("Trainer", name, expected, received))
