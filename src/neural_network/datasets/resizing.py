"""Pictures at another size, as folders, ``load_picture`` and the command read them."""

from __future__ import annotations

import numpy as np

from neural_network.checks import Array, as_count
from neural_network.errors import ShapeError, brief, needs_extra, sentence


def as_image(shades: Array, size: tuple[int, int] | None) -> Array:
    """Return a picture, or its three colours, as ``load_image_folder`` keeps it.

    Args:
        shades: (H, W) or (3, H, W) floating, from 0 to 255.
        size: height and width to resize to; None for its own.

    Returns:
        (H, W) or (3, H, W) uint8.

    Raises:
        MissingDependencyError: Pillow is not installed.

    >>> as_image(np.array([[0.0, 99.7]]), None)
    array([[  0, 100]], dtype=uint8)
    """
    return np.rint(shades if size is None else _resized(shades, size)).astype(np.uint8)


def as_size(function: str, size: object) -> tuple[int, int]:
    """Return height and width, of a length for both or a pair.

    Raises:
        DTypeError, ArgumentError, ShapeError: no length and no pair of them.
    """
    lengths = size if isinstance(size, tuple | list) else (size, size)
    if len(lengths) != 2:
        expected = "one length, or height and width"
        raise ShapeError(sentence(function, "size", expected, brief(size)))
    height, width = (as_count(function, "size", length) for length in lengths)
    return height, width


def _resized(image: Array, size: tuple[int, int]) -> Array:
    """Return the picture, or its three colours, at another height and width."""
    if image.shape[-2:] == size:
        return image
    with needs_extra("resizing a picture", extra="plot"):
        from PIL import Image
    height, width = size
    planes = image.reshape(-1, *image.shape[-2:]).astype(np.float32)
    resized = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))
        for plane in planes
    ]
    return np.stack(resized).reshape(*image.shape[:-2], height, width)
