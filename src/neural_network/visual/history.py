"""A figure of learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from neural_network.checks import as_real, check_ndim
from neural_network.errors import DTypeError, ShapeError, brief, needs_extra, sentence
from neural_network.public import public

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The prefix of measures of held-out data in a ``History``: "validation_loss".
VALIDATION = "validation_"


@public(top_level=False)
def show_history(history: Sequence[float] | Mapping[str, Sequence[float]]) -> Figure:
    """Draw one curve for each measure, epoch by epoch.

    Args:
        history: losses, one for each epoch, as ``gradient_descent`` returns
            them; or a dict of name → one number for each epoch.

    Returns:
        The matplotlib figure, a panel for each measure; "loss" and "validation_loss"
        share one.

    Raises:
        ShapeError: no measure, or one without an epoch.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_history({"loss": [0.9, 0.4], "accuracy": [0.7, 0.9]})
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss', 'accuracy']
    """
    with needs_extra("drawing a history", extra="plot"):
        from matplotlib import pyplot as plt
        from matplotlib.ticker import MaxNLocator
    if not isinstance(history, Mapping | list | tuple | np.ndarray):
        raise DTypeError(
            sentence("show_history", "history", "numbers or a dict of lists", brief(history))
        )
    named = history if isinstance(history, Mapping) else {"loss": history}
    function = "show_history"
    curves = {str(name): as_real(function, f"history[{name!r}]", n) for name, n in named.items()}
    for name, values in curves.items():
        check_ndim(function, f"history[{name!r}]", values, 1)
    if not curves or any(len(values) == 0 for values in curves.values()):
        lengths = {name: len(values) for name, values in curves.items()}
        raise ShapeError(sentence("show_history", "history", "at least one epoch", lengths))
    # A measure and its validation share a panel, where a gap between them shows overfitting.
    panels = [
        name
        for name in curves
        if name.removeprefix(VALIDATION) == name or name.removeprefix(VALIDATION) not in curves
    ]
    figure, grid = plt.subplots(
        1, len(panels), figsize=(4.6 * len(panels), 3.4), layout="constrained", squeeze=False
    )
    for axes, panel in zip(grid[0], panels, strict=True):
        shown = [name for name in (panel, VALIDATION + panel) if name in curves]
        for name, style in zip(shown, ("-", "--"), strict=False):
            values = curves[name]
            label = "validation" if name.startswith(VALIDATION) else "training"
            epochs = range(1, len(values) + 1)
            axes.plot(epochs, values, style, marker="o", markersize=3, label=label)
        if len(shown) > 1:
            axes.legend(frameon=False)
        axes.set_xlabel("epoch")
        axes.set_ylabel(panel)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure
