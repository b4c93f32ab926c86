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

from neural_network.kernels.choice import worthwhile

Array = NDArray[Any]
Sizes = tuple[int, ...]

# Products from where on loading kernels is worth it: some milliseconds of NumPy's work.
WORTH_A_KERNEL = 1e6
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
    return worthwhile(places * prod(W_shape), WORTH_A_KERNEL)


def cost(X: Array, W: Array, outputs: Sizes) -> float:
    """Return an estimate of the nanoseconds that ``convolve`` takes."""
    places = len(X) * prod(outputs)
    return float(places * (W.size * NS_PRODUCT + W.shape[1] * NS_COPY) + X.size * NS_COPY)


def convolve(X: Array, W: Array, outputs: Sizes, stride: Sizes) -> Array:
    """Compute what ``convolve_direct`` computes, in channels-last memory."""
    from neural_network.kernels import pictures

    seen, weight = _as_pictures(X), _as_filters(W)
    high, wide = _two(outputs)
    out = np.empty((len(X), high, wide, len(weight)), np.float32)
    laid = pictures.channels_last(seen, pictures.NO_PADS, pictures.fresh)
    pictures.sums(laid, weight, pictures.NO_BIAS, _two(stride), out, False)
    return out.transpose(0, 3, 1, 2).reshape(len(X), 1, len(weight), *outputs)


def transpose(Y: Array, W: Array, sizes: Sizes, stride: Sizes) -> Array:
    """Compute what ``convolve_transpose`` computes, in channels-last memory."""
    from neural_network.kernels import pictures

    back = pictures.Back(_as_filters(W).shape[2:], _two(stride), _two(Y.shape[3:]), _two(sizes))
    slopes = _as_pictures(Y).transpose(0, 2, 3, 1)
    spread, _ = back.spread(slopes, None, pictures.fresh, wanted=True)
    found = back.for_pictures(spread, _as_filters(W), pictures.fresh)
    return found.transpose(0, 3, 1, 2).reshape(len(Y), 1, W.shape[2], *sizes)


def filters(X: Array, Y: Array, taps: Sizes, stride: Sizes) -> Array:
    """Compute what ``convolve_filters`` computes."""
    from neural_network.kernels import pictures

    back = pictures.Back(_two(taps), _two(stride), _two(Y.shape[3:]), _two(X.shape[3:]))
    laid = pictures.channels_last(_as_pictures(X), pictures.NO_PADS, pictures.fresh)
    slopes = _as_pictures(Y).transpose(0, 2, 3, 1)
    spread, _ = back.spread(slopes, None, pictures.fresh, wanted=False)
    found = back.for_filters(laid, spread, Y.shape[2], pictures.fresh, wanted=False)
    return found.reshape(1, Y.shape[2], X.shape[2], *taps)


def _as_pictures(X: Array) -> Array:
    """See (N, 1, C, *sizes) as (N, C, H, W); a signal is a picture of one row."""
    return X[:, 0] if X.ndim == 5 else X[:, 0, :, None]


def _as_filters(W: Array) -> Array:
    return W[0] if W.ndim == 5 else W[0, :, :, None]


def _two(sizes: Sizes) -> Sizes:
    """Return a size or step for each of two axes, where there may be one."""
    return tuple(sizes) if len(sizes) == 2 else (1, *sizes)
