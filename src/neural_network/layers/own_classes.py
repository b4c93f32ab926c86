"""What is said of a layer's class that a user has written."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.elsewhere.surface import explain
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    NeuralNetworkError,
    is_own,
    is_read_only,
    returned,
    say_what_was_dropped,
    sentence,
    shorten_traceback,
)
from neural_network.lifting import read_only

# What a layer's computation is called elsewhere.
OF_FORWARD = ("call", "compute", "apply", "forward_pass", "__forward__")


def without_forward(layer: object) -> DTypeError:
    """Return the error of a layer that computes nothing, with the name to change if any."""
    own = [name for kind in type(layer).__mro__[:-1] if is_users(kind) for name in vars(kind)]
    found = [name for name in OF_FORWARD if name in own] or get_close_matches("forward", own, 1)
    received = f"{found[0]}, which is to be named forward" if found else "none"
    return DTypeError(sentence(type(layer).__name__, "forward", "a method", received))


def without_result(
    layer: Any, method: str = "forward", expected: str = "an array or a tensor"
) -> DTypeError:
    """Return the error of a layer whose method, or whose function, returns nothing."""
    name = type(layer).__name__
    if not is_users(type(layer)):  # the library's, with a function that somebody has passed
        method = next((n for n in ("activation", "function") if n in vars(layer)), method)
    return DTypeError(sentence(name, method, expected, returned(None)))


def sum_of_penalties(layers: Sequence[Any]) -> Any:
    """Return the sum of the penalties of layers, each of its own.

    Raises:
        DTypeError: a layer returns none.
    """
    try:
        total: Any = 0.0
        for layer in layers:
            total = total + layer.own_penalty()
        return total
    except TypeError:
        for layer in layers:
            if layer.own_penalty() is None:
                raise without_result(layer, "own_penalty", "a number") from None
        raise


def is_users(kind: Any) -> bool:
    """Return whether a class or function is not the library's."""
    return not (kind.__module__ or "").startswith("neural_network.")


def first_input(layer: Any, X: Any) -> Any:
    """Return the input of the first call; of a user's layer a view that cannot be written into.

    A ``forward`` that does would change the caller's data in every call.
    """
    return read_only(X) if is_users(type(layer)) else X


def explain_forward(
    layer: Any, inputs: tuple[Any, ...], options: Mapping[str, Any], error: Exception
) -> None:
    """Raise the sentence about an error in a call of ``forward``, if there is one.

    A first call, and ``predict``, pass arrays, of which NumPy's errors know no other library. Where
    a ``forward`` of the user's own has failed on them, it is called once more with tensors, which
    answer the words of other libraries: the error of the same line is raised.

    Args:
        layer, inputs, options: of the call.
        error: that it has raised, and that the library has not.
    """
    if isinstance(error, ValueError):
        say_what_was_dropped(error)
        if is_read_only(error):
            expected = "one that leaves its input as it is (X = 2 * X makes a new array)"
            received = "one that writes into it"
            raise ArgumentError(
                sentence(type(layer).__name__, "forward", expected, received)
            ) from error
    if isinstance(error, TypeError) and "forward" not in vars(layer):
        try:
            explain(type(layer).forward, (layer, *inputs), options, error)
        except NeuralNetworkError as better:
            shorten_traceback(better)
            raise
    line = _own_line(error)
    if line is None or not any(isinstance(value, np.ndarray) for value in inputs):
        return
    tensors = [Tensor(v) if isinstance(v, np.ndarray) else v for v in inputs]
    try:
        layer.forward(*tensors, **options)
    except NeuralNetworkError as found:
        if _own_line(found, of_library=True) != line:
            return
        found.args = (f"{type(layer).__name__}.forward: {found.args[0]}", *found.args[1:])
        raise found.with_traceback(error.__traceback__) from None
    except Exception:  # the first error is the one to show
        return


def _own_line(error: Exception, *, of_library: bool = False) -> tuple[Any, int | None] | None:
    """Return the code and the line of the user's own that has raised an error.

    None where the library has raised it, below that line, unless ``of_library``.
    """
    found = None
    for depth, (frame, line) in enumerate(traceback.walk_tb(error.__traceback__)):
        ours = is_own(frame.f_globals.get("__name__", ""))
        if ours and depth and not of_library:
            return None
        if not ours and not frame.f_globals.get("__name__", "").startswith("numpy."):
            found = (frame.f_code, line)
    return found


def check_build(layer: Any, error: TypeError) -> None:
    """Raise DTypeError if ``build`` does not take what it is called with."""
    signature = inspect.signature(layer.build)
    try:
        signature.bind((), None)
    except TypeError:
        received = f"build(self, {', '.join(signature.parameters)})"
        text = sentence(type(layer).__name__, "build", "build(self, shape, rng)", received)
        raise DTypeError(text) from error
