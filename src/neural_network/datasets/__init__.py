"""Datasets of pictures as arrays: MNIST, Fashion-MNIST, folders; augmentation, batches."""

from neural_network.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__)
