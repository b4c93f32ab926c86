"""Arrays in files: safetensors with a checksum, and limits for what is read."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from neural_network.checks import Array, as_flag
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, FileFormatError, brief, sentence
from neural_network.files import as_path, open_file, written_beside
from neural_network.public import public

FORMAT = "neural-network-numpy arrays"
FORMAT_VERSION = "2"  # with a checksum; files of version 1 have none
# What reads each kind of file that the library writes.
READERS = {
    FORMAT: "load_arrays(path) reads it",
    "neural-network-numpy model": "nn.load(path) reads it",
    "neural-network-numpy checkpoint": "trainer.fit(X, y, resume=path) continues from it",
}
# What helps where a file was changed on purpose.
OTHER_PROGRAM = " (a program that changes a file leaves out the entry 'checksum' of its metadata)"
# The types of a safetensors file that NumPy has, little-endian as they are stored.
DTYPES = {
    "BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4",
    "U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8",
}  # fmt: skip
STORED = {(np.dtype(code).kind, np.dtype(code).itemsize): name for name, code in DTYPES.items()}
# Endings of other formats, and what has to do with them.
FOREIGN = {
    ".onnx": "interop.onnx reads and writes ONNX",
    ".pt": "interop.torch has weights from and for PyTorch, as safetensors",
    ".h5": "interop.keras reads the weights of Keras",
    ".npz": "numpy.load and numpy.savez are for these",
    ".pkl": "nothing here is pickled",
}
FOREIGN |= {".pth": FOREIGN[".pt"], ".keras": FOREIGN[".h5"], ".npy": FOREIGN[".npz"]}
FOREIGN |= {".joblib": FOREIGN[".pkl"]}
NAMES = {"f": "float", "i": "int", "u": "uint"}  # of NumPy's types, before the bits
# Of a header, in bytes, and in signs that stand before an entry of a table or a list.
LONGEST_HEADER, MOST_TABLES, MOST_ITEMS = 1 << 25, 1 << 16, 1_000_000


@public
@explains_calls
def save_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Write named arrays to a safetensors file with a checksum, beside and then renamed.

    Args:
        path: the file to write; an existing one is replaced as a whole.
        arrays: name → array of any shape; float16/32/64, integers or booleans. NaN and infinity
            are numbers like any other here.

    Returns:
        None.

    Raises:
        DTypeError: an array has a type that safetensors cannot hold, or a mask; or ``path`` is
            no path.
        ArgumentError: more names than a file may have, or a path that no file can have, or one
            with the ending of another format (".onnx", ".pth", ".h5", ".npz", ".pkl" …).
        FileWriteError: the file cannot be written.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/weights.safetensors"
    >>> save_arrays(path, {"W": np.eye(2)})
    >>> load_arrays(path)["W"]
    array([[1., 0.],
           [0., 1.]])
    """
    if not isinstance(arrays, Mapping):
        raise DTypeError(sentence("save_arrays", "arrays", "a dict of arrays", type(arrays)))
    metadata = {"format": FORMAT, "format_version": FORMAT_VERSION}
    if all(isinstance(name, str) for name in arrays):  # else ``write_arrays`` refuses them
        metadata["order"] = json.dumps([*arrays])
    write_arrays(path, arrays, metadata)


@public
@explains_calls
def load_arrays(
    path: str | os.PathLike[str], *, require_checksum: bool = False
) -> dict[str, Array]:
    """Read the arrays of a safetensors file, such as :func:`save_arrays` writes.

    Args:
        path: the file.
        require_checksum: whether a file without a checksum is refused, such as one of another
            program or of format version 1. A checksum that is there is always compared.

    Returns:
        name → array, in the order in which ``save_arrays`` was given them; bfloat16, which NumPy
        lacks, as float32.

    >>> import tempfile
    >>> path = tempfile.mkdtemp() + "/a.safetensors"
    >>> save_arrays(path, {"a": np.arange(3)})
    >>> load_arrays(path)
    {'a': array([0, 1, 2])}

    Raises:
        FileFormatError: the file is damaged, is no safetensors file, has a header beyond
            all measure, or was written by a newer version.
        DTypeError, ArgumentError: no path, or one that no file can have; no flag.
        FileNotFoundError: there is no such file.
    """
    required = as_flag("load_arrays", "require_checksum", require_checksum)
    arrays, metadata = read_arrays(path, require_checksum=required)
    check_version(path, metadata, "1", FORMAT_VERSION)
    # safetensors itself orders names by their types. Another program may have added arrays.
    order = json_in(str(path), metadata, "order") if "order" in metadata else []
    known = [name for name in order if name in arrays] if _are_names(order) else []
    return {name: arrays[name] for name in dict.fromkeys([*known, *arrays])}


def _are_names(order: object) -> bool:
    return isinstance(order, list) and all(isinstance(name, str) for name in order)


def check_version(
    path: str | os.PathLike[str], metadata: Mapping[str, str], *versions: str
) -> None:
    """Raise FileFormatError if the metadata name another version of the format; none is fine."""
    found = metadata.get("format_version", versions[0])
    if found not in versions:
        known = " and ".join(versions)
        raise FileFormatError(
            f"{path}: format version {found[:50]}, this library reads version {known}"
        )


def read_format(
    path: str | os.PathLike[str],
    kind: str,
    *versions: str,
    function: str,
    require_checksum: bool = False,
) -> tuple[dict[str, Array], dict[str, str]]:
    """Read the arrays and the metadata of a safetensors file that holds a ``kind`` of content.

    Raises:
        FileFormatError: the file is damaged, holds something else, or another version of it.
        FileNotFoundError: there is no such file.
    """
    arrays, metadata = read_arrays(path, function=function, require_checksum=require_checksum)
    found = metadata.get("format")
    if found != kind:
        other = found[:100] if found else "another file"
        other += f"; {READERS[found]}" if found in READERS else ""
        if not found and kind.endswith(" model"):
            other += (
                "; load_arrays reads its arrays, interop.torch.load_weights(model, path) "
                "weights of PyTorch"
            )
        raise FileFormatError(f"{path}: expected a {kind}, received {other}")
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
    path: str | os.PathLike[str],
    arrays: Mapping[str, Array],
    metadata: Mapping[str, str],
    *,
    function: str = "save_arrays",
) -> None:
    """Write arrays and metadata with their checksum to a safetensors file, beside and renamed.

    The file is 8 bytes for the header's length, the header (JSON, in which offsets count from
    its end), and the numbers, which begin at multiples of 8 bytes and of their own size.
    """
    as_path(function, "path", path)
    if hint := _foreign(path):
        expected = "the name of a safetensors file, such as 'model.safetensors'"
        raise ArgumentError(sentence(function, "path", expected, brief(path) + hint))
    ordered = {name: _as_stored(name, array) for name, array in arrays.items()}
    metadata = {**metadata, "checksum": checksum(ordered, metadata)}
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    names, end = sorted(ordered, key=lambda name: (-ordered[name].itemsize, name)), 0
    for name in names:
        array, begin = ordered[name], end
        end += array.nbytes
        kind = STORED[array.dtype.kind, array.itemsize]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [begin, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    if excess := _excess(text):  # it could not be read again
        raise ArgumentError(sentence(function, "arrays and metadata", *excess))
    length = len(text).to_bytes(8, "little")
    with written_beside(path) as temporary:
        temporary.write_bytes(b"".join([length, text, *[ordered[name].data for name in names]]))


def _as_stored(name: object, value: Any) -> Array:
    """Return an array as its memory is written: in C order, little-endian."""
    if not isinstance(name, str) or name == "__metadata__" or not _is_unicode(name):
        expected = "names in Unicode other than '__metadata__'"
        raise DTypeError(sentence("save_arrays", "arrays", expected, f"{name!r:.100}"))
    place, array = f"arrays[{name!r:.100}]", np.asarray(value)
    if hasattr(value, "mask"):
        raise DTypeError(sentence("save_arrays", place, "an array without a mask", "a mask"))
    if (array.dtype.kind, array.itemsize) not in STORED:
        expected, received = "numbers of at most 8 bytes", f"dtype {array.dtype}"
        raise DTypeError(sentence("save_arrays", place, expected, received))
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def _is_unicode(text: str) -> bool:
    """Return whether a text can be written; half a character, as 'D800' in hex is, cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def checksum(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> str:
    """Return a number that depends on each bit: safetensors itself does not detect damage.

    It is the CRC-32 of the other metadata, and of each array's name, type, shape and numbers,
    in the order of the names.
    """
    value = zlib.crc32(repr(sorted(metadata.items())).encode())
    for name, array in sorted(arrays.items()):
        kind = array.dtype.kind  # ``dtype.name`` is slow
        dtype = "bool" if kind == "b" else f"{NAMES[kind]}{8 * array.itemsize}"
        value = zlib.crc32(f"{name} {dtype} {array.shape}".encode(), value)
        value = zlib.crc32(array.data, value)
    return str(value)


def read_arrays(
    path: str | os.PathLike[str], *, function: str = "load_arrays", require_checksum: bool = False
) -> tuple[dict[str, Array], dict[str, str]]:
    """Read the arrays and the metadata of a safetensors file, and compare its checksum.

    Args:
        path: the file.
        function: the public function, for errors.
        require_checksum: whether a file without one is refused.

    Raises:
        FileFormatError: the file is damaged, or holds types that NumPy cannot.
        FileNotFoundError: there is no such file.
    """
    from safetensors import SafetensorError, safe_open

    with open_file(function, path, "a safetensors file") as file:
        header = _read_header(path, file)
        try:
            with safe_open(os.fspath(path), framework="numpy"):
                pass  # the package compares shapes, offsets and the file's length
            described = json.loads(header)
        except (SafetensorError, ValueError, RecursionError) as error:
            text = f"{path}: not a whole safetensors file ({str(error)[:200]})"
            raise FileFormatError(text) from error
        metadata: dict[str, str] = described.pop("__metadata__", None) or {}
        arrays = {}
        for _, name in sorted([(of["data_offsets"], name) for name, of in described.items()]):
            arrays[name] = _read_array(path, file, name, **described[name])
    ours = _is_ours(metadata)
    hint = "" if require_checksum else OTHER_PROGRAM
    found = metadata.pop("checksum", None) if ours else None
    if found is None and ours and (wrong := _damaged_name(metadata)):
        text = f"{path}: damaged: an entry {brief(wrong)} of its metadata instead of 'checksum'"
        raise FileFormatError(text + hint)
    if found is None and require_checksum:
        raise FileFormatError(f"{path}: expected a file with a checksum, received one without")
    if found is not None and found != checksum(arrays, metadata):
        raise FileFormatError(f"{path}: damaged: its checksum does not fit what it holds{hint}")
    return {name: arrays[name] for name in sorted(arrays)}, metadata


def _damaged_name(metadata: Mapping[str, str]) -> str:
    """Return a name in which a bit of "checksum" is flipped, or ""."""
    right = b"checksum"
    for name in metadata:
        letters = name.encode()
        different = [a ^ b for a, b in zip(letters, right, strict=False) if a != b]
        if len(letters) == len(right) and len(different) == 1 and different[0].bit_count() == 1:
            return name
    return ""


def _is_ours(metadata: Mapping[str, str]) -> bool:
    """Return whether this library wrote a file; other programs may call anything a checksum."""
    return metadata.get("format", "").startswith("neural-network-numpy ")


def _read_header(path: str | os.PathLike[str], file: BinaryIO) -> bytes:
    """Return the JSON at the beginning of a safetensors file, unless it is beyond all measure."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little") if size >= 8 else size
    if length > size - 8:
        raise FileFormatError(
            f"{path}: not a whole safetensors file ({_why_not_whole(length, size)}){_foreign(path)}"
        )
    if length > LONGEST_HEADER:
        raise FileFormatError(sentence(str(path), "header", *_too_long(length)))
    header = file.read(length)
    if excess := _excess(header):
        raise FileFormatError(sentence(str(path), "header", *excess))
    return header


def _foreign(path: str | os.PathLike[str]) -> str:
    """Return what to do about a file whose name has the ending of another format, or ""."""
    ending = Path(path).suffix.lower()
    return f"; {FOREIGN[ending]}" if ending in FOREIGN else ""


def _why_not_whole(length: int, size: int) -> str:
    if length > LONGEST_HEADER:  # the first letters of a text, for example
        return f"of another kind, or damaged; {size:,} bytes"
    return f"a header of {length:,} bytes, and a file of {size:,}"


def _excess(header: bytes) -> tuple[str, str] | None:
    """Return what is expected of a header, and what it has instead, or None if it is fine.

    A header in a small file would otherwise fill the memory: each ``{}`` in it takes 64 bytes,
    and each entry of an array a kilobyte.
    """
    if len(header) > LONGEST_HEADER:
        return _too_long(len(header))
    for sign, most in ((b"{", MOST_TABLES), (b",", MOST_ITEMS)):
        if (found := header.count(sign)) > most:
            return f"at most {most:,} times '{sign.decode()}' in the header", f"{found:,}"
    return None


def _too_long(length: int) -> tuple[str, str]:
    return f"at most {LONGEST_HEADER:,} bytes of header", f"{length:,}"


def _read_array(
    path: str | os.PathLike[str],
    file: BinaryIO,
    name: str,
    dtype: str,
    shape: list[int],
    data_offsets: list[int],  # noqa: ARG001  # arrays follow each other without gaps
) -> Array:
    """Read the next array of a file."""
    # bfloat16 is the upper half of a float32.
    kind = "<u2" if dtype == "BF16" else DTYPES.get(dtype)
    if kind is None:
        text = f"{name[:100]}: holds numbers of type {dtype}, which NumPy cannot"
        raise FileFormatError(f"{path}: {text}")
    try:
        array = np.empty(shape, kind)
    except (ValueError, OverflowError) as error:  # more axes than NumPy has, or 0 times too much
        text = f"{name[:100]}: cannot hold an array of shape {str(shape)[:100]}"
        raise FileFormatError(f"{path}: {text}") from error
    if file.readinto(array.data) != array.nbytes:  # type: ignore[attr-defined]  # it is buffered
        raise FileFormatError(
            f"{path}: not a whole safetensors file (it became shorter while it was read)"
        )
    if dtype == "BF16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array
