"""The line that users of pyplot type: plt.savefig behind a figure that pyplot does not know."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import neural_network as nn
from neural_network import visual
from tests.needs import need_module

need_module("matplotlib")


@pytest.fixture
def plt() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.close("all")
    yield pyplot
    pyplot.close("all")


def test_an_empty_figure_that_was_saved_is_told_once(plt: Any, tmp_path: Path) -> None:
    visual.show_history([0.5, 0.4])
    plt.savefig(tmp_path / "a.png")
    with pytest.warns(nn.TrainingHint, match=r"figure = visual\.show_history\(…\), then figure\.s"):
        visual.show_history([0.5, 0.4])
    with warnings.catch_warnings():
        warnings.simplefilter("error", nn.TrainingHint)
        visual.show_history([0.5, 0.4]).savefig(tmp_path / "b.png")
        visual.show_history([0.5, 0.4])


def test_right_lines_are_not_told(plt: Any, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", nn.TrainingHint)
        figure = visual.show_history([0.5, 0.4])
        plt.figure()  # to draw on, later
        visual.show_history([0.5, 0.4])
        figure.savefig(tmp_path / "a.png")
        plt.plot([1, 2])
        plt.savefig(tmp_path / "b.png")
        visual.show_history([0.5, 0.4])
        plt.close("all")
        axes = plt.figure().subplots()
        visual.show_history([0.5, 0.4], ax=axes)
        plt.savefig(tmp_path / "c.png")
        visual.show_history([0.5, 0.4])
        assert plt.get_fignums() == [1]


def test_the_end_of_a_script_tells_it_as_well(tmp_path: Path) -> None:
    lines = [
        "import matplotlib; matplotlib.use('Agg')", "import matplotlib.pyplot as plt",
        "from neural_network import visual", "visual.show_history([0.5, 0.4])",
        "plt.savefig('a.png')",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "show_history: pyplot has drawn an empty figure" in done.stderr
    lines[-1] = "plt.close('all')"
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.stderr == ""


def test_a_figure_that_was_saved_is_not_the_one_that_is_meant(plt: Any, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", nn.TrainingHint)
        visual.show_history([0.5, 0.4]).savefig(tmp_path / "a.png")
        plt.savefig(tmp_path / "b.png")  # empty, for reasons of the caller's own
        visual.show_history([0.5, 0.4]).savefig(tmp_path / "c.png")
