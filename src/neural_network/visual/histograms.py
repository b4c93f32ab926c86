"""A figure of how the numbers of a model's parameters, or their gradients, are spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_choice, as_count, as_function, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.training.objectives import LOSSES, Loss
from neural_network.visual.canvas import as_title, axes_grid, inches_of, not_drawn, wrapped
from neural_network.visual.figures import COLOURS, SMALL, STROKE, WIDTH, as_cmap, colours_from
from neural_network.visual.gradients import gradients_of
from neural_network.visual.inputs import as_inputs, as_model, as_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "show_histograms"
# Panels in a line.
COLUMNS = 4
# A panel in the place of given axes is no smaller, in inches; of many parameters some are left out.
NARROWEST, LOWEST = 1.15, 0.6
# Bars that could still be told apart.
MOST_BINS = 10_000

# Bars, where there are enough numbers.
USUAL_BINS = 30


@public(top_level=False)
@explains_calls
@silent
def show_histograms(
    model: Layer,
    what: str = "weights",
    *,
    images: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    loss: str | Loss = "softmax_cross_entropy",
    bins: int | None = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw a histogram of each parameter of a model, or of the gradients.

    A line marks 0. Gradients that are all close to 0 in the first layers, or numbers that
    all lie in one bar, are what to look for.

    Args:
        model: a built model.
        what: "weights" or "gradients": those that ``backward`` has left in the model, or with
            ``images`` and ``labels`` those of a loss on them, computed here.
        images, labels: inputs (N, …) and what the loss compares with; for gradients only.
        loss: a function of (outputs, labels), or one of the library's by name.
        bins: bars of a histogram, at most 10,000; None for as many as suit the numbers, up to 30.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for ``what``.
        cmap: a colormap, of which each layer gets a colour.

    Returns:
        The matplotlib figure, a panel for each parameter; those of a layer share a colour.
        ``figure.savefig(path)`` saves it; pyplot does not know it.

    Raises:
        ArgumentError: a model that is not built or has no parameters, another ``what``,
            gradients that nobody has computed.
        ShapeError: images or labels that do not fit.
        DTypeError: an argument of the wrong kind.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_histograms(models.lenet5(rng=0))
    >>> figure.axes[0].get_title().split(chr(10))
    ['0.weight', '6×1×5×5']
    """
    found = as_model(NAME, model)
    as_choice(NAME, "what", what, ("weights", "gradients"))
    count = None if bins is None else as_count(NAME, "bins", bins, maximum=MOST_BINS)
    heading = what if as_title(NAME, title) == "" and title is None else title
    if cmap is not None:
        as_cmap(NAME, cmap, "")
    arrays = _arrays(found, what, images, labels, loss)
    return draw_histograms(arrays, what, heading, bins=count, ax=ax, title=title, cmap=cmap)


def draw_histograms(
    arrays: dict[str, Array],
    what: str,
    heading: str | None,
    *,
    bins: int | None = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
    names: Iterable[str] | None = None,
) -> Figure:
    """Draw histograms of arrays by name; arguments as of ``show_histograms``.

    ``names`` are those of all parameters, where ``arrays`` are some of them: a layer has the same
    colour in each figure.
    """
    everyone = arrays if names is None else names
    layers = list(dict.fromkeys(name.rpartition(".")[0] for name in everyone))
    colours = (
        [COLOURS[place % len(COLOURS)] for place in range(len(layers))]
        if cmap is None
        else colours_from(NAME, cmap, len(layers))
    )
    columns, chosen = _fitting(arrays, ax)
    if len(chosen) < len(arrays) and title is None:
        heading = f"{what} of {len(chosen)} of {len(arrays)} parameters"
    left_out = not_drawn(name.rpartition(".")[2] for name in arrays if name not in chosen)
    arrays = {name: arrays[name] for name in chosen}
    rows = -(-len(arrays) // columns)
    size = (max(WIDTH / COLUMNS * columns, 4.0), 2.0 * rows + 0.4)
    canvas = axes_grid(NAME, ax, heading, size=size, rows=rows, columns=columns)
    # In a small place only the lowest panels say what is from left to right.
    lowest = len(arrays) - columns if canvas.given is not None else 0
    from neural_network.visual.ticks import space_ticks

    items = list(arrays.items())
    for place, axes in enumerate(canvas.flat):
        if place >= len(items):
            axes.set_axis_off()
            continue
        name, values = items[place]
        finite = values[np.isfinite(values)].astype(float).ravel()
        colour = colours[layers.index(name.rpartition(".")[0])]
        if finite.size:
            suiting = int(np.clip(2 * np.sqrt(finite.size), 4, USUAL_BINS))
            count = suiting if bins is None else bins
            alike = float(finite[0]) if np.all(finite == finite[0]) else None
            # Bars lie on both sides of a number that is all there is, which is in the middle one.
            count += alike is not None and count % 2 == 0
            axes.hist(finite, bins=_edges(finite, count), color=colour)
        axes.axvline(0, color=STROKE, linewidth=0.8, linestyle=":")
        shape = "×".join(map(str, values.shape)) or "1"
        lacking = values.size - finite.size
        between = "\n" if canvas.given is None else " "
        text = f"{name}{between}{shape}" + (f", {lacking} not finite" if lacking else "")
        if finite.size > 1 and alike is not None:
            text += f", all {alike:.4g}"
        lines = wrapped(text, canvas.inches[0] / columns, canvas.small)
        axes.set_title(lines, fontsize=canvas.small, parse_math=False)
        axes.tick_params(labelsize=min(canvas.small, SMALL - 1))
        space_ticks(axes.xaxis, min(canvas.small, SMALL - 1))
        axes.locator_params(axis="y", nbins=3 if canvas.given is None else 2, integer=True)
        if place >= lowest:
            axes.set_xlabel(what[:-1], fontsize=canvas.small)
        if place % columns == 0:
            axes.set_ylabel("how many", fontsize=canvas.small)
        axes.spines[["top", "right"]].set_visible(False)
    if left_out:
        canvas.note_below(lambda: left_out)
    return canvas.figure


def _fitting(arrays: Mapping[str, Array], ax: Any) -> tuple[int, list[str]]:
    """Return how many panels stand in a line, and the names of those that fit."""
    columns = min(len(arrays), COLUMNS)
    if ax is None:
        return columns, list(arrays)
    wide, high = inches_of(NAME, ax)
    columns = min(columns, max(int(wide / NARROWEST), 1))
    most = max(int(high / LOWEST), 1) * columns
    # Vectors say less than matrices and filters.
    chosen = sorted(arrays, key=lambda name: arrays[name].ndim < 2)[:most]
    return columns, [name for name in arrays if name in chosen]


def _edges(values: Array, bins: int) -> list[float]:
    """Return the edges of the bars; numbers that are all the same get one in the middle."""
    low, high = float(values.min()), float(values.max())
    if low == high:  # as wide as it is far from 0, where the axis begins
        width = max(abs(low), 1e-30) if low else 1.0
    else:  # bars so narrow that numbers cannot tell their edges apart are made wider
        width = max(high - low, 1e-6 * max(abs(low), abs(high)), 1e-30)
    middle = (low + high) / 2
    edges: list[float] = np.linspace(middle - width / 2, middle + width / 2, bins + 1).tolist()
    return edges


def _arrays(model: Layer, what: str, images: Any, labels: Any, loss: Any) -> dict[str, Array]:
    """Return name → the numbers to draw."""
    named = model.named_parameters()
    if not named:
        received = f"a {type(model).__name__} without any"
        raise ArgumentError(sentence(NAME, "model", "a model with parameters", received))
    if what == "weights":
        if images is not None or labels is not None:
            expected = "'gradients' where images and labels are given"
            raise ArgumentError(sentence(NAME, "what", expected, "'weights'"))
        return {name: parameter.data for name, parameter in named}
    if (images is None) != (labels is None):
        lacking = "images" if images is None else "labels"
        raise ArgumentError(sentence(NAME, lacking, "images and labels together", "None"))
    if images is not None:
        inputs = as_inputs(NAME, "images", images, model, hint=True)
        targets = as_numbers(NAME, "labels", labels)
        if len(targets) != len(inputs) if targets.ndim else True:
            expected, received = f"one for each of {len(inputs)}", f"shape {targets.shape}"
            raise ShapeError(sentence(NAME, "labels", expected, received))
        function = as_function(NAME, "loss", loss, LOSSES)
        return gradients_of(NAME, model, inputs, targets, function)
    found = {name: p.grad for name, p in named if p.grad is not None}
    if not found:
        expected = "a model on which backward() was called (or images= and labels=)"
        raise ArgumentError(sentence(NAME, "model", expected, "one without gradients"))
    return found
