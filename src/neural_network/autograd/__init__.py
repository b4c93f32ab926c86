"""Automatic differentiation: a tensor remembers how it was made, and walks back."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
