"""What turns gradients into learning: updates, learning rates, clipping, averages and metrics."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
