"""An image with the window of a convolution, its padding and numbers, and matrices beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from neural_network.checks import Array
from neural_network.visual.canvas import Canvas, wrapped
from neural_network.visual.figures import GREY, INK, as_picture, ink_on, largest, limits_of, plain
from neural_network.visual.tiles import cells_of, short_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Pixels along a side of an image whose numbers are written into it.
MOST_WRITTEN = 10


class Placed(Protocol):
    """A window in its image, of which ``WindowSum`` says what each attribute is."""

    @property
    def image(self) -> Array:
        """(C, H, W)."""

    @property
    def window(self) -> Array:
        """(C, fh, fw)."""

    @property
    def top(self) -> int:
        """Its first row in the padded image."""

    @property
    def left(self) -> int:
        """Its first column."""

    @property
    def pads(self) -> tuple[int, int]:
        """Rows above and columns left of the image."""

    @property
    def ends(self) -> tuple[int, int]:
        """Rows below and columns right of it."""


def draw_cells(picture: Any) -> None:
    """Draw a line around each cell of a picture, so that white ones are visible on white."""
    left, right, bottom, top = picture.get_extent()
    rows, columns = picture.get_array().shape[:2]
    how: Any = {"colors": "0.75", "linewidth": 0.6}
    picture.axes.vlines(np.linspace(left, right, columns + 1), bottom, top, **how)
    picture.axes.hlines(np.linspace(bottom, top, rows + 1), left, right, **how)


def channel_name(channel: int, channels: int) -> str:
    """Return what a channel is called: three are colours.

    >>> channel_name(0, 3), channel_name(0, 8)
    ('red', 'channel 0')
    """
    return ("red", "green", "blue")[channel] if channels == 3 else f"channel {channel}"


def name_channels(canvas: Canvas, pictures: Sequence[Any], channels: int) -> None:
    """Write what a channel is called beside each of several pictures of channels."""
    for channel, picture in enumerate(pictures if channels > 1 else ()):
        left, _, bottom, top = picture.get_extent()
        picture.axes.text(
            left - 0.05, (bottom + top) / 2, channel_name(channel, channels),
            rotation=90, ha="right", va="center", fontsize=canvas.small,
        )  # fmt: skip


def colours_of_window(image: Array) -> dict[str, Any]:
    """Return the colours of windows, those of the image that they are parts of."""
    low, high = limits_of(image)
    return {"cmap": GREY, "vmin": low, "vmax": high}


def draw_image(canvas: Canvas, axes: Axes, found: Placed) -> None:
    """Draw (C, H, W) in grey or colour, the numbers of a small one, and its title."""
    image = found.image
    drawn: Any = axes.imshow(
        as_picture(image if len(image) > 1 else image[0]), cmap=GREY, vmin=0, vmax=1
    )
    _, height, width = image.shape
    plain(axes)
    title = "image"
    if any((*found.pads, *found.ends)):
        title = "image, padded with zeros"
    rows, columns = height + found.pads[0] + found.ends[0], width + found.pads[1] + found.ends[1]
    if len(image) == 1 and max(rows, columns) <= MOST_WRITTEN:
        draw_cells(drawn)
        group, values = canvas.group(), image[0]
        texts = short_numbers(values, largest(values))
        for cell, text in zip(cells_of(drawn), texts, strict=True):
            share = drawn.get_array()[cell.row, cell.column]
            group.add(
                axes, cell.middle, text, cell.space, ha="center", va="center",
                color=ink_on(drawn, share),
            )  # fmt: skip
        for row, column in _around(found, rows, columns):
            group.add(axes, (column, row), "0", (0.9, 0.9), ha="center", va="center", color=INK)
    axes.set_title(wrapped(title, canvas.inches[0] / 4.5, canvas.medium), fontsize=canvas.medium)


def _around(found: Placed, rows: int, columns: int) -> list[tuple[int, int]]:
    """Return rows and columns of the padding, counted from the image's first pixel."""
    _, height, width = found.image.shape
    return [
        (row, column)
        for row in range(-found.pads[0], rows - found.pads[0])
        for column in range(-found.pads[1], columns - found.pads[1])
        if not (0 <= row < height and 0 <= column < width)
    ]


def _draw_padding(axes: Axes, found: Placed) -> None:
    """Draw the place of the padding, hatched, around the image."""
    from matplotlib.patches import Rectangle

    _, height, width = found.image.shape
    corner = (-found.pads[1] - 0.5, -found.pads[0] - 0.5)
    size = (width + found.pads[1] + found.ends[1], height + found.pads[0] + found.ends[0])
    axes.add_patch(empty_place(corner, size))
    axes.add_patch(
        Rectangle((-0.5, -0.5), width, height, fill=False, edgecolor="0.5", linewidth=0.8)
    )
    axes.set_xlim(corner[0], corner[0] + size[0])
    axes.set_ylim(corner[1] + size[1], corner[1])


def empty_place(corner: tuple[float, float], size: tuple[float, float]) -> Any:
    """Return a hatched rectangle below pictures, for what holds no numbers of the image.

    No colour of a scale looks like it.
    """
    from matplotlib.patches import Rectangle

    how: Any = {"facecolor": "0.93", "edgecolor": "0.65", "hatch": "////", "linewidth": 0}
    return Rectangle(corner, *size, zorder=-1, **how)


def mark_window(axes: Axes, found: Placed) -> Any:
    """Draw the window's frame over the image, and the padding; return the frame."""
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import Normal, withStroke

    _, height, width = found.window.shape
    corner = (found.left - found.pads[1] - 0.5, found.top - found.pads[0] - 0.5)
    frame = Rectangle(corner, width, height, fill=False, edgecolor="#D55E00", linewidth=2.5)
    # The frame must be seen on a picture of its own colour, and on dark and bright ones.
    edges = [withStroke(linewidth=6, foreground="black"), withStroke(linewidth=4.5, foreground="w")]
    frame.set_path_effects([*edges, Normal()])
    frame.set_zorder(3)
    frame.set_clip_on(False)  # it may lie on the edge
    axes.add_patch(frame)
    if any((*found.pads, *found.ends)):
        _draw_padding(axes, found)
    return frame
