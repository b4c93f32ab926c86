"""A figure of a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.visual.canvas import LEAST_IN_PLACE, axes_grid, room_of
from neural_network.visual.figures import MEDIUM, as_cmap, ink_on
from neural_network.visual.inputs import as_class_names, as_plain, short_names

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# With more classes, numbers in the cells are too small to read.
MOST_CLASSES_WITH_NUMBERS = 20
# Of a class's name.
MOST_LETTERS, MOST_LETTERS_IN_PLACE = 24, 12
# Of a name, in sizes of its letters.
LINE = 1.25
# Of a zero, in place of full ink.
PALE = {"black": "0.45", "white": "0.75"}
# Points of a count.
LARGEST_COUNT = 16.0


@public(top_level=False)
@explains_calls
@silent
def show_confusion_matrix(
    counts: ArrayLike,
    class_names: Sequence[str] | None = None,
    *,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw a confusion matrix: a row for each true class, a column for each predicted one.

    A cell is coloured by its share of the row, so that rare classes are as visible as common
    ones; the number in it is the count.

    Args:
        counts: (k, k) counts, such as ``confusion_matrix`` returns.
        class_names: the names of the k classes; None for their numbers.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for none.
        cmap: a colormap for the shares; white to blue by default.

    Returns:
        The matplotlib figure, which ``figure.savefig(path)`` saves; pyplot does not know it.

    Raises:
        DTypeError: no real numbers; a wrong ``ax``, ``title`` or ``cmap``.
        ShapeError: not square, empty, or another number of names.
        ArgumentError: a count below 0, or not finite.
        MissingDependencyError: matplotlib is not installed.

    >>> figure = show_confusion_matrix([[9, 1], [0, 5]], ["cat", "dog"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['9', '1', '0', '5']
    """
    name = "show_confusion_matrix"
    matrix = _as_counts(name, counts)
    classes = len(matrix)
    names = short_names(as_class_names(name, class_names, classes), MOST_LETTERS)
    colours = as_cmap(name, cmap, "Blues")
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    # Where cells have no number they may be smaller.
    side = max(3.5, min(1.6 + 0.5 * classes, 6.6), min(1.6 + 0.25 * classes, 14))
    words = 0.09 * max(map(len, names))  # inches
    cell = (side - 0.7) / classes  # inches
    turned = not _upright(names, cell)
    canvas = axes_grid(name, ax, title, size=(side + 0.7 + words, side + (words if turned else 0)))
    axes = canvas.axes
    drawn = axes.imshow(shares, cmap=colours, vmin=0, vmax=1)
    if canvas.given is not None:  # names have less space than in a figure of its own
        names = short_names(names, MOST_LETTERS_IN_PLACE)
        cell = 0.5 * min(canvas.inches) / classes
        turned = not _upright(names, cell)
        if turned:
            canvas.reserve(0.6 * max(map(len, names)) * canvas.medium / 72)
    # Beside bar and names the square is about half as wide as a place.
    every, letters = canvas.every(classes, along=1, most=classes, share=0.55), canvas.medium
    if canvas.given is not None:
        every, letters = _naming(0.55 * min(room_of(name, ax, title or "")), classes, letters)
    shown = range(0, classes, every)
    labels = [names[place] for place in shown]
    axes.set_xticks(shown, labels, rotation=90 if turned else 0, parse_math=False)
    axes.set_yticks(shown, labels, parse_math=False)
    axes.tick_params(labelsize=letters)
    remark = f" (one name in {every})" if every > 1 else ""
    axes.set_xlabel(f"predicted{remark}", fontsize=canvas.medium)
    axes.set_ylabel("true", fontsize=canvas.medium)
    if classes <= MOST_CLASSES_WITH_NUMBERS:
        # A third of a cell high, where the letters are no larger than a title's.
        group = canvas.group(float(np.clip(cell * 72 / 3, canvas.small, LARGEST_COUNT)))
        for (row, column), count in np.ndenumerate(matrix):
            colour = ink_on(drawn, float(shares[row, column]))
            if not count:  # there are many, and they are paler
                colour = PALE[colour]
            group.add(
                axes, (column, row), f"{count:g}", (0.9, 0.9), color=colour, ha="center",
                va="center",
            )  # fmt: skip
        canvas.note_lack(group, "counts")
    canvas.bar(drawn, [axes], "share of the true class")
    return canvas.figure


def _as_counts(name: str, counts: Any) -> Array:
    """Return a matrix of counts."""
    if isinstance(counts, Layer):
        expected = "counts, as nn.confusion_matrix(model.predict(X), y) returns them"
        raise DTypeError(sentence(name, "counts", expected, brief(counts)))
    matrix = as_plain(name, "counts", counts)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        received = f"shape {matrix.shape}"
        if matrix.ndim == 1:
            received += "; nn.confusion_matrix(y_pred, y_true) counts labels"
        if matrix.ndim == 2 and matrix.size:
            received += "; nn.confusion_matrix(outputs, labels) counts them"
        raise ShapeError(sentence(name, "counts", "a square", received))
    if not np.all((matrix >= 0) & (matrix < np.inf)):
        raise ArgumentError(sentence(name, "counts", "counts of at least 0", "others"))
    return matrix


def _naming(inches: float, classes: int, points: float) -> tuple[int, float]:
    """Return that each so many-th class is named on so many inches, and in letters of which size.

    They are as small as they may be before any class has no name.
    """
    fitting = inches * 72 / classes / LINE
    letters = float(np.clip(fitting, LEAST_IN_PLACE, points))
    return int(np.ceil(letters / min(fitting, letters))), letters


def _upright(names: Sequence[str], cell: float) -> bool:
    """Return whether names fit beside each other below cells of a width in inches."""
    longest = max(map(len, names))
    return longest <= 2 or 0.62 * longest * MEDIUM / 72 <= 0.95 * cell
