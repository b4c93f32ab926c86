"""Matrices in an animation, whose numbers change from picture to picture."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.visual.canvas import Canvas, wrapped
from neural_network.visual.figures import SMALL, ink_on, largest, plain
from neural_network.visual.image_panel import MOST_WRITTEN, draw_cells, empty_place
from neural_network.visual.tiles import Tiles, cells_of, short_numbers

# Larger filters have no numbers; further channels are not drawn.
SMALL_FILTER, CHANNELS_DRAWN = 5, 3


class Numbers:
    """Small matrices, a channel below the other, whose numbers change.

    Attributes:
        drawn: matplotlib's images.
    """

    def __init__(
        self, canvas: Canvas, axes: Any, values: Array, colours: dict[str, Any], label: str
    ) -> None:
        tiles = list(values[:CHANNELS_DRAWN])
        places = Tiles(len(tiles), values.shape[1:], inches=1.5, columns=1)
        self.drawn = places.draw(canvas, axes, tiles, **colours)
        self._top = max(abs(float(colours["vmin"])), abs(float(colours["vmax"])))
        for picture in self.drawn:
            draw_cells(picture)
        group = canvas.group(SMALL)
        self._cells = [
            [
                group.add(axes, cell.middle, "", cell.space, ha="center", va="center")
                for cell in cells_of(picture)
            ]
            for picture in self.drawn
            if max(values.shape[1:]) <= SMALL_FILTER
        ]
        axes.set_title(
            wrapped(label, 0.15 * canvas.inches[0], canvas.medium), fontsize=canvas.medium
        )
        self.set(values)

    def set(self, values: Array) -> None:
        """Show other numbers, each black or white, whichever is readable on its colour."""
        for picture, tile in zip(self.drawn, values, strict=False):
            picture.set_data(tile)
        for picture, cells, tile in zip(self.drawn, self._cells, values, strict=False):
            texts = short_numbers(tile, self._top)
            for cell, text, value in zip(cells, texts, tile.ravel(), strict=False):
                cell.set_text(text)
                cell.set_color(ink_on(picture, value))


class FilledMap:
    """The map that is filled; places without a number yet are hatched.

    Attributes:
        drawn: matplotlib's image.
    """

    def __init__(self, canvas: Canvas, axes: Any, total: Array, colours: dict[str, Any]) -> None:
        self._total, self._filled = total, np.full(total.shape, np.nan)
        self.drawn = axes.imshow(self._filled, **colours)
        rows, columns = total.shape
        axes.add_patch(empty_place((-0.5, -0.5), (columns, rows)))
        axes.set_title("map", fontsize=canvas.medium)
        plain(axes)
        self._cells: list[Any] = []
        if max(rows, columns) <= MOST_WRITTEN:
            draw_cells(self.drawn)
            group = canvas.group()
            texts = short_numbers(total, largest(total))
            for cell, text in zip(cells_of(self.drawn), texts, strict=True):
                written = group.add(axes, cell.middle, text, cell.space, ha="center", va="center")
                written.set_color(ink_on(self.drawn, total[cell.row, cell.column]))
                self._cells.append(written)

    def fill(self, count: int) -> None:
        """Show the first numbers, row by row."""
        self._filled[:] = np.nan
        self._filled.ravel()[:count] = self._total.ravel()[:count]
        self.drawn.set_data(self._filled)
        for place, written in enumerate(self._cells):
            written.set_alpha(1.0 if place < count else 0.0)
