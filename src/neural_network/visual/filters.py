"""A figure of the weights of a layer."""

from __future__ import annotations

from math import prod
from os import PathLike
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_shape, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence
from neural_network.functional.window import times
from neural_network.layers.convolution import ConvTranspose2D
from neural_network.layers.dense import Dense
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.visual.canvas import axes_grid
from neural_network.visual.figures import SIGNED, WIDTH, colours_of, largest
from neural_network.visual.inputs import CONVOLUTIONS, as_model, as_numbers
from neural_network.visual.tiles import Tiles, write_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "show_filters"
# Of more units, a picture each would take long, if nobody asks for it.
MOST_UNITS = 256
# More filters are not numbered.
MOST_NUMBERED = 64
# A tile for each of a few filters is no larger than this, in inches.
LARGEST_TILE = 1.7
# Along a side: a square array that is not larger is a filter, not the matrix of a dense layer.
LARGEST_FILTER = 7
# Tiles so many times as wide as high stand below each other.
WIDE = 4
# Numbers of filters or channels along a side.
MOST_TICKS = 32


@public(top_level=False)
@explains_calls
@silent
def show_filters(
    layer: Layer | ArrayLike,
    *,
    shape: tuple[int, ...] | None = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw the weights of a layer: a tile for each filter, all with one scale of colours.

    Red is above 0, blue below. Filters of three channels are drawn in colour, grey being 0;
    of another number, the channels of a filter stand side by side. A ``Dense`` layer has a tile
    for each unit where the shape of its inputs is known: from ``shape``, or from a model whose
    pictures it takes (of up to 256 units); else it is its matrix.

    Args:
        layer: a built layer; a model, of which the first layer with filters is drawn; or the
            weights: (F, C, fh, fw), (F, fh, fw) or (inputs, units). An array of up to 7×7
            with equal sides is one filter, such as ``named_filter`` gives.
        shape: of the inputs of a dense layer, such as (28, 28) or (3, 32, 32); None for that of
            the model's pictures.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for the layer and its sizes.
        cmap: a colormap; given for three channels, they stand side by side.

    Returns:
        The matplotlib figure, which ``figure.savefig(path)`` saves; pyplot does not know it.

    Raises:
        ArgumentError: a layer that is not built, or that has no weights to draw.
        ShapeError: ``shape`` does not fit the inputs.
        DTypeError: no layer and no array; a wrong ``ax``, ``title`` or ``cmap``.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_filters(Conv2D(8, 3).initialize((1, 28, 28), rng=0))
    >>> figure.axes[0].get_title(), len(figure.axes[0].images)
    ('Conv2D: 8 filters 3×3', 8)
    >>> show_filters(named_filter("sharpen")).axes[0].get_title()
    'weights: 1 filter 3×3'
    """
    label, weight, pictures = _weights(layer)
    if not isinstance(layer, Layer) and shape is None and weight.ndim == 2:
        rows, columns = weight.shape
        if rows == columns <= LARGEST_FILTER:  # a filter of ``conv2d``'s
            weight = weight[None]
    shape = pictures if shape is None else shape
    tiles, about = _tiles(weight, shape, in_colour=cmap is None)
    named = about if about.startswith(label) else f"{label}: {about}"
    heading = named if title is None else title
    if isinstance(tiles, np.ndarray):
        return _draw_matrix(tiles, heading, ax, cmap)
    numbered = 1 < len(tiles) <= MOST_NUMBERED
    size = tiles[0].shape[:2]
    if size[1] > WIDE * size[0]:
        return _draw_lines(tiles, heading, ax, cmap)
    shape = (size[0], size[1])
    places = Tiles.of(len(tiles), shape, lines=int(numbered), largest=LARGEST_TILE)
    space = (places.inches + 1, places.height + 0.8)
    canvas = axes_grid(NAME, ax, heading, size=space)
    if canvas.given is not None:
        places = Tiles.within(len(tiles), shape, canvas, lines=int(numbered), every=True)
    coloured = tiles[0].ndim == 3
    colours = {} if coloured else _colours(tiles, cmap)
    captions = [str(place) for place in range(len(tiles))] if numbered else []
    drawn = places.draw(canvas, canvas.axes, tiles, captions, **colours)
    if not coloured:
        canvas.bar(drawn[0], canvas.flat, "weight")
        write_numbers(canvas, places, drawn)
    return canvas.figure


def _colours(arrays: list[Array], cmap: Any) -> dict[str, Any]:
    """Return a scale centred at 0, whatever the signs."""
    colours = colours_of(NAME, cmap, arrays, SIGNED)
    return colours | {"vmin": -colours["vmax"]}


def _draw_lines(tiles: list[Array], title: str, ax: Any, cmap: Any) -> Figure:
    """Draw filters of many channels: a line for each, its channels from left to right."""
    height, width = tiles[0].shape
    channels = int(np.count_nonzero(np.isnan(tiles[0][0]))) + 1
    across = (width + 1) // channels  # with the column between two
    whole = np.concatenate([np.pad(t, ((0, 1), (0, 0)), constant_values=np.nan) for t in tiles])
    tall = float(np.clip(WIDTH * len(whole) / width, 1.0, 1.4 * WIDTH))
    canvas = axes_grid(NAME, ax, title, size=(WIDTH, tall + 1))
    axes = canvas.axes
    drawn = axes.imshow(whole[:-1], interpolation="nearest", **_colours(tiles, cmap))
    for along, axis, count, step, first, label in (
        (0, axes.xaxis, channels, across, (across - 2) / 2, "channel"),
        (1, axes.yaxis, len(tiles), height + 1, (height - 1) / 2, "filter"),
    ):
        every = canvas.every(count, along=along, most=MOST_TICKS)
        chosen = range(0, count, every)
        axis.set_ticks([first + step * place for place in chosen], [str(n) for n in chosen])
        axis.set_tick_params(length=0, labelsize=canvas.small)
        axis.set_label_text(label, fontsize=canvas.medium)
    axes.spines[:].set_visible(False)
    canvas.bar(drawn, [axes], "weight")
    return canvas.figure


def _draw_matrix(matrix: Array, title: str, ax: Any, cmap: Any) -> Figure:
    """Draw the weights of a dense layer, inputs from left to right and units downwards."""
    height = float(np.clip(0.25 * len(matrix), 1.5, 5))
    canvas = axes_grid(NAME, ax, title, size=(WIDTH, height + 1))
    axes = canvas.axes
    drawn = axes.imshow(matrix, aspect="auto", interpolation="nearest", **_colours([matrix], cmap))
    axes.set_xlabel("input", fontsize=canvas.medium)
    axes.set_ylabel("unit", fontsize=canvas.medium)
    axes.tick_params(labelsize=canvas.small)
    axes.locator_params(integer=True)
    canvas.bar(drawn, [axes], "weight")
    return canvas.figure


def _tiles(
    weight: Array, shape: tuple[int, ...] | None, *, in_colour: bool
) -> tuple[list[Array] | Array, str]:
    """Return a picture of each filter, or the transposed matrix of a dense layer, and a text.

    A picture is (h, w), or (h, w, 3) in colour.
    """
    if not 2 <= weight.ndim <= 5:
        expected = "weights of 2 to 5 axes, such as (F, C, fh, fw)"
        raise ShapeError(sentence(NAME, "layer", expected, f"shape {weight.shape}"))
    values = np.asarray(weight, dtype=float)
    if weight.ndim == 2:
        if shape is None:
            return values.T, f"weights {times(weight.shape)}"
        sizes = as_shape(NAME, "shape", shape)
        if len(sizes) not in (2, 3) or prod(sizes) != len(weight):
            expected = f"sizes whose product is the {len(weight)} inputs, such as (28, 28)"
            turned = len(sizes) in (2, 3) and prod(sizes) == weight.shape[1]
            cure = "; its transpose, W.T, has a column for each unit" if turned else ""
            raise ShapeError(sentence(NAME, "shape", expected, f"{brief(sizes)}{cure}"))
        values = values.T.reshape(weight.shape[1], -1, *sizes[-2:])
    elif shape is not None:
        expected = "None for filters that have a height and a width"
        raise ShapeError(sentence(NAME, "shape", expected, brief(shape)))
    taps = values.shape[2:] if weight.ndim != 3 else values.shape[1:]
    what = "units" if weight.ndim == 2 else "filters"
    text = f"{len(values)} {what if len(values) != 1 else what[:-1]} {times(taps)}"
    if weight.ndim == 3:
        return list(values), text
    if weight.ndim == 5:
        values = values.reshape(len(values), -1, *values.shape[-2:])
    channels = values.shape[1]
    if channels == 1:
        return list(values[:, 0]), text
    text += f", {channels} channels" if weight.ndim != 5 else ""
    if channels == 3 and in_colour and weight.ndim != 5:
        return list(0.5 + np.moveaxis(values, 1, -1) / (2 * largest(values))), text
    if weight.ndim != 5:
        text += " from left to right"
    return [_side_by_side(filters) for filters in values], text


def tiles_of(function: str, weight: Array) -> list[Array]:
    """Return a picture of each filter for another function; a matrix is one picture."""
    try:
        tiles, _ = _tiles(weight, None, in_colour=False)
    except ShapeError:
        expected, received = "arrays of 2 to 5 axes", f"shape {weight.shape}"
        raise ShapeError(sentence(function, "history", expected, received)) from None
    return [tiles] if isinstance(tiles, np.ndarray) else tiles


def _side_by_side(channels: Array) -> Array:
    """Return (C, h, w) as one picture, with a column that is not drawn between two channels."""
    apart = np.pad(channels, ((0, 0), (0, 0), (0, 1)), constant_values=np.nan)
    return np.concatenate(list(apart), axis=1)[:, :-1]


def _weights(layer: Any) -> tuple[str, Array, tuple[int, ...] | None]:
    """Return the class and the weights of a layer, or of the first with filters in a model.

    The third is the shape of the pictures that a dense layer takes, where it is known.
    """
    if isinstance(layer, str | PathLike):
        expected = "a layer, a model (nn.load(path) reads one), or an array of weights"
        raise DTypeError(sentence(NAME, "layer", expected, brief(layer)))
    if not isinstance(layer, Layer):
        return "weights", as_numbers(NAME, "layer", layer), None
    shape = as_model(NAME, layer, "layer").input_shape or ()
    inside = [(name, found, _weight_of(found)) for name, found in layer.named_layers()]
    with_weights = [item for item in inside if item[2] is not None]
    if not with_weights:
        expected = "a layer with weights, such as Conv2D or Dense"
        raise ArgumentError(sentence(NAME, "layer", expected, f"a {type(layer).__name__}"))
    convolutions = [item for item in with_weights if isinstance(item[1], CONVOLUTIONS)]
    name, found, weight = (convolutions or with_weights)[0]
    label = f"{type(found).__name__}" if found is layer else f"{name} {type(found).__name__}"
    weights = cast("Array", weight)
    pictures = len(shape) in (2, 3) and min(shape[-2:]) > 1 and prod(shape) == len(weights)
    if not (isinstance(found, Dense) and pictures and weights.shape[1] <= MOST_UNITS):
        return label, weights, None
    return label, weights, shape[-2:] if len(shape) == 2 or shape[0] == 1 else shape


def _weight_of(layer: Layer) -> Array | None:
    """Return the largest parameter of a layer's own that has two axes or more.

    Filters of a transposed convolution come first, as in other convolutions.
    """
    inner = {id(p) for _, child in layer.children() for p in child.parameters()}
    own = [p.data for p in layer.parameters() if id(p) not in inner and p.ndim >= 2]
    if not own:
        return None
    weight = max(own, key=np.size)
    swapped: Array = np.swapaxes(weight, 0, 1)
    return swapped if isinstance(layer, ConvTranspose2D) else weight
