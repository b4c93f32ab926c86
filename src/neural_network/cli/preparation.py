"""How pictures become inputs of a model: the same for ``train``, ``evaluate`` and ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from neural_network.checks import Array
from neural_network.datasets.digits import FIELD
from neural_network.datasets.folders import as_digit
from neural_network.datasets.resizing import as_image
from neural_network.layers.layer import Layer

# The inputs of models of digits.
OF_DIGITS = ((1, FIELD, FIELD), (FIELD, FIELD), (FIELD * FIELD,))

# What the names of pictures end in, most often.
PICTURES = (
    ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".heic", ".heif",
)  # fmt: skip


class Preparation(NamedTuple):
    """How pictures are prepared.

    Attributes:
        way: "resize", as ``load_image_folder`` does; or "digit", by ``prepare_digit``.
        size: height and width, for "resize"; None for the pictures' own.
        grey: whether colours become shades of grey.
    """

    way: str = "resize"
    size: tuple[int, int] | None = None
    grey: bool = True

    @property
    def mode(self) -> Literal["L", "RGB"]:
        """What ``read_picture`` has to read."""
        return "L" if self.grey else "RGB"

    def prepare(self, path: Path, levels: Array) -> Array:
        """Prepare a picture as ``read_picture`` returns it.

        Returns:
            (H, W), or (3, H, W) in colour: uint8 from 0 to 255, or for digits float32 from 0 to 1.

        Raises:
            ArgumentError: there is no digit on it.
        """
        return self.prepared_and_counted(path, levels)[0]

    def prepared_and_counted(self, path: Path, levels: Array) -> tuple[Array, int]:
        """Return what ``prepare`` does, and how many digits seem to stand side by side."""
        if self.way == "resize":
            return as_image(levels, self.size), 1
        return as_digit(path, levels)


DIGIT = Preparation("digit", (FIELD, FIELD))


def by_input(network: Layer) -> Preparation:
    """Return the preparation by resizing that fits what a model without notes reads."""
    shape = network.input_shape or ()
    size = (shape[-2], shape[-1]) if len(shape) >= 2 else None
    return Preparation("resize", size, grey=not (len(shape) == 3 and shape[0] == 3))


def as_inputs(images: Array) -> Array:
    """Convert prepared pictures to inputs: (n, 1, H, W) or (n, 3, H, W) float32 from 0 to 1."""
    if images.dtype == np.uint8:
        images = images.astype(np.float32) / np.float32(255)
    return images if images.ndim == 4 else images[:, None]
