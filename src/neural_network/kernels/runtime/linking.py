"""Parts that are compiled once and that kernels call by name.

Other parts are compiled anew into each kernel that calls them. For a large one, that is most of
the time of the first training step: ``products`` holds a loop for each size of a tile. So it is
compiled separately, and kernels call it as a program calls a library's function. Its symbol must
be registered with LLVM before a kernel that uses it is compiled or loaded, because LLVM ends the
process on an unknown symbol; ``register_symbols`` does that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils as _cgutils, types as _types
from numba.extending import intrinsic

# Numba's helpers, which have no type annotations.
cgutils: Any = _cgutils
types: Any = _types
# The Numba types of a linked part's annotations. An array is passed by its address.
ADDRESS = types.CPointer(types.float32)
KINDS = {"int": types.intp, "bool": types.boolean, "Any": ADDRESS}

# For each part whose symbol LLVM does not have yet: the function that registers it.
_waiting: list[Callable[[], None]] = []
# Compiled parts, kept so that their addresses stay valid.
_kept: list[Any] = []


class _Local(threading.local):
    """Whether this thread is registering a symbol."""

    registering = False


_local = _Local()


def register_symbols() -> None:
    """Register the symbols of all linked parts with LLVM.

    Two threads may do so at once; the second finds what the first has compiled.
    """
    if _local.registering:  # a function that the linked part calls is being compiled
        return
    for register in tuple(_waiting):
        _local.registering = True
        try:
            register()
        finally:
            _local.registering = False
        with suppress(ValueError):  # another thread was faster
            _waiting.remove(register)


def linked(dispatcher: Any, name: str) -> Any:
    """Return the function that kernels call in place of a part.

    Args:
        dispatcher: ``numba.njit`` of the part. It must return nothing; its arguments must be
            annotated, as text, ``int``, ``bool`` or, for flat float32 arrays, ``Any``. It can only
            pass arrays on to ``tile`` and the other intrinsics.
        name: its symbol, unique among all parts and all versions of their sources.
    """
    body = dispatcher.py_func
    kinds = [KINDS[kind] for word, kind in body.__annotations__.items() if word != "return"]
    signature = types.void(*kinds)

    def register() -> None:
        dispatcher.compile(signature)
        compiled = dispatcher.overloads[signature.args]
        # The function with C's calling convention.
        address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
        binding.add_symbol(name, address)
        _kept.append(compiled)

    _waiting.append(register)

    @intrinsic
    def call(_: Any, *given: Any) -> Any:
        def write(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            values = cgutils.unpack_tuple(builder, arguments[0])
            passed = [
                _address(context, builder, given_kind, value)
                if kind is ADDRESS
                else context.cast(builder, value, given_kind, kind)
                for kind, given_kind, value in zip(kinds, signature.args[0], values, strict=True)
            ]
            returned, *taken = map(context.get_value_type, (types.none, *kinds))
            function = ir.FunctionType(returned, taken)
            builder.call(cgutils.get_or_insert_function(builder.module, function, name), passed)
            return context.get_dummy_value()

        return types.void(types.StarArgTuple(given)), write

    return call


def _address(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return the address of an array's first number."""
    return context.make_array(kind)(context, builder, value).data
