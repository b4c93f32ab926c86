"""A model's numbers while it is trained: parameters, gradients, buffers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neural_network.functional.checks import Array
from neural_network.layers.flat import gather_gradients, learned_parts, parts
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Buffer, Parameter


class Memory:
    """One buffer of parameters, and one of gradients laid out alike.

    The layers are walked once, when this is made; which parameters are frozen is looked
    at anew in each step.

    Args:
        model: a model that is built.

    Attributes:
        flat: the parameters, 1-D; writing into it changes the model.
        gradients: of the step that runs, or of the last one.
        learned: the parts of ``flat`` that move in this step.
        batches: how many batches' gradients wait for a step.
        rows: how many rows they had.
    """

    def __init__(self, model: Layer) -> None:
        named = model.named_parameters()
        self.parameters = dict(named)
        self.buffers = dict(model.named_buffers())
        self.flat = model.flat_parameters()
        self.gradients = np.zeros_like(self.flat)
        self.learned: list[slice] = []
        self._learned: list[slice] = []
        self.batches = self.rows = 0
        self._list = [parameter for _, parameter in named]
        self._norms = [pair for _, layer in model.named_layers() if (pair := _keeping(layer))]
        self._frozen: list[bool] | None = None
        self._weight = self._loss = 0.0
        self._noted: list[Array] | None = None

    # --- a step ------------------------------------------------------------------------

    def look(self) -> list[slice]:
        """Return the parts that are not frozen now."""
        frozen = [not parameter.requires_grad for parameter in self._list]
        if frozen != self._frozen:
            self._frozen, self._learned = frozen, learned_parts(self._list)
        return self._learned

    def begin_step(self) -> None:
        """Look what is frozen, and note the buffers, in case the step fails."""
        self.learned = self.look()
        for layer, own in self._norms:
            # A frozen batch norm standardises by what it has seen before, so that
            # nothing in it moves.
            layer.training = any(parameter.requires_grad for parameter in own)
        self._noted = [buffer.data.copy() for buffer in self.buffers.values()]
        self.batches = self.rows = 0
        self._weight = self._loss = 0.0

    def forget_gradients(self) -> None:
        """Drop what an earlier ``backward()`` has left."""
        for parameter in self._list:
            parameter.grad = None

    def add_gradients(self, rows: int, weight: float, loss: float, *, alone: bool) -> None:
        """Add the gradients that ``backward()`` has left to those that wait.

        Args:
            rows: of the batch.
            weight: what they count together.
            loss: of the batch.
            alone: no other batch is in this step.
        """
        if self.batches == 0:
            gather_gradients(self._list, self.gradients)
            if not alone:
                self.gradients *= weight
        else:
            more = np.empty_like(self.gradients)
            gather_gradients(self._list, more)
            more *= weight
            self.gradients += more
        self.batches += 1
        self.rows += rows
        self._weight += weight
        self._loss += weight * loss

    def take_mean(self, *, alone: bool) -> float:
        """Turn the sum of gradients into their mean; return the mean loss.

        Each batch counts as much as its rows do, so that several batches give what one
        large one would.
        """
        weight = self._weight or 1.0  # rows that all count nothing have no gradient
        if not alone:
            self.gradients /= weight
        return self._loss / weight

    def end_step(self) -> None:
        """The step is whole: what was noted is not needed any more."""
        self._noted = None
        self.batches = self.rows = 0

    def roll_back(self) -> None:
        """Put the buffers back to where they were when the step began, if one runs."""
        for buffer, noted in zip(self.buffers.values(), self._noted or (), strict=False):
            buffer.data[...] = noted

    # --- by name -----------------------------------------------------------------------

    def arrays(self) -> dict[str, Array]:
        """Return parameters and buffers by name, not copied."""
        tensors: dict[str, Parameter | Buffer] = {**self.parameters, **self.buffers}
        return {name: tensor.data for name, tensor in tensors.items()}

    def put(self, arrays: Mapping[str, Array]) -> None:
        """Copy numbers into parameters and buffers."""
        for name, array in self.arrays().items():
            array[...] = arrays[name]

    def gradients_by_name(self) -> dict[str, Array]:
        """Return the gradients of the step that runs, or the last one, by parameter."""
        places = parts(self._list)
        return {
            name: self.gradients[place] for name, place in zip(self.parameters, places, strict=True)
        }


def _keeping(layer: Layer) -> tuple[Layer, list[Parameter]] | None:
    """Return a layer that both learns and keeps numbers, with what it learns: a batch norm."""
    own = [value for value in vars(layer).values() if isinstance(value, Parameter)]
    keeps = any(isinstance(value, Buffer) for value in vars(layer).values())
    return (layer, own) if own and keeps else None
