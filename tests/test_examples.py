"""Every example runs, says what it should and draws its figure; so does the README's code."""

from __future__ import annotations

import ast
import builtins
import doctest
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

import neural_network as nn
from tests.processes import run_python

ROOT = Path(__file__).parents[1]
EXPECTED: dict[str, tuple[str | None, str]] = {
    "article_example": ("article_example.png", "Feature Map Shape: (26, 26)"),
    "exercise_1_smoothing": ("exercise_1.png", "[1.5 2.  1.5]"),
    "exercise_2_stride": ("exercise_2.png", "Same numbers: True"),
    "exercise_3_horizontal_edges": ("exercise_3.png", "Strongest upper edge: row 5, column 14"),
    "exercise_4_two_filters": ("exercise_4.png", "transposed digit: True"),
    "correlation_or_convolution": ("flip.png", "nothing changes: True"),
    "three_gradients": (None, "They agree."),
    "two_optimizers": (None, "close: True"),
    "search_on_a_cluster": (None, "best: {'hidden_layer_sizes': (32,)"),
    "grid_search": (None, "best: filters (8, 16)"),
    "train_by_hand": ("train_by_hand.png", "3 layers: "),
}


def run(code: list[str], folder: Path) -> str:
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    done = run_python("-W", "error", *code, cwd=folder, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_example_is_forgotten() -> None:
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(EXPECTED)
    listed = re.findall(r"`(\w+)\.py`", (ROOT / "examples" / "README.md").read_text())
    assert set(listed) == set(EXPECTED)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTED)
def test_example(name: str, tmp_path: Path) -> None:
    figure, text = EXPECTED[name]
    assert text in run([str(ROOT / "examples" / f"{name}.py")], tmp_path)
    if figure is not None:
        with Image.open(tmp_path / figure) as picture:
            assert picture.width > 400


def code_of(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


@pytest.mark.slow
def test_the_readmes_first_code(tmp_path: Path) -> None:
    code = code_of("README.md")[0]
    assert len(code.strip().splitlines()) <= 24
    (reached,) = re.findall(r"([\d.]+)% of 1,000", run(["-c", code], tmp_path))
    assert float(reached) >= 90


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/training.md",
        "docs/extending.md",
        "docs/speed.md",
        "docs/onnx.md",
        "docs/estimators.md",
    ],
)
def test_the_code_of_a_page_runs_from_top_to_bottom(page: str, tmp_path: Path) -> None:
    blocks = code_of(page)
    assert blocks
    run(["-c", "\n".join(blocks[1:] if page == "README.md" else blocks)], tmp_path)


def not_introduced(code: str, known: set[str]) -> set[str]:
    """Return the names that code uses and nothing before it has made; those it makes are known."""
    used: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                known.add(name)
            case ast.arg(arg=name):
                known.add(name)
            case ast.alias(name=name, asname=other):
                known.add((other or name).partition(".")[0])
            case ast.ExceptHandler(name=str(name)):
                known.add(name)
    return used - known


PAGES = ["README.md", *(f"docs/{path.name}" for path in sorted(ROOT.glob("docs/*.md")))]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_introduces_what_its_code_uses(page: str) -> None:
    """Who types the blocks of a page in turn needs nothing that the page does not say."""
    known = set(dir(builtins))
    blocks = re.findall(r"```(?:python)?\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    parser = doctest.DocTestParser()
    for block in blocks:
        shown = "".join(example.source for example in parser.get_examples(block))
        if shown or block in code_of(page):
            assert not_introduced(shown or block, known) == set(), block


def test_names_that_nothing_has_introduced_are_found() -> None:
    known = set(dir(builtins))
    assert not_introduced("import a.b as c\nd = [e for e in c(x=f)]", known) == {"f"}
    assert not_introduced("def g(h):\n    return h + d", known) == set()


def test_the_code_about_weights_runs(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Conv2D(8, 3), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(10))
    arrays = nn.interop.torch.state_dict(model.initialize((1, 28, 28), rng=0))
    theirs = {"0": "encoder", "3": "decoder"}
    named = {theirs[key.partition(".")[0]] + key[1:]: array for key, array in arrays.items()}
    save_file(named, tmp_path / "weights.safetensors")
    first, second, third = code_of("docs/weights.md")
    of_keras = f"try:\n    {third}except FileNotFoundError:\n    print('no such file')"
    assert run(["-c", "\n".join([first, second, of_keras])], tmp_path) == "no such file\n"


@pytest.mark.parametrize("page", ["README.md", "docs/convolution.md", "docs/gradients.md"])
def test_what_the_documents_show_is_what_happens(page: str) -> None:
    blocks = re.findall(r"```\n(>>>.*?)```", (ROOT / page).read_text(), re.DOTALL)
    shown = doctest.DocTestParser().get_doctest("\n".join(blocks), {"np": np}, page, page, 0)
    assert len(shown.examples) >= 2
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(shown).failed == 0
