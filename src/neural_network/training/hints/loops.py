"""Hints in a loop of one's own: what the first backward passes and steps show.

Nothing is looked at later, so that a step costs what it costs without hints.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from neural_network.autograd.engine import Recorded, nodes_so_far
from neural_network.autograd.gradients import USED
from neural_network.autograd.tensor import Tensor
from neural_network.errors import LOOKS, give_hint, give_hint_of_backward
from neural_network.layers.parameter import Parameter
from neural_network.training.hints import graph

# So many times gradients are forgotten without a step before it is looked at as a mistake.
UNUSED = 3
# Backward passes that are looked at after an optimizer was bound: two, for two networks.
PASSES = 2
IN_A_GRAPH = (
    graph.probabilities_for_scores,
    graph.other_sums_of_rows,
    graph.softmax_of_one_number,
    graph.targets_that_broadcast,
    graph.sum_of_row_means,
)


def look_at_next_passes() -> int:
    """Let the next backward passes look at the graphs of their losses; return the nodes so far."""
    LOOKS[:] = [_look] * PASSES
    return nodes_so_far()


def _look(loss: Recorded) -> None:
    if isinstance(loss, Tensor):
        for find in IN_A_GRAPH:
            text = find(loss, lambda _: "")
            if text is not None:
                LOOKS.clear()
                give_hint_of_backward(text)


def hint_no_gradient(function: str, parameters: Sequence[Parameter], since: float) -> float:
    """Warn of a first step after a loss was computed, but no ``backward()``, or ``zero_grad()``.

    Args:
        function: for the sentence.
        parameters: of the optimizer.
        since: the number of nodes when the optimizer was bound.

    Returns:
        ``since``; ∞ if the hint was given.
    """
    if nodes_so_far() > since + 1 and any(parameter.requires_grad for parameter in parameters):
        give_hint(
            f"{function}: none of the {len(parameters)} parameters has a gradient, so nothing is "
            "changed: loss.backward() computes them, and has to stand before step() and behind "
            "zero_grad(): optimizer.zero_grad(); loss.backward(); optimizer.step()"
        )
        return math.inf
    return since


def hint_no_step(
    name: str, parameters: Sequence[Parameter], rounds: int, sums: tuple[float, ...]
) -> tuple[int, tuple[float, ...]]:
    """Warn of a third ``zero_grad()`` that forgets gradients with which nothing was done.

    Args:
        name: of the optimizer, which has made no step.
        parameters: of it.
        rounds: how many times gradients were forgotten so far.
        sums: of the parameters, then.

    Returns:
        ``rounds`` and ``sums`` for the next call; from ``UNUSED`` rounds on there is none.
    """
    if not any(parameter.grad is not None for parameter in parameters):
        return rounds, sums
    with np.errstate(all="ignore"):
        now = tuple(float(np.sum(parameter.data)) for parameter in parameters)
    if rounds and now != sums:  # steps are made in another way
        return UNUSED, ()
    if rounds + 1 < UNUSED:
        return rounds + 1, now
    give_hint(
        f"{name}.zero_grad: gradients are forgotten for the {UNUSED}rd time, and no step was made "
        "with them, so that nothing is learned: optimizer.step() has to stand behind "
        "loss.backward(): optimizer.zero_grad(); loss.backward(); optimizer.step()"
    )
    return UNUSED, ()


def look_at_gradients(function: str, steps: int, parameters: Sequence[Parameter]) -> None:
    """Warn, in the second step, of gradients that were added to those of the first.

    Args:
        function: for the sentence.
        steps: that were made, this one included.
        parameters: that were changed.
    """
    smallest = min(parameters, key=lambda parameter: parameter.data.size)
    grad = smallest.grad
    if steps == 1 and grad is not None:
        USED.clear()  # of optimizers that made one step only
        USED[id(grad)] = grad, False
    elif grad is not None and USED.pop(id(grad), (None, False))[1]:
        give_hint(
            f"{function}: the gradients of this step are added to those of the step before: "
            "optimizer.zero_grad() forgets them, and has to stand before loss.backward() in each "
            "step"
        )
