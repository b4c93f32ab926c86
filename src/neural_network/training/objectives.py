"""Losses and metrics by their names, and what rows weigh in them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.errors import ArgumentError, DTypeError, ShapeError, sentence
from neural_network.functional import losses
from neural_network.functional.checks import Array, as_real
from neural_network.training.metrics import accuracy

Loss = Callable[..., Any]
Metric = Callable[[Any, Any], float]

LOSSES: dict[str, Loss] = {
    function.__name__: function
    for function in (
        losses.softmax_cross_entropy,
        losses.nll,
        losses.hinge,
        losses.binary_cross_entropy_with_logits,
        losses.binary_cross_entropy,
        losses.cross_entropy,
        losses.mse_loss,
        losses.l1,
        losses.huber,
        losses.kl,
    )
}
# Those whose labels may be class numbers, so that accuracy has a meaning.
OF_CLASSES = (losses.softmax_cross_entropy, losses.nll, losses.hinge, losses.cross_entropy)
METRICS: dict[str, Metric] = {"accuracy": accuracy}


def as_loss(value: object) -> Loss:
    """Return a loss: a function, or one of the library's by name."""
    names = ", ".join(repr(name) for name in LOSSES)
    if isinstance(value, str):
        if value not in LOSSES:
            raise ArgumentError(sentence("Trainer", "loss", f"one of {names}", repr(value)))
        return LOSSES[value]
    if not callable(value):
        expected = f"a function of (outputs, y), or one of {names}"
        raise DTypeError(sentence("Trainer", "loss", expected, repr(value)))
    return value


def as_metrics(value: object, loss: Loss) -> dict[str, Metric]:
    """Return name → function of (outputs, y); None for what suits the loss."""
    if value is None:
        return {"accuracy": accuracy} if loss in OF_CLASSES else {}
    if isinstance(value, Mapping):
        items: list[tuple[Any, Any]] = list(value.items())
    elif isinstance(value, Iterable) and not isinstance(value, str):
        items = [(v if isinstance(v, str) else getattr(v, "__name__", repr(v)), v) for v in value]
    else:
        expected = "a list of functions or names, or a dict"
        raise DTypeError(sentence("Trainer", "metrics", expected, repr(value)))
    found: dict[str, Metric] = {}
    for name, metric in items:
        function = METRICS.get(metric) if isinstance(metric, str) else metric
        if not callable(function):
            expected = f"functions of (outputs, y), or of {', '.join(map(repr, METRICS))}"
            raise ArgumentError(sentence("Trainer", "metrics", expected, repr(metric)))
        found[str(name)] = function
    return found


def check_targets(loss: Loss, outputs: tuple[int, ...], y: Array) -> None:
    """Let one of the library's losses look at all targets before the first step.

    Labels out of range, of another kind or shape are then found before anything has
    moved, by the sentences that the loss itself speaks.

    Args:
        loss: the loss.
        outputs: shape of the outputs for one row.
        y: all targets.
    """
    if loss not in LOSSES.values():
        return
    rows = 4096
    for start in range(0, len(y), rows):
        part = y[start : start + rows]
        loss(np.zeros((len(part), *outputs), np.float32), part)
    if loss in OF_CLASSES and y.ndim == 1 and np.all(y == y[0]):
        expected = "labels of at least two classes"
        raise ArgumentError(sentence("fit", "y", expected, f"only class {y[0]}"))


def as_class_weights(loss: Loss, value: object) -> Array | None:
    """Return a weight for each class, from a list or a dict class → weight."""
    if value is None:
        return None
    if loss not in OF_CLASSES:
        expected = "none with a loss that has no classes"
        raise ArgumentError(sentence("Trainer", "class_weights", expected, repr(value)))
    if isinstance(value, Mapping):
        if not all(isinstance(k, int | np.integer) and k >= 0 for k in value) or not value:
            expected = "class number → weight"
            raise DTypeError(sentence("Trainer", "class_weights", expected, repr(value)))
        array = np.ones(max(value) + 1)
        array[list(value)] = list(value.values())
    else:
        array = as_real("Trainer", "class_weights", value).astype(float)  # type: ignore[arg-type]  # refusing is its job
    if array.ndim != 1 or not np.all(np.isfinite(array)) or np.any(array < 0) or not array.any():
        expected = "finite numbers of at least 0, not all 0, one for each class"
        raise ArgumentError(sentence("Trainer", "class_weights", expected, repr(value)))
    return array.astype(np.float32)


def row_weights(y: Array, weights: Array | None, class_weights: Array | None) -> Array | None:
    """Return what each row counts: its own weight times its class's."""
    if class_weights is None:
        return weights
    classes = y if y.ndim == 1 else np.argmax(y, axis=1)
    if np.max(classes) >= len(class_weights):
        expected = f"a weight for class {np.max(classes)}"
        raise ShapeError(
            sentence("Trainer", "class_weights", expected, f"{len(class_weights)} weights")
        )
    chosen: Array = class_weights[classes.astype(np.intp)]
    return chosen if weights is None else chosen * weights


def weighted_mean(loss: Loss, outputs: Any, y: ArrayLike, weights: Array) -> Any:
    """Return ``Σ w_i · loss_i / Σ w_i`` over the rows.

    Raises:
        DTypeError: a loss that has no ``reduction="none"`` cannot be weighted.
    """
    if "reduction" not in inspect.signature(loss).parameters:
        name = getattr(loss, "__name__", repr(loss))
        expected = 'a loss with reduction="none", because rows have weights'
        raise DTypeError(sentence("Trainer", "loss", expected, name))
    rows = loss(outputs, y, reduction="none")
    total = float(np.sum(weights, dtype=np.float64))
    # Rows that count nothing at all leave no gradient, rather than 0 / 0.
    return np.sum(rows * weights) * (1 / total if total else 0.0)
