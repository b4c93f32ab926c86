"""A model's answer to one input, layer by layer: shapes, numbers, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import Array, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.functional.window import times
from neural_network.layers.layer import Layer
from neural_network.public import public
from neural_network.terminal import plain
from neural_network.visual.activations import show_activations
from neural_network.visual.explanation import Explanation
from neural_network.visual.inputs import as_class_names, as_input, as_model, probabilities_of
from neural_network.visual.model_graph import outline_of
from neural_network.visual.walk import Step, outputs_of, range_of, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "explain"
# Classes in the answer.
MOST_CLASSES = 3


@dataclass(frozen=True, eq=False, repr=False)
class Walkthrough(Explanation):
    """What ``explain`` returns: prints as a table, ``draw`` makes the picture.

    Attributes:
        model: that was explained.
        image: (1, …), the input.
        steps: for each layer its name, the layer, its input and its output.
        answer: (class, probability) pairs, the most probable first; empty where the model does
            not give a row of scores.
        class_names: of all classes; None for their numbers.
    """

    model: Layer
    image: Array
    steps: tuple[Step, ...]
    answer: tuple[tuple[str, float], ...]
    class_names: tuple[str, ...] | None = None

    @property
    def sentence(self) -> str:
        """The most probable classes, as text."""
        parts = [f"{name}: {share:.1%}" for name, share in self.answer[:MOST_CLASSES]]
        return ", ".join(parts)

    @silent
    def __str__(self) -> str:
        """Write a line for each layer."""
        rows = [("", "layer", "output shape", "smallest .. largest", "mean", "zeros", "")]
        rows.append(("", "input", *_numbers(self.image[0]), ""))
        rows += [
            (
                step.name,
                type(step.layer).__name__,
                *_numbers(step.output[0]),
                plain(outline_of(step.layer)),
            )
            for step in self.steps
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            "  ".join(
                cell.rjust(width) if column in (4, 5) else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        lines.insert(1, "-" * max(map(len, lines)))
        return "\n".join([*lines, f"answer: {self.sentence}"] if self.answer else lines)

    @explains_calls
    @silent
    def draw(self, ax: Any = None, title: str | None = None, cmap: Any = None) -> Figure:
        """Draw the maps of each layer, as ``show_activations`` does.

        Args:
            ax: matplotlib axes to draw on; None for a new figure.
            title: None for the answer.
            cmap: a colormap for the maps.

        Returns:
            The matplotlib figure, which ``figure.savefig(path)`` saves; pyplot does not know it.
        """
        heading = (self.sentence or None) if title is None else title
        scores = self.steps[-1].output[0]
        # A single score is that of the second of two classes.
        names = self.class_names if scores.shape == (len(self.class_names or ()),) else None
        return show_activations(
            self.model, self.image, class_names=names, ax=ax, title=heading, cmap=cmap
        )


def _numbers(values: Array) -> tuple[str, str, str, str]:
    """Return shape, range, mean and share of zeros as text."""
    shape = times(values.shape) if values.ndim else "1"
    return (
        plain(shape),
        plain(range_of(values)),
        short(float(np.mean(values))),
        f"{np.mean(values == 0):.0%}",
    )


@public
@explains_calls
@silent
def explain(model: Layer, image: ArrayLike, *, class_names: Any = None) -> Walkthrough:
    """Explain what a model makes of an input: shapes, numbers and pictures of each layer.

    Args:
        model: a built model.
        image: one input: (C, H, W), (H, W) for a single channel, or features.
        class_names: of all classes; None for their numbers.

    Returns:
        An object that prints as a table; ``draw()`` makes the figure, which a notebook shows,
        and ``steps`` and ``answer`` are the numbers.

    Raises:
        ArgumentError: a model that is not built.
        ShapeError: an input that the model does not take, another number of names.
        DTypeError: no model, no real numbers.

    >>> model = Sequential(Dense(2, "relu", initializer="ones"), Dense(2, initializer="zeros"))
    >>> explain(model.initialize((3,), rng=0), [1.0, 2.0, 3.0])
       layer  output shape  smallest .. largest  mean  zeros
    -----------------------------------------------------------------------
       input  3             1 .. 3                  2     0%
    0  Dense  2             6 .. 6                  6     0%  2 units, relu
    1  Dense  2             0 .. 0                  0   100%  2 units
    answer: 0: 50.0%, 1: 50.0%
    """
    found = as_model(NAME, model)
    inputs = as_input(NAME, "image", image, found)
    scores = found.predict(inputs)
    answer: tuple[tuple[str, float], ...] = ()
    kept: tuple[str, ...] | None = None
    if scores.ndim == 2:
        shares = probabilities_of(scores)[0]
        names = as_class_names(NAME, class_names, len(shares))
        order = np.argsort(-shares, kind="stable")
        answer = tuple((names[place], float(shares[place])) for place in order)
        kept = None if class_names is None else tuple(names)
    return Walkthrough(found, inputs, tuple(outputs_of(found, inputs)), answer, kept)
