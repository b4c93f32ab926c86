"""Only one training at a time writes a path; the lock of a killed process is released."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

import neural_network as nn
from neural_network.files import _lock_name, locked, written_beside
from tests.processes import start_python

HOLD = """
import sys
from neural_network.files import locked, written_beside
with locked(sys.argv[1]), written_beside(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("held", flush=True)
    sys.stdin.readline()
"""


def holder(path: Path) -> subprocess.Popen[str]:
    process = start_python("-c", HOLD, path, stdin=subprocess.PIPE)
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_and_the_first_is_unharmed(tmp_path: Path) -> None:
    path = tmp_path / "run.checkpoint"
    with holder(path) as first:
        for _ in range(2):
            with (
                pytest.raises(
                    nn.FileWriteError,
                    match=r"another training writes it .it holds \.[0-9a-f]{8}-lock",
                ),
                locked(path),
            ):
                pass
        with pytest.raises(nn.FileWriteError, match="another training writes it"):
            nn.Trainer([nn.Dense(2)], callbacks=[nn.Checkpoint(path)], progress=False).fit(
                [[1.0], [2.0]], [0, 1]
            )
        first.communicate("go on\n")
        assert first.returncode == 0
    assert path.read_text() == "half"
    assert list(tmp_path.iterdir()) == [path]
    with locked(path):  # free again
        assert path.with_name(_lock_name(path)).exists()


def test_a_killed_process_holds_nothing_and_its_pieces_are_removed(tmp_path: Path) -> None:
    path, other = tmp_path / "run.checkpoint", tmp_path / ".another"
    other.write_text("")
    with holder(path) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert len(list(tmp_path.iterdir())) == 3  # the lock file, what was half written
    with locked(path):
        assert {p.name for p in tmp_path.iterdir()} == {".another", _lock_name(path)}
    assert list(tmp_path.iterdir()) == [other]


def test_one_process_cannot_hold_a_path_twice(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with locked(path), locked(tmp_path / "b"):
        (tmp_path / "link").symlink_to(path)
        for name in (path, tmp_path / "link"):
            with pytest.raises(nn.FileWriteError, match="another training writes it"), locked(name):
                pass
    with pytest.raises(nn.ArgumentError, match="two callbacks write one path"):
        nn.Trainer([nn.Dense(2)], callbacks=[nn.Checkpoint(path), nn.CSVLog(path)])


def test_a_refused_lock_leaves_no_file_open(tmp_path: Path) -> None:
    def next_descriptor() -> int:
        with open(os.devnull) as file:
            return file.fileno()

    path = tmp_path / "a"
    with locked(path):
        first = next_descriptor()
        for _ in range(3):
            with pytest.raises(nn.FileWriteError, match="another training writes it"), locked(path):
                pass
        assert next_descriptor() == first


def test_a_lock_file_that_its_holder_removes_is_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, taken = tmp_path / "a", []
    take = nn.files._take

    def slow(descriptor: int) -> None:
        if not taken:  # the previous holder has removed it in this moment
            (tmp_path / _lock_name(path)).unlink()
        taken.append(descriptor)
        take(descriptor)

    monkeypatch.setattr(nn.files, "_take", slow)
    with locked(path):
        assert len(taken) == 2


@pytest.mark.parametrize(("error", "match"), [
    (OSError(37, "No locks available"), "cannot write .*a: No locks available"),
    (BlockingIOError(11, "Resource temporarily unavailable"), "another training writes it"),
])  # fmt: skip
def test_why_there_is_no_lock_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, match: str
) -> None:
    def fail(descriptor: int) -> None:
        raise error

    monkeypatch.setattr(nn.files, "_take", fail)
    with pytest.raises(nn.FileWriteError, match=match) as raised, locked(tmp_path / "a"):
        pass
    # The cache of kernels waits for a lock that is taken, and for nothing else.
    assert raised.value.__cause__ is error
    assert str(raised.value).count("cannot write") == 1


def test_a_folder_that_is_missing_or_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pytest.raises(nn.FileWriteError, match="cannot write .*a: No such file or directory"),
        locked(tmp_path / "no" / "a"),
    ):
        pass

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(nn.files.os, "open", refuse)
    with (
        pytest.raises(nn.FileWriteError, match="cannot write .*a: Permission denied"),
        locked(tmp_path / "a"),
    ):
        pass
    trainer = nn.Trainer([nn.Dense(2)], callbacks=[nn.Checkpoint(tmp_path / "a")], progress=False)
    with pytest.raises(nn.FileWriteError, match="Permission denied"):
        trainer.fit([[1.0], [2.0]], [0, 1])
    assert trainer.step == 0


def test_long_names_can_still_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("é" * 110 + ".txt")
    with locked(path), written_beside(path) as temporary:
        temporary.write_text("whole")
    assert path.read_text() == "whole"


def test_files_of_the_user_beside_it_stay(tmp_path: Path) -> None:
    names = ("log.csv.lock", ".log.csv.lock", "run.checkpoint.lock", "x.lock", "run.checkpoint.tmp")
    for name in names:
        (tmp_path / name).write_bytes(b"" if name[0] == "." else b"mine")
    (tmp_path / "model.safetensors.lock").mkdir()
    model = nn.Sequential([nn.Dense(2)])
    callbacks = [nn.CSVLog(tmp_path / "log.csv"), nn.Checkpoint(tmp_path / "run.checkpoint")]
    nn.Trainer(model, callbacks=callbacks, progress=False).fit([[1.0], [2.0]], [0, 1])
    nn.save(model, tmp_path / "model.safetensors")
    made = {"log.csv", "run.checkpoint", "model.safetensors"}
    assert {p.name for p in tmp_path.iterdir()} == {*names, *made, "model.safetensors.lock"}
    assert all((tmp_path / name).read_bytes() == b"mine" for name in names if name[0] != ".")
