"""Hints about layers of one's own."""

from __future__ import annotations

import numpy as np

from neural_network.layers.own_classes import is_own
from neural_network.training.hints.trial import Fit

# What numbers that are to be trained are called. Others may be constants, such as a mean.
NAMES = frozenset({
    "w", "b", "weight", "weights", "bias", "kernel", "gamma", "beta",
    "w1", "w2", "w3", "b1", "b2", "b3",
})  # fmt: skip


def array_for_parameter(fit: Fit) -> str | None:
    """A layer of one's own whose weights are a plain array, which nothing trains."""
    for layer in fit.state.model.all_layers():
        if not is_own(type(layer)):
            continue
        for name, value in vars(layer).items():
            if name.lower() in NAMES and isinstance(value, np.ndarray) and value.dtype.kind == "f":
                kind = type(layer).__name__
                return (
                    f"{kind}.{name} is an array, which is not trained; write "
                    f"self.{name} = nn.Parameter(…) if it is to be, or give it another name, or "
                    f"nn.Buffer(…), if it is a constant"
                )
    return None
