"""Machine code for kernels alone, not for their parts.

Numba makes machine code of each part, and of each loop over threads with two functions around it,
and then again of the kernel into which all of them are put. Only the kernel's code is ever called.
Here only the kernel becomes machine code, and the loops are not optimized before they are in it:
it computes the same bits, and compiling takes a third less time. Parts are optimized by themselves,
as by Numba: in a large function LLVM vectorizes fewer of their loops.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import binding
from numba.core import codegen as _codegen, compiler_lock as _compiler_lock

# Numba's modules, which have no type annotations.
JITCodeLibrary: Any = _codegen.JITCodeLibrary
global_compiler_lock: Any = _compiler_lock.global_compiler_lock

# The methods that the class below replaces or calls.
METHODS = (
    "_ensure_finalized", "_finalize_final_module", "_get_module_for_linking",
    "_optimize_final_module", "add_linking_library", "finalize", "get_pointer_to_function",
    "serialize_using_object_code",
)  # fmt: skip
# A version of Numba without them compiles in its own way.
KNOWN = all(hasattr(JITCodeLibrary, name) for name in METHODS)
# Numba's name of a loop over threads: it gives it a function for Python, which nobody calls.
LOOP = "__numba_parfor"
# The names of such a function and of the two around it.
AROUND = (LOOP, "<numba.np.ufunc.wrappers", "parallelgufuncwrapper")
# Numba's environments of functions that are not part of machine code yet, by their names there.
_environments: dict[str, Any] = {}


class KernelLibrary(JITCodeLibrary):  # type: ignore[misc]  # it has no annotations
    """A module of LLVM's language: of a kernel, or of what is put into one.

    It becomes machine code when the address of one of its functions is asked for.
    """

    _linked = False
    _shared_module: Any

    def _ensure_finalized(self) -> None:
        """Do nothing: Numba asks for it where a library is only put into another one."""

    def finalize(self) -> None:
        """Optimize the module, and make machine code of it."""
        if not self._finalized:
            self._link()
            self._optimize_final_module()
            self._final_module.verify()
            self._finalize_final_module()

    def add_linking_library(self, library: Any) -> None:
        """Put another library into this one, later."""
        self._linking_libraries.append(library)

    def _link(self) -> None:
        """Put the other libraries into this one."""
        if self._linked:
            return
        self._linked = True
        for library in dict.fromkeys(self._linking_libraries):
            module = library._get_module_for_linking()
            if hasattr(self, "_reload_init"):  # newer versions begin threads when they load code
                self._reload_init.update(library._reload_init)
            self._final_module.link_in(module, preserve=True)

    def _get_module_for_linking(self) -> Any:
        """Return the module as it is put into others; that twice have the same function is fine."""
        if self._shared_module is None:
            self._link()
            if not self._finalized and not self.name.startswith(AROUND):
                self._optimize_final_module()
            module = self._final_module.clone()
            outside = [
                function
                for function in module.functions
                if not function.is_declaration and function.linkage == binding.Linkage.external
            ]
            for function in outside:
                function.linkage = "linkonce_odr"
            self._shared_module = module
        return self._shared_module

    def get_pointer_to_function(self, name: str) -> int:
        """Return the address of a function, or 0 if there is none of that name."""
        if not self._finalized:
            own = any(f.name == name and not f.is_declaration for f in self._final_module.functions)
            if self.name.startswith(LOOP) or not own:
                return 0
            self.finalize()
        address: int = super().get_pointer_to_function(name)
        return address

    @property
    def has_dynamic_globals(self) -> bool:
        """Whether the machine code holds addresses of this process, so that it is not kept."""
        self.finalize()
        return len(self._dynamic_globals) > 0

    def serialize_using_object_code(self) -> Any:
        """Return what is kept on the disk."""
        self.finalize()
        return super().serialize_using_object_code()


@contextmanager
def parts_only_linked(codegen: Any) -> Iterator[None]:
    """Let Numba make machine code of kernels alone that are compiled in the block.

    Args:
        codegen: Numba's object that makes it, which all threads share; no other thread compiles
            in the meantime.
    """
    if not KNOWN:
        yield
        return

    def set_env(name: str, environment: Any) -> None:
        _environments[name] = environment
        for waiting in list(_environments):
            if codegen._engine.get_global_value_address(waiting):
                type(codegen).set_env(codegen, waiting, _environments.pop(waiting))

    own = vars(codegen)
    with global_compiler_lock:
        before = {name: own[name] for name in ("_library_class", "set_env") if name in own}
        codegen._library_class, codegen.set_env = KernelLibrary, set_env
        try:
            yield
        finally:
            del codegen._library_class, codegen.set_env
            own.update(before)  # where a kernel is compiled while another one is
