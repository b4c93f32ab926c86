"""The tape of a function: each op that was recorded, its value and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.autograd.engine import backward_pass, nodes_before, recording
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, as_callable, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    ArgumentError,
    DroppedGradientError,
    DTypeError,
    GradientError,
    ShapeError,
    say_what_was_dropped,
    sentence,
)
from neural_network.public import public
from neural_network.visual.explanation import Explanation
from neural_network.visual.figures import MEDIUM, SMALL, as_title, axes_grid, colours_from, wrapped
from neural_network.visual.inputs import as_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "explain_gradient"
# Arrays of more numbers are shown by their shape and range.
MOST_NUMBERS = 4


@dataclass(frozen=True, eq=False)
class Line:
    """A value of the tape.

    Attributes:
        name: "x" (or "x0", "x1" … of several) for what was given, "v1", "v2" … for results.
        op: that computed it; "" for what was given.
        arguments: the names of the values that it was computed from, those that are recorded.
        value: the numbers.
        gradient: of the result of the function, for these numbers.
    """

    name: str
    op: str
    arguments: tuple[str, ...]
    value: Array
    gradient: Array

    @property
    def expression(self) -> str:
        """The op with its arguments."""
        return f"{self.op}({', '.join(self.arguments)})" if self.op else "given"


@dataclass(frozen=True, eq=False, repr=False)
class Tape(Explanation):
    """What ``explain_gradient`` returns: prints as a table, ``draw`` makes a picture of it.

    Attributes:
        lines: a ``Line`` for each value, in the order of the computation.
        value: of the function.
        gradient: for its argument, or a tuple of several.
    """

    lines: tuple[Line, ...]
    value: float
    gradient: Any

    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (line.name, line.expression, _shown(line.value), _shown(line.gradient))
            for line in self.lines
        ]

    def __str__(self) -> str:
        """Write a line for each value; gradients are computed from the last line up."""
        last = self.lines[-1].name
        rows = [("", "computed by", "value", f"∂{last}/∂ it"), *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows
        ]
        return "\n".join([lines[0], "─" * max(map(len, lines)), *lines[1:]])

    def draw(self, ax: Any = None, title: str | None = None, cmap: Any = None) -> Figure:
        """Draw the table: values are computed downwards, gradients upwards.

        Args:
            ax: matplotlib axes to draw on; None for a new figure.
            title: None for the value.
            cmap: a colormap, of which the heads of the columns have a colour.

        Returns:
            The matplotlib figure.
        """
        as_title(NAME, title)
        (colour,) = colours_from(NAME, "Blues" if cmap is None else cmap, 1, first=0.25)
        rows = self._rows()
        heading = f"value {self.value:.4g}" if title is None else title
        inches = (0.6, 2.4, 2.5, 2.5)
        cells = [
            [wrapped(text, width, SMALL) for text, width in zip(row, inches, strict=True)]
            for row in rows
        ]
        heights = [0.12 + 0.16 * max(cell.count("\n") + 1 for cell in row) for row in cells]
        size = (8.0, sum(heights) + 0.9)
        figure, ((axes,),) = axes_grid(NAME, ax, heading, size=size)
        axes.set_axis_off()
        heads = ["", "computed by ↓", "value ↓", f"∂{self.lines[-1].name}/∂ it ↑"]
        edges = np.cumsum([0.0, *inches]) / sum(inches)
        total = sum(heights) + 0.3
        top = 1.0
        for place, row in enumerate([heads, *cells]):
            high = (0.3 if place == 0 else heights[place - 1]) / total
            if place == 0:
                axes.axhspan(top - high, top, facecolor=colour, zorder=0)
            axes.axhline(top - high, color="0.8", linewidth=0.8)
            for text, left in zip(row, edges, strict=False):
                axes.text(
                    left + 0.008, top - high / 2, text, va="center", parse_math=False,
                    fontsize=MEDIUM if place == 0 else SMALL,
                )  # fmt: skip
            top -= high
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        return figure


def _shown(values: Array) -> str:
    """Return a number, a short array, or the shape and range of a longer one."""
    if values.size <= MOST_NUMBERS:
        form: Any = {"float_kind": lambda number: f"{number:.4g}"}
        text = np.array2string(np.asarray(values), separator=", ", formatter=form)
        return " ".join(text.split())
    shape = "×".join(map(str, values.shape))
    return f"{shape}: {float(values.min()):.4g} … {float(values.max()):.4g}"


@public
@explains_calls
@silent
def explain_gradient(f: Callable[..., Any], x: ArrayLike, *more: ArrayLike) -> Tape:
    """Explain a gradient: compute ``f(x)``, and show the tape as a table.

    Each line is a value, the op that computed it, and the gradient of the result for it, which
    the backward pass computes from the last line up.

    Args:
        f: takes arrays and returns a single number, written in NumPy or with this library.
        x: its argument, a number or an array; integers are turned to float64.
        more: its further arguments.

    Returns:
        An object that prints as a table; ``draw()`` makes a picture of it, which a notebook
        shows, and ``lines``, ``value`` and ``gradient`` are the numbers.

    Raises:
        ShapeError: ``f`` returns more than one number.
        DroppedGradientError: ``f`` returns something that does not depend on its argument by
            recorded ops.
        DTypeError: ``f`` is no function, ``x`` no real numbers.
        GradientError: it is called inside ``no_grad``.

    >>> explain_gradient(lambda x: np.sin(x) * x, 2.0)
        computed by      value   ∂v2/∂ it
    ─────────────────────────────────────
    x   given            2       0.077
    v1  sin(x)           0.9093  2
    v2  multiply(v1, x)  1.819   1
    """
    as_callable(NAME, "f", f)
    if not recording():
        raise GradientError(f"{NAME}: expected a call outside no_grad, which records nothing")
    names = ["x"] if not more else [f"x{place}" for place in range(1 + len(more))]
    leaves = []
    for name, value in zip(names, (x, *more), strict=True):
        array = as_numbers(NAME, name, value)
        kind = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
        leaves.append(Tensor(array.astype(kind), requires_grad=True))
    try:
        out = f(*leaves)
    except ValueError as error:
        say_what_was_dropped(error)
        raise
    _check_result(out)
    found: dict[int, Any] = {
        id(leaf): (leaf, name) for leaf, name in zip(leaves, names, strict=True)
    }
    nodes = nodes_before([out])[::-1]
    labels = {node.number: f"v{place}" for place, node in enumerate(nodes, 1)}
    values: dict[int, Tensor] = {}  # by the number of the node
    for tensor in [out, *(t for node in nodes for _, _, t in node.parents)]:
        if tensor.node is not None:
            values.setdefault(tensor.node.number, tensor)
        else:
            found.setdefault(id(tensor), (tensor, f"p{len(found) - len(leaves) + 1}"))
    given = [leaf for leaf, _ in found.values()]
    slopes = backward_pass(
        [out], [np.ones(out.shape, out.dtype)], [*given, *values.values()], retain_graph=False
    )

    def slope(tensor: Tensor) -> Array:
        reached = slopes.get(id(tensor))
        return np.zeros(tensor.shape) if reached is None else np.asarray(reached[1])

    def name_of(tensor: Any) -> str:
        if tensor.node is None:
            return str(found[id(tensor)][1])
        return labels[tensor.node.number]

    lines = [Line(name, "", (), leaf.data, slope(leaf)) for leaf, name in found.values()]
    for node in nodes:
        tensor = values[node.number]
        arguments = tuple(name_of(parent) for _, _, parent in node.parents)
        lines.append(
            Line(labels[node.number], node.rule.name, arguments, tensor.data, slope(tensor))
        )
    gradients = tuple(slope(leaf) for leaf in leaves)
    return Tape(tuple(lines), float(out.data.item()), gradients if more else gradients[0])


def _check_result(out: Any) -> None:
    """Raise unless a function returned a single recorded number."""
    if not isinstance(out, Tensor):
        expected = "a number computed from its argument by recorded ops (this library's or NumPy's)"
        kind = DTypeError if not isinstance(out, float | int | np.ndarray) else DroppedGradientError
        raise kind(sentence(NAME, "f", expected, f"a {type(out).__name__}"))
    if out.size != 1:
        hint = "; np.sum(…) makes one"
        received = f"shape {out.shape}{hint}"
        raise ShapeError(sentence(NAME, "f", "a single number as its result", received))
    if not out.requires_grad:
        raise DroppedGradientError(
            sentence(NAME, "f", "a result that depends on its argument", "one that does not")
        )
    if out.node is None:
        raise ArgumentError(sentence(NAME, "f", "a function that computes", "one that returns x"))
