"""Layers: parameters, and one call of a function of the package ``functional`` on them."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
