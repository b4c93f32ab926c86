"""Options that are given twice."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.folders import QUICK, a_folder, files


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--augment", "none", "--augment", "flip"], "expected none, or some of shift, rotate"),
        (["--class-weights", "a=1", "--class-weights", "a=2"], "received 'a=1,a=2'"),
    ],
)
def test_values_that_do_not_fit_together(
    run_here: Any, tmp_path: Path, arguments: list[str], text: str
) -> None:
    done = run_here("train", *arguments)
    assert done.returncode == 2
    assert text in done.stderr
    assert files(tmp_path) == []


def test_of_one_value_the_last_counts(run_here: Any, tmp_path: Path) -> None:
    a_folder(tmp_path / "bars", classes=2)
    done = run_here("train", "--data", "bars", *QUICK, "--seed", "3", "--seed=4", "--no-picture")
    assert done.returncode == 0, done.stderr
    settings = tomllib.loads((tmp_path / "run" / "settings.toml").read_text(encoding="utf-8"))
    assert settings["seed"] == 4


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
