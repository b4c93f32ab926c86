"""Functions that kernels call and that are not compiled from Python into each of them.

Some are written in LLVM's language (``in_llvm``). A *linked part* is compiled once and called by
name. Other parts are compiled anew into each kernel that calls them. For a large one, that is most
of the time of the first training step: ``products`` holds a loop for each size of a tile. So it is
compiled separately, and kernels call it as a program calls a library's function. Its symbol must
be registered with LLVM before a kernel that uses it is compiled or loaded, because LLVM ends the
process on an unknown symbol; ``register_symbols`` does that.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import numba as _numba
from llvmlite import binding, ir
from numba.core import cgutils as _cgutils, types as _types
from numba.extending import intrinsic

from neural_network.kernels.runtime.signals import held_signals

# Numba's modules, which have no type annotations.
numba: Any = _numba
cgutils: Any = _cgutils
types: Any = _types
# The Numba types of annotations. An array is passed by its address.
ADDRESS = types.CPointer(types.float32)
KINDS = {"int": types.intp, "bool": types.boolean, "Any": ADDRESS}


class Part(NamedTuple):
    """A part whose symbol LLVM does not have yet.

    Attributes:
        register: the function that registers it.
        file: in which it is written.
        needed: all files from which its code is made.
    """

    register: Callable[[], None]
    file: str
    needed: Iterable[str]


# Each after those that it calls, as their files import each other.
_waiting: list[Part] = []
# Compiled parts, kept so that their addresses stay valid.
_kept: list[Any] = []


class _Local(threading.local):
    """Whether this thread is registering a symbol."""

    registering = False


_local = _Local()


def register_symbols(*, first_last: bool = False) -> None:
    """Register the symbols of all linked parts with LLVM.

    Two threads may do so at once; the second finds what the first has compiled.

    Args:
        first_last: whether to leave the first to the end, if no other part calls it, because
            another process begins with it.
    """
    if _local.registering:  # a function that the linked part calls is being compiled
        return
    waiting = _waiting[:]
    if first_last and waiting and not any(waiting[0].file in part.needed for part in waiting[1:]):
        waiting.append(waiting.pop(0))
    for part in waiting:
        try:
            _local.registering = True  # inside, so that no interrupt leaves it set
            part.register()
        finally:
            _local.registering = False
        with suppress(ValueError):  # another thread was faster
            _waiting.remove(part)


def linked(dispatcher: Any, name: str, needed: Iterable[str]) -> Any:
    """Return the function that kernels call in place of a part.

    Args:
        dispatcher: ``numba.njit`` of the part. It must return nothing; its arguments must be
            annotated as ``in_llvm`` needs it, and its arrays must be float32. It can only pass
            them on to ``tile`` and the other functions written in LLVM's language.
        name: its symbol, unique among all parts and all versions of their sources.
        needed: the files from which its code is made.
    """
    signature = types.void(*_kinds(dispatcher.py_func))

    def register() -> None:
        dispatcher.compile(signature)
        compiled = dispatcher.overloads[signature.args]
        # The function with C's calling convention.
        address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)
        binding.add_symbol(name, address)
        _kept.append(compiled)

    def write(builder: Any, *values: Any) -> None:
        function = ir.FunctionType(cgutils.voidptr_t, [value.type for value in values])
        builder.call(cgutils.get_or_insert_function(builder.module, function, name), values)

    _waiting.append(Part(register, dispatcher.py_func.__code__.co_filename, needed))
    return in_llvm(dispatcher.py_func, write)


def in_llvm(body: Callable[..., None], write: Callable[..., None]) -> Any:
    """Return a function for kernels to call, written in LLVM's language.

    Args:
        body: the same function in plain Python, which is returned where nothing is compiled. Its
            arguments must be annotated, as text, ``int``, ``bool`` or, for flat arrays, ``Any``.
        write: writes it, from a builder and the values of the arguments; that of an array is the
            address of its first number.
    """
    if numba.config.DISABLE_JIT:
        return body
    kinds = _kinds(body)

    def call(_: Any, *given: Any) -> Any:
        def lower(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            values = cgutils.unpack_tuple(builder, arguments[0])
            passed = [
                _address(context, builder, given_kind, value)
                if kind is ADDRESS
                else context.cast(builder, value, given_kind, kind)
                for kind, given_kind, value in zip(kinds, signature.args[0], values, strict=True)
            ]
            write(builder, *passed)
            return context.get_dummy_value()

        return types.void(types.StarArgTuple(given)), lower

    with held_signals():
        return intrinsic(call)


def _kinds(body: Callable[..., None]) -> list[Any]:
    """Return the Numba types of a function's annotated arguments."""
    return [KINDS[kind] for word, kind in body.__annotations__.items() if word != "return"]


def _address(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    """Return the address of an array's first number, or the address that was passed."""
    if isinstance(kind, types.CPointer):
        return value
    return context.make_array(kind)(context, builder, value).data
