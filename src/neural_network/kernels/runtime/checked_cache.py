"""Compiled code on the disk; each piece is a file that begins with a digest.

Numba's own cache unpickles and runs what it finds, so that a single flipped bit of it raises errors
or ends the process. Here nothing is read on whose digest does not match. The digest also covers
what the code was compiled from and for, which Numba keeps in a second file.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np
from numba.core import caching as _caching, serialize as _serialize

from neural_network.files import written_beside
from neural_network.kernels.runtime import announcements

# Numba's modules, which have no type annotations.
caching: Any = _caching
serialize: Any = _serialize
# Of the file; a change of its form changes it.
FORM = "1"
DIGEST = hashlib.sha256().digest_size
VERSIONS = (FORM, numba.__version__, llvmlite.__version__, np.__version__)


class CheckedCache(caching.FunctionCache):  # type: ignore[misc]  # it has none
    """The compiled code of one function, as Numba's dispatchers use it.

    Args:
        function: the plain one.

    Raises:
        RuntimeError: no folder can be written.
    """

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        # What Numba's class reads and writes with.
        self._cache_file = _Files(Path(self.cache_path), self._impl.filename_base, stamp)

    def file(self, types: Any, codegen: Any) -> Path:
        """Return the file of the code for some types of arguments."""
        path, _ = self._cache_file.place(self._index_key(types, codegen))
        return path

    def holds(self, types: Any, codegen: Any) -> bool:
        """Return whether there is undamaged code for some types of arguments."""
        return self._cache_file.content(self._index_key(types, codegen)) is not None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Write compiled code; without a place for it, only say so."""
        try:
            super().save_overload(sig, data)
        except OSError as error:  # the disk is full, the folder is read-only by now
            announcements.nothing_is_kept(str(error))


class _Files:
    """The files of one function, one for each combination of types."""

    def __init__(self, folder: Path, name: str, stamp: Any) -> None:
        self.folder, self.name, self.stamp = folder, name, stamp

    def place(self, key: Any) -> tuple[Path, bytes]:
        """Return the file of a key, and a description of the code in it."""
        description = repr((*VERSIONS, self.name, self.stamp, key)).encode()
        number = hashlib.sha256(description).hexdigest()[:16]
        return self.folder / f"{self.name}.{number}.nbc", description

    def content(self, key: Any) -> memoryview | None:
        """Return what is stored for a key, or None if that is nothing, or damaged."""
        path, description = self.place(key)
        try:
            content = memoryview(path.read_bytes())
        except OSError:  # it is not there yet, or cannot be read
            return None
        if _digest(description, content[DIGEST:]) != content[:DIGEST]:
            announcements.damaged(path)
            return None
        return content[DIGEST:]

    def load(self, key: Any) -> Any:
        """Return the code for a key, or None."""
        content = self.content(key)
        return None if content is None else serialize.loads(content)

    def save(self, key: Any, code: Any) -> None:
        """Write the code for a key, without what was compiled from older sources."""
        path, description = self.place(key)
        content = serialize.dumps(code)
        with written_beside(path) as temporary:
            temporary.write_bytes(_digest(description, content) + content)
        self._remove_older()

    def flush(self) -> None:
        """Remove the code for all keys."""
        for path in self.folder.glob(f"{self.name}.*.nbc"):
            path.unlink(missing_ok=True)

    def _remove_older(self) -> None:
        """Remove what was compiled from older sources: it is never read again."""
        # The name ends in the digest of the sources, and the line and version of Python.
        function, digest, _ = self.name.rsplit("-", 2)
        for path in self.folder.glob(f"{function}-*.nb[ic]"):
            if not path.name.startswith(f"{function}-{digest}-"):
                with suppress(OSError):  # on Windows while another process reads it
                    path.unlink()


def _digest(description: bytes, content: Any) -> bytes:
    text = hashlib.sha256(description)
    text.update(content)
    return text.digest()
