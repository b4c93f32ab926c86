"""One output of a convolution: the window, the products and the sum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.advice import CHANNELS, channels_moved
from neural_network.checks import Array, as_count, as_flag, check_ndim, silent, within_memory
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, ShapeError, both, sentence
from neural_network.functional.filters import named_filter
from neural_network.functional.window import Padding, Window
from neural_network.public import public
from neural_network.terminal import plain
from neural_network.visual.canvas import as_title, axes_grid, wrapped
from neural_network.visual.explanation import Explanation
from neural_network.visual.figures import SIGNED, as_cmap, largest
from neural_network.visual.image_panel import (
    channel_name,
    colours_of_window,
    draw_cells,
    draw_image,
    mark_window,
    name_channels,
)
from neural_network.visual.inputs import as_numbers
from neural_network.visual.tiles import Tiles, write_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "explain_conv2d"
CALL = "conv2d(image, filter)"
# Of larger windows the sum is written without its terms.
MOST_PRODUCTS = 27
# Further channels are summed up in one line.
MOST_CHANNELS = 8
# Larger whole numbers are rounded.
LARGEST_WHOLE = 1e6


@dataclass(frozen=True, eq=False, repr=False)
class WindowSum(Explanation):
    """What ``explain_conv2d`` returns: prints as text, ``draw`` makes the picture.

    Attributes:
        image: (C, H, W), as it was given, with an axis of channels.
        row, column: of the output.
        top, left: of the window in the padded image.
        pads: zeros above and to the left of the image.
        ends: zeros below and to the right of it.
        window: (C, fh, fw) numbers of the padded image.
        filter: (C, fh, fw), as it is multiplied: turned, with ``flip``.
        products: ``window * filter``.
        value: their sum.
        flipped: whether the filter was turned.
        call: of ``conv2d``, whose output it is.
    """

    image: Array
    row: int
    column: int
    top: int
    left: int
    pads: tuple[int, int]
    ends: tuple[int, int]
    window: Array
    filter: Array
    products: Array
    value: float
    flipped: bool
    call: str

    @silent
    def __str__(self) -> str:
        """Write the window, the filter, the products and the sum."""
        channels, height, width = self.window.shape
        rows = f"{self.top}..{self.top + height - 1}"
        columns = f"{self.left}..{self.left + width - 1}"
        where = "image" if self.pads == (0, 0) else "padded image"
        lines = [
            f"output[{self.row}, {self.column}]{self._of_call}: rows {rows}, columns {columns} "
            f"of the {where}"
        ]
        word = "filter, turned by 180 degrees" if self.flipped else "filter"
        for channel in range(min(channels, MOST_CHANNELS)):
            if channels > 1:
                lines.append(channel_name(channel, channels))
            columns_of_text = [
                ["window", *_lines(self.window[channel])],
                [word, *_lines(self.filter[channel])],
                ["products", *_lines(self.products[channel])],
            ]
            middle = 1 + height // 2
            lines += _beside(columns_of_text, middle)
        if channels > MOST_CHANNELS:
            rest = shown(float(self.products[MOST_CHANNELS:].sum()))
            lines.append(f"{channels - MOST_CHANNELS} more channels, whose products sum to {rest}")
        flat = self.products.ravel()
        if flat.size <= MOST_PRODUCTS:
            terms = " ".join(
                f"{'+' if n >= 0 else '-'} {shown(abs(n))}" if place else shown(n)
                for place, n in enumerate(flat)
            )
        else:
            terms = f"of {flat.size} products"
        return plain("\n".join([*lines, f"sum {terms} = {shown(self.value)}"]))

    @property
    def _of_call(self) -> str:
        """The call, where it is not simply that of the image and the filter."""
        return f" of {self.call}" if self.call != CALL else ""

    @explains_calls
    @silent
    def draw(self, ax: Any = None, title: str | None = None, cmap: Any = None) -> Figure:
        """Draw the image with the window, and the numbers.

        Args:
            ax: matplotlib axes to draw on; None for a new figure.
            title: None for the place and the value.
            cmap: a colormap for filter and products.

        Returns:
            The matplotlib figure, which ``figure.savefig(path)`` saves; pyplot does not know it.
        """
        as_title(NAME, title)
        as_cmap(NAME, cmap, SIGNED)
        heading = title
        if title is None:
            heading = f"output[{self.row}, {self.column}]{self._of_call} = {shown(self.value)}"
        channels, height, width = self.window.shape
        drawn = min(channels, MOST_CHANNELS)
        size = (8.0, 1.0 + 1.9 * max(drawn * height / width, 0.8))
        canvas = axes_grid(NAME, ax, heading, size=size, columns=4)
        panels = canvas.flat
        draw_image(canvas, panels[0], self)
        mark_window(panels[0], self)
        word = "filter, turned" if self.flipped else "filter"
        space, total, groups = canvas.inches[0] / 4, shown(self.value), []
        last = wrapped(f"= products, sum {total}", space, canvas.medium)
        if last.startswith("=\n"):
            last = f"= products\nsum {total}"
        for axes, label, values in zip(
            panels[1:],
            ("window", wrapped(f"× {word}", space, canvas.medium), last),
            (self.window, self.filter, self.products),
            strict=True,
        ):
            tiles = list(values)
            places = Tiles(drawn, (height, width), inches=1.75, columns=1)
            colours = colours_of_window(self.image) if label == "window" else _colours(tiles, cmap)
            pictures = places.draw(canvas, axes, tiles[:drawn], **colours)
            groups.append(write_numbers(canvas, places, pictures, precise=True))
            for picture in pictures:
                draw_cells(picture)
            if label == "window":
                name_channels(canvas, pictures, channels)
            axes.set_title(label, fontsize=canvas.medium)
        if channels > drawn:
            panels[0].set_xlabel(
                f"{channels - drawn} more channels not shown", fontsize=canvas.small
            )

        def lacking() -> str:
            """Say where a place has no space for numbers."""
            full = all(group is not None and group.size() for group in groups)
            return "" if full else "no space here for all numbers"

        canvas.note_below(lacking)
        return canvas.figure


def shown(number: float) -> str:
    """Return a number as all parts of the explanation write it.

    >>> shown(-1.11803), shown(255.0), shown(12345.0)
    ('-1.118', '255', '12345')
    """
    whole = (
        number == round(number) and abs(number) < LARGEST_WHOLE if np.isfinite(number) else False
    )
    return f"{number:.0f}" if whole else f"{number:.4g}"


def _colours(tiles: list[Array], cmap: Any) -> dict[str, Any]:
    top = largest(*tiles)
    return {"cmap": as_cmap(NAME, cmap, SIGNED), "vmin": -top, "vmax": top}


def _beside(columns: list[list[str]], middle: int) -> list[str]:
    """Write columns of text side by side, with the signs of a product in the middle."""
    widths = [max(map(len, column)) for column in columns]
    found = []
    for place, cells in enumerate(zip(*columns, strict=True)):
        one, two, three = (f"{cell:<{wide}}" for cell, wide in zip(cells, widths, strict=True))
        times_sign, equals = ("x", "=") if place == middle else (" ", " ")
        found.append(f"{one}  {times_sign}  {two}  {equals}  {three}".rstrip())
    return found


def _lines(values: Array) -> list[str]:
    """Write a matrix in columns."""
    texts = np.reshape(_texts(values), values.shape)
    wide = max(len(text) for text in texts.ravel())
    return [" ".join(f"{text:>{wide}}" for text in row) for row in texts]


def _texts(values: Array) -> list[str]:
    return [shown(number) for number in values.ravel()]


@public
@explains_calls
@within_memory
@silent
def explain_conv2d(
    image: ArrayLike,
    filter: str | ArrayLike,
    i: int,
    j: int,
    *,
    stride: int | tuple[int, int] = 1,
    padding: Padding = 0,
    flip: bool = False,
) -> WindowSum:
    """Explain one number of ``conv2d``: window, products and sum.

    A filter here is always one, and a filter (C, fh, fw) has C channels, as in a layer; for
    ``conv2d`` an array (F, fh, fw) is F filters, each of which is applied to each channel.

    Of an image (H, W) it is ``conv2d(image, filter)[i, j]``. Of an image (C, H, W), whose
    channels are summed as in a layer, it is ``conv2d(image, filter[None])[0, i, j]``; the text
    says which call it is. (``conv2d(image, filter)`` of a filter (fh, fw) would be a map for each
    channel: ``explain_conv2d(image[0], filter, i, j)`` explains such a number.)

    Args:
        image: (H, W), or (C, H, W).
        filter: (fh, fw), (C, fh, fw), or the name of a filter; of a picture in colour, one of
            (fh, fw) multiplies each channel.
        i, j: row and column of the output; below 0 from the end.
        stride, padding, flip: as in ``conv2d``.

    Returns:
        An object that prints as text; ``draw()`` makes the figure, which a notebook shows, and
        ``window``, ``products`` and ``value`` are the numbers.

    Raises:
        ShapeError: shapes that do not fit.
        ArgumentError: ``i`` or ``j`` outside the output (an ``IndexError`` as well); a wrong
            stride or padding.
        DTypeError: an argument of the wrong kind.

    >>> explain_conv2d([[1, 2, 3], [4, 5, 6]], [[0, 1], [-1, 0]], 0, 1)
    output[0, 1]: rows 0..1, columns 1..2 of the image
    window     filter     products
    2 3         0 1        0 3
    5 6     x  -1 0    =  -5 0
    sum 0 + 3 - 5 + 0 = -2
    """
    pixels, kernel, call = as_image_and_filter(NAME, image, filter)
    turned = as_flag(NAME, "flip", flip)
    plan = Window.of(NAME, pixels.shape[1:], kernel.shape[1:], stride, padding)
    row, column = (
        _place(name, value, count)
        for name, value, count in zip(("i", "j"), (i, j), plan.outputs, strict=True)
    )
    return window_sum(pixels, kernel, plan, row, column, flip=turned, call=call)


def as_image_and_filter(
    function: str, image: ArrayLike, given: str | ArrayLike
) -> tuple[Array, Array, str]:
    """Return an image (C, H, W), a filter (C, fh, fw), and the call of ``conv2d`` they stand for.

    Names as ``explain_conv2d`` has them.
    """
    pixels = as_numbers(function, "image", image)
    check_ndim(function, "image", pixels, 2, 3)
    pixels = pixels[np.newaxis] if pixels.ndim == 2 else pixels
    kernel = (
        named_filter(given) if isinstance(given, str) else as_numbers(function, "filter", given)
    )
    if kernel.ndim == 4:
        expected = "one filter, (fh, fw) or (C, fh, fw)"
        received = f"shape {kernel.shape}, filters of a layer; filter[0] is the first"
        raise ShapeError(sentence(function, "filter", expected, received))
    check_ndim(function, "filter", kernel, 2, 3)
    channels, call = len(pixels), CALL
    moved = channels_moved("image", pixels.shape, 2)
    if kernel.ndim == 2:
        if channels not in CHANNELS:
            expected = f"an image (H, W), or a filter ({channels}, fh, fw)"
            hint = moved or "; image[0] is one of (H, W)"
            raise ShapeError(sentence(function, "image", expected, f"{pixels.shape}{hint}"))
        kernel = np.repeat(kernel[np.newaxis], channels, axis=0)
        if channels > 1:
            call = f"conv2d(image, np.stack([filter] * {channels})[None])[0]"
    elif channels > 1:
        call = "conv2d(image, filter[None])[0]"
    if len(kernel) != channels:
        expected = f"{channels} channels, as the image has: one filter ({channels}, fh, fw)"
        if kernel.ndim == 3 and channels == 1:
            expected = "one filter (fh, fw), such as filter[0]: conv2d computes a map for each"
        moved = channels_moved("image", pixels.shape, 2, len(kernel))
        raise ShapeError(sentence(function, "filter", expected, f"shape {kernel.shape}{moved}"))
    return pixels, kernel, call


def window_sum(
    image: Array, kernel: Array, plan: Window, row: int, column: int, *, flip: bool, call: str
) -> WindowSum:
    """Return what an output is the sum of; (C, H, W), (C, fh, fw)."""
    top, left = row * plan.stride[0], column * plan.stride[1]
    height, width = kernel.shape[1:]
    padded = plan.pad(image)
    window = padded[:, top : top + height, left : left + width].astype(float)
    filters = (kernel[:, ::-1, ::-1] if flip else kernel).astype(float)
    products = window * filters + 0.0  # 0 where it is −0
    (above, below), (before, behind) = plan.pads
    return WindowSum(
        image, row, column, top, left, (above, before), (below, behind), window, filters,
        products, float(products.sum()), flip, call,
    )  # fmt: skip


def _place(name: str, value: Any, count: int) -> int:
    """Return the place along an axis of the output."""
    place = value + count if isinstance(value, int) and -count <= value < 0 else value
    try:
        return as_count(NAME, name, place, minimum=0, maximum=count - 1)
    except ArgumentError as error:
        if isinstance(error, TypeError):
            raise
        expected = f"a place from {-count} to {count - 1}, as the output has"
        refused: Any = both(ArgumentError, IndexError)
        raise refused(sentence(NAME, name, expected, value)) from None
