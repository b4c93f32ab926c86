"""Convolution of which every filter reads one channel of its own: forward, and the way back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neural_network.kernels.convolution.depthwise_pixels import (
    filters_of_pixels,
    of_pixels,
    to_pixels,
)
from neural_network.kernels.convolution.depthwise_planes import (
    back_planes,
    back_same_planes,
    of_planes,
)
from neural_network.kernels.runtime.layouts import (
    Array,
    Sizes,
    channels_last,
    empty,
    in_memory_order,
)


class Slide(NamedTuple):
    """How the window goes: zeros above and at the left, its steps, the distance of its taps.

    Below and at the right there are as many zeros as the last windows need.
    """

    before: Sizes
    stride: Sizes
    dilation: Sizes


def convolve(X: Array, W: Array, bias: Array | None, outputs: Sizes, slide: Slide) -> Array:
    """Sum the products under each window, and add the bias.

    Args:
        X: pictures (N, C, H, W), float32 or float64.
        W: filters (F, 1, fh, fw); F is a multiple of C, and channel 0 has the first ones.
        bias: (F,), or None.
        outputs: how often the window fits along each axis.
        slide: how it goes.

    Returns:
        (N, F, *outputs), in the order of memory of ``X``.
    """
    last = channels_last(X)
    room, out = empty((len(X), len(W), *outputs), X.dtype, last)
    begin = np.zeros(len(W), X.dtype) if bias is None else np.require(bias, None, ["C", "W"])
    run = of_pixels if last else of_planes
    run(_pictures(X, len(W), last), _filters(W, last), begin, room, *_numbers(slide))
    return out


def convolve_gradients(g: Array, X: Array, W: Array, slide: Slide) -> tuple[Array, Array, Array]:
    """Return the loss's gradients for pictures, filters and bias.

    Args:
        g: that for the result, (N, F, OH, OW).
        X: the pictures, (N, C, H, W).
        W: the filters, (F, 1, fh, fw).
        slide: how the window went.
    """
    last = channels_last(X)
    filters, taps = len(W), W.shape[2:]
    rows = taps[0] * taps[1] + 1
    # A picture's sums, which are then added in the order of the pictures. The last is g's own.
    sums = np.empty((len(X), rows, filters) if last else (len(X), filters, rows))
    given, seen = in_memory_order(g, last), _pictures(X, filters, last)
    # Channels last, each filter's share has its own channel until they are added up.
    own = filters // X.shape[1] if last else 1
    room, gradient = empty((len(X), X.shape[1] * own, *X.shape[2:]), X.dtype, last)
    if last:
        to_pixels(given, _filters(W, last), room, *_numbers(slide))
        filters_of_pixels(seen, given, sums, *taps, *_numbers(slide))
    else:
        same = slide.stride == (1, 1) and g.shape[2:] == X.shape[2:] and np.isfinite(W).all()
        run = back_same_planes if same else back_planes
        run(given, _filters(W, last), seen, room, sums, *_numbers(slide))
    if own > 1:
        gradient = gradient.reshape(len(X), -1, own, *X.shape[2:]).sum(axis=2)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        total = np.sum(sums, axis=0).astype(X.dtype)
    total = total.T if last else total
    return gradient, total[:, :-1].reshape(W.shape), total[:, -1].copy()


def _pictures(X: Array, filters: int, last: bool) -> Array:
    """Return pictures as kernels take them; channels last, one channel for each filter."""
    seen = in_memory_order(X, last)
    each = filters // X.shape[1]
    return np.repeat(seen, each, axis=-1) if last and each > 1 else seen


def _filters(W: Array, last: bool) -> Array:
    """(F, 1, fh, fw) → (F, fh, fw), or with the filters last."""
    return np.require(np.moveaxis(W[:, 0], 0, -1) if last else W[:, 0], None, ["C", "W"])


def _numbers(slide: Slide) -> Sizes:
    return slide.before + slide.stride + slide.dilation
