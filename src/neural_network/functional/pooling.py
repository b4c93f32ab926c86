"""Pooling: one number for each window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.functional.checks import (
    Array,
    as_floating,
    check_ndim,
    check_not_empty,
    rounded,
)
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.functional.shaping import unindex
from neural_network.functional.window import output_sizes, per_axis, tap_slices


@op
def max_pool(
    X: ArrayLike, size: int | tuple[int, int] = 2, stride: int | tuple[int, int] = 2
) -> Array:
    """Maximum of each window of one picture; no padding.

    ``out[i, j] = max over m, n < size of X[i·stride + m, j·stride + n]``

    Args:
        X: (H, W), or (H, W, C) with the channels last.
        size: height and width of the window, an int or a pair.
        stride: steps of the window, an int or a pair.

    Returns:
        (OH, OW), or (OH, OW, C) where there are several channels, in the
        floating type of ``X``; OH = floor((H − size) / stride) + 1. A window
        that holds a NaN gives NaN.

    Raises:
        DTypeError: ``X`` does not hold real numbers, or a size is no whole number.
        ShapeError: another rank, an empty picture, or a window that does not fit.
        ArgumentError: a size or stride below 1.

    >>> max_pool([[1, 2, 5, 6], [3, 4, 7, 8]])
    array([[4., 8.]])
    """
    (X,), dtype = as_floating("max_pool", X=X)
    check_ndim("max_pool", "X", X, 2, 3)
    check_not_empty("max_pool", "X", X)
    taps = per_axis("max_pool", "size", size, axes=2)
    steps = per_axis("max_pool", "stride", stride, axes=2)
    if X.ndim == 3 and X.shape[2] == 1:
        X = X[:, :, 0]
    once = (1, 1)
    outputs = output_sizes(
        "max_pool", X.shape[:2], taps, steps, ((0, 0), (0, 0)), once, window="window"
    )
    # A maximum of maxima: first down the columns, then along the rows, one tap at a
    # time, each tap a picture of its own.
    for axis in (0, 1):
        line = [1, 1]
        line[axis] = taps[axis]
        step, count = list(once), list(X.shape[:2])
        step[axis], count[axis] = steps[axis], outputs[axis]
        seen = [X[tap_slices(tap, tuple(count), tuple(step), once)] for tap in np.ndindex(*line)]
        X = seen[0].copy()
        for other in seen[1:]:
            np.maximum(X, other, out=X)
    return rounded(X, dtype)


@gradient(max_pool, "X")
def _(g: Any, X: Any, out: Any, size: Any, stride: Any) -> Any:
    """Give each window's gradient to its largest number; equal ones share it."""
    taps, steps = (per_axis("max_pool", "size", pair, axes=2) for pair in (size, stride))
    lost = X.shape[2:] if out.ndim < X.ndim else ()  # the one channel that was left out
    g, largest = g.reshape(g.shape + lost), np.reshape(out, out.shape + lost)
    places = [tap_slices(tap, largest.shape[:2], steps, (1, 1)) for tap in np.ndindex(*taps)]
    chosen = [np.equal(X[place], largest) for place in places]
    share = g / np.sum(chosen, axis=0, dtype=g.dtype)
    total: Any = 0
    for place, mask in zip(places, chosen, strict=True):
        total = total + unindex(share * mask, place, X.shape)
    return total


@samples(max_pool)
def _(rng: np.random.Generator) -> Iterator[Call]:
    yield call(rng.standard_normal((5, 6)))
    yield call(rng.standard_normal((5, 5, 2)), 3, 1)
    yield call(rng.standard_normal((4, 5, 1)), (2, 3), (1, 2))
