"""Panels in the place of axes that were given, and texts that fit into what is drawn.

Places and sizes follow from the place of the given axes whenever these are drawn, whichever layout
engine the figure has and whatever else is drawn on it. This module imports matplotlib, so it is
imported where something is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from neural_network.visual.figures import INK

# Points: between panels from left to right and downwards, and of a bar of colours.
PAD, BAR = (5.0, 2.5), 7.0
# Of the width and height, what the panels keep beside their titles and numbers.
KEPT = 0.3
# Tick labels and titles change with the sizes of panels, and these with them.
ROUNDS = 2


class Group:
    """Texts that have one size of letters: the largest at which each fits into its space.

    Args:
        points: the largest size.
        least: the smallest; texts that would need a smaller one are not drawn.
    """

    def __init__(self, points: float, least: float) -> None:
        self.points, self.least = points, least
        self.version = 0  # of the texts
        self.level = 0  # that is drawn
        self._members: list[Fitted] = []
        self._axes: dict[Any, None] = {}
        self._key: Any = None
        self._size = 0.0
        self._measured: dict[tuple[str, float], tuple[float, float]] = {}

    def add(
        self,
        axes: Any,
        place: tuple[float, float],
        texts: Sequence[str] | str,
        space: tuple[float, float],
        **options: Any,
    ) -> Fitted:
        """Write a text into a space around a place, both in data of the axes.

        Args:
            axes: to write on.
            place: of the text.
            texts: the text, or several, from the longest to the shortest: the first that fits
                is drawn, and of all texts of the group the one in the same place.
            space: width and height.
            options: of matplotlib's text.
        """
        known: Any = {"transform": axes.transData, "parse_math": False, "fontsize": self.points}
        several = [texts] if isinstance(texts, str) else list(texts)
        made = Fitted(self, several, space, *place, several[0], **(known | options))
        made.set_clip_on(False)
        # A layout engine makes space for what lies outside; this never does.
        made.set_in_layout(False)
        axes.add_artist(made)
        self._members.append(made)
        self._axes[axes] = None
        self.version += 1
        return made

    def size(self) -> float:
        """Return the size of letters in the present layout; 0 where they would be too small."""
        dpi = next(iter(self._axes)).get_figure(root=True).dpi
        places = [(*axes.bbox.bounds, *axes.viewLim.bounds) for axes in self._axes]
        if self._key != (dpi, places, self.version):
            spaces = [member.pixels() for member in self._members]
            for level in range(max(len(member.texts) for member in self._members)):
                pairs = zip(self._members, spaces, strict=True)
                size = min(self._largest(member, level, *space) for member, space in pairs)
                if size >= self.least:
                    break
            self.level = level
            for member in self._members:
                member.choose(level)
            self._size = size if size >= self.least else 0.0
            self._key = (dpi, places, self.version)
        return self._size

    def _largest(self, member: Fitted, level: int, width: float, height: float) -> float:
        """Return the size of letters at which a text of a level fits into pixels."""
        text = member.texts[min(level, len(member.texts) - 1)]
        if not text.strip():
            return self.points
        figure: Any = member.get_figure(root=True)
        key = (text, member.get_rotation())
        if key not in self._measured:
            sample = Text(
                0, 0, text, fontsize=self.points, parse_math=False, rotation=member.get_rotation(),
                linespacing=member.spacing, figure=figure,
            )  # fmt: skip
            extent = sample.get_window_extent()
            # In inches, because the figure may be drawn with other dots later.
            self._measured[key] = (extent.width / figure.dpi, extent.height / figure.dpi)
        wide, high = self._measured[key]
        size: float = self.points * min(
            width / (wide * figure.dpi), height / (high * figure.dpi), 1.0
        )
        return size


class Fitted(Text):
    """A text of a group.

    Args:
        group: that has its size.
        texts: from the longest to the shortest.
        space: width and height, in the coordinates of the text.
        place: of matplotlib's text, and what follows.
    """

    def __init__(
        self,
        group: Group,
        texts: list[str],
        space: tuple[float, float],
        *place: Any,
        **options: Any,
    ) -> None:
        self.group, self.texts, self.space = group, texts, space
        self.spacing = options.get("linespacing", 1.2)
        super().__init__(*place, **options)

    def set_text(self, s: Any) -> None:
        """Write another text, which alone is drawn from then on."""
        super().set_text(s)
        if self.get_text() not in self.texts:
            self.texts = [self.get_text()]
            self.group.version += 1

    def choose(self, level: int) -> None:
        """Take the text of a level."""
        super().set_text(self.texts[min(level, len(self.texts) - 1)])

    def pixels(self) -> tuple[float, float]:
        """Return the width and height for the text, in pixels."""
        (x0, y0), (x1, y1) = self.get_transform().transform([(0, 0), self.space])
        return abs(float(x1 - x0)), abs(float(y1 - y0))

    def get_visible(self) -> bool:
        """Return whether it is drawn, now that its size is set."""
        shown = super().get_visible()
        if not shown or self.axes is None:
            return shown
        size = self.group.size()
        if size and size != self.get_fontsize():
            self.set_fontsize(size)
        return size > 0


class Note(Text):
    """A line about what is not drawn, which is known when the layout is.

    Args:
        words: returns it, or "" for none.
        place: of the middle of its lower edge.
        system: of its coordinates.
        points: the size of its letters.
    """

    def __init__(
        self, words: Callable[[], str], place: tuple[float, float], system: Any, points: float
    ) -> None:
        super().__init__(
            *place, "", transform=system, ha="center", va="bottom", fontsize=points,
            fontstyle="italic", parse_math=False, zorder=4,
        )  # fmt: skip
        self._words = words
        self.set_clip_on(False)
        self.set_in_layout(False)
        self.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})
        self.set_color(INK)

    def get_visible(self) -> bool:
        """Return whether something is left out, now that its text is set."""
        if not super().get_visible() or self.axes is None:
            return False
        self.set_text(self._words())
        return bool(self.get_text())


class Panels:
    """Axes in rows and columns within the box of given axes, and a bar of colours beside them.

    Titles, labels and numbers of the panels lie within the box, too.

    Args:
        ax: the given axes.
        heights, widths: of the rows and columns, as shares.
    """

    def __init__(self, ax: Any, heights: Sequence[float], widths: Sequence[float]) -> None:
        self.ax = ax
        self._heights, self._widths = np.array(heights, float), np.array(widths, float)
        self._places: dict[Any, tuple[int, int]] = {}
        self._bar: Any = None
        self.foot = 0.0  # inches below the panels that are kept free
        self._boxes: dict[Any, Bbox] = {}
        self._key: Any = None
        self._measuring = False

    def add(self, row: int, column: int) -> Any:
        """Return new axes in a row and column."""
        axes = self._new()
        self._places[axes] = (row, column)
        return axes

    def bar(self) -> Any:
        """Return new axes for a bar of colours at the right of all panels."""
        self._bar = self._new()
        return self._bar

    def _new(self) -> Any:
        axes = self.ax.figure.add_axes(self.ax.get_position())
        axes.set_axes_locator(_Place(self))
        self._key = None
        return axes

    def box(self, axes: Any, renderer: Any) -> Bbox:
        """Return the place of a panel in the figure."""
        outer: Bbox = self.ax.get_position()
        if self._measuring:
            return self._boxes.get(axes, outer)
        panels = self._drawn()
        words = tuple((p.get_title(), p.get_xlabel(), p.get_ylabel()) for p in panels)
        figure = self.ax.figure
        if self.foot:
            low = outer.y0 + self.foot * figure.dpi / figure.bbox.height
            outer = Bbox.from_extents(outer.x0, min(low, outer.y1), outer.x1, outer.y1)
        key = (outer.bounds, figure.bbox.bounds, figure.dpi, words)
        if key != self._key:
            self._key = key
            self._measuring = True
            try:
                self._arrange(outer, panels, renderer)
            finally:
                self._measuring = False
        return self._boxes.get(axes, outer)

    def _drawn(self) -> list[Any]:
        panels = [*self._places, *([self._bar] if self._bar is not None else [])]
        return [axes for axes in panels if axes.figure is not None]

    def _arrange(self, outer: Bbox, panels: list[Any], renderer: Any) -> None:
        """Find the places at which nothing beside the panels overlaps."""
        figure = self.ax.figure
        size = np.array([figure.bbox.width, figure.bbox.height])
        pad = np.array(PAD) / 72 * figure.dpi / size
        bar = BAR / 72 * figure.dpi / size[0] if self._bar is not None else 0.0
        rows, columns = len(self._heights), len(self._widths)
        placed = [axes for axes in panels if axes is not self._bar]
        aspects = [axes.get_aspect() for axes in placed]
        ratios = [axes.get_data_ratio() for axes in placed] if "auto" not in aspects else []
        weights = self._heights / self._heights.max()
        # Beside the panels: left, right of the columns; below, above of the rows; right of the bar.
        left, right = np.zeros(columns), np.zeros(columns)
        below, above, beyond = np.zeros(rows), np.zeros(rows), 0.0
        for measured in range(ROUNDS + 1):
            gaps = pad[0] * (columns - 1) + (bar + beyond + 2 * pad[0] if bar else 0.0)
            across, lefts, rights = _shared(outer.width - gaps, self._widths, left, right)
            down, belows, aboves = _shared(
                outer.height - pad[1] * (rows - 1), self._heights, below, above
            )
            spare, lower = 0.0, 0.0
            if ratios:  # pictures: no larger than they are drawn, in the middle with the title
                tall, wide, high = size[0] / size[1] * max(ratios), across.copy(), down.copy()
                across = np.minimum(across, (down / weights).min() / tall)
                down = np.minimum(down, across.min() * tall)
                spare = float((wide - across).sum()) / 2
                lower = float((high - down).sum()) / 2
                self.ax.title.set_y(1 - lower / self.ax.get_position().height)
            starts = outer.x0 + spare + np.cumsum(lefts) + np.cumsum(across + rights + pad[0])
            starts -= across + rights + pad[0]
            tops = outer.y1 - lower - np.cumsum(aboves) - np.cumsum(down + belows + pad[1])
            tops += down + belows + pad[1]
            for axes, (row, column) in self._places.items():
                x, y = starts[column], tops[row] - down[row]
                self._boxes[axes] = Bbox.from_bounds(x, y, across[column], down[row])
            if bar:
                x = outer.x1 - spare - beyond - bar
                low, high = tops[-1] - down[-1], tops[0]
                self._boxes[self._bar] = Bbox.from_extents(x, low, x + bar, high)
            for axes in panels:
                box = self._boxes[axes]
                if axes.get_position(original=True).bounds != box.bounds:
                    axes.set_position(box, which="original")
                if measured == ROUNDS:
                    continue
                tight = axes.get_tightbbox(renderer)
                if tight is None:
                    continue
                used = tight.transformed(figure.transSubfigure.inverted())
                if axes is self._bar:
                    beyond = max(beyond, used.x1 - box.x1)
                    continue
                row, column = self._places[axes]
                left[column] = max(left[column], box.x0 - used.x0)
                right[column] = max(right[column], used.x1 - box.x1)
                below[row] = max(below[row], box.y0 - used.y0)
                above[row] = max(above[row], used.y1 - box.y1)


def _shared(length: float, shares: Any, before: Any, behind: Any) -> tuple[Any, Any, Any]:
    """Return lengths of panels by their shares, and what is before and behind each."""
    beside = float(before.sum() + behind.sum())
    factor = min(1.0, (1 - KEPT) * length / beside) if beside else 1.0
    left = max(length - factor * beside, 0.0)
    return shares / shares.sum() * left, before * factor, behind * factor


class Beside:
    """The place of a bar of colours: right beside what is drawn in axes, and as tall.

    Args:
        bar: the axes of the bar, which a layout engine places beside the cells of the others.
        axes: beside which it stands.
    """

    def __init__(self, bar: Any, axes: Sequence[Any]) -> None:
        self._bar, self._axes = bar, list(axes)

    def __call__(self, bar: Any, _renderer: Any) -> Bbox:
        """Return the place of the bar in the figure."""
        self._bar.set_box_aspect(None)  # which constrained layout sets
        for axes in self._axes:
            axes.apply_aspect()
        box = Bbox.union([axes.get_position() for axes in self._axes])
        figure = bar.get_figure(root=True)
        inch = figure.dpi / bar.figure.bbox.width
        left = min(box.x1 + 0.08 * inch, bar.get_position(original=True).x0)
        return Bbox.from_bounds(left, box.y0, BAR / 72 * inch, box.height)

    def get_subplotspec(self) -> Any:
        """Return the cell of the bar, for ``tight_layout``."""
        return self._bar.get_subplotspec()


class _Place:
    """What matplotlib asks for the place of a panel."""

    def __init__(self, panels: Panels) -> None:
        self._panels = panels

    def __call__(self, axes: Any, renderer: Any) -> Bbox:
        return self._panels.box(axes, renderer)

    def get_subplotspec(self) -> Any:
        """Return the cell of the given axes, in which ``tight_layout`` counts the panels."""
        return self._panels.ax.get_subplotspec()
