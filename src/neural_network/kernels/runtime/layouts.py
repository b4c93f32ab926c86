"""In which order an array's numbers lie, as far as kernels mind: two orders go as they are.

Pictures are (N, C, …) to everybody. In memory they may be *channels first*, place beside
place, or *channels last*, the channels of one place side by side, which a transposed view
shows as (N, C, …). A kernel has a loop for each; what lies in another order is copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Sizes = tuple[int, ...]


def plain(*arrays: Any) -> bool:
    """Say whether all are NumPy's own arrays, of one type that kernels compute in.

    >>> plain(np.ones(2), np.ones(3)), plain(np.ones(2), np.ones(3, "float32"))
    (True, False)
    """
    return all(
        type(array) is np.ndarray
        and array.dtype == arrays[0].dtype
        and array.dtype in (np.float32, np.float64)
        for array in arrays
    )


def channels_last(X: Array) -> bool:
    """Say whether (N, C, …) lies in memory as (N, …, C).

    >>> channels_last(np.ones((2, 3, 4))), channels_last(np.ones((2, 4, 3)).swapaxes(1, 2))
    (False, True)
    """
    return not X.flags.c_contiguous and bool(np.moveaxis(X, 1, -1).flags.c_contiguous)


def in_memory_order(X: Array, last: bool) -> Array:
    """Return (N, …, C) if it is to be channels ``last``, else (N, C, …): contiguous, writeable.

    A kernel is compiled for each kind of array, and what cannot be written to is another
    kind; so that is copied too.
    """
    seen = np.moveaxis(X, 1, -1) if last else X
    return np.require(seen, requirements=("C", "W"))


def empty(shape: tuple[int, ...], dtype: Any, last: bool) -> tuple[Array, Array]:
    """Return room for (N, C, …): as a kernel sees it, and under its face.

    >>> seen, face = empty((2, 3, 4), "float32", last=True)
    >>> seen.shape, face.shape
    ((2, 4, 3), (2, 3, 4))
    """
    if not last:
        array = np.empty(shape, dtype)
        return array, array
    array = np.empty((shape[0], *shape[2:], shape[1]), dtype)
    return array, np.moveaxis(array, -1, 1)
