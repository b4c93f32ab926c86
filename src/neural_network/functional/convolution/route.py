"""Which body computes a convolution: decided here, and nowhere else.

Only shapes, types and the kernel mode decide, and for a Fourier transform how large its rounding
may get. Shapes are those of ``direct``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import prod
from typing import Literal, TypeAlias

import numpy as np

from neural_network.checks import Array
from neural_network.functional.convolution import compiled, direct, fft
from neural_network.functional.window import Sizes, Window
from neural_network.kernels.convolution.single_channel import LITTLE, RUN
from neural_network.kernels.runtime.gate import kernel_wanted

Method = Literal["auto", "direct", "fft"]
Body: TypeAlias = Callable[[Array, Array, Array | None, Window], Array]
# A gradient's body, for images or filters.
GradientBody: TypeAlias = Callable[[Array, Array, Window], Array]

# The transform's rounding spreads over the image, so "auto" takes it only where it is clearly
# faster. Where both bodies are compiled, the estimates are better, and the transform along
# columns rounds less.
FFT_ADVANTAGE, COMPILED_FFT_ADVANTAGE = 2.0, 1.25
# With fewer taps than this a transform is never faster.
LEAST_FFT_TAPS = 16
# What the contract of ``conv2d`` allows, times the largest sum in the image.
ROUNDING = {"float32": 1e-6, "float64": 1e-12}
# So many filters of one channel are better computed by tiles than by shifts.
MANY_FILTERS = 16
# Columns need more memory than shifts, so they have to be this much faster.
COLUMN_ADVANTAGE = 1.5

# Estimates in nanoseconds, measured on one machine (the compiled bodies on two threads). Only
# their ratios matter, and only to choose between bodies that agree.
NS_SHIFT_FLOAT32, NS_SHIFT_FLOAT64 = 0.35, 0.75  # a product
NS_COLUMN_COPY, NS_MATRIX_PRODUCT = 0.7, 0.025
NS_CALL = 1000.0
NS_TILED_PRODUCT, NS_TILED_COPY = 0.005, 0.5
# Compiled shifts: a sum, a product in it, and a tap of a run however short.
NS_COMPILED_SUM, NS_COMPILED_PRODUCT, NS_TAP_OF_RUN = 0.35, 0.0105, 0.9


def route(
    X: Array, W: Array, window: Window, method: Method = "auto", precise: bool = True
) -> Body:
    """Return the body that computes a convolution: the first row that applies.

    ======================= ==========================================================
    body                    applies to
    ======================= ==========================================================
    compiled depthwise      one channel in each of several groups, two axes
    compiled tiles          many channels, float32 sums
    compiled shifts         one channel
    NumPy shifts            one channel, few filters
    NumPy columns           everything
    ----------------------- ----------------------------------------------------------
    compiled transform      one channel, two axes, filters that fit in a tile
    NumPy transform         everything
    ======================= ==========================================================

    ``method`` chooses the upper part ("direct") or the lower part ("fft"), which no numbers but
    finite ones reach: a transform would spread NaN and infinity over its tile. "auto" takes the
    lower part only for large filters, and where the estimate is clearly lower and the rounding
    small enough. Compiled bodies apply where ``kernel_wanted`` returns True.

    Args:
        X: images, (N, G, C, *sizes).
        W: filters, (G, F, C, *taps), of the same type.
        window: how the filters slide.
        method: of the public functions.
        precise: whether long float32 sums must be taken in float64.
    """
    one_channel = _one_channel_compiled(X, W, window)
    if method == "fft":
        if fft.all_finite(X, W):
            return _by_transform(X, W, window, one_channel)[0]
        method = "direct"
    if depthwise_compiled(X, W, precise):
        return compiled.depthwise
    body, nanoseconds = _by_sums(X, W, window, one_channel, precise)
    # A transform computes all sums, and a stride keeps only some of them.
    if method == "direct" or prod(window.taps) < LEAST_FFT_TAPS * prod(window.stride):
        return body
    transform, fft_nanoseconds = _by_transform(X, W, window, one_channel)
    advantage = COMPILED_FFT_ADVANTAGE if one_channel else FFT_ADVANTAGE
    if nanoseconds <= advantage * fft_nanoseconds:
        return body
    bound = ROUNDING.get(X.dtype.name, 1e-12)
    with np.errstate(over="ignore", invalid="ignore"):  # not finite: no bound can hold
        return transform if fft.rounds_within(bound, X, W, window) else body


def route_transpose(Y: Array, W: Array, window: Window) -> GradientBody:
    """Return the body that computes the gradient for images (N, G, C, *sizes)."""
    if _tiles_compiled(Y, W.shape, window):
        return compiled.transpose_by_tiles
    return direct.transpose


def route_filter_gradient(X: Array, Y: Array, window: Window) -> GradientBody:
    """Return the body that computes the gradient for filters (G, F, C, *taps)."""
    groups, channels = X.shape[1:3]
    if _tiles_compiled(Y, (groups, Y.shape[2], channels, *window.taps), window):
        return compiled.filter_gradient_by_tiles
    return direct.filter_gradient


def depthwise_compiled(X: Array, W: Array, precise: bool, *others: Array) -> bool:
    """Return whether the compiled depthwise kernels apply: to the sums, and to their gradients."""
    groups, filters, channels, *taps = W.shape
    if groups == 1 or channels > 1 or len(taps) != 2:
        return False
    if not _keeps_bound(X, prod(taps), precise):
        return False
    return kernel_wanted("depthwise convolution", X.size * filters * prod(taps), X, W, *others)


def _one_channel_compiled(X: Array, W: Array, window: Window) -> bool:
    work = len(X) * prod(window.outputs) * W.size
    return W.shape[2] == 1 and kernel_wanted("single-channel convolution", work, X)


def _tiles_compiled(X: Array, W_shape: Sizes, window: Window) -> bool:
    groups, filters, channels, *taps = W_shape
    if groups > 1 or len(taps) > 2 or X.dtype.char != "f" or max(window.dilation) > 1:
        return False
    if channels == 1 and filters < MANY_FILTERS:
        return False
    work = len(X) * prod(window.outputs) * prod(W_shape)
    return kernel_wanted("tiled convolution", work, X)


def _keeps_bound(X: Array, terms: int, precise: bool) -> bool:
    """Return whether sums in the type of ``X`` are good enough."""
    return not precise or X.dtype.char != "f" or terms <= direct.EXACT_FLOAT32_TERMS


def _by_sums(
    X: Array, W: Array, window: Window, one_channel: bool, precise: bool
) -> tuple[Body, float]:
    """Return the body of the upper part, without depthwise, and its estimated nanoseconds."""
    groups, filters, channels = W.shape[:3]
    taps = prod(window.taps)
    outputs = len(X) * prod(window.outputs)
    exact = _keeps_bound(X, channels * taps, precise)
    if exact and _tiles_compiled(X, W.shape, window):
        copied = outputs * filters + X.size
        return compiled.by_tiles, outputs * W.size * NS_TILED_PRODUCT + copied * NS_TILED_COPY
    if one_channel:
        return compiled.by_shifts, _compiled_shifts_nanoseconds(X, W, window)
    accumulator = X.dtype if exact else np.float64
    columns = groups * channels * taps * outputs * (NS_COLUMN_COPY + filters * NS_MATRIX_PRODUCT)
    columns += len(X) * groups * NS_CALL
    if channels == 1:
        short = taps <= direct.EXACT_FLOAT32_TERMS and X.dtype.char == "f"
        a_product = NS_SHIFT_FLOAT32 if short else NS_SHIFT_FLOAT64
        # Each tap is two calls, which count where an image is small.
        shifts = filters * taps * (groups * outputs * a_product + 2 * NS_CALL)
        if shifts <= COLUMN_ADVANTAGE * columns:
            return partial(direct.by_shifts, accumulator=accumulator), min(shifts, columns)
    return partial(direct.by_columns, accumulator=accumulator), columns


def _by_transform(X: Array, W: Array, window: Window, one_channel: bool) -> tuple[Body, float]:
    """Return the body of the lower part and its estimated nanoseconds."""
    tile = fft.column_tile(X, W, window) if one_channel else None
    if tile is not None:
        return partial(fft.convolve, tile=tile), tile.nanoseconds
    return fft.convolve, fft.nanoseconds(X, W, window)


def _compiled_shifts_nanoseconds(X: Array, W: Array, window: Window) -> float:
    taps, width = prod(window.taps), window.outputs[-1]
    pitch = min(window.padded[-1], width + window.taps[-1] - 1)
    rows, length = 1, min(width, RUN)
    if pitch - width < LITTLE and len(window.outputs) > 1:
        rows = min(max(1, RUN // pitch), window.outputs[-2])
        length = min((rows - 1) * pitch + width, RUN)
    runs = len(X) * W.shape[0] * W.shape[1] * prod(window.outputs[:-1]) / rows * -(-width // RUN)
    a_sum = X.itemsize / 4 * (NS_COMPILED_SUM + NS_COMPILED_PRODUCT * taps)
    return float(runs * (length * a_sum + taps * NS_TAP_OF_RUN))
