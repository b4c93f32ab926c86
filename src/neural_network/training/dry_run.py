"""What ``fit`` tries on the first rows, so that a mistake is found before anything moves."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.autograd.engine import no_grad
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array, as_real, as_single
from neural_network.errors import ArgumentError, DTypeError, ShapeError, sentence
from neural_network.layers.layer import Layer
from neural_network.layers.randomness import Draws, drawing, generator
from neural_network.training.data import ArrayFeed, Batch, Feed, as_rows
from neural_network.training.objectives import check_targets, row_weights, spread_class_weights
from neural_network.training.parameters import hold_frozen, norms
from neural_network.training.schedules import Schedule

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


def expected_measures(trainer: Trainer, held_out: Batch | None) -> list[str]:
    """Return the names of what will be measured.

    Raises:
        ArgumentError: what a schedule wants to observe is not among them.
    """
    prefixes = ("", "validation_") if held_out is not None else ("",)
    measures = [f"{prefix}{name}" for prefix in prefixes for name in ("loss", *trainer.metrics)]
    if isinstance(trainer.optimizer.learning_rate, Schedule):
        trainer.optimizer.learning_rate.watched(measures)
    return measures


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
    X = _augmented(trainer, example.X)
    if (
        X is not example.X
        and (found := _outputs(model, "augment", X).shape[1:]) != outputs.shape[1:]
    ):
        expected = f"rows that the model turns into {outputs.shape[1:]}, as those of X"
        raise ShapeError(sentence("Trainer", "augment", expected, f"{found}"))
    if isinstance(feed, ArrayFeed) and feed.rows_of_last == 1:
        _try_single_row(trainer, model, X[:1], feed.batch_size)
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


def _augmented(trainer: Trainer, X: Array) -> Array:
    """Return what ``augment`` makes of a copy of some rows."""
    if trainer.augment is None:
        return X
    changed = as_real(
        "Trainer", "augment", trainer.augment(X.copy(), generator(trainer.seed, "augment trial"))
    )
    if changed.ndim == 0 or len(changed) != len(X):
        expected = f"a result of {len(X)} rows, as it was given"
        raise ShapeError(sentence("Trainer", "augment", expected, f"shape {changed.shape}"))
    return changed


def _try_single_row(trainer: Trainer, model: Layer, row: Array, batch_size: int) -> None:
    """Try a copy of the model on one row, in training, as the last batch will."""
    model = copy.deepcopy(model).train()
    hold_frozen(norms(model))
    try:
        with no_grad(), drawing(Draws(trainer.seed, 0)), np.errstate(all="ignore"):
            model(row)
    except ArgumentError as error:
        expected = (
            "one that leaves no last batch of a single row, which batch norm cannot use in training"
        )
        received = f"{batch_size} ({error})"
        raise ArgumentError(sentence("fit", "batch_size", expected, received)) from error


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
