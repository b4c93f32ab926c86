"""What ``fit`` tries on the first rows, so that a mistake is found before anything moves."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.autograd.engine import no_grad
from neural_network.autograd.tensor import Tensor
from neural_network.errors import ArgumentError, DTypeError, ShapeError, sentence
from neural_network.functional.checks import Array, as_single
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import generator
from neural_network.training.feeding import Batch, Feed, as_rows
from neural_network.training.objectives import check_targets, row_weights, spread_class_weights

if TYPE_CHECKING:
    from neural_network.training.trainer import Trainer


def raw(value: Any) -> Any:
    """Return the array of a tensor, or the value as an array."""
    return value.data if isinstance(value, Tensor) else np.asarray(value)


def build(model: Layer, seed: int, X: Array) -> None:
    """Make the parameters that are not there yet, for rows such as these."""
    rng = generator(seed, "weights")
    model.initialize(X.shape[1:], rng=rng, dtype=X.dtype)


def as_validation(value: object) -> Batch | None:
    """Return what ``fit`` was given to validate with, after looking at it."""
    if value is None:
        return None
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise DTypeError(sentence("fit", "validation", "a pair (X, y)", type(value).__name__))
    return Batch(*as_rows("fit: validation", *value))


def try_fit(trainer: Trainer, feed: Feed, held_out: Batch | None) -> Array | None:
    """Try the model, the loss and the metrics on the first rows, and look at all targets.

    Returns:
        What each class counts, if classes count differently.

    Raises:
        DTypeError, ShapeError, ArgumentError: something does not fit.
    """
    example = feed.example
    model = trainer.model
    if not model.built:
        # A copy, so that a model keeps no sizes that were a mistake.
        model = copy.deepcopy(model)
        build(model, trainer.seed, example.X)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        expected = "parameters that learn"
        raise ArgumentError(sentence("Trainer", "model", expected, "none, or all frozen"))
    outputs = _outputs(model, "model", example.X)
    check_targets(trainer.loss, outputs.shape[1:], feed.targets, several=feed.whole)
    class_weights = spread_class_weights(trainer.class_weights, outputs.shape[-1])
    weights = row_weights(example.y, example.weights, class_weights)
    _try_objectives(trainer, outputs, Batch(example.X, example.y, weights))
    if held_out is None:
        return class_weights
    held_outputs = _outputs(model, "validation", held_out.X[:2])
    if held_outputs.shape[1:] != outputs.shape[1:]:
        expected = f"rows that the model turns into {outputs.shape[1:]}, as those of X"
        raise ShapeError(sentence("fit", "validation", expected, f"{held_outputs.shape[1:]}"))
    check_targets(trainer.loss, outputs.shape[1:], held_out.y)
    _try_objectives(trainer, held_outputs, Batch(held_out.X[:2], held_out.y[:2]))
    return class_weights


def _outputs(model: Layer, name: str, X: Array) -> Array:
    with model.in_mode(training=False), no_grad(), np.errstate(all="ignore"):
        outputs = model(X)
    if isinstance(outputs, tuple | list | Mapping) or np.shape(outputs)[:1] != (len(X),):
        received = (
            type(outputs).__name__
            if isinstance(outputs, tuple | list | Mapping)
            else f"shape {np.shape(outputs)}"
        )
        raise ShapeError(sentence("Trainer", name, "one array with a row for each of X", received))
    array: Array = raw(outputs)
    return array


def _try_objectives(trainer: Trainer, outputs: Array, batch: Batch) -> None:
    with np.errstate(all="ignore"):
        loss = trainer.compute_loss(Tensor(outputs, requires_grad=True), batch)
        as_single("Trainer", "loss", raw(loss))
        if not isinstance(loss, Tensor) or not loss.requires_grad:
            expected = "a tensor that is computed from the outputs"
            raise DTypeError(sentence("Trainer", "loss", expected, type(loss).__name__))
        trainer.measure(outputs, batch.y)
