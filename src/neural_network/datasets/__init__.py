"""Digits, clothes and one's own pictures, as arrays."""

from neural_network.datasets.batches import batches
from neural_network.datasets.idx import read_idx
from neural_network.datasets.mnist import load_fashion_mnist, load_mnist
from neural_network.datasets.pictures import load_picture
from neural_network.functional.labels import one_hot

__all__ = [
    "batches",
    "load_fashion_mnist",
    "load_mnist",
    "load_picture",
    "one_hot",
    "read_idx",
]
