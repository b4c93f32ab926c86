"""A picture of some pictures of each class, as the network reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neural_network.checks import Array
from neural_network.cli.data import Pictures
from neural_network.cli.output import printable
from neural_network.visual import save_figure
from neural_network.visual.canvas import axes_grid
from neural_network.visual.predictions import shortened

# Pictures of a class, classes, and pixels of a picture's longer side.
EACH, MOST_CLASSES, MOST_PIXELS = 10, 20, 96


def draw_contact_sheet(pictures: Pictures, path: Path) -> None:
    """Draw a line of pictures for each class, with its name and how many there are."""
    classes = range(min(len(pictures.classes), MOST_CLASSES))
    rows = [np.flatnonzero(pictures.y == label) for label in classes]
    sheet = np.concatenate([_line(pictures.X[found[:EACH]]) for found in rows])
    names = [
        f"{shortened(printable(pictures.classes[label]))} ({len(found):,})"
        for label, found in zip(classes, rows, strict=True)
    ]
    height, width = sheet.shape[:2]
    inches = 8 * height / width
    others = len(pictures.classes) - len(rows)
    more = f", the first {len(rows)} of {len(pictures.classes)} classes" if others else ""
    title = f"Training pictures as the network reads them{more}"
    canvas = axes_grid("train", None, title, size=(9.5, inches + 0.5))
    axes = canvas.axes
    axes.imshow(sheet if sheet.shape[2] == 3 else sheet[:, :, 0], cmap="gray", vmin=0, vmax=1)
    axes.set_xticks([])
    line = height / len(rows)
    axes.set_yticks([(i + 0.5) * line - 0.5 for i in classes], names, parse_math=False)
    axes.tick_params(length=0, labelsize=9)
    axes.spines[:].set_visible(False)
    save_figure(canvas.figure, path)


def _line(images: Array) -> Array:
    """Return up to ``EACH`` pictures side by side: (h, w, channels), white where there is none."""
    step = -(-max(images.shape[-2:]) // MOST_PIXELS)
    small = images[:, :, ::step, ::step].transpose(0, 2, 3, 1)
    _, height, width, channels = small.shape
    gap = max(1, width // 14)
    line = np.ones((height + gap, EACH * (width + gap), channels), dtype=np.float32)
    for place, image in enumerate(small):
        left = place * (width + gap)
        line[:height, left : left + width] = image
    return line
