"""Rules that turn gradients into steps: of flat buffers, or of the model they are bound to."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
