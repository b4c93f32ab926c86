"""What is said of an op, or of the formula of a gradient, that fails or returns no array."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from neural_network.checks import Array
from neural_network.errors import (
    GradientError,
    NeuralNetworkError,
    is_read_only,
    refusal,
    returned as as_text,
    say_what_was_dropped,
    sentence,
)
from neural_network.functional.op import PASSED, Rule, without_result
from neural_network.lifting import LISTS


def refuse_formula(rule: Rule, name: str, given: Mapping[str, Any], error: Exception) -> NoReturn:
    """Raise what the formula of the gradient for an argument has raised, as a sentence.

    Args:
        rule: of the op.
        name: the argument.
        given: what the formula was called with.
        error: what it raised.
    """
    place = f"{rule.name}: gradient for {name}"
    if isinstance(error, ValueError):
        say_what_was_dropped(error)
        if is_read_only(error):
            expected = (
                "a formula that leaves its arguments as they are (g * (x > 0) is a new array)"
            )
            raise GradientError(
                sentence(rule.name, f"gradient for {name}", expected, "one that writes into them")
            ) from error
    if isinstance(error, NeuralNetworkError | NameError):
        error.add_note(f"in the gradient of {rule.name} for {name}")
    if isinstance(error, (*PASSED, NameError)):  # a name is misspelt, no array is wrong
        raise error
    raise refusal(place, given, error, GradientError) from error


def one_of(rule: Rule, name: str, returned: Any, place: int) -> Any:
    """Return the gradient for an array in a list, of what a formula has returned for the list."""
    try:
        return returned[place]
    except (TypeError, IndexError, KeyError):
        raise GradientError(
            f"{rule.name}: gradient for {name}: expected a list of gradients, one for each array "
            f"of {name}, {_received(returned)}"
        ) from None


def as_gradient(rule: Rule, name: str, returned: Any) -> Array:
    """Return a number that a formula has returned as an array; anything else is refused."""
    if isinstance(returned, int | float):
        return np.asarray(returned)
    raise GradientError(
        f"{rule.name}: gradient for {name}: expected an array, {_received(returned)}"
    )


def _received(returned: Any) -> str:
    return f"received {as_text(returned)}"


@np.errstate(over="ignore", under="ignore")  # of float16
def as_result(rule: Rule, value: Any, inputs: Sequence[Any]) -> Array:
    """Return a number that an op returned as an array, in the type of tensors if it has none.

    Raises:
        DTypeError: the op returned nothing, several results, or no numbers.
    """
    if value is None or isinstance(value, LISTS):
        raise without_result(rule, value)
    # A loss returns a Python float, which has no dtype.
    of_float = type(value) is float
    dtype = np.result_type(*[tensor.data.dtype for tensor in inputs]) if of_float else None
    array = np.asarray(value, dtype)
    if array.dtype.kind in "OSU":  # text and other objects
        raise without_result(rule, value)
    return array
