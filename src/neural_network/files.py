"""Writing files so that nothing is ever half there, and arrays in safetensors.

A file is written under another name in the same folder, flushed to the disk and
then renamed into place. A crash at any moment leaves the old file or the new
one, never a piece.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from neural_network.errors import DTypeError, FileFormatError, FileWriteError, sentence
from neural_network.public import public

FORMAT = "neural-network-numpy arrays"
FORMAT_VERSION = "1"
# The types of a safetensors file that NumPy has, little-endian as they are stored.
DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip


@contextmanager
def _writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn an OSError inside the block into a sentence that names the path."""
    try:
        yield
    except FileWriteError:  # is an OSError, and a sentence already
        raise
    except OSError as error:
        raise FileWriteError(f"cannot write {path}: {error.strerror or error}") from error


@contextmanager
def written_beside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it into place if the block ends well.

    If the block raises, the temporary file is removed and ``path`` is unchanged. A link is
    followed; an existing file keeps its permissions.

    Raises:
        FileWriteError: the folder is missing or cannot be written, or ``path`` is
            something else than a file.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with written_beside(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    target = _target(path)
    with _writing(path):  # a name may be too long
        in_the_way = target.exists() and not target.is_file()
    if in_the_way:
        raise FileWriteError(f"cannot write {path}: it is a folder or a device, expected a file")
    temporary = target.with_name(f"{_beside(target)}{secrets.token_hex(8)}{target.suffix}")
    with _writing(path):
        # Made here, so that it gets the permissions of any new file and nobody else's name.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            if target.exists():
                temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            yield temporary
            _flush(temporary)
            os.replace(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Lock a path for this process; a second process that locks it gets an error.

    The lock is on a file beside it, ``path.lock``, and the system's own: it ends with a
    process that is killed. What such a one has left half written is removed.

    Raises:
        FileWriteError: another process (or this one) holds the path, or the folder
            cannot be written.
    """
    lock = Path(f"{_target(path)}.lock")
    descriptor = _open_and_take(path, lock)
    try:
        remove_pieces(path)
        yield
    finally:
        with suppress(OSError):  # Windows removes no open file; an empty one stays then
            lock.unlink()
        os.close(descriptor)


def remove_pieces(path: str | os.PathLike[str]) -> None:
    """Remove what processes have left that were killed while they wrote this path."""
    target = _target(path)
    for piece in target.parent.iterdir():
        if piece.name.startswith(_beside(target)):
            piece.unlink(missing_ok=True)


def _target(path: str | os.PathLike[str]) -> Path:
    """Return the file that a path leads to, links followed."""
    try:
        with _writing(path):  # a name may be too long
            return Path(os.path.realpath(path))
    except TypeError as error:
        raise DTypeError(f"cannot write: expected the path of a file, received {path!r}") from error
    except ValueError as error:  # a name that no file can have: its repr can be printed
        raise FileWriteError(f"cannot write {path!r}: no file can have this name") from error


def _beside(target: Path) -> str:
    """Return how the names of a file's temporary ones begin: short, and its own."""
    return f".{zlib.crc32(target.name.encode(errors='surrogateescape')):08x}-"


def _open_and_take(path: str | os.PathLike[str], lock: Path) -> int:
    """Return the open and locked file."""
    while True:
        with _writing(path):
            descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o666)
            kept = False
            try:
                _take(descriptor)
                kept = os.path.samestat(os.fstat(descriptor), lock.stat())
            except (BlockingIOError, PermissionError) as error:
                # The cause is what the cache of kernels waits for.
                text = f"cannot write {path}: another training writes it (it holds {lock.name})"
                raise FileWriteError(text) from error
            except FileNotFoundError:
                pass
            finally:
                if not kept:
                    os.close(descriptor)
        if kept:
            return descriptor
        # Whoever held the lock before has removed the file that was opened here.


def _take(descriptor: int) -> None:
    """Lock an open file, or raise BlockingIOError (PermissionError on Windows) at once."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _flush(path: Path) -> None:
    """Make sure that the bytes are on the disk before the rename shows them."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


@public
def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays to a safetensors file, beside and then renamed.

    Args:
        path: the file to write; an existing one is replaced as a whole.
        arrays: name → array of any shape; float16/32/64, integers or booleans.

    Returns:
        None.

    Raises:
        DTypeError: an array has a type that safetensors cannot hold, or a mask.
        FileWriteError: the file cannot be written.

    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "weights.safetensors"
    >>> save_arrays(path, {"W": np.eye(2)})
    >>> load_arrays(path)["W"]
    array([[1., 0.],
           [0., 1.]])
    """
    if not isinstance(arrays, Mapping):
        raise DTypeError(sentence("save_arrays", "arrays", "a dict of arrays", type(arrays)))
    write_arrays(path, arrays, {"format": FORMAT, "format_version": FORMAT_VERSION})


@public
def load_arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read the arrays of a safetensors file, such as :func:`save_arrays` writes.

    Args:
        path: the file.

    Returns:
        name → array; bfloat16, which NumPy lacks, as float32.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.safetensors"
    >>> save_arrays(path, {"a": np.arange(3)})
    >>> load_arrays(path)
    {'a': array([0, 1, 2])}

    Raises:
        FileFormatError: the file is damaged, is no safetensors file, or was
            written by a newer version.
        FileNotFoundError: there is no such file.
    """
    arrays, metadata = read_arrays(path)
    check_version(path, metadata, FORMAT_VERSION)
    return arrays


def check_version(
    path: str | os.PathLike[str], metadata: Mapping[str, str], *versions: str
) -> None:
    """Raise FileFormatError if the metadata name another version of the format; none is fine."""
    found = metadata.get("format_version", versions[0])
    if found not in versions:
        known = " and ".join(versions)
        raise FileFormatError(f"{path}: format version {found}, this library reads version {known}")


def read_format(
    path: str | os.PathLike[str], kind: str, *versions: str
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read the arrays and the metadata of a safetensors file that holds a ``kind`` of content.

    Raises:
        FileFormatError: the file is damaged, holds something else, or another version of it.
        FileNotFoundError: there is no such file.
    """
    arrays, metadata = read_arrays(path)
    found = metadata.get("format")
    if found != kind:
        raise FileFormatError(f"{path}: expected a {kind}, received {found or 'another file'}")
    check_version(path, metadata, *versions)
    return arrays, metadata


def json_in(path: str, metadata: Mapping[str, str], key: str) -> Any:
    """Return what the metadata of a file hold as JSON.

    Raises:
        FileFormatError: there is no such key, or no JSON.
    """
    try:
        return json.loads(metadata[key])
    except KeyError:
        raise FileFormatError(f"{path}: damaged metadata: {key} is missing") from None
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{path}: damaged metadata: {key} ({error})") from error


def write_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]
) -> None:
    """Write arrays and metadata to a safetensors file, beside and then renamed."""
    import numpy as np
    from safetensors.numpy import save

    # safetensors writes the memory as it lies, so it has to lie in C order.
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, array in ordered.items():
        if not isinstance(name, str) or name == "__metadata__" or not _is_unicode(name):
            expected = "names in Unicode other than '__metadata__'"
            raise DTypeError(sentence("save_arrays", "arrays", expected, repr(name)))
        place, received = f"arrays[{name!r}]", f"dtype {array.dtype}"
        if hasattr(arrays[name], "mask"):
            raise DTypeError(sentence("save_arrays", place, "an array without a mask", "a mask"))
        if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
            expected = "numbers of at most 8 bytes"
            raise DTypeError(sentence("save_arrays", place, expected, received))
    content = _in_order(save(ordered, dict(metadata)))
    with written_beside(path) as temporary:
        temporary.write_bytes(content)


def _is_unicode(text: str) -> bool:
    """Return whether a text can be written; half a character, as 'D800' in hex is, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _in_order(content: bytes) -> bytes:
    """Sort a safetensors file's metadata: the package writes them in another order each time.

    The file is 8 bytes for the header's length, the header (JSON, whose offsets count from
    its end), and the numbers, which have to begin at a multiple of 8.
    """
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[8 + size :]


def read_arrays(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Read the arrays and the metadata of a safetensors file.

    Raises:
        FileFormatError: the file is damaged, or holds types that NumPy cannot.
        FileNotFoundError: there is no such file.
    """
    from safetensors import SafetensorError, deserialize, safe_open

    try:
        if Path(path).exists() and not Path(path).is_file():
            kind = "a folder" if Path(path).is_dir() else "a device or a pipe"
            raise FileFormatError(f"{path}: expected a safetensors file, received {kind}")
    except OSError as error:  # a name that is too long
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except TypeError as error:
        raise DTypeError(f"cannot read: expected the path of a file, received {path!r}") from error
    if "\0" in os.fspath(path) or not _is_unicode(os.fspath(path)):
        raise FileFormatError(f"cannot read {path!r}: no file can have this name")
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata, names = dict(file.metadata() or {}), list(file.keys())
        content = dict(deserialize(Path(path).read_bytes()))  # type: ignore[no-untyped-call]  # it has none
    except SafetensorError as error:
        raise FileFormatError(f"{path}: not a whole safetensors file ({error})") from error
    # What ``deserialize`` returns is in no order.
    return {name: _as_array(path, name, content[name]) for name in names}, metadata


def _as_array(path: str | os.PathLike[str], name: str, stored: Mapping[str, Any]) -> NDArray[Any]:
    import numpy as np

    kind = stored["dtype"]
    if kind == "BF16":  # the upper half of a float32
        upper = np.frombuffer(stored["data"], "<u2").astype(np.uint32)
        return (upper << 16).view(np.float32).reshape(stored["shape"])
    if kind not in DTYPES:
        raise FileFormatError(f"{path}: {name}: holds numbers of type {kind}, which NumPy cannot")
    return np.frombuffer(stored["data"], DTYPES[kind]).reshape(stored["shape"]).copy()
