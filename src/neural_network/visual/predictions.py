"""A figure of pictures, the prepared pictures and the predicted probabilities."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.advice import of_text
from neural_network.checks import as_names, check_ndim, check_not_empty, silent
from neural_network.elsewhere.lines import MISSING
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    ArgumentError,
    DTypeError,
    ShapeError,
    brief,
    sentence,
    warn_of_call,
)
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.visual.canvas import Canvas, axes_grid
from neural_network.visual.figures import GREY, as_cmap
from neural_network.visual.inputs import as_plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "show_predictions"
# Of longer names the percentage has a line of its own.
ONE_LINE = 16
LONGEST_TITLE = 30
# How far rounding may bring a probability below 0 or above 1.
OFF = 1e-4


@public(top_level=False)
@explains_calls
@silent
def show_predictions(
    pictures: Sequence[ArrayLike],
    seen: ArrayLike,
    probabilities: ArrayLike,
    *,
    titles: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw pictures beside the prepared ones and the predicted probabilities.

    Args:
        pictures: n pictures, each of its own size: (H, W) in shades of grey or (3, H, W) in
            colour, from 0 to 255; or of floats from 0 to 1, as a model takes them.
        seen: (n, h, w) or (n, 3, h, w), the prepared pictures, such as ``prepare_digit`` returns,
            from 0 to 1.
        probabilities: (n, k), from 0 to 1.
        titles: of the pictures; None for their numbers.
        class_names: of the k classes; None for their numbers.
        classes: the earlier name of ``class_names``, with a ``DeprecationWarning``.
        ax: matplotlib axes to draw on; None for a new figure.
        title: of the figure; None for none.
        cmap: a colormap for pictures in shades of grey.

    Returns:
        The matplotlib figure, three panels for each picture; of more than three pictures, several
        stand side by side. ``figure.savefig(path)`` saves it; pyplot does not know it.

    Raises:
        DTypeError: no real numbers; a wrong ``ax``, ``title`` or ``cmap``.
        ArgumentError: ``probabilities`` outside 0 to 1, as scores are, of which ``softmax`` makes
            some; a ``cmap`` that does not exist.
        ShapeError: shapes that do not fit, or no picture.
        MissingDependencyError: matplotlib is not installed.

    >>> paper = np.full((60, 40), 255.0)
    >>> paper[10:50, 18:22] = 0
    >>> figure = show_predictions([paper], [prepare_digit(paper)], [[0.1, 0.9]], titles=["one.png"])
    >>> [axes.get_title() for axes in figure.axes]
    ['one.png', 'prepared', '1: 90.0%']
    """
    name = NAME
    if classes is not None:
        text = f"{name}: the argument 'classes' is now called 'class_names'"
        warn_of_call(text, DeprecationWarning)
        class_names = classes
    photographs = _photographs(pictures)
    prepared, shares = as_plain(name, "seen", seen), as_plain(name, "probabilities", probabilities)
    if prepared.ndim == 4 and prepared.shape[1] == 1:
        prepared = prepared[:, 0]
    if prepared.ndim not in (3, 4) or (prepared.ndim == 4 and prepared.shape[1] != 3):
        expected = "(n, h, w), or (n, 3, h, w) in colour"
        raise ShapeError(sentence(name, "seen", expected, f"shape {prepared.shape}"))
    check_not_empty(name, "probabilities", shares, 2)
    _check_shares(shares)
    names = (
        [f"picture {i + 1}" for i in range(len(photographs))]
        if titles is None
        else as_names(name, "titles", titles)
    )
    for what, values in (("seen", prepared), ("probabilities", shares), ("titles", names)):
        if len(values) != len(photographs):
            expected = f"one for each of the {len(photographs)} pictures"
            raise ShapeError(sentence(name, what, expected, f"{len(values)}"))
    labels = (
        list(map(str, range(shares.shape[1])))
        if class_names is None
        else as_names(name, "class_names", class_names)
    )
    if len(labels) != shares.shape[1]:
        expected = f"a name for each of the {shares.shape[1]} classes"
        raise ShapeError(sentence(name, "class_names", expected, f"{len(labels)}"))
    count = len(photographs)
    check_not_empty(name, "pictures", np.empty(count))
    for place, photograph in enumerate(photographs):
        check_not_empty(name, f"pictures[{place}]", photograph, 2, 3)
        if photograph.ndim == 3 and len(photograph) != 3:
            expected = "(H, W), or (3, H, W) in colour"
            raise ShapeError(
                sentence(name, f"pictures[{place}]", expected, f"shape {photograph.shape}")
            )
    beside = 1 if count <= 3 else 2 if count <= 8 else 3
    rows = -(-count // beside)
    size = (7.6 * beside, 2.5 * rows)
    colours = as_cmap(name, cmap, GREY)
    canvas = axes_grid(name, ax, title, size=size, rows=rows, columns=3 * beside)
    places = [line[start : start + 3] for line in canvas.grid for start in range(0, 3 * beside, 3)]
    for unused in chain(*places[count:]):
        unused.remove()
    for place, caption in enumerate(names):
        picture, seen_axes, bars = places[place]
        levels = photographs[place]
        of_shares = levels.dtype.kind == "f" and np.max(levels) <= 1
        _show(picture, levels if of_shares else levels / 255, colours)
        # parse_math: a file's name may hold dollar signs.
        space = int(canvas.inches[0] / (3 * beside) * 72 / (0.56 * canvas.small))
        letters = LONGEST_TITLE if canvas.given is None else max(min(space, LONGEST_TITLE), 6)
        picture.set_title(shortened(caption, letters), fontsize=canvas.small, parse_math=False)
        _show(seen_axes, prepared[place], colours)
        seen_axes.set_title("prepared", fontsize=canvas.small)
        _draw_bars(canvas, bars, shares[place], labels, letters)
    return canvas.figure


def _photographs(pictures: Any) -> list[Any]:
    """Return the pictures as arrays, or raise for what is no list of them."""
    if not isinstance(pictures, list | tuple | np.ndarray):
        received = brief(pictures)
        if isinstance(pictures, Layer):
            received = f"a {type(pictures).__name__}; {MISSING[NAME]}"
        if isinstance(pictures, str | os.PathLike):
            received += of_text(pictures, "pictures")
        raise DTypeError(sentence(NAME, "pictures", "a list of pictures", received))
    if isinstance(pictures, np.ndarray):
        check_ndim(NAME, "pictures", pictures, 3, 4)
    arrays = [as_plain(NAME, "pictures", picture) for picture in pictures]
    return [one[0] if one.ndim == 3 and len(one) == 1 else one for one in arrays]


def _check_shares(shares: Any) -> None:
    """Raise ArgumentError for scores in place of probabilities."""
    if np.any((shares < -OFF) | (shares > 1 + OFF)):
        received = f"{np.min(shares):.3g} to {np.max(shares):.3g}"
        cure = "nn.softmax(scores) makes them of the scores of a model that ends in Dense"
        expected = "numbers from 0 to 1"
        raise ArgumentError(sentence(NAME, "probabilities", expected, f"{received}; {cure}"))


def _show(axes: Any, levels: Any, cmap: Any) -> None:
    """Show a picture (H, W), or (3, H, W) in colour, from 0 to 1."""
    if levels.ndim == 3:
        axes.imshow(np.clip(levels.transpose(1, 2, 0), 0, 1))
    else:
        axes.imshow(levels, cmap=cmap, vmin=0, vmax=1)
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_bars(
    canvas: Canvas, axes: Any, shares: Any, classes: Sequence[str], letters: int
) -> None:
    """Draw a bar for each class, the first on top, the largest in another colour."""
    best = int(np.argmax(shares))
    colours = ["C1" if label == best else "C0" for label in range(len(shares))]
    axes.barh(range(len(shares)), shares, color=colours)
    axes.set_xlim(0, 1)
    axes.invert_yaxis()
    if len(shares) <= 20:
        every = canvas.every(len(shares), along=1, most=20, share=0.65)
        shown = range(0, len(shares), every)
        axes.set_yticks(shown, [shortened(classes[n], letters) for n in shown], parse_math=False)
    axes.tick_params(labelsize=min(canvas.small, 7))
    axes.locator_params(axis="x", nbins=5 if canvas.given is None else 2)
    axes.spines[["top", "right"]].set_visible(False)
    name = shortened(classes[best], letters)
    title = f"{name}: {shares[best]:.1%}"
    if canvas.given is not None or len(name) > ONE_LINE:
        title = title.replace(": ", "\n", 1)
    axes.set_title(title, fontsize=canvas.small, parse_math=False)


def shortened(title: str, most: int = LONGEST_TITLE) -> str:
    """Return a title of limited length, cut in the middle: names may begin, or end, alike.

    >>> shortened("ruby-throated-hummingbird-of-the-north", 15)
    'ruby-th…e-north'
    """
    if len(title) <= most:
        return title
    first = most // 2
    return f"{title[:first]}…{title[len(title) - (most - 1 - first) :]}"
