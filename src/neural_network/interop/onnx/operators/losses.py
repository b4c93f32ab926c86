"""Losses of classes: negative log-likelihood, and softmax with cross-entropy."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.functional.activations import log_softmax
from neural_network.interop.onnx.table import operator
from neural_network.lifting import array_under


@operator("NegativeLogLikelihoodLoss", fixed=("weight",))
def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
) -> Any:
    """``−weight[y] · input[n, y, …]`` for the class y of each place."""
    name = "NegativeLogLikelihoodLoss"
    labels = array_under(target).astype(np.intp)
    if labels.shape != input.shape[:1] + input.shape[2:]:
        expected = f"{input.shape[:1] + input.shape[2:]}, the input's without its classes"
        raise ShapeError(sentence(name, "target", expected, f"shape {labels.shape}"))
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(sentence(name, "reduction", "mean, sum or none", reduction))
    counted = np.ones(labels.shape, bool) if ignore_index is None else labels != ignore_index
    labels = np.where(counted, labels, 0)
    if labels.size and not 0 <= labels.min() <= labels.max() < input.shape[1]:
        expected = f"classes below {input.shape[1]}, or ignore_index"
        raise ArgumentError(sentence(name, "target", expected, "another one"))
    weights = counted.astype(input.dtype)
    if weight is not None:
        weights = weights * array_under(weight)[labels].astype(input.dtype)
    chosen = np.take_along_axis(input, np.expand_dims(labels, 1), axis=1)
    rows = -np.squeeze(chosen, axis=1) * weights
    if reduction == "none":
        return rows
    total = np.sum(rows)
    return total if reduction == "sum" else total / np.sum(weights)


@operator("SoftmaxCrossEntropyLoss", fixed=("weights",))
def softmax_cross_entropy_loss(
    scores: Any,
    labels: Any,
    weights: Any = None,
    *,
    ignore_index: int | None = None,
    reduction: str = "mean",
    outputs: int,
) -> Any:
    """The same of ``log_softmax(scores)``, which is the second output."""
    logarithms = log_softmax(scores, 1)
    loss = nll_loss(logarithms, labels, weights, ignore_index=ignore_index, reduction=reduction)
    return (loss, logarithms) if outputs > 1 else loss
