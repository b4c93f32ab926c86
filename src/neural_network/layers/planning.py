"""Layers and the plan: which of them are computed together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.layers.watching import watchers
from neural_network.plan.run import compute
from neural_network.plan.steps import Steps

if TYPE_CHECKING:
    from neural_network.layers.layer import Layer


def together(owner: Layer, layers: Sequence[Layer], X: Any) -> tuple[int, Any]:
    """Compute as many layers as a plan knows, from the first on.

    Args:
        owner: the layer whose runs share memory.
        layers: the layers.
        X: what goes into the first.

    Returns:
        How many were computed, and the result; (0, X) where each has to compute itself, as
        it has where somebody watches it.
    """
    if not hasattr(X, "dtype") or watchers():
        return 0, X
    known = []
    for layer in layers:
        steps = _known_steps(layer)
        if steps is None:
            break
        known.append(steps)
    return compute(owner, known, X) if known else (0, X)


def _known_steps(layer: Layer) -> Steps:
    """Return what a layer does, if it is built, and is what the library made it."""
    own = type(layer).__module__.startswith("neural_network.layers.")
    if not own or layer._built_for is None or layer.dtype != np.float32 or "forward" in vars(layer):
        return None
    return layer.steps()
