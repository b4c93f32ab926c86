"""Parts that are compiled once, and that kernels call by name.

Other parts are compiled anew into each kernel that calls them. Where one is large, that is most
of what the first step of a training takes: ``products`` holds a loop for each size of a tile.
So it is compiled for itself, and kernels call it as a program calls what stands in a library.
The name has to be known before a kernel is made or loaded that uses it: LLVM would end the
process. ``make_known`` sees to that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils as _cgutils, types as _types
from numba.extending import intrinsic

# Numba's helpers, which have no types.
cgutils: Any = _cgutils
types: Any = _types
# What the annotations of such a part stand for. Of an array the address is handed over.
ADDRESS = types.CPointer(types.float32)
KINDS = {"int": types.intp, "bool": types.boolean, "Any": ADDRESS}

# Of each part that LLVM does not know yet, what tells it.
_waiting: list[Callable[[], None]] = []
# What was told, so that it stays where it is.
_kept: list[Any] = []


class _Here(threading.local):
    """What this thread is about."""

    telling = False


_here = _Here()


def make_known() -> None:
    """Let LLVM know all parts that are there, before it meets who may call them.

    Two threads may do so at once; the second finds what the first has compiled.
    """
    if _here.telling:  # what a part is made of is compiled
        return
    for tell in tuple(_waiting):
        _here.telling = True
        try:
            tell()
        finally:
            _here.telling = False
        with suppress(ValueError):  # another thread was faster
            _waiting.remove(tell)


def linked(dispatcher: Any, name: str) -> Any:
    """Return what kernels call in a part's place.

    Args:
        dispatcher: what ``numba.njit`` made of the part. It returns nothing, and its arguments
            are annotated, by text, as ``int``, ``bool`` or, for flat float32 arrays, ``Any``;
            it can only hand these on to ``tile`` and its like.
        name: by which kernels find it. No other part may have it, of other sources neither.
    """
    body = dispatcher.py_func
    kinds = [KINDS[kind] for word, kind in body.__annotations__.items() if word != "return"]
    signature = types.void(*kinds)

    def tell() -> None:
        dispatcher.compile(signature)
        made = dispatcher.overloads[signature.args]
        # The function as C would call it.
        address = made.library.get_pointer_to_function(made.fndesc.llvm_cfunc_wrapper_name)
        binding.add_symbol(name, address)
        _kept.append(made)

    _waiting.append(tell)

    @intrinsic
    def call(_: Any, *given: Any) -> Any:
        def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            values = cgutils.unpack_tuple(builder, arguments[0])
            handed = [
                _address(context, builder, kind, value)
                if wanted is ADDRESS
                else context.cast(builder, value, kind, wanted)
                for wanted, kind, value in zip(kinds, signature.args[0], values, strict=True)
            ]
            returned, *taken = map(context.get_value_type, (types.none, *kinds))
            there = ir.FunctionType(returned, taken)
            builder.call(cgutils.get_or_insert_function(builder.module, there, name), handed)
            return context.get_dummy_value()

        return types.void(types.StarArgTuple(given)), write

    return call


def _address(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return the address of an array's first number."""
    return context.make_array(kind)(context, builder, value).data
