"""How a plain Python body becomes a kernel.

Compiled code is cached on disk: beside the sources, or in the user's cache where that folder is
read-only; ``NUMBA_CACHE_DIR`` names another folder. Numba invalidates a cached function only when
its own file changes. Here the cached file's name holds a digest of that file and of all files of
this package that it imports, directly or indirectly, so that a kernel may use parts and constants
of other files. Imports must be written ``from neural_network.kernels.products import …``.

With ``NUMBA_DISABLE_JIT=1`` in the environment the plain bodies run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import registry as _registry

from neural_network.kernels.runtime import libraries, linking
from neural_network.kernels.runtime.cache import compiled_by_one_process
from neural_network.kernels.runtime.checked_cache import CheckedCache
from neural_network.kernels.runtime.signals import held_signals
from neural_network.kernels.runtime.threads import parallel_region

CPUDispatcher: Any = _registry.CPUDispatcher  # Numba has no type annotations
prange = numba.prange

# LLVM's fast-math flags: sums may be reordered, and a product and a sum rounded once. None of
# them assumes finite numbers. Reciprocals ("arcp") are not among them: their estimates make a
# division by infinity or zero NaN.
FLAGS = frozenset({"contract", "reassoc", "nsz"})

# Who calls machine code.
PYTHON, C = ("Python",), ("C",)

KERNELS = Path(__file__).parents[1]
_IMPORT = re.compile(rb"^\s*(?:from|import) neural_network\.kernels\.([\w.]+)", re.MULTILINE)


class _Part(CPUDispatcher):  # type: ignore[misc]  # Numba's has no annotations
    """Numba's object of a function that only kernels call."""

    def __call__(self, *args: Any) -> Any:
        """Run the plain function, as Python's own calls of it do: there is no machine code."""
        return self.py_func(*args)


class kernel:  # noqa: N801  # it is used as a decorator
    """A compiled function; ``body`` is the plain Python function, which computes the same.

    Calling it compiles it for the types of its arguments, unless the cache on disk has that
    code, and runs it on the threads that ``set_num_threads`` allows.

    Args:
        body: the function, in which ``prange`` runs over threads.
        flags: fast-math flags.
    """

    __slots__ = ("body", "compiled")

    def __init__(self, body: Callable[..., Any], flags: frozenset[str] = FLAGS) -> None:
        self.body = body
        self.compiled = _compiled(body, flags, parallel=True, callers=PYTHON)

    def __call__(self, *args: Any) -> Any:
        """Run on arrays and numbers."""
        with parallel_region():
            return self.compiled(*args)


def serial_kernel(body: Callable[..., Any], flags: frozenset[str] = FLAGS) -> Any:
    """Make a compiled function that runs on one thread; only Python calls it.

    Args:
        body: the function.
        flags: fast-math flags.
    """
    return _compiled(body, flags, parallel=False, callers=PYTHON)


def part(body: Callable[..., Any], flags: frozenset[str] = FLAGS) -> Any:
    """Make a function for kernels to call of a plain Python one; it runs on one thread.

    Args:
        body: the function.
        flags: fast-math flags.
    """
    return _compiled(body, flags, parallel=False, callers=())


def linked_part(body: Callable[..., Any]) -> Any:
    """Make a part that is compiled once, not anew into each kernel that calls it.

    Args:
        body: the function; ``linking.linked`` describes the annotations that it needs.
    """
    dispatcher = _compiled(body, FLAGS, parallel=False, callers=C)
    if dispatcher is body:  # NUMBA_DISABLE_JIT is set
        return body
    file = body.__code__.co_filename
    name = f"neural_network_{body.__name__}_{_digest(file)}"
    return linking.linked(dispatcher, name, _imported(file))


def _compiled(
    body: Callable[..., Any], flags: frozenset[str], *, parallel: bool, callers: tuple[str, ...]
) -> Any:
    """Return Numba's dispatcher of a body, which compiles it when it is first called.

    Args:
        body: the plain function.
        flags: fast-math flags.
        parallel: whether ``prange`` runs over threads.
        callers: besides kernels, in which it is compiled anew: ``PYTHON``, ``C`` or none. Numba
            writes a function for each, with their way to pass arguments.
    """
    options: dict[str, Any] = {
        "nogil": True, "error_model": "numpy", "fastmath": set(flags),
        "no_cpython_wrapper": callers != PYTHON, "no_cfunc_wrapper": callers != C,
    }  # fmt: skip
    # Numba names the cached file after ``__qualname__``, once.
    plain = body.__qualname__
    body.__qualname__ = f"{plain}-{_digest(body.__code__.co_filename)}"
    try:
        with held_signals():
            dispatcher: Any = numba.njit(body, parallel=parallel, **options)
            if dispatcher is body:  # NUMBA_DISABLE_JIT is set
                return body
            if not callers:
                dispatcher.__class__ = _Part
                return dispatcher
            with suppress(RuntimeError, OSError):  # no folder can be written; no source file
                dispatcher._cache = CheckedCache(body)
    finally:
        body.__qualname__ = plain
    compiled_by_one_process(dispatcher, before=linking.register_symbols)
    return dispatcher


def _digest(file: str) -> str:
    """Return a digest of a file, of how it is compiled, and of the kernel files that it imports."""
    # This file holds the options of compiling; linking.py how a linked part is called, and
    # libraries.py how parts become machine code.
    files = {__file__, linking.__file__, libraries.__file__, *_imported(file)}
    text = hashlib.sha256()
    for name in sorted(files, key=lambda file: Path(file).name):
        text.update(hashlib.sha256(_source(name)[0]).digest())
    return text.hexdigest()[:12]


def _imported(file: str) -> set[str]:
    """Return a file and the kernel files that it imports, directly or not."""
    files: set[str] = set()
    waiting = [file]
    while waiting:
        file = waiting.pop()
        if file not in files:
            files.add(file)
            waiting += [
                str(KERNELS.joinpath(*name.split(".")).with_suffix(".py"))
                for name in _source(file)[1]
            ]
    return files


@cache
def _source(file: str) -> tuple[bytes, list[str]]:
    """Return a file's text and the kernel files that it imports."""
    try:
        text = Path(file).read_bytes()
    except OSError:  # typed at a prompt, or inside an archive
        text = b""
    return text, sorted({name.decode() for name in _IMPORT.findall(text)})
