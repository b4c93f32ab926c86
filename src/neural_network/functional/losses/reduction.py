"""From the losses of rows to the loss: what all losses check, and how they are reduced.

A *row* is what stands at one place of the first axis. The loss of a row of several
elements is their mean, so that the mean over rows is the mean over all elements.
"""

from __future__ import annotations

from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from neural_network.checks import (
    Array,
    as_choice,
    check_no_nan,
    check_not_empty,
    check_same_shape,
    rounded,
)
from neural_network.errors import ShapeError, sentence

Reduction = Literal["mean", "sum", "none"]
# What a loss returns: a float; with "none" an array; a tensor where tensors come in.
# Writing that out for type checkers would take three signatures for each loss.
Loss = Any


def check_reduction(function: str, reduction: object) -> None:
    """Raise unless ``reduction`` is one of the three words."""
    as_choice(function, "reduction", reduction, ("mean", "sum", "none"))


def check_pair(function: str, reduction: object, **pair: Array) -> None:
    """Raise unless a prediction and its target, by name, can be compared element by element."""
    check_reduction(function, reduction)
    (name, prediction), (target, y) = pair.items()
    check_same_shape(function, target, y, name, prediction)
    check_not_empty(function, name, prediction)
    check_no_nan(function, target, y)
    if prediction.ndim == 0 and reduction != "mean":
        expected = f"at least one axis for reduction={reduction!r}"
        raise ShapeError(sentence(function, name, expected, "a single number"))


def reduce_elements(elements: Array, reduction: Reduction, dtype: DTypeLike) -> Loss:
    """Return the loss, given that of each element; ``dtype`` is the type of the result."""
    if reduction == "mean":
        return float(np.mean(elements))
    rows = np.mean(elements, axis=tuple(range(1, elements.ndim)))
    return reduce_rows(rows, reduction, dtype, len(rows))


def reduce_rows(rows: Array, reduction: Reduction, dtype: DTypeLike, divisor: float) -> Loss:
    """Return the loss, given that of each row; the mean is their sum over ``divisor``."""
    if reduction == "none":
        return rounded(rows, dtype)
    total = np.sum(rows)
    return float(total if reduction == "sum" else total / divisor)


def share_of_elements(g: Any, reduction: Reduction, shape: tuple[int, ...]) -> Any:
    """Return what the loss's gradient ``g`` gives to each element's loss."""
    rows = shape[0] if shape else 1
    return share_of_rows(g, reduction, len(shape), rows) / (prod(shape) // rows)


def share_of_rows(g: Any, reduction: Reduction, ndim: int, divisor: float) -> Any:
    """Return what the loss's gradient ``g`` gives to each row's loss, for ``ndim`` axes."""
    if reduction == "none":
        return g.reshape((-1, *(1,) * (ndim - 1)))
    return g if reduction == "sum" else g / divisor
