"""Arrays that follow from the graph alone, and shapes."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, sentence
from neural_network.interop.onnx.limits import affordable
from neural_network.interop.onnx.table import operator
from neural_network.interop.onnx.types import integers, number
from neural_network.lifting import array_under


@operator("Constant")
def constant(
    *,
    value: Any = None,
    value_float: float | None = None,
    value_floats: Any = None,
    value_int: int | None = None,
    value_ints: Any = None,
    value_string: str | None = None,
    value_strings: Any = None,
) -> Any:
    """Return the one array that an attribute holds."""
    if value is not None:
        return value
    for numbers, dtype in (
        (value_float, np.float32),
        (value_floats, np.float32),
        (value_int, np.int64),
        (value_ints, np.int64),
        (value_string, object),
        (value_strings, object),
    ):
        if numbers is not None:
            return np.array(numbers, dtype)
    raise ArgumentError(sentence("Constant", "value", "one attribute with a value", "none"))


@operator("ConstantOfShape")
def constant_of_shape(input: Any, *, value: Any = None) -> Any:
    """Fill a shape with one number."""
    shape = integers(input)
    fill = np.zeros(1, np.float32) if value is None else value
    affordable("ConstantOfShape", shape, fill.dtype.itemsize)
    return np.full(shape, np.reshape(fill, -1)[0], fill.dtype)


@operator("Shape", moves=True)
def shape_of(data: Any, *, start: int = 0, end: int | None = None) -> Any:
    """Return the sizes from one axis to another."""
    return np.array(data.shape[start:end], np.int64)


@operator("Size", moves=True)
def size(data: Any) -> Any:
    """Count the numbers."""
    return np.array(array_under(data).size, np.int64)


@operator("Range")
def span(start: Any, limit: Any, delta: Any) -> Any:
    """Return equally spaced numbers."""
    first, last, step = (number(value) for value in (start, limit, delta))
    count = max(ceil((float(last) - float(first)) / float(step)), 0)
    affordable("Range", (count,), start.dtype.itemsize)
    return (first + np.arange(count, dtype=np.int64) * step).astype(start.dtype)


@operator("Identity", moves=True)
def identity(input: Any) -> Any:
    """Return what comes in."""
    return input
