"""Words of the figure of activations: names of layers, and of classes above the scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.checks import Array
from neural_network.functional.window import times
from neural_network.visual.canvas import wrapped
from neural_network.visual.figures import SMALL, WIDTH
from neural_network.visual.inputs import short_names, shortenings
from neural_network.visual.tiles import Tiles, cells_of
from neural_network.visual.walk import range_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neural_network.visual.panels import Group

# The share of the width for the names of layers, and for the maps.
SHARES = (0.22, 0.78)
# Inches of a number, and of the widest: a class's name above it has no more letters.
CELL, TALLEST, MOST_LETTERS = 0.45, 1.1, 14


def cell_of(names: Sequence[str] | None) -> float:
    """Return the width of a cell above which a class's name fits, in inches."""
    longest = max(map(len, short_names(names or [""], MOST_LETTERS)), default=0)
    return float(np.clip(0.62 * SMALL / 72 * longest + 0.06, CELL, TALLEST))


def name_cells(
    group: Group, axes: Axes, image: Any, names: Sequence[str] | None, place: Tiles
) -> None:
    """Write the name or the number of its class above each score of the last layer."""
    count = image.get_array().shape[1]
    words = list(map(str, range(count))) if names is None else list(names)
    # Names lie in the space above the line, as high as the letters of a line.
    above = 1.5 * SMALL / 72 / place.tile_inches
    for cell, word in zip(cells_of(image), words, strict=True):
        x, y = cell.middle
        group.add(
            axes, (x, y - cell.space[1] / 1.8), shortenings(word),
            (cell.space[0] / 0.82, above), ha="center", va="bottom",
        )  # fmt: skip


def write_name(group: Group, axes: Axes, label: str, values: Array, shown: int) -> None:
    """Write the name, the shape and the range of a layer beside its maps."""
    axes.set_axis_off()
    shape = times(values.shape) if values.ndim else "1"
    count = int(np.prod(values.shape[:-2])) if values.ndim > 2 else shown
    if shown < count and label != "input":
        shape += f", {shown} shown"
    name = wrapped(label, WIDTH * SHARES[0], SMALL)
    texts = ["\n".join((name, shape, range_of(values))), f"{name}\n{shape}", name]
    texts.append(label.split(" ", maxsplit=1)[0])
    group.add(
        axes, (0.955, 0.5), texts, (0.94, 1.0), transform=axes.transAxes, ha="right", va="center",
        linespacing=1.15,
    )  # fmt: skip
