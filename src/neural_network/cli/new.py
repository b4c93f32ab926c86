"""``neural-network new``: a folder to begin with, settings and pictures that train at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from neural_network.checks import Array
from neural_network.cli.output import Report, make_folder
from neural_network.cli.settings import commented
from neural_network.errors import ArgumentError, needs_extra
from neural_network.files import as_path, written_beside

SETTINGS, PICTURES = "settings.toml", "pictures"
# Classes of the example, and pictures of each.
SHAPES, EACH, SIDE = ("circle", "square", "triangle"), 40, 32
# What the example sets; all other settings are comments.
CHOSEN = {"data": PICTURES, "epochs": 10, "augment": "shift=2"}
HEAD = f"""\
# Settings of `neural-network train`. A line that begins with # is a comment: remove the # to change
# the setting. What is given on the command line wins over this file.
# The folders in {PICTURES} are the classes; put folders of your own there.
"""


def new(
    path: Annotated[Path, typer.Argument(help="The folder to make; it must not exist yet.")],
) -> None:
    """Make a folder with commented settings and example pictures, ready to train on."""
    folder = Path(as_path("new", "PATH", path))
    if folder.exists() or folder.is_symlink():
        raise ArgumentError(f"new: PATH: expected a new name, {folder} exists already")
    with needs_extra("drawing the example pictures", extra="plot"):
        from PIL import Image
    report = Report()
    for shape in SHAPES:
        make_folder("new: PATH", folder / PICTURES / shape)
    rng = np.random.default_rng(0)
    for shape in SHAPES:
        for number in range(EACH):
            picture = Image.fromarray(_drawn(shape, rng))
            with written_beside(folder / PICTURES / shape / f"{number:02}.png") as temporary:
                picture.save(temporary, format="PNG")
    with written_beside(folder / SETTINGS) as temporary:
        temporary.write_text(HEAD + commented(CHOSEN), encoding="utf-8")
    report.result(
        f"Made {folder / SETTINGS}, and {len(SHAPES) * EACH} pictures in {folder / PICTURES}."
    )
    report.result(f"Next: neural-network train {folder / SETTINGS} --out {folder / 'run'}")


def _drawn(shape: str, rng: np.random.Generator) -> Array:
    """Draw a shape of some colour, size and place on a background of another: (SIDE, SIDE, 3)."""
    size, x, y = rng.uniform(8, 13), *rng.uniform(13, 19, 2)
    # At four points in each pixel, whose mean makes smooth edges.
    rows, columns = np.mgrid[0 : 2 * SIDE, 0 : 2 * SIDE] / 2 - np.array([y, x])[:, None, None]
    inside = {
        "circle": rows**2 + columns**2 < size**2,
        "square": np.maximum(abs(rows), abs(columns)) < 0.85 * size,
        "triangle": (rows < 0.7 * size) & (abs(columns) < (rows + size) / 1.7),
    }[shape]
    covered = inside.reshape(SIDE, 2, SIDE, 2).mean((1, 3))[:, :, None]
    back = rng.uniform(0, 110, 3) + rng.normal(0, 6, (SIDE, SIDE, 1))
    levels = covered * rng.uniform(140, 255, 3) + (1 - covered) * back
    drawn: Array = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return drawn
