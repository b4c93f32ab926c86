"""Animations: a filter that slides over an image, and a network that learns."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_count, as_flag, as_number, silent, within_memory
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, needs_extra, sentence
from neural_network.functional.convolution.conv import conv2d
from neural_network.functional.window import Padding, Window, times
from neural_network.public import public
from neural_network.visual.canvas import Canvas, as_title, axes_grid
from neural_network.visual.figures import (
    COLOURS,
    GREY,
    MEDIUM,
    SIGNED,
    as_cmap,
    colours_from,
    colours_of,
    largest,
)
from neural_network.visual.filters import tiles_of
from neural_network.visual.history import as_runs, draw_curves, draw_legend, entries_of, room_of
from neural_network.visual.image_panel import (
    colours_of_window,
    draw_image,
    mark_window,
    name_channels,
)
from neural_network.visual.inputs import as_numbers
from neural_network.visual.numbers_drawn import FilledMap, Numbers
from neural_network.visual.saving import save_figure
from neural_network.visual.tiles import Tiles
from neural_network.visual.window_sum import as_image_and_filter, shown, window_sum

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation

# Inches; an animation has many pictures.
SIZE, SIZE_IN_COLOUR = (10.0, 3.0), (10.0, 4.6)
# Of image, window, filter, products and map.
WIDTHS = (1.6, 1.0, 1.0, 1.0, 1.6)
# Pictures a second that can be shown.
PACES = (0.01, 1000.0)


@public(top_level=False)
@explains_calls
@within_memory
@silent
def animate_convolution(
    image: ArrayLike,
    filter: str | ArrayLike = "edges",
    *,
    stride: int | tuple[int, int] = 1,
    padding: Padding = 0,
    flip: bool = False,
    frames: int = 60,
    fps: float = 8,
    path: str | os.PathLike[str] | None = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> FuncAnimation:
    """Animate how a filter slides over an image and the map is filled, number by number.

    Args:
        image: (H, W), or (C, H, W).
        filter: (fh, fw), (C, fh, fw), or the name of a filter.
        stride, padding, flip: as in ``conv2d``.
        frames: how many pictures at most; a map of more numbers is filled in larger steps.
        fps: pictures a second.
        path: of a GIF to write; a file that exists is replaced when the new one is complete.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for the sizes.
        cmap: a colormap for the map.

    Returns:
        The matplotlib animation: a notebook shows it, ``visual.save_figure(animation,
        "name.gif")`` saves it.

    Raises:
        ShapeError, ArgumentError, DTypeError: as ``conv2d``; ``frames`` below 1, an ``fps``
            that is not from 0.01 to 1000; an ending other than .gif; a wrong ``ax``, ``title``
            or ``cmap``.
        FileWriteError: the file cannot be written.
        MissingDependencyError: matplotlib or Pillow is not installed.

    >>> animation = animate_convolution(np.eye(6), "vertical")
    >>> animation.frame_count
    16
    """
    name = "animate_convolution"
    pixels, kernel, call = as_image_and_filter(name, image, filter)
    flipped = as_flag(name, "flip", flip)
    plan = Window.of(name, pixels.shape[1:], kernel.shape[1:], stride, padding)
    most, pace = as_count(name, "frames", frames), as_number(name, "fps", fps, between=PACES)
    as_title(name, title)
    filters = kernel[np.newaxis].astype(float)
    total = conv2d(pixels.astype(float), filters, stride, padding, flip=flipped)[0]
    heading = title
    if title is None:
        sizes = (pixels.shape[1:], kernel.shape[1:], total.shape)
        heading = "image {}, filter {}, map {}".format(*(times(size) for size in sizes))
    size = SIZE if len(pixels) == 1 else SIZE_IN_COLOUR
    canvas = axes_grid(name, ax, heading, size=size, columns=5, widths=WIDTHS)
    figure, panels = canvas.figure, canvas.flat
    first = window_sum(pixels, kernel, plan, 0, 0, flip=flipped, call=call)
    draw_image(canvas, panels[0], first)
    frame = mark_window(panels[0], first)
    window, _, products = (
        Numbers(canvas, axes, values, colours, label)
        for axes, values, colours, label in zip(
            panels[1:4],
            (first.window, first.filter, first.products),
            _scales(pixels, first.filter),
            ("window", "× filter, turned" if flipped else "× filter", ""),
            strict=True,
        )
    )
    name_channels(canvas, window.drawn, len(pixels))
    made = FilledMap(canvas, panels[4], total, colours_of(name, cmap, [total], GREY))
    ends = np.unique(np.linspace(0, total.size - 1, min(most, total.size)).round().astype(int))

    @silent
    def show(number: int) -> list[Any]:
        last = int(ends[number])
        row, column = divmod(last, total.shape[1])
        found = window_sum(pixels, kernel, plan, row, column, flip=flipped, call=call)
        frame.set_xy((found.left - found.pads[1] - 0.5, found.top - found.pads[0] - 0.5))
        window.set(found.window)
        products.set(found.products)
        panels[3].set_title(f"= products\nsum {shown(found.value)}", fontsize=canvas.medium)
        made.fill(last + 1)
        return [frame, *window.drawn, *products.drawn, made.drawn]

    return _animation(name, figure, show, len(ends), pace, path)


def _scales(pixels: Array, kernel: Array) -> list[dict[str, Any]]:
    """Return the colours of windows, of the filter and of products, the same in all frames."""
    tops = [largest(kernel), largest(np.abs(kernel) * max(largest(pixels), 1e-300))]
    signed = [{"cmap": SIGNED, "vmin": -top, "vmax": top} for top in tops]
    return [colours_of_window(pixels), *signed]


@public(top_level=False)
@explains_calls
@silent
def animate_training(
    history: Any,
    *,
    frames: int = 60,
    fps: float = 8,
    path: str | os.PathLike[str] | None = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> FuncAnimation:
    """Animate the curves of a training, epoch by epoch, or filters that were kept as it went.

    Args:
        history: what ``show_history`` takes; or a list of arrays of one shape, (F, C, fh, fw)
            weights for example, that a callback has kept after each epoch.
        frames: how many pictures at most; of more epochs, some are left out.
        fps: pictures a second.
        path: of a GIF to write; a file that exists is replaced when the new one is complete.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for the number of the epoch.
        cmap: a colormap for the curves, from its ends, or for the weights.

    Returns:
        The matplotlib animation: a notebook shows it, ``visual.save_figure(animation,
        "name.gif")`` saves it.

    Raises:
        ShapeError: no epoch, or arrays of several shapes.
        ArgumentError, DTypeError: as ``animate_convolution``.
        FileWriteError: the file cannot be written.
        MissingDependencyError: matplotlib or Pillow is not installed.

    >>> animation = animate_training({"loss": [0.9, 0.4, 0.3], "validation_loss": [1.0, 0.6, 0.7]})
    >>> animation.frame_count
    3
    """
    name = "animate_training"
    most, pace = as_count(name, "frames", frames), as_number(name, "fps", fps, between=PACES)
    as_title(name, title)
    as_cmap(name, cmap, SIGNED)
    kept = isinstance(history, list | tuple) and history and _axes(history[0]) >= 2
    if kept or (isinstance(history, np.ndarray) and history.ndim >= 3):
        figure, show, epochs = _weights(name, history, ax, title, cmap)
    else:
        figure, show, epochs = _curves(name, history, ax, title, cmap)
    chosen = np.unique(np.linspace(0, epochs - 1, min(most, epochs)).round().astype(int))
    return _animation(name, figure, lambda n: show(int(chosen[n])), len(chosen), pace, path)


def _axes(value: Any) -> int:
    """Return the number of axes; 0 for what is no array, which the curves refuse."""
    try:
        return np.ndim(value)
    except (ValueError, RecursionError):  # ragged lists, or lists in themselves
        return 0


Show = Callable[[int], list[Any]]


def _curves(name: str, history: Any, ax: Any, title: Any, cmap: Any) -> tuple[Any, Show, int]:
    """Return a figure of growing curves, and the function that shows an epoch."""
    runs = as_runs(name, history)
    panels = list(dict.fromkeys(panel for _, named in runs.values() for panel in named))
    epochs = max(len(values) for curves, _ in runs.values() for values in curves.values())
    colours = COLOURS if cmap is None else colours_from(name, cmap, max(2, len(runs)))
    entries = entries_of(runs, colours) if len(runs) > 1 and ax is None else []
    wide = max(4.0 * len(panels), 5.0)
    across, below = room_of(entries, wide, MEDIUM)
    heading = f"epoch {epochs} of {epochs}" if title is None else title
    canvas = axes_grid(name, ax, heading, size=(wide, 3.2 + below), columns=len(panels))
    lines: list[tuple[Any, Array]] = []
    for axes, panel in zip(canvas.flat, panels, strict=True):
        lines += draw_curves(axes, runs, panel, colours)
        if len(axes.lines) > 1 and not entries:
            axes.legend(frameon=False, fontsize=canvas.medium, loc="best")
        # The limits stay those of the whole curves.
        axes.set_xlim(0.5, epochs + 0.5)
        axes.set_ylim(axes.get_ylim())
        axes.set_xlabel("epoch", fontsize=canvas.medium)
        axes.set_ylabel(panel, fontsize=canvas.medium)
        axes.tick_params(labelsize=canvas.medium)
        axes.locator_params(axis="x", integer=True, nbins=6 if canvas.given is None else 3)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    if entries:
        draw_legend(canvas, entries, across)
    heading_of = _heading(canvas, title)

    @silent
    def show(epoch: int) -> list[Any]:
        for line, values in lines:
            line.set_data(np.arange(1, len(values) + 1)[: epoch + 1], values[: epoch + 1])
        heading_of(f"epoch {epoch + 1} of {epochs}")
        return [line for line, _ in lines]

    return canvas.figure, show, epochs


def _weights(name: str, kept: Any, ax: Any, title: Any, cmap: Any) -> tuple[Any, Show, int]:
    """Return a figure of filters, and the function that shows those of an epoch."""
    if len(kept) == 0:
        raise ShapeError(sentence(name, "history", "at least one epoch", "none"))
    arrays = [as_numbers(name, f"history[{place}]", item) for place, item in enumerate(kept)]
    shapes = {array.shape for array in arrays}
    if len(shapes) > 1:
        expected, received = "arrays of one shape", f"{sorted(shapes)}"
        raise ShapeError(sentence(name, "history", expected, received))
    several = [tiles_of(name, array) for array in arrays]
    scale = largest(*arrays)
    first = several[0]
    places = Tiles.of(len(first), (first[0].shape[0], first[0].shape[1]), largest=1.7)
    heading = f"epoch {len(arrays)} of {len(arrays)}" if title is None else title
    size = (places.inches + 0.4, places.height + 0.7)
    canvas = axes_grid(name, ax, heading, size=size)
    if canvas.given is not None:
        places = Tiles.within(len(first), places.shape, canvas, every=True)
    colours = {"cmap": as_cmap(name, cmap, SIGNED), "vmin": -scale, "vmax": scale}
    drawn = places.draw(canvas, canvas.axes, first, **colours)
    heading_of = _heading(canvas, title)

    @silent
    def show(epoch: int) -> list[Any]:
        for image, tile in zip(drawn, several[epoch], strict=True):
            image.set_data(tile)
        heading_of(f"epoch {epoch + 1} of {len(arrays)}")
        return drawn

    return canvas.figure, show, len(arrays)


def _heading(canvas: Canvas, title: Any) -> Callable[[str], None]:
    """Return the function that changes the title, which does nothing if the user gave one."""
    return canvas.entitle if title is None else lambda _: None


def _animation(
    name: str,
    figure: Any,
    show: Show,
    count: int,
    fps: float,
    path: Any,
) -> FuncAnimation:
    """Return an animation, and write it if there is a path."""
    with needs_extra(f"an animation ({name})", extra="plot"):
        import PIL  # noqa: F401  # which matplotlib needs for GIFs

        from neural_network.visual.moving import Moving
        from neural_network.visual.picture import Picture

    # The layout is found once; later pictures change numbers only.
    show(count - 1)
    figure.draw_without_rendering()
    if isinstance(figure, Picture):  # that of a user keeps its engine
        figure.set_layout_engine("none")
    made = Moving(name, figure, show, count, fps)
    if path is not None:
        save_figure(made, path)
    return made
