"""On terminals of any width nothing is cut, and results and progress stay apart."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import neural_network as nn
from tests.cli.folders import a_folder

if sys.platform == "win32":
    pytest.skip("there are no ptys", allow_module_level=True)

from tests.cli.terminals import Shown, on_terminal

LONG = "a-folder-with-a-name-that-is-longer-than-a-line-of-a-narrow-terminal"
TRAIN = ["train", "--data", "bars", "--model", "mlp", "--epochs", "3", "--batch-size", "1"]
MODEL = f"{LONG}/model.safetensors"
COMMANDS = [
    [*TRAIN, "--out", LONG, "--no-picture"],
    ["evaluate", MODEL, "--data", "bars"],
    ["predict", "bars", "--model", MODEL, "--no-picture"],
    ["summary", "tiny_cnn"],
]
APART = [
    [*TRAIN, "--out", "quiet", "--quiet"],
    ["predict", "bars", "--model", MODEL, "--quiet", "--no-picture"],
    [*TRAIN, "--out", "json", "--json"],
    ["evaluate", MODEL, "--data", "bars", "--json"],
    ["predict", "bars", "--model", MODEL, "--json", "--no-picture"],
    ["predict", "bars", "--model", MODEL, "--csv", "--no-picture"],
]
COLOUR = re.compile(r"\x1b\[[\d;]*(?:3\d|4\d|9\d|10\d)[\d;]*m")
BOXES = "┃│"


def cells(shown: Shown, width: int) -> list[list[str]]:
    """Return the cells of each line of the tables on a screen, whose frames have to be whole."""
    for line in shown.screen:
        if line[:1] and line[0] in "┏┡└":
            assert line[-1] in "┓┩┘", line  # it does not go on in the next
            assert len(line) <= width
    lines = [line for line in shown.screen if line[:1] and line[0] in BOXES]
    return [[cell.strip() for cell in re.split(f"[{BOXES}]", line)[1:-1]] for line in lines]


@pytest.mark.parametrize(
    ("width", "environment"),
    [
        (40, {}),
        pytest.param(40, {"TERM": "dumb"}, marks=pytest.mark.slow),
        pytest.param(80, {"NO_COLOR": "1"}, marks=pytest.mark.slow),
        pytest.param(200, {}, marks=pytest.mark.slow),
    ],
)
def test_nothing_is_cut_and_nothing_overlaps(
    tmp_path: Path, width: int, environment: dict[str, str]
) -> None:
    a_folder(tmp_path / "bars", classes=4, each=20)
    train, evaluate, predict, summary = on_terminal(COMMANDS, width, tmp_path, **environment)
    for out, err in (train, evaluate, predict, summary):
        assert "EXIT" not in out.raw + err.raw, out.raw + err.raw
        for line in (*out.screen, *err.screen):
            assert len(line) <= width
            assert "…" not in line
        if "NO_COLOR" in environment or "TERM" in environment:
            assert not COLOUR.search(out.raw + err.raw)
        cells(out, width)
    out, err = train
    paths = "".join(row[1] for row in cells(out, width))
    for name in ("settings.toml", "checkpoint.safetensors", "log.csv", "model.safetensors"):
        assert f"{LONG}/{name}" in paths
    assert "After epoch 3: loss " in out.text
    assert "epoch 1/3" not in out.text
    for epoch in (1, 2, 3):
        assert re.search(rf"epoch {epoch}/3  loss \d\.\d{{4}}  accuracy [\d.]+  valid", err.text)
    assert ("\x1b[2K" in err.raw) == ("TERM" not in environment)
    assert "━" not in "".join(err.screen)  # of the bar nothing is left
    out, err = evaluate
    counts = [row for row in cells(out, width) if row[0].startswith("bar") and len(row) == 5]
    assert "right, cross-entropy" in out.text
    assert len(counts) == 8  # of both tables
    assert sum(int(cell) for row in counts[:4] for cell in row[1:] if cell != "·") == 80
    out, _ = predict
    for label in range(4):
        assert f"bars/bar {label}/19.png: bar {label}" in out.screen
    for line in out.screen:  # no bar goes on in the next line
        assert line == "" or line.startswith(("bars/bar ", "  bar "))
    out, _ = summary
    wanted = nn.models.tiny_cnn(rng=0).summary()
    if width == 40:
        last = "".join(row[-1] for row in cells(out, width))
        assert last.endswith(f"{wanted.multiply_adds:,}")
    else:
        assert [line for line in out.screen if line] == str(wanted).splitlines()


def test_a_confusion_matrix_has_all_its_columns(tmp_path: Path) -> None:
    out, _ = on_terminal([["evaluate", "tiny_cnn"]], 40, tmp_path)[0]
    model = nn.models.load_tiny_cnn()
    images, labels = nn.load_mnist("test")
    wanted = nn.confusion_matrix(model.predict(images[:, None] / np.float32(255)), labels)
    rows = [row for row in cells(out, 40) if len(row) == 11 and row[0]]
    found = [[0 if cell == "·" else int(cell) for cell in row[1:]] for row in rows]
    assert found == wanted.tolist()


@pytest.mark.slow
def test_quiet_and_json_on_a_terminal(tmp_path: Path) -> None:
    a_folder(tmp_path / "bars", classes=4, each=20)
    _, *shown = on_terminal([COMMANDS[0], *APART], 40, tmp_path)
    for out, err in shown[:2]:
        assert err.raw == ""
        assert "epoch 1/" not in out.text
    for out, _ in shown[2:5]:
        assert json.loads(out.raw)
        assert "\x1b" not in out.raw
    assert out.raw.startswith("{")
    lines = shown[5][0].raw.splitlines()
    assert len(lines) == 81
    assert lines[0].startswith("picture,class,probability,")
