"""A figure of pictures alone: a batch, what a network makes of it, or what it generates."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence, Sized
from math import isqrt
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from neural_network.checks import Array, as_count, as_names, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, sentence
from neural_network.public import public
from neural_network.visual.canvas import as_title, axes_grid
from neural_network.visual.figures import GREY, as_cmap, as_picture, in_bands, limits_of
from neural_network.visual.inputs import as_numbers, drawable, short_names
from neural_network.visual.predictions import shortened
from neural_network.visual.tiles import Tiles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "show_images"
COLOURS = 3
# Of a caption: letters that a line has at least, and lines.
LETTERS, LINES = 16, 4
# A row of so many numbers, and so many times as many as there are rows, is a picture of its own.
FEWEST, WIDE = 64, 4


@public(top_level=False)
@explains_calls
@silent
def show_images(
    images: ArrayLike,
    captions: Sequence[str] | None = None,
    *,
    most: int = 40,
    columns: int | None = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw pictures, in lines: data, reconstructions of an autoencoder, generated pictures.

    All pictures have one scale, from black to white: 0 to 1, or 0 to 255; for other numbers from
    the smallest to the largest of all.

    Args:
        images: (N, H, W) or (N, 1, H, W) in shades of grey, (N, 3, H, W) in colour, or one picture
            (H, W). A single picture in colour is ``image[None]``.
        captions: above each picture, such as the names of their classes, in up to four lines
            where they are long; None for none.
        most: how many pictures are drawn, from the first on.
        columns: how many stand in a line, as where reconstructions stand below the pictures; None
            for a number that fits.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for how many of the pictures are drawn, if they are not all.
        cmap: a colormap for pictures in shades of grey; black to white by default.

    Returns:
        The matplotlib figure. ``figure.savefig(path)`` saves it; pyplot does not know it.

    Raises:
        ShapeError: no pictures, or not a caption for each.
        ArgumentError: ``most`` or ``columns`` below 1, a ``cmap`` that does not exist.
        DTypeError: an argument of the wrong kind.
        MissingDependencyError: matplotlib is not installed.

    >>> images, labels = load_mnist("test")
    >>> figure = show_images(images[:12], labels[:12])
    >>> len(figure.axes[0].images)
    12
    """
    several = isinstance(captions, Sized) and getattr(captions, "ndim", 1) != 0
    pictures = _as_pictures(images, len(captions) if captions is not None and several else 0)
    limit = as_count(NAME, "most", most)
    across = None if columns is None else as_count(NAME, "columns", columns)
    as_title(NAME, title)
    colours = as_cmap(NAME, cmap, GREY)
    texts: list[str] = []
    if captions is not None:
        texts = [*map(drawable, as_names(NAME, "captions", captions))]
        if len(texts) != len(pictures):
            expected = f"one for each of the {len(pictures)} pictures"
            raise ShapeError(sentence(NAME, "captions", expected, f"{len(texts)}"))
    low, high = limits_of(pictures)
    count = min(len(pictures), limit)
    drawn = [as_picture((picture - low) / (high - low)) for picture in in_bands(pictures[:count])]
    size, largest = (drawn[0].shape[0], drawn[0].shape[1]), 1.2 if count > 1 else 4.0
    places = Tiles.of(count, size, largest=largest, columns=across)
    lines, texts = _in_lines(texts[:count], places)
    places = Tiles.of(count, size, lines=lines, largest=largest, columns=across)
    canvas = axes_grid(NAME, ax, "", size=(places.inches + 0.2, places.height + 0.6))
    if canvas.given is not None:  # fewer pictures, if they would be too small
        lines, texts = _in_lines(texts, Tiles.within(count, size, canvas, columns=across))
        longest = max((len(line) for text in texts for line in text.split("\n")), default=0)
        places = Tiles.within(count, size, canvas, lines=lines, caption=longest, columns=across)
    shown = places.count
    all_are_drawn = shown == len(pictures)
    heading = "" if all_are_drawn else f"{shown} of {len(pictures):,} pictures"
    canvas.entitle(heading if title is None else title)
    places.draw(canvas, canvas.axes, drawn[:shown], texts[:shown], cmap=colours, vmin=0, vmax=1)
    return canvas.figure


def _in_lines(captions: list[str], places: Tiles) -> tuple[int, list[str]]:
    """Break captions into lines that pictures are wide enough for; return how many at most."""
    letters = max(LETTERS, int(places.tile_inches * 72 / (0.58 * places.points)))
    words = [caption for caption in captions if len(caption.split()) == 1]
    short = dict(zip(words, short_names(words, letters), strict=True))
    broken = []
    for caption in captions:
        lines = [
            shortened(line, letters)
            for part in short.get(caption, caption).split("\n")
            for line in textwrap.wrap(part, letters, break_long_words=False) or [""]
        ]
        if len(lines) > LINES:
            lines = [*lines[: LINES - 1], shortened(" ".join(lines[LINES - 1 :]), letters)]
        broken.append("\n".join(lines))
    return max((text.count("\n") + 1 for text in broken), default=0), broken


def _as_pictures(images: ArrayLike, captions: int = 0) -> Array:
    """Return (N, C, H, W) with one channel or three; of (N, H, W), (N, 1, H, W).

    ``captions``: how many there are; of a matrix with so many rows each is a picture.
    """
    array = as_numbers(NAME, "images", images).astype(float)
    side = isqrt(array.shape[-1]) if array.ndim in (1, 2) else 0
    if side * side >= FEWEST and side * side == array.shape[-1]:
        rows = array.shape[0] if array.ndim == 2 else 0
        if array.ndim == 1 or 1 < captions == rows or array.shape[1] >= WIDE * rows:
            sizes = f"-1, {side}, {side}" if rows else f"{side}, {side}"
            expected = "pictures that have a height and a width"
            received = f"shape {array.shape}; images.reshape({sizes}) has them"
            raise ShapeError(sentence(NAME, "images", expected, received))
    if array.ndim == 3 and array.shape[-1] == COLOURS < min(array.shape[:2]):
        received = f"shape {array.shape}; np.moveaxis(image, -1, 0)[None] is one picture in colour"
        raise ShapeError(sentence(NAME, "images", "pictures (N, 3, H, W) in colour", received))
    if array.ndim == 2:
        array = array[None]
    if array.ndim == 3:
        array = array[:, None]
    if array.ndim != 4 or array.shape[1] not in (1, COLOURS):
        received = f"shape {array.shape}"
        if array.ndim == 4:
            received += (
                "; np.moveaxis(images, -1, 1) puts the channels first"
                if array.shape[-1] in (1, COLOURS)
                else "; for maps of a layer: show_activations(model, x)"
            )
        expected = "pictures (N, H, W), (N, 1, H, W) or (N, 3, H, W)"
        raise ShapeError(sentence(NAME, "images", expected, received))
    return array
