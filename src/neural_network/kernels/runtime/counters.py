"""Counters that several threads of a kernel share, in an array of 64-bit integers.

An ordinary ``counters[i] += 1`` of two threads at once may add 1 instead of 2. These operations are
atomic: no other thread sees or changes the number between their reading and their writing. What a
thread wrote before ``add_one`` can be read by each thread that sees the number it made.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.extending import intrinsic

from neural_network.kernels.runtime.linking import cgutils, numba, types
from neural_network.kernels.runtime.signals import held_signals


def _add_one(counters: Any, index: int) -> int:
    """Add 1 to a counter, and return the number before."""
    counters[index] += 1
    return int(counters[index]) - 1


def _value_of(counters: Any, index: int) -> int:
    """Return a counter's number, read anew from memory at each call."""
    return int(counters[index])


def _compiled(write: Any) -> Any:
    """Return a function of an array and an index for kernels."""

    def call(_: Any, counters: Any, index: Any) -> Any:
        def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            array = context.make_array(signature.args[0])(context, builder, arguments[0])
            place = context.cast(builder, arguments[1], signature.args[1], types.intp)
            return write(builder, cgutils.gep(builder, array.data, place))

        return types.int64(counters, index), lower

    with held_signals():
        return intrinsic(call)


def _write_addition(builder: Any, pointer: Any) -> Any:
    return builder.atomic_rmw("add", pointer, ir.Constant(ir.IntType(64), 1), "acq_rel")


def _write_reading(builder: Any, pointer: Any) -> Any:
    return builder.load_atomic(pointer, "acquire", 8)


add_one = _add_one if numba.config.DISABLE_JIT else _compiled(_write_addition)
value_of = _value_of if numba.config.DISABLE_JIT else _compiled(_write_reading)
