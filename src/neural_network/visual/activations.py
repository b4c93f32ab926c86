"""A figure of what each layer of a model makes of an input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_count, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError
from neural_network.layers.activation import Flatten
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.visual.activation_words import (
    CELL,
    SHARES,
    TALLEST,
    cell_of,
    name_cells,
    write_name,
)
from neural_network.visual.canvas import axes_grid, inches_of, not_drawn
from neural_network.visual.figures import GREY, RISING, WIDTH, as_cmap, as_picture, colours_of
from neural_network.visual.inputs import as_class_names, as_input, as_model, pictures_of
from neural_network.visual.model_graph import KINDS
from neural_network.visual.tiles import Tiles, write_numbers
from neural_network.visual.walk import Step, outputs_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "show_activations"
# ``SHARES`` in the place of given axes.
SHARES_IN_PLACE = (0.3, 0.7)
# Inches of a line of maps; the tallest are ``TALLEST``.
SHORTEST = 0.3
# Of the last line in the place of given axes.
LAST_IN_PLACE = 0.45

# Numbers of an output without places in a line; more are folded into several.
LONGEST_LINE = 64
# Inches of a line in the place of given axes; of many layers, those of MINOR are left out there.
LOWEST_LINE, MOST_LINES = 0.25, 10
MINOR = (*KINDS["normalization"], *KINDS["activation"], Flatten)
# Maps of a layer.
MOST = 12


@public(top_level=False)
@explains_calls
@silent
def show_activations(
    model: Layer,
    image: ArrayLike,
    *,
    most: int = MOST,
    class_names: Any = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw what every layer makes of an input: a line of maps, or of numbers, for each layer.

    In the place of given axes, of many layers those are left out that do not fit: first
    normalizations and activations.

    Each layer has a scale of its own: where it gives a negative number, white is 0, red above
    and blue below; else dark is 0 and bright the largest number.

    Args:
        model: a built model.
        image: one input: (C, H, W), (H, W) for a single channel, or features.
        most: how many maps of a layer are drawn, the first ones.
        class_names: of all classes, above the scores of the last layer; None for their numbers.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for none.
        cmap: a colormap for the maps.

    Returns:
        The matplotlib figure. Each layer has two axes: its name and shape, and its maps.
        ``figure.savefig(path)`` saves it; pyplot does not know it.

    Raises:
        ArgumentError: a model that is not built, ``most`` below 1.
        ShapeError: an input that the model does not take, another number of names.
        DTypeError: no model; a wrong ``ax``, ``title`` or ``cmap``.
        MissingDependencyError: matplotlib is not installed.

    >>> model = Sequential(Conv2D(16, 3, initializer="ones")).initialize((1, 8, 8))
    >>> figure = show_activations(model, np.ones((8, 8)))
    >>> figure.axes[2].texts[0].get_text().split(chr(10))
    ['0 Conv2D', '16×6×6, 12 shown', '9 … 9']
    """
    found = as_model(NAME, model)
    inputs = as_input(NAME, "image", image, found, hint=True)
    limit = as_count(NAME, "most", most)
    as_cmap(NAME, cmap, RISING)
    lines: list[tuple[str, Array]] = [("input", _as_drawn(inputs, np.shape(image)))]
    lacking = ""
    steps = outputs_of(found, inputs)
    if ax is not None:
        most_lines = min(int(inches_of(NAME, ax)[1] / LOWEST_LINE), MOST_LINES) - 1
        chosen = _chosen(steps, most_lines)
        if len(chosen) < len(steps) and title is None:
            title = f"{len(chosen)} of {len(steps)} layers"
        kept = set(map(id, chosen))
        lacking = not_drawn(type(step.layer).__name__ for step in steps if id(step) not in kept)
        steps = chosen
    lines += [
        (f"{step.name} {type(step.layer).__name__}".strip(), step.output[0]) for step in steps
    ]
    if class_names is not None:
        scores = lines[-1][1]
        class_names = as_class_names(NAME, class_names, scores.size if scores.ndim == 1 else 0)
    return _draw(lines, limit, class_names, ax=ax, title=title, cmap=cmap, lacking=lacking)


def activation_pages(
    model: Layer, image: ArrayLike, class_names: Any, inches: float
) -> list[Callable[[], Figure]]:
    """Return functions that draw ``show_activations`` in figures no higher than so many inches."""
    inputs = as_input(NAME, "image", image, model)
    steps = outputs_of(model, inputs)
    lines = [("input", _as_drawn(inputs, np.shape(image)))]
    lines += [
        (f"{step.name} {type(step.layer).__name__}".strip(), step.output[0]) for step in steps
    ]
    rows = [_tiles(values, MOST) for _, values in lines]
    _, heights, _ = _places(rows, None, cell_of(class_names))
    pages: list[list[tuple[str, Array]]] = []
    left = 0.0
    for line, height in zip(lines, heights, strict=True):
        if height > left:
            pages.append([])
            left = inches - 0.4
        pages[-1].append(line)
        left -= height
    return [
        partial(
            _draw, page, MOST, class_names if n == len(pages) - 1 else None,
            first=n == 0, last=n == len(pages) - 1,
        )
        for n, page in enumerate(pages)
    ]  # fmt: skip


def _as_drawn(inputs: Array, given: tuple[int, ...]) -> Array:
    """Return a single input: flat pixels as the picture that they are."""
    drawn = inputs
    if inputs.ndim == 2 and inputs.size > LONGEST_LINE:
        with suppress(ShapeError):  # the numbers are features of something else
            drawn = pictures_of(NAME, "image", inputs, given, one=True)
    single: Array = drawn[0]
    return single


def _draw(
    lines: list[tuple[str, Array]],
    limit: int,
    class_names: Sequence[str] | None,
    *,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
    first: bool = True,
    last: bool = True,
    lacking: str = "",
) -> Figure:
    """Draw lines of names and outputs.

    Args:
        lines: of the figure.
        limit: maps of a line.
        class_names, ax, title, cmap: as of ``show_activations``.
        first: whether the first line is the input.
        last: whether the last line is that of the model's output.
        lacking: what is said of lines that are left out.
    """
    rows = [_tiles(values, limit) for _, values in lines]
    space = None if ax is None else inches_of(NAME, ax)
    places, heights, shares = _places(rows, space, cell_of(class_names))
    canvas = axes_grid(
        NAME, ax, title, size=(WIDTH, sum(heights) + 0.4), rows=len(lines), columns=2,
        heights=heights, widths=shares,
    )  # fmt: skip
    width = canvas.inches[0] * shares[1] - 0.2
    names_group, ink = canvas.group(), canvas.group()
    classes, scores = 0, None
    for line, ((label, values), tiles, place) in enumerate(zip(lines, rows, places, strict=True)):
        (names, maps), is_picture = canvas.grid[line], first and line == 0 and values.ndim >= 2
        write_name(names_group, names, label, values, len(tiles))
        if is_picture:
            place.draw(canvas, maps, [as_picture(values)], cmap=GREY, vmin=0, vmax=1)
        else:
            drawn = place.draw(canvas, maps, tiles, **colours_of(NAME, cmap, tiles, RISING))
            if values.ndim == 1 and len(tiles[0]) == 1:
                numbers = write_numbers(canvas, place, drawn)
                if last and line == len(lines) - 1:
                    name_cells(ink, maps, drawn[0], class_names, place)
                    classes, scores = values.size, numbers
            bar = names.inset_axes((0.985, 0.08, 0.014, 0.84))
            canvas.figure.colorbar(drawn[0], cax=bar, ticks=[]).outline.set_linewidth(0.4)
        maps.set_anchor("W")
        maps.set_xlim(-0.02, width / place.tile_inches)

    def left_out() -> str:
        words = []
        if classes and not (scores and scores.size()):
            words.append("no space for the scores")
        if classes and not ink.size():
            words.append("no space for the names of the classes")
        words += [lacking] if lacking else []
        return "; ".join(words)

    canvas.note_below(left_out)
    return canvas.figure


def _chosen(steps: list[Step], most: int) -> list[Step]:
    """Return so many steps at most, first without those that give no maps of another kind."""
    if len(steps) <= most:
        return steps
    main = [step for step in steps[:-1] if not isinstance(step.layer, MINOR)] + steps[-1:]
    places = np.linspace(0, len(main) - 1, max(min(most, len(main)), 1)).round().astype(int)
    return [main[place] for place in dict.fromkeys([*places.tolist()[:-1], len(main) - 1])]


def _places(
    rows: list[list[Array]], space: tuple[float, float] | None, last: float = CELL
) -> tuple[list[Tiles], list[float], tuple[float, float]]:
    """Return the places of the maps of each line, the heights, and the shares of the width.

    Args:
        rows: the pictures of each line.
        space: of given axes, in inches; None for a new figure.
        last: inches of a number of the last line of a new figure.
    """
    if space is None:
        width = WIDTH * SHARES[1] - 0.2
        inches = [_inches(tiles, width, TALLEST, CELL) for tiles in rows]
        inches[-1] = _inches(rows[-1], width, TALLEST, last)
    else:
        # The last line needs space for numbers; the others share what is left.
        width = space[0] * SHARES_IN_PLACE[1] - 0.2
        tall = (space[1] - LAST_IN_PLACE) / max(len(rows) - 1, 1) - 0.06
        inches = [_inches(tiles, width, max(tall, 0.05), LAST_IN_PLACE) for tiles in rows]
    places = [
        Tiles(len(tiles), tiles[0].shape[:2], wide, columns=len(tiles))
        for tiles, wide in zip(rows, inches, strict=True)
    ]
    if space is not None:
        return places, [*[tall] * (len(rows) - 1), LAST_IN_PLACE], SHARES_IN_PLACE
    heights = [max(one.height, 0.34) + 0.14 for one in places]
    heights[-1] += 0.12  # for the numbers of the classes
    return places, heights, SHARES


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


def _inches(tiles: list[Array], width: float, tallest: float, cell: float) -> float:
    """Return the width of a line of maps that is neither too tall nor too wide.

    Args:
        tiles: of the line.
        width: that it may have.
        tallest: the height of maps.
        cell: the width of a number in a line of numbers.
    """
    if len(tiles[0]) == 1 and len(tiles) == 1:
        return float(min(width, cell * tiles[0].shape[1]))
    ratio = tiles[0].shape[0] / tiles[0].shape[1]
    across = len(tiles) * 1.08 - 0.08
    return float(min(width, max(tallest / ratio * across, SHORTEST)))
