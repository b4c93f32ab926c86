"""Which convolutions of many channels the compiled kernels compute, and the way to them.

Shapes are those of ``functional/convolution/direct.py``: pictures (N, G, C, *sizes), padded;
filters (G, F, C, *taps); results (N, G, F, *outputs). Whether kernels serve is decided by
shapes and types alone, without loading a compiler.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural_network.kernels.runtime.gate import kernel_wanted

Array = NDArray[Any]
Sizes = tuple[int, ...]

# A float32 sum of so many products keeps the bound of ``conv2d``, whatever the numbers.
EXACT_TERMS = 16
# Filters that read one channel, from where on they are better taken together than by shifts.
MANY_FILTERS = 16
# Nanoseconds of a product on two threads, and of a number that is copied; measured on one machine.
NS_PRODUCT, NS_COPY = 0.005, 0.5


def serve(X: Array, W_shape: Sizes, places: int, dilation: Sizes, *, precise: bool = False) -> bool:
    """Say whether kernels compute this convolution, or one of its two transposes.

    Args:
        X: pictures or gradients, whose type counts.
        W_shape: of the filters.
        places: outputs of all pictures.
        dilation: distances of taps.
        precise: long float32 sums are not good enough.
    """
    groups, filters, channels, *taps = W_shape
    terms = channels * prod(taps)
    fits = groups == 1 and len(taps) <= 2 and all(d == 1 for d in dilation)
    if not fits or X.dtype != np.float32 or (precise and terms > EXACT_TERMS):
        return False
    if channels == 1 and filters < MANY_FILTERS:
        return False
    return kernel_wanted("convolution of many channels", places * prod(W_shape))


def cost(X: Array, W: Array, outputs: Sizes) -> float:
    """Return an estimate of the nanoseconds that ``convolve`` takes."""
    places = len(X) * prod(outputs)
    return float(places * (W.size * NS_PRODUCT + W.shape[1] * NS_COPY) + X.size * NS_COPY)


def convolve(X: Array, W: Array, outputs: Sizes, stride: Sizes) -> Array:
    """Compute what ``convolve_direct`` computes, in channels-last memory."""
    from neural_network.kernels.convolution.prepared import (
        NO_BIAS,
        NO_PADS,
        ConvForward,
        new_buffer,
    )
    from neural_network.kernels.runtime.threads import parallel_region

    seen, weight = _last(X), _as_filters(W)
    high, wide = _two(outputs)
    out = np.empty((len(X), high, wide, len(weight)), np.float32)
    forward = ConvForward(
        seen.shape, weight.shape, _two(stride), NO_PADS, None, (high, wide), new_buffer
    )
    with parallel_region():
        forward(seen, weight, NO_BIAS, out, False)
    return out.transpose(0, 3, 1, 2).reshape(len(X), 1, len(weight), *outputs)


def transpose(Y: Array, W: Array, sizes: Sizes, stride: Sizes) -> Array:
    """Compute what ``convolve_transpose`` computes, in channels-last memory."""
    from neural_network.kernels.runtime.threads import parallel_region

    weight = _as_filters(W)
    back = _back((len(Y), *_two(sizes), weight.shape[1]), weight.shape, stride, Y, wanted=True)
    out = np.empty((len(Y), *_two(sizes), weight.shape[1]), np.float32)
    with parallel_region():
        back.relu_backward(_last(Y), None)
        back.input_gradient(weight, out)
    return out.transpose(0, 3, 1, 2).reshape(len(Y), 1, W.shape[2], *sizes)


def filters(X: Array, Y: Array, taps: Sizes, stride: Sizes) -> Array:
    """Compute what ``convolve_filters`` computes."""
    from neural_network.kernels.convolution.prepared import contiguous
    from neural_network.kernels.runtime.threads import parallel_region

    seen = _last(X)
    shape = (Y.shape[2], X.shape[2], *_two(taps))
    back = _back(seen.shape, shape, stride, Y, wanted=False)
    with parallel_region():
        back.relu_backward(_last(Y), None)
        found = back.weight_gradient(contiguous(seen))
    return np.ascontiguousarray(found).reshape(1, Y.shape[2], X.shape[2], *taps)


def _back(seen: Sizes, weight: Sizes, stride: Sizes, Y: Array, *, wanted: bool) -> Any:
    from neural_network.kernels.convolution.prepared import NO_PADS, ConvBackward, new_buffer

    return ConvBackward(
        seen, weight, _two(stride), NO_PADS, _two(Y.shape[3:]), new_buffer, needs_input_grad=wanted
    )


def _as_pictures(X: Array) -> Array:
    """See (N, 1, C, *sizes) as (N, C, H, W); a signal is a picture of one row."""
    return X[:, 0] if X.ndim == 5 else X[:, 0, :, None]


def _last(X: Array) -> Array:
    """Move the channels behind the places: (N, H, W, C)."""
    return _as_pictures(X).transpose(0, 2, 3, 1)


def _as_filters(W: Array) -> Array:
    return W[0] if W.ndim == 5 else W[0, :, :, None]


def _two(sizes: Sizes) -> Sizes:
    """Return a size or step for each of two axes, where there may be one."""
    return tuple(sizes) if len(sizes) == 2 else (1, *sizes)
