"""The tape of a gradient as a graph: boxes of values, arrows with local slopes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.checks import Array
from neural_network.visual.canvas import axes_grid
from neural_network.visual.figures import COLOURS, SMALL, as_cmap, colours_from
from neural_network.visual.tape import Line, Part
from neural_network.visual.tape_places import Place, places_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neural_network.visual.panels import Group

# Inches: of a line and a letter of text, of boxes, of an arrow's label.
LINE, LETTER = 0.17, 0.6 * SMALL / 72
NARROWEST, WIDEST = 1.7, 4.5
# Between a row of boxes and the labels above the next: space for arrows that move sideways; less
# where the text is shorter.
GAPS = (0.25, 0.2, 0.12, 0.12)
# Of an arrow below its label.
HEAD = 0.06
# How much smaller than the usual ones letters in a place may be.
ENOUGH = 0.85
# Letters of a line in a box; longer expressions go on in the next line.
MOST_LETTERS = 34
# Of a label.
LONGEST_LABEL = 16
MOST_BOXES = 80
# In a small place, by the level of the texts.
LEFT_OUT = ("", "gradients", "values and gradients", "ops, values and gradients")
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
        canvas = axes_grid(function, ax, heading, size=(6.0, 1.2))
        text = f"{len(lines)} values: too many boxes\nprint(…) lists them"
        canvas.group().add(canvas.axes, (0.5, 0.5), text, (1, 1), ha="center", va="center")
        canvas.axes.set_axis_off()
        return canvas.figure
    colours = COLOURS if cmap is None else colours_from(function, cmap, 2)
    texts = {line.name: _texts(line, shown) for line in lines}
    gap = GAPS[0]
    words = {id(part): _of_arrow(part, shown) for line in lines for part in line.parts}
    places, wide, high = _places(lines, texts, words, 0, 1.0, gap)
    canvas = axes_grid(function, ax, heading, size=(max(wide + 0.2, 4.5), high + 0.6))
    level, scale, foot = 0, 1.0, 0.0
    if canvas.given is not None:
        # Letters of the size that the place allows, and as much text as it holds then.
        scale = canvas.small / SMALL
        for level, usual in enumerate(GAPS):
            gap, foot = usual * scale, 2 * LINE if level else 0.0
            places, wide, high = _places(lines, texts, words, level, scale, gap)
            if min(canvas.inches[0] / wide, canvas.inches[1] / (high + foot)) >= ENOUGH:
                break
    axes = canvas.axes
    boxes, labels = canvas.group(), canvas.group()
    for line in lines:
        colour = colours[0] if not line.op else colours[1] if line is lines[-1] else "0.5"
        _box(axes, boxes, places[line.name], texts[line.name][level:], colour)
    for line in lines:
        place = places[line.name]
        for arrow in place.entering:
            _arrow(axes, arrow.corners)
            x, y = arrow.corners[-1]
            aside, side = (0.06, "left") if arrow.right else (-0.06, "right")
            labels.add(
                axes, (x + aside, y - HEAD * scale), words[id(arrow.part)],
                (arrow.space - 0.06, _tall(words[id(arrow.part)]) * scale), ha=side, va="bottom",
                color=COLOURS[1], zorder=3, linespacing=1.0,
            )  # fmt: skip

    def lacking() -> str:
        """Say which texts the place does not hold."""
        if not boxes.size():
            missing = "names, values and gradients"
        else:
            missing = LEFT_OUT[min(level + boxes.level, len(LEFT_OUT) - 1)]
            if not labels.size():
                missing += " and slopes" if missing else "slopes"
        return f"no space here for {missing}; draw() shows them" if missing else ""

    canvas.note(lacking, (wide / 2, high + foot), axes.transData)
    axes.set_xlim(-0.05, wide + 0.05)
    axes.set_ylim(high + foot + 0.05, -0.05)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return canvas.figure


def _of_arrow(part: Part, shown: Callable[[Array], str]) -> str:
    """Return what is done with the gradient on its way up."""
    if part.slope is None:
        if part.rule.startswith("upstream through "):
            return part.rule.replace("through ", "through\n")
        return part.rule.replace("upstream summed", "Σ").replace(" summed", "\nΣ")
    slope = part.slope + 0.0  # 0 where it is −0
    low, high = float(np.min(slope)), float(np.max(slope))
    if low == high:  # of several places the same
        return f"× {shown(np.array(low))}"
    whole = shown(slope)
    if not set("\n:") & set(whole) and len(whole) < LONGEST_LABEL:
        return f"× {whole}"
    return f"× slopes\n{low:.4g} … {high:.4g}"


def _texts(line: Line, shown: Callable[[Array], str]) -> list[str]:
    """Return the text of a box, from the longest to the shortest."""
    whole = f"{line.name} = {line.expression}" if line.op else line.name
    head = textwrap.fill(whole, MOST_LETTERS, subsequent_indent="  ")
    value, gradient = shown(line.value), shown(line.gradient)
    if "\n" in value:
        return [f"{head}\nvalue\n{value}\ngradient\n{gradient}", head, head, line.name]
    return [
        f"{head}\nvalue {value}\ngradient {gradient}",
        f"{head}\nvalue {value}",
        head,
        line.name,
    ]


def _places(
    lines: Sequence[Line],
    texts: Mapping[str, Sequence[str]],
    words: Mapping[int, str],
    level: int,
    scale: float,
    gap: float,
) -> tuple[dict[str, Place], float, float]:
    """Return places, width and height, in inches, for texts of a level in letters of a scale."""
    labels = {
        key: (
            (max(map(len, text.split("\n"))) * LETTER + 0.12) * scale,
            (_tall(text) + 2 * HEAD) * scale,
        )
        for key, text in words.items()
    }
    sizes = {}
    for name, several in texts.items():
        shown = several[level].split("\n")
        wide = min(max(map(len, shown)) * LETTER + 0.15, WIDEST)
        least = NARROWEST if level < len(GAPS) - 1 else NARROWEST / 2
        parts = [part for line in lines for part in line.parts if part.through == name]
        ending = [labels[id(part)][0] for part in parts]
        # Each label has its share of the upper edge, without the place of its arrow.
        edge = len(ending) * max(ending, default=0.0) / 0.88
        sizes[name] = (max(wide * scale, least * scale, edge), (len(shown) * LINE + 0.14) * scale)
    return places_of(lines, sizes, labels, gap)


def _tall(label: str) -> float:
    """Return the height of a label, in inches."""
    return 0.15 * (label.count("\n") + 1)


def _box(axes: Any, group: Group, place: Place, texts: list[str], colour: Any) -> None:
    """Draw a box with its text."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import FancyBboxPatch

    edge = to_rgb(colour)
    face = tuple(1 - TINT * (1 - part) for part in edge)
    axes.add_patch(
        FancyBboxPatch(
            (place.left, place.top), place.width, place.height, edgecolor=edge, facecolor=face,
            boxstyle="round,pad=0,rounding_size=0.08", linewidth=1.2,
        )
    )  # fmt: skip
    middle = (place.x, place.top + place.height / 2)
    space = (0.95 * place.width, 0.95 * place.height)
    group.add(axes, middle, texts, space, ha="center", va="center", linespacing=1.2)


def _arrow(axes: Any, path: list[tuple[float, float]]) -> None:
    """Draw an arrow along the corners of a path."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    axes.add_patch(
        FancyArrowPatch(
            path=Path(path), arrowstyle="-|>", mutation_scale=9, color="0.35", linewidth=1.0,
            shrinkA=0, shrinkB=0, zorder=0.5,
        )
    )  # fmt: skip
