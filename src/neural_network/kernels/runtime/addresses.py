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

from neural_network.kernels.runtime.linking import ADDRESS, numba, types
from neural_network.kernels.runtime.signals import held_signals


def _numbers_at(address: int, size: int) -> Any:
    """Return the float32 array of so many numbers that begins at an address."""
    memory = memoryview((c_char * (4 * int(size))).from_address(int(address)))
    return np.frombuffer(memory, np.float32)


def _compiled() -> Any:
    """Return the function for kernels."""

    def pointer(_context: Any, _address: Any) -> Any:
        def lower(_: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], ir.PointerType(ir.FloatType()))

        return ADDRESS(types.intp), lower

    to_pointer: Any = intrinsic(pointer)

    def numbers_at(address: int, size: int) -> Any:
        return numba.carray(to_pointer(address), (size,))

    return numba.njit(numbers_at, nogil=True)


with held_signals():
    numbers_at = _numbers_at if numba.config.DISABLE_JIT else _compiled()
