"""What is said of the arguments that a function to be differentiated does not take."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from neural_network.autograd.tensor import Tensor
from neural_network.errors import DTypeError, sentence


def explain_arguments(
    name: str, f: Callable[..., Any], args: Sequence[Any], kwargs: Any, error: TypeError
) -> None:
    """Raise a sentence about arguments that a function does not take, or that are lists of numbers.

    Args:
        name: of the transform.
        f: the function that has raised an error.
        args, kwargs: what it was called with, tensors in the place of numbers.
        error: what it has raised.
    """
    lists = [arg for arg in args if isinstance(arg, list) and arg and _all_single(arg)]
    try:
        takes = inspect.signature(f)
    except (TypeError, ValueError):  # not written in Python
        return
    try:
        takes.bind(*args, **kwargs)
    except TypeError:
        names = ", ".join(takes.parameters) or "nothing"
        expected = f"the arguments of the function: {names}"
        received = f"{len(args)} by position" + (f", {', '.join(kwargs)} by name" if kwargs else "")
        if len(args) == 1 and lists and len(lists[0]) == len(takes.parameters):
            received += ", a list: each number is to be passed by itself"
        raise DTypeError(sentence(name, "the call", expected, received)) from error
    if lists:
        expected = "an array, such as np.array([1.0, 2.0]), where the function computes with it"
        received = f"a list, whose numbers are differentiated one by one ({error})"
        raise DTypeError(sentence(name, "the argument", expected, received)) from error


def _all_single(values: list[Any]) -> bool:
    return all(isinstance(value, Tensor) and value.ndim == 0 for value in values)
