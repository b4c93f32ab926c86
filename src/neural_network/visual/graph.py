"""A figure of a model as boxes and arrows."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, brief, sentence
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import as_sizes
from neural_network.layers.several_inputs import check_one_input
from neural_network.public import public
from neural_network.visual.canvas import LEAST_IN_PLACE, as_title, axes_grid, room_of
from neural_network.visual.figures import COLOURS, INK, SMALL, STROKE, as_cmap, colours_from
from neural_network.visual.inputs import no_model
from neural_network.visual.model_graph import KINDS, Box, boxes_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neural_network.visual.panels import Group

NAME = "show_graph"
# Inches: of a box, and from one to the next.
BOX = (2.15, 0.6)
STEP = (2.5, 0.84)
# Boxes in a column, if there is no other place to break it.
ROWS = 7
# Side by side, if fewer columns give no more.
LANES = 4
# In a place that was given: columns, and how much wider or narrower boxes are made to fill it.
MOST_COLUMNS = 12
NARROWER, WIDER = 0.6, 2.2
# Of an arrow, as matplotlib counts it.
LARGEST_HEAD = 9.0
# Of a letter: width and height, in sizes of letters.
LETTER = (0.58, 1.15)
# Of a box, that its text has.
INNER = 0.96
# What a small place leaves out, by the level of the texts.
LEFT_OUT = ("", "sizes in full", "sizes")
WORDS = "no space here for {}"
# Of a kind's colour in a box; the rest is white.
TINT = 0.28
# Inches above and below, where arrows go to the next column.
MARGIN = 0.08


@public(top_level=False)
@explains_calls
@silent
def show_graph(
    model: Layer,
    shape: tuple[int, ...] | None = None,
    *,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw a model as boxes, each with the shape that it gives and how many parameters it has.

    Long models continue at the top of the next column. A ``Residual`` has two paths that end
    in a sum. A layer of one's own is drawn as the layers that it calls, one after the other;
    what it computes besides is not visible.

    Args:
        model: a model or layer.
        shape: of one input, without the batch axis; may be left out once the model is built.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for the class and how many parameters it has.
        cmap: a colormap, of which each kind of layer gets a colour.

    Returns:
        The matplotlib figure, which ``figure.savefig(path)`` saves; pyplot does not know it.

    Raises:
        ArgumentError: no ``shape`` for a model that is not built.
        ShapeError: layers that do not fit each other or the shape.
        DTypeError: no model; a wrong ``shape``, ``ax``, ``title`` or ``cmap``.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_graph(Sequential(Flatten(), Dense(10)), (28, 28))
    >>> [text.get_text().split(chr(10))[0] for text in figure.axes[0].texts]
    ['input', '0 Flatten', '1 Dense']
    """
    if not isinstance(model, Layer):
        received = brief(model)
        if isinstance(model, Tensor) or (callable(model) and not isinstance(model, type)):
            what = "a tensor" if isinstance(model, Tensor) else "a function"
            received = f"{what}; its tape: explain_gradient(f, x).draw()"
        expected = f"a model or layer{no_model(model)}"
        raise DTypeError(sentence(NAME, "model", expected, received))
    check_one_input(NAME, model)
    if shape is None and (not model.built or model.input_shape is None):
        expected = "the shape of one input, such as (1, 28, 28), for a model that is not built"
        raise ArgumentError(sentence(NAME, "shape", expected, "None"))
    sizes = as_sizes(NAME, model.input_shape if shape is None else shape)
    as_title(NAME, title)
    if cmap is not None:
        as_cmap(NAME, cmap, "")
    # A copy, so that looking at a model does not draw its weights.
    built = model if model.built else deepcopy(model).initialize(sizes)
    boxes = boxes_of(built, sizes)
    parameters = sum(parameter.size for parameter in built.parameters())
    heading = f"{type(model).__name__}: {parameters:,} parameters" if title is None else title
    room = None if ax is None else room_of(NAME, ax, heading)
    columns, lanes = _columns(boxes) if room is None else _columns_within(boxes, room)
    wide, high = sum(lanes) * STEP[0], _rows(columns) * STEP[1]
    size = (max(wide + 0.2, 3.5), high + 0.6)
    canvas = axes_grid(NAME, ax, heading, size=size)
    axes, group = canvas.axes, canvas.group()
    foot, stretch, head = 0.0, 1.0, LARGEST_HEAD
    if room is not None:
        below = canvas.note_height(WORDS.format("names and sizes"))  # of the drawing, for the note
        across, down = _scales(columns, lanes, (room[0], room[1] - below))
        foot, stretch = below / down, across / down
        head = min(1.5 * (STEP[1] - BOX[1]) * down * 72, LARGEST_HEAD)
    centres = _centres(boxes, columns, lanes)
    kinds = [*KINDS, "other"]
    colours = COLOURS if cmap is None else colours_from(NAME, cmap, len(kinds))
    for number, box in enumerate(boxes):
        place = kinds.index(box.kind) if box.kind in kinds else None
        colour = None if place is None else colours[place]
        _draw(group, axes, box, centres[number], colour, stretch)
        for before in box.before:
            _connect(axes, centres[before], centres[number], head)

    def words() -> str:
        """Say which texts the place does not hold."""
        missing = LEFT_OUT[group.level] if group.size() else "names and sizes"
        return WORDS.format(missing) if missing else ""

    lowest = high - STEP[1] / 2 + MARGIN + foot
    canvas.note(words, (wide / 2 - STEP[0] / 2, lowest), axes.transData)
    axes.set_xlim(-STEP[0] / 2, wide - STEP[0] / 2)
    axes.set_ylim(lowest, -STEP[1] / 2 - MARGIN)
    axes.set_aspect(1 / stretch)
    axes.set_axis_off()
    return canvas.figure


def _columns(boxes: list[Box]) -> tuple[list[list[Box]], list[int]]:
    """Return the boxes in columns, and how many lanes each has: together few, to be readable."""
    total = max(box.row for box in boxes) + 1
    for count in range(-(-total // ROWS), 0, -1):
        columns, lanes = _broken(boxes, total, -(-total // count))
        if sum(lanes) <= LANES:
            break
    return columns, lanes


def _columns_within(
    boxes: list[Box], inches: tuple[float, float]
) -> tuple[list[list[Box]], list[int]]:
    """Return the boxes in columns, and their lanes: as many as let a place hold most text."""
    total = max(box.row for box in boxes) + 1
    found = [_broken(boxes, total, -(-total // count)) for count in range(1, MOST_COLUMNS + 1)]
    texts = [_texts(box) for box in boxes]
    for level in range(len(LEFT_OUT)):
        lines = [several[level].split("\n") for several in texts]
        longest = max(len(line) for several in lines for line in several)
        most = max(map(len, lines))

        def size(one: tuple[list[list[Box]], list[int]], letters: int, rows: int) -> float:
            """Return the size of letters, in points."""
            across, down = _scales(*one, inches)
            wide = across * BOX[0] * INNER * 72 / (LETTER[0] * letters)
            return min(wide, down * BOX[1] * INNER * 72 / (LETTER[1] * rows), SMALL)

        best = max(found, key=lambda one: size(one, longest, most))
        if size(best, longest, most) >= LEAST_IN_PLACE:
            break
    return best


def _scales(
    columns: list[list[Box]], lanes: list[int], inches: tuple[float, float]
) -> tuple[float, float]:
    """Return the scales from left to right and downwards at which columns fill a place."""
    across = inches[0] / (sum(lanes) * STEP[0])
    down = inches[1] / (_rows(columns) * STEP[1] + 2 * MARGIN)
    return min(across, WIDER * down), min(down, across / NARROWER)


def _rows(columns: list[list[Box]]) -> int:
    """Return how many rows the longest column has."""
    return max(max(box.row for box in column) - column[0].row + 1 for column in columns)


def _broken(boxes: list[Box], total: int, most: int) -> tuple[list[list[Box]], list[int]]:
    """Break the boxes into columns, only where a single path leads from one to the next.

    The second is how many lanes each has.
    """
    crossings = [0] * (total + 1)
    for box in boxes:
        for before in box.before:
            for row in range(boxes[before].row + 1, box.row + 1):
                crossings[row] += 1
    columns: list[list[Box]] = [[]]
    for row in range(total):
        begun = columns[-1][0].row if columns[-1] else 0
        if row - begun >= most and crossings[row] == 1:
            columns.append([])
        columns[-1] += [box for box in boxes if box.row == row]
    return columns, [max(box.lane for box in column) + 1 for column in columns]


def _centres(
    boxes: list[Box], columns: list[list[Box]], lanes: list[int]
) -> list[tuple[float, float]]:
    """Return where the middle of each box is, in the order of the boxes."""
    found: dict[int, tuple[float, float]] = {}
    left = 0
    for column, width in zip(columns, lanes, strict=True):
        for box in column:
            found[id(box)] = ((left + box.lane) * STEP[0], (box.row - column[0].row) * STEP[1])
        left += width
    return [found[id(box)] for box in boxes]


def _texts(box: Box) -> list[str]:
    """Return the text of a box, from the longest to the shortest."""
    shape = box.shape
    if box.parameters:
        shape += f"  ·  {box.parameters:,} params"
    several = [[box.title, box.detail, shape], [box.title, box.shape], [box.title]]
    return ["\n".join(filter(None, lines)) for lines in several]


def _draw(
    group: Group,
    axes: Axes,
    box: Box,
    centre: tuple[float, float],
    colour: Any,
    stretch: float,
) -> None:
    """Draw a box with its text; its corners stay round where it is stretched."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import FancyBboxPatch

    x, y = centre
    edge = (0.35, 0.35, 0.35) if colour is None else to_rgb(colour)
    face = "white" if colour is None else 1 - TINT * (1 - np.array(edge))
    axes.add_patch(
        FancyBboxPatch(
            (x - BOX[0] / 2, y - BOX[1] / 2),
            BOX[0],
            BOX[1],
            edgecolor=edge,
            facecolor=face,
            boxstyle="round,pad=0,rounding_size=0.08",
            mutation_aspect=stretch,
            linewidth=1.2,
        )
    )
    space = (INNER * BOX[0], INNER * BOX[1])
    group.add(
        axes, centre, _texts(box), space, ha="center", va="center", color=INK, linespacing=1.1
    )


def _connect(axes: Axes, start: tuple[float, float], end: tuple[float, float], head: float) -> None:
    """Draw an arrow from the bottom of a box to the top of another, also in the next column."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    (x0, y0), (x1, y1) = (start[0], start[1] + BOX[1] / 2), (end[0], end[1] - BOX[1] / 2)
    middle = (STEP[1] - BOX[1]) / 2
    if x0 == x1:
        points = [(x0, y0), (x1, y1)]
    elif y1 > y0:  # to or from a path beside it
        turn = y1 - middle if x1 < x0 else y0 + middle
        points = [(x0, y0), (x0, turn), (x1, turn), (x1, y1)]
    else:  # up to the next column
        between = x1 - STEP[0] / 2
        points = [
            (x0, y0), (x0, y0 + middle), (between, y0 + middle), (between, y1 - middle),
            (x1, y1 - middle), (x1, y1),
        ]  # fmt: skip
    axes.add_patch(
        FancyArrowPatch(
            path=Path(points),
            arrowstyle="-|>",
            mutation_scale=head,
            color=STROKE,
            linewidth=1.0,
            shrinkA=0,
            shrinkB=0,
        )
    )
