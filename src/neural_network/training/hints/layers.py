"""Hints about layers of one's own."""

from __future__ import annotations

from neural_network.layers.unfound import untrained
from neural_network.training.hints.trial import Fit


def array_for_parameter(fit: Fit) -> str | None:
    """A layer of one's own whose weights are an array or a tensor, which nothing trains."""
    return untrained(fit.state.model)
