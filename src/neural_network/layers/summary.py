"""The table of a model: shapes, parameters, multiply-adds."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from neural_network.autograd.engine import no_grad
from neural_network.errors import ArgumentError, sentence
from neural_network.layers.layer import Layer, watching


@dataclass(frozen=True)
class Row:
    """One layer of the table; numbers are for one input."""

    name: str
    layer: str
    output: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """A model's table, which prints as one."""

    rows: tuple[Row, ...]
    parameters: int
    learned: int
    multiply_adds: int

    def __str__(self) -> str:
        """Lay the table out."""
        cells = [("", "layer", "output", "parameters", "multiply-adds")]
        cells += [
            (
                row.name,
                row.layer,
                " × ".join(str(size) for size in row.output) or "1",
                f"{row.parameters:,}",
                f"{row.multiply_adds:,}",
            )
            for row in self.rows
        ]
        cells.append(("", "all", "", f"{self.parameters:,}", f"{self.multiply_adds:,}"))
        widths = [max(len(line[column]) for line in cells) for column in range(5)]
        left = 3  # the columns of words; numbers stand at the right
        lines = [
            "  ".join(
                cell.ljust(width) if column < left else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in cells
        ]
        rule = "─" * max(len(line) for line in lines)
        table = [lines[0], rule, *lines[1:-1], rule, lines[-1]]
        if self.learned != self.parameters:
            table.append(f"{self.parameters - self.learned:,} parameters are frozen")
        return "\n".join(table)

    __repr__ = __str__


def summarize(model: Layer, shape: tuple[int, ...] | None) -> Summary:
    """Run the model once on zeros, and note what each of its layers does.

    Layers inside a layer have rows of their own; what a container counts is what they
    count, so only the layers without any inside are added up.
    """
    if shape is None and not (model.built and model.input_shape):
        raise ArgumentError(
            sentence("summary", "shape", "the shape of one input, such as (1, 28, 28)", "none")
        )
    sizes = tuple(shape or model.input_shape or ())
    if not model.built:
        # A copy, so that looking at a model does not draw its weights.
        model = deepcopy(model).initialize(sizes)
    names = {id(layer): name for name, layer in model.named_layers()}
    rows: list[Row] = []

    def note(layer: Layer, X: Any, out: Any) -> None:
        if any(True for _ in layer.children()):
            return
        own = sum(parameter.size for parameter in layer.parameters())
        work = layer.multiply_adds((1, *np.shape(X)[1:]), (1, *np.shape(out)[1:]))
        shape_of_one = tuple(int(size) for size in np.shape(out)[1:])
        name = names.get(id(layer), "")
        rows.append(Row(name, type(layer).__name__, shape_of_one, own, work))

    with model.in_mode(training=False), no_grad(), watching(note):
        model(np.zeros((2, *sizes), model.input_dtype))
    parameters = model.parameters()
    return Summary(
        rows=tuple(rows),
        parameters=sum(parameter.size for parameter in parameters),
        learned=sum(parameter.size for parameter in parameters if parameter.requires_grad),
        multiply_adds=sum(row.multiply_adds for row in rows),
    )
