"""A figure of learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.checks import Array, as_real, check_ndim, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import DTypeError, ShapeError, brief, sentence
from neural_network.public import public
from neural_network.visual.figures import COLOURS, MEDIUM, WIDTH, axes_grid, colours_from

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The prefix of measures of held-out data in a ``History``: "validation_loss".
VALIDATION = "validation_"
# Panels in a line.
COLUMNS = 3


@public(top_level=False)
@explains_calls
@silent
def show_history(
    history: Sequence[float] | Mapping[str, Sequence[float]],
    *,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw one curve for each measure, epoch by epoch.

    Each measure has a panel, in which its validation is drawn in another colour and broken.

    Args:
        history: losses, one for each epoch, as ``gradient_descent`` returns
            them; or a dict of name → one number for each epoch, such as ``fit`` returns.
        ax: matplotlib axes to draw on; None for a new figure.
        title: of the figure; None for none.
        cmap: a colormap for the two curves, from its ends.

    Returns:
        The matplotlib figure, a panel for each measure; "loss" and "validation_loss"
        share one.

    Raises:
        ShapeError: no measure, or one without an epoch.
        DTypeError: no numbers; a wrong ``ax``, ``title`` or ``cmap``.
        ArgumentError: a ``cmap`` that does not exist.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_history({"loss": [0.9, 0.4], "accuracy": [0.7, 0.9]})
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss', 'accuracy']
    """
    function = "show_history"
    curves, panels = as_curves(function, history)
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    colours = COLOURS if cmap is None else colours_from(function, cmap, 2)
    size = (max(WIDTH / 3 * columns, 5.0), 3.2 * rows)
    figure, grid = axes_grid(function, ax, title, size=size, rows=rows, columns=columns)
    for place, axes in enumerate([axes for line in grid for axes in line]):
        if place >= len(panels):
            axes.set_axis_off()
            continue
        panel = panels[place]
        shown = [name for name in (panel, VALIDATION + panel) if name in curves]
        for name, style, colour in zip(shown, ("-", "--"), colours, strict=False):
            values = curves[name]
            label = "validation" if name.startswith(VALIDATION) else "training"
            epochs = range(1, len(values) + 1)
            axes.plot(epochs, values, style, color=colour, marker="o", markersize=3, label=label)
        if len(shown) > 1:
            axes.legend(frameon=False, fontsize=MEDIUM)
        axes.set_xlabel("epoch", fontsize=MEDIUM)
        axes.set_ylabel(panel, fontsize=MEDIUM)
        axes.locator_params(axis="x", integer=True, nbins=6)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def as_curves(function: str, history: Any) -> tuple[dict[str, Array], list[str]]:
    """Return name → one number for each epoch, and the names that get a panel."""
    if not isinstance(history, Mapping | list | tuple | np.ndarray):
        raise DTypeError(
            sentence(function, "history", "numbers or a dict of lists", brief(history))
        )
    named = history if isinstance(history, Mapping) else {"loss": history}
    curves = {str(name): as_real(function, f"history[{name!r}]", n) for name, n in named.items()}
    for name, values in curves.items():
        check_ndim(function, f"history[{name!r}]", values, 1)
    if not curves or any(len(values) == 0 for values in curves.values()):
        lengths = {name: len(values) for name, values in curves.items()}
        raise ShapeError(sentence(function, "history", "at least one epoch", lengths))
    # A measure and its validation share a panel, where a gap between them shows overfitting.
    panels = [
        name
        for name in curves
        if name.removeprefix(VALIDATION) == name or name.removeprefix(VALIDATION) not in curves
    ]
    return curves, panels
