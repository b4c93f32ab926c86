"""What is no path is refused with the name of the argument, everywhere; so is what is no file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import neural_network as nn
from neural_network import visual

MODEL = nn.Dense(2).initialize((3,), rng=0)
X, Y = np.eye(3, dtype="f4"), np.array([0, 1, 0])


def resume(path: Any) -> None:
    nn.Trainer(nn.Sequential(nn.Dense(2)), rng=0, progress=False).fit(X, Y, resume=path)


READERS: dict[str, Callable[[Any], Any]] = {
    "load": nn.load,
    "load_notes": nn.load_notes,
    "load_arrays": nn.load_arrays,
    "read_idx": nn.read_idx,
    "fit: resume": resume,
}
FOLDERS: dict[str, Callable[[Any], Any]] = {
    "load_mnist": lambda path: nn.load_mnist("test", "full", path),
    "load_fashion_mnist": lambda path: nn.load_fashion_mnist("test", "full", path),
}
WRITERS: dict[str, Callable[[Any], Any]] = {
    "save": lambda path: nn.save(MODEL, path),
    "save_arrays": lambda path: nn.save_arrays(path, {"a": X}),
    "save_figure": lambda path: visual.save_figure(visual.show_history([1.0, 0.5]), path),
    "Checkpoint": nn.Checkpoint,
    "CSVLog": nn.CSVLog,
}
ALL = {**READERS, **FOLDERS, **WRITERS}


class Bytes(os.PathLike[bytes]):
    def __fspath__(self) -> bytes:
        return b"a"


class Number(os.PathLike[str]):
    def __fspath__(self) -> Any:
        return 3


@pytest.mark.parametrize("name", ALL)
def test_what_is_no_path(name: str) -> None:
    place = name if ": " in name else f"{name}: path"
    odd: list[Any] = [0, 3.5, b"a", ["a"], Bytes(), Number(), np.array("a"), True]
    optional = name in FOLDERS or name == "fit: resume"
    what = "expected the path of a file( that Checkpoint.path. has written)?, received"
    for value in odd if optional else [None, *odd]:
        with pytest.raises(nn.DTypeError, match=f"{place}: {what}"):
            ALL[name](value)
    with pytest.raises(
        nn.ArgumentError, match=f"{place}: expected the path of a file, received ''"
    ):
        ALL[name]("")
    for text in ("a\0b", "\0", "a\ud800b", "x" * 3000 + "\0"):
        with pytest.raises(nn.ArgumentError, match=f"{place}: expected a name that a file") as got:
            ALL[name](text)
        assert len(str(got.value).encode()) < 500


@pytest.mark.parametrize("name", READERS)
def test_what_is_no_file(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "empty").touch()
    for path in (tmp_path / "pipe", tmp_path / "link", "/dev/zero", "/dev/null", "/dev/tty"):
        if Path(path).exists():
            with pytest.raises(nn.FileFormatError, match="received a device or a pipe"):
                READERS[name](path)
    with pytest.raises(nn.FileFormatError, match="received a folder"):
        READERS[name](tmp_path)
    with pytest.raises(nn.FileFormatError, match="cannot read .*loop: "):
        READERS[name](tmp_path / "loop")
    with pytest.raises(nn.FileFormatError, match="cannot read .*: File name too long"):
        READERS[name](tmp_path / ("x" * 300))
    with pytest.raises(nn.FileFormatError, match="empty: not an? "):
        READERS[name](tmp_path / "empty")
    for missing in (tmp_path / "missing", tmp_path / "empty" / "inside"):
        with pytest.raises((FileNotFoundError, NotADirectoryError), match="missing|inside"):
            READERS[name](missing)


def test_what_is_no_folder_of_a_dataset(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NEURAL_NETWORK_DATA", raising=False)
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "loop", tmp_path / ("x" * 300), "~nobody-has-this-name/x"):
        monkeypatch.setattr("neural_network.datasets.sources._download", missing)
        with pytest.raises(nn.DatasetNotFoundError):
            FOLDERS["load_mnist"](path)


def missing(*_: Any) -> None:
    from neural_network.datasets.sources import _NoAnswerError

    raise _NoAnswerError("no network in tests")
