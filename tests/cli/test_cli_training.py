"""The commands that train, go on, measure and predict, as their users meet them."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import neural_network as nn
from neural_network.cli.settings import (
    CHANGES,
    KINDS_OF_VALUES,
    Settings,
    augmentation,
    checked_settings,
    option,
    read_settings,
    write_settings,
)
from neural_network.datasets.augmentation.augment import KINDS
from neural_network.functional.op import all_samples
from neural_network.models import MODELS
from tests.cli.folders import ONE_THREAD, a_folder, files, photograph
from tests.processes import HANGS, run_python, start_python

QUICK = ["--model", "perceptron", "--epochs", "2", "--batch-size", "100"]
LONG = ["train", "--model", "mlp", "--epochs", "4", "--augment", "shift=1"]
LONG += ["--average", "0.9", "--optimizer", "sgd", "--schedule", "step"]
MADE = ["checkpoint.safetensors", "history.png", "log.csv", "model.safetensors", "settings.toml"]


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
        assert picture.width > 800
    evaluated = run_here("evaluate", "run/model.safetensors")
    assert f"{share:.1%} of 1,000 pictures right" in evaluated.stdout


@pytest.mark.slow
def test_the_defaults_learn_the_digits(run: Any) -> None:
    done = run("train")
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split("% of 1,000 test")[0].split()[-1]) >= 97


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: Any) -> Path:
    """The folder of a training that nobody stopped."""
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
        print("inside a step", flush=True)
        sys.stdin.readline()
    return train_step(self, batch)
Trainer.train_step = wait_once
main()
"""


@pytest.mark.slow
@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGKILL])
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
    lines = [process.stdout.readline() for _ in range(3)]
    assert "held out" in lines[0]
    assert "epoch 1/4" in lines[1]
    assert lines[2] == "inside a step\n"
    process.send_signal(kill)
    _, said = process.communicate("" if kill == signal.SIGKILL else "go on\n", timeout=HANGS)
    assert not (tmp_path / "broken run" / "model.safetensors").exists()
    if kill == signal.SIGINT:
        assert process.returncode == 130
        assert "stopped " in said
        assert "saved broken run/checkpoint.safetensors" in said
        assert "neural-network resume 'broken run' goes on from here" in said
        assert "fit(" not in said
        assert "Traceback" not in said
    resumed = run("resume", "broken run")
    assert resumed.returncode == 0, resumed.stderr
    assert "epoch 1/4" not in resumed.stdout
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
        "save": str(tmp_path / "best.safetensors"),
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
    settings = Settings(data=odd, learning_rate=1e-5, seed=2**70, average=0.999)
    write_settings(tmp_path / "s.toml", settings)
    found = read_settings(tmp_path / "s.toml")
    assert Settings(**found) == settings
    assert set(found) == set(KINDS_OF_VALUES) - {"out", "save"}


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
    # Of each class, two of six.
    assert "12 pictures to learn from, 6 held out" in done.stdout
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


@pytest.mark.slow
def test_check(run: Any) -> None:
    done = run("check")
    assert done.returncode == 0, done.stderr
    # Those of documents that other tests ran have no module.
    ours = [f for f in all_samples() if str(f.__module__).startswith("neural_network.")]
    for function in ours:
        assert f"│ {function.__name__} " in done.stdout
    assert nn.batch_norm in ours
    assert f"The gradients of {len(ours)} functions agree" in done.stdout
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


MISTAKES = [
    (["train", "--model", "vgg"], "train: --model: expected one of"),
    (["train", "--data", "nowhere"], "train: --data: expected mnist, mnist-full, fashion-mnist, or a folder"),
    (["train", "--data", "one"], "train: --data: expected two classes or more, received 1"),
    (["train", "--data", "empty"], "/empty: expected a folder per class, received an empty folder"),
    (["train", "--data", "bars", "--model", "lenet5"], "train: --model lenet5: "),
    (["train", "--data", "sizes"], "like the pictures before it, received 4×6; --size 4 brings all to one size"),
    (["train", "--size", "20"], "train: --size: expected a folder as --data, received mnist"),
    (["train", "--size", "-1"], "train: --size: expected a whole number of at least 0, received -1"),
    (["train", "--epochs", "0"], "train: --epochs: expected a whole number of at least 1, received 0"),
    (["train", "--epochs", "2.5"], "Invalid value for '--epochs'"),
    (["train", "--batch-size", "0"], "train: --batch-size: expected a whole number of at least 1"),
    (["train", "--optimizer", "adm"], "train: --optimizer: expected one of"),
    (["train", "--learning-rate", "-1"], "train: --learning-rate: expected a finite number above 0"),
    (["train", "--learning-rate", "nan"], "train: --learning-rate: expected a finite number above 0"),
    (["train", "--schedule", "linear"], "train: --schedule: expected one of 'none', 'step'"),
    (["train", "--weight-decay", "-1"], "train: --weight-decay: expected a finite number from 0 up"),
    (["train", "--augment", "blur=2"], "train: --augment: expected none, or some of shift, rotate"),
    (["train", "--augment", "shift=x"], "train: --augment: expected the form shift=2, received 'shift=x'"),
    (["train", "--augment", "flip,shift"], "train: --augment: expected the form shift=2, received 'shift'"),
    (["train", "--augment", "shift=1.5"], "train: --augment: Shift: pixels: expected a whole number"),
    (["train", "--augment", "rotate=200"], "train: --augment: Rotate: degrees: expected a finite number from 0 to 180"),
    (["train", "--augment", "flip=1"], "train: --augment: expected the form flip, received 'flip=1'"),
    (["train", "--validation", "1"], "train: --validation: expected a finite number from 0 to 0.9"),
    (["train", "--seed", "-1"], "train: --seed: expected a whole number of at least 0"),
    (["train", "--average", "1"], "train: --average: expected a number below 1"),
    (["train", "--out", "text.png"], "--out: cannot make the folder text.png"),
    (["train", "--save", "no/such/m"], "train: --save: expected a file in a folder that exists"),
    (["train", "--save", "run/log.csv"], "train: --save: expected a file of its own"),
    (["train", "--save", "text.png"], "text.png exists already; --force overwrites"),
    (["train", "--save", "empty"], "empty is a folder; expected the name of a file"),
    (["train", "a.toml", "--config", "a.toml"], "train: FILE and --config: expected one, received both"),
    (["train", "nothing.toml"], "nothing.toml"),
    (["train", "text.png"], "text.png: not a TOML file"),
    (["resume", "empty"], "resume: OUT: expected a folder that `neural-network train` has made, received empty"),
    (["resume"], "Missing argument"),
    (["evaluate", "nothing.safetensors"], "nothing.safetensors"),
    (["evaluate", "text.png"], "text.png: not a whole safetensors file"),
    (["evaluate", "m", "--data", "nowhere"], "evaluate: --data: expected mnist"),
    (["evaluate", "m", "--data", "bars"], "evaluate: MODEL: expected a model with 2 outputs"),
    (["evaluate", "m", "--save", "c.xyz"], "evaluate: --save: expected an ending of"),
    (["evaluate", "m", "--save", "text.png"], "text.png exists already; --force overwrites"),
    (["evaluate", "flat"], "evaluate: MODEL: expected a model that reads pictures of shape (1, 28, 28)"),
    (["predict", "nothing.png", "--model", "m"], "nothing.png"),
    (["predict", "text.png", "--model", "m"], "text.png: not a picture that can be read"),
    (["predict", "seven.png", "--model", "flat"], "predict: --model: expected a model that reads"),
    (["predict", "white.png", "--model", "m"], "white.png: prepare_digit: picture: expected ink on paper"),
    (["predict", "white.png", "--model", "m", "--save", "a.xyz"], "predict: --save: expected an ending of"),
    (["predict", "white.png", "--model", "nothing"], "nothing"),
    (["predict", "seven.png", "--model", "a run"], "predict: --model: expected a model's file, received the folder a run; did you mean a run/model.safetensors?"),
    (["predict", "seven.png", "--model", "empty"], "predict: --model: expected a model's file, received the folder empty\n"),
    (["predict", "seven.png", "--model", "noted"], "noted: notes: pictures: expected how `neural-network train` prepares"),
    (["evaluate", "numbers"], "numbers: notes: classes: expected a list of names, received [1, 2]"),
    (["evaluate", "flat", "--data", "sizes"], "like the pictures before it, received 4×6\n"),
    (["evaluate", "misnamed"], "evaluate: MODEL: expected a model with 11 outputs"),
    (["predict", "seven.png", "--model", "misnamed"], "predict: --model: expected a model with an output for each of its 11 classes"),
    (["evaluate", "a run"], "evaluate: MODEL: expected a model's file, received the folder a run; did"),
    (["summary", "a run"], "summary: MODEL: expected a model's file, received the folder a run; did"),
    (["predict"], "Missing argument"),
    (["summary", "vgg"], "summary: MODEL: expected one of"),
    (["summary", "text.png"], "text.png: not a whole safetensors file"),
]  # fmt: skip


@pytest.fixture(scope="module")
def things(tmp_path_factory: Any) -> Path:
    """What the mistakes are made on."""
    folder: Path = tmp_path_factory.mktemp("things")
    a_folder(folder / "bars", classes=2, each=2, size=4)
    a_folder(folder / "one", classes=1)
    (folder / "empty").mkdir()
    a_folder(folder / "sizes", classes=2, each=2, size=4)
    Image.new("L", (6, 4)).save(folder / "sizes" / "bar 1" / "z.png")
    (folder / "a run").mkdir()
    model = nn.models.perceptron(input_shape=(1, 28, 28), rng=0)
    nn.save(model, folder / "a run" / "model.safetensors")
    nn.save(
        model,
        folder / "noted",
        notes={"pictures": {"as": "resize", "size": [28, -1], "grey": True}},
    )
    nn.save(model, folder / "numbers", notes={"classes": [1, 2]})
    nn.save(model, folder / "misnamed", notes={"classes": [str(i) for i in range(11)]})
    (folder / "text.png").write_text("this is a text")
    Image.fromarray(np.full((40, 40), 255, "uint8")).save(folder / "white.png")
    photograph(folder / "seven.png", nn.load_mnist("test")[0][0])
    nn.save(nn.models.perceptron(input_shape=(1, 28, 28), rng=0), folder / "m")
    nn.save(nn.Sequential(nn.Dense(2)).initialize((5,), rng=0), folder / "flat")
    return folder


@pytest.mark.parametrize(("arguments", "text"), MISTAKES, ids=[" ".join(a) for a, _ in MISTAKES])
def test_mistakes_end_with_2_a_sentence_and_no_file(
    run_here: Any,
    tmp_path: Path,
    things: Path,
    arguments: list[str],
    text: str,
) -> None:
    for thing in things.iterdir():
        (tmp_path / thing.name).symlink_to(thing)
    before = files(things)
    done = run_here(*arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert files(things) == before
    made = sorted(path.name for path in tmp_path.iterdir() if "cache" not in path.name)
    assert made == sorted(thing.name for thing in things.iterdir())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epoch = 3", "key: expected one of model, data, size, epochs"),
        ("batch_size = 3", "received batch_size; did you mean batch-size?"),
        ("learning_rate = 3", "received learning_rate; did you mean learning-rate?"),
        ("colour = 3", "received colour"),
        ("epochs = 2\nmodel = lenet5 # the best", '; text needs quotes: model = "lenet5"'),
        ("data = ./mine", '; text needs quotes: data = "./mine"'),
        ("epochs = 2.0", "epochs: expected a whole number, received 2.0"),
        ("epochs = true", "epochs: expected a whole number, received True"),
        ('learning-rate = "0.1"', "learning-rate: expected a number, received '0.1'"),
        ("model = 3", "model: expected text, received 3"),
        ("[train]\nepochs = 2", "key: expected one of"),
        ("epochs = ", "not a TOML file"),
    ],
)
def test_mistakes_in_the_file_name_it_and_the_key(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(nn.FileFormatError) as caught:
        read_settings(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert expected in str(caught.value)


def test_nothing_is_overwritten_unasked(run_here: Any, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for name in MADE:
        (tmp_path / "run" / name).write_text("old")
        done = run_here("train", *QUICK)
        assert done.returncode == 2
        assert f"run/{name} exists already; --force overwrites" in done.stderr
        assert files(tmp_path) == [name]
        (tmp_path / "run" / name).unlink()
    (tmp_path / "run" / "model.safetensors").write_text("old")
    assert run_here("train", *QUICK, "--force").returncode == 0
    assert nn.load(tmp_path / "run" / "model.safetensors").built


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
    for name in KINDS_OF_VALUES:
        assert f"--{option(name)}" in shown
    for name, written in CHANGES.items():
        assert written in shown
        change = augmentation(Settings(augment=written))
        assert change is not None
        assert [type(step).__name__.lower() for step in change.steps] == [name]
    assert CHANGES.keys() == {name.lower() for name in KINDS}
