"""Models and weights of other frameworks, which need not be installed (ONNX needs ``onnx``)."""

from neural_network.interop import keras, onnx, torch

__all__ = ["keras", "onnx", "torch"]
