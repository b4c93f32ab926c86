"""Digits, clothes and one's own pictures, as arrays."""

from neural_network.datasets.augmentation import (
    Augment,
    Cutout,
    Elastic,
    Flip,
    Rotate,
    Scale,
    Shift,
    augmentation_from,
)
from neural_network.datasets.batches import batches
from neural_network.datasets.digits import prepare_digit
from neural_network.datasets.folders import load_image_folder
from neural_network.datasets.idx import read_idx
from neural_network.datasets.mnist import load_fashion_mnist, load_mnist
from neural_network.datasets.pictures import load_picture
from neural_network.functional.labels import one_hot

__all__ = [
    "Augment",
    "Cutout",
    "Elastic",
    "Flip",
    "Rotate",
    "Scale",
    "Shift",
    "augmentation_from",
    "batches",
    "load_fashion_mnist",
    "load_image_folder",
    "load_mnist",
    "load_picture",
    "one_hot",
    "prepare_digit",
    "read_idx",
]
