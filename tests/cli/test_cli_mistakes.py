"""Mistakes in train, resume, evaluate and predict: one sentence, and no file."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import neural_network as nn
from neural_network.cli.settings import read_settings
from tests.cli.folders import MADE, QUICK, a_folder, files, photograph

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
    (["train", "--epochs", "2.5"], "train: --epochs: expected a whole number (Passes over the data), received '2.5'"),
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
    (["predict", "seven.png", "--model", "flat"], "predict: --model: expected a model of digits"),
    (["predict", "white.png", "--model", "m"], "white.png: prepare_digit: picture: expected ink on paper"),
    (["predict", "white.png", "--model", "m", "--save", "a.xyz"], "predict: --save: expected an ending of"),
    (["predict", "white.png", "--model", "nothing"], "nothing"),
    (["predict", "seven.png", "--model", "a run"], "predict: --model: expected a model's file, received the folder a run; did you mean a run/model.safetensors?"),
    (["predict", "seven.png", "--model", "empty"], "predict: --model: expected a model's file, received the folder empty\n"),
    (["predict", "seven.png", "--model", "noted"], "noted: notes: pictures: expected {\"as\": \"digit\"}, or {\"as\": \"resize\""),
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
        ("colour = 3", "received 'colour'"),
        ("epochs = 2\nmodel = lenet5 # the best", '; text needs quotes: model = "lenet5"'),
        ("data = ./mine", '; text needs quotes: data = "./mine"'),
        ("epochs = 2.0", "epochs: expected a whole number, received 2.0"),
        ("epochs = true", "epochs: expected a whole number, received True"),
        ('learning-rate = "0.1"', "learning-rate: expected a number, received '0.1'"),
        ("model = 3", "model: expected text, received 3"),
        ("[train]\nepochs = 2", "key: expected one of"),
        ("epochs = ", "not a TOML file"),
        ('data = "a\\u0000b"', r"data: expected text without NUL, received 'a\x00b'"),
        ('out = "a\\u0000b"', r"out: expected text without NUL, received 'a\x00b'"),
        (
            "seed = 9223372036854775808",
            "seed: expected a number below 2^63, received 92233720368547",
        ),
        (
            "epochs = -9223372036854775808",
            "epochs: expected a number below 2^63, received -9223372",
        ),
        (f"seed = 1{'0' * 999}", "seed: expected a number below 2^63, received 10000"),
        (f"seed = {'9' * 5000}", "not a TOML file (Exceeds the limit"),
        (f"seed = 0x{'f' * 5000}", "seed: expected a number below 2^63, received a larger number"),
        (
            f"epochs = 0x{'f' * 5000}",
            "epochs: expected a number below 2^63, received a larger numb",
        ),
        (
            f"learning-rate = 1{'0' * 400}",
            "learning-rate: expected a number below 2^63, received 1",
        ),
        ("learning-rate = nan", "learning-rate: expected a number below 2^63, received nan"),
        ("weight-decay = -inf", "weight-decay: expected a number below 2^63, received -inf"),
        ("epochs = 2026-01-01", "epochs: expected a whole number, received datetime.date(2026, 1"),
        ("average = 12:30:00", "average: expected a number, received datetime.time(12, 30)"),
        ("epochs = 1\nepochs = 2", "not a TOML file (Cannot overwrite a value"),
        (f"model = {'[' * 100_000}", "not a TOML file"),
        (f"model = {'[' * 200}{']' * 200}", "model: expected text, received [[["),
        (f"{'a' * 1000} = 1", "key: expected one of model"),
        (f"{'a.' * 1000}b = 1", "key: expected one of model"),
        (f'epochs = "{"a" * 1000}"', "epochs: expected a whole number, received 'aaaaa"),
        (b"model = '\xff'", "not a TOML file (expected text in UTF-8, received byte 9)"),
        (
            "epochs = 3".encode("utf-16"),
            "not a TOML file (expected text in UTF-8, received UTF-16)",
        ),
        ("#" * 2_000_000, "expected a TOML file of at most 1,048,576 bytes, received more"),
    ],
    ids=lambda value: str(value[:30]),
)
def test_mistakes_in_the_file_name_it_and_the_key(
    tmp_path: Path, text: str | bytes, expected: str
) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(nn.FileFormatError) as caught:
        read_settings(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert expected in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_byte_order_mark_and_ends_of_lines_of_windows(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes("\ufeffepochs = 3\r\nmodel = 'lenet5'\r\n".encode())
    assert read_settings(path) == {"epochs": 3, "model": "lenet5"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--out", "a\0b"],
        ["train", "--save", "a\0b"],
        ["train", "--data", "a\0b"],
        ["train", "a\0b"],
        ["train", "--config", "a\0b"],
        ["resume", "a\0b"],
        ["evaluate", "a\0b"],
        ["evaluate", "m", "--save", "a\0b.png"],
        ["predict", "a\0b"],
        ["predict", "seven.png", "--model", "a\0b"],
        ["predict", "seven.png", "--save", "a\0b.png"],
        ["features", "--picture", "a\0b"],
        ["features", "--save", "a\0b.png"],
        ["demo", "--save", "a\0b"],
        ["summary", "a\0b"],
    ],
    ids=" ".join,
)
def test_paths_with_nul(run_here: Any, things: Path, tmp_path: Path, arguments: list[str]) -> None:
    for name in ("m", "seven.png"):
        (tmp_path / name).symlink_to(things / name)
    done = run_here(*arguments)
    assert done.returncode == 2
    assert "expected words without the letter of code 0, received 'a\\x00b" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m", "seven.png"]


@pytest.mark.parametrize("arguments", [["train", "pipe"], ["evaluate", "pipe"], ["resume", "."]])
def test_pipes_are_no_files(run_here: Any, tmp_path: Path, arguments: list[str]) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "settings.toml")
    done = run_here(*arguments)
    assert done.returncode == 2
    assert "received a device or a pipe" in done.stderr or "has no settings" in done.stderr


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


LONG = "x" * 3000


@pytest.mark.parametrize(
    "arguments",
    [
        [LONG], [f"--{LONG}"], ["summary", LONG], ["summary", "mlp", LONG], ["summary", f"--{LONG}"],
        ["new", LONG], ["resume", LONG], ["check", LONG], ["predict", LONG], ["features", LONG],
        ["predict", "m", "--all", LONG], ["evaluate", LONG], ["demo", "--save", LONG],
        ["train", "--data", LONG], ["train", "--config", LONG], ["train", "--save", LONG],
        ["train", "--epochs", LONG], ["train", "--model", LONG], ["train", "--optimizer", LONG],
        ["train", "--augment", f"{LONG}=1"], ["features", "--filter", LONG],
    ],
)  # fmt: skip
def test_no_sentence_is_longer_than_500_letters(run_here: Any, arguments: list[str]) -> None:
    done = run_here(*arguments)
    assert done.returncode == 2
    *_, said = re.split("neural-network: |Error: ", done.stderr)
    assert 10 < len(said.strip()) <= 500
