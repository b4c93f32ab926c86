"""Paths of files, and writing so that nothing is ever half there.

A file is written under another name in the same folder, flushed to the disk and
then renamed into place. A crash at any moment leaves the old file or the new
one, never a piece.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from neural_network.errors import (
    ArgumentError,
    DTypeError,
    FileFormatError,
    FileWriteError,
    NeuralNetworkError,
    both,
    brief,
    sentence,
)

# --- paths -----------------------------------------------------------------------------------


def as_path(function: str, name: str, path: object) -> str:
    """Return the path of a file as text.

    Args:
        function, name: of the public function and its argument, for errors.
        path: text, or an object with ``__fspath__``; a number is no path, though ``open`` takes it.

    Raises:
        DTypeError: something else.
        ArgumentError: no file can have this name.

    >>> as_path("load", "path", 3)
    Traceback (most recent call last):
      ...
    neural_network.errors.DTypeError: load: path: expected the path of a file, received 3
    """
    text = path
    if isinstance(path, os.PathLike):
        with suppress(TypeError):  # what it returns is no text
            text = os.fspath(path)
    if not isinstance(text, str):
        raise DTypeError(sentence(function, name, "the path of a file", brief(path)))
    if not text:
        raise ArgumentError(sentence(function, name, "the path of a file", "''"))
    try:
        possible = b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        raise ArgumentError(sentence(function, name, "a name that a file can have", brief(text)))
    return text


def open_file(function: str, path: object, expected: str, *, name: str = "path") -> BinaryIO:
    """Open a file to read from, if it is one: a pipe or a device might never end.

    Args:
        function, name: of the public function and its argument, for errors.
        path: as of ``as_path``.
        expected: what it should hold, for errors.

    Raises:
        DTypeError, ArgumentError: as ``as_path``.
        FileFormatError: a folder, a device or a pipe, or a name that is too long.
        FileNotFoundError, NotADirectoryError, PermissionError: as ``open``, with a sentence.
    """
    text = as_path(function, name, path)
    try:
        mode = os.stat(text).st_mode  # noqa: PTH116  # Path makes ten calls of it
        if stat.S_ISREG(mode):
            return open(text, "rb")
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        received = f"{brief(text)}: {error.strerror}"
        kind: Any = type(error)
        refused = both(NeuralNetworkError, kind)(sentence(function, name, expected, received))
        refused.errno, refused.strerror, refused.filename = error.errno, error.strerror, text
        raise refused from None
    except OSError as error:
        raise FileFormatError(f"cannot read {text}: {error.strerror or error}") from error
    received = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
    if stat.S_ISDIR(mode):
        received += _files_in(Path(text), suffix=".safetensors")
    raise FileFormatError(f"{text}: expected {expected}, received {received}")


def _files_in(folder: Path, suffix: str) -> str:
    """Return the paths of files in a folder that was given in place of one of them."""
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == suffix)
    except OSError:
        return ""
    listed = ", ".join(map(str, found[:3]))
    return f"; in it there {'is' if len(found) == 1 else 'are'} {listed}" if found else ""


@contextmanager
def shipped(package: str, path: Path) -> Iterator[Path]:
    """Yield the path of a file that comes with the library.

    Args:
        package: of the library, in whose folder the file is.
        path: the path that it has, unless the library is inside an archive.
    """
    if path.is_file():
        yield path
        return
    from importlib.resources import as_file, files

    with as_file(files(package) / path.parent.name / path.name) as extracted:
        yield extracted


# --- writing ---------------------------------------------------------------------------------


@contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn an OSError inside the block into a sentence that names the path."""
    try:
        yield
    except FileWriteError:  # is an OSError, and a sentence already
        raise
    except OSError as error:
        cure, folder = "", Path(os.fsdecode(path)).parent
        home = folder.parts[:1] == ("~",)  # of the shell, and no folder
        if isinstance(error, FileNotFoundError) and not home and not folder.exists():
            cure = f"; Path({str(folder)!r}).mkdir(parents=True) makes its folder"
        raise FileWriteError(f"cannot write {path}: {error.strerror or error}{cure}") from error


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
    target = real_path(path)
    with writing(path):  # a name may be too long
        in_the_way = target.exists() and not target.is_file()
    if in_the_way:
        raise FileWriteError(f"cannot write {path}: it is a folder or a device, expected a file")
    temporary = target.with_name(f"{_beside(target)}{secrets.token_hex(8)}{target.suffix}")
    with writing(path):
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


def append(path: str | os.PathLike[str], content: bytes) -> None:
    """Append to a file, by one write that is flushed to the disk.

    A process that is killed leaves all of it or nothing.

    Raises:
        FileWriteError: it cannot be written; the file is as it was.
    """
    with writing(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        try:
            size = os.fstat(descriptor).st_size
            if os.write(descriptor, content) != len(content):  # the disk is full
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def file_size(path: str | os.PathLike[str]) -> int | None:
    """Return the number of bytes in a file; None where there is none."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return None


@contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Lock a path for this process; a second process that locks it gets an error.

    The lock is on a file beside it, and the system's own: it ends with a process that is
    killed. What such a one has left half written is removed. That file is named as the
    temporary ones are: ``path.lock`` may be the user's.

    Raises:
        FileWriteError: another process (or this one) holds the path, or the folder
            cannot be written.
    """
    target = real_path(path)
    with writing(path), suppress(FileNotFoundError, NotADirectoryError):
        target.lstat()  # the name may be too long, which that of the lock is not
    if not target.name:
        raise FileWriteError(f"cannot write {path}: it is a folder, expected a file")
    lock = target.with_name(_lock_name(target))
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
    target = real_path(path)
    for piece in target.parent.iterdir():
        if piece.name.startswith(_beside(target)) and piece.name != _lock_name(target):
            piece.unlink(missing_ok=True)


def real_path(path: str | os.PathLike[str]) -> Path:
    """Return the file that a path leads to, links followed.

    Raises:
        DTypeError: it is no path.
        FileWriteError: a name that no file can have, or a relative one without a current directory.
    """
    try:
        with writing(path):  # a name may be too long
            return Path(os.path.realpath(path))
    except TypeError as error:
        raise DTypeError(f"cannot write: expected the path of a file, received {path!r}") from error
    except ValueError as error:  # a name that no file can have: its repr can be printed
        raise FileWriteError(f"cannot write {path!r}: no file can have this name") from error


def _beside(target: Path) -> str:
    """Return how the names of a file's temporary ones begin: short, and its own."""
    return f".{zlib.crc32(target.name.encode(errors='surrogateescape')):08x}-"


def _lock_name(target: Path) -> str:
    return f"{_beside(target)}lock"


def _open_and_take(path: str | os.PathLike[str], lock: Path) -> int:
    """Return the open and locked file."""
    while True:
        with writing(path):
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
        # The process that held the lock before has removed the file that was opened here.


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
