"""Files are whole or not there, and arrays come back bit for bit."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import neural_network as nn
from neural_network.files import locked, written_beside


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="halfway"), written_beside(target) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("halfway")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_file_is_made_beside_flushed_and_renamed(tmp_path: Path, monkeypatch: Any) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    flushed = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (flushed.append(fd), fsync(fd)))
    with open(target) as reader:
        with written_beside(target) as temporary:
            assert temporary.parent == tmp_path
            temporary.write_text("new")
        assert reader.read() == "old"  # another file by that name; this one is untouched
    assert target.read_text() == "new"
    assert flushed


def test_save_arrays_leaves_the_old_file_when_it_fails(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "x.safetensors"
    nn.save_arrays(path, {"a": np.zeros(3)})
    with safe_open(path, "numpy") as file:
        known = {"format": "neural-network-numpy arrays", "format_version": "2"}
        assert file.metadata().items() > known.items()

    def full(self: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(nn.FileWriteError, match="No space left"):
        nn.save_arrays(path, {"a": np.ones(3)})
    np.testing.assert_array_equal(nn.load_arrays(path)["a"], [0, 0, 0])
    assert list(tmp_path.iterdir()) == [path]


def test_a_mask_is_not_forgotten(tmp_path: Path) -> None:
    with pytest.raises(nn.DTypeError, match="expected an array without a mask"):
        nn.save_arrays(tmp_path / "x", {"a": np.ma.masked_equal(np.zeros(2), 0)})


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with (
        pytest.raises(nn.FileWriteError, match="cannot write .*file.txt: No space left"),
        written_beside(target),
    ):
        raise OSError(28, "No space left on device")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with written_beside(tmp_path / "a") as temporary:
            temporary.write_text("x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("missing/file", "No such file"),
        ("file/inside", "Not a directory"),
        ("", "it is a folder or a device"),
    ],
)
def test_where_nothing_can_be_written(tmp_path: Path, path: str, text: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(nn.FileWriteError, match=text), written_beside(tmp_path / path):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_link_is_followed_and_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o600)
    (tmp_path / "link").symlink_to("real")
    nn.save_arrays(tmp_path / "link", {"a": np.ones(1)})
    assert (tmp_path / "link").is_symlink()
    assert stat.S_IMODE((tmp_path / "real").stat().st_mode) == 0o600
    assert nn.load_arrays(tmp_path / "real")["a"] == 1
    nn.save_arrays(tmp_path / "new", {"a": np.ones(1)})
    (tmp_path / "plain").write_text("x")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(nn.FileWriteError, match="it is a folder or a device"):
        nn.save_arrays(tmp_path / "pipe", {"a": np.ones(1)})
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_what_numpy_cannot_hold_is_said(tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}'
    (tmp_path / "x").write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(nn.FileFormatError, match="a: holds numbers of type F8_E4M3, which NumPy"):
        nn.load_arrays(tmp_path / "x")
    # bfloat16 is the upper half of a float32: 1.0 is 0x3f800000.
    header = header.replace(b"F8_E4M3", b"BF16").replace(b"[2],", b"[1],")
    (tmp_path / "x").write_bytes(len(header).to_bytes(8, "little") + header + b"\x80\x3f")
    assert nn.load_arrays(tmp_path / "x")["a"] == np.float32(1)
    with pytest.raises(nn.FileFormatError, match="expected a safetensors file, received a folder"):
        nn.load_arrays(tmp_path)


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint8", "int64", "bool"]
)
def test_arrays_come_back(tmp_path: Path, dtype: str) -> None:
    array = np.random.default_rng(0).integers(0, 2, (3, 4, 5)).astype(dtype)
    arrays = {
        "a": array,
        "b": array.T,
        "c": array[::-1, ::2],
        "d": array[0, 0, 0:0],
        "e": np.asarray(array[0, 0, 0]),
    }
    nn.save_arrays(tmp_path / "x.safetensors", arrays)
    back = nn.load_arrays(tmp_path / "x.safetensors")
    assert list(back) == list(arrays)
    for name, value in arrays.items():
        np.testing.assert_array_equal(back[name], value)
        assert back[name].dtype == dtype
        assert back[name].shape == value.shape


@pytest.mark.parametrize("dtype", ["complex128", "object", "<U3", "longdouble"])
def test_arrays_that_cannot_be_kept(tmp_path: Path, dtype: str) -> None:
    with pytest.raises(nn.DTypeError, match=r"save_arrays: arrays\['a'\]: expected numbers"):
        nn.save_arrays(tmp_path / "x", {"a": np.zeros(2, dtype)})
    assert list(tmp_path.iterdir()) == []


def test_damaged_files(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    nn.save_arrays(path, {"a": np.arange(100.0)})
    whole = path.read_bytes()
    damaged: dict[str, Any] = {"half": whole[:200], "empty": b"", "text": b"hello" * 99}
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(nn.FileFormatError, match="not a whole safetensors file"):
            nn.load_arrays(tmp_path / name)
    save_file({"a": np.zeros(1)}, path, {"format_version": "999"})
    with pytest.raises(
        nn.FileFormatError, match="format version 999, this library reads version 1 and 2"
    ):
        nn.load_arrays(path)
    with pytest.raises(FileNotFoundError):
        nn.load_arrays(tmp_path / "nothing")


LONG = "x" * 300
WRITERS: list[Callable[[Any], Any]] = [
    lambda path: nn.save_arrays(path, {"a": np.ones(1)}),
    lambda path: nn.save(nn.Dense(1).initialize((1,)), path),
]


@pytest.mark.parametrize("write", WRITERS)
def test_names_that_no_file_has(write: Callable[[Any], Any], tmp_path: Path) -> None:
    with pytest.raises(nn.FileWriteError, match="cannot write .*xxx: File name too long"):
        write(tmp_path / LONG)
    for name in ("a\0b", "a\ud800b"):
        with pytest.raises(nn.ArgumentError, match="path: expected a name that a file can") as got:
            write(f"{tmp_path}/{name}")
        str(got.value).encode()  # it can be printed
    with pytest.raises(nn.ArgumentError, match=r"save.*: path: expected the path .* received ''"):
        write("")
    for value in (None, 3.5, ["a"], b"a", 0):
        with pytest.raises(nn.DTypeError, match="save.*: path: expected the path of a file"):
            write(value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read", [nn.load, nn.load_arrays])
def test_names_that_cannot_be_read(read: Callable[[Any], Any], tmp_path: Path) -> None:
    with pytest.raises(nn.FileFormatError, match="cannot read .*xxx: File name too long"):
        read(tmp_path / LONG)
    for name in ("a\0b", "a\ud800b"):
        with pytest.raises(nn.ArgumentError, match="path: expected a name that a file can") as got:
            read(f"{tmp_path}/{name}")
        str(got.value).encode()
    with pytest.raises(nn.ArgumentError, match=r"load.*: path: expected the path .* received ''"):
        read("")
    for value in (None, 3.5, ["a"], b"a", 0):
        with pytest.raises(nn.DTypeError, match="load.*: path: expected the path of a file"):
            read(value)
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null"):
        with pytest.raises(nn.FileFormatError, match="received a device or a pipe"):
            read(path)


def test_names_of_arrays_that_cannot_be_written(tmp_path: Path) -> None:
    for name in ("a\ud800b", "__metadata__", 3):
        with pytest.raises(nn.DTypeError, match="save_arrays: arrays: expected names in Unicode"):
            nn.save_arrays(tmp_path / "x", {name: np.ones(1)})  # type: ignore[dict-item]
    nn.save_arrays(tmp_path / "x", {"a\0ü": np.ones(1)})
    assert list(nn.load_arrays(tmp_path / "x")) == ["a\0ü"]


def test_locks_on_names_that_no_file_has(tmp_path: Path) -> None:
    for name in (LONG, "a\0b"):
        with pytest.raises(nn.FileWriteError, match="cannot write"), locked(f"{tmp_path}/{name}"):
            pass
