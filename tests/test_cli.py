"""The command as its users meet it: a process, its output, its exit code."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import neural_network as nn


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """Run the command in an empty folder, with a screen 200 columns wide."""

    def call(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "neural_network", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            env={**os.environ, "COLUMNS": "200", "MPLBACKEND": "Agg", **options},
        )

    return call


def files(folder: Path) -> list[str]:
    return sorted(
        path.name
        for path in folder.rglob("*")
        if path.is_file() and "cache" not in str(path.relative_to(folder))
    )


def test_the_articles_example(run: Any, tmp_path: Path) -> None:
    done = run("features")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:2] == ["Input Image Shape: (28, 28)", "Feature Map Shape: (26, 26)"]
    assert files(tmp_path) == ["feature_maps.png"]
    with Image.open(tmp_path / "feature_maps.png") as picture:
        assert picture.width > 500


def test_every_option(run: Any, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((40, 30, 3), "uint8")).save(tmp_path / "photo.jpg")
    done = run("features", "--picture", "photo.jpg", "-f", "-1,0,1;-1,0,1;-1,0,1", "--filter=1,1",
               "-f", "sobel-x", "--stride", "2,1", "--padding", "1,0", "--flip", "--save", "out.svg")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "Input Image Shape: (40, 30)",
        "Feature Map Shape (filter 1): (20, 28)",
        "Feature Map Shape (filter 2): (21, 29)",
        "Feature Map Shape (sobel-x): (20, 28)",
        "Saved: out.svg",
    ]
    assert (tmp_path / "out.svg").exists()


def test_filters_lists_them_all(run: Any) -> None:
    done = run("filters")
    assert done.returncode == 0
    for name, (_, shows) in nn.FILTERS.items():
        assert name in done.stdout
        assert shows.split()[0] in done.stdout


def test_help_of_everything(run: Any) -> None:
    for verb in ("features", "filters", "demo"):
        assert verb in run("--help").stdout
        assert run(verb, "--help").returncode == 0


MISTAKES = [
    (["features", "--digit", "5000"], "features: --digit: expected a number from 0 to 4999, received 5000"),
    (["features", "--digit", "-1"], "features: --digit: expected a number from 0 to 4999, received -1"),
    (["features", "--digit", "five"], "Invalid value for '--digit'"),
    (["features", "--digit", "1", "--picture", "photo.png"], "--digit and --picture: expected one, received both"),
    (["features", "--picture", "nothing.png"], "nothing.png"),
    (["features", "--picture", "text.png"], "text.png: not a picture that can be read"),
    (["features", "--picture", "."], "expected a picture file, received a folder"),
    (["features", "-f", "blurr"], "named_filter: name: expected one of edges, horizontal"),
    (["features", "-f", "1,2;3"], "features: --filter: expected rows of equal length, received '1,2;3'"),
    (["features", "-f", "1,x"], "features: --filter: expected a name or numbers such as"),
    (["features", "-f", "1,nan"], "features: --filter: expected finite numbers"),
    (["features", "-f", "mean", "-f", "mean"], "features: --filter: expected each once, received 'mean' twice"),
    (["features", "--stride", "0"], "conv2d: stride: expected a whole number of at least 1, received 0"),
    (["features", "--stride", "1.5"], "features: --stride: expected a whole number or two, such as 2 or 2,1, received '1.5'"),
    (["features", "--padding", "full"], "features: --padding: expected valid, same, a whole number or two"),
    (["features", "--padding", "-1"], "conv2d: padding: expected a whole number of at least 0, received -1"),
    (["features", "--save", "no/such/folder.png"], "cannot write no/such/folder.png: No such file or directory"),
    (["features", "--save", "text.png/a.png"], "cannot write text.png/a.png: Not a directory"),
    (["features", "--save", "/proc/a.png"], "cannot write /proc/a.png"),
    (["features", "--save", "a.xyz"], "features: --save: expected an ending of"),
    (["features", "--save", "text.png"], "text.png exists already; --force overwrites"),
    (["features", "--show"], "features: --show: expected a screen and a window toolkit, found none"),
    (["demo", "--save", "text.png"], "cannot make the folder text.png"),
    (["features", "--unknown"], "No such option"),
    (["nothing"], "No such command"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "text"), MISTAKES, ids=[" ".join(a) for a, _ in MISTAKES])
def test_mistakes_end_with_2_a_sentence_and_no_file(
    run: Any, tmp_path: Path, arguments: list[str], text: str
) -> None:
    (tmp_path / "text.png").write_text("this is a text")
    done = run(*arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert files(tmp_path) == ["text.png"]
    assert (tmp_path / "text.png").read_text() == "this is a text"


def test_force_overwrites(run: Any, tmp_path: Path) -> None:
    (tmp_path / "feature_maps.png").write_text("old")
    assert run("features", "--force").returncode == 0
    assert (tmp_path / "feature_maps.png").stat().st_size > 1000


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_on_a_terminal_it_asks(run: Any, tmp_path: Path, answer: str, code: int) -> None:
    (tmp_path / "feature_maps.png").write_text("old")
    keyboard, terminal = pty.openpty()
    os.write(keyboard, f"{answer}\n".encode())
    done = run("features", stdin=terminal)
    os.close(keyboard)
    os.close(terminal)
    assert "feature_maps.png exists already. Overwrite?" in done.stdout
    assert done.returncode == code
    assert ((tmp_path / "feature_maps.png").stat().st_size > 1000) == (answer == "y")


def test_demo(run: Any, tmp_path: Path) -> None:
    done = run("demo", "--save", "made")
    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == ["exercise_4.png", "feature_maps.png", "loss_curve.png", "mlp_2layer.safetensors"]  # fmt: skip
    for name in files(tmp_path):
        assert f"made/{name}" in done.stdout
    reached = float(done.stdout.split("hand-made gradients: ")[1].split("%")[0])
    assert reached >= 90
    parameters = nn.load_arrays(tmp_path / "made" / "mlp_2layer.safetensors")
    images, labels = nn.load_mnist("test")
    X = images.reshape(len(images), -1).astype("float32") / 255
    share = nn.accuracy(nn.forward_mlp(X, **parameters)[1], labels)
    assert f"{share:.1%}" == f"{reached}%"
    again = run("demo", "--save", "made")
    assert again.returncode == 2
    assert "--force overwrites" in again.stderr


def test_without_the_extra_the_command_says_so(run: Any, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError(name='typer')")
    done = run("features", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "pip install 'neural-network-numpy[cli]'" in done.stderr
    assert "Traceback" not in done.stderr
