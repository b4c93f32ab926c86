"""The table from NumPy's functions to the functions that compute them on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

# NumPy's function → the rule that computes it; the other files here fill it.
RULES: dict[Any, Callable[..., Any]] = {}


def rule(*functions: Any) -> Callable[[F], F]:
    """Register the decorated function as the rule of NumPy's functions.

    A rule has the arguments of its function, with the same names and defaults, as far as it
    takes them; a call with others raises an error that names them. It computes by ops, so its
    result is recorded.
    """

    def register(function: F) -> F:
        RULES.update(dict.fromkeys(functions, function))
        return function

    return register
