"""The validation data of ``fit``: given, or a fraction of the rows that is held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, DTypeError, brief, sentence
from neural_network.layers.randomness import generator
from neural_network.training.data import ArrayFeed, Batch, Feed, as_rows
from neural_network.training.objectives import Loss, ignored_label, is_of_classes, is_of_library
from neural_network.training.splitting import as_share, check_classes, held_out
from neural_network.training.state import TrainingState


def as_fraction(value: object) -> float | None:
    """Return ``validation`` of ``fit`` as a number; None for data."""
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]  # mypy does not follow the flag


def as_validation(
    state: TrainingState, feed: Feed, value: Any, seed: int
) -> tuple[Feed, Batch | None]:
    """Return the rows to train with, and the checked rows to validate with.

    Args:
        state: of the training.
        feed: all rows.
        value: None, (X, y), or a fraction of the rows.
        seed: of the training, by which the rows are drawn.

    Raises:
        DTypeError, ShapeError, ArgumentError: data that do not fit; a fraction that cannot be
            held out.
    """
    if value is None:
        return feed, None
    if as_fraction(value) is None:
        if not isinstance(value, tuple | list) or len(value) != 2:
            expected = "a pair (X, y), or a fraction such as 0.1"
            raise DTypeError(sentence("fit", "validation", expected, brief(value, _kind)))
        X, y = value
        return feed, Batch(
            *as_rows("fit: validation", X, y, state.model.dtype, mapped=True, model=state.model)
        )
    if not isinstance(feed, ArrayFeed):
        expected = "a pair (X, y), because of batches from an iterable no share can be held out"
        raise ArgumentError(sentence("fit", "validation", expected, brief(value)))
    rng, rows = generator(seed, "validation"), feed.data.rows
    as_share("fit", "validation", value, rows)
    classes = _classes(state.loss, feed.data.y)
    return feed.hold_out(held_out("fit", "validation", value, rows, rng, classes))


def _kind(value: object) -> str:
    return repr(value) if isinstance(value, str | bool) else type(value).__name__


def _classes(loss: Loss, y: Any) -> Array | None:
    """Return the class of each row; None where the targets are no labels.

    A loss of classes has labels. With any other, targets of two values are labels, and whole
    numbers with a loss of one's own, where each has two rows.
    """
    if not isinstance(y, np.ndarray):
        return None
    if is_of_classes(loss) and y.ndim == 2 and y.shape[1] > 1:
        labels = np.argmax(y, axis=1)
    elif y.size == len(y):
        labels = y.reshape(-1)
    else:
        return None
    ignored = ignored_label(loss)
    counted = np.ones(len(labels), bool) if ignored is None else labels != ignored
    names, numbers = np.unique(labels[counted], return_inverse=True)
    if not is_of_classes(loss):
        whole = y.dtype.kind in "iub" and not is_of_library(loss)
        if (len(names) > 2 and not whole) or np.any(np.bincount(numbers) < 2):
            return None
    classes = np.full(len(labels), -1)
    classes[counted] = numbers.reshape(-1)
    cure = "one more, or validation=(X, y)"
    check_classes("fit", classes, names, cure)
    return classes
