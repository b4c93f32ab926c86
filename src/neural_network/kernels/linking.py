"""Parts that are compiled once, and that kernels call by name.

Other parts are compiled anew into each kernel that calls them. Where one is large, that is most
of what the first step of a training takes: ``products`` is some thirty loops. So it is compiled
for itself, and kernels call it as a program calls what stands in a library. The name has to be
known before a kernel is made or loaded that uses it; ``make_known`` sees to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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

# What makes a name known, by the file in which its part stands; nothing once it is.
_waiting: dict[str, Callable[[], None]] = {}


def make_known(files: Iterable[str]) -> None:
    """Let LLVM know the parts that stand in some files, before it meets who calls them."""
    for file in files:
        tell = _waiting.get(file)
        if tell is not None:
            tell()
            _waiting.pop(file, None)


def linked(dispatcher: Any, name: str) -> Any:
    """Return what kernels call in a part's place.

    Args:
        dispatcher: what ``numba.njit`` made of the part, the only one of its file. It returns
            nothing, and its arguments are annotated as ``int``, ``bool`` or, for flat float32
            arrays, ``Any``.
        name: by which it is known, and nothing else.
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

    _waiting[body.__code__.co_filename] = tell

    @intrinsic
    def call(typing: Any, *given: Any) -> Any:  # noqa: ARG001  # Numba looks at the names
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
