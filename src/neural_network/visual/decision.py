"""A figure of the answers of a model over a plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, as_count, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.visual.canvas import as_title, axes_grid
from neural_network.visual.figures import COLOURS, as_cmap
from neural_network.visual.inputs import (
    as_class_names,
    as_labels,
    as_model,
    as_numbers,
    check_scores,
    predicted,
    probabilities_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "show_decision_surface"
MARKERS = "os^DvP*X"
# Around the points, as a share of their range.
MARGIN = 0.1
# More points than these are drawn without an edge each.
MANY = 400


@public(top_level=False)
@explains_calls
@silent
def show_decision_surface(
    model: Layer | Callable[[Array], Any],
    X: ArrayLike,
    labels: ArrayLike,
    *,
    steps: int = 200,
    class_names: Any = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw which class a model of two features chooses where, and the labelled points.

    The more certain the model is, the stronger is the colour; a line is where the answer
    changes. Points of a class have its colour and a mark of their own.

    Args:
        model: a built model from (N, 2) features to a row of scores; a single score is that
            of class 1 of two. Or a function of that kind, for a network by hand:
            ``lambda X: forward_mlp(X, **parameters)[1]``.
        X: (N, 2) points.
        labels: (N,) class numbers.
        steps: points of the grid along each axis.
        class_names: of all classes; None for their numbers.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for none.
        cmap: a colormap, of which each class gets a colour.

    Returns:
        The matplotlib figure, which ``figure.savefig(path)`` saves; pyplot does not know it.

    Raises:
        ArgumentError: a model that is not built, labels out of range, ``steps`` below 2,
            points that are not finite.
        ShapeError: a model or points of more or fewer than two features.
        DTypeError: an argument of the wrong kind.
        MissingDependencyError: matplotlib is not installed.

    >>> model = Sequential(Dense(2)).initialize((2,), rng=0)
    >>> figure = show_decision_surface(model, [[0, 0], [1, 2]], [0, 1])
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    ['0', '1']
    """
    answer, dtype = _answering(model)
    points = as_numbers(NAME, "X", X)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ShapeError(sentence(NAME, "X", "shape (N, 2)", f"shape {points.shape}"))
    if not np.isfinite(points).all():
        raise ArgumentError(sentence(NAME, "X", "finite numbers", "NaN or infinity"))
    count = as_count(NAME, "steps", steps, minimum=2, maximum=2000)
    as_title(NAME, title)
    as_cmap(NAME, cmap, "")
    low, high = points.min(axis=0).astype(float), points.max(axis=0).astype(float)
    space = np.where(high > low, (high - low) * MARGIN, 1.0)
    low, high = low - space, high + space
    across, up = (np.linspace(low[axis], high[axis], count) for axis in (0, 1))
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2).astype(dtype)
    probabilities = probabilities_of(check_scores(NAME, answer(grid)))
    classes = probabilities.shape[1]
    truth = as_labels(NAME, labels, len(points), classes)
    names = as_class_names(NAME, class_names, classes)
    colours = _colours(cmap, classes)
    answers = probabilities.argmax(axis=1)
    # From white, at the certainty of a guess, to the class's own colour.
    strength = (probabilities.max(axis=1) - 1 / classes) / (1 - 1 / classes) if classes > 1 else 1.0
    mixed = 1 - (1 - colours[answers]) * (0.12 + 0.5 * np.reshape(strength, (-1, 1)))
    canvas = axes_grid(NAME, ax, title, size=(6.4, 5.0))
    axes = canvas.axes
    extent = (low[0], high[0], low[1], high[1])
    axes.imshow(mixed.reshape(count, count, 3), origin="lower", extent=extent, aspect="auto")
    for one in range(classes):
        inside = (answers == one).reshape(count, count)
        if inside.any() and not inside.all():
            axes.contour(across, up, inside.astype(float), [0.5], colors="0.25", linewidths=0.8)
    few = len(points) <= MANY
    how: Any = {"s": 30, "edgecolors": "white"} if few else {"s": 8, "edgecolors": "none"}
    for one in range(classes):
        chosen = points[truth == one]
        axes.scatter(
            chosen[:, 0], chosen[:, 1], color=colours[one], marker=MARKERS[one % len(MARKERS)],
            linewidths=0.7, label=names[one], **how,
        )  # fmt: skip
    axes.set_xlabel("feature 0", fontsize=canvas.medium)
    axes.set_ylabel("feature 1", fontsize=canvas.medium)
    axes.tick_params(labelsize=canvas.medium)
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    # Beside the plane in a figure of its own; in a place, where the next axes may begin, inside.
    where: Any = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "frameon": False}
    if canvas.given is not None:
        where = {"loc": "best", "framealpha": 0.8, "labelspacing": 0.2, "borderpad": 0.3}
    legend = axes.legend(
        fontsize=canvas.medium, title="class", title_fontsize=canvas.medium, **where
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    return canvas.figure


def _answering(model: Any) -> tuple[Callable[[Array], Array], Any]:
    """Return the function from points to scores, and the type of points that it takes."""
    if callable(model) and not isinstance(model, Layer | type):

        def answer(points: Array) -> Array:
            found = np.asarray(model(points))
            if found.shape[:1] != (len(points),):
                expected = f"a function from points (N, 2) to scores (N, k), N = {len(points)}"
                received = f"a result of shape {found.shape}"
                raise ShapeError(sentence(NAME, "model", expected, received))
            return found

        return answer, np.float64
    found = as_model(NAME, model, shape=(2,))
    if found.input_shape != (2,):
        expected, received = "a model of two features, (N, 2)", f"one of {found.input_shape}"
        raise ShapeError(sentence(NAME, "model", expected, received))
    return lambda points: predicted(NAME, found, points), found.dtype


def _colours(cmap: Any, classes: int) -> Array:
    """Return (classes, 3) colours."""
    import matplotlib as mpl
    from matplotlib.colors import to_rgb

    if cmap is None:
        return np.array([to_rgb(COLOURS[place % len(COLOURS)]) for place in range(classes)])
    chosen = mpl.colormaps.get_cmap(cmap)
    return np.array([chosen(place)[:3] for place in np.linspace(0, 1, classes)])
