"""A figure of a picture, filters and feature maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_mapping, check_ndim, check_not_empty, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence
from neural_network.functional.convolution.conv import conv2d
from neural_network.functional.filters import named_filter
from neural_network.functional.window import Padding, times
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.visual.canvas import Canvas, as_title, axes_grid, wrapped
from neural_network.visual.figures import (
    GREY,
    SIGNED,
    SMALL,
    as_picture,
    colours_of,
    ink_on,
    largest,
    plain,
)
from neural_network.visual.inputs import as_numbers, as_plain
from neural_network.visual.kernel_flip import as_grey
from neural_network.visual.tiles import cells_of, short_numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Filters = str | ArrayLike | Sequence[str | ArrayLike] | Mapping[str, ArrayLike]

COLUMNS = 4
# Larger filters are drawn without numbers, which would be too small to read.
MOST_TAPS_WITH_NUMBERS = 7
# Of the lines between the cells of a filter: seen on white and on dark colours.
LINES = "0.7"


@public(top_level=False)
@explains_calls
@silent
def show_feature_maps(
    image: ArrayLike,
    filters: Filters = "edges",
    *,
    stride: int | tuple[int, int] = 1,
    padding: Padding = 0,
    flip: bool = False,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Apply filters to a picture and draw the picture, the maps and the filters.

    All maps share one colour scale. It is centred at zero, red above and blue
    below, if any map has a negative number; else it runs from black to white.

    Args:
        image: (H, W), or (C, H, W), whose channels are averaged for the maps.
        filters: the name of a filter (see ``FILTERS``), an (fh, fw) or (F, fh, fw) array, the
            (F, 1, fh, fw) weights of a convolution of one channel, a list of names and arrays,
            or a dict of title → array. Those without a name are numbered from 0, as in
            ``show_filters``.
        stride, padding, flip: as in ``conv2d``.
        ax: matplotlib axes to draw on; None for a new figure.
        title: of the picture, on given axes of all of it; None for "Input".
        cmap: a colormap for the maps.

    Returns:
        The matplotlib figure: a notebook shows it, ``figure.show()`` opens a window,
        ``save_figure`` saves it. Pyplot does not know it, so that nothing has to be closed.

    Raises:
        ShapeError, ArgumentError, DTypeError: as ``conv2d`` and ``named_filter``; a wrong
            ``ax``, ``title`` or ``cmap``.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_feature_maps(np.eye(8), ["horizontal", "vertical"])
    >>> for axes in figure.axes[:3]:
    ...     print(*axes.get_title().split())
    Input 8×8
    horizontal 6×6
    vertical 6×6
    """
    function = "show_feature_maps"
    grey = as_grey(function, "image", image)
    named = as_filters(function, filters)
    maps = {
        name: conv2d(grey, values, stride, padding, flip=flip) for name, values in named.items()
    }
    return _drawn(function, as_plain(function, "image", image), named, maps, ax, title, cmap)


def as_filters(function: str, filters: Filters) -> dict[str, Array]:
    """Return filters of any of these forms as title → (fh, fw) array."""
    if isinstance(filters, Mapping):
        items: list[tuple[str, Any]] = list(filters.items())
    elif isinstance(filters, str):
        items = [(filters, filters)]
    elif isinstance(filters, Layer):
        expected = "filters, such as layer.weight of a convolution, or their names"
        shown = "; visual.show_activations(model, image) shows the maps of a model"
        raise DTypeError(sentence(function, "filters", expected, f"{brief(filters)}{shown}"))
    elif isinstance(filters, list | tuple) and (
        not filters or any(isinstance(item, str | np.ndarray) for item in filters)
    ):
        items = [
            (item if isinstance(item, str) else f"filter {place}", item)
            for place, item in enumerate(filters)
        ]
    else:
        array = as_numbers(function, "filters", cast(ArrayLike, filters))
        if array.ndim == 4 and array.shape[1] == 1:  # of a layer, for one channel
            array = array[:, 0]
        check_ndim(function, "filters", array, 2, 3)
        several = array[np.newaxis] if array.ndim == 2 else array
        items = [(f"filter {place}", item) for place, item in enumerate(several)]
    if not items:
        raise ArgumentError(sentence(function, "filters", "at least one filter", "none"))
    named: dict[str, Array] = {}
    for name, item in items:
        values = named_filter(item) if isinstance(item, str) else as_plain(function, name, item)
        check_not_empty(function, name, values, 2)
        if name in named:
            raise ArgumentError(
                sentence(function, "filters", "each filter once", f"{name!r} twice")
            )
        named[name] = values
    return named


@public(top_level=False)
@explains_calls
@silent
def draw_feature_maps(
    image: ArrayLike,
    filters: Mapping[str, ArrayLike],
    maps: Mapping[str, ArrayLike],
    *,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw a picture and maps that were computed before; see ``show_feature_maps``.

    Args:
        image: (H, W), or (C, H, W).
        filters: title → (fh, fw).
        maps: title → (OH, OW), the same titles in the same order.
        ax: matplotlib axes to draw on; None for a new figure.
        title: of the picture, on given axes of all of it; None for "Input".
        cmap: a colormap for the maps.

    Returns:
        The matplotlib figure, which ``figure.savefig(path)`` saves; pyplot does not know it.

    Raises:
        ShapeError: the titles of ``filters`` and ``maps`` differ, or their order; a
            map that has not two dimensions, a picture that has not two or three.
        ArgumentError: there is no map; a ``cmap`` that does not exist.
        DTypeError: no numbers; a wrong ``ax``, ``title`` or ``cmap``.
        MissingDependencyError: matplotlib is not installed.

    >>> maps = {"stride 2": conv2d(np.eye(8), np.ones((2, 2)), stride=2)}
    >>> figure = draw_feature_maps(np.eye(8), {"stride 2": np.ones((2, 2))}, maps)
    """
    picture = as_plain("draw_feature_maps", "image", image)
    check_not_empty("draw_feature_maps", "image", picture, 2, 3)
    arrays, taps = _as_pictures("maps", maps), _as_pictures("filters", filters)
    if not maps:
        raise ArgumentError(sentence("draw_feature_maps", "maps", "at least one map", "none"))
    if list(taps) != list(arrays):
        expected = f"the titles {brief(list(taps))} in this order"
        raise ShapeError(sentence("draw_feature_maps", "maps", expected, brief(list(arrays))))
    return _drawn("draw_feature_maps", picture, taps, arrays, ax, title, cmap)


def _drawn(
    function: str,
    picture: Array,
    taps: Mapping[str, Array],
    maps: Mapping[str, Array],
    ax: Any,
    title: str | None,
    cmap: Any,
) -> Figure:
    """Draw a picture, and maps with their filters, title → array."""
    heading = "Input" if title is None else as_title(function, title)
    colours = colours_of(function, cmap, list(maps.values()), GREY)
    panels = len(maps) + 1
    columns = panels if panels <= COLUMNS + 1 else COLUMNS
    rows = -(-panels // columns)
    # Each panel is a map with its filter below.
    canvas = axes_grid(
        function, ax, None if ax is None else title, size=(2.1 * columns + 0.7, 3.2 * rows),
        rows=2 * rows, columns=columns, heights=[3, 1.5] * rows,
    )  # fmt: skip
    above = [axes for line in canvas.grid[::2] for axes in line]
    below = [axes for line in canvas.grid[1::2] for axes in line]
    for unused in (below[0], *above[panels:], *below[panels:]):
        unused.remove()
    # Black is 0 here as it is in maps without a negative number.
    shown = picture if picture.ndim == 2 else as_picture(picture)
    above[0].imshow(shown, cmap=GREY, vmin=min(0, np.min(shown)))
    _label(canvas, above[0], brief(heading if ax is None else "Input", str), picture)
    for (name, values), axes in zip(maps.items(), above[1:], strict=False):
        drawn = axes.imshow(values, **colours)
        _label(canvas, axes, name, values)
    for values, axes in zip(taps.values(), below[1:], strict=False):
        _draw_filter(canvas, axes, values)
    canvas.bar(drawn, above[1:panels], "map value")
    return canvas.figure


def _as_pictures(name: str, value: object) -> dict[str, Array]:
    """Return the values of a dict as arrays with two axes."""
    function = "draw_feature_maps"
    given = as_mapping(function, name, value, "a dict of title → array")
    arrays = {
        brief(key, str): as_plain(function, f"{name}[{brief(key)}]", item)
        for key, item in given.items()
    }
    for key, array in arrays.items():
        check_not_empty(function, f"{name}[{key!r}]", array, 2)
    return arrays


def _label(canvas: Canvas, axes: Axes, name: str, picture: Array) -> None:
    # parse_math: a file's name may hold dollar signs.
    text = wrapped(name, canvas.inches[0] / len(canvas.grid[0]), canvas.medium)
    text = f"{text}\n{times(picture.shape)}"
    axes.set_title(text, fontsize=canvas.medium, parse_math=False)
    plain(axes)


def _draw_filter(canvas: Canvas, axes: Axes, values: Array) -> None:
    """Draw a filter, with its numbers if it is small."""
    top = largest(values)
    drawn = axes.imshow(values, cmap=SIGNED, vmin=-top, vmax=top)
    plain(axes)
    if max(values.shape) > MOST_TAPS_WITH_NUMBERS:
        return
    _separate(axes, values.shape)
    # The numbers of one filter have as many digits as there is space for.
    texts = [[_formatted(number) for number in values.ravel()]]
    texts += [short_numbers(values, factor * top) for factor in (1, 10)]
    group = canvas.group(SMALL)
    for cell, *words in zip(cells_of(drawn), *texts, strict=True):
        group.add(
            axes, cell.middle, words, cell.space, ha="center", va="center",
            color=ink_on(drawn, values[cell.row, cell.column]),
        )  # fmt: skip


def _separate(axes: Axes, shape: tuple[int, ...]) -> None:
    """Draw lines between the cells of a filter, of which neighbours may have one colour."""
    for axis, count in ((axes.xaxis, shape[1]), (axes.yaxis, shape[0])):
        axis.set_ticks(np.arange(count - 1) + 0.5, minor=True)
        axis.grid(which="minor", color=LINES, linewidth=0.6)
        axis.set_tick_params(which="minor", length=0)


def _formatted(number: float) -> str:
    """Format a number with at most three digits and without a 0 before the point, to fit a cell."""
    text = f"{number:.3g}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text
