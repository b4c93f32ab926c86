"""Where the cells of a layer's maps lie in the picture: numbers, without a figure.

A cell sees a square of pixels; its place is the middle of that square. Convolutions without padding
lose a border, so that maps stretched over the whole picture would be drawn beside what they see.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neural_network.checks import Array
from neural_network.errors import NeuralNetworkError
from neural_network.functional.window import Window
from neural_network.layers.containers import Residual
from neural_network.layers.convolution import Conv2D, DepthwiseConv2D
from neural_network.layers.layer import Layer
from neural_network.layers.pooling import AvgPool2D, MaxPool2D
from neural_network.visual.model_graph import Call, calls_of

WINDOWS = (Conv2D, DepthwiseConv2D, MaxPool2D, AvgPool2D)


class Cells(NamedTuple):
    """The cells along one axis of maps.

    Attributes:
        number: how many there are.
        first: where the middle of the first one lies, counted in pixels from that of the first.
        step: pixels from one to the next.
    """

    number: int
    first: float = 0.0
    step: float = 1.0


Places = list[Cells]


def cells_of(model: Layer, layer: Layer, X: Array, maps: Array, pixels: tuple[int, ...]) -> Places:
    """Return the cells of a layer's maps in a picture, for each axis.

    Where a layer on the way does something else than sliding a window, the maps are stretched over
    the whole picture.

    Args:
        model: that is given ``X``.
        layer: in it.
        X: (1, C, H, W), or (1, H, W) or a row of numbers.
        maps: (h, w) of the layer.
        pixels: height and width of the picture.
    """
    found: list[Places | None] = []
    _follow(calls_of(model, X.shape[1:]), [Cells(size) for size in pixels], layer, found)
    places = found[-1] if found else None
    sizes = maps.shape
    if places is not None and tuple(cells.number for cells in places) == sizes:
        return places
    steps = [whole / cells for whole, cells in zip(pixels, sizes, strict=True)]
    return [Cells(n, step / 2 - 0.5, step) for n, step in zip(sizes, steps, strict=True)]


def enlarged(maps: Array, places: Places, size: tuple[int, ...]) -> Array:
    """Enlarge a map (h, w) bilinearly to a picture (H, W), its cells at their places.

    Where no cell is near, as at the border before convolutions without padding, it is 0.
    """
    down, along = (_weights(cells, pixels) for cells, pixels in zip(places, size, strict=True))
    return np.asarray(down @ maps @ along.T, maps.dtype)


def _weights(cells: Cells, pixels: int) -> Array:
    """Return (pixels, cells): the share of each cell in each pixel.

    A pixel of the border that is more than half a step from each cell has none.
    """
    place = (np.arange(pixels) - cells.first) / cells.step
    inside = (place >= -0.5) & (place <= cells.number - 0.5)
    place = np.clip(place, 0, cells.number - 1)
    distance = np.abs(place[:, np.newaxis] - np.arange(cells.number))
    weights: Array = np.maximum(1 - distance, 0) * inside[:, np.newaxis]
    return weights


def _follow(
    call: Call, places: Places | None, layer: Layer, found: list[Places | None]
) -> Places | None:
    """Return the cells of a call's result, None if they are not known; note those of ``layer``."""
    inner: Any = call.layer
    if isinstance(inner, Residual):
        body = len(inner.body)
        before = places
        for one in call.inside[body:]:  # the shortcut; both paths end at the same places
            before = _follow(one, before, layer, found)
        for one in call.inside[:body]:
            places = _follow(one, places, layer, found)
    elif isinstance(inner, WINDOWS):
        places = _behind_window(inner, places)
    else:
        for one in call.inside:
            places = _follow(one, places, layer, found)
    if places is not None and tuple(cells.number for cells in places) != call.output[1:]:
        places = None
    if inner is layer:
        found.append(places)
    return places


def _behind_window(layer: Any, places: Places | None) -> Places | None:
    """Return the cells of what a sliding window makes of maps."""
    if places is None:
        return None
    sizes = tuple(cells.number for cells in places)
    dilation = getattr(layer, "dilation", 1)
    try:
        window = Window.of(
            "plan", sizes, layer.kernel_size, layer.stride, layer.padding, dilation,
            ceil_mode=getattr(layer, "ceil_mode", False),
        )  # fmt: skip
    except NeuralNetworkError:  # it was called with something else
        return None
    return [
        Cells(
            outputs,
            cells.first + cells.step * ((reach - 1) / 2 - before),
            cells.step * stride,
        )
        for cells, outputs, reach, stride, (before, _) in zip(
            places, window.outputs, window.reach, window.stride, window.pads, strict=True
        )
    ]
