"""Inputs of a model whose ``forward`` takes several."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward
from neural_network.blas import threads_for_call
from neural_network.checks import Array, as_count, as_real
from neural_network.elsewhere.own_layers import of_several_inputs
from neural_network.errors import ArgumentError, DTypeError, ShapeError, both, sentence
from neural_network.layers.own_classes import is_users
from neural_network.layers.pixels import BRIGHT, look_at_pixels
from neural_network.layers.several import SEVERAL, are_arrays, arrays_in, joined, rows_of_results

# In the place of a first input that was not given, or given by its name alone; a signature shows
# no default then.
LACKING: Any = inspect.Parameter.empty
# A longer list of arrays is rather one of rows.
MOST_INPUTS = 8
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def as_inputs(function: str, model: Any, X: Any) -> tuple[Any, ...] | None:
    """Return the inputs of a model in the order of its ``forward``; None: ``X`` is one array.

    A dict has the names of the arguments of ``forward``. A tuple or a list of arrays is several
    inputs where ``forward`` takes several, else rows.

    Raises:
        DTypeError: a dict of other names.
        ArgumentError: more or fewer inputs than ``forward`` takes.
    """
    taken = [
        parameter
        for parameter in inspect.signature(model.forward).parameters.values()
        if parameter.kind is not parameter.VAR_KEYWORD and parameter.kind != parameter.KEYWORD_ONLY
    ]
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in taken):
        names, needed, most = [p.name for p in taken[:-1]], 1, np.inf
    else:
        names, most = [p.name for p in taken], len(taken)
        needed = sum(parameter.default is parameter.empty for parameter in taken)
    if declared := getattr(model, "input_names", None):  # of an imported graph
        names, needed, most = list(declared), len(declared), len(declared)
    if isinstance(X, dict):
        chosen = names[: len(X)]
        if set(X) != set(chosen) or not are_arrays(X):
            expected = f"arrays by the names of what the model's forward takes: {', '.join(names)}"
            received = ", ".join(map(str, X)) or "none"
            if most == 1 < len(X):
                received += f"; {of_several_inputs(model, len(X))}"
            raise DTypeError(sentence(function, "X", expected, received))
        found = tuple([X[name] for name in chosen])
    elif needed > 1 or (most > 1 and isinstance(X, tuple) and are_arrays(X)):
        found = tuple(X)
    else:
        if most == 1:
            check_one_array(function, model, X)
        return None
    if not needed <= len(found) <= most:
        expected = f"{needed} inputs, as the model's forward takes ({', '.join(names)})"
        raise ArgumentError(sentence(function, "X", expected, len(found)))
    return found


def as_input(layer: Any, value: Any) -> Any:
    """Return numbers in lists as an array; a layer of one's own may take anything.

    Raises:
        ArgumentError (a TypeError): the input is ``LACKING``.
    """
    if value is LACKING:
        names = [*inspect.signature(layer.forward).parameters] or ["X"]
        call = f"model({', '.join([names[0], *[f'{name}={name}' for name in names[1:]]])})"
        expected = f"the first input by its place, as in {call}"
        text = sentence(type(layer).__name__, names[0], expected, "none")
        raise both(ArgumentError, TypeError)(text)
    # The first layer of a container may be one's own.
    if is_users(type(layer).forward) or layer._sequence:
        return value
    check_one_array(type(layer).__name__, layer, value)
    return as_real(type(layer).__name__, "X", value)


def check_one_array(function: str, model: Any, X: Any) -> None:
    """Raise ShapeError for several inputs of a model that takes one: arrays of unlike rows.

    Those of one shape are a stack, whose parts are rows.
    """
    if not isinstance(X, tuple | list) or not 1 < len(X) <= MOST_INPUTS or not are_arrays(X):
        return
    if len({len(array) for array in X}) == 1 < len({array.shape for array in X}):
        received = f"a {type(X).__name__} of {len(X)} arrays"
        raise ShapeError(
            sentence(function, "X", "one array", f"{received}; {of_several_inputs(model, len(X))}")
        )


def check_one_input(function: str, model: Any) -> None:
    """Raise ArgumentError for a model whose ``forward`` needs several inputs."""
    taken = inspect.signature(model.forward).parameters.values()
    needed = [p.name for p in taken if p.kind in POSITIONAL and p.default is p.empty]
    if len(needed) > 1:
        received = f"a {type(model).__name__} of {', '.join(needed)}"
        if function == "summary":
            received += f"; a list of {len(needed)} shapes is of several: summary([(3,), (4,)])"
        raise ArgumentError(sentence(function, "model", "a model of one input", received))


def same_rows(function: str, inputs: tuple[Any, ...]) -> list[Array]:
    """Return several inputs as arrays with equal numbers of rows, at least one.

    Raises:
        DTypeError, ShapeError: something else.
    """
    arrays = [as_real(function, f"X{place}", array) for place, array in arrays_in(inputs)]
    for place, array in enumerate(arrays):
        if array.ndim == 0 or array.size == 0:
            expected = "(n, …) with at least one row"
            raise ShapeError(sentence(function, f"X[{place}]", expected, f"shape {array.shape}"))
        if len(array) != len(arrays[0]):
            expected = f"{len(arrays[0])} rows, as in X[0]"
            raise ShapeError(sentence(function, f"X[{place}]", expected, len(array)))
    return arrays


def predict_several(model: Any, inputs: tuple[Any, ...], batch_size: object) -> Any:
    """Return the outputs of a model of several inputs, as ``Layer.predict`` does."""
    arrays = same_rows("predict", inputs)
    size = as_count("predict", "batch_size", batch_size)
    if model._built_for is not None and any(
        np.maximum.reduce(array[0], axis=None) > BRIGHT for array in arrays
    ):
        look_at_pixels(model, *arrays)
    parts = []
    largest = model._look().products.largest(min(size, len(arrays[0])))
    with threads_for_call(largest), model.in_mode(training=False), no_backward():
        for start in range(0, len(arrays[0]), size):
            some = [np.asarray(array[start : start + size]) for array in arrays]
            out = model(*some)
            if not isinstance(out, SEVERAL):
                (out,) = rows_of_results("predict", (out,), len(some[0]))
                parts.append(out)
            else:
                parts.append(rows_of_results("predict", out, len(some[0])))
    return joined(parts)
