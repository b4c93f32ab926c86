"""The command with odd options: it ends with a result or one sentence, never with a traceback."""

from __future__ import annotations

import contextlib
import io
import os
import random
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import typer
from PIL import Image

import neural_network as nn
from fuzz.judging import LONGEST, place_of
from fuzz.pool import Limits, run_cases
from fuzz.report import Report
from fuzz.worker import Outcome, note
from neural_network.__main__ import main as command
from neural_network.cli.app import app

WORDS = [
    "", " ", "0", "1", "-1", "2", "1.5", "nan", "inf", "-inf", "1e400", "9" * 40, "None", "none",
    "true", "é", "x" * 3000, "../x", ".", "/", "~", "a,b", "1,2,3", "1;2", "[1]", "relu", "mnist",
    "mlp", "adam", "shift=1", "shift=", "shift=nan", "rotate=1e9", "sobel", "edges", "--", "-h",
    "model.safetensors", "digit.png", "settings.toml", "broken.toml", "pictures", "nowhere.png",
    "run", "\ud800", "digit.png.lock", "%s", "{}", "0x10", "１", "1_000",
]  # fmt: skip
# The arguments with which a command succeeds in a moment.
RIGHT = {
    "features": ["digit.png", "--save", "maps.png", "--force"],
    "filters": [],
    "train": ["--data", "pictures", "--model", "mlp", "--epochs", "1", "--size", "8", "--force"],
    "resume": ["run"],
    "evaluate": ["model.safetensors", "--data", "pictures"],
    "predict": ["model.safetensors", "digit.png"],
    "summary": ["model.safetensors"],
    "check": ["digit.png"],
}
ENDLESS = ("--epochs",)
# What comes before a sentence: of the library's, and of typer's.
SAID = re.compile(r"neural-network: |Error: ")


def main(seconds: float, seed: int, case: int | None = None) -> Report:
    """Run the part."""
    return run_cases("command", seed, seconds, case, limits=Limits(seconds=60))


def set_up() -> None:
    """Make the files that arguments name, and import what commands import."""
    os.environ |= {"MPLBACKEND": "Agg", "COLUMNS": "200", "NO_COLOR": "1"}
    for name in ("a", "b"):
        for number in range(3):
            path = Path("pictures", name, f"{number}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            shade = np.full((12, 12), 255, np.uint8)
            shade[3:9, 4 + number : 6 + number] = 0
            Image.fromarray(shade).save(path)
    sheet = np.full((40, 30), 255, np.uint8)
    sheet[8:30, 12:16] = 0
    Image.fromarray(sheet).save("digit.png")
    nn.save(nn.models.mlp(8, rng=0), "model.safetensors")
    Path("settings.toml").write_text('data = "pictures"\nepochs = 1\nsize = 8\nmodel = "mlp"\n')
    Path("broken.toml").write_bytes(b"data = mnist\n\0\xff")
    for name, arguments in RIGHT.items():
        run([name, *arguments])


@cache
def options(name: str) -> list[str]:
    """Return the options of a command."""
    found: Any = typer.main.get_command(app)
    return ["--help", *(o for parameter in found.commands[name].params for o in parameter.opts)]


def run(arguments: list[str]) -> tuple[Any, str, BaseException | None]:
    """Run the command in this process; return its exit code, what it said, and its error."""
    said = io.StringIO()
    before, sys.argv = sys.argv, ["neural-network", *arguments]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            command()
    except SystemExit as end:
        return end.code or 0, said.getvalue(), None
    except BaseException as error:
        return None, said.getvalue(), error
    finally:
        sys.argv = before
    return 0, said.getvalue(), None


def case(seed: int, number: int) -> Outcome:
    """Run a command with some of its arguments exchanged."""
    rng = random.Random(f"command {seed} {number}")
    name = rng.choice(list(RIGHT))
    arguments = list(RIGHT[name])
    for _ in range(rng.choice([1, 1, 2, 3])):
        way = rng.random()
        if way < 0.4 and arguments:
            place = rng.randrange(len(arguments))
            if place == 0 or arguments[place - 1] not in ENDLESS:
                arguments[place] = rng.choice(WORDS)
        elif way < 0.8:
            option = rng.choice(options(name))
            if option not in ENDLESS:
                arguments += [option, rng.choice(WORDS)]
        elif arguments:
            arguments.pop(rng.randrange(len(arguments)))
    story = f"neural-network {name} {' '.join(map(repr, arguments))}"[:400]
    note(story)
    code, said, error = run([name, *arguments])
    if error is not None:
        place = f"{type(error).__name__} {place_of(error)}"
        text = f"{story}\n  {type(error).__name__}: {error}"[:1000]
        return Outcome("fault", [(place, f"{text}\n  at {place_of(error)}")])
    *_, sentence = SAID.split(said)
    if code == 2 and sentence != said and len(sentence.strip()) > LONGEST:
        return Outcome("fault", [(f"long {name}", f"{story}\n  {len(sentence)} letters: {said}")])
    if code not in (0, 1, 2, 3):  # 3: the training diverged
        return Outcome("fault", [(f"code {name}", f"{story}\n  exit code {code}: {said[-300:]}")])
    return Outcome(f"exit {code}", [])
