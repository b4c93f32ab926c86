"""Memory orders of image arrays: kernels read two of them without a copy.

Images are (N, C, …). In memory they may be *channels first* (contiguous), or *channels last*, the
channels of one position adjacent, which a transposed view shows as (N, C, …). There is a kernel
for each; arrays in any other order are copied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

Array = NDArray[Any]
Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]
# The name of the memory of images with the zeros of padding around them.
PADDED = "padded input"


def computable(*arrays: Any) -> bool:
    """Return whether all are NumPy arrays of one dtype that kernels are compiled for.

    >>> computable(np.ones(2), np.ones(3)), computable(np.ones(2), np.ones(3, "float32"))
    (True, False)
    """
    return all(
        type(array) is np.ndarray
        and array.dtype == arrays[0].dtype
        and array.dtype in (np.float32, np.float64)
        for array in arrays
    )


def channels_last(X: Array) -> bool:
    """Return whether (N, C, …) is stored as (N, …, C).

    >>> channels_last(np.ones((2, 3, 4))), channels_last(np.ones((2, 4, 3)).swapaxes(1, 2))
    (False, True)
    """
    return not X.flags.c_contiguous and bool(np.moveaxis(X, 1, -1).flags.c_contiguous)


def in_memory_order(X: Array, last: bool) -> Array:
    """Return (N, …, C) if channels are ``last``, else (N, C, …): contiguous and writeable.

    Numba compiles a kernel anew for read-only arrays, so those are copied, too.
    """
    return np.require(np.moveaxis(X, 1, -1) if last else X, requirements=("C", "W"))


def contiguous(*arrays: Array) -> list[Array]:
    """Return arrays that are contiguous and writeable, as kernels are compiled for."""
    return [np.require(array, requirements=("C", "W")) for array in arrays]


def empty(shape: tuple[int, ...], dtype: Any, last: bool) -> tuple[Array, Array]:
    """Return an uninitialized array for (N, C, …): in memory order, and its (N, C, …) view.

    >>> memory, view = empty((2, 3, 4), "float32", last=True)
    >>> memory.shape, view.shape
    ((2, 4, 3), (2, 3, 4))
    """
    memory = np.empty((shape[0], *shape[2:], shape[1]) if last else shape, dtype)
    return memory, np.moveaxis(memory, -1, 1) if last else memory


def as_line(array: Array) -> tuple[Array, Sizes]:
    """Return an array as one axis that begins at its first number, and its steps.

    Kernels take arrays of any strides so: they are compiled once, and not for each kind of strides.

    Args:
        array: whose strides are not negative, and whole numbers of its items.

    Returns:
        The axis, and how many numbers lie between neighbours along each axis of the array.

    >>> as_line(np.arange(12).reshape(3, 4)[1:, 1:3])
    (array([ 5,  6,  7,  8,  9, 10]), (4, 1))
    """
    size = array.itemsize
    steps = tuple([stride // size for stride in array.strides])
    # ``as_strided`` takes longer than these views of memory without gaps.
    order = sorted(range(array.ndim), key=steps.__getitem__, reverse=True)
    dense = array.transpose(order)
    if dense.flags.c_contiguous:
        return dense.reshape(-1), steps
    last = sum([(count - 1) * step for count, step in zip(array.shape, steps, strict=True)])
    return as_strided(array, (last + 1,), (size,)), steps
