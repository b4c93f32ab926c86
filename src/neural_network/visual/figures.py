"""What all figures share: the axes to draw on, titles, colours, tiles in lines."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, DTypeError, brief, needs_extra, sentence
from neural_network.visual.inputs import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches. A figure of this width shown 800 pixels wide has letters of 9 points 12 pixels high.
WIDTH = 8.0
# Of the titles of panels below that of a figure, two lines.
ROOM = 0.45
# Points.
SMALL, MEDIUM, LARGE = 9.0, 10.0, 12.0
# Smaller numbers are not written.
LEAST_POINTS = 7.5
# Of a title.
LETTERS_OF_TITLE, LINES_OF_TITLE = 300, 10
# Colours that people with any colour vision tell apart (Okabe and Ito, 2008).
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Blue below 0, white at 0, red above; black to white; dark blue to yellow.
SIGNED, GREY, RISING = "RdBu_r", "gray", "viridis"


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
) -> tuple[Figure, list[list[Axes]]]:
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
    ratios: Any = {"height_ratios": heights, "width_ratios": widths}
    if ax is None:
        figure: Any = new_figure(function, size)
        grid = figure.add_gridspec(rows, columns, **ratios)
        if text and rows * columns > 1:
            figure.suptitle(wrapped(text, size[0], LARGE), fontsize=LARGE, parse_math=False)
    else:
        check_axes(function, ax)
        figure = ax.figure
        if rows * columns == 1:
            _entitle(ax, text)
            return root(figure), [[ax]]
        _entitle(ax, text)
        ax.set_axis_off()
        spec, box = ax.get_subplotspec(), ax.get_position()
        # Below the title there is room for those of the panels; a layout engine makes it itself.
        inches = box.height * root(figure).get_figheight()
        room = min(0.25, ROOM / inches) if text else 0.0
        if spec is not None and text:
            share = 0.001 if root(figure).get_layout_engine() else room
            above, spec = spec.subgridspec(2, 1, height_ratios=[share, 1 - share], hspace=0)
            ax.set_subplotspec(above)
        if spec is not None:
            grid = spec.subgridspec(rows, columns, **ratios)
        else:  # axes that were put at a place of their own
            top = box.y1 - room * box.height
            sides = {"left": box.x0, "right": box.x1, "bottom": box.y0, "top": top}
            grid = figure.add_gridspec(rows, columns, **sides, **ratios)
    made = [
        [figure.add_subplot(grid[row, column]) for column in range(columns)] for row in range(rows)
    ]
    if ax is None and rows * columns == 1:
        _entitle(made[0][0], text)
    return root(figure), made


def new_figure(function: str, size: tuple[float, float]) -> Figure:
    """Return an empty figure that pyplot does not know; size in inches."""
    with needs_extra(f"drawing ({function})", extra="plot"):
        import matplotlib as mpl  # noqa: F401  # the parts below are found without it once loaded
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        from neural_network.visual.picture import Picture
    return Picture(figsize=size, layout=ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06))


def root(figure: Any) -> Figure:
    """Return the whole figure of which one may be a part."""
    return cast("Figure", figure.figure if figure.figure is not None else figure)


def _entitle(axes: Axes, text: str) -> None:
    if text:
        width = axes.get_position().width * root(axes.figure).get_figwidth()
        axes.set_title(wrapped(text, width, LARGE), fontsize=LARGE, parse_math=False)


def wrapped(text: str, inches: float, points: float) -> str:
    """Break a text into lines that fit a width, letters being about half as wide as high."""
    most = max(int(inches * 72 / (0.56 * points)), 8)
    return "\n".join(textwrap.fill(line, most) for line in text.split("\n"))


def as_title(function: str, title: Any) -> str:
    """Return a title as text; None for none. Beside a longer one no room is left to draw in."""
    if title is None:
        return ""
    expected = f"text of at most {LETTERS_OF_TITLE} letters in {LINES_OF_TITLE} lines"
    if not isinstance(title, str):
        raise DTypeError(sentence(function, "title", expected, brief(title)))
    if len(title) > LETTERS_OF_TITLE or title.count("\n") >= LINES_OF_TITLE:
        raise ArgumentError(sentence(function, "title", expected, brief(title)))
    return drawable(title)


def check_axes(function: str, ax: Any) -> None:
    """Raise DTypeError unless these are the axes of a figure."""
    if not (hasattr(ax, "imshow") and hasattr(ax, "get_subplotspec")):
        expected = "the axes of a matplotlib figure, or None for a new figure"
        raise DTypeError(sentence(function, "ax", expected, brief(ax)))


def as_cmap(function: str, cmap: Any, default: str) -> Any:
    """Return a colormap that was given, by its name or itself, or the default."""
    with needs_extra(f"drawing ({function})", extra="plot"):
        import matplotlib as mpl
        from matplotlib.colors import Colormap
    if cmap is None or isinstance(cmap, Colormap):
        return default if cmap is None else cmap
    expected = "a colormap of matplotlib's, such as 'gray', 'viridis' or 'RdBu_r'"
    if not isinstance(cmap, str):
        raise DTypeError(sentence(function, "cmap", expected, brief(cmap)))
    if cmap not in mpl.colormaps:
        raise ArgumentError(sentence(function, "cmap", expected, brief(cmap)))
    return cmap


def colours_from(function: str, cmap: Any, count: int, *, first: float = 0.0) -> list[Any]:
    """Return colours of a colormap that was given, from one end to the other."""
    with needs_extra(f"drawing ({function})", extra="plot"):
        import matplotlib as mpl
    chosen = mpl.colormaps.get_cmap(as_cmap(function, cmap, RISING))
    # Not the last quarter, which is too pale for a line on white.
    return [chosen(place) for place in np.linspace(first, 0.75, count)]


def largest(*arrays: Array) -> float:
    """Return the largest absolute value of the finite numbers, or 1."""
    return (
        max(
            float(np.max(np.abs(values[np.isfinite(values)], dtype=float), initial=0))
            for values in arrays
        )
        or 1.0
    )


def colours_of(function: str, cmap: Any, arrays: Sequence[Array], unsigned: str) -> dict[str, Any]:
    """Return one scale for arrays: centred at 0 if a number is negative, else from 0.

    Args:
        function: of the user's call, for errors.
        cmap: given by the user, or None.
        arrays: the numbers.
        unsigned: the colormap where no number is negative.
    """
    top = largest(*arrays)
    if any(np.any(values < 0) for values in arrays):
        return {"cmap": as_cmap(function, cmap, SIGNED), "vmin": -top, "vmax": top}
    return {"cmap": as_cmap(function, cmap, unsigned), "vmin": 0, "vmax": top}


def plain(axes: Axes) -> None:
    """Draw a thin frame, so that white on white is visible, and no ticks."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("0.8")


def as_picture(image: Array) -> Array:
    """Return a (C, H, W) or (H, W) image as matplotlib draws it: (H, W) or (H, W, 3).

    Three channels are red, green and blue; of another number, the mean is drawn. Values
    are stretched from 0 … 1 or 0 … 255, or from the smallest to the largest if others occur.
    """
    values = np.asarray(image, dtype=float)
    if values.ndim == 3:
        values = np.moveaxis(values, 0, -1) if len(values) == 3 else values.mean(axis=0)
    values = np.where(np.isfinite(values), values, 0)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return values
    if low >= 0 and high <= 255:
        return values / 255
    return (values - low) / ((high - low) or 1)


def short_numbers(values: Array, top: float) -> list[str]:
    """Format numbers up to ``top`` in four letters or so.

    >>> short_numbers(np.array([0.251, -0.5, 0.001]), 0.5), short_numbers(np.array([8.0, -1.0]), 8)
    (['.25', '-.50', '0'], ['8', '-1'])
    """
    if np.all(values == np.round(values)) and top < 1000:
        return [f"{number:.0f}" for number in values.ravel()]
    digits = 3 if top < 0.1 else 2 if top < 1 else 1 if top < 100 else 0
    texts = [f"{number:.{digits}f}" for number in values.ravel()]
    return [
        "0" if float(text) == 0 else text.replace("0.", ".", 1) if abs(float(text)) < 1 else text
        for text in texts
    ]


def write_numbers(places: Tiles, drawn: Sequence[Any]) -> None:
    """Write its number into each cell of pictures, if the cells are large enough."""
    arrays = [np.ma.getdata(image.get_array()) for image in drawn]
    top = largest(*arrays)
    texts = [short_numbers(values, top) for values in arrays]
    letters = max(len(text) for several in texts for text in several)
    points = min(places.tile_inches / places.shape[1] * 72 / (0.6 * letters + 0.2), SMALL)
    if points < LEAST_POINTS:
        return
    for image, values, several in zip(drawn, arrays, texts, strict=True):
        left, right, bottom, upper = image.get_extent()
        rows, columns = values.shape
        for place, text in enumerate(several):
            row, column = divmod(place, columns)
            image.axes.text(
                left + (column + 0.5) * (right - left) / columns,
                upper + (row + 0.5) * (bottom - upper) / rows,
                text, ha="center", va="center", fontsize=points,
                color=ink_on(image, values[row, column]),
            )  # fmt: skip


def ink_on(image: Any, value: float) -> str:
    """Return black or white, whichever is readable on the colour of a value."""
    red, green, blue, _ = image.cmap(image.norm(value))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"


@dataclass(frozen=True)
class Tiles:
    """Places for pictures of one size in lines; lengths are in widths of a picture.

    Args:
        count: how many pictures.
        shape: (H, W) of the largest.
        inches: the width that all columns together have.
        columns: of a line; None for a number that fits.
        lines: of text above each picture.
    """

    count: int
    shape: tuple[int, int]
    inches: float = WIDTH
    columns: int | None = None
    lines: int = 0

    @classmethod
    def of(
        cls,
        count: int,
        shape: tuple[int, int],
        *,
        lines: int = 0,
        largest: float = WIDTH,
        columns: int | None = None,
    ) -> Tiles:
        """Return places in which a picture is at most so wide, in inches."""
        places = cls(count, shape, columns=columns, lines=lines)
        if places.tile_inches <= largest:
            return places
        inches = largest * (places.across + places.gap * (places.across - 1))
        return replace(places, inches=max(inches, 3.0))

    @property
    def across(self) -> int:
        """How many columns."""
        if self.columns is not None:
            return min(self.columns, self.count)
        ratio = self.shape[0] / self.shape[1]
        least = int(np.clip(np.ceil(np.sqrt(self.count * 1.6 * ratio)), 1, self.count))
        most = min(max(int(least * 1.5), least + 1), self.count)
        # Full lines, if a number of columns near the first one gives them.
        return min(range(least, most + 1), key=lambda n: (-self.count % n, n))

    @property
    def down(self) -> int:
        """How many lines of pictures."""
        return -(-self.count // self.across)

    @property
    def gap(self) -> float:
        """Between two pictures."""
        return 0.08

    @property
    def tile_inches(self) -> float:
        """The width of a picture."""
        return self.inches / (self.across + self.gap * (self.across - 1))

    @property
    def pitch(self) -> float:
        """From the top of a picture to that of the next one."""
        text = self.lines * 1.35 * SMALL / 72 / self.tile_inches
        return self.shape[0] / self.shape[1] + self.gap + text

    @property
    def height(self) -> float:
        """Of all lines, in inches."""
        return (self.down * self.pitch - self.gap) * self.tile_inches

    def draw(
        self, axes: Axes, pictures: Sequence[Array], captions: Sequence[str] = (), **colours: Any
    ) -> list[Any]:
        """Draw the pictures, each with its caption above; return matplotlib's images."""
        drawn = []
        text = self.pitch - self.gap - self.shape[0] / self.shape[1]
        for place, picture in enumerate(pictures):
            row, column = divmod(place, self.across)
            x, y = column * (1 + self.gap), row * self.pitch + text
            height = picture.shape[0] / picture.shape[1]
            drawn.append(axes.imshow(picture, extent=(x, x + 1, y + height, y), **colours))
            if captions:
                axes.text(
                    x + 0.5, y - 0.02, captions[place], ha="center", va="bottom", fontsize=SMALL,
                    linespacing=1.1, parse_math=False,
                )  # fmt: skip
        axes.set_xlim(-0.02, self.across * (1 + self.gap) - self.gap + 0.02)
        axes.set_ylim(self.down * self.pitch - self.gap + 0.02, -0.02)
        axes.set_aspect("equal")
        axes.set_axis_off()
        return drawn
