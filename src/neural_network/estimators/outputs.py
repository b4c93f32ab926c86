"""What the outputs of a classifier's network are, by its last function and its loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from neural_network.checks import Array
from neural_network.functional.activations import sigmoid, softmax
from neural_network.training.objectives import LOSSES, loss_name

# Scores go through softmax or a sigmoid; probabilities have; numbers are near 0 or 1 by themselves.
Meaning = Literal["scores", "probabilities", "numbers"]

OF_PROBABILITIES = ("cross_entropy", "binary_cross_entropy")
OF_NUMBERS = ("mse_loss", "l1", "huber")
# Losses that compare each output with 0 or 1, and take no class numbers.
OF_ONE_HOT = (*OF_PROBABILITIES, *OF_NUMBERS, "kl", "binary_cross_entropy_with_logits")


def name_of_loss(loss: Any) -> str:
    """Return the name of one of the library's losses, also of one by name; "" for another."""
    return loss if isinstance(loss, str) and loss in LOSSES else loss_name(loss)


def usual_loss(end: Callable[..., Any] | None, *, one_class: bool) -> str:
    """Return the loss for outputs of a function.

    Args:
        end: the last function of the network, of ``layers.outputs.ENDS``, or None.
        one_class: whether a row has one class, and each class an output.
    """
    if end is softmax:
        return "cross_entropy"
    if end is sigmoid:
        return "binary_cross_entropy"
    return "softmax_cross_entropy" if one_class else "binary_cross_entropy_with_logits"


def meaning_of(end: Callable[..., Any] | None, loss: str) -> Meaning:
    """Return what outputs are.

    Args:
        end: as for ``usual_loss``.
        loss: by name; "" for one of the user's own.
    """
    if end in (softmax, sigmoid) or loss in OF_PROBABILITIES:
        return "probabilities"
    return "numbers" if loss in OF_NUMBERS else "scores"


def as_scores(outputs: Array, meaning: Meaning, *, one_class: bool) -> Array:
    """Return scores whose softmax (``one_class``) or sigmoid are the probabilities.

    >>> from neural_network.estimators.outputs import as_scores
    >>> as_scores(np.array([[0.5, 0.75]]), "probabilities", one_class=False).round(4)
    array([[0.    , 1.0986]])
    """
    if meaning == "scores":
        return outputs
    if meaning == "numbers":
        found: Array = outputs - np.asarray(0.5, outputs.dtype)
        return found
    limits = np.finfo(outputs.dtype)
    inside = np.clip(outputs, limits.tiny, 1 - limits.epsneg)  # the scores of 0 and 1 are infinite
    logarithms: Array = np.log(inside)
    return logarithms if one_class else logarithms - np.log1p(-inside)
