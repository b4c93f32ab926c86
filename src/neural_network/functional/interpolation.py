"""Interpolation: resize images and other arrays along their spatial axes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import floor
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from neural_network.checks import (
    Array,
    as_choice,
    as_flag,
    as_floating,
    as_number,
    check_addressable,
    check_not_empty,
    rounded,
    silent,
    within_memory,
)
from neural_network.errors import ArgumentError, ShapeError, brief, sentence
from neural_network.functional.op import Normal, call, sample_calls
from neural_network.functional.shaping import gather
from neural_network.functional.window import per_axis
from neural_network.public import public

Mode = Literal["nearest", "linear", "bilinear", "trilinear"]
# The word for straight lines along one, two and three axes.
LINEAR = ("linear", "bilinear", "trilinear")


@public
@within_memory
@silent
def interpolate(
    X: ArrayLike,
    size: int | Sequence[int] | None = None,
    *,
    scale: float | Sequence[float] | None = None,
    mode: Mode = "nearest",
    align_corners: bool = False,
) -> Array:
    """Resize the spatial axes: each output reads the input at its own position.

    With r = n / m along an axis (or 1 / scale, where that is given and changes the
    size), output i reads

    - ``"nearest"``: the number at ⌊i · r⌋;
    - ``"bilinear"``: the line between the two neighbours of ``(i + ½) · r − ½``, positions
      before the first counting as the first;
    - ``"bilinear"`` with ``align_corners``: that of ``i · (n − 1) / (m − 1)``, so that
      the corners of input and output are the same numbers.

    Nothing is smoothed before the size shrinks (no antialiasing). Positions are computed
    in the type of the result, as PyTorch does: ⌊i · r⌋ of a float32 image may be
    one below the exact one.

    Args:
        X: (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: of the result, an int or one for each spatial axis; this or ``scale``.
        scale: how many times the size, rounded down; a number or one for each axis.
        mode: ``"nearest"``, or the linear one of as many axes: ``"linear"``,
            ``"bilinear"`` or ``"trilinear"``.
        align_corners: for the linear modes.

    Returns:
        (N, C, …) with the new sizes, in the floating type of ``X``.

    Raises:
        DTypeError: not real numbers; sizes that are no whole numbers.
        ShapeError: another rank, an empty array, another count of sizes or scales, a
            scale that leaves no output.
        ArgumentError: both or none of ``size`` and ``scale``; a size below 1, a scale
            that is not above 0, another mode, ``align_corners`` with ``"nearest"``.

    Source: Gonzalez and Woods, "Digital Image Processing", 4th edition, 2018,
    section 2.4 (nearest neighbour and bilinear interpolation).

    >>> interpolate([[[1.0, 3.0]]], 4)
    array([[[1., 1., 3., 3.]]])
    >>> interpolate([[[1.0, 3.0]]], scale=2, mode="linear")
    array([[[1. , 1.5, 2.5, 3. ]]])
    >>> interpolate([[[1.0, 3.0]]], 3, mode="linear", align_corners=True)
    array([[[1., 2., 3.]]])
    """
    (array,), dtype = as_floating("interpolate", X=X)
    check_not_empty("interpolate", "X", array, 3, 4, 5)
    sizes, ratios = _sizes("interpolate", array.shape[2:], size, scale)
    line = LINEAR[array.ndim - 3]
    straight = as_choice("interpolate", "mode", mode, ("nearest", line)) == line
    aligned = as_flag("interpolate", "align_corners", align_corners)
    if aligned and not straight:
        raise ArgumentError(
            sentence("interpolate", "align_corners", f"False, or mode {line!r}", "True")
        )
    check_addressable(*array.shape[:2], *sizes)
    for axis, (m, ratio) in enumerate(zip(sizes, ratios, strict=True), start=2):
        if straight:
            array = _between(array, axis, m, ratio, aligned)
        else:
            # The product is rounded to float32, which makes 0.9999999999 the 1 that it is. Beyond
            # 10⁷ outputs that could read one too far.
            read = (np.arange(m, dtype=array.dtype) * array.dtype.type(ratio)).astype(np.float32)
            array = gather(array, np.minimum(read.astype(np.intp), array.shape[axis] - 1), axis)
    return rounded(array, dtype)


def _between(X: Any, axis: int, m: int, ratio: float, aligned: bool) -> Any:
    """Read m positions along an axis, each on the line between its two neighbours."""
    n, kind = X.shape[axis], X.dtype.type
    steps = np.arange(m, dtype=X.dtype)
    if aligned:
        read = steps * kind((n - 1) / (m - 1) if m > 1 else 0)
    else:
        read = np.maximum((steps + kind(0.5)) * kind(ratio) - kind(0.5), 0)
    return read_between(X, axis, read)


def read_between(X: Any, axis: int, read: Array) -> Any:
    """Read positions along an axis, from 0 up, on the lines between neighbouring numbers."""
    n = X.shape[axis]
    before = np.minimum(read.astype(np.intp), n - 1)
    after = np.minimum(before + 1, n - 1)
    share = (read - before.astype(X.dtype)).reshape((len(read), *(1,) * (X.ndim - axis - 1)))
    return gather(X, before, axis) * (1 - share) + gather(X, after, axis) * share


def _sizes(
    function: str, sizes: tuple[int, ...], size: object, scale: object
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return the size of each axis, and the distance in the input between two outputs."""
    if (size is None) == (scale is None):
        received = "neither" if size is None else "both"
        raise ArgumentError(sentence(function, "size", "size or scale", received))
    if size is not None:
        outputs = per_axis(function, "size", size, len(sizes))
        return outputs, tuple(n / m for n, m in zip(sizes, outputs, strict=True))
    each = scale if isinstance(scale, list | tuple) else (scale,) * len(sizes)
    if len(each) != len(sizes):
        expected = f"one number or {len(sizes)} of them"
        raise ShapeError(sentence(function, "scale", expected, f"{len(each)} of them"))
    factors = [as_number(function, "scale", factor, above=0) for factor in each]
    # A larger one than any array can have is refused with the other sizes beyond the memory.
    spans = [min(n * factor, sys.maxsize) for n, factor in zip(sizes, factors, strict=True)]
    outputs = tuple(floor(span) for span in spans)
    if min(outputs) < 1:
        expected = f"a scale that leaves at least one output of {sizes}"
        raise ShapeError(sentence(function, "scale", expected, brief(scale)))
    # A scale (1.1, for example) that is rounded away leaves everything where it is.
    return outputs, tuple(
        1.0 if m == n else 1 / factor for n, m, factor in zip(sizes, outputs, factors, strict=True)
    )


sample_calls(
    interpolate,
    call(Normal((2, 1, 3, 4)), scale=2),
    call(Normal((1, 2, 5)), 3, mode="linear"),
    call(Normal((1, 2, 3, 4)), (5, 3), mode="bilinear"),
    call(Normal((1, 1, 2, 3, 2)), 4, mode="trilinear", align_corners=True),
)
