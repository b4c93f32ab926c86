"""Convolution of which every filter reads one channel: one op, for the compiled bodies.

Padding, sums and bias in one walk there, and one back. The formula for what the bodies do not
cover, second derivatives too, is made of the ops that other convolutions are made of.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, TypeAlias

import numpy as np

from neural_network.checks import Array
from neural_network.functional.convolution.ops import (
    correlate,
    correlate_filters,
    correlate_transpose,
)
from neural_network.functional.op import Call, call, gradient, op, samples
from neural_network.functional.window import Pads, Sizes, output_sizes, pad_spatial
from neural_network.kernels.runtime.gate import kernel_wanted
from neural_network.kernels.runtime.layouts import plain

Rng: TypeAlias = "np.random.Generator"

# A float32 sum of more products may miss the bound that ``conv2d`` promises.
EXACT_FLOAT32_TERMS = 16


def suits(X: Any, W: Any, precise: bool) -> bool:
    """Say whether ``depthwise`` is the way to convolve (N, C, H, W) with (F, 1, fh, fw).

    >>> suits(np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)), precise=True)
    False
    """
    short = prod(W.shape[2:]) <= EXACT_FLOAT32_TERMS or X.dtype == np.float64
    if X.ndim != 4 or W.shape[1] != 1 or X.shape[1] == 1 or (precise and not short):
        return False
    return _large(X, W)


@op
def depthwise(arrays: Any, pads: Pads, stride: Sizes, dilation: Sizes) -> Array:
    """Return the sums under each window, with the bias added.

    Args:
        arrays: pictures (N, C, H, W), filters (F, 1, fh, fw), F a multiple of C, and perhaps
            a bias (F,). One argument, because their gradients are found together.
        pads: zeros before and after, along each axis.
        stride, dilation: of each axis.
    """
    X, W, *bias = arrays
    outputs = output_sizes("conv2d", X.shape[2:], W.shape[2:], stride, pads, dilation)
    if bodies := _compiled(*arrays):
        slide = bodies.Slide(_before(pads), stride, dilation)
        maps: Array = bodies.convolve(X, W, bias[0] if bias else None, outputs, slide)
        return maps
    padded = pad_spatial(X, pads)[:, :, None]
    summed = correlate(padded, _grouped(W, X), stride, dilation, "direct", False)
    out = summed.reshape(len(X), len(W), *outputs)
    return out + bias[0].reshape(-1, 1, 1) if bias else out


@gradient(depthwise, "arrays")
def _(g: Any, arrays: Any, pads: Pads, stride: Sizes, dilation: Sizes) -> Any:
    X, W = arrays[:2]
    if bodies := _compiled(*arrays, g):
        slide = bodies.Slide(_before(pads), stride, dilation)
        return list(bodies.convolve_gradients(g, X, W, slide))[: len(arrays)]
    numbers = g.reshape(len(X), X.shape[1], -1, *g.shape[2:])
    padded = pad_spatial(X, pads)[:, :, None]
    seen = correlate_transpose(numbers, _grouped(W, X), padded.shape[3:], stride, dilation)
    inside = [slice(a, a + n) for (a, _), n in zip(pads, X.shape[2:], strict=True)]
    here: Any = (slice(None), slice(None), 0, *inside)
    for_X = seen[here]
    for_W = correlate_filters(padded, numbers, W.shape[2:], stride, dilation).reshape(W.shape)
    return [for_X, for_W, np.sum(g, axis=(0, 2, 3))][: len(arrays)]


def _large(X: Any, W: Any) -> bool:
    each = len(W) // X.shape[1]
    return kernel_wanted("depthwise convolution", X.size * each * prod(W.shape[2:]))


def _compiled(X: Any, W: Any, *others: Any) -> Any:
    """Return the compiled bodies if they are to do this."""
    if not plain(X, W, *others) or not _large(X, W):
        return None
    from neural_network.kernels.convolution import depthwise as bodies

    return bodies


def _grouped(W: Any, X: Any) -> Any:
    """(F, 1, fh, fw) → (C, F / C, 1, fh, fw)."""
    return W.reshape(X.shape[1], -1, *W.shape[1:])


def _before(pads: Pads) -> Sizes:
    return tuple(before for before, _ in pads)


@samples(depthwise)
def _(rng: Rng) -> Iterator[Call]:
    draw = rng.standard_normal
    arrays = [draw((2, 3, 5, 4)), draw((3, 1, 3, 2)), draw(3)]
    yield call(arrays, ((1, 0), (1, 1)), (1, 1), (1, 1))
    yield call([draw((1, 2, 6, 5)), draw((4, 1, 2, 3))], ((0, 1), (0, 0)), (2, 1), (1, 2))
