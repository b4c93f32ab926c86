"""Files are whole or not there, and arrays come back bit for bit."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import neural_network as nn
from neural_network.files import written_beside


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError, match="halfway"), written_beside(target) as temporary:
        temporary.write_text("ne")
        raise RuntimeError("halfway")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


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
    [("missing/file", "No such file"), ("file/inside", "Not a directory"), ("", "it is a folder")],
)
def test_where_nothing_can_be_written(tmp_path: Path, path: str, text: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(nn.FileWriteError, match=text), written_beside(tmp_path / path):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint8", "int64", "bool"]
)
def test_arrays_come_back(tmp_path: Path, dtype: str) -> None:
    array = np.random.default_rng(0).integers(0, 2, (3, 4, 5)).astype(dtype)
    given = {
        "a": array,
        "b": array.T,
        "c": array[::-1, ::2],
        "d": array[0, 0, 0:0],
        "e": np.asarray(array[0, 0, 0]),
    }
    nn.save_arrays(tmp_path / "x.safetensors", given)
    back = nn.load_arrays(tmp_path / "x.safetensors")
    assert list(back) == list(given)
    for name, value in given.items():
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
        nn.FileFormatError, match="format version 999, this library reads version 1"
    ):
        nn.load_arrays(path)
    with pytest.raises(FileNotFoundError):
        nn.load_arrays(tmp_path / "nothing")
