"""What each layer of a model receives and gives, in the order of the calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward
from neural_network.checks import Array
from neural_network.layers.containers import Sequential
from neural_network.layers.hooks import watching
from neural_network.layers.layer import Layer
from neural_network.lifting import array_under


@dataclass(frozen=True)
class Step:
    """One call of a layer.

    Attributes:
        name: where it is in the model: "0", "3.body.1"; "" for the model itself.
        layer: the layer.
        input, output: arrays with the batch axis.
    """

    name: str
    layer: Layer
    input: Array
    output: Array


def outputs_of(model: Layer, inputs: Array) -> list[Step]:
    """Call a model in evaluation mode and return what each of its layers gave.

    A ``Sequential`` only hands on, so it is left out; so is the model itself, whose output is
    that of its last layer, unless no layer inside gave it.
    """
    names = {id(layer): name for name, layer in model.named_layers()}
    steps: list[Step] = []

    def note(layer: Any, X: Any, out: Any) -> None:
        if isinstance(layer, Sequential):
            return
        given, made = array_under(X), array_under(out)
        if layer is model and steps and np.array_equal(steps[-1].output, made):
            return
        if isinstance(made, np.ndarray) and made.ndim:
            # Copies, because a layer may write into the memory that it was given.
            steps.append(Step(names.get(id(layer), ""), layer, np.array(given), made.copy()))

    with model.in_mode(training=False), no_backward(), watching(note):
        model(inputs)
    return steps


def range_of(values: Array) -> str:
    """Return the smallest and the largest number as text."""
    low, high = float(np.min(values)), float(np.max(values))
    return f"{short(low)} … {short(high)}"


def short(number: float) -> str:
    """Return a number in about three digits, plainly where it is not huge.

    >>> short(255.0), short(-1234.5), short(0.01234), short(2.5e7)
    ('255', '-1234', '0.0123', '2.5e+07')
    """
    if 100 <= abs(number) < 1e6:
        return f"{number:.0f}"
    return f"{number:.3g}"
