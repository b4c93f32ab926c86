"""A model's arrays during training: parameters, gradients, buffers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import nan
from typing import Any

import numpy as np

from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.errors import GradientError, sentence
from neural_network.functional.finite import is_finite
from neural_network.kernels.runtime.aligned import aligned
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.layers.flat import gather_gradients, gradients_in_one, parts, parts_of
from neural_network.layers.layer import Layer
from neural_network.layers.parameter import Buffer, Parameter
from neural_network.training.averaging import ExponentialAverage


class Memory:
    """The model's parameters as one buffer, and the gradients of a step with the same layout.

    The parameters are listed once, when this is constructed, because the structure of the
    model is fixed during a training. What is frozen is found in each step.

    Args:
        model: a model that is built.

    Attributes:
        flat: the parameters, 1-D; writing into it changes the model.
        gradients: of the current step, or of the last one.
        learned: the parts of ``flat`` that are not frozen in this step.
        all_learned: whether none is frozen in this step.
        stepped: those of them that the loss of this step depends on, which the step changes.
        batches: number of batches whose gradients are accumulated for the next step.
        rows: number of their rows.
        before: the parameters before the update that is running, to restore them if it fails.
    """

    def __init__(self, model: Layer) -> None:
        self._model = model
        self.parameters = dict(model.named_parameters())
        self.buffers = dict(model.named_buffers())
        self._list = list(self.parameters.values())
        self._norms = norms(model)
        self.flat = model.flat_parameters()
        self.gradients = np.zeros_like(self.flat)
        self.learned: list[slice] = []
        self.stepped: list[slice] = []
        self._frozen: list[bool] | None = None
        self.all_learned = False
        self._reached: list[bool] = []
        self.batches = self.rows = 0
        self._weight = self._loss = 0.0
        # Copies, to restore if the step fails.
        self._buffers_before: list[Array] = []
        self.before = aligned(self.flat.shape, self.flat.dtype)
        self._updating = False

    # --- a step ------------------------------------------------------------------------

    def begin_step(self) -> None:
        """Find what is frozen, and copy the buffers, to restore them if the step fails."""
        self._find_parameters()
        hold_frozen(self._norms)
        self._buffers_before = [buffer.data.copy() for buffer in self.buffers.values()]
        self.batches = self.rows = 0
        self._weight = self._loss = 0.0

    def _find_parameters(self) -> None:
        """Find the buffer, and frozen parts."""
        self.find_flat()
        frozen = [not parameter.requires_grad for parameter in self._list]
        if frozen != self._frozen:
            self._frozen, self.all_learned = frozen, not any(frozen)
            self.learned = parts_of(self._list, [not held for held in frozen])

    def find_flat(self) -> None:
        """Find the buffer, which another model with the same layers may move."""
        self.flat = self._model.flat_parameters()

    def zero_grad(self) -> None:
        """Clear the gradients of an earlier ``backward()``."""
        for parameter in self._list:
            parameter.grad = None

    def add_gradients(self, rows: int, weight: float, loss: float, *, alone: bool) -> None:
        """Accumulate the gradients of the last ``backward()``.

        Args:
            rows: number of rows of the batch.
            weight: the sum of their weights.
            loss: of the batch.
            alone: whether this is the only batch of the step.
        """
        reached = [parameter.grad is not None for parameter in self._list]
        if self.batches == 0:
            self._reached = reached
            whole = gradients_in_one(self._list)
            if whole is not None:  # a buffer that only this step uses: no copy
                self.gradients = whole
            else:
                gather_gradients(self._list, self.gradients)
            if not alone:
                self.gradients *= weight
        else:
            self._reached = [a or b for a, b in zip(self._reached, reached, strict=True)]
            more = np.empty_like(self.gradients)
            gather_gradients(self._list, more)
            more *= weight
            self.gradients += more
        self.batches += 1
        self.rows += rows
        self._weight += weight
        self._loss += weight * loss

    def take_gradients(
        self, gradients: Array, views: Sequence[Array], rows: int, weight: float, loss: float
    ) -> None:
        """Take the gradients of the only batch of a step, which were computed without a tape.

        Args:
            gradients: of all parameters, of the layout of ``flat``.
            views: its parts, one for each parameter.
            rows, weight, loss: as for ``add_gradients``.
        """
        for parameter, view in zip(self._list, views, strict=True):
            parameter.grad = view
        self.gradients, self._reached = gradients, [True] * len(views)
        self.batches, self.rows, self._weight, self._loss = 1, rows, weight, weight * loss

    def divide_gradients(self, *, alone: bool) -> float:
        """Divide the accumulated gradients by the sum of weights; return the mean loss.

        Each batch is weighted by its rows, so that several batches give the same mean as
        one large batch. If no row counts, there is nothing to divide, and the loss is NaN.
        """
        if self._weight == 0:
            return nan
        weight = self._weight
        if not alone:
            self.gradients /= weight
        return self._loss / weight

    def begin_update(self) -> bool:
        """Copy the parameters, to restore them if the step fails.

        Returns:
            Whether all gradients are finite.
        """
        self.find_flat()
        if kernel_wanted("finite check", self.flat.size, self.flat):
            from neural_network.kernels.finite import copy_and_check

            finite = copy_and_check(self.flat, self.before, self.gradients)
        else:
            np.copyto(self.before, self.flat)
            finite = is_finite(self.gradients)
        self.begin_copied_update()
        return finite

    def begin_copied_update(self) -> None:
        """Begin an update of the buffer ``flat``, which was copied to ``before``."""
        self.stepped = self._stepped()
        self._updating = True

    def _stepped(self) -> list[slice]:
        """Return the parts that the step changes; usually all that are not frozen."""
        if all(self._reached):
            return self.learned
        learned = [not held for held in self._frozen or ()]
        chosen = [a and b for a, b in zip(learned, self._reached, strict=True)]
        return self.learned if chosen == learned else parts_of(self._list, chosen)

    def end_step(self) -> None:
        """The step is complete: drop the copies of parameters and buffers."""
        self._buffers_before, self._updating = [], False
        self.batches = self.rows = 0

    def roll_back(self) -> None:
        """Restore parameters and buffers to the start of the step, if one is running."""
        if self._updating:
            self.flat[...] = self.before
            self._updating = False
        self.restore_buffers()

    @property
    def holds_buffers(self) -> bool:
        """Whether a step is running whose begin buffers can be restored to."""
        return len(self._buffers_before) == len(self.buffers)

    def restore_buffers(self) -> None:
        """Restore the buffers to the start of the step, if one is running."""
        for buffer, before in zip(self.buffers.values(), self._buffers_before, strict=False):
            buffer.data[...] = before

    @contextmanager
    def averaged(self, average: ExponentialAverage | None) -> Iterator[None]:
        """Put averaged weights into the model for a block, if there are any."""
        if average is None or average.steps == 0:
            yield
            return
        self._find_parameters()
        current, averaged = self.flat.copy(), average.value
        for part in self.learned:  # frozen parameters are not averaged, not even rounded
            self.flat[part] = averaged[part]
        try:
            yield
        finally:
            self.flat[...] = current

    @property
    def reached(self) -> bool:
        """Whether ``backward()`` has reached a parameter in the last step."""
        return any(self._reached)

    # --- by name -----------------------------------------------------------------------

    def arrays(self) -> dict[str, Array]:
        """Return parameters and buffers by name, not copied."""
        tensors: dict[str, Parameter | Buffer] = {**self.parameters, **self.buffers}
        return {name: tensor.data for name, tensor in tensors.items()}

    def put(self, arrays: Mapping[str, Array]) -> None:
        """Copy arrays into parameters and buffers."""
        for name, array in self.arrays().items():
            array[...] = arrays[name]

    def gradients_by_name(self) -> dict[str, Array]:
        """Return the gradients of the current or last step by parameter."""
        places = zip(self.parameters, parts(self._list), strict=True)
        return {name: self.gradients[place] for name, place in places}


def norms(model: Layer) -> list[tuple[Layer, list[Parameter]]]:
    """Return the layers with parameters and buffers of their own, batch norms, with the former."""
    found: list[tuple[Layer, list[Parameter]]] = []
    if not model._look().buffers:
        return found
    for _, layer in model.named_layers():
        values = [*vars(layer).values()]
        own = [value for value in values if isinstance(value, Parameter)]
        buffers = [value for value in values if isinstance(value, Buffer)]
        if own and buffers:
            found.append((layer, own))
    return found


def frozen_in(model: Layer) -> list[str]:
    """Return the names of a model's frozen parameters."""
    return [name for name, parameter in model.named_parameters() if not parameter.requires_grad]


def hold_frozen(found: list[tuple[Layer, list[Parameter]]]) -> None:
    """Let frozen batch norms use their running statistics, which then do not change."""
    for layer, own in found:
        layer.training = any(parameter.requires_grad for parameter in own)


def recorded(loss: Any) -> Tensor:
    """Return a loss that was computed from parameters.

    Raises:
        GradientError: it has no gradient with respect to any parameter.
    """
    if isinstance(loss, Tensor) and loss.requires_grad:
        return loss
    expected = "one computed from parameters (t.data has no gradient; use t itself)"
    raise GradientError(sentence("Trainer", "loss", expected, "one without a gradient"))
