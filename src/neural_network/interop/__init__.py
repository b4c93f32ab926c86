"""Models and weights of other frameworks, which need not be installed."""

from neural_network.interop import keras, torch

__all__ = ["keras", "torch"]
