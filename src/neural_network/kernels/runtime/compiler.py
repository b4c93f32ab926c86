"""How a plain Python body becomes a kernel.

What was compiled is kept on the disk: beside the sources, or where that cannot be written, in
the user's cache; ``NUMBA_CACHE_DIR`` names another folder. Numba itself looks only at the file
that a function stands in when it asks whether what is kept is still true. Here the name of the
kept file holds a digest of that file and of every file of this folder that it imports, by
whatever way, so that a kernel may use parts and constants of another file. They have to be
imported in the plain form, ``from neural_network.kernels.products import …``.

With ``NUMBA_DISABLE_JIT=1`` in the environment the bodies run as they stand.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, overload

import numba

from neural_network.kernels.runtime import linking
from neural_network.kernels.runtime.cache import orderly
from neural_network.kernels.runtime.threads import parallel_region

prange = numba.prange

# None of these assumes that numbers are finite: sums may be taken in another order, and a
# product and a sum rounded once. Reciprocals ("arcp") are not among them: their estimates
# make NaN of a division by infinity or zero.
FLAGS = frozenset({"contract", "reassoc", "nsz"})

KERNELS = Path(__file__).parents[1]
_IMPORT = re.compile(rb"^\s*(?:from|import) neural_network\.kernels\.([\w.]+)", re.MULTILINE)


class Kernel:
    """A compiled function; ``body`` is the plain Python one, which computes the same.

    Calling it compiles it for the types of its arguments, where the cache on the disk has
    it not already, and runs it on the threads that ``set_num_threads`` allows.
    """

    __slots__ = ("__dict__", "body", "compiled", "name")

    def __init__(self, body: Callable[..., Any]) -> None:
        self.body = body
        self.name = body.__name__
        self.compiled = _compiled(body, FLAGS, parallel=True, aloud=True)

    def __call__(self, *args: Any) -> Any:
        """Run on arrays and numbers."""
        with parallel_region():
            return self.compiled(*args)


def kernel(body: Callable[..., Any]) -> Kernel:
    """Make a plain Python body a kernel; ``prange`` in it goes over threads."""
    return Kernel(body)


@overload
def part(body: Callable[..., Any]) -> Any: ...
@overload
def part(*, flags: frozenset[str]) -> Callable[[Callable[..., Any]], Any]: ...
def part(body: Callable[..., Any] | None = None, *, flags: frozenset[str] = FLAGS) -> Any:
    """Make a plain Python function one that kernels may call; it runs on one thread.

    Args:
        body: the function; None to give ``flags`` first, ``@part(flags=…)``.
        flags: what the compiler may do to sums and products (LLVM's fast-math flags).
    """
    if body is None:
        return lambda body: _compiled(body, flags, parallel=False, aloud=False)
    return _compiled(body, flags, parallel=False, aloud=False)


def linked_part(body: Callable[..., Any]) -> Any:
    """Make a plain Python function a part that is compiled once, and not into each kernel.

    Args:
        body: the function; ``linking.linked`` says how it has to be annotated.
    """
    made = _compiled(body, FLAGS, parallel=False, aloud=True)
    if made is body:  # NUMBA_DISABLE_JIT is set
        return body
    digest = _digest(body.__code__.co_filename)
    return linking.linked(made, f"neural_network_{body.__name__}_{digest}")


def _compiled(
    body: Callable[..., Any], flags: frozenset[str], *, parallel: bool, aloud: bool
) -> Any:
    """Return what Numba makes of a body; Numba compiles it when it is called."""
    # Numba takes the kept file's name from here, once.
    plain, name = body.__qualname__, f"{body.__qualname__}-{_digest(body.__code__.co_filename)}"
    body.__qualname__ = name
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": set(flags)}
    try:
        try:
            made = numba.njit(body, cache=True, parallel=parallel, **options)
        except RuntimeError:  # no folder can be written: compiled in every process, then
            made = numba.njit(body, parallel=parallel, **options)
    finally:
        body.__qualname__ = plain
    if made is not body:  # NUMBA_DISABLE_JIT is not set
        name = f"{Path(body.__code__.co_filename).stem}.{name}".replace("<", "").replace(">", "")
        orderly(made, name, aloud=aloud, before=linking.make_known)
    return made


def _digest(file: str) -> str:
    """Return a digest of a file, of two of these, and of the kernels' files that it imports."""
    # This file says how to compile; what a call of a linked part becomes, the other one.
    sources = {name: _source(name)[0] for name in (__file__, linking.__file__)}
    waiting = [file]
    while waiting:
        file = waiting.pop()
        if file not in sources:
            sources[file], imports = _source(file)
            waiting += [
                str(KERNELS.joinpath(*name.split(".")).with_suffix(".py")) for name in imports
            ]
    text = hashlib.sha256()
    for file in sorted(sources, key=lambda file: Path(file).name):
        text.update(hashlib.sha256(sources[file]).digest())
    return text.hexdigest()[:12]


@cache
def _source(file: str) -> tuple[bytes, list[str]]:
    """Return a file's text, and which files of this folder it imports."""
    try:
        text = Path(file).read_bytes()
    except OSError:  # typed at a prompt, or inside an archive
        text = b""
    return text, sorted({name.decode() for name in _IMPORT.findall(text)})
