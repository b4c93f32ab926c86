"""A model's numbers while it is trained: parameters, gradients, buffers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.errors import GradientError, ShapeError, sentence
from neural_network.kernels.runtime.aligned import aligned
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.layers.flat import gather_gradients, gradients_in_one, learned_parts, parts
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Buffer, Parameter
from neural_network.training.averaging import ExponentialAverage
from neural_network.training.data import is_finite


class Memory:
    """One buffer of parameters, and one of gradients laid out alike.

    The layers are walked once, when this is made; which parameters are frozen, and
    whether their ``data`` still lie in the buffer, is looked at anew in each step.

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
        self._views = [parameter.data for parameter in self._list]
        self._norms = norms(model)
        self._frozen: list[bool] | None = None
        self._weight = self._loss = 0.0
        self._noted: list[Array] | None = None
        self._before = aligned(self.flat.shape, self.flat.dtype)
        self._moving = False

    # --- a step ------------------------------------------------------------------------

    def look(self) -> list[slice]:
        """Return the parts that are not frozen now."""
        frozen = [not parameter.requires_grad for parameter in self._list]
        if frozen != self._frozen:
            self._frozen, self._learned = frozen, learned_parts(self._list)
        return self._learned

    def begin_step(self) -> None:
        """Take up the parameters, look what is frozen, and note the buffers, in case it fails."""
        self.take_up()
        self.learned = self.look()
        hold_frozen(self._norms)
        self._noted = [buffer.data.copy() for buffer in self.buffers.values()]
        self.batches = self.rows = 0
        self._weight = self._loss = 0.0

    def take_up(self) -> None:
        """Let the layers compute with ``flat`` again, where somebody gave them other arrays.

        That happens when a weight is clamped by assignment, or when a part of the model,
        or another model with the same layer, lays out a buffer of its own. The numbers
        that count are those in the layers.

        Raises:
            ShapeError: a parameter has another shape now.
        """
        moved = [
            place
            for place, (parameter, view) in enumerate(zip(self._list, self._views, strict=True))
            if parameter.data is not view
        ]
        # Copied before anything is written: two parameters may have changed places.
        numbers = [np.array(self._list[place].data) for place in moved]
        for place, found in zip(moved, numbers, strict=True):
            if found.shape != (shape := self._views[place].shape):
                expected = f"the shape {shape} that it was built with"
                name = list(self.parameters)[place]
                raise ShapeError(sentence("fit", name, expected, f"shape {found.shape}"))
        for place, found in zip(moved, numbers, strict=True):
            self._views[place][...] = found
            self._list[place].data = self._views[place]

    def begin_move(self) -> bool:
        """Take up the parameters, and note them, in case that the step leads nowhere.

        Returns:
            Whether the gradients are all finite.
        """
        self.take_up()
        if kernel_wanted("finite check", self.flat.size):
            from neural_network.kernels.numbers import noted_and_finite

            finite = noted_and_finite(self.flat, self._before, self.gradients)
        else:
            np.copyto(self._before, self.flat)
            finite = is_finite(self.gradients)
        self._moving = True
        return finite

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
            whole = gradients_in_one(self._list)
            if whole is not None:  # no copy: nobody else writes into it
                self.gradients = whole
            else:
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
        self._noted, self._moving = None, False
        self.batches = self.rows = 0

    def roll_back(self) -> None:
        """Put parameters and buffers back to where they were when the step began, if one runs."""
        if self._moving:
            self.flat[...] = self._before
            self._moving = False
        for buffer, noted in zip(self.buffers.values(), self._noted or (), strict=False):
            buffer.data[...] = noted

    @contextmanager
    def showing(self, average: ExponentialAverage | None) -> Iterator[None]:
        """Put averaged weights into the model for a block, if there are any."""
        self.take_up()
        if average is None or average.steps == 0:
            yield
            return
        current, averaged = self.flat.copy(), average.value
        for part in self.look():  # what is frozen stays to the last bit
            self.flat[part] = averaged[part]
        try:
            yield
        finally:
            self.flat[...] = current

    # --- by name -----------------------------------------------------------------------

    def arrays(self) -> dict[str, Array]:
        """Return parameters and buffers by name, not copied."""
        tensors: dict[str, Parameter | Buffer] = {**self.parameters, **self.buffers}
        return {name: tensor.data for name, tensor in tensors.items()}

    def put(self, arrays: Mapping[str, Array]) -> None:
        """Copy numbers into parameters and buffers."""
        self.take_up()
        for name, array in self.arrays().items():
            array[...] = arrays[name]

    def gradients_by_name(self) -> dict[str, Array]:
        """Return the gradients of the step that runs, or the last one, by parameter."""
        places = parts(self._list)
        return {
            name: self.gradients[place] for name, place in zip(self.parameters, places, strict=True)
        }


def norms(model: Layer) -> list[tuple[Layer, list[Parameter]]]:
    """Return the layers that both learn and keep numbers, with what they learn: batch norms."""
    found = []
    for _, layer in model.named_layers():
        own = [value for value in vars(layer).values() if isinstance(value, Parameter)]
        if own and any(isinstance(value, Buffer) for value in vars(layer).values()):
            found.append((layer, own))
    return found


def hold_frozen(found: list[tuple[Layer, list[Parameter]]]) -> None:
    """Let frozen batch norms standardise by what they saw before: nothing in them moves."""
    for layer, own in found:
        layer.training = any(parameter.requires_grad for parameter in own)


def recorded(loss: Any) -> Tensor:
    """Return a loss that leads back to parameters; one that does not teaches nothing.

    Raises:
        GradientError: nothing that learns took part in it.
    """
    if isinstance(loss, Tensor) and loss.requires_grad:
        return loss
    expected = "one computed from parameters that learn (t.data leaves the record; use t itself)"
    raise GradientError(sentence("Trainer", "loss", expected, "one without a record"))
