"""Words in wrong places, words of other programs, and near misses: the line to type is shown."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import neural_network as nn
from neural_network.cli.other_programs import OPTIONS
from neural_network.cli.settings import SETTINGS, option
from tests.cli.folders import QUICK, a_folder, files

MEANT = {
    "train fruit": "train --data fruit",
    "train mnist": "train --data mnist",
    "train lenet5": "train --model lenet5",
    "train epochs=3": "train --epochs 3",
    "train fruit batch-size=3 --lr 0.1": "train --data fruit --batch-size 3 --lr 0.1",
    "predict": "predict photo.jpg",
    "predict m.safetensors": "predict photo.jpg --model m.safetensors",
    "predict m.safetensors a.png": "predict a.png --model m.safetensors",
    "predict a.png m.safetensors --all": "predict a.png --model m.safetensors --all",
    "predict tiny_cnn a.png": "predict a.png --model tiny_cnn",
    "predict --data fruit": "predict fruit",
    "evaluate": "evaluate run/model.safetensors",
    "evaluate fruit": "evaluate run/model.safetensors --data fruit",
    "evaluate fruit m.safetensors": "evaluate m.safetensors --data fruit",
    "evaluate m.safetensors fruit": "evaluate m.safetensors --data fruit",
    "evaluate m.safetensors a.png": "predict a.png --model m.safetensors",
    "evaluate --model m.safetensors": "evaluate m.safetensors",
    "evaluate mnist": "evaluate run/model.safetensors --data mnist",
    "resume": "resume run",
    "summary": "summary tiny_cnn",
    "summary m.safetensors fruit": "evaluate m.safetensors --data fruit",
    "export m.safetensors": "export m.safetensors model.onnx",
    "new": "new my-pictures",
    "demo here": "demo --save here",
    "features edges": "features --filter edges",
    "features 5": "features --digit 5",
    "filters edges": "features --filter edges",
    "m.safetensors a.png": "predict a.png --model m.safetensors",
    "a.png": "predict a.png",
    "fruit": "train --data fruit",
    "settings.toml": "train settings.toml",
    "fit --data fruit": "train --data fruit",
    "eval m.safetensors": "evaluate m.safetensors",
    "classify a.png": "predict a.png",
}
TOLD = {
    "train --epoch 3": "--epochs",
    "train --batchsize 3": "--batch-size",
    "train --batch_size 3": "--batch-size",
    "train --learningrate 3": "--learning-rate",
    "train --patience 3": "here: --early-stopping",
    "train --model mlp --pretrained": "here: --model, which is there already",
    "train --pretrained --out o": "here: --model\n",
    "train --output x": "here: --out",
    "train --gpu": "it computes on the processor",
    "train --resume": "neural-network resume run",
    "train --data frut": "did you mean fruit?",
    "train --data fashion": "did you mean fashion-mnist?",
    "train --data fruit/bar\\ 0": "if bar 0 is one of the classes, pass ",
    "train --data fruit --augment shift=2,rotat=1": "did you mean rotate?",
    "features a.png --filter edgs": "did you mean edges?",
    "train --model tiny_cn": "here: 'tiny_cnn'",
    "train --optimizer adm": "here: 'adam'",
    "predict a.pgn": "did you mean a.png?",
    "predict --weights m.safetensors a.png": "here: --model",
    "evaluate tiny_cm": "did you mean tiny_cnn?",
    "evaluate m.safetensor": "did you mean m.safetensors?",
    "trian": "train",
    "train --quite": "--quiet",
    "--verison": "--version",
    "-v": "here: --version",
    "help train": "here: neural-network train --help\n",
    "help": "here: neural-network --help\n",
    "predict fruit --output a.csv": "here: --csv\n",
    "plot": 'here: in Python nn.visual.show_history("run/log.csv")',
    "slides": "here: in Python nn.visual.slides(",
    "resume nothing": "received nothing, which does not exist",
    "resume fruit": "received fruit, which has no settings.toml",
    "train --data frit/bar": "which does not exist; did you mean fruit?",
}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    a_folder(tmp_path / "fruit", classes=2)
    nn.save(nn.models.load_tiny_cnn(), tmp_path / "m.safetensors")
    Image.new("L", (28, 28)).save(tmp_path / "a.png")
    (tmp_path / "settings.toml").write_text("epochs = 1\n")
    return tmp_path


def test_the_line_that_is_meant(run_here: Any, work: Path) -> None:
    before = files(work)
    for typed, meant in MEANT.items():
        done = run_here(*shlex.split(typed))
        assert done.returncode == 2, typed
        assert done.stdout == "", typed
        assert f"neural-network {meant}" in done.stderr.splitlines()[-1], (typed, done.stderr)
    assert files(work) == before


def test_near_misses_and_words_of_others(run_here: Any, work: Path) -> None:
    before = files(work)
    for typed, told in TOLD.items():
        done = run_here(*shlex.split(typed))
        assert done.returncode == 2, typed
        assert told in done.stderr, (typed, done.stderr)
        assert len(done.stderr.splitlines()[-1]) <= 530
    assert files(work) == before


def test_right_lines_get_no_other(run_here: Any, work: Path) -> None:
    """Errors about something else than the places of words."""
    (work / "bad.png").write_text("no picture")
    for typed in (
        "predict bad.png", "predict bad.png --model m.safetensors", "train --epochs 0",
        "train settings.toml --lr -1", "evaluate m.safetensors --data fruit", "train --epochs",
        "predict --model", "export m.safetensors a.xyz", "features a.png --filter none",
    ):  # fmt: skip
        done = run_here(*shlex.split(typed))
        assert done.returncode == 2, typed
        assert "did you mean" not in done.stderr.lower(), (typed, done.stderr)


def test_options_of_others_stand_for_options_there_are() -> None:
    ours = {f"--{option(name)}" for name in SETTINGS}
    ours |= {"--force", "--quiet", "--colour", "--filter", "--all", "--picture", "--version"}
    assert set(OPTIONS.values()) <= ours
    assert not set(OPTIONS) & ours


def test_a_training_that_has_not_ended(run_here: Any, work: Path) -> None:
    """Which file holds its state, and how to go on."""
    assert run_here("train", *QUICK, "--data", "fruit", "--no-picture").returncode == 0
    for typed in ("predict a.png --model run", "evaluate run", "summary run", "export run x.onnx"):
        done = run_here(*shlex.split(typed))
        assert done.returncode == 2
        assert "did you mean run/model.safetensors?" in done.stderr
    assert "--model run/model.safetensors" in run_here("predict", "run", "a.png").stderr
    checkpoint = run_here("evaluate", "run/checkpoint.safetensors")
    assert "a checkpoint; did you mean run/model.safetensors?" in checkpoint.stderr
    (work / "run" / "model.safetensors").unlink()
    for typed in (
        "predict a.png --model run", "evaluate run", "summary run", "export run x.onnx",
        "predict a.png --model run/model.safetensors", "evaluate run/checkpoint.safetensors",
    ):  # fmt: skip
        done = run_here(*shlex.split(typed))
        assert done.returncode == 2
        assert "run/checkpoint.safetensors holds its state, and neural-network resume run goes on" in done.stderr  # fmt: skip
    for out in (".", "elsewhere"):
        assert "did you mean run?" in run_here("resume", out).stderr
    done = run_here("resume", "run/checkpoint.safetensors")
    assert "did you mean run?\n" in done.stderr
    assert run_here("resume", "run", "--no-picture").returncode == 0
    assert (work / "run" / "model.safetensors").is_file()


class Own(nn.Layer):
    """A layer that the command does not know."""

    def forward(self, X: Any) -> Any:
        return X.reshape(len(X), -1)[:, :10]


def test_a_model_with_a_layer_of_ones_own(run_here: Any, work: Path) -> None:
    nn.save(nn.Sequential(Own()).initialize((1, 28, 28)), work / "own")
    for typed in ("predict a.png --model own", "evaluate own", "summary own", "export own a.onnx"):
        done = run_here(*shlex.split(typed))
        assert done.returncode == 2
        assert "own: 'Own' is a layer of your own, which the command does not know" in done.stderr
        assert "nn.load('own', layers={'Own': Own}).predict(X)" in done.stderr
    numbers = nn.models.perceptron(rng=0)
    numbers.flat_parameters()[0] = float("nan")
    nn.save(numbers, work / "nan", allow_nonfinite=True)
    done = run_here("predict", "a.png", "--model", "nan")
    assert "train again with a smaller --learning-rate" in done.stderr
    assert "allow_nonfinite" not in done.stderr


def test_quiet_says_nothing_of_compiling(monkeypatch: Any, capsys: Any) -> None:
    from neural_network.cli.output import Report
    from neural_network.kernels.runtime import announcements

    monkeypatch.setattr(announcements, "_state", announcements._State())
    Report(quiet=True)
    announcements.nothing_is_kept("why")
    assert capsys.readouterr().err == ""
    Report()
    announcements.nothing_is_kept("why")
    announcements.nothing_is_kept("why")
    assert capsys.readouterr().err.count("compiled kernels cannot be kept") == 1


def test_long_work_is_told_in_a_pipe(monkeypatch: Any, capsys: Any) -> None:
    from neural_network.cli import output

    monkeypatch.setattr(output, "UNTIL_A_LINE", 0.0)
    report = output.Report()
    assert list(report.progress("abc", "checking")) == list("abc")
    assert capsys.readouterr().err == "checking: 0 of 3 …\n"
    with report.status("drawing") as _:
        import time

        time.sleep(0.05)
    assert capsys.readouterr().err == "drawing …\n"
    quiet = output.Report(quiet=True)
    assert list(quiet.progress("abc", "checking")) == list("abc")
    with quiet.status("drawing"):
        time.sleep(0.02)
    assert capsys.readouterr().err == ""
    output.Report()
