"""Run the code of docs/pictures.md and save each figure, or animation, below it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "pictures.md"
# Pixels; matplotlib's figures are 8 inches wide or less.
WIDTH = 640
COLOURS = 128
BLOCK = re.compile(r"```python\n(?P<code>.*?)```|!\[[^\]]*\]\((?P<path>[^)]+)\)", re.DOTALL)


def draw_pictures() -> None:
    """Draw all pictures of the page."""
    names: dict[str, Any] = {}
    os.chdir(tempfile.mkdtemp())  # for files that the page writes
    for found in BLOCK.finditer(PAGE.read_text("utf-8")):
        if found["code"]:
            names.pop("figure", None)
            exec(compile(found["code"], str(PAGE), "exec"), names)  # noqa: S102  # our own page
            continue
        path = PAGE.parent / found["path"]
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".gif":
            path.write_bytes(Path(path.name).read_bytes())
        else:
            save_small(names["figure"], path)
        print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} kB")


def save_small(figure: Any, path: Path) -> None:
    """Save a figure in few pixels and colours."""
    figure.savefig(path, dpi=WIDTH / figure.get_figwidth())
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    draw_pictures()
