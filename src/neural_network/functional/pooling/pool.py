"""Pooling: the article's ``max_pool``, and the layers' ``max_pool1d`` … ``avg_pool3d``."""

from __future__ import annotations

import sys
from functools import reduce
from math import prod
from types import FrameType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from neural_network.advice import (
    CHANNELS,
    any_rows,
    channels_first,
    channels_seem_last,
    refused_rank,
    rows_as_images,
)
from neural_network.checks import (
    Array,
    as_flag,
    as_floating,
    check_not_empty,
    rounded,
    silent,
    within_memory,
)
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import ShapeError, brief, give_hint, give_hint_of_call, sentence
from neural_network.functional.op import Normal, call, sample_calls
from neural_network.functional.pooling.ops import window_max, window_sum
from neural_network.functional.window import Padding, Sizes, Window, per_axis, times
from neural_network.public import public

Size = int | tuple[int, ...]
# Channels of a picture in colour; fewer pixels along a side may be maps inside a network.
COLOURS, LEAST_PICTURE = 3, 16


@public
@explains_calls
@silent
def max_pool(
    X: ArrayLike, size: int | tuple[int, int] = 2, stride: int | tuple[int, int] = 2
) -> Array:
    """Maximum of each window of one image; no padding.

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
        ShapeError: another rank, an empty image, or a window that does not fit.
        ArgumentError: a size or stride below 1.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 9.3.

    >>> max_pool([[1, 2, 5, 6], [3, 4, 7, 8]])
    array([[4., 8.]])
    """
    (X,), dtype = as_floating("max_pool", X=X)
    if X.ndim == 4:
        received = f"shape {X.shape}; max_pool2d(X, {size}) takes (N, C, H, W), conv2d's form"
        raise ShapeError(sentence("max_pool", "X", "one image, (H, W) or (H, W, C)", received))
    check_not_empty("max_pool", "X", X, 2, 3)
    taps = per_axis("max_pool", "size", size, axes=2)
    if X.ndim == 3:
        _hint_channels_first(X.shape)
    window = Window.of("max_pool", X.shape[:2], taps, stride, name="window")
    if X.ndim == 3 and X.shape[2] == 1:
        X = X.reshape(X.shape[:2])
    if X.ndim == 2:
        return rounded(window_max(X, window), dtype)
    maxima = window_max(np.moveaxis(X, 2, 0), window)
    return rounded(np.moveaxis(maxima, 0, 2), dtype)


def _hint_channels_first(shape: Sizes) -> None:
    """Warn of an image (C, H, W), of which C would be taken for its height.

    So do colours, and a map for each filter, whose height and width are the same number.
    """
    first, height, width = shape
    colours = first in CHANNELS and channels_seem_last((height, width, first), 2)
    if min(height, width) >= 4 and (colours or (height == width != first)):
        give_hint(
            f"max_pool: X of shape {shape} is taken as an image of {first}×{height} pixels and "
            f"{width} channels, and seems to have its channels first: max_pool2d(X[None])[0] "
            "pools such maps, as conv2d gives them; X.transpose(1, 2, 0) has the channels last"
        )


@public
@explains_calls
@silent
def max_pool2d(
    X: ArrayLike,
    size: Size = 2,
    stride: Size | None = None,
    padding: Padding = 0,
    *,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Array:
    """Largest number of each window, channel by channel.

    ``out[…, i, j] = max over m, n < size of X[…, i·s + m·d, j·s + n·d]``

    The layer that networks use; ``max_pool`` is the article's, of one image with
    the channels last. For one image with the channels first, as ``conv2d`` gives it,
    ``max_pool2d(X[None])[0]``.

    Args:
        X: (N, C, H, W).
        size: of the window, an int or a (vertical, horizontal) pair.
        stride: steps of the window; ``size`` where left out.
        padding: −∞ around the image, as in ``conv2d``; at most half of the window.
        dilation: distance between neighbouring taps.
        ceil_mode: a last window that reaches beyond the end counts too.

    Returns:
        (N, C, OH, OW), in the floating type of ``X``. A window with a NaN gives NaN.

    Raises:
        DTypeError: not real numbers; a size that is no whole number.
        ShapeError: another rank, an empty array, a window that does not fit, a
            padding beyond half of the window.
        ArgumentError: a size, stride or dilation below 1.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 9.3.

    >>> max_pool2d(np.arange(16.0).reshape(1, 1, 4, 4))
    array([[[[ 5.,  7.],
             [13., 15.]]]])
    """
    return _max_pool("max_pool2d", X, size, stride, padding, dilation, ceil_mode, 2)


@public
@explains_calls
@silent
def max_pool1d(
    X: ArrayLike,
    size: Size = 2,
    stride: Size | None = None,
    padding: Padding = 0,
    *,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Array:
    """Largest number of each window of signals (N, C, L); see ``max_pool2d``.

    Args:
        X: (N, C, L).
        size, stride, padding, dilation, ceil_mode: as in ``max_pool2d``.

    Returns:
        (N, C, OL), in the floating type of ``X``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``max_pool2d``.

    Source: as ``max_pool2d``.

    >>> max_pool1d([[[1, 5, 2, 4, 3]]], ceil_mode=True)
    array([[[5., 4., 3.]]])
    """
    return _max_pool("max_pool1d", X, size, stride, padding, dilation, ceil_mode, 1)


@public
@explains_calls
@silent
def max_pool3d(
    X: ArrayLike,
    size: Size = 2,
    stride: Size | None = None,
    padding: Padding = 0,
    *,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Array:
    """Largest number of each window of volumes (N, C, D, H, W); see ``max_pool2d``.

    Args:
        X: (N, C, D, H, W).
        size, stride, padding, dilation, ceil_mode: as in ``max_pool2d``.

    Returns:
        (N, C, OD, OH, OW), in the floating type of ``X``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``max_pool2d``.

    Source: as ``max_pool2d``.

    >>> max_pool3d(np.arange(8.0).reshape(1, 1, 2, 2, 2)).ravel()
    array([7.])
    """
    return _max_pool("max_pool3d", X, size, stride, padding, dilation, ceil_mode, 3)


@public
@explains_calls
@silent
def avg_pool2d(
    X: ArrayLike,
    size: Size = 2,
    stride: Size | None = None,
    padding: Padding = 0,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Mean of each window, channel by channel.

    Args:
        X: (N, C, H, W).
        size: of the window, an int or a (vertical, horizontal) pair.
        stride: steps of the window; ``size`` where left out.
        padding: zeros around the image, as in ``conv2d``; at most half of the window.
        ceil_mode: a last window that reaches beyond the end counts too.
        count_include_pad: whether the zeros of the padding count in the mean.

    Returns:
        (N, C, OH, OW), in the floating type of ``X``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``max_pool2d``.

    Source: as ``max_pool2d``.

    >>> avg_pool2d(np.ones((1, 1, 2, 2)), padding=1)
    array([[[[0.25, 0.25],
             [0.25, 0.25]]]])
    """
    return _avg_pool("avg_pool2d", X, count_include_pad, size, stride, padding, 1, ceil_mode, 2)


@public
@explains_calls
@silent
def avg_pool1d(
    X: ArrayLike,
    size: Size = 2,
    stride: Size | None = None,
    padding: Padding = 0,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Mean of each window of signals (N, C, L); see ``avg_pool2d``.

    Args:
        X: (N, C, L).
        size, stride, padding, ceil_mode, count_include_pad: as in ``avg_pool2d``.

    Returns:
        (N, C, OL), in the floating type of ``X``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``max_pool2d``.

    Source: as ``max_pool2d``.

    >>> avg_pool1d([[[1, 5, 2, 4, 3]]], ceil_mode=True)
    array([[[3., 3., 3.]]])
    """
    return _avg_pool("avg_pool1d", X, count_include_pad, size, stride, padding, 1, ceil_mode, 1)


@public
@explains_calls
@silent
def avg_pool3d(
    X: ArrayLike,
    size: Size = 2,
    stride: Size | None = None,
    padding: Padding = 0,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """Mean of each window of volumes (N, C, D, H, W); see ``avg_pool2d``.

    Args:
        X: (N, C, D, H, W).
        size, stride, padding, ceil_mode, count_include_pad: as in ``avg_pool2d``.

    Returns:
        (N, C, OD, OH, OW), in the floating type of ``X``.

    Raises:
        DTypeError, ShapeError, ArgumentError: as ``max_pool2d``.

    Source: as ``max_pool2d``.

    >>> avg_pool3d(np.arange(8.0).reshape(1, 1, 2, 2, 2)).ravel()
    array([3.5])
    """
    return _avg_pool("avg_pool3d", X, count_include_pad, size, stride, padding, 1, ceil_mode, 3)


@public
@explains_calls
@silent
def global_avg_pool(X: ArrayLike) -> Array:
    """Mean of each channel over all spatial axes.

    Args:
        X: (N, C, …), at least one spatial axis.

    Returns:
        (N, C), in the floating type of ``X``.

    Raises:
        DTypeError: not real numbers.
        ShapeError: no spatial axis, or an empty array.

    Source: Lin, Chen and Yan, "Network In Network", arXiv 1312.4400.

    >>> global_avg_pool(np.arange(8.0).reshape(1, 2, 2, 2))
    array([[1.5, 5.5]])
    """
    (X,), dtype = as_floating("global_avg_pool", X=X)
    if X.ndim < 3:
        raise ShapeError(
            sentence("global_avg_pool", "X", "(N, C, …) with spatial axes", f"shape {X.shape}")
            + ("; it stands before Flatten" if X.ndim == 2 and _in_a_layer() else "")
        )
    if X.ndim == 4 and X.shape[3] == COLOURS:
        _hint_channels_last("global_avg_pool", X.shape)
    if 0 in X.shape:
        check_not_empty("global_avg_pool", "X", X)
    return rounded(np.mean(X, axis=tuple(range(2, X.ndim))), dtype)


@within_memory
def _max_pool(function: str, X: ArrayLike, *geometry: Any) -> Array:
    """Check a call of any number of spatial axes, and take the maxima."""
    array, window, dtype = _checked(function, X, *geometry)
    return rounded(window_max(padded_by(array, window, -np.inf), window), dtype)


@within_memory
def _avg_pool(function: str, X: ArrayLike, count_include_pad: bool, *geometry: Any) -> Array:
    """Check a call of any number of spatial axes, and take the means."""
    array, window, dtype = _checked(function, X, *geometry)
    include_pad = count_include_pad  # the usual case
    if type(include_pad) is not bool:
        include_pad = as_flag(function, "count_include_pad", include_pad)
    if window.padded == window.sizes:
        return rounded(window_sum(array, window, prod(window.taps)), dtype)
    counts = counts_of(window, include_pad).astype(array.dtype)
    return rounded(window_sum(padded_by(array, window, 0), window) / counts, dtype)


def _checked(
    function: str,
    X: ArrayLike,
    size: object,
    stride: object,
    padding: object,
    dilation: object,
    ceil_mode: object,
    axes: int,
) -> tuple[Any, Window, Any]:
    """Return the array, the window and the type of the result."""
    (array,), dtype = as_floating(function, X=X)
    if array.ndim != axes + 2:
        if array.ndim == axes + 1 == 3 and _in_a_layer():  # X is not what the user has
            received = f"shape {array.shape}; nn.Activation(nn.{function[:-2]}1d) pools (N, C, L)"
            raise ShapeError(sentence(function, "X", "(N, C, H, W)", received))
        if array.ndim == 2 and _in_a_layer():
            received = f"shape {array.shape}: rows of numbers; pooling stands before Flatten"
            received += rows_as_images("X", array.shape)
            raise ShapeError(sentence(function, "X", "(N, C, sizes)", received))
        more = ", and max_pool(X) pools it as it is"
        more = more if function == "max_pool2d" and array.ndim == 2 else ""
        raise ShapeError(refused_rank(function, "X", array.shape, axes) + more)
    check_not_empty(function, "X", array)
    if axes == 2 and array.shape[3] == COLOURS:
        _hint_channels_last(function, array.shape)
    taps = per_axis(function, "size", size, axes)
    ceil = ceil_mode if type(ceil_mode) is bool else as_flag(function, "ceil_mode", ceil_mode)
    steps = taps if stride is None else stride
    sizes = array.shape[2:]
    window = Window.of(
        function, sizes, taps, steps, padding, dilation, ceil_mode=ceil, name="window"
    )
    # A window of nothing but padding would have no largest number and no mean.
    if any(max(pair) * 2 > n for pair, n in zip(window.pads, window.reach, strict=True)):
        expected = f"at most half of the window {times(window.reach)}"
        raise ShapeError(sentence(function, "padding", expected, brief(padding)))
    return array, window, dtype


def _hint_channels_last(function: str, shape: Sizes) -> None:
    """Warn of colour pictures (N, H, W, 3), of which H would be taken for channels.

    What a layer pools are the features of the layer before; of a model's X the convolution warns.
    """
    if channels_seem_last(shape, 2) and min(shape[1:3]) >= LEAST_PICTURE and not _in_a_layer():
        give_hint_of_call(
            f"{function}: X of shape {any_rows(shape)} is taken as {shape[1]} channels of "
            f"{shape[2]}×{shape[3]} pixels, and seems to have its channels last: "
            f"{channels_first('X', shape, 2)} puts them first"
        )


def _in_a_layer() -> bool:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith("neural_network.layers."):
            return True
        frame = frame.f_back
    return False


def padded_by(X: Any, window: Window, value: float) -> Any:
    """Pad an array or tensor with a number, which has no gradient."""
    if window.padded == window.sizes:
        return X
    axes = zip(window.pads, window.sizes, window.padded, strict=True)
    widths = [(before, padded - before - n) for (before, _), n, padded in axes]
    out = np.pad(X, [(0, 0)] * (X.ndim - len(widths)) + widths)
    if value == 0:
        return out
    inside = np.pad(np.ones(window.sizes, bool), widths)
    return np.where(inside, out, np.asarray(value, X.dtype))


def counts_of(window: Window, include_pad: bool) -> Array:
    """Return how many numbers of each window are in its mean.

    What ``ceil_mode`` adds behind the padding never counts.
    """
    counts = []
    for axis, (n, (before, after)) in enumerate(zip(window.sizes, window.pads, strict=True)):
        first, last = (-before, n + after) if include_pad else (0, n)
        begin = np.arange(window.outputs[axis]) * window.stride[axis] - before
        # Of the taps begin, begin + d, …: how many lie before each end.
        before_ends = [
            np.clip(-((begin - end) // window.dilation[axis]), 0, window.taps[axis])
            for end in (first, last)
        ]
        counts.append(before_ends[1] - before_ends[0])
    return reduce(np.multiply.outer, counts)


sample_calls(max_pool, call(Normal((5, 6))), call(Normal((4, 5, 2)), (2, 3), 1))


for _function in (max_pool1d, avg_pool1d):
    sample_calls(
        _function, call(Normal((2, 2, 7)), 3, 2, 1), call(Normal((1, 2, 7)), ceil_mode=True)
    )


for _function in (max_pool2d, avg_pool2d):
    sample_calls(
        _function,
        call(Normal((2, 2, 5, 6))),
        call(Normal((1, 2, 5, 6)), (3, 2), (1, 2), (1, 0), ceil_mode=True),
    )


for _function in (max_pool3d, avg_pool3d):
    sample_calls(_function, call(Normal((1, 2, 4, 3, 5)), 2, 1))


sample_calls(global_avg_pool, call(Normal((2, 3, 2, 4))))
