"""Adaptive pooling: as many windows as the output has elements, whatever the input's size.

Along an axis of n numbers, window i of m reaches from ⌊i·n/m⌋ to ⌈(i+1)·n/m⌉ (the end
not included). Where m divides n these are n/m numbers each, without overlap; otherwise
neighbours overlap, and some windows are one number longer than others.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.advice import refused_rank
from neural_network.checks import (
    Array,
    as_floating,
    check_addressable,
    check_not_empty,
    rounded,
    silent,
    within_memory,
)
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError
from neural_network.functional.op import Normal, call, sample_calls
from neural_network.functional.shaping import gather
from neural_network.functional.window import per_axis
from neural_network.public import public

Size = int | tuple[int, ...]


def windows_of(size: int, count: int) -> tuple[Array, Array]:
    """Return the index of every number of every window, and whether it counts: (count, longest).

    >>> windows_of(5, 2)[0].tolist(), windows_of(5, 4)[0].tolist()
    ([[0, 1, 2], [2, 3, 4]], [[0, 1], [1, 2], [2, 3], [3, 4]])
    """
    windows = np.arange(count)
    begins = windows * size // count
    ends = -(-(windows + 1) * size // count)
    indices = begins[:, None] + np.arange(np.max(ends - begins))
    return np.minimum(indices, size - 1), indices < ends[:, None]


def _split_axis(X: Any, axis: int, count: int) -> tuple[Any, Array]:
    """Split an axis in two, windows and their numbers; return which numbers count, too."""
    size = X.shape[axis]
    indices, counts = windows_of(size, count)
    if size % count:
        X = gather(X, indices.ravel(), axis)
    return X.reshape((*X.shape[:axis], *indices.shape, *X.shape[axis + 1 :])), counts


def _mean(X: Any, outputs: tuple[int, ...]) -> Any:
    """Take the means axis by axis: the mean of a box is the mean of its rows' means."""
    for axis, count in enumerate(outputs, start=2):
        X, counts = _split_axis(X, axis, count)
        if np.all(counts):
            X = np.mean(X, axis=axis + 1)
            continue
        shape = (*counts.shape, *(1,) * (X.ndim - axis - 2))
        total = np.sum(np.where(counts.reshape(shape), X, np.zeros((), X.dtype)), axis=axis + 1)
        X = total / np.sum(counts, axis=1, dtype=X.dtype).reshape((count, *shape[2:]))
    return X


def _max(X: Any, outputs: tuple[int, ...]) -> Any:
    """Take the maxima of all axes at once: of equal ones the first in the window counts."""
    inside: Any = np.ones((), bool)
    for axis, count in reversed(list(enumerate(outputs, start=2))):  # axes before stay
        X, counts = _split_axis(X, axis, count)
        inside = inside & counts.reshape((*counts.shape, *(1,) * inside.ndim))
    if not np.all(inside):
        X = np.where(inside, X, np.asarray(-np.inf, X.dtype))
    within = range(3, X.ndim, 2)
    order = (*(axis for axis in range(X.ndim) if axis not in within), *within)
    windows = X.transpose(order).reshape((prod(X.shape) // prod(X.shape[a] for a in within), -1))
    largest = windows[np.arange(len(windows)), np.argmax(windows, axis=1)]
    return largest.reshape((*X.shape[:2], *outputs))


@within_memory
def _pool(function: str, kind: Any, X: ArrayLike, output_size: object, axes: int) -> Array:
    (X,), dtype = as_floating(function, X=X)
    if X.ndim != axes + 2:
        raise ShapeError(refused_rank(function, "X", X.shape, axes))
    check_not_empty(function, "X", X)
    outputs = per_axis(function, "output_size", output_size, axes)
    check_addressable(*X.shape, *outputs)  # the ends of windows are products of both
    return rounded(kind(X, outputs), dtype)


@public
@explains_calls
@silent
def adaptive_avg_pool2d(X: ArrayLike, output_size: Size) -> Array:
    """Mean of each of ``output_size`` windows, channel by channel.

    ``out[…, i, j]`` is the mean of rows ⌊i·H/OH⌋ to ⌈(i+1)·H/OH⌉ and columns
    ⌊j·W/OW⌋ to ⌈(j+1)·W/OW⌉, the ends not included.

    Args:
        X: (N, C, H, W).
        output_size: OH and OW, an int or a pair; larger than the image is allowed.

    Returns:
        (N, C, OH, OW), in the floating type of ``X``.

    Raises:
        DTypeError: not real numbers; a size that is no whole number.
        ShapeError: another rank, an empty array, another count of sizes.
        ArgumentError: a size below 1.

    Source: He, Zhang, Ren and Sun, "Spatial Pyramid Pooling", arXiv 1406.4729,
    section 2.3 (windows from ⌊⌋ to ⌈⌉, for a fixed count of them).

    >>> adaptive_avg_pool2d(np.arange(15.0).reshape(1, 1, 3, 5), (1, 2))
    array([[[[6., 8.]]]])
    """
    return _pool("adaptive_avg_pool2d", _mean, X, output_size, 2)


@public
@explains_calls
@silent
def adaptive_avg_pool1d(X: ArrayLike, output_size: Size) -> Array:
    """Mean of each of ``output_size`` windows of signals; see ``adaptive_avg_pool2d``.

    Args:
        X: (N, C, L).
        output_size: OL.

    Returns:
        (N, C, OL), in the floating type of ``X``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``adaptive_avg_pool2d``.

    Source: as ``adaptive_avg_pool2d``.

    >>> adaptive_avg_pool1d([[[1, 2, 3, 4, 5]]], 2)
    array([[[2., 4.]]])
    """
    return _pool("adaptive_avg_pool1d", _mean, X, output_size, 1)


@public
@explains_calls
@silent
def adaptive_avg_pool3d(X: ArrayLike, output_size: Size) -> Array:
    """Mean of each of ``output_size`` windows of volumes; see ``adaptive_avg_pool2d``.

    Args:
        X: (N, C, D, H, W).
        output_size: OD, OH and OW, an int or three of them.

    Returns:
        (N, C, OD, OH, OW), in the floating type of ``X``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``adaptive_avg_pool2d``.

    Source: as ``adaptive_avg_pool2d``.

    >>> adaptive_avg_pool3d(np.arange(8.0).reshape(1, 1, 2, 2, 2), 1).ravel()
    array([3.5])
    """
    return _pool("adaptive_avg_pool3d", _mean, X, output_size, 3)


@public
@explains_calls
@silent
def adaptive_max_pool2d(X: ArrayLike, output_size: Size) -> Array:
    """Largest number of each of ``output_size`` windows; see ``adaptive_avg_pool2d``.

    Args:
        X: (N, C, H, W).
        output_size: OH and OW, an int or a pair.

    Returns:
        (N, C, OH, OW), in the floating type of ``X``. A window with a NaN gives NaN;
        of equal largest numbers the first has the gradient.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``adaptive_avg_pool2d``.

    Source: as ``adaptive_avg_pool2d``.

    >>> adaptive_max_pool2d(np.arange(15.0).reshape(1, 1, 3, 5), (1, 2))
    array([[[[12., 14.]]]])
    """
    return _pool("adaptive_max_pool2d", _max, X, output_size, 2)


@public
@explains_calls
@silent
def adaptive_max_pool1d(X: ArrayLike, output_size: Size) -> Array:
    """Largest number of each of ``output_size`` windows of signals; see ``adaptive_max_pool2d``.

    Args:
        X: (N, C, L).
        output_size: OL.

    Returns:
        (N, C, OL), in the floating type of ``X``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``adaptive_max_pool2d``.

    Source: as ``adaptive_avg_pool2d``.

    >>> adaptive_max_pool1d([[[1, 2, 3, 4, 5]]], 2)
    array([[[3., 5.]]])
    """
    return _pool("adaptive_max_pool1d", _max, X, output_size, 1)


@public
@explains_calls
@silent
def adaptive_max_pool3d(X: ArrayLike, output_size: Size) -> Array:
    """Largest number of each of ``output_size`` windows of volumes; see ``adaptive_max_pool2d``.

    Args:
        X: (N, C, D, H, W).
        output_size: OD, OH and OW, an int or three of them.

    Returns:
        (N, C, OD, OH, OW), in the floating type of ``X``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``adaptive_max_pool2d``.

    Source: as ``adaptive_avg_pool2d``.

    >>> adaptive_max_pool3d(np.arange(8.0).reshape(1, 1, 2, 2, 2), 1).ravel()
    array([7.])
    """
    return _pool("adaptive_max_pool3d", _max, X, output_size, 3)


for _function in (adaptive_avg_pool1d, adaptive_max_pool1d):
    sample_calls(_function, call(Normal((2, 2, 7)), 3))


for _function in (adaptive_avg_pool2d, adaptive_max_pool2d):
    sample_calls(_function, call(Normal((2, 1, 5, 3)), (3, 2)))


for _function in (adaptive_avg_pool3d, adaptive_max_pool3d):
    sample_calls(_function, call(Normal((1, 2, 3, 4, 5)), 2))
