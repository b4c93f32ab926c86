"""The training behind ``fit``: the library's ``Trainer`` with scikit-learn's way to stop."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from neural_network.checks import Array, as_choice
from neural_network.errors import DTypeError, brief, sentence
from neural_network.training.callback_base import Callback
from neural_network.training.optimizers.base import OPTIMIZERS, Optimizer
from neural_network.training.trainer import Trainer


class PenalizedTrainer(Trainer):
    """A trainer that adds ``penalty / 2 · ΣW²`` of each weight W, but of no bias, to the loss.

    It is added to what the history shows, and ``penalty · W`` to the gradients: nothing has to be
    recorded for it.
    """

    penalty = 0.0

    def add_measures(self, found: Mapping[str, float], y: Any, weight: float) -> None:
        """Add the penalty to the loss of a batch, with the weights before its step."""
        if self.penalty:
            squares = sum(float(np.vdot(W, W)) for W in self._weights())
            found = {**found, "loss": found["loss"] + self.penalty / 2 * squares}
        super().add_measures(found, y, weight)

    def _weights(self) -> Iterator[Array]:
        return (p.data for p in self.memory.parameters.values() if p.data.ndim > 1)

    def update(self) -> None:
        """Make one step with the gradients in the buffer."""
        if self.penalty:
            gradients = self.memory.gradients_by_name()
            for name, parameter in self.memory.parameters.items():
                if parameter.data.ndim > 1:
                    gradients[name] += self.penalty * parameter.data.reshape(-1)
        super().update()


class Stopping(Callback):
    """Stop as scikit-learn's networks do, and keep the best weights where there is a score.

    An epoch is no improvement if the loss has not fallen by more than ``tol`` below the least so
    far, or the score has not risen by ``tol`` above the best; after more than ``patience`` of them
    in a row the training ends.

    Args:
        tol, patience: as above.
        score: of the model on rows that were set aside; None: the loss decides.

    Attributes:
        values: the loss or score of each epoch.
        best: the best of them; minus the loss where the loss decides.
        converged: whether it has stopped the training.
    """

    def __init__(
        self, tol: float, patience: float, score: Callable[[Any], float] | None = None
    ) -> None:
        self.tol, self.patience, self.score = tol, patience, score
        self.best, self.converged = -math.inf, False
        self.values: list[float] = []
        self._waited = 0
        self._weights: dict[str, Array] | None = None

    def on_epoch_end(self, trainer: Any, measures: Mapping[str, float]) -> None:
        """Compare with the best epoch."""
        if self.score is None:
            value = -measures["loss"]
        else:
            with trainer.averaged():
                value = self.score(trainer.model)
        self.values.append(value)
        self._waited = self._waited + 1 if value < self.best + self.tol else 0
        if value > self.best:
            self.best = value
            if self.score is not None:
                self._weights = trainer.final_arrays()
        if self._waited > self.patience:
            self.converged = trainer.stop = True

    def on_fit_end(self, trainer: Any) -> None:
        """Restore the best weights."""
        if self._weights is not None:
            trainer.memory.put(self._weights)


class KeptState(Callback):
    """Let the optimizer continue where it was in the last call of ``partial_fit``.

    Args:
        state: of the optimizer, or None.

    Attributes:
        state_after: of the optimizer after the training.
    """

    def __init__(self, state: Mapping[str, Array] | None) -> None:
        self._before = state
        self.state_after: dict[str, Array] = {}

    def on_fit_begin(self, trainer: Any) -> None:
        """Put the state into the optimizer, which has just begun anew."""
        if self._before is not None:
            trainer.optimizer.load_state(self._before)

    def on_fit_end(self, trainer: Any) -> None:
        """Keep its state."""
        self.state_after = {k: np.copy(array) for k, array in trainer.optimizer.state().items()}


def make_optimizer(function: str, optimizer: Any, learning_rate: Any) -> Optimizer:
    """Return a new optimizer of a learning rate.

    Args:
        function: for errors.
        optimizer: a name, or a function of the learning rate.
        learning_rate: a number or a ``Schedule``, which is copied: it may have a state.

    Raises:
        DTypeError, ArgumentError: they are neither.
    """
    if isinstance(optimizer, str):
        make: Any = OPTIMIZERS[as_choice(function, "optimizer", optimizer, tuple(OPTIMIZERS))]
    elif isinstance(optimizer, Optimizer) or not callable(optimizer):
        names = ", ".join(map(repr, OPTIMIZERS))
        expected = f"one of {names}, or a function of the rate: partial(SGD, momentum=0.9)"
        raise DTypeError(sentence(function, "optimizer", expected, brief(optimizer)))
    else:
        make = optimizer
    made = make(copy.deepcopy(learning_rate))
    if not isinstance(made, Optimizer):
        expected = "a function that returns an Optimizer"
        raise DTypeError(sentence(function, "optimizer", expected, f"one of {brief(made)}"))
    return made
