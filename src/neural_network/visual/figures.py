"""What all figures share: sizes of letters and colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neural_network.checks import Array
from neural_network.errors import ArgumentError, DTypeError, brief, needs_extra, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Inches. A figure of this width shown 800 pixels wide has letters of 9 points 12 pixels high.
WIDTH = 8.0
# Points.
SMALL, MEDIUM, LARGE = 9.0, 10.0, 12.0
# Colours that people with any colour vision tell apart (Okabe and Ito, 2008); the last is grey
# in the place of their black, which a dark figure would hide.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#808080")
# Letters in boxes of pale colours, in figures of any style.
INK = "black"
# Arrows and thin lines, seen on white and on black.
STROKE = "0.5"
# Blue below 0, white at 0, red above; black to white; dark blue to yellow.
SIGNED, GREY, RISING = "RdBu_r", "gray", "viridis"
# The largest number of a picture of 0 … 255 is at least this; smaller ones are on another scale.
DARKEST = 64


def as_cmap(function: str, cmap: Any, default: str) -> Any:
    """Return a colormap that was given, by its name or itself, or the default."""
    with needs_extra(f"drawing ({function})", extra="plot"):
        import matplotlib as mpl
        from matplotlib.colors import Colormap
    if cmap is None or isinstance(cmap, Colormap):
        return default if cmap is None else cmap
    expected = "a colormap of matplotlib's, such as 'gray', 'viridis' or 'RdBu_r'"
    if not isinstance(cmap, str):
        raise DTypeError(sentence(function, "cmap", expected, brief(cmap)))
    if cmap not in mpl.colormaps:
        raise ArgumentError(sentence(function, "cmap", expected, brief(cmap)))
    return cmap


def colours_from(function: str, cmap: Any, count: int, *, first: float = 0.0) -> list[Any]:
    """Return colours of a colormap that was given, from one end to the other."""
    with needs_extra(f"drawing ({function})", extra="plot"):
        import matplotlib as mpl
    chosen = mpl.colormaps.get_cmap(as_cmap(function, cmap, RISING))
    # Not the last quarter, which is too pale for a line on white.
    return [chosen(place) for place in np.linspace(first, 0.75, count)]


def largest(*arrays: Array) -> float:
    """Return the largest absolute value of the finite numbers, or 1."""
    return (
        max(
            float(np.max(np.abs(values[np.isfinite(values)], dtype=float), initial=0))
            for values in arrays
        )
        or 1.0
    )


def colours_of(function: str, cmap: Any, arrays: Sequence[Array], unsigned: str) -> dict[str, Any]:
    """Return one scale for arrays: centred at 0 if a number is negative, else from 0.

    Args:
        function: of the user's call, for errors.
        cmap: given by the user, or None.
        arrays: the numbers.
        unsigned: the colormap where no number is negative.
    """
    top = largest(*arrays)
    if any(np.any(values < 0) for values in arrays):
        return {"cmap": as_cmap(function, cmap, SIGNED), "vmin": -top, "vmax": top}
    return {"cmap": as_cmap(function, cmap, unsigned), "vmin": 0, "vmax": top}


def plain(axes: Axes) -> None:
    """Draw a thin frame, so that white on white is visible, and no ticks."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("0.8")


# A series is more than so many times as wide as it has channels, and drawn as wide as this.
SERIES = 4


def as_picture(image: Array) -> Array:
    """Return a (C, H, W) or (H, W) image as matplotlib draws it: (H, W) or (H, W, 3).

    Three channels are red, green and blue; of another number, the mean is drawn. Values
    are stretched from the limits of ``limits_of``.
    """
    values = np.asarray(image, dtype=float)
    if values.ndim == 3:
        values = np.moveaxis(values, 0, -1) if len(values) == 3 else values.mean(axis=0)
    values = np.where(np.isfinite(values), values, 0)
    low, high = limits_of(values)
    return (values - low) / (high - low)


def is_series(image: Array) -> bool:
    """Return whether a (…, H, W) image is so wide that it is a series of H channels.

    >>> is_series(np.ones((9, 128))), is_series(np.ones((3, 32, 32)))
    (True, False)
    """
    height, width = image.shape[-2:]
    return bool(width > SERIES * height)


def in_bands(image: Array) -> Array:
    """Return a (…, H, W) image, of which a series has each row several times, to be visible.

    >>> in_bands(np.ones((2, 40))).shape
    (10, 40)
    """
    if not is_series(image):
        return image
    return np.repeat(image, -(-image.shape[-1] // (SERIES * image.shape[-2])), axis=-2)


def limits_of(image: Array) -> tuple[float, float]:
    """Return the numbers that are drawn black and white: 0 … 1 or 0 … 255 of a photograph.

    Of other small numbers, such as a matrix of 0 to 16, it is 0 and the largest, since they
    would all be black; of further ones, the smallest and the largest.

    >>> limits_of(np.array([0.2, 0.5])), limits_of(np.array([0, 200])), limits_of(np.array([3, 0]))
    ((0.0, 1.0), (0.0, 255.0), (0.0, 3.0))
    """
    values = np.asarray(image, dtype=float)
    values = np.where(np.isfinite(values), values, 0)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    if low >= 0 and high <= 255:
        return 0.0, (255.0 if high >= DARKEST else high)
    return low, (high if high > low else low + 1)


def ink_on(image: Any, value: float) -> str:
    """Return black or white, whichever is readable on the colour of a value."""
    red, green, blue, _ = image.cmap(image.norm(value))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
