"""The tape of a gradient as a graph: boxes of values, arrows with local slopes."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.checks import Array
from neural_network.visual.canvas import axes_grid, room_of
from neural_network.visual.figures import COLOURS, INK, SMALL, STROKE, as_cmap, colours_from
from neural_network.visual.tape import Line, Part
from neural_network.visual.tape_places import Place, places_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neural_network.visual.panels import Group

# Inches: of a line and a letter of text, of boxes, of an arrow's label.
LINE, LETTER = 0.17, 0.6 * SMALL / 72
NARROWEST, WIDEST = 1.7, 4.5
# Between a row of boxes and the labels above the next: space for arrows that move sideways.
GAP = 0.25
# Of an arrow below its label.
HEAD = 0.06
# Inside a box, above and below its text together.
PAD = 0.14
# In a small place what is between texts is so much smaller.
DENSE = 0.4
# In turn, until the texts fit: their level, that space, and whether slopes stand beside arrows.
SPARING = tuple(
    (level, space, slopes)
    for levels in ((0, 1), (2, 3), (4,), (5,))
    for slopes in (True, False)
    for level in levels
    for space in ((1.0, DENSE) if slopes else (DENSE,))
)
# Sizes that differ by less are the same.
NEARLY = 0.97
# Of an arrow, as matplotlib counts it.
HEADS = 9.0
# How much smaller than the usual ones letters in a place may be.
ENOUGH = 0.85
# Letters of a line in a box; longer expressions go on in the next line.
MOST_LETTERS = 34
# Of a label.
LONGEST_LABEL = 16
MOST_BOXES = 80
# In a small place, by the level of the texts; every second is another in a single line.
LEFT_OUT = (
    "", "", "gradients", "gradients", "values and gradients", "ops, values and gradients"
)  # fmt: skip
WORDS = "no space here for {}; draw() shows them"
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
    words = {id(part): _of_arrow(part, shown) for line in lines for part in line.parts}
    room = None if ax is None else room_of(function, ax, heading)
    places, wide, high = _places(lines, texts, words, 0, 1.0, 1.0)
    canvas = axes_grid(function, ax, heading, size=(max(wide + 0.2, 4.5), high + 0.6))
    level, scale, space, foot, slopes = 0, 1.0, 1.0, 0.0, True
    if room is not None:
        # Letters of the size that the place allows, and as much text as it holds then.
        scale = canvas.small / SMALL
        tried = []
        for level, space, slopes in SPARING:
            labelled = words if slopes else dict.fromkeys(words, "")
            places, wide, high = _places(lines, texts, labelled, level, scale, space)
            missing = _lacking(level, slopes)
            below = canvas.note_height(missing) if missing else 0.0
            found = min(room[0] / wide, (room[1] - below) / high)
            tried.append((found, level, space, slopes, places, wide, high, below))
            if found >= ENOUGH:
                break
        # If nothing fits, the most text among those that need the least space.
        best = min(max(one[0] for one in tried), ENOUGH)
        found, level, space, slopes, places, wide, high, below = next(
            one for one in tried if one[0] >= NEARLY * best
        )
        # Below the drawing, for a note, also where the place turns out to be smaller.
        foot = (below or canvas.note_height(_lacking(2, slopes))) / found
    axes = canvas.axes
    boxes, labels = canvas.group(), canvas.group()
    for line in lines:
        colour = colours[0] if not line.op else colours[1] if line is lines[-1] else "0.5"
        _box(axes, boxes, places[line.name], texts[line.name][level:], colour)
    for line in lines:
        place = places[line.name]
        for arrow in place.entering:
            _arrow(axes, arrow.corners, HEADS * (scale if space == DENSE else 1.0))
            if not slopes:
                continue
            x, y = arrow.corners[-1]
            aside, side = (0.06, "left") if arrow.right else (-0.06, "right")
            labels.add(
                axes, (x + aside, y - HEAD * space * scale), words[id(arrow.part)],
                (arrow.space - 0.06, _tall(words[id(arrow.part)]) * scale), ha=side, va="bottom",
                color=COLOURS[1], zorder=3, linespacing=1.0,
            )  # fmt: skip

    def lacking() -> str:
        """Say which texts the place does not hold."""
        if not boxes.size():
            return WORDS.format("names, values and gradients")
        return _lacking(min(level + boxes.level, len(LEFT_OUT) - 1), slopes and labels.size() > 0)

    canvas.note(lacking, (wide / 2, high + foot), axes.transData)
    axes.set_xlim(-0.05, wide + 0.05)
    axes.set_ylim(high + foot + 0.05, -0.05)
    axes.set_aspect("equal")
    axes.set_axis_off()
    return canvas.figure


def _lacking(level: int, slopes: bool) -> str:
    """Say what texts of a level leave out, or nothing."""
    missing = [word for word in (LEFT_OUT[level], "" if slopes else "slopes") if word]
    return WORDS.format(" and ".join(missing)) if missing else ""


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
        full = f"{head}\nvalue\n{value}\ngradient\n{gradient}"
        return [full, full, head, head, head, line.name]
    return [
        f"{head}\nvalue {value}\ngradient {gradient}",
        f"{head}: {value}, gradient {gradient}",
        f"{head}\nvalue {value}",
        f"{head}: {value}",
        head,
        line.name,
    ]


def _places(
    lines: Sequence[Line],
    texts: Mapping[str, Sequence[str]],
    words: Mapping[int, str],
    level: int,
    scale: float,
    space: float,
) -> tuple[dict[str, Place], float, float]:
    """Return places, width and height, in inches, for texts of a level in letters of a scale.

    ``space`` is how large the space between texts is, as a share of the usual one.
    """
    labels = {
        key: (
            (max(map(len, text.split("\n"))) * LETTER + 0.12) * scale,
            (_tall(text) + 2 * HEAD * space) * scale,
        )
        for key, text in words.items()
    }
    sizes = {}
    for name, several in texts.items():
        shown = several[level].split("\n")
        wide = min(max(map(len, shown)) * LETTER + 0.15, WIDEST)
        parts = [part for line in lines for part in line.parts if part.through == name]
        ending = [labels[id(part)][0] for part in parts]
        # Each label has its share of the upper edge, without the place of its arrow.
        edge = len(ending) * max(ending, default=0.0) / 0.88
        sizes[name] = (
            max(wide * scale, NARROWEST * space * scale, edge),
            (len(shown) * LINE + PAD * space) * scale,
        )
    return places_of(lines, sizes, labels, GAP * space * scale)


def _tall(label: str) -> float:
    """Return the height of a label, in inches."""
    return 0.15 * (label.count("\n") + 1) if label else 0.0


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
    space = (0.97 * place.width, 0.97 * place.height)
    group.add(axes, middle, texts, space, ha="center", va="center", color=INK, linespacing=1.2)


def _arrow(axes: Any, path: list[tuple[float, float]], head: float) -> None:
    """Draw an arrow along the corners of a path."""
    from matplotlib.patches import FancyArrowPatch
    from matplotlib.path import Path

    axes.add_patch(
        FancyArrowPatch(
            path=Path(path), arrowstyle="-|>", mutation_scale=head, color=STROKE, linewidth=1.0,
            shrinkA=0, shrinkB=0, zorder=0.5,
        )
    )  # fmt: skip
