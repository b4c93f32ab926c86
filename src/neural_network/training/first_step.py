"""The first training step on a machine, whose kernels several processes compile."""

from __future__ import annotations

import copy
from contextlib import suppress

import numpy as np

from neural_network.errors import LOOKS
from neural_network.kernels.runtime import ahead
from neural_network.kernels.runtime.gate import available, current_mode
from neural_network.kernels.runtime.threads import get_num_threads
from neural_network.layers.layer import Layer
from neural_network.layers.planning import is_planned_whole, may_plan, whole_match
from neural_network.layers.randomness import Draws, drawing
from neural_network.training.data import Feed
from neural_network.training.objectives import is_of_library
from neural_network.training.optimizers.base import Optimizer
from neural_network.training.parameters import Memory, hold_frozen, norms
from neural_network.training.state import TrainingState


def compile_step(state: TrainingState, feed: Feed) -> None:
    """Let other processes begin to compile what a step will need, if that is not known to be there.

    The step that finds the kernels is one of a copy of the model, and calls nothing of the user's
    own, because it must leave no trace. Networks of dense layers alone need few kernels.

    Args:
        state: of the training, whose model is built.
        feed: where the batches come from.
    """
    model, (X, y, _) = state.model, feed.example
    if not (
        ahead.nothing_compiled()
        and current_mode() != "numpy"
        and available()
        and type(X) is type(y) is np.ndarray
        and may_plan()
        and is_of_library(state.loss)
        and is_planned_whole(model)
        and not ((found := whole_match(model)) and found[0].plain)
    ):
        return
    rows = feed.rows_of_batch
    X, y = (np.resize(array, (rows, *array.shape[1:])) for array in (X, y))
    ignored = np.errstate(all="ignore")
    LOOKS.clear()  # they are for loops without a trainer
    # Numbers that no kernel has filled may be refused somewhere: what was noted is enough.
    with ahead.noting() as noted, ignored, drawing(Draws(state.seed, 0)), suppress(Exception):
        copied = copy.deepcopy(model).train()
        hold_frozen(norms(copied))
        state.loss(copied(X), y).backward()
        if isinstance(rule := state.optimizer, Optimizer) and _is_of_library(rule):
            _update(copied, copy.copy(rule))  # its state arrays are new ones
    if noted:
        ahead.compile_beside(noted, get_num_threads())


def _is_of_library(rule: Optimizer) -> bool:
    """Return whether all methods of an optimizer are the library's."""
    replaced = any(callable(getattr(type(rule), name, None)) for name in vars(rule))
    return is_of_library(type(rule)) and not replaced


def _update(model: Layer, optimizer: Optimizer) -> None:
    """Call the kernels by which a trainer checks gradients and makes a step."""
    memory = Memory(model)
    memory.begin_update()
    optimizer.start(memory.flat)
    optimizer.update(memory.flat, memory.gradients, 0.0)
