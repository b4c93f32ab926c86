"""Small networks that are known, ready to train; and one that is trained."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
