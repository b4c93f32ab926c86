"""A model as boxes and arrows on a grid: numbers, without a figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward
from neural_network.functional.window import times
from neural_network.layers.activation import Activation
from neural_network.layers.containers import Residual, Sequential
from neural_network.layers.dense import Dense, Embedding
from neural_network.layers.dropout import Dropout, Dropout2D
from neural_network.layers.hooks import watching
from neural_network.layers.layer import Layer
from neural_network.layers.normalization import BatchNorm, GroupNorm, LayerNorm
from neural_network.layers.pooling import AvgPool2D, GlobalAvgPool2D, MaxPool2D
from neural_network.visual.inputs import CONVOLUTIONS

KINDS: dict[str, tuple[type, ...]] = {
    "convolution": CONVOLUTIONS,
    "dense": (Dense, Embedding),
    "pooling": (MaxPool2D, AvgPool2D, GlobalAvgPool2D),
    "normalization": (BatchNorm, LayerNorm, GroupNorm),
    "activation": (Activation, Dropout, Dropout2D),
}


@dataclass(frozen=True)
class Call:
    """A call of a layer, with the calls inside it.

    Attributes:
        name: of the layer in the model.
        layer: the layer.
        output: shape without the batch axis.
        inside: the calls that it made.
    """

    name: str
    layer: Layer
    output: tuple[int, ...]
    inside: tuple[Call, ...]


@dataclass
class Box:
    """A box of the graph.

    Attributes:
        title: the name and the class of the layer.
        detail: its main arguments, or "".
        shape: of its output, as text.
        parameters: how many are its own.
        kind: a key of ``KINDS``, "input", "sum" or "other".
        row, lane: place on the grid, from the top and from the left.
        before: numbers of the boxes that it receives from.
    """

    title: str
    detail: str = ""
    shape: str = ""
    parameters: int = 0
    kind: str = "other"
    row: int = 0
    lane: int = 0
    before: list[int] = field(default_factory=list)


def calls_of(model: Layer, shape: tuple[int, ...]) -> Call:
    """Call a model on zeros and return the calls of its layers, each with those inside it."""
    names = {id(layer): name for name, layer in model.named_layers()}
    done: list[Call] = []

    def note(layer: Any, _X: Any, out: Any) -> None:
        within = {id(one) for one in layer.all_layers()[1:]}
        inside: list[Call] = []
        while done and id(done[-1].layer) in within:
            inside.insert(0, done.pop())
        output = tuple(int(size) for size in np.shape(out)[1:])
        done.append(Call(names.get(id(layer), ""), layer, output, tuple(inside)))

    # Two rows, as in a batch.
    zeros = np.zeros((2, *shape), model.input_dtype)
    with model.in_mode(training=False), no_backward(), watching(note), np.errstate(all="ignore"):
        model(zeros)
    return done[-1]


def boxes_of(model: Layer, shape: tuple[int, ...]) -> list[Box]:
    """Return the boxes of a model, from the input down; each has its place."""
    boxes = [Box("input", shape=times(shape) or "1", kind="input")]
    counted: set[int] = set()
    _place(calls_of(model, shape), boxes, [0], 1, 0, counted)
    return boxes


def _place(
    call: Call, boxes: list[Box], before: list[int], row: int, lane: int, counted: set[int]
) -> tuple[list[int], int, int]:
    """Place the boxes of a call.

    Args:
        call: what to place.
        boxes: those so far; new ones are appended.
        before: numbers of the boxes that the call receives from.
        row, lane: where its first box goes.
        counted: the parameters that other boxes have.

    Returns:
        The numbers of the boxes that give its output, the next free row, and how many lanes it
        takes.
    """
    layer = call.layer
    if isinstance(layer, Residual):
        return _place_residual(call, boxes, before, row, lane, counted)
    own = _own_parameters(layer, counted)
    if not call.inside:
        boxes.append(_box(call, own, row, lane, before))
        return [len(boxes) - 1], row + 1, 1
    width = 1
    for one in call.inside:
        before, row, lanes = _place(one, boxes, before, row, lane, counted)
        width = max(width, lanes)
    if not isinstance(layer, Sequential) and (own or call.output != call.inside[-1].output):
        # A layer of the user's own that computes more than the layers inside it.
        boxes.append(_box(call, own, row, lane, before))
        before, row = [len(boxes) - 1], row + 1
    return before, row, width


def _place_residual(
    call: Call, boxes: list[Box], before: list[int], row: int, lane: int, counted: set[int]
) -> tuple[list[int], int, int]:
    """Place a body, the shortcut to its right, and their sum below."""
    layer = call.layer
    assert isinstance(layer, Residual)
    shortcut = call.inside[len(layer.body) :]
    ends, width, lowest = before, 1, row
    for one in call.inside[: len(layer.body)]:
        ends, lowest, lanes = _place(one, boxes, ends, lowest, lane, counted)
        width = max(width, lanes)
    other, at = before, row
    for one in shortcut:
        other, at, lanes = _place(one, boxes, other, at, lane + width, counted)
    if not shortcut:
        boxes.append(Box("identity", kind="shortcut", row=row, lane=lane + width, before=before))
        other, at = [len(boxes) - 1], row + 1
    lowest = max(lowest, at)
    name = f"{call.name} Residual: sum".strip()
    total = Box(name, "", times(call.output), kind="sum", row=lowest, lane=lane)
    total.before = [*ends, *other]
    boxes.append(total)
    return [len(boxes) - 1], lowest + 1, width + 1


def _box(call: Call, own: int, row: int, lane: int, before: list[int]) -> Box:
    kind = next((k for k, kinds in KINDS.items() if isinstance(call.layer, kinds)), "other")
    title = f"{call.name} {type(call.layer).__name__}".strip()
    shape = times(call.output) if call.output else "1"
    return Box(title, outline_of(call.layer), shape, own, kind, row, lane, list(before))


def _own_parameters(layer: Layer, counted: set[int]) -> int:
    """Return how many numbers a layer itself has that were not counted before."""
    inner = {id(p) for _, child in layer.children() for p in child.parameters()}
    own = {id(p): p.size for p in layer.parameters() if id(p) not in inner | counted}
    counted.update(own)
    return sum(own.values())


def outline_of(layer: Layer) -> str:
    """Return the arguments of a layer that say most about it.

    >>> outline_of(Conv2D(8, 3, stride=2, activation="relu"))
    '8 filters 3×3, stride 2, relu'
    >>> outline_of(Activation(partial(leaky_relu, slope=0.2)))
    'leaky_relu'
    """
    found: list[str] = []
    if isinstance(layer, CONVOLUTIONS):
        many = "s" if layer.filters != 1 else ""
        found.append(f"{layer.filters} filter{many} {times(layer.kernel_size)}")
        if set(layer.stride) != {1}:
            found.append(f"stride {_sizes(layer.stride)}")
    elif isinstance(layer, Dense):
        found.append(f"{layer.units} units")
    elif isinstance(layer, MaxPool2D | AvgPool2D):
        found.append(f"windows {times(layer.kernel_size)}")
    elif isinstance(layer, Dropout):
        found.append(f"rate {layer.rate:g}")
    elif isinstance(layer, Embedding):
        found.append(f"{layer.vocabulary} vectors")
    function = getattr(layer, "function", None) or getattr(layer, "activation", None)
    function = function.func if isinstance(function, partial) else function
    name = getattr(function, "__name__", "")
    if isinstance(layer, (Activation, Dense, *CONVOLUTIONS)) and name not in ("", "identity"):
        found.append(name)
    return ", ".join(found)


def _sizes(sizes: tuple[int, ...]) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else times(sizes)
