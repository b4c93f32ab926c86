"""What is said of the arguments that a function to be differentiated does not take."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any

from neural_network.autograd.tensor import Tensor
from neural_network.checks import as_callable
from neural_network.errors import DTypeError, ShapeError, brief, sentence


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


def as_places(name: str, argnums: Any) -> list[int]:
    """Return ``argnums`` as a list of places."""
    given: Any = argnums if isinstance(argnums, list | tuple) else [argnums]
    try:
        numbers = [operator.index(number) for number in given]
    except TypeError:
        numbers = []
    if not numbers:
        expected = "the place of an argument, or a tuple of places"
        raise DTypeError(sentence(name, "argnums", expected, f"{brief(argnums)}; {_call(name)}"))
    return numbers


def check_argnums(name: str, f: Callable[..., Any], argnums: Any) -> None:
    """Raise a sentence about places that the function does not have, before it is called.

    A frequent mistake is ``grad(f, 3.0)`` in place of ``grad(f)(3.0)``.
    """
    as_callable(name, "f", f)
    if type(argnums) is int and argnums == 0:  # the usual case
        return
    numbers = as_places(name, argnums)
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # not written in Python
        return
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return
    taken = len(kinds) - sum(
        kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD) for kind in kinds
    )
    wrong = [number for number in numbers if not -taken <= number < taken]
    if wrong and taken:
        names = ", ".join(parameter.name for parameter in parameters)
        expected = f"places among {taken} argument{'' if taken == 1 else 's'} by position ({names})"
        raise ShapeError(sentence(name, "argnums", expected, f"{wrong[0]}; {_call(name)}"))


def _call(name: str) -> str:
    return f"{name}(f)(3.0) is the result at 3.0"


def _all_single(values: list[Any]) -> bool:
    return all(isinstance(value, Tensor) and value.ndim == 0 for value in values)
