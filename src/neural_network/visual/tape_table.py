"""``explain_gradient``: the tape of a function as two tables, and as a graph."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.autograd.engine import recording
from neural_network.autograd.tensor import Tensor
from neural_network.autograd.trees import map_tree
from neural_network.autograd.warned import warnings_of_callers_line
from neural_network.checks import Array, as_callable, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import (
    ArgumentError,
    DroppedGradientError,
    DTypeError,
    GradientError,
    ShapeError,
    both,
    say_what_was_dropped,
    sentence,
)
from neural_network.public import public
from neural_network.terminal import plain
from neural_network.visual.canvas import as_title
from neural_network.visual.explanation import Explanation
from neural_network.visual.tape import Line, Record, named_leaves, recorder
from neural_network.visual.tape_graph import draw_tape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "explain_gradient"
# Matrices of longer rows or columns are shown by their shape and range.
MOST_IN_LINE = 6


@dataclass(frozen=True, eq=False, repr=False)
class Tape(Explanation):
    """What ``explain_gradient`` returns: prints as two tables, ``draw`` makes a graph of it.

    Attributes:
        lines: a ``Line`` for each value, in the order of the computation.
        constants: name → array, of the constants that are too large for a line.
        value: of the function.
        gradient: for its argument, in its form; or a tuple of several.
    """

    lines: tuple[Line, ...]
    constants: dict[str, Array]
    value: float
    gradient: Any

    @silent
    def __str__(self) -> str:
        """Write the values downwards, and the gradients from the last value up."""
        forward = [["", "computed by", "value"]]
        forward += [[name, "constant", shown(array)] for name, array in self.constants.items()]
        forward += [[line.name, line.expression, shown(line.value)] for line in self.lines]
        last = self.lines[-1].name
        backward = [["", "through", "upstream", "× local slope", f"= ∂{last}/∂value"]]
        expressions = {line.name: line.expression for line in self.lines}
        for line in reversed(self.lines):
            start = line.name
            if not line.parts:
                reason = "the result itself" if line.name == last else "not used"
                backward.append([start, reason, "", "", shown(line.gradient)])
            for part in line.parts:
                slope = part.rule if part.slope is None else shown(part.slope)
                through = f"{part.through} = {expressions[part.through]}"
                backward.append([start, through, shown(part.upstream), slope, shown(part.product)])
                start = ""
            if len(line.parts) > 1:
                backward.append(["", "sum", "", "", shown(line.gradient)])
        return "\n".join([*_table(forward), "", *_table(backward)])

    @explains_calls
    @silent
    def draw(self, ax: Any = None, title: str | None = None, cmap: Any = None) -> Figure:
        """Draw the graph: values are computed downwards, gradients upwards.

        A box is a value, with its gradient; beside an arrow stands the local slope, by which the
        gradient of the box below is multiplied on its way up.

        Args:
            ax: matplotlib axes to draw on; None for a new figure.
            title: None for the value.
            cmap: a colormap, of which arguments and results have a colour each.

        Returns:
            The matplotlib figure, which ``figure.savefig(path)`` saves; pyplot does not know it.
        """
        as_title(NAME, title)
        heading = f"value {self.value:.4g}" if title is None else title
        return draw_tape(NAME, self.lines, shown, ax, heading, cmap)


def _table(rows: list[list[str]]) -> list[str]:
    """Write rows of cells of one or several lines in columns, below a line under the first."""
    split = [[plain(cell).split("\n") for cell in row] for row in rows]
    widths = [
        max(len(line) for row in split for line in row[column]) for column in range(len(rows[0]))
    ]
    lines = []
    for row in split:
        for place in range(max(map(len, row))):
            cells = [cell[place] if place < len(cell) else "" for cell in row]
            pairs = zip(cells, widths, strict=True)
            lines.append("  ".join(cell.ljust(width) for cell, width in pairs).rstrip())
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def shown(values: Array) -> str:
    """Return a number or a small matrix, or the shape and range of a larger one.

    >>> shown(np.float64(0.5)), shown(np.ones((1, 2))), shown(np.arange(9.0))
    ('0.5', '[[1, 1]]', '9: 0 … 8')
    """
    values = np.asarray(values) + 0.0  # 0 where it is −0
    if values.ndim == 0 or (values.ndim <= 2 and max(values.shape) <= MOST_IN_LINE):
        form: Any = {"float_kind": lambda number: f"{number:.4g}"}
        return np.array2string(values, separator=", ", formatter=form)
    shape = "×".join(map(str, values.shape))
    return f"{shape}: {float(values.min()):.4g} … {float(values.max()):.4g}"


@public
@explains_calls
def explain_gradient(f: Callable[..., Any], x: Any, *more: Any) -> Tape:
    """Explain a gradient: compute ``f(x)``, and show the tape as a table.

    The first table has a line for each value, and the op that computed it. The second follows
    the backward pass from the last value up, by the chain rule: what an op adds to the gradient
    of its argument is the gradient of its result ("upstream") times its own, local slope. A
    value that is used several times has the sum. Where an op mixes places, as a matrix product
    does, its rule stands in place of the slope.

    Args:
        f: takes arrays and returns a single number, written in NumPy or with this library. Its
            parameters give the names of the table.
        x: its argument: a number, an array, or nested dicts, lists and tuples of arrays, as
            ``grad`` takes them; integers are turned to float64.
        more: its further arguments.

    Returns:
        An object that prints as tables; ``draw()`` makes a graph of it, which a notebook
        shows, and ``lines``, ``value`` and ``gradient`` are the numbers.

    Raises:
        ShapeError: ``f`` returns more than one number.
        DroppedGradientError: ``f`` returns something that does not depend on its argument by
            recorded ops.
        DTypeError: ``f`` is no function, ``x`` no real numbers.
        GradientError: it is called inside ``no_grad``.

    >>> explain_gradient(lambda w: np.tanh(w * 2.0) * w, 0.5)
        computed by  value
    -----------------------
    w   given        0.5
    v1  w * 2.0      1
    v2  tanh(v1)     0.7616
    v3  v2 * w       0.3808
    <BLANKLINE>
        through            upstream  x local slope  = dv3/dvalue
    ------------------------------------------------------------
    v3  the result itself                           1
    v2  v3 = v2 * w        1         0.5            0.5
    v1  v2 = tanh(v1)      0.5       0.42           0.21
    w   v3 = v2 * w        1         0.7616         0.7616
        v1 = w * 2.0       0.21      2              0.42
        sum                                         1.182
    """
    if isinstance(f, Tensor):
        expected = (
            "the function that computes it, such as lambda x: np.sum(x * x), and its argument"
        )
        raise DTypeError(sentence(NAME, "f", expected, "a tensor"))
    as_callable(NAME, "f", f)
    _check_call(f, 1 + len(more))
    if not recording():
        raise GradientError(f"{NAME}: expected a call outside no_grad, which records nothing")
    kind = recorder()
    arguments, leaves = named_leaves(NAME, f, (x, *more), kind)
    try:
        with warnings_of_callers_line():
            out = f(*arguments)
    except ValueError as error:
        say_what_was_dropped(error)
        raise
    _check_result(out)
    record = Record(out, leaves, kind.notes, f)
    gradients = tuple(map_tree(record.gradient_of, argument) for argument in arguments)
    value = float(out.data.item())
    return Tape(tuple(record.lines), record.constants, value, gradients if more else gradients[0])


def _check_call(f: Callable[..., Any], count: int) -> None:
    """Raise unless a function can be called with so many arguments."""
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # written in C
        return
    try:
        signature.bind(*range(count))
    except TypeError:
        needed = [p.name for p in signature.parameters.values() if p.default is p.empty]
        call = f"{NAME}({', '.join(['f', *needed])})"
        received = f"{count} {'argument' if count == 1 else 'arguments'}; here: {call}"
        refused: Any = both(ShapeError, TypeError)
        expected = f"values for {', '.join(needed) or 'no parameter'}"
        raise refused(sentence(NAME, "f", expected, received)) from None


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
