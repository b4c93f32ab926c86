"""Training: the loop, optimizers, learning rates, callbacks, checkpoints and metrics."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
