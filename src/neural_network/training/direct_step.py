"""Steps of a training without a tape, where the stages of one run compute a whole model.

The run, the loss and the gradients are computed by the functions that the tape calls, so that the
numbers are the same. A step of a small network is mostly Python: its arrays are used again, and
the kernel of a chain of dense layers, which adds up in another order, computes it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from math import isfinite, prod
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.errors import NeuralNetworkError
from neural_network.functional.labels import are_class_indices
from neural_network.kernels.runtime.aligned import aligned
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.layers.inputs import in_own_type
from neural_network.layers.layer import Layer
from neural_network.layers.modes import modes_of
from neural_network.layers.planning import all_read, may_plan, whole_match, whole_run
from neural_network.layers.randomness import drawing
from neural_network.plan.chain import Chain
from neural_network.plan.matching import Match
from neural_network.plan.plain import RepeatedRun
from neural_network.training.data import Batch
from neural_network.training.direct_loss import direct_losses
from neural_network.training.divergence import explain_step
from neural_network.training.metrics import accuracy
from neural_network.training.optimizers.direct import DirectKernelSteps, DirectSteps

# Numbers that the arrays of a run may hold: of more, Python is a small part of a step.
MOST_NUMBERS = 1 << 21
# Runs that are kept: of the usual batch, and of the last one of an epoch.
MOST_RUNS = 4
# What arrays that a batch of one's own holds may raise; a fault of this file is not among them.
REFUSED = (NeuralNetworkError, TypeError, ValueError, IndexError)
# The loss, the outputs, and how many of them are largest at the label, where that is known.
Computed = tuple[float, Array, int | None]


class DirectStep:
    """Computes the batches of a training, if its model and loss are such that it can.

    Args:
        trainer: whose model is built, and whose memory is there. What it has another method for
            than ``Trainer`` is not done here.

    Attributes:
        own_measure: whether it measures as ``Trainer`` does.
    """

    def __init__(self, trainer: Any) -> None:
        self._state = trainer
        # The class that may update the parameters, where the gradients were computed here.
        self._kind_of_steps: type[DirectSteps] | None = None
        self._steps: DirectSteps | None = None
        self._read_methods()

    def _read_methods(self) -> None:
        """Note which methods and loss the trainer has, and find the stages."""
        trainer = self._state
        self._methods = trainer.compute_loss, trainer.measure, trainer.update
        own_loss, self.own_measure, self._own_update = map(_is_trainers, self._methods)
        self._loss = trainer.loss
        self._losses, self._behind_kernels = direct_losses(self._loss) if own_loss else ([], [])
        self._find()

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Leave nothing in a copy of the trainer, whose next ``fit`` makes one of its own."""
        return type(None), ()

    def _find(self) -> None:
        """Find the stages of the model as its layers are now."""
        model = self._model = self._state.model
        self._layers = all_read([model])
        # Those that compute something else in evaluation: dropout and batch norm.
        self._changing = [
            layer
            for layer in self._layers
            if type(layer)._evaluation_steps is not Layer._evaluation_steps
        ]
        self._versions, self._modes = self._versions_and_modes()
        self._runs: dict[int, RepeatedRun] = {}
        self._row, self._dtype = model.input_shape, model.dtype
        found = whole_match(model) if self._losses else None
        self._match: Match | None = None
        self._chain: Chain | None = None
        if found is None:
            return
        match, self._flatten = found
        parameters = [*self._state.memory.parameters.values()]
        same = [*map(id, match.parameters)] == [*map(id, parameters)]
        changed = any({"own_penalty", "penalty"} & vars(layer).keys() for layer in self._layers)
        penalty = model.penalty()
        if not same or changed or type(penalty) not in (int, float) or penalty != 0:
            return
        self._match = match
        self._chained = Chain.serves(match, self._loss)
        wide = sum(prod(stage.input_shape) + 3 * prod(stage.output_shape) for stage in match.plain)
        self._most_rows = MOST_NUMBERS // wide if wide else 0
        flat = self._state.memory.flat
        gradients = aligned(flat.shape if match.plain else (0,), flat.dtype)
        # Gradients, and their views: of small batches the next one overwrites them.
        self._kept = self._filled = gradients, match.views(gradients) if match.plain else []

    def step(self, batch: Batch, weight: float) -> float | None:
        """Compute the loss of a batch, its gradients and its measures.

        Args:
            batch: what the model is given.
            weight: of its rows in the loss.

        Returns:
            The loss; None where nothing was done, because it has to be recorded on a tape, or
            is not finite, or an argument is refused.
        """
        state = self._state
        memory = state.memory
        self._kind_of_steps = None
        may_compute = weight and self.serves() and memory.holds_buffers
        found = self._computed(batch) if may_compute else None
        if found is None:
            return None
        value, outputs, right = found
        memory.take_gradients(*self._filled, batch.rows, weight, value)
        state.add_measures(
            {"loss": value, **self._measured(outputs, batch.y, right)}, batch.y, weight
        )
        state.rows += batch.rows
        return value

    def update(self) -> bool:
        """Make the step of a batch that was computed here, where its numbers are usual.

        Behind the kernels of a batch Numba is loaded; update rules compute the same bits with it,
        so that they pay for small buffers, too.

        Returns:
            Whether the step is made.

        Raises:
            DivergenceError: parameters are not finite after it.
        """
        state = self._state
        memory, optimizer, kind = state.memory, state.optimizer, self._kind_of_steps
        clipped = state.clip_norm is not None or state.clip_value is not None
        if kind is None or not self._own_update or clipped or state.average is not None:
            return False
        steps = self._steps
        if type(steps) is not kind or steps.optimizer is not optimizer:
            if not kind.serves(optimizer):
                return False
            steps = self._steps = kind(optimizer)
        memory.find_flat()
        with np.errstate(all="ignore"):
            if not steps.may_step(memory.flat, memory.gradients, state.rate, memory.before):
                return False
            memory.begin_copied_update()
            if not steps.step(memory.flat, memory.gradients, state.rate):
                raise explain_step(state)
        return True

    def is_for(self, trainer: Any) -> bool:
        """Return whether it has found the stages of a trainer's model, for its loss."""
        same = self._state is trainer and self._model is trainer.model
        return same and self._loss is trainer.loss

    def serves(self) -> bool:
        """Return whether the model and the training are as the direct way expects them."""
        state = self._state
        if (state.compute_loss, state.measure, state.update) != self._methods:
            self._read_methods()
        if self._versions_and_modes() != (self._versions, self._modes):
            self._find()
        return (
            self._match is not None
            and state.loss is self._loss
            and "penalty" not in vars(state.model)
            and state.memory.batches == 0
            and state.accumulate == 1
            and state.memory.all_learned
            and may_plan()
            and not state.model._replaced
        )

    def _versions_and_modes(self) -> tuple[list[int], tuple[bool, ...]]:
        modes = modes_of(self._changing) if self._changing else ()
        return [layer._version for layer in self._layers], modes

    def _computed(self, batch: Batch) -> Computed | None:
        """Fill the gradients, if the batch can be computed here and its loss is finite."""
        X, y, match = batch.X, batch.y, self._match
        if batch.weights is not None or type(X) is not np.ndarray or type(y) is not np.ndarray:
            return None
        rows = len(X)
        if match is None or X.shape[1:] != self._row or rows < max(1, match.least_rows):
            return None
        compute = self._by_numpy if rows <= self._most_rows else None
        if self._dtype == np.float32:
            work = rows * match.work
            if self._chained and kernel_wanted("dense chain", work):
                compute = self._by_kernel
            elif kernel_wanted("network", work):
                # A tape computes the first layer of other types by itself.
                compute = self._by_kernels if X.dtype.kind == "f" else None
        if compute is None:
            return None
        state, found = self._state, None
        try:
            if X.dtype != self._dtype:
                X = in_own_type(state.model, X)
            with drawing(state.draws()) if self._changing else nullcontext():
                found = compute(match, X.reshape(rows, -1) if self._flatten else X, y)
        except REFUSED:
            pass  # with a tape it is raised again, with its sentence
        if found is None:
            state.memory.restore_buffers()
        return found

    def _by_kernels(self, match: Match, X: Array, y: Array) -> Computed | None:
        """Compute a batch by the kernels of each stage, in new arrays."""
        run = whole_run(self._state.model, match, len(X))
        outputs = run.forward(X)
        (loss,) = self._behind_kernels
        value = loss.value(outputs, y)
        if value is None or not isfinite(value):
            return None
        views = match.new_gradients(self._dtype)
        run.differentiate(loss.gradient(), views)
        buffer: Any = views[0].base
        self._filled, self._kind_of_steps = (buffer, views), DirectKernelSteps
        return value, outputs, None

    def _by_kernel(self, match: Match, X: Array, y: Array) -> Computed | None:
        """Compute a batch by one call of a kernel."""
        if self._chain is None:
            self._chain = Chain(match, self._loss)
        found = self._chain.compute(X, y, self._state.memory.flat, self._kept[0])
        self._filled, self._kind_of_steps = self._kept, DirectKernelSteps
        return found

    def _by_numpy(self, match: Match, X: Array, y: Array) -> Computed | None:
        """Compute a batch by NumPy."""
        rows = len(X)
        if rows not in self._runs:
            if len(self._runs) == MOST_RUNS:
                self._runs.clear()
            self._runs[rows] = RepeatedRun(match, rows)
        run = self._runs[rows]
        outputs = run.forward_aloud(X)
        for loss in self._losses:
            value = loss.value(outputs, y)
            if value is not None:
                break
        if value is None or not isfinite(value):
            return None
        run.differentiate(loss.gradient(), self._kept[1])
        self._filled, self._kind_of_steps = self._kept, DirectSteps
        return value, outputs, None

    def _measured(self, outputs: Array, y: Array, right: int | None) -> dict[str, float]:
        """Return the metrics of a batch, and keep its rows for those of the whole epoch.

        Args:
            outputs, y: of the batch.
            right: how many outputs are largest at the label, if that is known already.
        """
        state = self._state
        gathered = state.gathered
        overwritten = self._filled is self._kept  # by the next batch
        if not (self.own_measure and gathered.given is state.metrics) or gathered.metrics:
            outputs = outputs.copy() if overwritten else outputs
        elif not gathered.of_batches:
            return {}
        elif [*gathered.of_batches.values()] == [accuracy] and (
            right is not None or _are_hard(outputs, y)
        ):
            (name,) = gathered.of_batches
            if right is None:
                right = np.add.reduce(outputs.argmax(axis=1) == y)
            return {name: float(right / len(y))}
        else:
            outputs = outputs.copy() if overwritten else outputs
        found: dict[str, float] = state.measure(outputs, y)
        if gathered.metrics:
            state.gathered.add(outputs, y)
        return found


def direct_step(last: DirectStep | None, trainer: Any) -> DirectStep:
    """Return what computes the batches of a training: that of the last one, if it still fits."""
    if last is not None and last.is_for(trainer):
        return last
    return DirectStep(trainer)


def _is_trainers(method: Callable[..., Any]) -> bool:
    """Return whether a method is that of ``Trainer``: written in its file, and not wrapped."""
    written_in = getattr(method, "__globals__", {}).get("__name__")
    return bool(written_in == "neural_network.training.trainer")


def _are_hard(outputs: Array, y: Array) -> bool:
    """Return whether these are scores of at least two classes and the numbers of classes."""
    classes = outputs.shape[1]
    return (
        outputs.ndim == 2
        and classes > 1
        and y.shape == outputs.shape[:1]
        and are_class_indices(y, classes)
    )
