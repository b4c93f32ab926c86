"""Where figures are drawn: a new figure, or the place of axes that were given."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from neural_network.errors import ArgumentError, DTypeError, brief, needs_extra, sentence
from neural_network.visual.figures import LARGE, MEDIUM, SMALL, WIDTH
from neural_network.visual.inputs import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from neural_network.visual.panels import Group, Panels

# Of a title.
LETTERS_OF_TITLE, LINES_OF_TITLE = 300, 10
# Letters in small places are no smaller, in points.
LEAST_SMALL, LEAST_MEDIUM, LEAST_LARGE = 6.5, 7.0, 8.0
# Those that would have to be smaller are left out, and a line says so: in a place, and in a figure
# of ``WIDTH`` or more.
LEAST_IN_PLACE, LEAST_IN_FIGURE = 5.5, 6.5


@dataclass(frozen=True)
class Canvas:
    """A figure with rows of axes.

    Attributes:
        figure: the whole figure.
        grid: rows of axes.
        inches: the place of all of them: of a new figure, its size.
        given: the axes that were given, whose place it is.
        small, medium, large: sizes of letters, in points.
        panels: of several axes in the place of given ones, their places.
    """

    figure: Figure
    grid: list[list[Axes]]
    inches: tuple[float, float]
    given: Axes | None = None
    small: float = SMALL
    medium: float = MEDIUM
    large: float = LARGE
    panels: Panels | None = None

    @property
    def axes(self) -> Axes:
        """The first axes."""
        return self.grid[0][0]

    @property
    def flat(self) -> list[Axes]:
        """All axes, row by row."""
        return [axes for line in self.grid for axes in line]

    def entitle(self, text: str) -> None:
        """Write the title, above all panels."""
        if not text:
            return
        how: Any = {"fontsize": self.large, "parse_math": False}
        if self.given is None and len(self.flat) > 1:
            self.figure.suptitle(wrapped(text, self.inches[0], self.large), **how)
            return
        axes = self.axes if self.given is None else self.given
        width = axes.get_position().width * self.figure.get_figwidth()
        if self.panels is not None:
            how["y"] = 1.0  # from there the panels move it, see ``Panels``
        axes.set_title(wrapped(drawable(text), width, self.large), **how)

    def reserve(self, inches: float) -> None:
        """Keep free what is below given axes, for long labels, where no layout engine does."""
        if self.given is None or self.figure.get_layout_engine() is not None:
            return
        share = min(inches / self.inches[1], 0.5)
        spec = self.given.get_subplotspec()
        if spec is None:
            box = self.given.get_position()
            low = box.y0 + share * box.height
            self.given.set_position((box.x0, low, box.width, box.y1 - low))
            return
        lines = spec.subgridspec(2, 1, height_ratios=[1 - share, share], hspace=0)
        self.given.set_subplotspec(lines[0])

    def bar(self, drawn: Any, beside: Sequence[Axes], label: str = "") -> None:
        """Draw the bar of colours of an image at the right of axes, as tall as their pictures."""
        if self.panels is None:
            from neural_network.visual.panels import Beside

            bar = self.figure.colorbar(
                drawn, ax=list(beside) if len(beside) > 1 else beside[0], aspect=30
            )
            bar.ax.set_axes_locator(Beside(bar.ax, beside))
        else:
            bar = self.figure.colorbar(drawn, cax=self.panels.bar())
        bar.set_label(label, fontsize=self.small)
        bar.ax.tick_params(labelsize=self.small)
        bar.ax.yaxis.get_offset_text().set_fontsize(self.small)
        if self.given is not None:
            bar.ax.locator_params(nbins=4)

    def every(
        self, count: int, *, along: int, most: int, letters: int = 2, share: float = 0.8
    ) -> int:
        """Return that each so many-th of a number of labels along an axis of one panel fits.

        Args:
            count: how many labels.
            along: 0 from left to right, 1 downwards.
            most: labels that are drawn.
            letters: of a label.
            share: of the place, that titles and labels leave.
        """
        points = self.small * (0.7 * letters + 0.5 if along == 0 else 1.3)
        panels = len(self.grid[0]) if along == 0 else len(self.grid)
        space = share * self.inches[along] / panels * 72
        return max(-(-count // most), -(-int(count * points) // max(int(space), 1)), 1)

    def group(self, points: float | None = None) -> Group:
        """Return a group of texts: all of one size of letters, at which each fits."""
        from neural_network.visual.panels import Group

        # A wide figure has as large letters as a narrow one: who looks at it looks closer.
        scale = min(self.inches[0] / WIDTH, 1.0)
        least = LEAST_IN_PLACE if self.given is not None else LEAST_IN_FIGURE * scale
        return Group(self.small if points is None else points, least)

    def note_lack(self, group: Group, what: str) -> None:
        """Write a line where the texts of a group are too small to be drawn."""
        self.note(lambda: "" if group.size() else f"no space here for the {what}")

    def note_below(self, words: Callable[[], str]) -> None:
        """Write a line below the panels in the place of given axes, about what they lack."""
        if self.panels is None or self.given is None:
            return
        from neural_network.visual.panels import Note

        self.panels.foot = 1.7 * LEAST_SMALL / 72
        letters = int(self.inches[0] * 72 / (0.55 * LEAST_SMALL))
        self.given.add_artist(
            Note(
                lambda: textwrap.shorten(words(), letters, placeholder=" …"), (0.5, 0.0),
                self.given.transAxes, LEAST_SMALL,
            )
        )  # fmt: skip

    def note_height(self, words: str) -> float:
        """Return the inches that a line of ``note`` takes, which may be broken."""
        width = self.axes.get_position().width * self.figure.get_figwidth()
        lines = wrapped(words, width, LEAST_SMALL).count("\n") + 1
        return (1.2 * lines + 0.5) * LEAST_SMALL / 72

    def note(
        self, words: Callable[[], str], place: tuple[float, float] = (0.5, 0.02), system: Any = None
    ) -> None:
        """Write a line about texts for which given axes have no space, when that is known.

        A figure of its own has space.

        Args:
            words: returns the line, or "" if nothing is left out.
            place: of the middle of its lower edge.
            system: of the coordinates; None for shares of the axes.
        """
        if self.given is None:
            return
        from neural_network.visual.panels import Note

        width = self.axes.get_position().width * self.figure.get_figwidth()
        self.axes.add_artist(
            Note(
                lambda: wrapped(words(), width, LEAST_SMALL), place,
                self.axes.transAxes if system is None else system, LEAST_SMALL,
            )
        )  # fmt: skip


def axes_grid(
    function: str,
    ax: Any,
    title: Any,
    *,
    size: tuple[float, float],
    rows: int = 1,
    columns: int = 1,
    heights: Sequence[float] | None = None,
    widths: Sequence[float] | None = None,
) -> Canvas:
    """Return a figure with rows of axes: a new one, or the place of axes that were given.

    Args:
        function: of the user's call, for errors.
        ax: axes to draw on; None for a new figure. Several panels share their place.
        title: of the figure; None or "" for none.
        size: of a new figure, in inches.
        rows, columns: of axes.
        heights, widths: of the rows and columns, as shares.
    """
    text = as_title(function, title)
    tall, wide = heights or [1.0] * rows, widths or [1.0] * columns
    if ax is None:
        figure: Any = new_figure(function, size)
        grid = figure.add_gridspec(rows, columns, height_ratios=tall, width_ratios=wide)
        made = [[figure.add_subplot(grid[row, c]) for c in range(columns)] for row in range(rows)]
        canvas = Canvas(figure, made, size)
        canvas.entitle(text)
        return canvas
    inches = inches_of(function, ax)
    figure = root(ax.figure)
    scale = min(inches[0] / size[0], inches[1] / size[1], 1.0)
    letters: Any = {
        "small": max(SMALL * scale, LEAST_SMALL),
        "medium": max(MEDIUM * scale, LEAST_MEDIUM),
        "large": max(LARGE * scale, LEAST_LARGE),
    }
    if rows * columns == 1:
        canvas = Canvas(figure, [[ax]], inches, ax, **letters)
    else:
        from neural_network.visual.panels import Panels

        ax.set_axis_off()
        panels = Panels(ax, tall, wide)
        made = [[panels.add(row, column) for column in range(columns)] for row in range(rows)]
        canvas = Canvas(figure, made, inches, ax, panels=panels, **letters)
    canvas.entitle(text)
    return canvas


def not_drawn(kinds: Iterable[str]) -> str:
    """Say what is left out in a small place: how many of each kind.

    >>> from neural_network.visual.canvas import not_drawn
    >>> not_drawn(["Flatten", "BatchNorm", "Flatten"]), not_drawn([])
    ('not drawn: 2 Flatten, 1 BatchNorm', '')
    """
    counts = [f"{count} {kind}" for kind, count in Counter(kinds).items()]
    return f"not drawn: {', '.join(counts)}" if counts else ""


def inches_of(function: str, ax: Any) -> tuple[float, float]:
    """Return the width and height of given axes; raise DTypeError if they are none."""
    if not (hasattr(ax, "imshow") and hasattr(ax, "get_subplotspec")):
        expected = "the axes of a matplotlib figure, or None for a new figure"
        of_array = getattr(getattr(ax, "dtype", None), "kind", "") == "O"
        several = ax.reshape(-1) if of_array else ax if isinstance(ax, list | tuple) else ()
        of_figure = len(several) > 0 and hasattr(several[0], "imshow")
        place = "axes.flat[0]" if of_array else "axes[0]"
        cure = f"; one of them, as ax={place}, is divided where needed" if of_figure else ""
        raise DTypeError(sentence(function, "ax", expected, brief(ax) + cure))
    box, dpi = ax.get_window_extent(), root(ax.figure).dpi
    return max(box.width / dpi, 0.1), max(box.height / dpi, 0.1)


def room_of(function: str, ax: Any, title: str) -> tuple[float, float]:
    """Return the width and height that given axes without ticks have when they are drawn.

    ``layout="constrained"`` makes axes larger than they are before; how much so depends on
    what stands beside them, so that half of it is counted on.
    """
    wide, high = inches_of(function, ax)
    figure, spec = root(ax.figure), ax.get_subplotspec()
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    if spec is None or not isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        return wide, high
    rows, columns = spec.get_gridspec().get_geometry()
    inner = ax.figure.bbox.width / figure.dpi, ax.figure.bbox.height / figure.dpi
    lines = wrapped(title, inner[0] / columns, LEAST_LARGE).count("\n") + 1 if title else 0
    across = inner[0] * len(spec.colspan) / columns - 0.1
    down = inner[1] * len(spec.rowspan) / rows - 0.1 - 1.5 * lines * LEAST_LARGE / 72
    return max((wide + across) / 2, wide), max((high + down) / 2, high)


def new_figure(function: str, size: tuple[float, float]) -> Figure:
    """Return an empty figure that pyplot does not know; size in inches."""
    with needs_extra(f"drawing ({function})", extra="plot"):
        from matplotlib import layout_engine

        from neural_network.visual.picture import Picture
    return Picture(
        figsize=size, layout=layout_engine.ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06)
    )


def root(figure: Any) -> Figure:
    """Return the whole figure of which one may be a part."""
    return cast("Figure", figure.figure if figure.figure is not None else figure)


def wrapped(text: str, inches: float, points: float) -> str:
    """Break a text into lines that fit a width, letters being about half as wide as high."""
    most = max(int(inches * 72 / (0.56 * points)), 8)
    return "\n".join(textwrap.fill(line, most) for line in text.split("\n"))


def as_title(function: str, title: Any) -> str:
    """Return a title as text; None for none. Beside a longer one no space is left to draw in."""
    if title is None:
        return ""
    expected = f"text of at most {LETTERS_OF_TITLE} letters in {LINES_OF_TITLE} lines"
    if not isinstance(title, str):
        raise DTypeError(sentence(function, "title", expected, brief(title)))
    if len(title) > LETTERS_OF_TITLE or title.count("\n") >= LINES_OF_TITLE:
        raise ArgumentError(sentence(function, "title", expected, brief(title)))
    return drawable(title)
