"""Hints about layers of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from neural_network.elsewhere.own_layers import unused_backward
from neural_network.errors import is_own
from neural_network.layers.layer import Layer
from neural_network.layers.unfound import untrained
from neural_network.training.hints.trial import Fit


def array_for_parameter(fit: Fit) -> str | None:
    """A layer of one's own whose weights are an array or a tensor, which nothing trains."""
    return untrained(fit.state.model)


# Arguments of Keras' ``call`` and Flax' ``__call__`` that say whether the layer trains.
OF_MODE = ("training", "train", "is_training", "deterministic")


def mode_that_nobody_passes(fit: Fit) -> str | None:
    """A ``forward`` with an argument such as ``training=False``, which ``fit`` does not pass."""
    if not is_own(type(fit.state).__module__):
        return None  # a ``train_step`` of one's own may pass it
    for layer in _called_by_the_library(fit.state.model):
        parameters = inspect.signature(layer.forward).parameters
        for name in OF_MODE:
            if name in parameters and isinstance(default := parameters[name].default, bool):
                return (
                    f"{type(layer).__name__}.forward takes {name}={default}, which fit does not "
                    f"pass: it is always {default}; read self.training in forward instead, which "
                    "fit, predict, train() and eval() set"
                )
    return None


def backward_that_nobody_calls(fit: Fit) -> str | None:
    """A ``backward`` of one's own, as PyTorch's functions have, which ``fit`` does not call."""
    if not is_own(type(fit.state).__module__):
        return None  # a ``train_step`` of one's own may call it
    users = [one for one in fit.state.model.all_layers() if not is_own(type(one).__module__)]
    found = map(unused_backward, users)
    return next((text for text in found if text is not None), None)


def _called_by_the_library(layer: Layer) -> Iterator[Layer]:
    """Yield the layers of one's own that no ``forward`` of one's own calls."""
    if not is_own(type(layer).__module__):
        yield layer
        return
    for _, child in layer.children():
        yield from _called_by_the_library(child)
