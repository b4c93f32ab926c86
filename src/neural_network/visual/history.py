"""How learning went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from neural_network.errors import DTypeError, ShapeError, needs_extra, sentence

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def show_history(history: Sequence[float] | Mapping[str, Sequence[float]]) -> Figure:
    """Draw one curve for each measure, epoch by epoch.

    Args:
        history: losses, one for each epoch, as ``gradient_descent`` returns
            them; or a dict of name → one number for each epoch.

    Returns:
        The matplotlib figure, a panel for each measure.

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
            sentence("show_history", "history", "numbers or a dict of lists", repr(history))
        )
    curves = dict(history) if isinstance(history, Mapping) else {"loss": history}
    if not curves or any(len(values) == 0 for values in curves.values()):
        lengths = {name: len(values) for name, values in curves.items()}
        raise ShapeError(sentence("show_history", "history", "at least one epoch", lengths))
    figure, grid = plt.subplots(
        1, len(curves), figsize=(4.6 * len(curves), 3.4), layout="constrained", squeeze=False
    )
    for axes, (name, values) in zip(grid[0], curves.items(), strict=True):
        axes.plot(range(1, len(values) + 1), values, marker="o", markersize=3)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure
