"""The same numbers, differently in memory."""

from __future__ import annotations

from typing import Any

import numpy as np


def in_order(X: Any, layout: str) -> Any:
    """(N, C, …) channels first or "last", "strided", or "read-only"."""
    if layout == "last":
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(X, 1, -1)), -1, 1)
    if layout == "strided":
        return np.repeat(X, 2, axis=-1)[..., ::2]
    X = X.copy()
    X.flags.writeable = layout != "read-only"
    return X


def laid_out(array: Any, layout: str) -> Any:
    """Pictures in the order of "C", "F", "negative" or "strided", and never writeable."""
    if layout == "F":
        array = np.asfortranarray(array)
    if layout == "negative":
        array = np.ascontiguousarray(array[..., ::-1, ::-1])[..., ::-1, ::-1]
    if layout == "strided":
        array = np.repeat(array, 2, axis=-1)[..., ::2]
    array.flags.writeable = False
    return array
