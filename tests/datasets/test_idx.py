"""The IDX reader: right files in every form, and every way a file can be wrong."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neural_network import FileFormatError, read_idx

CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}


def idx_bytes(array: Any) -> bytes:
    array = np.asarray(array)
    head = struct.pack(f">4B{array.ndim}I", 0, 0, CODES[array.dtype.name], array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


GOOD = idx_bytes(np.arange(6, dtype="uint8").reshape(2, 3))


@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("zipped", [False, True])
def test_every_type_plain_and_zipped(tmp_path: Path, dtype: str, zipped: bool) -> None:
    array = np.arange(-3, 9).astype(dtype).reshape(3, 2, 2)
    content = idx_bytes(array)
    path = tmp_path / "named-anything"
    path.write_bytes(gzip.compress(content) if zipped else content)
    out = read_idx(path)
    np.testing.assert_array_equal(out, array)
    assert out.dtype == np.dtype(dtype)
    assert out.flags.writeable


def test_no_rows_is_a_valid_file(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.write_bytes(idx_bytes(np.zeros((0, 28, 28), "uint8")))
    assert read_idx(str(path)).shape == (0, 28, 28)


WRONG = {
    "empty": (b"", "not an IDX file.*received nothing"),
    "short": (GOOD[:3], "not an IDX file"),
    "magic": (b"\x89PNG" + GOOD[4:], "not an IDX file; expected .* received 89 50 4e 47"),
    "type": (b"\0\0\x0a\x01" + GOOD[4:], "not an IDX file; expected .* received 00 00 0a 01"),
    "axes": (b"\0\0\x08\x00" + GOOD[4:], "not an IDX file"),
    "header": (GOOD[:10], "ends inside the header of 12 bytes"),
    "truncated": (GOOD[:-1], r"promises \(2, 3\) .* expected 6 bytes after it, received 5"),
    "oversized": (GOOD + b"\0", "expected 6 bytes after it, received more"),
    "immense": (b"\0\0\x0e\x03" + b"\xff" * 12, "received (0|more than 10)"),
    "terabytes": (b"\0\0\x08\x02" + b"\0\x10\0\0" * 2 + b"abc", "received (3|1099511627776)"),
    "65 axes": (b"\0\0\x08\x41" + b"\0\0\0\x01" * 65 + b"a", "cannot hold an array of shape"),
    "0 times too much": (b"\0\0\x08\x04" + b"\0" * 4 + b"\xff" * 12, "cannot hold an array"),
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("name", WRONG)
def test_wrong_content(tmp_path: Path, name: str, zipped: bool) -> None:
    content, text = WRONG[name]
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(FileFormatError, match=text) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda z: z[:-9],  # the stream ends early
        lambda z: z[:-8] + b"\0" * 8,  # checksum and length are wrong
        lambda z: z + b"rubbish",  # something follows
        lambda z: z[:10] + b"\xff" * (len(z) - 10),  # no deflate stream
        lambda z: z[:5],  # ends in the gzip header
    ],
)
def test_damaged_gzip(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "damaged.gz"
    path.write_bytes(damage(gzip.compress(GOOD, mtime=0)))
    with pytest.raises(FileFormatError, match="the gzip stream is damaged"):
        read_idx(path)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="expected an IDX file, received a folder"):
        read_idx(tmp_path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        read_idx(tmp_path / "nothing")
