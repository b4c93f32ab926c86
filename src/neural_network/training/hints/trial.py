"""What hints look at: a trial before the first step, and the state after an epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from neural_network.autograd.engine import Node
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.layers.hooks import watching
from neural_network.layers.layer import Layer
from neural_network.layers.outputs import recorded_outputs
from neural_network.layers.parameter import Buffer, Parameter
from neural_network.layers.places import place_of
from neural_network.training.data import Batch, Feed
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


@dataclass
class Trial:
    """A training whose model and loss were tried on some rows, before anything was changed.

    Attributes:
        state: of the training.
        feed: where the batches come from.
        held_out: the validation data.
        compute_loss: of the trainer.
        rows: that count in the loss.
        outputs: for them, recorded.
        loss: of them.
        layers: the number of the node of each layer's result → the layer.
        inputs: each layer that was called, with what it was given.
    """

    state: TrainingState
    feed: Feed
    held_out: Batch | None
    compute_loss: ComputeLoss
    rows: Batch
    outputs: Any
    loss: Tensor
    layers: dict[int, Layer]
    inputs: list[tuple[Layer, Array]]

    @cached_property
    def first(self) -> tuple[Layer, Array] | None:
        """The first layer with numbers of its own, and what it was given."""
        for layer, X in self.inputs:
            own = vars(layer).values()
            if any(isinstance(value, Parameter | Buffer) for value in own):
                return layer, X
        return None

    def place(self, node: Node) -> str:
        """Return the place of the layer that computed a node, in brackets."""
        layer = self.layers.get(node.number)
        return "" if layer is None else f" ({place_of(self.state.model, layer)})"

    def loss_of(self, rows: slice) -> Any:
        """Return the loss of some of the rows, recorded."""
        batch = self.rows.at(rows)
        outputs, _ = recorded_outputs(self.state.model, batch.X)
        with self.state.model.in_mode(training=False):
            return self.compute_loss(outputs, batch)


def tried(model: Layer, X: Array) -> tuple[Any, dict[int, Layer], list[tuple[Layer, Array]]]:
    """Return outputs and the layers of nodes, and each layer that was called, with its input.

    Inner layers come before those that they lie in.
    """
    found: list[tuple[Layer, Array]] = []

    def see(layer: Layer, inputs: Any, _: Any) -> None:
        found.append((layer, inputs.data if isinstance(inputs, Tensor) else np.asarray(inputs)))

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
        loss: of the example.
        weights: some of the parameters.
    """

    loss: float
    weights: Array
