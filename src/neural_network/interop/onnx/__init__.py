"""ONNX: models of other programs become models of this library, and the other way round."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
