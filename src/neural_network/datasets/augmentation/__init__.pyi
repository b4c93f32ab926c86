"""What type checkers and editors see of the package; written by ``make api``."""

from neural_network.datasets.augmentation.augment import (
    Augment as Augment,
    augmentation_from as augmentation_from,
)
from neural_network.datasets.augmentation.steps import (
    Augmentation as Augmentation,
    Cutout as Cutout,
    Elastic as Elastic,
    Flip as Flip,
    Rotate as Rotate,
    Scale as Scale,
    Shift as Shift,
)
