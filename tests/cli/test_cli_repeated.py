"""Options that are given twice."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from neural_network.cli.app import app
from tests.cli.folders import QUICK, a_folder, files

ONE_VALUE = [
    (["train", "--epochs", "1", "--epochs=2"], "train: --epochs: expected one value, received '1' and '2'"),
    (["train", "--lr", "0.1", "--learning-rate", "1"], "train: --learning-rate: expected one value, received '0.1' and '1' (--lr is the same option)"),
    (["train", "--data", "a", "--size", "8", "--data", "b"], "train: --data: expected one value, received 'a' and 'b'"),
    (["train", "--grey", "--colour"], "train: options: expected --grey or --colour, received both"),
    (["train", "--gray", "--no-picture", "--color"], "train: options: expected --gray or --color, received both"),
    (["train", "--config", "a", "--config", "b"], "train: --config: expected one value, received 'a' and 'b'"),
    (["demo", "--save", "a", "--save", "b"], "demo: --save: expected one value, received 'a' and 'b'"),
    (["features", "-oa.png", "-o", "b.png"], "features: -o: expected one value, received 'a.png' and 'b.png'"),
    (["features", "--save", "a.png", "-ob.png"], "features: -o: expected one value, received 'a.png' and 'b.png' (--save is the same option)"),
    (["features", "--stride", "1", "--stride", "2"], "features: --stride: expected one value, received '1' and '2'"),
    (["evaluate", "m", "--data", "a", "--data", "b"], "evaluate: --data: expected one value, received 'a' and 'b'"),
    (["predict", "m", "--model", "a", "--model", "b"], "predict: --model: expected one value, received 'a' and 'b'"),
    (["train", "--augment", "none", "--augment", "flip"], "expected none, or some of shift, rotate"),
    (["train", "--class-weights", "a=1", "--class-weights", "a=2"], "received 'a=1,a=2'"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "text"), ONE_VALUE, ids=[" ".join(a) for a, _ in ONE_VALUE])
def test_a_second_value_does_not_replace_the_first(
    run_here: Any, tmp_path: Path, arguments: list[str], text: str
) -> None:
    done = run_here(*arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert done.stderr.count("\n") == 1
    assert files(tmp_path) == []


def test_lists_are_joined_and_the_same_value_counts_once(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars", classes=2)
    done = run_here(
        "train", "--data", "bars", *QUICK, "--augment", "flip", "--augment", "shift=2",
        "--augment", "flip", "--class-weights", "bar 0=2", "--class-weights", "bar 1=3",
        "--quiet", "--quiet", "--seed", "3", "--seed=3", "--no-picture",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    settings = tomllib.loads((tmp_path / "run" / "settings.toml").read_text(encoding="utf-8"))
    assert settings["augment"] == "flip,shift=2"
    assert settings["class-weights"] == "bar 0=2,bar 1=3"
    assert settings["seed"] == 3


def test_words_that_are_values_or_arguments_are_no_options(run_here: Any) -> None:
    for words in (
        ["features", "-f", "edges", "-f", "horizontal", "--stride", "0"],
        ["evaluate", "--", "--data", "--data"],
    ):
        assert "expected one value" not in run_here(*words).stderr


def test_each_option_of_each_command_is_looked_at(run_here: Any) -> None:
    checked = 0
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        for option in command.params:
            if option.param_type_name != "option" or option.is_flag or option.multiple:
                continue
            for spelling in option.opts:
                done = run_here(name, spelling, "some", spelling, "other")
                assert done.returncode == 2
                assert f"{name}: {spelling}: expected one value" in done.stderr
                checked += 1
    assert checked > 25
