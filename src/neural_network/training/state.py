"""What the training loop reads and changes, below the loop itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import Draws, generator
from neural_network.training.averaging import ExponentialAverage
from neural_network.training.history import History
from neural_network.training.objectives import Loss, Metric
from neural_network.training.optimizers import Optimizer
from neural_network.training.parameters import Memory

# The attributes that change during a training; together with the history, its position.
POSITION = ("epoch", "batch", "step", "rows", "sums", "stop", "seed")

Augmentation = Callable[[Array, np.random.Generator], Array]


class HasState:
    """What a checkpoint stores of an object; by default nothing."""

    def state(self) -> dict[str, Array]:
        """Return the arrays that a checkpoint has to store."""
        return {}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned, or raise before anything is changed."""


class TrainingState:
    """The settings of a training and its position.

    ``Trainer`` adds the methods that change it. Checkpoints, the dry run, the divergence
    report and interrupts take this class, so that none of them imports the trainer.
    """

    # Settings, which stay as they are during ``fit``.
    model: Layer
    optimizer: Optimizer
    loss: Loss
    metrics: dict[str, Metric]
    callbacks: Sequence[HasState]
    seed: int
    seed_given: bool
    augment: Augmentation | None
    class_weights: Array | dict[int, float] | None
    clip_norm: float | None
    clip_value: float | None
    accumulate: int
    average: ExponentialAverage | None
    # What ``fit`` was called with.
    epochs: int
    measures: list[str]
    feed_shape: list[Any]
    # The numbers that are trained, and the position.
    memory: Memory
    history: History
    epoch: int
    batch: int
    step: int
    rows: int
    sums: dict[str, float]
    rate: float
    stop: bool

    def begin(self) -> None:
        """Set the position to the start of a training."""
        self.history = History(seed=self.seed)
        self.epoch = self.batch = self.step = self.rows = 0
        self.sums = {}
        self.rate = 0.0
        self.stop = False

    def position(self) -> dict[str, Any]:
        """Return the position as JSON can hold it."""
        numbers = {name: getattr(self, name) for name in POSITION}
        return {**numbers, "history": dict(self.history), "seconds": self.history.seconds}

    def go_to(self, position: Mapping[str, Any]) -> None:
        """Set the position to what ``position`` returned."""
        for name in POSITION:
            setattr(self, name, position[name])
        self.history = History(position["history"], seed=self.seed)
        self.history.seconds = float(position["seconds"])

    def draws(self) -> Draws:
        """Return the random numbers that layers draw from in the next batch.

        They follow from the step and the row's place in it, so that several batches of a
        step draw the numbers of one large batch.
        """
        step = self.batch // self.accumulate
        return Draws(self.seed, self._number(step), self.memory.rows)

    def augmentation_rng(self) -> np.random.Generator:
        """Return the generator for the augmentation of the next batch."""
        return generator(self.seed, "augment", self._number(self.batch))

    def _number(self, within_epoch: int) -> int:
        """Return the number of a batch or step of this epoch, unique in the training."""
        return (self.epoch << 32) + within_epoch

    def averaged(self) -> AbstractContextManager[None]:
        """Put the averaged weights into the model for a block, if there are any."""
        return self.memory.averaged(self.average)

    def final_arrays(self) -> dict[str, Array]:
        """Return a copy of the weights the model would end with now: averaged, if there are any."""
        with self.averaged():
            return {name: array.copy() for name, array in self.memory.arrays().items()}

    def callbacks_with_state(self) -> list[HasState]:
        """Return the callbacks whose state a checkpoint stores; others may come and go."""
        return [c for c in self.callbacks if type(c).state is not HasState.state]
