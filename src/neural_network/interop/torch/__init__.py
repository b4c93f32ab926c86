"""Weights from and for PyTorch, in safetensors files or state dicts; PyTorch is not needed."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
