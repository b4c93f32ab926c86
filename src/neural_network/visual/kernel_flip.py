"""A figure of the two meanings of the word convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, check_ndim, check_not_empty, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, sentence
from neural_network.functional.convolution.conv import conv2d
from neural_network.functional.filters import named_filter
from neural_network.functional.window import Padding
from neural_network.public import public
from neural_network.visual.canvas import as_title, axes_grid
from neural_network.visual.figures import (
    GREY,
    SIGNED,
    as_cmap,
    as_picture,
    colours_of,
    largest,
    plain,
)
from neural_network.visual.image_panel import draw_cells
from neural_network.visual.inputs import as_numbers
from neural_network.visual.tiles import Tiles, write_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "show_flip"
# Maps that differ by less than this share of their largest number are the same.
SAME = 1e-9
# Of a title in one line, in sizes of letters.
WIDEST = 12.5


@public(top_level=False)
@explains_calls
@silent
def show_flip(
    image: ArrayLike,
    filter: str | ArrayLike = "vertical",
    *,
    stride: int | tuple[int, int] = 1,
    padding: Padding = 0,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw what a filter makes of a picture as it is, and turned by 180°.

    Sliding the filter as it is, is cross-correlation: what ``conv2d``, its layers and other
    deep-learning libraries compute. Turning it first is the convolution of signal processing:
    ``conv2d(…, flip=True)``.

    Args:
        image: (H, W), or (C, H, W), whose channels are averaged.
        filter: (fh, fw), or the name of a filter.
        stride, padding: as in ``conv2d``.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for how the two maps differ.
        cmap: a colormap for the filters and maps.

    Returns:
        The matplotlib figure: for each of the two the picture, the filter and the map.
        ``figure.savefig(path)`` saves it; pyplot does not know it.

    Raises:
        ShapeError, ArgumentError, DTypeError: as ``conv2d`` and ``named_filter``; a wrong
            ``ax``, ``title`` or ``cmap``.
        MissingDependencyError: matplotlib is not installed.

    >>> show_flip(np.eye(8)).get_suptitle()
    'The two maps differ in sign'
    """
    picture = as_grey(NAME, "image", image)
    kernel = as_filter(NAME, "filter", filter)
    as_title(NAME, title)
    turned = kernel[::-1, ::-1]
    maps = [conv2d(picture, kernel, stride, padding, flip=flip) for flip in (False, True)]
    heading = _difference(*maps) if title is None else title
    colours = colours_of(NAME, cmap, maps, GREY)
    top = largest(kernel)
    signs = {"cmap": as_cmap(NAME, cmap, SIGNED), "vmin": -top, "vmax": top}
    canvas = axes_grid(NAME, ax, heading, size=(8.0, 5.6), rows=2, columns=3)
    words: tuple[str, ...] = (
        "cross-correlation\nconv2d(image, filter)",
        "convolution\nconv2d(…, flip=True)",
    )
    names = ("filter", "filter turned by 180°")
    space = min(canvas.inches[0] / 4, canvas.inches[1] / 2.6)  # of a picture
    if canvas.given is not None and space < WIDEST * canvas.medium / 72:
        words = tuple(word.replace("(", "(\n") for word in words)
        names = (names[0], "filter,\nturned")
    for line, filters, result, word, flipped in zip(
        canvas.grid, (kernel, turned), maps, words, names, strict=True
    ):
        left, middle, right = line
        left.imshow(as_picture(picture), cmap=GREY, vmin=0, vmax=1)
        left.set_title("image", fontsize=canvas.medium)
        places = Tiles(1, (kernel.shape[0], kernel.shape[1]), inches=1.9)
        cells = places.draw(canvas, middle, [filters], **signs)
        draw_cells(cells[0])
        write_numbers(canvas, places, cells)
        middle.set_title(flipped, fontsize=canvas.medium)
        drawn = right.imshow(result, **colours)
        right.set_title(word, fontsize=canvas.medium)
        plain(left)
        plain(right)
    canvas.bar(drawn, [line[2] for line in canvas.grid])
    return canvas.figure


def as_grey(function: str, name: str, image: ArrayLike) -> Array:
    """Return a picture (H, W); of several channels (C, H, W), the mean."""
    picture = as_numbers(function, name, image)
    check_ndim(function, name, picture, 2, 3)
    if picture.ndim == 3 and picture.shape[-1] in (3, 4) and len(picture) not in (1, 3, 4):
        received = f"shape {picture.shape}; np.moveaxis({name}, -1, 0) puts the channels first"
        raise ShapeError(sentence(function, name, "(H, W) or (C, H, W)", received))
    return picture if picture.ndim == 2 else picture.mean(axis=0)


def as_filter(function: str, name: str, value: str | ArrayLike) -> Array:
    """Return a filter (fh, fw) that is given by its name or its numbers."""
    kernel = named_filter(value) if isinstance(value, str) else as_numbers(function, name, value)
    check_not_empty(function, name, kernel, 2)
    return kernel


def _difference(one: Array, other: Array) -> str:
    """Say how two maps differ."""
    slack = SAME * largest(one, other)
    if np.all(np.abs(one - other) <= slack):
        return "The two maps are the same: turning does not change this filter"
    if np.all(np.abs(one + other) <= slack):
        return "The two maps differ in sign"
    return "The two maps differ"
