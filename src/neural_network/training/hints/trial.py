"""What hints look at: a trial before the first step, and the state after an epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from neural_network.autograd.engine import Node, nodes_before
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.functional.op import RULES
from neural_network.layers.hooks import watching
from neural_network.layers.layer import Layer
from neural_network.layers.outputs import recorded_outputs
from neural_network.layers.parameter import Buffer, Parameter
from neural_network.layers.places import place_of
from neural_network.layers.several import arrays_in
from neural_network.training.data import Batch, Feed
from neural_network.training.objectives import LOSSES, loss_name
from neural_network.training.state import TrainingState

# Of the trainer: a loss of outputs and a batch, penalties included.
ComputeLoss = Callable[[Any, Batch], Any]


class Hint(NamedTuple):
    """A row of the table of hints.

    Attributes:
        name: of the hint, which is given once.
        seen: what was seen, for the documents.
        cure: the line that mends it, for the documents.
        find: returns a sentence about a trial or an epoch, or None; of a call, None.
    """

    name: str
    seen: str
    cure: str
    find: Callable[[Any], str | None] | None = None


class Fit(NamedTuple):
    """A training, whatever its inputs and outputs are."""

    state: TrainingState


class Call(NamedTuple):
    """A call of a layer.

    Attributes:
        layer: that was called.
        X: the array it was given.
        is_input: whether no parameter that is trained has a part in ``X``.
    """

    layer: Layer
    X: Array
    is_input: bool


class Entry(NamedTuple):
    """Numbers of the data where they first meet weights.

    Attributes:
        layer: with numbers of its own.
        X: what it is given.
        name: of the input: "X", or "X[0] (image)" of several.
        code: the same to be written in a program.
        whole: whether the layer is given the input as it is.
    """

    layer: Layer
    X: Array
    name: str
    code: str
    whole: bool


class Term(NamedTuple):
    """One of the library's losses in the loss of a training, and what it compares.

    Attributes:
        loss: its name.
        prediction: its first argument.
        place: of its targets among several, as ``arrays_in`` names it; "" for one array.
    """

    loss: str
    prediction: Any
    place: str


@dataclass
class Trial:
    """A training whose model and loss were tried on some rows, before anything was changed.

    Attributes:
        state: of the training.
        feed: where the batches come from.
        held_out: the validation data.
        compute_loss: of the trainer.
        rows: that count in the loss.
        outputs: for them, recorded; or a tuple or dict of them.
        loss: of them.
        layers: the number of the node of each layer's result → the layer.
        calls: of all layers.
    """

    state: TrainingState
    feed: Feed
    held_out: Batch | None
    compute_loss: ComputeLoss
    rows: Batch
    outputs: Any
    loss: Tensor
    layers: dict[int, Layer]
    calls: list[Call]

    @cached_property
    def entries(self) -> list[Entry]:
        """Where the inputs first meet weights: once, or once for each of several inputs."""
        calls = [call for call in self.calls if has_numbers(call.layer)]
        if type(self.rows.X) is not tuple:
            return [
                Entry(layer, X, "X", "X", X.shape == self.rows.X.shape) for layer, X, _ in calls[:1]
            ]
        names = list(inspect.signature(self.state.model.forward).parameters)
        found: dict[int, Entry] = {}
        for layer, X, is_input in calls:
            for place, array in enumerate(self.rows.X):
                whole = X.shape == array.shape and np.array_equal(X, array)
                if is_input and place not in found and (whole or np.shares_memory(X, array)):
                    code = f"X[{place}]"
                    name = f"{code} ({names[place]})" if place < len(names) else code
                    found[place] = Entry(layer, X, name, code, whole)
        return list(found.values())

    @cached_property
    def terms(self) -> list[Term]:
        """The library's losses that the loss consists of, where they compare with targets."""
        name = loss_name(self.state.loss)
        if name:
            return [Term(name, self.outputs, "")]
        rules = {RULES[function]: name for name, function in LOSSES.items()}
        found = []
        for node in nodes_before([self.loss]):
            values = node.values or {}
            y = values.get("labels", values.get("y"))
            if node.rule not in rules or not isinstance(y, np.ndarray):
                continue
            for place, target in arrays_in(self.rows.y):
                if y.shape == target.shape and np.array_equal(y, target):
                    found.append(Term(rules[node.rule], node.parents[0][2], place))
                    break
        return found

    def place(self, node: Node) -> str:
        """Return the place of the layer that computed a node, in brackets."""
        layer = self.layers.get(node.number)
        return "" if layer is None else f" ({place_of(self.state.model, layer)})"

    def loss_of(self, rows: slice) -> tuple[Any, Any]:
        """Return the outputs and the loss of some of the rows, recorded."""
        batch = self.rows.at(rows)
        outputs, _ = recorded_outputs(self.state.model, batch.X)
        with self.state.model.in_mode(training=False):
            return outputs, self.compute_loss(outputs, batch)


def has_numbers(layer: Layer) -> bool:
    """Return whether a layer has parameters or buffers that are not those of a layer in it."""
    return bool([value for value in vars(layer).values() if isinstance(value, Parameter | Buffer)])


def tried(model: Layer, X: Any) -> tuple[Any, dict[int, Layer], list[Call]]:
    """Return outputs and the layers of nodes, and the calls of all layers.

    Inner layers come before those that they lie in.
    """
    found: list[Call] = []

    def see(layer: Layer, inputs: Any, _: Any) -> None:
        if isinstance(inputs, Tensor):
            found.append(Call(layer, inputs.data, not inputs.requires_grad))
        else:
            found.append(Call(layer, np.asarray(inputs), is_input=True))

    with watching(see):
        outputs, layers = recorded_outputs(model, X)
    return outputs, layers, found


@dataclass
class Epoch:
    """A training after an epoch.

    Attributes:
        state: of the training.
        feed: where the batches come from.
        compute_loss: of the trainer.
        start: what was noted before the first step.
        measures: of the epoch.
    """

    state: TrainingState
    feed: Feed
    compute_loss: ComputeLoss
    start: Start
    measures: dict[str, float]


class Start(NamedTuple):
    """What is noted before the first step.

    Attributes:
        loss: of some rows from all over the data.
        weights: some of the parameters.
    """

    loss: float
    weights: Array
