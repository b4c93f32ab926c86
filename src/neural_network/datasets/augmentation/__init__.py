"""Pictures changed a little at random, so that a network sees each digit in many ways."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
