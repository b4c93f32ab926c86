"""The gradients of a loss, without touching those that the model holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.autograd.engine import backward_pass, recording
from neural_network.autograd.tensor import Tensor
from neural_network.checks import Array
from neural_network.errors import GradientError, ShapeError, sentence
from neural_network.layers.layer import Layer


def gradients_of(
    function: str, model: Layer, inputs: Array, targets: Array, loss: Callable[[Any, Any], Any]
) -> dict[str, Array]:
    """Return name → gradient of a loss, of the parameters that it depends on.

    The model runs in evaluation mode: no random draws, no running statistics that change.
    """
    if not recording():
        raise GradientError(f"{function}: expected a call outside no_grad, which records nothing")
    named = model.named_parameters()
    with model.in_mode(training=False):
        value = loss(model(inputs), targets)
    if not isinstance(value, Tensor) or value.size != 1:
        expected, received = "a function that returns a single number", f"shape {np.shape(value)}"
        raise ShapeError(sentence(function, "loss", expected, received))
    if not value.requires_grad:
        raise GradientError(f"{function}: expected a loss that depends on the parameters")
    found = backward_pass(
        [value], [np.ones(value.shape, value.dtype)], [p for _, p in named], retain_graph=False
    )
    return {name: found[id(p)][1] for name, p in named if id(p) in found}
