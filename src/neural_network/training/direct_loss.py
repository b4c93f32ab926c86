"""The loss of one batch after the other and the gradient of the outputs, without a tape.

The functions are those that the tape calls, so that the numbers are the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from neural_network.autograd.formulas import as_result
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, as_single
from neural_network.functional.labels import are_class_indices
from neural_network.functional.losses.cross_entropies import (
    Exponentials,
    losses_of_rows,
    slopes_of_scores,
    softmax_cross_entropy,
)
from neural_network.functional.losses.reduction import reduce_rows
from neural_network.functional.losses.targets import Targets
from neural_network.functional.op import KEPT, RULES, Kept, Rule
from neural_network.plan.elementwise import with_options
from neural_network.training.objectives import LOSSES, Loss


class DirectLoss(ABC):
    """A loss whose value and gradient are computed one after the other."""

    @abstractmethod
    def value(self, outputs: Array, y: Any) -> float | None:
        """Return the loss of a batch, or None where another class has to compute it."""

    @abstractmethod
    def gradient(self) -> Array:
        """Return the gradient of the outputs of the last batch, a new array."""


class LossOfOp(DirectLoss):
    """A loss of the library's, by the rule of its op.

    Args:
        rule: of the op.
        options: that ``functools.partial`` has set.
    """

    def __init__(self, rule: Rule, options: Mapping[str, Any]) -> None:
        self._rule, self._options = rule, options
        self._formula, self._needs = rule.gradients[rule.names[0]]

    def value(self, outputs: Array, y: Any) -> float:
        """Return the loss of a batch; it raises what the op raises."""
        rule, kept = self._rule, Kept()
        keeping = rule.forward if rule.keeping is None else rule.keeping
        first = () if rule.keeping is None else (kept,)
        result = keeping(*first, outputs, y, **self._options)
        self._arguments = {**rule.bind((outputs, y), self._options), KEPT: kept}
        self._dtype = outputs.dtype
        return as_single("Trainer", "loss", as_result(rule, result, [Tensor(outputs)]))

    def gradient(self) -> Array:
        """Return the gradient of the outputs of the last batch, a new array."""
        given = {name: self._arguments[name] for name in self._needs}
        found: Array = self._formula(np.ones((), self._dtype), **given)
        return found.astype(self._dtype, copy=False)


class CrossEntropy(DirectLoss):
    """The mean of the cross-entropy of scores and class indices.

    It gives no hint about scores: in ``fit`` they are the trainer's.
    """

    def __init__(self) -> None:
        self._weights: Array = np.zeros(0)
        self._rows: Array = np.zeros(0)
        self._exponentials: Exponentials | None = None

    def value(self, outputs: Array, y: Any) -> float | None:
        """Return the loss of a batch, or None for other labels than integers of classes."""
        shape, dtype = outputs.shape, outputs.dtype
        rows, classes = shape
        if y.shape != (rows,) or not are_class_indices(y, classes):
            return None
        if self._weights.shape != (rows,) or self._weights.dtype != dtype:
            self._weights, self._rows = np.ones(rows, dtype), np.arange(rows)
        places = self._rows, y
        targets = Targets(self._weights, places, None, float(rows), (rows, classes), alike=True)
        losses, self._exponentials = losses_of_rows(targets, outputs)
        value: float = reduce_rows(losses, "mean", dtype, targets.divisor)
        return value

    def gradient(self) -> Array:
        """Return the gradient of the scores of the last batch, a new array."""
        assert self._exponentials is not None
        values, divisor = self._exponentials.values, self._exponentials.targets.divisor
        return slopes_of_scores(self._exponentials, values.dtype.type(1) / divisor)


def direct_losses(loss: Loss) -> tuple[list[DirectLoss], list[DirectLoss]]:
    """Return what computes a loss, in the order in which they are asked; none for a user's.

    Returns:
        Those for outputs of NumPy, and those for outputs of kernels.
    """
    function, options = with_options(loss)
    rule = RULES.get(function) if function in LOSSES.values() else None
    if rule is None or {*rule.gradients[rule.names[0]].needs} - {KEPT, *rule.names}:
        return [], []
    usual: list[DirectLoss] = [LossOfOp(rule, options)]
    if loss is softmax_cross_entropy:
        usual.insert(0, CrossEntropy())
    return usual, [LossOfOp(rule.after_kernels or rule, options)]
