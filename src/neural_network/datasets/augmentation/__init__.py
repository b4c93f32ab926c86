"""Pictures changed a little at random, so that a network sees each digit in many ways."""

from neural_network.datasets.augmentation.augment import Augment, augmentation_from
from neural_network.datasets.augmentation.steps import (
    Augmentation,
    Cutout,
    Elastic,
    Flip,
    Rotate,
    Scale,
    Shift,
)

__all__ = [
    "Augment",
    "Augmentation",
    "Cutout",
    "Elastic",
    "Flip",
    "Rotate",
    "Scale",
    "Shift",
    "augmentation_from",
]
