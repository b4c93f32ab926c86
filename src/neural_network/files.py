"""Writing files so that nothing is ever half there, and arrays in safetensors.

A file is written under another name in the same folder, flushed to the disk and
then renamed into place. A crash at any moment leaves the old file or the new
one, never a piece.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from neural_network.errors import DTypeError, FileFormatError, FileWriteError, sentence

FORMAT = "neural-network-numpy arrays"
FORMAT_VERSION = "1"


@contextmanager
def written_beside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it into place if the block ends well.

    If the block raises, the temporary file goes and ``path`` is as it was. A link is
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
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise FileWriteError(f"cannot write {path}: it is a folder or a device, expected a file")
    temporary = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    try:
        # Made here, so that it gets the permissions of any new file and nobody else's name.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    except OSError as error:
        raise FileWriteError(f"cannot write {path}: {error.strerror or error}") from error
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise FileWriteError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Make sure that the bytes are on the disk before the rename shows them."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


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
    import numpy as np
    from safetensors.numpy import save

    if not isinstance(arrays, Mapping):
        raise DTypeError(sentence("save_arrays", "arrays", "a dict of arrays", type(arrays)))
    # safetensors writes the memory as it lies, so it has to lie in C order.
    ordered = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    for name, given in arrays.items():
        if hasattr(given, "mask"):
            raise DTypeError(
                sentence("save_arrays", f"arrays[{name!r}]", "an array without a mask", "a mask")
            )
    for name, array in ordered.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise DTypeError(
                sentence("save_arrays", "arrays", "names other than '__metadata__'", repr(name))
            )
        if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
            raise DTypeError(
                sentence(
                    "save_arrays",
                    f"arrays[{name!r}]",
                    "numbers of at most 8 bytes",
                    f"dtype {array.dtype}",
                )
            )
    content = save(ordered, {"format": FORMAT, "format_version": FORMAT_VERSION})
    with written_beside(path) as temporary:
        temporary.write_bytes(content)


def load_arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Read the arrays of a safetensors file, such as :func:`save_arrays` writes.

    Args:
        path: the file.

    Returns:
        name → array.

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
    from safetensors import SafetensorError, safe_open

    if Path(path).is_dir():
        raise FileFormatError(f"{path}: expected a safetensors file, received a folder")
    try:
        with safe_open(os.fspath(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format_version", FORMAT_VERSION) != FORMAT_VERSION:
                raise FileFormatError(
                    f"{path}: format version {metadata['format_version']}, "
                    f"this library reads version {FORMAT_VERSION}"
                )
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise FileFormatError(f"{path}: not a whole safetensors file ({error})") from error
    except (TypeError, AttributeError, ValueError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{path}: holds an array that NumPy cannot ({error})") from error
