"""Steps of a training without a tape, where the stages of one run compute a whole model.

A step of a small network is mostly Python. Here the run, the loss and the gradients are computed
by the functions that the tape calls, in arrays that are used again; the numbers are the same.
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
from neural_network.training.direct_loss import direct_loss, loss_behind_kernels
from neural_network.training.divergence import explain_step
from neural_network.training.metrics import accuracy
from neural_network.training.optimizers.direct import DirectKernelSteps, DirectSteps
from neural_network.training.state import TrainingState

# Numbers that the arrays of a run may hold: of more, Python is a small part of a step.
MOST_NUMBERS = 1 << 21
# Runs that are kept: of the usual batch, and of the last one of an epoch.
MOST_RUNS = 4
# What arrays that a batch of one's own holds may raise; a fault of this file is not among them.
REFUSED = (NeuralNetworkError, TypeError, ValueError, IndexError)
Measure = Callable[[Array, Array], dict[str, float]]
# The loss, the outputs, and how many of them are largest at the label, where that is known.
Computed = tuple[float, Array, int | None]


class DirectStep:
    """Computes the batches of a training, if its model and loss are such that it can.

    Args:
        state: of a training whose model is built, and whose memory is there.
        compute_loss, measure, update: methods of the trainer. What a subclass has its own method
            for is not done here.
    """

    def __init__(
        self,
        state: TrainingState,
        compute_loss: Callable[..., Any],
        measure: Measure,
        update: Callable[[], None],
    ) -> None:
        self._state, self._measure = state, measure
        self._given = state.model, state.loss, (compute_loss, measure, update)
        self._own_loss, self._own_measure = map(_is_trainers, (compute_loss, measure))
        self._own_update = _is_trainers(update)
        # The class that may update the parameters, where the gradients were computed here.
        self._kind_of_steps: type[DirectSteps] | None = None
        self._steps: DirectSteps | None = None
        self._loss = state.loss
        self._direct_losses = direct_loss(state.loss) if self._own_loss else []
        self._loss_behind_kernels = loss_behind_kernels(state.loss)
        self._find()

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Leave nothing in a copy of the trainer, whose next ``fit`` makes one of its own."""
        return type(None), ()

    def _find(self) -> None:
        """Find the stages of the model as its layers are now."""
        model = self._state.model
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
        found = whole_match(model) if self._direct_losses else None
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
        self._gradients = aligned(flat.shape, flat.dtype)
        self._views = match.views(self._gradients)

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
        found = self._computed(batch) if weight and self.serves() else None
        if found is None:
            return None
        value, outputs, right = found
        memory.take_gradients(self._gradients, self._views, batch.rows, weight, value)
        state.add_measures(
            {"loss": value, **self._measured(outputs, batch.y, right)}, batch.y, weight
        )
        state.rows += batch.rows
        return value

    def update(self) -> bool:
        """Make the step of a batch that was computed here, where its numbers are usual.

        Behind the kernel of a batch Numba is loaded; update rules compute the same bits with it, so
        that they pay for small buffers, too.

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

    def serves(self) -> bool:
        """Return whether the model and the training are as the direct way expects them."""
        state = self._state
        if self._versions_and_modes() != (self._versions, self._modes):
            self._find()
        return (
            self._match is not None
            and state.loss is self._loss
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
                compute = self._by_kernels
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
        """Compute a batch by the kernels of each stage."""
        run = whole_run(self._state.model, match, len(X))
        outputs = run.forward(X)
        loss = self._loss_behind_kernels
        assert loss is not None
        value = loss.value(outputs, y)
        if not isfinite(value):
            return None
        run.differentiate(loss.gradient(), self._views)
        self._kind_of_steps = DirectKernelSteps
        return value, outputs, None

    def _by_kernel(self, match: Match, X: Array, y: Array) -> Computed | None:
        """Compute a batch by one call of a kernel."""
        if self._chain is None:
            self._chain = Chain(match, self._loss)
        found = self._chain.compute(X, y, self._state.memory.flat, self._gradients)
        self._kind_of_steps = DirectKernelSteps
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
        for loss in self._direct_losses:
            value = loss.value(outputs, y)
            if value is not None:
                break
        if value is None or not isfinite(value):
            return None
        run.differentiate(loss.gradient(), self._views)
        self._kind_of_steps = DirectSteps
        return value, outputs, None

    def _measured(self, outputs: Array, y: Array, right: int | None) -> dict[str, float]:
        """Return the metrics of a batch, and keep its rows for those of the whole epoch.

        Args:
            outputs, y: of the batch.
            right: how many outputs are largest at the label, if that is known already.
        """
        state = self._state
        gathered = state.gathered
        if not (self._own_measure and gathered.given is state.metrics) or gathered.metrics:
            outputs = outputs.copy()  # the next batch overwrites them
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
            outputs = outputs.copy()
        found = self._measure(outputs, y)
        if gathered.metrics:
            state.gathered.add(outputs, y)
        return found


def direct_step(
    last: DirectStep | None, state: TrainingState, *methods: Callable[..., Any]
) -> DirectStep:
    """Return what computes the batches of a training: that of the last one, if it still fits.

    Args:
        last: of the last training, or None.
        state, methods: as ``DirectStep`` takes them.
    """
    given = state.model, state.loss, methods
    if last is not None and last._given == given:
        return last
    return DirectStep(state, *methods)


def _is_trainers(method: Callable[..., Any]) -> bool:
    """Return whether a method is that of ``Trainer``."""
    return method.__module__ == "neural_network.training.trainer"


def _are_hard(outputs: Array, y: Array) -> bool:
    """Return whether these are scores of at least two classes and the numbers of classes."""
    classes = outputs.shape[1]
    return (
        outputs.ndim == 2
        and classes > 1
        and y.shape == outputs.shape[:1]
        and are_class_indices(y, classes)
    )
