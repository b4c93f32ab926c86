"""The IDX format, in which MNIST and similar datasets are published.

A file starts with two zero bytes, a byte for the type of its numbers and a byte
for the number of axes; then the size of each axis as a big-endian 32-bit
integer; then the numbers, big-endian, in C order. (Source: the format's
description by LeCun, Cortes and Burges on the MNIST page.)
"""

from __future__ import annotations

import gzip
import os
import struct
import zlib
from io import BufferedIOBase
from math import prod
from pathlib import Path

import numpy as np

from neural_network.checks import Array
from neural_network.errors import FileFormatError
from neural_network.public import public

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"


@public
def read_idx(path: str | os.PathLike[str]) -> Array:
    """Read an IDX file, gzipped or plain, as its content shows.

    Args:
        path: the file.

    Returns:
        The array, in native byte order.

    Raises:
        FileFormatError: a wrong magic number, an unknown type, fewer or more
            bytes than the header promises, a damaged gzip stream.
        FileNotFoundError: there is no such file.

    >>> from neural_network.datasets.mnist import SAMPLE_FOLDER
    >>> read_idx(SAMPLE_FOLDER / "train-labels-idx1-ubyte.gz")[:5]
    array([5, 0, 4, 1, 9], dtype=uint8)
    """
    path = Path(path)
    if path.is_dir():
        raise FileFormatError(f"{path}: expected an IDX file, received a folder")
    with open(path, "rb") as raw:
        zipped = raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        if not zipped:
            return _parse(raw, path)
        try:
            with gzip.open(raw) as unzipped:
                return _parse(unzipped, path)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FileFormatError(f"{path}: the gzip stream is damaged ({error})") from error


def _parse(file: BufferedIOBase, path: Path) -> Array:
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or magic[3] == 0:
        raise FileFormatError(
            f"{path}: not an IDX file; expected it to begin with 00 00, a type "
            "(08, 09, 0b, 0c, 0d or 0e) and a number of axes, "
            f"received {magic.hex(' ') or 'nothing'}"
        )
    dtype, axes = np.dtype(TYPES[magic[2]]), magic[3]
    header = file.read(4 * axes)
    if len(header) < 4 * axes:
        raise FileFormatError(f"{path}: ends inside the header of {4 + 4 * axes} bytes")
    sizes = struct.unpack(f">{axes}I", header)
    promised = prod(sizes) * dtype.itemsize
    content = _read_up_to(file, promised + 1)
    if len(content) != promised:
        received = f"{len(content)}" if len(content) < promised else "more"
        raise FileFormatError(
            f"{path}: the header promises {sizes} numbers of {dtype.itemsize} byte(s), "
            f"expected {promised} bytes after it, received {received}"
        )
    try:
        array = np.frombuffer(content, dtype).reshape(sizes)
    except ValueError as error:  # more axes than NumPy has, or 0 times too much
        raise FileFormatError(f"{path}: cannot hold an array of shape {sizes}") from error
    return array.astype(dtype.newbyteorder("="))


def _read_up_to(file: BufferedIOBase, size: int) -> bytes:
    """Read at most this many bytes, piece by piece.

    One byte more than promised shows that a file is too long without reading it all; and a
    header that promises terabytes must not allocate them.
    """
    pieces = []
    while size > 0 and (piece := file.read(min(size, 1 << 20))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
