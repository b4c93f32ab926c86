"""The table of a model: shapes, parameters, multiply-adds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward
from neural_network.checks import within_memory
from neural_network.describing import html_table, shown
from neural_network.errors import ArgumentError, DTypeError, brief, give_hint_of_call, sentence
from neural_network.layers.hooks import watching
from neural_network.layers.own_classes import is_users
from neural_network.layers.parameter import Parameter, as_sizes
from neural_network.layers.several_inputs import check_one_input
from neural_network.layers.unfound import untrained
from neural_network.public import public
from neural_network.terminal import plain

# Of a layer's text in a notebook.
MOST_LETTERS = 400
Shape = tuple[Any, ...]  # whole numbers, or shapes


@dataclass(frozen=True)
class Row:
    """One layer of the table; numbers are for one input.

    Attributes:
        name: where it is in the model: "0", "3.body.1".
        layer: its class.
        output: the shape that it gives, without the batch axis; of several outputs, a tuple of
            shapes.
        parameters: how many are its own; 0 where a shared layer comes again.
        multiply_adds: multiplications, each with an addition.
    """

    name: str
    layer: str
    output: Shape
    parameters: int
    multiply_adds: int


@public(top_level=False)
@dataclass(frozen=True)
class Summary:
    """A model's table, which prints as one; ``Layer.summary`` makes it.

    Args:
        rows: a ``Row`` for each layer that computes, in the order of the calls.
        parameters: how many numbers the model has.
        learned: how many of them are not frozen.
        multiply_adds: of all layers, for one input.
        uncounted: layers of your own classes, in words, whose products are not in
            ``multiply_adds``: they have parameters, and no method of that name.

    Attributes:
        rows, parameters, learned, multiply_adds, uncounted: as given.

    Raises:
        DTypeError: other rows, counts that are no numbers, or ``uncounted`` that is no text.

    >>> print(Sequential(Flatten(), Dense(10)).summary((28, 28)))
       layer    output  parameters  multiply-adds
    ---------------------------------------------
    0  Flatten  784              0              0
    1  Dense    10           7,850          7,840
    ---------------------------------------------
       all                   7,850          7,840
    """

    rows: tuple[Row, ...]
    parameters: int
    learned: int
    multiply_adds: int
    uncounted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rows = self.rows
        if not (isinstance(rows, tuple | list) and all(isinstance(row, Row) for row in rows)):
            raise DTypeError(sentence("Summary", "rows", "rows of a summary", brief(rows)))
        for name in ("parameters", "learned", "multiply_adds"):
            if not isinstance(count := getattr(self, name), Real):
                raise DTypeError(sentence("Summary", name, "a number", brief(count)))
        words = self.uncounted
        if not (isinstance(words, tuple | list) and all(isinstance(word, str) for word in words)):
            raise DTypeError(sentence("Summary", "uncounted", "layers in words", brief(words)))

    def _cells(self) -> list[list[str]]:
        """Return the table, its header first and the sums last."""
        cells = [["", "layer", "output", "parameters", "multiply-adds"]]
        cells += [
            [
                row.name,
                row.layer,
                _as_text(row.output),
                _counted(row.parameters),
                _counted(row.multiply_adds),
            ]
            for row in self.rows
        ]
        cells.append(["", "all", "", _counted(self.parameters), _counted(self.multiply_adds)])
        return cells

    def _remarks(self) -> list[str]:
        """Return how many parameters are frozen, and what is not counted, if anything."""
        remarks = []
        if self.learned != self.parameters:
            remarks.append(f"{_counted(self.parameters - self.learned)} parameters are frozen")
        if self.uncounted:
            remarks.append(
                f"multiply-adds without those of {', '.join(self.uncounted)}: a class of your "
                "own counts them by a method multiply_adds"
            )
        return remarks

    def __str__(self) -> str:
        """Lay the table out."""
        cells = self._cells()
        widths = [max(len(line[column]) for line in cells) for column in range(5)]
        left = 3  # the columns of words; numbers stand at the right
        lines = [
            "  ".join(
                cell.ljust(width) if column < left else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in cells
        ]
        rule = "-" * max(len(line) for line in lines)
        table = [lines[0], rule, *lines[1:-1], rule, lines[-1]]
        return plain("\n".join([*table, *self._remarks()]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        header, *rows = self._cells()
        return html_table("; ".join(self._remarks()), header, rows)


def _shape_of(arrays: Any) -> Shape:
    """Return the shape of an array without its first axis; of several, the shape of each."""
    if isinstance(arrays, Mapping):
        arrays = tuple(arrays.values())
    if isinstance(arrays, tuple | list):
        return tuple(map(_shape_of, arrays))
    return tuple(int(n) for n in np.shape(arrays)[1:])


def _as_text(shape: Shape) -> str:
    if any(isinstance(size, tuple) for size in shape):
        return ", ".join(map(_as_text, shape))
    return " × ".join(map(str, shape)) or "1"


def summary_with_hint(model: Any, shape: Any) -> Summary:
    """Return the table of a model; warn of weights that are not found, and not counted."""
    found = summarize(model, shape)
    if (text := untrained(model)) is not None:
        give_hint_of_call(f"summary: {text}")
    return found


@within_memory
def summarize(model: Any, shape: Any) -> Summary:
    """Run the model once on zeros, and note what each of its layers does.

    Layers inside a layer have rows of their own; the layer around them has one only for
    what is its own, so that nothing counts twice.
    """
    if shape is None and (not model.built or model.input_shape is None):
        raise ArgumentError(
            sentence("summary", "shape", "the shape of one input, such as (1, 28, 28)", "none")
        )
    given = model.input_shape if shape is None else shape
    several = isinstance(given, list | tuple) and any(isinstance(s, list | tuple) for s in given)
    if not several:
        check_one_input("summary", model)
    sizes = [as_sizes("summary", one) for one in given] if several else [as_sizes("summary", given)]
    if not model.built:
        # A copy, so that looking at a model does not draw its weights.
        model = deepcopy(model).initialize(*sizes)
    names = {id(layer): name for name, layer in model.named_layers()}
    rows: list[Row] = []
    counted: set[int] = set()
    uncounted: dict[str, None] = {}

    def note(layer: Any, X: Any, out: Any) -> None:
        inner = {id(p) for _, child in layer.children() for p in child.parameters()}
        own = {id(p): p.size for p in layer.parameters() if id(p) not in inner | counted}
        counted.update(own)
        inputs, outputs = _shape_of(X), _shape_of(out)
        first = outputs[0] if outputs and isinstance(outputs[0], tuple) else outputs
        work = layer.multiply_adds((1, *inputs), (1, *first))
        parameters = sum(own.values())
        if _is_uncounted(layer):
            uncounted[f"{names.get(id(layer), '')} {type(layer).__name__}".strip()] = None
        if parameters or work or not any(True for _ in layer.children()):
            name = names.get(id(layer), "")
            rows.append(Row(name, type(layer).__name__, outputs, parameters, work))

    zeros = [np.zeros((2, *size), model.input_dtype) for size in sizes]
    with model.in_mode(training=False), no_backward(), watching(note), np.errstate(all="ignore"):
        model(*zeros)
    parameters = model.parameters()
    return Summary(
        rows=tuple(rows),
        parameters=sum(parameter.size for parameter in parameters),
        learned=sum(parameter.size for parameter in parameters if parameter.requires_grad),
        multiply_adds=sum(row.multiply_adds for row in rows),
        uncounted=tuple(uncounted),
    )


def _is_uncounted(layer: Any) -> bool:
    """Return whether a layer of the user's own has parameters, of whose products nothing is known.

    What the layers inside compute is counted; a class with ``multiply_adds`` counts its own.
    """
    own_count = type(layer).multiply_adds.__module__ != "neural_network.layers.layer"
    if own_count or not is_users(type(layer)):
        return False
    return any(isinstance(value, Parameter) for _, value in layer._members())


def html_of_layer(layer: Any) -> str:
    """Return a layer for a notebook: its arguments, or a table of the layers inside it.

    Of a model that is built, these have the shapes and counts of its summary.
    """
    inside = list(layer.named_layers())[1:]
    name = type(layer).__name__
    if not inside:
        given = layer._current_arguments().items()
        rows = [[key, brief(value, shown, MOST_LETTERS)] for key, value in given]
        return html_table(name, ["argument", "value"], rows)
    found: Summary | None = None
    if layer.built and layer.input_shape is not None:
        # A forward of the user's own may raise anything: the layers are shown without numbers.
        with suppress(Exception):
            found = summarize(layer, None)
    known = {} if found is None else {row.name: row for row in found.rows}
    rows = []
    for key, one in inside:
        text = type(one).__name__ if next(one.children(), None) else brief(one, repr, MOST_LETTERS)
        row = known.get(key)
        numbers = ["", "", ""]
        if row is not None:
            counts = (row.parameters, row.multiply_adds)
            numbers = [_as_text(row.output), *map(_counted, counts)]
        rows.append([key, text, *numbers])
    header = ["", "layer", "output", "parameters", "multiply-adds"]
    if found is None:
        count = sum(parameter.size for parameter in layer.parameters())
        about = f"{name}: {_counted(count)} parameters" if layer.built else f"{name}, not built"
        return html_table(about, header[:2], [line[:2] for line in rows])
    rows.append(["", "all", "", _counted(found.parameters), _counted(found.multiply_adds)])
    remarks = "; ".join(found._remarks())
    return html_table(f"{name}: {remarks}" if remarks else name, header, rows)


def _counted(count: object) -> str:
    """Return a number with commas."""
    return brief(count, "{:,}".format)
