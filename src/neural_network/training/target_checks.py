"""A check of all targets before the first step of a training."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, DTypeError, sentence
from neural_network.functional.labels import are_class_indices
from neural_network.functional.losses.cross_entropies import softmax_cross_entropy
from neural_network.training.objectives import (
    LOSSES,
    Loss,
    is_of_classes,
    loss_name,
    plain_function,
    row_shares,
)


def check_targets(
    loss: Loss, outputs: Any, y: Any, *, whole: bool = True, several: bool = False
) -> None:
    """Call one of the library's losses with all targets before the first step.

    It raises its own errors for labels out of range, or of another kind or shape, before
    anything is changed.

    Args:
        loss: the loss; one that is not the library's is not called.
        outputs: shape of the outputs for one row, or of each of several.
        y: targets.
        whole: whether these are all, so that one of them has to count.
        several: whether at least two classes are needed, as in training.
    """
    if plain_function(loss) not in LOSSES.values():
        return
    for name, of in (("y", y), ("model", outputs)):
        if isinstance(of, dict) or (isinstance(of, tuple) and not (of and type(of[0]) is int)):
            if not of and name == "model":  # one number a row
                continue
            expected = f"one array with {loss_name(loss)!r} (a function of (outputs, y) takes more)"
            raise DTypeError(sentence("Trainer", name, expected, f"{len(of)} arrays"))
    # The usual labels, which the loss would accept: a training of few steps should not wait for it.
    usual = loss is softmax_cross_entropy and len(outputs) == 1 and outputs[0] > 1
    if not (usual and y.ndim == 1 and are_class_indices(y, outputs[0])):
        _call_with_zeros(loss, outputs, y)
    shares = row_shares(loss, y)
    counted = y if shares is None else y[shares > 0]
    if len(counted) == 0 and whole:
        received = "only rows that are ignored, or whose class weighs 0"
        raise ArgumentError(sentence("fit", "y", "a row that counts in the loss", received))
    if several and is_of_classes(loss) and np.all(counted == counted[0]):
        only = _only_class(counted[0])
        if only is not None:
            expected = "labels of at least two classes"
            raise ArgumentError(sentence("fit", "y", expected, f"only class {only}"))


def _only_class(target: Array) -> Any:
    """Return the class of a row's target; None for probabilities of several classes.

    >>> [_only_class(np.array(one)) for one in ([0, 0, 1], [0.5, 0.5], [1.0], [0.3])]
    [2, None, 1.0, None]
    """
    if target.size > 1:
        return int(np.argmax(target)) if np.count_nonzero(target > 0) == 1 else None
    return target.item() if float(target.item()).is_integer() else None


def _call_with_zeros(loss: Loss, row: tuple[int, ...], y: Array) -> None:
    """Call a loss of the library with zeros for outputs, and all targets in parts."""
    rows = 4096
    with np.errstate(all="ignore"):
        for start in range(0, len(y), rows):
            part = np.asarray(y[start : start + rows])
            # The sum, because a mean needs a row with a weight above 0 in each of these parts.
            try:
                loss(np.zeros((len(part), *row), np.float32), part, reduction="sum")
            except ArgumentError as error:
                if is_of_classes(loss) and _are_measured(part):
                    error.args = (f'{error}; for numbers to predict: loss="mse_loss"',)
                raise


def _are_measured(y: Array) -> bool:
    """Return whether targets are numbers that are no classes."""
    return y.dtype.kind == "f" and bool(np.any(np.isfinite(y) & (y != np.floor(y))))
