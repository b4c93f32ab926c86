"""Arrays that kernels are given by their addresses, in a table of integers.

Numba unpacks each array of a call, which takes a tenth of a microsecond. A table of addresses is
one array, however many it stands for. The caller has to keep a reference to each
array, so that its memory stays.
"""

from __future__ import annotations

from ctypes import c_char
from typing import Any

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from neural_network.kernels.runtime.linking import numba, types
from neural_network.kernels.runtime.signals import held_signals


def _array_at(dtype: Any) -> Any:
    """Return the function of an address and a size for plain Python."""

    def array_at(address: int, size: int) -> Any:
        count = np.dtype(dtype).itemsize * int(size)
        return np.frombuffer(memoryview((c_char * count).from_address(int(address))), dtype)

    return array_at


def _compiled(kind: Any, bits: Any) -> Any:
    """Return the function for kernels; ``bits`` is the type of a number in LLVM's language."""

    def pointer(_context: Any, _address: Any) -> Any:
        def lower(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], ir.PointerType(bits))

        return types.CPointer(kind)(types.intp), lower

    to_pointer: Any = intrinsic(pointer)

    def array_at(address: int, size: int) -> Any:
        return numba.carray(to_pointer(address), (size,))

    return numba.njit(array_at, nogil=True)


with held_signals():
    plain: bool = numba.config.DISABLE_JIT
    # The array of so many numbers that begins at an address: of float32, of 64-bit integers.
    numbers_at = _array_at(np.float32) if plain else _compiled(types.float32, ir.FloatType())
    integers_at = _array_at(np.int64) if plain else _compiled(types.int64, ir.IntType(64))
