"""A figure of the pictures that a model takes for something else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import as_count, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.visual.canvas import as_title, axes_grid
from neural_network.visual.figures import GREY, MEDIUM, as_cmap, as_picture, in_bands
from neural_network.visual.inputs import (
    as_class_names,
    as_labels,
    as_model,
    as_pictures,
    check_scores,
    predicted,
    probabilities_of,
    shortenings,
)
from neural_network.visual.tiles import Tiles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "show_mistakes"
# The first of the captions for which a small place leaves out pictures.
SHORT = 2


@public(top_level=False)
@explains_calls
@silent
def show_mistakes(
    model: Layer,
    images: ArrayLike,
    labels: ArrayLike,
    *,
    most: int = 15,
    class_names: Any = None,
    ax: Any = None,
    title: str | None = None,
    cmap: Any = None,
) -> Figure:
    """Draw the pictures that a model takes for another class, the most certain mistakes first.

    Above each picture is what the model says and how probable it finds that, then what the
    label says.

    Args:
        model: a built model that gives a row of scores for each picture; a single score is
            that of class 1 of two.
        images: (N, C, H, W), or (N, H, W) for a single channel; also for a model of flat
            features, which gets them flattened. Flat ones of n² numbers are n × n pixels.
        labels: (N,) class numbers.
        most: how many mistakes are drawn.
        class_names: of all classes; None for their numbers.
        ax: matplotlib axes to draw on; None for a new figure.
        title: None for how many of the pictures are wrong.
        cmap: a colormap for pictures of one channel; black to white by default.

    Returns:
        The matplotlib figure; one with a sentence where there is no mistake.
        ``figure.savefig(path)`` saves it; pyplot does not know it.

    Raises:
        ArgumentError: a model that is not built, labels out of range, ``most`` below 1.
        ShapeError: pictures that the model does not take, or not a label for each.
        DTypeError: an argument of the wrong kind.
        MissingDependencyError: matplotlib is not installed.

    >>> images, labels = load_mnist("test")
    >>> figure = show_mistakes(models.tiny_cnn(rng=0), images[:50, None] / 255, labels[:50])
    >>> len(figure.axes[0].images)
    15
    """
    found = as_model(NAME, model)
    inputs, drawn = as_pictures(NAME, "images", images, found)
    limit = as_count(NAME, "most", most)
    as_title(NAME, title)
    colours = as_cmap(NAME, cmap, GREY)
    probabilities = probabilities_of(check_scores(NAME, predicted(NAME, found, inputs)))
    truth = as_labels(NAME, labels, len(inputs), probabilities.shape[1])
    names = as_class_names(NAME, class_names, probabilities.shape[1])
    answers = probabilities.argmax(axis=1)
    certainty = probabilities.max(axis=1)
    wrong = np.flatnonzero(answers != truth)
    # Of equal certainty, the first one first.
    chosen = wrong[np.argsort(-certainty[wrong], kind="stable")][:limit]
    if not len(chosen):
        heading = _heading(0, len(inputs), 0) if title is None else title
        canvas = axes_grid(NAME, ax, heading, size=(6, 1.6))
        canvas.axes.set_axis_off()
        canvas.group(MEDIUM + 4).add(
            canvas.axes, (0.5, 0.5), "no mistake", (1, 1), ha="center", va="center"
        )
        return canvas.figure
    captions = [
        [
            f"predicted {answer}\ntrue {label}\n{certainty[n]:.0%} sure"
            for answer, label in zip(
                shortenings(names[answers[n]]), shortenings(names[truth[n]]), strict=True
            )
        ]
        for n in chosen
    ]
    drawn = in_bands(drawn[chosen])
    size = (drawn.shape[2], drawn.shape[3])
    columns = min(len(chosen), 5)
    places = Tiles.of(len(chosen), size, lines=3, largest=1.5, columns=columns)
    space = (places.inches + 0.2, places.height + 0.6)
    canvas = axes_grid(NAME, ax, "", size=space)
    if canvas.given is not None:  # fewer pictures, if they would be too small
        longest = max(len(line) for texts in captions for line in texts[SHORT].split("\n"))
        places = Tiles.within(len(chosen), size, canvas, lines=3, caption=longest)
    shown = places.count
    canvas.entitle(_heading(len(wrong), len(inputs), shown) if title is None else title)
    pictures = [as_picture(picture) for picture in drawn[:shown]]
    places.draw(canvas, canvas.axes, pictures, captions[:shown], cmap=colours, vmin=0, vmax=1)
    return canvas.figure


def _heading(wrong: int, count: int, shown: int) -> str:
    text = f"{wrong} of {count} are wrong ({wrong / count:.1%})"
    if shown == 1:
        return f"{text}; the most certain one"
    return f"{text}; the {shown} most certain ones" if shown else text
