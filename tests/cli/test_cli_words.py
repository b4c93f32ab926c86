"""What a training says is said in the words of the command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from neural_network.cli.settings import SETTINGS, option
from neural_network.cli.words import CURES, hint_in_options
from neural_network.training.optimizers import OPTIMIZERS
from tests.cli.folders import a_folder
from tests.training.hints import test_data, test_epochs
from tests.training.hints.misfits import hints_of

# A call, an argument, an index, or a name that only a program has; the place of a layer is none.
PYTHON = re.compile(r"\w\(|\w=|\bX\b|\by\b|\bfit\b|Trainer|X_validation|\.reshape|clip_norm")
PLACE = re.compile(r"model(\[\d+\])* \w+(\([^()]*\))?")


def in_python(text: str) -> list[str]:
    """Return what of a text only makes sense in a program."""
    return PYTHON.findall(PLACE.sub("", text))


def some_pictures(folder: Path, highest: int, each: int = 60) -> None:
    rng = np.random.default_rng(0)
    for name in "ab":
        (folder / name).mkdir(parents=True)
        for number in range(each):
            picture = rng.integers(0, highest + 1, (12, 12)).astype("uint8")
            Image.fromarray(picture).save(folder / name / f"{number}.png")


BARS = ["--model", "mlp", "--data", "bars", "--no-picture"]
NOISE = ["--model", "perceptron", "--data", "noise", "--lr", "1e-3", "--no-picture"]
HINTS: dict[str, tuple[list[str], str]] = {
    "dead relu": (
        [*BARS, "--optimizer", "sgd", "--lr", "30", "--schedule", "none", "--batch-size", "4"],
        r"the relu of model\[1\] Dense.* \(--learning-rate 0.2\), or another --model, such as",
    ),
    "noise": (
        [*NOISE, "--batch-size", "4", "--epochs", "6"],
        "nothing was learned; are the pictures in the folders of their classes.*rate than 0.001, or a "
        "larger --model$",
    ),
    "dark": (
        ["--model", "mlp", "--data", "dark", "--epochs", "1", "--no-picture"],
        "receives numbers of at most 0.00392, .*: are the pictures almost black",
    ),
}


@pytest.mark.filterwarnings("default::neural_network.TrainingHint")
@pytest.mark.parametrize("name", HINTS)
def test_a_hint_names_options(run_here: Any, tmp_path: Path, name: str) -> None:
    a_folder(tmp_path / "bars")
    some_pictures(tmp_path / "noise", 255)
    some_pictures(tmp_path / "dark", 1, each=8)
    arguments, match = HINTS[name]
    done = run_here("train", *arguments)
    assert done.returncode == 0
    (line,) = [text for text in done.stderr.splitlines() if text.startswith("neural-network: ")]
    assert re.search(f"^neural-network: train: .*{match}", line), line
    assert in_python(line) == []


# Of the hints about numbers, those that pictures of a folder and the options can lead to.
REACHED = {
    test_data: ["divided twice", "validation not scaled"],
    test_epochs: [
        "dead", "dead from a rate", "rate of 10", "rate of 1, Adam", "rate of 10, tanh",
        "rate, all rows in a batch", "rising", "zeros", "other order", "too small, all rows",
        "too small a rate", "too small, Adam",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in REACHED.items() for name in names]
)
def test_no_hint_has_words_of_python(module: Any, name: str) -> None:
    (text,) = hints_of(module.MISTAKES[name][0])
    told = hint_in_options(text)
    assert told.startswith("train: ")
    assert in_python(told) == [], told
    assert in_python(text) != []  # so that this test could fail


def test_every_cure_and_rate_has_words_of_the_command() -> None:
    for ours in CURES.values():
        assert in_python(ours) == []
        assert set(re.findall(r"--[a-z-]+", ours)) <= {f"--{option(name)}" for name in SETTINGS}
    for kind in OPTIMIZERS.values():
        told = hint_in_options(f"fit: a smaller rate: {kind.__name__}(1e-05)")
        assert told == "train: a smaller rate: --learning-rate 1e-05"
    assert hint_in_options("the weights are old") == "the weights are old"
