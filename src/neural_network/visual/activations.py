"""A figure of what each layer of a model makes of an input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_count, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.functional.window import times
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.visual.figures import (
    GREY,
    RISING,
    SMALL,
    WIDTH,
    Tiles,
    as_cmap,
    as_picture,
    axes_grid,
    colours_of,
    wrapped,
    write_numbers,
)
from neural_network.visual.inputs import as_input, as_model
from neural_network.visual.walk import outputs_of, range_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "show_activations"
# The share of the width for the names of layers, and for the maps.
SHARES = (0.22, 0.78)
# Inches of a line of maps.
TALLEST, SHORTEST = 1.1, 0.3
# Inches of a number.
CELL = 0.45

# Numbers of an output without places in a line; more are folded into several.
LONGEST_LINE = 64


@public(top_level=False)
@explains_calls
@silent
def show_activations(
    model: Layer,
    image: ArrayLike,
    *,
    most: int = 12,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw what every layer makes of an input: a line of maps, or of numbers, for each layer.

    Each layer has a scale of its own: where it gives a negative number, white is 0, red above
    and blue below; else dark is 0 and bright the largest number.

    Args:
        model: a built model.
        image: one input: (C, H, W), (H, W) for a single channel, or features.
        most: how many maps of a layer are drawn, the first ones.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for none.
        cmap: a colormap for the maps.

    Returns:
        The matplotlib figure. Each layer has two axes: its name and shape, and its maps.

    Raises:
        ArgumentError: a model that is not built, ``most`` below 1.
        ShapeError: an input that the model does not take.
        DTypeError: no model; a wrong ``ax``, ``title`` or ``cmap``.
        MissingDependencyError: matplotlib is not installed.

    >>> model = Sequential(Conv2D(16, 3, initializer="ones")).initialize((1, 8, 8))
    >>> figure = show_activations(model, np.ones((8, 8)))
    >>> figure.axes[2].texts[0].get_text().split(chr(10))
    ['0 Conv2D', '16×6×6, 12 shown', '9 … 9']
    """
    found = as_model(NAME, model)
    inputs = as_input(NAME, "image", image, found)
    limit = as_count(NAME, "most", most)
    as_cmap(NAME, cmap, RISING)
    lines: list[tuple[str, Array]] = [("input", inputs[0])]
    lines += [
        (f"{step.name} {type(step.layer).__name__}".strip(), step.output[0])
        for step in outputs_of(found, inputs)
    ]
    width = WIDTH * SHARES[1] - 0.2
    rows = [_tiles(values, limit) for _, values in lines]
    places = [
        Tiles(len(tiles), tiles[0].shape[:2], _inches(tiles, width), columns=len(tiles))
        for tiles in rows
    ]
    heights = [max(one.height, 0.34) + 0.14 for one in places]
    heights[-1] += 0.12  # for the numbers of the classes
    figure, grid = axes_grid(
        NAME, ax, title, size=(WIDTH, sum(heights) + 0.4), rows=len(lines), columns=2,
        heights=heights, widths=SHARES,
    )  # fmt: skip
    for line, ((label, values), tiles, place) in enumerate(zip(lines, rows, places, strict=True)):
        (names, maps), is_picture = grid[line], line == 0 and values.ndim >= 2
        _write_name(names, label, values, len(tiles))
        if is_picture:
            place.draw(maps, [as_picture(values)], cmap=GREY, vmin=0, vmax=1)
        else:
            drawn = place.draw(maps, tiles, **colours_of(NAME, cmap, tiles, RISING))
            if values.ndim == 1 and len(tiles[0]) == 1:
                write_numbers(place, drawn)
                if line == len(lines) - 1:
                    _number_cells(drawn[0])
            bar = names.inset_axes((0.985, 0.08, 0.014, 0.84))
            figure.colorbar(drawn[0], cax=bar, ticks=[]).outline.set_linewidth(0.4)
        maps.set_anchor("W")
        maps.set_xlim(-0.02, width / place.tile_inches)
    return figure


def _tiles(values: Array, most: int) -> list[Array]:
    """Return the pictures of a layer's output, without the batch axis."""
    if values.ndim <= 1:
        numbers = np.asarray(values, dtype=float).reshape(1, -1)
        if numbers.size <= LONGEST_LINE:
            return [numbers]
        lacking = -numbers.size % LONGEST_LINE  # a long line would be as thin as a hair
        folded = np.pad(numbers[0], (0, lacking), constant_values=np.nan)
        return [folded.reshape(-1, LONGEST_LINE)]
    if values.ndim == 2:
        return [np.asarray(values, dtype=float)]
    maps = values.reshape(-1, *values.shape[-2:])
    return list(np.asarray(maps[:most], dtype=float))


def _number_cells(image: Any) -> None:
    """Write the number of the class above each score of the last layer."""
    left, right, _, top = image.get_extent()
    count = image.get_array().shape[1]
    for place in range(count):
        image.axes.text(
            left + (place + 0.5) * (right - left) / count, top - 0.01, str(place), ha="center",
            va="bottom", fontsize=SMALL,
        )  # fmt: skip


def _inches(tiles: list[Array], width: float) -> float:
    """Return the width of a line of maps that is neither too tall nor too wide."""
    if len(tiles[0]) == 1 and len(tiles) == 1:
        return float(min(width, CELL * tiles[0].shape[1]))
    ratio = tiles[0].shape[0] / tiles[0].shape[1]
    across = len(tiles) * 1.08 - 0.08
    return float(min(width, max(TALLEST / ratio * across, SHORTEST)))


def _write_name(axes: Axes, label: str, values: Array, shown: int) -> None:
    """Write the name, the shape and the range of a layer beside its maps."""
    axes.set_axis_off()
    shape = times(values.shape) if values.ndim else "1"
    count = int(np.prod(values.shape[:-2])) if values.ndim > 2 else shown
    if shown < count and label != "input":
        shape += f", {shown} shown"
    text = "\n".join((wrapped(label, WIDTH * SHARES[0], SMALL), shape, range_of(values)))
    axes.text(
        0.955, 0.5, text, transform=axes.transAxes, ha="right", va="center", fontsize=SMALL,
        linespacing=1.15, parse_math=False,
    )  # fmt: skip
