"""Where the library runs: odd standard streams, no current directory, inside an archive."""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest

import neural_network as nn
from neural_network import terminal
from neural_network.kernels.runtime import announcements
from neural_network.kernels.runtime.gate import available
from tests.needs import need_module
from tests.processes import ROOT, run_python


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


class OnlyWrites:
    """A stream without ``isatty`` and ``flush``, as programs with windows put in place."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text


class Broken(io.StringIO):
    def write(self, _: str, /) -> int:
        raise BrokenPipeError(32, "Broken pipe")


class GoneTerminal(Broken):
    """A terminal whose window was closed."""

    def isatty(self) -> bool:
        return True


class Window(Broken):
    """Of a program, which raises errors of its own."""

    isatty = None  # type: ignore[assignment]  # some programs have such streams

    def write(self, _: str, /) -> int:
        raise RuntimeError("main thread is not in main loop")


STREAMS: dict[str, Callable[[], Any]] = {
    "none": lambda: None, "closed": closed, "only writes": OnlyWrites, "broken pipe": Broken,
    "no stream at all": object, "bytes": io.BytesIO, "gone": GoneTerminal, "window": Window,
    "ascii": lambda: io.TextIOWrapper(io.BytesIO(), "ascii"),
}  # fmt: skip


@pytest.mark.parametrize("kind", STREAMS)
def test_no_stream_ends_the_work(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, STREAMS[kind]())
    assert terminal.is_terminal(sys.stdout) == (kind == "gone")
    X, y = np.eye(4, dtype="f"), np.arange(4)
    history = nn.Trainer([nn.Dense(4)], progress=True).fit(X, y, epochs=2)
    assert len(history) > 0
    one, two = np.ones((4, 1)), np.zeros((4, 1))
    nn.gradient_descent(X, one, two, np.zeros(1), 0.1, 1, 4, nn.mse_loss)
    monkeypatch.setattr(announcements._state, "printed", set())
    announcements.nothing_is_kept("für nichts")


@pytest.mark.parametrize("error", [ValueError("closed"), RuntimeError("no window"), OSError()])
def test_a_warning_that_cannot_be_shown(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def show(*_: object, **__: object) -> None:
        raise error

    X, y = np.eye(4, dtype="f"), np.arange(4)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        monkeypatch.setattr(warnings, "_showwarnmsg", show)
        nn.Trainer([nn.Dense(4, "softmax")], progress=False).fit(X, y)
        warnings.simplefilter("error")
        with pytest.raises(nn.TrainingHint, match="^fit: softmax_cross_entropy expects scores"):
            nn.Trainer([nn.Dense(4, "softmax")], progress=False).fit(X, y)


def test_the_command_with_closed_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    need_module("typer")
    from neural_network.cli.app import main

    monkeypatch.setattr(sys, "argv", ["neural-network", "summary", "nothing.safetensors"])
    for name in ("stdout", "stderr"):
        stream = io.TextIOWrapper(io.BytesIO())
        stream.close()
        monkeypatch.setattr(sys, name, stream)
    with pytest.raises(SystemExit, match="^2$"):
        main()


def test_what_a_stream_can_take_is_written() -> None:
    stream = OnlyWrites()
    terminal.write_line(stream, "one")
    assert stream.text == "one\n"
    raw = io.BytesIO()
    text = io.TextIOWrapper(raw, "ascii", newline="\n")
    terminal.write_line(text, "loss ≥ 1")
    assert raw.getvalue() == b"loss \\u2265 1\n"


@pytest.mark.parametrize("streams", [">&-", "2>&-", ">&- 2>&- <&-"])
def test_the_command_without_streams(streams: str, tmp_path: Path) -> None:
    need_module("typer")

    command = f'"{sys.executable}" -m neural_network'
    for words, code in [("filters", 0), ("summary nothing.safetensors", 2)]:
        done = subprocess.run(
            f"{command} {words} {streams}", shell=True, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert "neural-network: " not in done.stdout  # an error never goes among the results


NOWHERE = """
import os, sys, tempfile
folder = tempfile.mkdtemp(); os.chdir(folder); os.rmdir(folder)
import numpy as np, neural_network as nn
images, labels = nn.load_mnist("test")
with nn.use_kernels("numpy"):
    found = nn.models.load_tiny_cnn().predict(images[:9, None] / 255).argmax(1)
with nn.use_kernels(KERNELS):
    assert nn.max_pool2d(np.ones((1, 1, 4, 4), "f"), 2).sum() == 4
print(found == labels[:9])
for call in (
    lambda: nn.save_arrays("model.safetensors", {"a": np.ones(2)}), lambda: nn.load("model.safetensors"),
    lambda: nn.load_mnist("train", "full", path="data"), lambda: nn.read_idx("digits"),
    lambda: nn.load_image_folder("pictures"), lambda: nn.load_picture("a.png"),
    lambda: nn.Trainer([nn.Dense(2)], callbacks=[nn.CSVLog("log.csv")]).fit([[1.0]], [0]),
    lambda: nn.Trainer([nn.Dense(2)], callbacks=[nn.Checkpoint("a")]).fit([[1.0]], [0]),
):
    try: call()
    except (nn.NeuralNetworkError, FileNotFoundError) as error: print(type(error).__name__, error)
""".replace("KERNELS", "'numba'" if available() else "'auto'")


@pytest.mark.skipif(
    sys.version_info[:3] == (3, 13, 0),
    reason="Python 3.13.0 raises SystemError where NumPy is imported in a folder that was removed",
)
def test_a_folder_that_was_removed_under_the_process() -> None:
    done = run_python("-c", NOWHERE)
    assert done.returncode == 0, done.stderr
    first, *errors = done.stdout.splitlines()
    assert "False" not in first
    assert len(errors) == 8
    named = ("model.saf", "model.saf", "data", "digits", "pictures", "a.png", "log.csv", "a")
    for name, error in zip(named, errors, strict=True):
        assert name in error


IN_ARCHIVE = """
import numpy as np, neural_network as nn
print("library.zip" in nn.__file__)
images, labels = nn.load_mnist("test")
print(len(nn.load_mnist()[0]), len(images))
with nn.use_kernels("numpy"):
    found = nn.models.load_tiny_cnn().predict(images[:9, None] / 255).argmax(1)
print((found == labels[:9]).sum())
with nn.use_kernels(KERNELS):
    print(nn.max_pool2d(np.ones((1, 1, 4, 4), "f"), 2).sum())
""".replace("KERNELS", "'numba'" if available() else "'auto'")


def test_inside_an_archive(tmp_path: Path) -> None:
    root = Path(nn.__file__).parent
    with ZipFile(tmp_path / "library.zip", "w") as archive:
        for file in root.rglob("*"):
            if file.suffix in (".py", ".gz", ".safetensors"):
                archive.write(file, file.relative_to(root.parent))
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'library.zip')!r})\n{IN_ARCHIVE}"
    done = run_python("-c", code, cwd=tmp_path, env=dict(os.environ, PYTHONPATH=""))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True", "5000 1000", "9", "4.0"]


def test_the_repository_holds_no_compiled_code_and_no_odd_names() -> None:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no git, or no repository")
    command = [git, "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = listed.stdout.split("\0")[:-1]
    assert len(names) > 100
    assert [name for name in names if not re.fullmatch(r"[\w./-]+", name)] == []
    assert [name for name in names if name.endswith((".nbc", ".nbi", ".pyc", ".so"))] == []
