"""The command as its users meet it: a process, its output, its exit code."""

from __future__ import annotations

import os
import pty
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import neural_network as nn
from tests.cli.folders import files
from tests.processes import HANGS, run_python


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
               "-f", "Sobel x", "--stride", "2,1", "--padding", "1,0", "--flip", "--save", "out.svg")  # fmt: skip
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


def test_help_of_everything(run_here: Any) -> None:
    for verb in ("features", "filters", "demo", "new", "train", "resume", "evaluate", "predict",
                 "summary", "export", "check"):  # fmt: skip
        assert verb in run_here("--help").stdout
        assert run_here(verb, "--help").returncode == 0


MISTAKES = [
    (["features", "--digit", "5000"], "features: --digit: expected a number from 0 to 4999, received 5000"),
    (["features", "--digit", "-1"], "features: --digit: expected a number from 0 to 4999, received -1"),
    (["features", "--digit", "five"], "features: --digit: expected a whole number (Which training digit of MNIST, from 0), received 'five'"),
    (["features", "--digit", "1", "--picture", "photo.png"], "--digit and --picture: expected one, received both"),
    (["features", "photo.png", "--picture", "photo.png"], "PICTURE and --picture: expected one, received both"),
    (["features", "text.png"], "text.png: not a picture that can be read"),
    (["features", "--picture", "nothing.png"], "nothing.png"),
    (["features", "--picture", "text.png"], "text.png: not a picture that can be read"),
    (["features", "--picture", "."], "expected a picture file, received a folder"),
    (["features", "-f", "blurr"], "features: --filter: expected one of edges, horizontal"),
    (["features", "-f", "1,2;3"], "features: --filter: expected rows of equal length, received '1,2;3'"),
    (["features", "-f", "1,x"], "or numbers such as"),
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
    (["features", "--padding", "99999999999999999999999"], "conv2d: padding: expected a padded image of at most"),
    (["features", "-f", "1e308,1e308"], "features: filter 1: expected smaller numbers, its map overflows"),
    (["features", "--save", "a.pgf"], "features: --save: expected an ending of"),
    (["features", "--save", "folder.png"], "folder.png is a folder; expected the name of a file"),
    (["features", "--unknown"], "No such option"),
    (["nothing"], "No such command"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "text"), MISTAKES, ids=[" ".join(a) for a, _ in MISTAKES])
def test_mistakes_end_with_2_a_sentence_and_no_file(
    run_here: Any, tmp_path: Path, arguments: list[str], text: str
) -> None:
    (tmp_path / "text.png").write_text("this is a text")
    (tmp_path / "folder.png").mkdir()
    done = run_here(*arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert files(tmp_path) == ["text.png"]
    assert (tmp_path / "text.png").read_text() == "this is a text"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["cost$a$.png", "bad$\\foo$.png", b"bad\xff.png", "图.png", "x" * 90 + ".png"]
)
def test_any_name_can_be_a_title(run: Any, tmp_path: Path, name: Any) -> None:
    path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))  # noqa: PTH118
    with open(path, "wb") as file:
        Image.fromarray(np.zeros((9, 9), "uint8")).save(file, "PNG")
    done = run("features", "--picture", os.fsdecode(name))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_a_wrong_backend_in_the_environment(run: Any) -> None:
    assert run("features", MPLBACKEND="nosuch").returncode == 0
    shown = run("features", "--show", "--force", MPLBACKEND="nosuch")
    assert shown.returncode == 2
    assert "MPLBACKEND: " in shown.stderr


@pytest.mark.slow
def test_a_full_disk_while_saving_the_weights(tmp_path: Path) -> None:
    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    done = run_python("-m", "neural_network", "demo", cwd=tmp_path, preexec_fn=small_files)
    assert done.returncode == 2
    assert "cannot write demo/mlp_2layer.safetensors: File too large" in done.stderr
    assert "mlp_2layer.safetensors" not in files(tmp_path)


def test_demo_looks_where_it_will_write_before_it_trains(run: Any, tmp_path: Path) -> None:
    (tmp_path / "demo" / "mlp_2layer.safetensors").mkdir(parents=True)
    done = run("demo", "--force")
    assert done.returncode == 2
    assert "mlp_2layer.safetensors is a folder" in done.stderr
    assert files(tmp_path) == []


def test_version(run: Any) -> None:
    assert run("--version").stdout.strip() == nn.__version__


def test_defaults_are_shown(run: Any) -> None:
    shown = " ".join(run("features", "--help").stdout.split())  # versions of typer break it
    assert "0, the article's 5" in shown
    assert "edges" in shown


@pytest.mark.slow
def test_letters_that_the_terminal_lacks(run: Any) -> None:
    assert run("features", "--help", PYTHONIOENCODING="ascii").returncode == 0
    quick = ["--model", "perceptron", "--epochs", "1", "--out", "ä[/red]x"]
    done = run("train", *quick, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "[/red]x/history.png" in done.stdout


def test_without_standard_input_it_does_not_ask(tmp_path: Path) -> None:
    (tmp_path / "feature_maps.png").write_text("old")
    command = f"{sys.executable} -m neural_network features <&-"
    done = subprocess.run(
        command,
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANGS,
    )
    assert done.returncode == 2
    assert "--force overwrites" in done.stderr
    assert (tmp_path / "feature_maps.png").read_text() == "old"


def drawn(path: Path) -> Any:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).copy()


def test_the_figure_is_the_one_that_python_draws(run: Any, tmp_path: Path) -> None:
    """Digit, signs of typed numbers, stride, padding and flip reach the picture."""
    kernel = np.array([[-1, 0, 2]])
    arguments = ["--digit", "3", "-f", "-1,0,2", "--stride", "1,2", "--padding", "0,1", "--flip"]
    assert run("features", *arguments, "--save", "cli.png").returncode == 0
    images, labels = nn.load_mnist()
    figure = nn.visual.show_feature_maps(
        images[3].astype(float), {"filter 1": kernel}, stride=(1, 2), padding=(0, 1), flip=True,
        title=f"Digit: {labels[3]}",
    )  # fmt: skip
    nn.visual.save_figure(figure, tmp_path / "python.png")
    np.testing.assert_array_equal(drawn(tmp_path / "cli.png"), drawn(tmp_path / "python.png"))


def test_show_opens_a_window(monkeypatch: Any, tmp_path: Path) -> None:
    from matplotlib import pyplot as plt

    from neural_network.cli import features as verb

    shown = []
    monkeypatch.setattr(verb, "_use_backend", lambda show: None)
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.get_fignums()))
    verb.features(save=tmp_path / "a.png", show=True)
    assert shown == [[1]]


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


@pytest.mark.slow
def test_demo(run: Any, tmp_path: Path) -> None:
    made = tmp_path / "new" / "made"
    made.mkdir(parents=True)
    (made / "loss_curve.png").write_text("old")
    refused = run("demo", "--save", "new/made")  # one of its six files is there
    assert refused.returncode == 2
    assert "loss_curve.png exists already; --force overwrites" in refused.stderr
    assert files(tmp_path) == ["loss_curve.png"]

    done = run("demo", "--save", "new/made", "--force")
    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == ["cnn_history.png", "exercise_4.png", "feature_maps.png", "loss_curve.png", "mlp_2layer.safetensors", "tiny_cnn.safetensors"]  # fmt: skip
    for name in files(tmp_path):
        assert f"new/made/{name}" in done.stdout
    by_hand = float(done.stdout.split("hand-written gradients: ")[1].split("%")[0])
    by_trainer = float(done.stdout.split("by the Trainer: ")[1].split("%")[0])
    assert by_hand >= 90
    assert by_trainer >= 97
    images, labels = nn.load_mnist("test")
    X = images.reshape(len(images), -1).astype("float32") / 255
    parameters = nn.load_arrays(made / "mlp_2layer.safetensors")
    share = nn.accuracy(nn.forward_mlp(X, **parameters)[1], labels)
    assert f"{share:.1%}" == f"{by_hand}%"
    model = nn.load(made / "tiny_cnn.safetensors")
    assert f"{nn.accuracy(model.predict(X.reshape(-1, 1, 28, 28)), labels):.1%}" == f"{by_trainer}%"
    assert nn.load_notes(made / "tiny_cnn.safetensors")["classes"] == list("0123456789")
    five, label = nn.load_mnist()[0][0].astype(float), "Digit: 5"
    figure = nn.visual.show_feature_maps(five, ["horizontal", "vertical"], title=label)
    nn.visual.save_figure(figure, tmp_path / "expected.png")
    np.testing.assert_array_equal(drawn(made / "exercise_4.png"), drawn(tmp_path / "expected.png"))


def test_without_the_extra_the_command_says_so(run: Any, tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError(name='typer')")
    first = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = run("features", PYTHONPATH=first)
    assert done.returncode == 2
    assert 'pip install "neural-network-numpy[cli]"' in done.stderr
    assert "Traceback" not in done.stderr
