"""Pictures of one size in lines, with captions above them and numbers in their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.checks import Array
from neural_network.visual.canvas import Canvas
from neural_network.visual.figures import SMALL, WIDTH, ink_on, largest

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neural_network.visual.panels import Group

# Points: of numbers that may be too small to be drawn, and of those that certainly are.
LEAST_POINTS = 3.0
# What a largest number is divided by for a digit more: 1 is 0.09 then.
FINER = 11
# Between two lines of pictures, in widths of a picture.
GAP = 0.08
# A picture in a small place is no smaller, in inches, if fewer can be drawn.
LEAST_TILE = 0.3


def short_numbers(values: Array, top: float) -> list[str]:
    """Format numbers up to ``top`` in four letters or so.

    >>> short_numbers(np.array([0.251, -0.5, 0.001]), 0.5), short_numbers(np.array([8.0, -1.0]), 8)
    (['.25', '-.50', '0'], ['8', '-1'])
    """
    if np.all(values == np.round(values)) and top < 1000:
        return [f"{number:.0f}" for number in values.ravel()]
    digits = 3 if top < 0.1 else 2 if top < 10 else 1 if top < 100 else 0
    texts = [f"{number:.{digits}f}" for number in values.ravel()]
    return [
        "0" if float(text) == 0 else text.replace("0.", ".", 1) if abs(float(text)) < 1 else text
        for text in texts
    ]


def write_numbers(
    canvas: Canvas, places: Tiles, drawn: Sequence[Any], *, precise: bool = False
) -> Group | None:
    """Write its number into each cell of pictures, if the cells are large enough.

    Args:
        canvas: on which they are drawn.
        places: of the pictures.
        drawn: matplotlib's images of them.
        precise: whether a digit more is written where there is space, for numbers that somebody
            computes with.
    """
    arrays = [np.ma.getdata(image.get_array()) for image in drawn]
    top = largest(*arrays)
    texts = [short_numbers(values, top) for values in arrays]
    letters = max(len(text) for several in texts for text in several)
    if places.tile_inches / places.shape[1] * 72 / (0.6 * letters) < LEAST_POINTS:
        return None
    group = canvas.group(SMALL)
    # Where they have no space, numbers with a digit less.
    levels = [top / FINER, top, 10 * top] if precise else [top, 10 * top]
    for image, values in zip(drawn, arrays, strict=True):
        written = [short_numbers(values, level) for level in levels]
        for cell, *words in zip(cells_of(image), *written, strict=True):
            group.add(
                image.axes, cell.middle, words, cell.space, ha="center", va="center",
                color=ink_on(image, values[cell.row, cell.column]),
            )  # fmt: skip
    return group


@dataclass(frozen=True)
class Cell:
    """A cell of a picture.

    Attributes:
        row, column: of the number.
        middle: in data of the axes.
        space: for a text, width and height.
    """

    row: int
    column: int
    middle: tuple[float, float]
    space: tuple[float, float]


def cells_of(image: Any) -> list[Cell]:
    """Return the cells of a matplotlib image, row by row."""
    left, right, bottom, upper = image.get_extent()
    rows, columns = image.get_array().shape[:2]
    across, down = (right - left) / columns, (bottom - upper) / rows
    space = (0.78 * across, 0.9 * abs(down))  # a gap between two numbers of a line
    return [
        Cell(row, column, (left + (column + 0.5) * across, upper + (row + 0.5) * down), space)
        for row in range(rows)
        for column in range(columns)
    ]


@dataclass(frozen=True)
class Tiles:
    """Places for pictures of one size in lines; lengths are in widths of a picture.

    Args:
        count: how many pictures.
        shape: (H, W) of the largest.
        inches: the width that all columns together have.
        columns: of a line; None for a number that fits.
        lines: of text above each picture.
        points: of this text.
        gap: between two pictures of a line.
    """

    count: int
    shape: tuple[int, int]
    inches: float = WIDTH
    columns: int | None = None
    lines: int = 0
    points: float = SMALL
    gap: float = GAP

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

    @classmethod
    def within(
        cls,
        count: int,
        shape: tuple[int, int],
        canvas: Canvas,
        *,
        lines: int = 0,
        caption: float = 0.0,
        every: bool = False,
        columns: int | None = None,
    ) -> Tiles:
        """Return the places of the largest pictures in the place of given axes.

        Args:
            count: how many pictures, if they are not too small then.
            shape: (H, W) of the largest.
            canvas: on which they are drawn.
            lines: of text above each picture.
            caption: the width of the longest text, in letters.
            every: whether all pictures are drawn, however small.
            columns: of a line; None for a number that fits.
        """
        width, height = canvas.inches[0] * 0.96, canvas.inches[1] * 0.96
        ratio, text = shape[0] / shape[1], lines * 1.35 * canvas.small / 72
        wide = 0.62 * caption * canvas.small / 72

        def size(number: int, across: int) -> float:
            pitch = width / across
            tall = height / -(-number // across) - text
            return min(pitch / (1 + GAP), tall / (ratio + GAP)) if pitch >= wide else 0.0

        for number in range(count, 0, -1):
            tried = range(1, number + 1) if columns is None else [min(columns, number)]
            found = max(tried, key=lambda across: size(number, across))
            tile = size(number, found)
            if every or tile >= LEAST_TILE:
                break
        tile = max(tile, LEAST_TILE / 2)
        gap = max(GAP, wide / tile - 1)
        inches = tile * (found + gap * (found - 1))
        return cls(number, shape, inches, found, lines, canvas.small, gap)

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
    def tile_inches(self) -> float:
        """The width of a picture."""
        return self.inches / (self.across + self.gap * (self.across - 1))

    @property
    def pitch(self) -> float:
        """From the top of a picture to that of the next one."""
        return self.shape[0] / self.shape[1] + GAP + self.above

    @property
    def above(self) -> float:
        """A picture, for its text."""
        return self.lines * 1.35 * self.points / 72 / self.tile_inches

    @property
    def height(self) -> float:
        """Of all lines, in inches."""
        return (self.down * self.pitch - GAP) * self.tile_inches

    def draw(
        self,
        canvas: Canvas,
        axes: Axes,
        pictures: Sequence[Array],
        captions: Sequence[Sequence[str] | str] = (),
        **colours: Any,
    ) -> list[Any]:
        """Draw the pictures, each with its caption above; return matplotlib's images."""
        drawn = []
        group = canvas.group()
        for place, picture in enumerate(pictures):
            row, column = divmod(place, self.across)
            x, y = column * (1 + self.gap), row * self.pitch + self.above
            height = picture.shape[0] / picture.shape[1]
            drawn.append(axes.imshow(picture, extent=(x, x + 1, y + height, y), **colours))
            if captions:
                group.add(
                    axes, (x + 0.5, y - 0.02), captions[place],
                    (1 + 0.9 * self.gap, self.above + 0.5 * GAP),
                    ha="center", va="bottom", linespacing=1.1,
                )  # fmt: skip
        if captions:
            canvas.note_lack(group, "texts")
        side = max(0.02, self.gap / 2) if captions else 0.02
        axes.set_xlim(-side, self.across * (1 + self.gap) - self.gap + side)
        axes.set_ylim(self.down * self.pitch - GAP + 0.02, -0.02)
        axes.set_aspect("equal")
        axes.set_axis_off()
        return drawn
