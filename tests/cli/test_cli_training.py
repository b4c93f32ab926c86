"""The commands that train, go on, measure and predict, as their users meet them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import neural_network as nn
from neural_network.cli.changes import CHANGES, augmentation
from neural_network.cli.settings import (
    SETTINGS,
    Settings,
    checked_settings,
    option,
    read_settings,
    write_settings,
)
from neural_network.datasets.augmentation.augment import AUGMENTATIONS
from neural_network.models import MODELS
from tests.cli.folders import MADE, ONE_THREAD, QUICK, a_folder, files
from tests.processes import HANGS, output_of, run_python, start_python

LONG = ["train", "--model", "mlp", "--epochs", "4", "--augment", "shift=1"]
LONG += ["--average", "0.9", "--optimizer", "sgd", "--schedule", "step"]


def test_train_writes_what_it_lists_and_the_model_is_as_good_as_it_says(
    run_here: Any,
    tmp_path: Path,
) -> None:
    done = run_here("train", *QUICK)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == MADE
    for name in MADE:
        assert f"run/{name}" in done.stdout
    assert "4,500 pictures to learn from, 500 held out" in done.stdout
    images, labels = nn.load_mnist("test")
    model = nn.load(tmp_path / "run" / "model.safetensors")
    share = nn.accuracy(model.predict(images[:, None] / np.float32(255)), labels)
    assert f"{share:.1%} of 1,000 test pictures right." in done.stdout
    assert 0.8 < share < 0.95
    log = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert log[0] == "epoch,loss,accuracy,validation_loss,validation_accuracy"
    assert len(log) == 3
    with Image.open(tmp_path / "run" / "history.png") as picture:
        assert picture.width > 600
    evaluated = run_here("evaluate", "run/model.safetensors")
    assert f"{share:.1%} of 1,000 pictures right" in evaluated.stdout


@pytest.mark.slow
def test_the_defaults_learn_the_digits(run: Any) -> None:
    done = run("train")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split("% of 1,000 test")[0].split()[-1]) >= 97


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: Any) -> Path:
    """The folder of an uninterrupted training."""
    folder: Path = tmp_path_factory.mktemp("unbroken")
    done = run_python(
        "-m", "neural_network", *LONG, "--out", "whole", cwd=folder, env=os.environ | ONE_THREAD
    )
    assert done.returncode == 0, done.stderr
    return folder / "whole"


# The command, which waits inside its second epoch until it reads a line.
WAITING = """
import sys
from neural_network import Trainer
from neural_network.__main__ import main
train_step = Trainer.train_step
def wait_once(self, batch):
    if self.epoch == 1 and self.batch == 20:
        print("inside a step", file=sys.__stdout__, flush=True)
        sys.stdin.readline()
    return train_step(self, batch)
Trainer.train_step = wait_once
main()
"""


@pytest.mark.slow
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_stopped_training_ends_as_an_unbroken_one(
    run: Any,
    tmp_path: Path,
    unbroken: Path,
    kill: signal.Signals,
) -> None:
    process = start_python(
        "-c", WAITING, *LONG, "--out", "broken run", cwd=tmp_path,
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | ONE_THREAD,
    )  # fmt: skip
    assert process.stdout is not None
    assert "held out" in process.stdout.readline()
    assert process.stdout.readline() == "inside a step\n"
    process.send_signal(kill)
    _, said = process.communicate("" if kill == signal.SIGKILL else "go on\n", timeout=HANGS)
    assert not (tmp_path / "broken run" / "model.safetensors").exists()
    if kill != signal.SIGKILL:
        assert process.returncode == 128 + kill
        assert "epoch 1/4" in said
        assert "stopped " in said
        assert "saved broken run/checkpoint.safetensors" in said
        assert "neural-network resume 'broken run' goes on from here" in said
        assert "fit(" not in said
        assert "Traceback" not in said
    resumed = run("resume", "broken run")
    assert resumed.returncode == 0, resumed.stderr
    assert "epoch 1/4" not in resumed.stderr
    assert "epoch 2/4" in resumed.stderr
    for name in ("settings.toml", "log.csv", "history.png", "model.safetensors"):
        whole, broken = unbroken / name, tmp_path / "broken run" / name
        assert whole.read_bytes() == broken.read_bytes(), name


def test_options_win_over_the_file_which_wins_over_the_defaults(
    run_here: Any,
    tmp_path: Path,
) -> None:
    (tmp_path / "mine.toml").write_text(
        'model = "perceptron"\nepochs = 3\nbatch-size = 250\nseed = 5\nvalidation = 0\n'
        'schedule = "cosine"\nlearning-rate = 1\noptimizer = "sgd"\nout = "made"\n'
        'save = "best.safetensors"\n'
    )
    assert run_here("train", "mine.toml", "--epochs", "1", "--weight-decay", "0.01").returncode == 0
    expected = {
        "model": "perceptron", "data": "mnist", "size": 0, "epochs": 1, "batch_size": 250,
        "optimizer": "sgd", "learning_rate": 1.0, "schedule": "cosine", "weight_decay": 0.01,
        "augment": "none", "validation": 0, "seed": 5, "average": 0.0,
        "save": str(tmp_path / "best.safetensors"), "grey": False, "prepare": "resize",
        "early_stopping": 0, "class_weights": "none", "threads": 0,
    }  # fmt: skip
    assert read_settings(tmp_path / "made" / "settings.toml") == expected
    header = (tmp_path / "made" / "log.csv").read_text().splitlines()[0]
    assert header == "epoch,loss,accuracy"
    assert (tmp_path / "best.safetensors").exists()
    # What was written is itself a file to train by; and --config is the argument.
    (tmp_path / "best.safetensors").rename(tmp_path / "first.safetensors")
    again = run_here("train", "--config", "made/settings.toml", "--out", "again")
    assert again.returncode == 0, again.stderr
    same = [(tmp_path / name).read_bytes() for name in ("best.safetensors", "first.safetensors")]
    assert same[0] == same[1]


def test_any_setting_comes_back(tmp_path: Path) -> None:
    odd = 'a "b" \\ \t ü 🙂 \x7f'
    settings = Settings(data=odd, learning_rate=1e-5, seed=2**62, average=0.999)
    write_settings(tmp_path / "s.toml", settings)
    found = read_settings(tmp_path / "s.toml")
    assert Settings(**found) == settings
    assert set(found) == set(SETTINGS) - {"out", "save"}


def test_every_optimizer_has_a_rate_of_its_own() -> None:
    for name in nn.OPTIMIZERS:
        assert (
            checked_settings({"optimizer": name}).learning_rate == nn.OPTIMIZERS[name].typical_rate
        )


def test_a_folder_of_ones_own_pictures(run_here: Any, tmp_path: Path) -> None:
    folder = a_folder(tmp_path / "bars")
    arguments = ["train", "--data", "bars", "--epochs", "8", "--batch-size", "4"]
    done = run_here(*arguments, "--model", "mlp", "--validation", "0.3")
    assert done.returncode == 0, done.stderr
    # Of 18 pictures 5: of two classes two of six, of one class one.
    assert "13 pictures to learn from, 5 held out" in done.stdout
    assert "test pictures" not in done.stdout
    assert nn.load(tmp_path / "run" / "model.safetensors").input_shape == (1, 12, 12)
    evaluated = run_here("evaluate", "run/model.safetensors", "--data", "bars", "--save", "c.png")
    assert evaluated.returncode == 0, evaluated.stderr
    assert "100.0% of 18 pictures right" in evaluated.stdout
    assert "bar 2" in evaluated.stdout
    with Image.open(tmp_path / "c.png") as picture:
        assert picture.width > 300
    # The training set is found again from elsewhere: the settings hold its whole path.
    assert read_settings(tmp_path / "run" / "settings.toml")["data"] == str(folder)
    sized = run_here(*arguments, "--model", "perceptron", "--size", "8", "--out", "small")
    assert sized.returncode == 0, sized.stderr
    assert nn.load(tmp_path / "small" / "model.safetensors").input_shape == (1, 8, 8)


@pytest.mark.parametrize("name", MODELS)
def test_summary(run_here: Any, tmp_path: Path, name: str) -> None:
    model = MODELS[name](rng=0)
    nn.save(model, tmp_path / "m.safetensors")
    for argument in (name, "m.safetensors"):
        assert run_here("summary", argument).stdout == f"{model.summary()}\n"


EVERY_FUNCTION = """
import importlib, pkgutil
from neural_network import functional
for module in pkgutil.walk_packages(functional.__path__, "neural_network.functional."):
    importlib.import_module(module.name)
from neural_network.functional.op import all_samples
print(*(function.__name__ for function in all_samples()))
"""


@pytest.mark.slow
def test_check(run: Any) -> None:
    done = run("check")
    assert done.returncode == 0, done.stderr
    # Those of a new process: here, tests and examples in docstrings have made ops of their own.
    names = output_of(EVERY_FUNCTION).split()
    for name in names:
        assert f"  {name} " in done.stdout
    assert "batch_norm" in names
    assert f"The gradients of {len(names)} functions agree" in done.stdout
    assert "NO" not in done.stdout


@pytest.mark.slow
def test_check_finds_a_wrong_gradient(tmp_path: Path) -> None:
    code = (
        "import sys, neural_network as nn\n"
        "nn.gradient(nn.relu, 'Z')(lambda g, Z: g * (Z > 0) * 1.001)\n"
        "sys.argv[1:] = ['check']\n"
        "from neural_network.cli.app import main\nmain()\n"
    )
    done = run_python("-c", code)
    assert done.returncode == 1, done.stderr
    assert "or without samples: relu." in done.stdout


def test_without_the_shipped_weights_predict_says_so(monkeypatch: Any, tmp_path: Path) -> None:
    from neural_network.models import pretrained

    monkeypatch.setattr(pretrained, "WEIGHTS", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"load_tiny_cnn: expected the trained weights in"):
        nn.models.load_tiny_cnn()
    nn.save(nn.models.tiny_cnn(rng=0), tmp_path / "tiny_cnn.safetensors")
    assert nn.models.load_tiny_cnn().input_shape == (1, 28, 28)


@pytest.mark.parametrize("columns", ["200", "80"])
def test_help_of_train(run_here: Any, monkeypatch: Any, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    shown = run_here("train", "--help").stdout
    for name in SETTINGS:
        assert f"--{option(name)}" in shown
    for name, written in CHANGES.items():
        assert written in shown
        change = augmentation("train", "--augment", written)
        assert change is not None
        assert [type(step).__name__.lower() for step in change.steps] == [name]
    assert CHANGES.keys() == {name.lower() for name in AUGMENTATIONS}


SHOWN = {
    "model": "tiny_cnn", "data": "mnist", "size": "as they are", "epochs": "4", "batch-size": "16",
    "optimizer": "adam", "learning-rate": "that of the optimizer; 0.01 for adam",
    "schedule": "one-cycle", "weight-decay": "0.0", "augment": "none", "validation": "0.1",
    "seed": "0", "average": "0, none", "out": "run", "save": "OUT/model.safetensors",
    "grey": "colours, where a folder has some", "prepare": "auto", "early-stopping": "0, never",
    "class-weights": "none", "threads": "0, all",
}  # fmt: skip


def test_the_help_of_train_shows_defaults(run_here: Any) -> None:
    shown = run_here("train", "--help").stdout
    text = " ".join(re.sub("[│╭╮╰╯─]", " ", shown).split())
    assert {option(name) for name in SETTINGS} == set(SHOWN)
    for name, default in SHOWN.items():
        row = re.split(rf" --{name}[ ,]", text)[1]
        assert row.split("[default: ")[1].strip("()] ").startswith(default)
