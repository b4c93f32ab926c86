"""A hint where a model predicts from pixels that were not scaled."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward
from neural_network.checks import Array
from neural_network.errors import NeuralNetworkError, give_hint_of_call, hinting
from neural_network.layers.hooks import watching
from neural_network.layers.places import place_of

# Pixels of files are whole numbers from 0 to 255, of which some are above this; so many numbers in
# a row are pixels rather than features.
BRIGHT, MOST, FEWEST = 100, 255, 64
# Paper is brighter than this share of the brightest number, and covers more than half of a picture.
PAPER, HALF = 0.6, 0.5
# So many of the pictures that a model was trained with have a border of 0.
MOST_DARK = 0.9
# Layers whose weights multiply what they are given.
WEIGHING = ("Dense", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D")


def look_at_pixels(model: Any, *inputs: Array, function: str = "predict") -> None:
    """Warn of a model whose first weights receive pixels as they are in files.

    ``predict`` asks first whether the first row has a number above ``BRIGHT``, so that a right
    call costs one look at one row. A model that ``fit`` has trained with such pixels is left
    alone, and so is one that scales them itself.

    Args:
        model: that is built.
        inputs: rows of what it takes.
        function: of the user's call.
    """
    if hinting.get() or vars(model).get("_trained_on_pixels"):
        return
    if model._bright < BRIGHT and _is_bright_paper(inputs[0]):
        give_hint_of_call(
            f"{function}: the picture is of dark ink on bright paper, and the model was trained "
            "with bright ink, 1, on dark paper, 0: 1 - X turns it (255 - X of bytes); "
            "nn.prepare_digit(picture) turns, scales and centres it"
        )
        return
    some = [np.asarray(rows[:1]) for rows in inputs]
    if not any(map(_are_pixels, some)):
        return
    received: list[tuple[Any, Array]] = []

    def note(layer: Any, X: Any, _: Any) -> None:
        if type(layer).__name__ in WEIGHING:
            received.append((layer, np.asarray(getattr(X, "data", X))))

    try:
        with watching(note), no_backward(), model.in_mode(training=False):
            model(*some)
    except NeuralNetworkError:
        return  # predict itself says why
    if received and _are_pixels(received[0][1]):
        give_hint_of_call(
            f"{function}: {place_of(model, received[0][0])} receives whole numbers from 0 to "
            f"{received[0][1].max():.0f}, as pixels are in files; a network that was trained with "
            "pixels from 0 to 1 does not know such numbers: scale them, X.astype('float32') / 255"
        )


def note_pixels(model: Any, *, given: bool) -> None:
    """Note whether ``fit`` has found pixels as they are in files, and said so.

    The model then knows other pictures than those that it was shipped for.
    """
    vars(model)["_trained_on_pixels"] = given
    vars(model).pop("_bright", None)


def is_on_dark_paper(X: Any) -> bool:
    """Return whether pictures (n, 1, H, W) from 0 to 1 have a border of 0, as those of MNIST."""
    if not isinstance(X, np.ndarray) or X.ndim != 4 or X.shape[1] != 1 or not X.size:
        return False
    if not PAPER < X.max() <= 1 or X.min() < 0:
        return False
    maps = X[:, 0]
    borders = np.concatenate([maps[:, 0], maps[:, -1], maps[:, :, 0], maps[:, :, -1]], axis=1)
    return bool(np.mean(np.median(borders, axis=1) == 0) > MOST_DARK)


def expect_digits(model: Any) -> None:
    """Note that a model was trained with bright digits on paper of 0, as those of MNIST."""
    vars(model)["_bright"] = PAPER


def _is_bright_paper(X: Array) -> bool:
    """Return whether the first picture is bright along its border, and dark in some places.

    The first number is looked at first, so that a right call costs next to nothing.
    """
    first = X[0]
    if first.item(0) <= PAPER or first.ndim < 2:
        return False
    picture = first.reshape(-1, first.shape[-1])
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    highest = np.max(picture)
    bright = np.median(border) > PAPER * highest
    return bool(bright and 0 < np.mean(picture < highest / 2) < HALF)


def _are_pixels(X: Array) -> bool:
    if X.size < FEWEST:
        return False
    low, high = X.min(), X.max()
    return bool(low >= 0 and BRIGHT < high <= MOST and np.all(np.floor(X) == X))
