"""Convolution of many channels by tiles, and its two gradients, for arrays of any layout.

Shapes: images (N, 1, C, *sizes), filters (1, F, C, *taps), bias (1, F), results
(N, 1, F, *outputs), of one or two spatial axes; float32.
"""

from __future__ import annotations

import numpy as np

from neural_network.kernels.convolution.prepared import (
    NO_BIAS,
    ConvBackward,
    ConvForward,
    new_buffer,
    padded,
)
from neural_network.kernels.runtime.layouts import Array, Pads, Sizes
from neural_network.kernels.runtime.threads import parallel_region


def convolve(
    X: Array, W: Array, bias: Array | None, outputs: Sizes, stride: Sizes, pads: Pads
) -> Array:
    """Return the sums of each window of images, which zeros surround, with the bias added."""
    images, weight, sizes = _channels_last(X), _weight(W), _two(outputs)
    out = np.empty((len(X), *sizes, len(weight)), np.float32)
    added = NO_BIAS if bias is None else np.require(bias.reshape(-1), None, ["C", "W"])
    forward = ConvForward(
        images.shape, weight.shape, _two(stride), _two_pads(pads), None, sizes, new_buffer
    )
    with parallel_region():
        forward(images, weight, added, out, False)
    return out.transpose(0, 3, 1, 2).reshape(len(X), 1, len(weight), *outputs)


def input_gradient(Y: Array, W: Array, sizes: Sizes, stride: Sizes, pads: Pads) -> Array:
    """Return the gradient (N, 1, C, *sizes) for the images, from ``Y`` for the result."""
    weight = _weight(W)
    out = np.empty((len(Y), *_two(sizes), weight.shape[1]), np.float32)
    backward = _backward(out.shape, weight.shape, Y, stride, pads, needs_input_grad=True)
    with parallel_region():
        backward.relu_backward(_channels_last(Y), None)
        backward.input_gradient(weight, out)
    return out.transpose(0, 3, 1, 2).reshape(len(Y), 1, W.shape[2], *sizes)


def filter_gradient(X: Array, Y: Array, taps: Sizes, stride: Sizes, pads: Pads) -> Array:
    """Return the gradient (1, F, C, *taps) for the filters, from ``Y`` for the result."""
    images, shape = _channels_last(X), (Y.shape[2], X.shape[2], *_two(taps))
    backward = _backward(images.shape, shape, Y, stride, pads, needs_input_grad=False)
    with parallel_region():
        backward.relu_backward(_channels_last(Y), None)
        gradient = backward.weight_gradient(padded(images, _two_pads(pads), new_buffer))
    return np.ascontiguousarray(gradient).reshape(1, Y.shape[2], X.shape[2], *taps)


def _backward(
    input_shape: Sizes, weight_shape: Sizes, Y: Array, stride: Sizes, pads: Pads,
    *, needs_input_grad: bool,
) -> ConvBackward:  # fmt: skip
    return ConvBackward(
        input_shape, weight_shape, _two(stride), _two_pads(pads), _two(Y.shape[3:]), new_buffer,
        needs_input_grad=needs_input_grad,
    )  # fmt: skip


def _channels_last(X: Array) -> Array:
    """See (N, 1, C, *sizes) as (N, H, W, C); a signal is an image of one row."""
    images = X[:, 0] if X.ndim == 5 else X[:, 0, :, None]
    return images.transpose(0, 2, 3, 1)


def _weight(W: Array) -> Array:
    """See (1, F, C, *taps) as (F, C, fh, fw)."""
    return W[0] if W.ndim == 5 else W[0, :, :, None]


def _two(sizes: Sizes) -> Sizes:
    """Return a size or stride for each of two axes, where there may be one."""
    return sizes if len(sizes) == 2 else (1, *sizes)


def _two_pads(pads: Pads) -> Pads:
    return pads if len(pads) == 2 else ((0, 0), *pads)
