"""The types of ONNX's numbers, as NumPy and ``ml_dtypes`` hold them."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.errors import FileFormatError
from neural_network.lifting import array_under, is_tensor

# Floating types whose initializers are trained; their codes in ONNX are 1, 10, 11 and 16.
TRAINED = ("float32", "float16", "float64", "bfloat16")


def numpy_type(code: int) -> np.dtype[Any]:
    """Return NumPy's type for a code of ONNX's ``TensorProto.DataType``.

    Raises:
        FileFormatError: there is none.
    """
    from onnx import helper

    try:
        found: np.dtype[Any] = np.dtype(helper.tensor_dtype_to_np_dtype(code))
    except (KeyError, TypeError, ValueError):
        raise FileFormatError(
            f"ONNX: expected a type of numbers, received the code {code}"
        ) from None
    return found


def is_narrow(dtype: np.dtype[Any]) -> bool:
    """Return whether this is a type that NumPy does not compute with: bfloat16, float8, int4 …"""
    return dtype.kind == "V" and dtype.type is not np.void


def widened(value: Any) -> Any:
    """Return an array of a narrow type in float32, in which it is computed."""
    if value is None or not is_narrow(value.dtype):
        return value
    return array_under(value).astype(np.float32)


def typed(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return what a node computed in float32 in the narrow type of its inputs.

    A tensor stays as it is: gradients are computed in float32.
    """
    if value is None or is_tensor(value) or value.dtype != np.float32:
        return value
    return value.astype(dtype)


def is_floating(value: Any) -> bool:
    """Return whether an array or tensor holds floating numbers that NumPy computes with."""
    return bool(value.dtype.kind == "f")


def integers(value: Any) -> list[int]:
    """Return an input or attribute that holds whole numbers, as Python's."""
    return [int(number) for number in np.ravel(array_under(value))]


def number(value: Any) -> Any:
    """Return an input or attribute that is one number; of None, None."""
    if value is None:
        return None
    return np.reshape(array_under(value), -1)[0] if np.size(array_under(value)) else None
