"""Dropout."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from neural_network.errors import ArgumentError, sentence
from neural_network.functional.dropouts import mask_of
from neural_network.interop.onnx.table import exported, operator
from neural_network.interop.onnx.types import number
from neural_network.layers.dropout import Dropout, Dropout2D


@operator("Dropout", fixed=("ratio", "training_mode"))
def dropout(
    data: Any,
    ratio: Any = None,
    training_mode: Any = None,
    *,
    # Before version 7; imported models say themselves whether they train.
    is_test: int | None = None,
    seed: int | None = None,  # the draws follow from the training's own seed
    consumed_inputs: Any = None,
    outputs: int,
    model: Any,
) -> Any:
    """Drop at random while the imported model is trained, or where the graph says so."""
    rate = 0.5 if ratio is None else float(number(ratio))
    if not 0 <= rate < 1:
        raise ArgumentError(sentence("Dropout", "ratio", "a number from 0, below 1", rate))
    mask = np.ones(data.shape, bool)
    if (model.training or bool(number(training_mode))) and rate and data.ndim:
        drawn = model._drawn(data.shape[0], prod(data.shape[1:]))
        factors = mask_of(drawn.reshape(data.shape), rate, data.dtype)
        with np.errstate(all="ignore"):
            data, mask = data * factors, factors != 0
    return (data, mask) if outputs > 1 else data


@exported("Dropout", Dropout)
def _dropout(layer: Dropout, graph: Any, X: str) -> Any:
    return graph.node("Dropout", [X, graph.constant(np.float32(layer.rate))])


@exported("Dropout", Dropout2D)
def _dropout2d(_layer: Dropout2D, _graph: Any, X: str) -> Any:
    # ONNX has no dropout of channels; in evaluation it is the identity.
    return X
