"""The IDX format, in which MNIST and similar datasets are published.

A file starts with two zero bytes, a byte for the type of its numbers and a byte
for the number of axes; then the size of each axis as a big-endian 32-bit
integer; then the numbers, big-endian, in C order. (Source: the format's
description by LeCun, Cortes and Burges on the MNIST page.)
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, RawIOBase
from math import prod
from typing import Any, BinaryIO

import numpy as np

from neural_network.checks import Array
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import FileFormatError
from neural_network.files import open_file
from neural_network.public import public

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"
# Zipped pictures are some 5 times shorter, zeros up to 1032 times. What is shrunk more than
# ``MOST_SHRUNK`` times may unzip to a million pictures of 28 × 28, but not fill the memory.
MOST_SHRUNK, MOST_UNZIPPED = 100, 784_000_000
PIECE = 1 << 20  # bytes that are read at a time


@public
@explains_calls
def read_idx(path: str | os.PathLike[str]) -> Array:
    """Read an IDX file, gzipped or plain, as its content shows.

    Args:
        path: the file.

    Returns:
        The array, in native byte order.

    Raises:
        FileFormatError: a wrong magic number, an unknown type, fewer or more
            bytes than the header promises, a damaged gzip stream; a folder, device or
            pipe; a small file that unzips to more than a million pictures of 28 × 28.
        DTypeError, ArgumentError: no path, or one that no file can have.
        FileNotFoundError: there is no such file.

    >>> from neural_network.datasets.mnist import SAMPLE_FOLDER
    >>> read_idx(SAMPLE_FOLDER / "train-labels-idx1-ubyte.gz")[:5]
    array([5, 0, 4, 1, 9], dtype=uint8)
    """
    with open_file("read_idx", path, "an IDX file") as raw:
        size = os.fstat(raw.fileno()).st_size
        zipped = size > 0 and raw.read(2) == GZIP_MAGIC
        raw.seek(0)
        with unzipped(str(path), raw) if zipped else raw as file:
            magic = file.read(4) if size > 0 else b""
            dtype, sizes = _header(str(path), magic, file)
            promised = prod(sizes) * dtype.itemsize
            if zipped:
                check_unzipped(str(path), promised, size)
                content = read_up_to(file, promised + 1)
                received = len(content)
            else:  # known before anything is read
                received = size - file.tell()
                content = read_up_to(file, promised if received == promised else 0)
    shown = str(sizes) if len(sizes) < 10 else f"{str(sizes[:10])[:-1]}, …)"
    if received != promised:
        raise FileFormatError(
            f"{path}: the header promises {shown} numbers of {dtype.itemsize} byte(s), "
            f"expected {_amount(promised)} bytes after it, "
            f"received {received if received < promised else 'more'}"
        )
    try:
        array = np.frombuffer(content, dtype).reshape(sizes)
    except ValueError as error:  # more axes than NumPy has, or 0 times too much
        raise FileFormatError(f"{path}: cannot hold an array of shape {shown}") from error
    return array.astype(dtype.newbyteorder("="), copy=False)


def _header(path: str, magic: bytes, file: BinaryIO) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the type of the numbers and the sizes of the axes."""
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or magic[3] == 0:
        raise FileFormatError(
            f"{path}: not an IDX file; expected it to begin with 00 00, a type "
            "(08, 09, 0b, 0c, 0d or 0e) and a number of axes, "
            f"received {magic.hex(' ') or 'nothing'}"
        )
    axes = magic[3]
    header = file.read(4 * axes)
    if len(header) < 4 * axes:
        raise FileFormatError(f"{path}: ends inside the header of {4 + 4 * axes} bytes")
    return np.dtype(TYPES[magic[2]]), struct.unpack(f">{axes}I", header)


def check_unzipped(path: str, unzipped: int, size: int) -> None:
    """Raise FileFormatError if a gzip file holds much more than its size lets expect.

    Args:
        path: of the file, for the error.
        unzipped: how many bytes it holds.
        size: of the file, in bytes.
    """
    if unzipped > max(MOST_UNZIPPED, MOST_SHRUNK * size):
        raise FileFormatError(
            f"{path}: expected at most {MOST_UNZIPPED:,} bytes, or {MOST_SHRUNK} times the "
            f"{size:,} bytes of the gzip file, received {_amount(unzipped)}"
        )


def _amount(count: int) -> str:
    return str(count) if count < 1 << 60 else "more than 10^18"


def read_up_to(file: BinaryIO, size: int) -> bytearray:
    """Read at most this many bytes, piece by piece.

    One byte more than promised shows that a file is too long without reading it all; and a
    header that promises terabytes must not allocate them.
    """
    content = bytearray()
    while len(content) < size and (piece := file.read(min(size - len(content), PIECE))):
        content += piece
    return content


@contextmanager
def unzipped(path: str, raw: BinaryIO) -> Iterator[BinaryIO]:
    """Yield what a gzip file holds, as a file to read from.

    Raises:
        FileFormatError: the stream is damaged, as far as it is read.
    """
    try:
        yield BufferedReader(_Unzipped(raw), PIECE)
    except (EOFError, zlib.error) as error:
        raise FileFormatError(f"{path}: the gzip stream is damaged ({error})") from error


class _Unzipped(RawIOBase):
    """The content of a gzip file.

    Python's own ``gzip`` reads names in a header byte by byte: millions of them take minutes.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._waiting = raw, b""
        self._decoder = zlib.decompressobj(zlib.MAX_WBITS + 16)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the beginning of a buffer, and return how many bytes that are; 0 at the end."""
        while True:
            self._waiting = self._waiting or self._raw.read(PIECE)
            if self._decoder.eof:  # zeros may follow, or another stream
                self._waiting = self._waiting.lstrip(b"\0")
                if not self._waiting:
                    if self._raw.peek(1):  # type: ignore[attr-defined]  # it is buffered
                        continue
                    return 0
                self._decoder = zlib.decompressobj(zlib.MAX_WBITS + 16)
            ended = not self._waiting
            piece = self._decoder.decompress(self._waiting, len(buffer))
            self._waiting = self._decoder.unconsumed_tail or self._decoder.unused_data
            if piece:
                buffer[: len(piece)] = piece
                return len(piece)
            if ended and not self._decoder.eof:
                raise EOFError("it ends too early")
