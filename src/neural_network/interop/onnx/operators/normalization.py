"""Normalization over batches, layers, groups, channels and neighbouring channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from neural_network.errors import ArgumentError, ShapeError, sentence
from neural_network.functional.normalization.batch_norm import batch_norm, batch_norm_and_moments
from neural_network.functional.normalization.sample_norms import (
    group_norm,
    instance_norm,
    layer_norm,
)
from neural_network.functional.pooling.ops import window_sum
from neural_network.functional.window import Window
from neural_network.interop.onnx.limits import affordable, check_broadcast
from neural_network.interop.onnx.table import exported, operator
from neural_network.layers.normalization import BatchNorm, GroupNorm, LayerNorm, observe
from neural_network.layers.parameter import Buffer
from neural_network.lifting import array_under


@operator("BatchNormalization", statistics=("input_mean", "input_var"))
def batch_normalization(
    X: Any,
    scale: Any,
    B: Any,
    input_mean: Any,
    input_var: Any,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
    spatial: int = 1,
    is_test: int = 1,  # before version 7; imported models say themselves whether they train
    consumed_inputs: Any = None,
    outputs: int,
    model: Any,
) -> Any:
    """Batch normalization; while the imported model is trained, by the batch's own moments."""
    name = "BatchNormalization"
    if not spatial:
        raise ArgumentError(sentence(name, "spatial", "1, one mean for each channel", spatial))
    if not training_mode and outputs > 1:
        expected = "one output, or training_mode=1 (since version 14)"
        raise ArgumentError(sentence(name, "outputs", expected, outputs))
    if not array_under(X).size and not training_mode:
        return X
    if not training_mode and not model.training:
        mean, variance = array_under(input_mean), array_under(input_var)
        return batch_norm(X, scale, B, mean, variance, epsilon=epsilon)
    out, moments = batch_norm_and_moments(X, scale, B, epsilon)
    if not training_mode:
        if isinstance(input_mean, Buffer) and isinstance(input_var, Buffer):
            observe(input_mean, input_var, moments, array_under(X).size // X.shape[1], momentum)
        return out
    running = [
        (array_under(before) * momentum + seen * (1 - momentum)).astype(before.dtype)
        for before, seen in ((input_mean, moments.mean), (input_var, moments.variance))
    ]
    return (out, *running)[:outputs]


@operator("LayerNormalization")
def layer_normalization(
    X: Any,
    Scale: Any,  # ONNX's name
    B: Any = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,  # the functions compute half precision in float32 anyway
    outputs: int,
) -> Any:
    """Layer normalization over the axes from one on."""
    axes = _from(X, axis)
    sizes = tuple(X.shape[i] for i in axes)
    gamma, beta = (None if one is None else np.broadcast_to(one, sizes) for one in (Scale, B))
    out = layer_norm(X, gamma, beta, axes=axes, epsilon=epsilon) if array_under(X).size else X
    if outputs == 1:
        return out
    wide = X.astype(np.promote_types(X.dtype, np.float32))
    mean = np.mean(wide, axis=axes, keepdims=True)
    inverse = 1 / np.sqrt(np.var(wide, axis=axes, keepdims=True) + epsilon)
    return (out, mean, inverse)[:outputs]


@operator("RMSNormalization")
def rms_normalization(
    X: Any,
    scale: Any,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,  # half precision is computed in float32 anyway
) -> Any:
    """Divide by the root of the mean square over the axes from one on."""
    check_broadcast("RMSNormalization", X, scale)
    wide = X.astype(np.promote_types(X.dtype, np.float32))
    mean_square = np.mean(np.square(wide), axis=_from(X, axis), keepdims=True)
    return (wide / np.sqrt(mean_square + epsilon)).astype(X.dtype) * scale


def _from(X: Any, axis: int) -> tuple[int, ...]:
    return tuple(range(normalize_axis_index(axis, X.ndim), X.ndim))


@operator("GroupNormalization")
def group_normalization(
    X: Any,
    scale: Any,
    bias: Any,
    *,
    epsilon: float = 1e-5,
    num_groups: int,
    stash_type: int = 1,  # the functions compute half precision in float32 anyway
    opset: int,
) -> Any:
    """Group normalization; before version 21 with one scale for each group."""
    if not array_under(X).size:
        return X
    if opset < 21:
        each = X.shape[1] // num_groups
        scale, bias = np.repeat(scale, each), np.repeat(bias, each)
    return group_norm(X, num_groups, scale, bias, epsilon=epsilon)


@operator("InstanceNormalization")
def instance_normalization(
    input: Any,
    scale: Any,
    B: Any,
    *,
    epsilon: float = 1e-5,
    consumed_inputs: Any = None,
) -> Any:
    """Instance normalization: each channel is a group."""
    if not array_under(input).size:
        return input
    return group_norm(input, input.shape[1], scale, B, epsilon=epsilon)


@operator("LRN")
def local_response_normalization(
    X: Any, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Any:
    """Divide by a power of the mean square over neighbouring channels."""
    if X.ndim < 2 or size < 1:
        raise ShapeError(sentence("LRN", "X", "(N, C, …) and a size from 1 up", X.shape))
    pads = ((size - 1) // 2, size - 1 - (size - 1) // 2)
    affordable("LRN", (X.size, 1 + size // X.shape[1]), X.dtype.itemsize)
    window = Window.of("LRN", X.shape[1:2], (size,), padding=(pads,))
    last = np.moveaxis(np.square(X), 1, -1)
    padded = np.pad(last, [(0, 0)] * (X.ndim - 1) + [pads])
    sums = np.moveaxis(window_sum(padded, window), -1, 1)
    return X / np.power(sums * (alpha / size) + bias, beta)


# --- export ----------------------------------------------------------------------------


@exported("BatchNormalization", BatchNorm)
def _batch_norm(layer: BatchNorm, graph: Any, X: str) -> Any:
    numbers = (layer.gamma, layer.beta, layer.running_mean, layer.running_variance)
    names = [graph.parameter(one) for one in numbers]
    return graph.node(
        "BatchNormalization", [X, *names], epsilon=layer.epsilon, momentum=layer.momentum
    )


@exported("LayerNormalization", LayerNorm)
def _layer_norm(layer: LayerNorm, graph: Any, X: str) -> Any:
    names = [graph.parameter(layer.gamma), graph.parameter(layer.beta)]
    return graph.node("LayerNormalization", [X, *names], axis=-1, epsilon=layer.epsilon)


@exported("GroupNormalization", GroupNorm)
def _group_norm(layer: GroupNorm, graph: Any, X: str) -> Any:
    names = [graph.parameter(layer.gamma), graph.parameter(layer.beta)]
    return graph.node(
        "GroupNormalization", [X, *names], num_groups=layer.groups, epsilon=layer.epsilon
    )


@exported("InstanceNormalization", instance_norm)
def _instance_norm(
    _function: Any, graph: Any, X: str, gamma: Any = None, beta: Any = None, epsilon: float = 1e-5
) -> Any:
    shape, dtype = graph.shape(X)[1:2], graph.samples[X].dtype
    given = {"gamma": gamma, "beta": beta}
    numbers = []
    for (name, value), usual in zip(given.items(), (np.ones, np.zeros), strict=True):
        array = np.asarray(usual(shape, dtype) if value is None else array_under(value))
        if np.result_type(array, dtype) != dtype:
            expected = f"numbers of {dtype}, the type of the input"
            raise ArgumentError(sentence("instance_norm", name, expected, array.dtype))
        numbers.append(graph.setting(array.astype(dtype)))
    return graph.node("InstanceNormalization", [X, *numbers], epsilon=epsilon)
