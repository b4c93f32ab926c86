"""Several arrays of the same rows: the inputs of a model, its outputs, and targets.

They are a tuple or a dict of arrays. One array is handled without a call of this file wherever it
is in every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from neural_network.errors import ShapeError, sentence
from neural_network.lifting import array_under, is_tensor

SEVERAL = (tuple, list, dict)


def arrays_in(value: Any) -> list[tuple[str, Any]]:
    """Return (place, array) of each array: "" for one array, "[0]" or "['name']" in several.

    >>> from neural_network.layers.several import arrays_in
    >>> arrays_in((1, 2)), arrays_in({"a": 3}), arrays_in(4)
    ([('[0]', 1), ('[1]', 2)], [("['a']", 3)], [('', 4)])
    """
    if isinstance(value, Mapping):
        return [(f"[{name!r}]", array) for name, array in value.items()]
    if isinstance(value, tuple | list):
        return [(f"[{place}]", array) for place, array in enumerate(value)]
    return [("", value)]


def each(function: Callable[[Any], Any], value: Any) -> Any:
    """Return what a function makes of one array, or of each of several."""
    if isinstance(value, Mapping):
        return {name: function(array) for name, array in value.items()}
    if isinstance(value, tuple | list):
        return tuple([function(array) for array in value])
    return function(value)


def without_tensors(value: Any) -> Any:
    """Return data with the arrays under its tensors: no gradient is sought of them."""
    if is_tensor(value):
        return value.data
    if isinstance(value, SEVERAL) and any(is_tensor(array) for _, array in arrays_in(value)):
        if isinstance(value, Mapping):
            return {name: array_under(array) for name, array in value.items()}
        return type(value)([array_under(array) for array in value])
    return value


def row_count(value: Any) -> int:
    """Return the number of rows, which is the same in each of several arrays."""
    return len(arrays_in(value)[0][1])


def are_arrays(value: Any) -> bool:
    """Return whether this is a tuple, list or dict of arrays that have rows, at least one."""
    if not isinstance(value, SEVERAL) or not value:
        return False
    return all(isinstance(array, np.ndarray) and array.ndim for _, array in arrays_in(value))


def plain(outputs: Any) -> Any:
    """Return outputs, tensors or arrays, as arrays."""
    return each(lambda output: np.asarray(array_under(output)), outputs)


def called(model: Any, X: Any) -> Any:
    """Call a model with one input, or with a tuple of several."""
    return model(*X) if type(X) is tuple else model(X)


def joined(parts: Sequence[Any]) -> Any:
    """Return the rows of several batches of arrays together."""
    first = parts[0]
    if isinstance(first, Mapping):
        return {name: np.concatenate([part[name] for part in parts]) for name in first}
    if isinstance(first, tuple):
        return tuple([np.concatenate(arrays) for arrays in zip(*parts, strict=True)])
    return np.concatenate(parts)


def rows_of_results(function: str, outputs: Any, rows: int) -> Any:
    """Return several outputs as arrays.

    Raises:
        ShapeError: they are no arrays with a row for each input.
    """
    found = plain(outputs) if isinstance(outputs, tuple | list | Mapping) else None
    wrong = [np.shape(a) for _, a in arrays_in(found) if np.shape(a)[:1] != (rows,)]
    if not found or wrong:
        shape = wrong[0] if found else np.shape(outputs)
        received = f"shape {shape} for {rows} rows"
        raise ShapeError(sentence(function, "model", "a row of results for each row", received))
    return found
