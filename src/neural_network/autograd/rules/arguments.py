"""What rules do with NumPy's arguments before they compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.functional import elementwise
from neural_network.lifting import array_under, is_tensor, joined

# For calls that NumPy's stubs do not allow, or differently in each release.
untyped: Any = np


def as_array(value: Any) -> Any:
    """Return a tensor or array as it is, a list with tensors as one, anything else as an array.

    A masked array stays one, so that the op that gets it refuses it.
    """
    value = joined(value)
    return value if is_tensor(value) or isinstance(value, np.ndarray) else np.asarray(value)


def cast(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return a value in a type; as it is, if it has the type."""
    return value if value.dtype == dtype else elementwise.cast(value, dtype)


def stand_in(value: Any) -> Any:
    """Return zeros of the shape and type of an array, which take no memory.

    NumPy's functions check them as they would check the array, and for a fraction of the time.
    """
    array = np.asarray(array_under(value))
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)


def numbered(a: Any, start: int = 0) -> Any:
    """Return the places of an array's elements, in its shape, for NumPy to rearrange."""
    return np.arange(start, start + a.size).reshape(a.shape)
