"""The page of pictures: every function is on it, every picture is there, all are small."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from PIL import Image

from neural_network import visual

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "pictures.md").read_text("utf-8")


def test_every_function_is_on_the_page() -> None:
    names = {*visual.__all__} - {"draw_feature_maps"}  # show_feature_maps without the sums
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", PAGE)] == []


def test_every_picture_is_there_and_all_are_small() -> None:
    paths = [DOCS / path for path in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", PAGE)]
    assert sorted(paths) == sorted((DOCS / "images" / "pictures").iterdir())
    assert sum(path.stat().st_size for path in paths) < 600_000
    for path in paths:
        with Image.open(path) as picture:
            assert 300 < picture.width <= 800


def test_every_picture_stands_below_its_code() -> None:
    for code, path in re.findall(r"```python\n([^`]*)```\n\n!\[[^\]]*\]\(([^)]+)\)", PAGE):
        ast.parse(code)
        assert ("figure = " in code) == path.endswith("png"), path
        assert path.endswith("png") or f'"{Path(path).name}"' in code
    assert len(re.findall(r"```python", PAGE)) == len(re.findall(r"!\[", PAGE)) + 4
