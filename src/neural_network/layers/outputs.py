"""What a model ends in: the function whose results are its outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.autograd.engine import Node
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.functional.activations import identity, log_softmax, sigmoid, softmax
from neural_network.functional.op import RULES
from neural_network.functional.shaping import index, reshape, transpose
from neural_network.kernels.runtime.gate import without_kernels
from neural_network.layers.hooks import watching
from neural_network.layers.layer import Layer
from neural_network.layers.several import called

# Functions that make probabilities, or their logarithms, of scores.
ENDS: tuple[Callable[..., Any], ...] = (softmax, log_softmax, sigmoid)
# How far the sum of probabilities may be from 1.
SUM_OFF = 1e-3
# These change no number.
_SHAPING = tuple(RULES[function] for function in (identity, reshape, transpose, index))


def class_probabilities(model: Layer, X: Array, outputs: Array) -> Array:
    """Return outputs as probabilities of classes, whatever the model ends in.

    Args:
        model: that has computed them.
        X: its inputs.
        outputs: (n, k).

    Returns:
        (n, k): the outputs themselves where the model ends in a softmax or a sigmoid, or where they
        are probabilities by their numbers; else their softmax, which of logarithms of probabilities
        gives these probabilities.
    """
    return outputs if end_by_numbers(model, X, outputs) in (softmax, sigmoid) else softmax(outputs)


def end_by_numbers(model: Layer, X: Array, outputs: Array) -> Callable[..., Any] | None:
    """Return which of ``ENDS`` outputs come out of, or are like results of.

    A mean of several softmaxes, for example, is none itself; but scores of classes are not all
    within 0 and 1 with a sum of 1 in each row.

    Args:
        model, X, outputs: as for ``class_probabilities``.
    """
    end = ends_in(model, X)
    if end is None and np.min(outputs) >= 0 and np.max(outputs) <= 1:
        sums = np.sum(outputs, axis=1, dtype=np.float64)
        return softmax if np.all(np.abs(sums - 1) < SUM_OFF) else None
    return end


def ends_in(model: Layer, X: Array) -> Callable[..., Any] | None:
    """Return which of ``ENDS`` a model's outputs come out of; None: another function.

    Args:
        model: that is built.
        X: inputs, of which one is tried.
    """
    out, _ = recorded_outputs(model, X[:1])
    return end_of(origin(out))


def end_of(node: Node | None) -> Callable[..., Any] | None:
    """Return which of ``ENDS`` has made a node."""
    found = [function for function in ENDS if node is not None and node.rule is RULES[function]]
    return found[0] if found else None


def recorded_outputs(model: Layer, X: Any) -> tuple[Any, dict[int, Layer]]:
    """Return the outputs in evaluation mode, recorded, and the layers of the results.

    Args:
        model: that is built.
        X: some inputs; a tuple where the model takes several.

    Returns:
        What the model returns, tensors where it depends on a parameter that is trained, and the
        number of the node of each layer's result → the innermost layer.
    """
    layers: dict[int, Layer] = {}

    def note(layer: Layer, _: Any, out: Any) -> None:
        node = out.node if isinstance(out, Tensor) else None
        if node is not None:
            layers.setdefault(node.number, layer)

    inputs: Any = X
    # If all is frozen, only what follows from the input is recorded.
    one = type(X) is not tuple and model.input_dtype.kind == "f"
    if one and not any(p.requires_grad for p in model.parameters()):
        inputs = Tensor(X.astype(model.dtype), requires_grad=True)
    with (
        model.in_mode(training=False),
        watching(note),
        without_kernels(),
        np.errstate(all="ignore"),
    ):
        return called(model, inputs), layers


def origin(value: Any) -> Node | None:
    """Return the node that has computed the numbers of a tensor, before they were rearranged."""
    node = value.node if isinstance(value, Tensor) else None
    while node is not None and node.rule in _SHAPING:
        (_, _, value), *_ = node.parents
        node = value.node
    return node
