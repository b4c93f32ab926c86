"""Weights of Keras' files (extra ``keras``); Keras is not needed."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
