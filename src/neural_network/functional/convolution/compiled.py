"""The compiled bodies of a convolution; a kernel's file is imported when it is first called.

Shapes and arguments are those of ``direct``.
"""

from __future__ import annotations

import numpy as np

from neural_network.checks import Array
from neural_network.functional.convolution.direct import add_bias
from neural_network.functional.window import Window


def by_tiles(X: Array, W: Array, bias: Array | None, window: Window) -> Array:
    """Sum over many channels, in channels-last memory."""
    from neural_network.kernels.convolution import tiled

    return tiled.convolve(X, W, bias, window.outputs, window.stride, window.pads)


def transpose_by_tiles(Y: Array, W: Array, window: Window) -> Array:
    """Compute ``direct.transpose`` in channels-last memory."""
    from neural_network.kernels.convolution import tiled

    return tiled.input_gradient(Y, W, window.sizes, window.stride, window.pads)


def filter_gradient_by_tiles(X: Array, Y: Array, window: Window) -> Array:
    """Compute ``direct.filter_gradient`` in channels-last memory."""
    from neural_network.kernels.convolution import tiled

    return tiled.filter_gradient(X, Y, window.taps, window.stride, window.pads)


def by_shifts(X: Array, W: Array, bias: Array | None, window: Window) -> Array:
    """Sum tap by tap; each filter reads one channel."""
    from neural_network.kernels.convolution import shifts

    out = np.empty((len(X), *W.shape[:2], *window.outputs), X.dtype)
    shifts.convolve(window.pad(X), W, out, window.stride, window.dilation)
    return add_bias(out, bias)


def depthwise(X: Array, W: Array, bias: Array | None, window: Window) -> Array:
    """Sum over one channel for each group, with padding and bias in the same pass."""
    from neural_network.kernels.convolution import depthwise as kernels

    weight = W.reshape(-1, *W.shape[2:])
    added = None if bias is None else bias.reshape(-1)
    maps = kernels.convolve(
        X[:, :, 0], weight, added, window.outputs, window.stride, window.pads, window.dilation
    )
    return maps.reshape(len(X), *W.shape[:2], *window.outputs)


def depthwise_gradients(g: Array, X: Array, W: Array, window: Window) -> list[Array]:
    """Return the gradients for images, filters and bias, found in one pass."""
    from neural_network.kernels.convolution import depthwise as kernels

    maps, weight = g.reshape(len(g), -1, *g.shape[3:]), W.reshape(-1, *W.shape[2:])
    for_X, for_W, for_bias = kernels.convolve_gradients(
        maps, X[:, :, 0], weight, window.stride, window.pads, window.dilation
    )
    return [for_X[:, :, None], for_W.reshape(W.shape), for_bias.reshape(W.shape[:2])]
