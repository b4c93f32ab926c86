"""The tape of a gradient as a graph: boxes of values, arrows with local slopes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.checks import Array
from neural_network.visual.figures import COLOURS, SMALL, as_cmap, axes_grid, colours_from
from neural_network.visual.tape import Line, Part

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Inches: of a box, and between boxes.
WIDE, LINE, GAP = 2.3, 0.17, (0.35, 0.55)
# Letters of a line in a box; longer ones are cut.
MOST_LETTERS = 34
MOST_BOXES = 80
# Of a colour in a box; the rest is white.
TINT = 0.25


def draw_tape(
    function: str,
    lines: Sequence[Line],
    shown: Callable[[Array], str],
    ax: Any,
    heading: str,
    cmap: Any,
) -> Figure:
    """Draw a box for each value, below those that it was computed from."""
    as_cmap(function, cmap, "")
    if len(lines) > MOST_BOXES:
        figure, ((axes,),) = axes_grid(function, ax, heading, size=(6.0, 1.2))
        axes.text(
            0.5, 0.5, f"{len(lines)} values: too many boxes; print(…) lists them", ha="center"
        )
        axes.set_axis_off()
        return figure
    colours = COLOURS if cmap is None else colours_from(function, cmap, 2)
    rows = _rows(lines)
    texts = {line.name: _text(line, shown) for line in lines}
    tall = max(text.count("\n") + 1 for text in texts.values()) * LINE + 0.16
    most = max(map(len, rows))
    wide, high = most * (WIDE + GAP[0]), len(rows) * (tall + GAP[1])
    size = (max(wide + 0.2, 3.5), high + 0.5)
    figure, ((axes,),) = axes_grid(function, ax, heading, size=size)
    room = axes.get_position()
    inches = (room.width * figure.get_figwidth(), room.height * figure.get_figheight())
    scale = 1.0 if ax is None else min(inches[0] / wide, inches[1] / high, 1.0)
    centres = {
        line.name: ((place + 0.5) * wide / len(row), depth * (tall + GAP[1]) + tall / 2)
        for depth, row in enumerate(rows)
        for place, line in enumerate(row)
    }
    for line in lines:
        colour = colours[0] if not line.op else colours[1] if line is lines[-1] else "0.5"
        _box(axes, centres[line.name], tall, texts[line.name], colour, scale)
    for line in lines:
        x, y = centres[line.name]
        arrows = [(centres[one.name], part) for one in lines for part in one.parts]
        entering = [pair for pair in arrows if pair[1].through == line.name]
        entering.sort(key=lambda pair: pair[0][0])
        for place, ((left, above), part) in enumerate(entering, 1):
            # Side by side, so that their slopes are readable.
            end = (x - WIDE / 2 + WIDE * place / (len(entering) + 1), y - tall / 2)
            _arrow(axes, (left, above + tall / 2), end, _of_arrow(part, shown), scale)
    axes.set_xlim(0, wide)
    axes.set_ylim(high - GAP[1] + 0.1, -0.1)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return figure


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the values by their depth: one below all that it was computed from.

    What is given stands right above where it is used first.
    """
    depths: dict[str, int] = {}
    for line in lines:
        if line.op:
            depths[line.name] = 1 + max([depths.get(name, 0) for name in line.arguments], default=0)
    for line in lines:
        if not line.op:
            used = [depths[part.through] for part in line.parts]
            depths[line.name] = min(used, default=1) - 1
    found: list[list[Line]] = [[] for _ in range(max(depths.values()) + 1)]
    for line in lines:
        found[depths[line.name]].append(line)
    return found


def _of_arrow(part: Part, shown: Callable[[Array], str]) -> str:
    """Return what is done with the gradient on its way up."""
    if part.slope is None:
        return part.rule.replace("upstream summed over", "Σ").replace("upstream through", "through")
    if np.ptp(part.slope) == 0:  # of several places the same
        return f"× {shown(part.slope.flat[0])}"
    text = shown(part.slope)
    return f"× {text}" if "\n" not in text and len(text) < MOST_LETTERS / 2 else "× its slopes"


def _text(line: Line, shown: Callable[[Array], str]) -> str:
    head = f"{line.name} = {line.expression}" if line.op else line.name
    head = head if len(head) <= MOST_LETTERS else head[: MOST_LETTERS - 1] + "…"
    value, gradient = shown(line.value), shown(line.gradient)
    if "\n" in value:
        return f"{head}\nvalue\n{value}\ngradient\n{gradient}"
    return f"{head}\nvalue {value}\ngradient {gradient}"


def _box(
    axes: Any, centre: tuple[float, float], tall: float, text: str, colour: Any, scale: float
) -> None:
    """Draw a box with its text."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import FancyBboxPatch

    x, y = centre
    edge = to_rgb(colour)
    face = tuple(1 - TINT * (1 - part) for part in edge)
    axes.add_patch(
        FancyBboxPatch(
            (x - WIDE / 2, y - tall / 2), WIDE, tall, edgecolor=edge, facecolor=face,
            boxstyle="round,pad=0,rounding_size=0.08", linewidth=1.2,
        )
    )  # fmt: skip
    longest = max(map(len, text.split("\n")))
    points = min(SMALL, WIDE * 72 / (0.58 * longest)) * scale
    axes.text(
        x, y, text, ha="center", va="center", fontsize=points, linespacing=1.2, parse_math=False
    )


def _arrow(
    axes: Any, start: tuple[float, float], end: tuple[float, float], text: str, scale: float
) -> None:
    """Draw an arrow from a value to what is computed from it, with the slope at its end."""
    from matplotlib.patches import FancyArrowPatch

    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=9, color="0.35", linewidth=1.0,
            shrinkA=0, shrinkB=0, zorder=0.5,
        )
    )  # fmt: skip
    axes.text(
        end[0] + 0.07, end[1] - 0.12, text, ha="left", va="center", fontsize=SMALL * 0.9 * scale,
        color=COLOURS[1], parse_math=False, zorder=3,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
    )  # fmt: skip
