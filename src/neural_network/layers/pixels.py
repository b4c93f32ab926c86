"""Hints where a model predicts from pixels that were not scaled, or from another paper."""

from __future__ import annotations

from math import isqrt
from typing import Any

import numpy as np

from neural_network.autograd.engine import no_backward
from neural_network.checks import Array
from neural_network.errors import NeuralNetworkError, give_hint_of_call, hinting
from neural_network.layers.hooks import watching
from neural_network.layers.places import line_of_picture, place_of

# Pixels of files are whole numbers from 0 to 255, of which some are above this; so many numbers in
# a row are pixels rather than features.
BRIGHT, MOST, FEWEST = 100, 255, 64
# Paper is brighter than this share of the brightest number, and covers more than half of a picture;
# ink is darker than this share of the paper. Grey paper is at least so bright.
PAPER, HALF, INK, GREY = 0.6, 0.5, 0.75, 0.3
# A picture whose brightest number is below it was divided by 255 twice.
FAINT = 0.02
# Pictures of which both sides are so many times as long, or as short, are of another size.
OTHER_SIZE = 3
# So many of the pictures that a model was trained with have a border of 0.
MOST_DARK = 0.9
# Layers whose weights multiply what they are given.
WEIGHING = ("Dense", "Conv1D", "Conv2D", "Conv3D", "DepthwiseConv2D")


def look_at_pixels(model: Any, *inputs: Array, function: str = "predict") -> None:
    """Warn of a model whose first weights receive pixels as they are in files.

    ``predict`` asks first whether the largest number of the first row is above ``BRIGHT``, or
    outside of what is usual for ink of 1 on paper of 0, so that a right call costs one look at
    one row. A model that ``fit`` has trained with such pixels is left
    alone, and so is one that scales them itself.

    Args:
        model: that is built.
        inputs: rows of what it takes.
        function: of the user's call.
    """
    if hinting.get() or vars(model).get("_trained_on_pixels"):
        return
    if expects_digits(model):
        highest = np.max(inputs[0][0])
        if _is_bright_paper(inputs[0]):
            give_hint_of_call(
                f"{function}: the picture is of dark ink on bright paper, and the model was "
                "trained with bright ink, 1, on dark paper, 0: nn.prepare_digit(picture) turns, "
                "scales and centres a drawing or photograph; 1 - X (255 - X of bytes) turns one "
                "that is centred on paper of 1"
            )
            return
        if 0 < highest < model._faint:
            give_hint_of_call(
                f"{function}: the largest number of the picture is {highest:.2g}, and the model "
                "was trained with ink of 1: is it divided by 255 twice? nn.prepare_digit returns "
                "numbers from 0 to 1"
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


def look_at_size(model: Any, shape: tuple[int, ...]) -> None:
    """Warn of pictures of another size than a model of classes was built for.

    Layers that take any size, up to a mean of all pixels, compute them; but shapes that are so much
    larger or smaller are not those that it has learned.

    Args:
        model: that is built, and gives a row of scores.
        shape: of a row.
    """
    built = model.input_shape
    if hinting.get() or not built or len(built) != 3 or len(shape) != 3 or built[0] != shape[0]:
        return
    if min(max(a / b, b / a) for a, b in zip(shape[1:], built[1:], strict=True)) < OTHER_SIZE:
        return
    digit = ", nn.prepare_digit(picture) a photograph of a digit" * (built == (1, 28, 28))
    give_hint_of_call(
        f"predict: the pictures are of {shape[1]}×{shape[2]} pixels, and the model was built for "
        f"{built[1]}×{built[2]}, whose shapes it knows: {line_of_picture(built)} reads a picture "
        f"so{digit}"
    )


def note_pixels(model: Any, *, given: bool) -> None:
    """Note whether ``fit`` has found pixels as they are in files, and said so.

    The model then knows other pictures than those that it was shipped for.
    """
    vars(model)["_trained_on_pixels"] = given
    expect_digits(model, expected=False)


def may_be_pictures(X: Any) -> bool:
    """Return whether rows have the shape of pictures of one channel."""
    return isinstance(X, np.ndarray) and _grey_pictures(X) is not None


def is_on_dark_paper(X: Any) -> bool:
    """Return whether pictures from 0 to 1 have a border of 0, as those of MNIST."""
    if not isinstance(X, np.ndarray) or X.dtype.kind not in "fiub" or not X.size:
        return False
    maps = _grey_pictures(X)
    if maps is None or not PAPER < X.max() <= 1 or X.min() < 0:
        return False
    return bool(np.mean(np.median(_borders(maps), axis=1) == 0) > MOST_DARK)


def expect_digits(model: Any, *, expected: bool = True) -> None:
    """Note whether a model was trained with bright digits on paper of 0, as those of MNIST."""
    if expected:
        vars(model).update(_bright=GREY, _faint=FAINT)
    else:
        for name in ("_bright", "_faint"):
            vars(model).pop(name, None)


def expects_digits(model: Any) -> bool:
    """Return whether that was noted."""
    return bool(model._bright < BRIGHT)


def _grey_pictures(X: Array) -> Array | None:
    """Return pictures of one channel as (n, H, W): squares without a channel, or in rows."""
    if X.ndim == 4 and X.shape[1] == 1:
        return X[:, 0]
    if X.ndim == 3 and X.shape[1] == X.shape[2]:
        return X
    side = isqrt(X.shape[-1])
    square = X.ndim == 2 and side * side == X.shape[1] >= FEWEST
    return X.reshape(-1, side, side) if square else None


def _borders(maps: Array) -> Array:
    return np.concatenate([maps[:, 0], maps[:, -1], maps[:, :, 0], maps[:, :, -1]], axis=1)


def _is_bright_paper(X: Array) -> bool:
    """Return whether the first picture is bright along its border, and dark in some places.

    The first number is looked at first, so that a right call costs next to nothing.
    """
    if X[0].item(0) <= GREY or (maps := _grey_pictures(X[:1])) is None:
        return False
    paper = np.median(_borders(maps))
    bright = paper > PAPER * np.max(maps)
    return bool(bright and 0 < np.mean(maps < INK * paper) < HALF)


def _are_pixels(X: Array) -> bool:
    if X.size < FEWEST:
        return False
    low, high = X.min(), X.max()
    return bool(low >= 0 and BRIGHT < high <= MOST and np.all(np.floor(X) == X))
