"""From one type of numbers to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, sentence
from neural_network.interop.onnx.table import operator
from neural_network.interop.onnx.types import is_narrow, numpy_type
from neural_network.lifting import array_under, is_tensor

SATURATING = ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")
# What ``to`` was called before version 6, and what differs from ONNX's own names in capitals.
ROUNDING = ("up", "down", "nearest")


@operator("Cast", moves=True)
def cast(
    input: Any,
    *,
    to: int | str,
    saturate: int = 1,
    round_mode: str = "up",
) -> Any:
    """Convert to another type."""
    code: Any = to
    if isinstance(to, str):  # before version 6
        from onnx import TensorProto

        code = TensorProto.DataType.Value(to.upper())
    return converted(input, numpy_type(code), saturate, round_mode)


@operator("CastLike", moves=True)
def cast_like(
    input: Any,
    target_type: Any,
    *,
    saturate: int = 1,
    round_mode: str = "up",
) -> Any:
    """Convert to the type of another array."""
    return converted(input, target_type.dtype, saturate, round_mode)


def converted(X: Any, dtype: np.dtype[Any], saturate: int = 1, round_mode: str = "up") -> Any:
    """Return an array or tensor in another type; only floating numbers keep a gradient.

    Args:
        X: any numbers, or text.
        dtype: the type.
        saturate: whether numbers beyond an 8-bit floating type become its largest.
        round_mode: of numbers that become powers of two.
    """
    if round_mode not in ROUNDING:
        raise ArgumentError(sentence("Cast", "round_mode", f"one of {ROUNDING}", round_mode))
    if is_tensor(X) and dtype.kind == "f":
        return X if X.dtype == dtype else np.astype(X, dtype)
    if is_tensor(X) and dtype.name == "bfloat16":
        return X  # gradients are computed in float32
    X = array_under(X)
    if dtype.kind == "O":
        return _as_text(X)
    if X.dtype.kind in "OU":
        # Text of numbers, as Python reads them.
        return np.asarray([float(text) for text in X.ravel()]).reshape(X.shape).astype(dtype)
    if dtype.name == "float8_e8m0fnu":
        from onnx import numpy_helper

        wide = X.astype(np.float32) if is_narrow(X.dtype) else X
        return numpy_helper.to_float8e8m0(wide, bool(saturate), round_mode).astype(dtype)
    if dtype.name in SATURATING and saturate:
        from onnx import numpy_helper

        return numpy_helper.saturate_cast(X, dtype)
    return X.astype(dtype)


def _as_text(X: Any) -> Any:
    """Return numbers as text, as Python writes them."""
    if X.dtype.kind in "OU":
        return X.astype(object)
    if X.dtype.kind == "f":
        return np.asarray([_number_text(number) for number in X.ravel()], object).reshape(X.shape)
    return X.astype(np.str_).astype(object)


def _number_text(number: Any) -> str:
    return str(number).upper() if np.isinf(number) else str(number)
