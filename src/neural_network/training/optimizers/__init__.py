"""Rules that turn gradients into steps, on flat buffers; independent of layers."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
