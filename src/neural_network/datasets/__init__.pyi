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
from neural_network.datasets.batching import batches as batches
from neural_network.datasets.digits import prepare_digit as prepare_digit
from neural_network.datasets.folders import load_image_folder as load_image_folder
from neural_network.datasets.idx import read_idx as read_idx
from neural_network.datasets.mnist import (
    load_fashion_mnist as load_fashion_mnist,
    load_mnist as load_mnist,
)
from neural_network.datasets.pictures import load_picture as load_picture
from neural_network.functional.labels import one_hot as one_hot
