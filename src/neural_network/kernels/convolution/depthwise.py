"""Depthwise convolution: every filter reads one channel of its own. Forward and gradients.

Here are the functions for both memory orders, and the kernels for channels-last images, whose
inner loops run over channels. ``depthwise_planes`` holds the kernels for channels first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.convolution.depthwise_planes import (
    backward_planes,
    backward_same_planes,
    forward_planes,
)
from neural_network.kernels.runtime.compiler import kernel, prange
from neural_network.kernels.runtime.layouts import (
    Array,
    Pads,
    Sizes,
    channels_last,
    empty,
    in_memory_order,
)


def convolve(
    X: Array, W: Array, bias: Array | None, outputs: Sizes, stride: Sizes, pads: Pads,
    dilation: Sizes,
) -> Array:  # fmt: skip
    """Compute the convolution, and add the bias.

    Args:
        X: (N, C, H, W), float32 or float64.
        W: (F, 1, fh, fw); F is a multiple of C, and channel 0 has the first filters.
        bias: (F,), or None.
        outputs: height and width of the result.
        stride, pads, dilation: of the window.

    Returns:
        (N, F, *outputs), in the memory order of ``X``.
    """
    last = channels_last(X)
    memory, out = empty((len(X), len(W), *outputs), X.dtype, last)
    begin = np.zeros(len(W), X.dtype) if bias is None else np.require(bias, None, ["C", "W"])
    run = forward_pixels if last else forward_planes
    run(
        _images(X, len(W), last),
        _filters(W, last),
        begin,
        memory,
        *_numbers(stride, pads, dilation),
    )
    return out


def convolve_gradients(
    g: Array, X: Array, W: Array, stride: Sizes, pads: Pads, dilation: Sizes
) -> tuple[Array, Array, Array]:
    """Return the gradients for images, filters and bias.

    Args:
        g: the gradient for the result, (N, F, OH, OW).
        X: the images, (N, C, H, W).
        W: the filters, (F, 1, fh, fw).
        stride, pads, dilation: of the window.
    """
    last = channels_last(X)
    filters, taps = len(W), W.shape[2:]
    rows = taps[0] * taps[1] + 1
    # Sums of each image, which are then added in order. The last row is the bias's gradient.
    sums = np.empty((len(X), rows, filters) if last else (len(X), filters, rows))
    grad, images = in_memory_order(g, last), _images(X, filters, last)
    numbers = _numbers(stride, pads, dilation)
    # Channels last, each filter has a channel of its own until these are added up.
    each = filters // X.shape[1] if last else 1
    memory, gradient = empty((len(X), X.shape[1] * each, *X.shape[2:]), X.dtype, last)
    if last:
        image_gradient_pixels(grad, _filters(W, last), memory, *numbers)
        filter_gradient_pixels(images, grad, sums, *taps, *numbers)
    else:
        same = stride == (1, 1) and g.shape[2:] == X.shape[2:] and np.isfinite(W).all()
        run = backward_same_planes if same else backward_planes
        run(grad, _filters(W, last), images, memory, sums, *numbers)
    if each > 1:
        gradient = gradient.reshape(len(X), -1, each, *X.shape[2:]).sum(axis=2)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        total = np.sum(sums, axis=0).astype(X.dtype)
    total = total.T if last else total
    return gradient, total[:, :-1].reshape(W.shape), total[:, -1].copy()


def _images(X: Array, filters: int, last: bool) -> Array:
    """Return images in memory order; channels last, with a channel for each filter."""
    images = in_memory_order(X, last)
    each = filters // X.shape[1]
    return np.repeat(images, each, axis=-1) if last and each > 1 else images


def _filters(W: Array, last: bool) -> Array:
    """(F, 1, fh, fw) → (F, fh, fw), or with the filters last."""
    return np.require(np.moveaxis(W[:, 0], 0, -1) if last else W[:, 0], None, ["C", "W"])


def _numbers(stride: Sizes, pads: Pads, dilation: Sizes) -> Sizes:
    """Return the kernels' last arguments; padding at the ends follows from the output sizes."""
    return pads[0][0], pads[1][0], *stride, *dilation


@kernel
def forward_pixels(
    X: Any, W: Any, bias: Any, out: Any, ph: int, pw: int, sh: int, sw: int, dh: int, dw: int
) -> None:
    """(N, H, W, C) and (fh, fw, C) → (N, OH, OW, C)."""
    count, rows, columns, channels = out.shape
    height, width = X.shape[1:3]
    fh, fw = W.shape[:2]
    for task in prange(count * rows):
        n, i = task // rows, task % rows
        for j in range(columns):
            total, left = out[n, i, j], j * sw - pw
            for c in range(channels):
                total[c] = bias[c]
            for a in range(fh):
                r = i * sh + a * dh - ph
                if r < 0 or r >= height:
                    continue
                line = X[n, r]
                if fw == 3 and left >= 0 and left + 2 * dw < width:
                    x, y, z = line[left], line[left + dw], line[left + 2 * dw]
                    u, v, w = W[a, 0], W[a, 1], W[a, 2]
                    for c in range(channels):
                        total[c] += u[c] * x[c] + v[c] * y[c] + w[c] * z[c]
                    continue
                for b in range(fw):
                    s = left + b * dw
                    if 0 <= s < width:
                        x, u = line[s], W[a, b]
                        for c in range(channels):
                            total[c] += u[c] * x[c]


@kernel
def image_gradient_pixels(
    Y: Any, W: Any, X: Any, ph: int, pw: int, sh: int, sw: int, dh: int, dw: int
) -> None:
    """(N, OH, OW, C) and (fh, fw, C) → (N, H, W, C)."""
    count, height, width, channels = X.shape
    rows, columns = Y.shape[1:3]
    fh, fw = W.shape[:2]
    for task in prange(count * height):
        n, r = task // height, task % height + ph
        X[n, r - ph] = X.dtype.type(0)
        for a in range(fh):
            i = (r - a * dh) // sh
            if r < a * dh or (r - a * dh) % sh != 0 or i >= rows:
                continue
            line = Y[n, i]
            for s in range(pw, width + pw):
                total = X[n, r - ph, s - pw]
                if fw == 3 and sw == 1 and 2 * dw <= s < columns:
                    x, y, z = line[s], line[s - dw], line[s - 2 * dw]
                    u, v, w = W[a, 0], W[a, 1], W[a, 2]
                    for c in range(channels):
                        total[c] += u[c] * x[c] + v[c] * y[c] + w[c] * z[c]
                    continue
                for b in range(fw):
                    j = (s - b * dw) // sw
                    if s >= b * dw and (s - b * dw) % sw == 0 and j < columns:
                        x, u = line[j], W[a, b]
                        for c in range(channels):
                            total[c] += u[c] * x[c]


@kernel
def filter_gradient_pixels(
    X: Any, Y: Any, sums: Any, fh: int, fw: int, ph: int, pw: int, sh: int, sw: int,
    dh: int, dw: int,
) -> None:  # fmt: skip
    """(N, H, W, C) and (N, OH, OW, C) → (N, fh · fw + 1, C)."""
    count, rows, columns, channels = Y.shape
    height, width = X.shape[1:3]
    for n in prange(count):
        sums[n] = 0.0
        total = np.empty((fh * fw + 1, channels), X.dtype)
        for i in range(rows):
            total[:] = X.dtype.type(0)
            for j in range(columns):
                y = Y[n, i, j]
                for c in range(channels):
                    total[fh * fw, c] += y[c]
                for t in range(fh * fw):
                    r, s = i * sh + t // fw * dh - ph, j * sw + t % fw * dw - pw
                    if r < 0 or r >= height or s < 0 or s >= width:
                        continue
                    x, to = X[n, r, s], total[t]
                    for c in range(channels):
                        to[c] += x[c] * y[c]
            for t in range(fh * fw + 1):
                for c in range(channels):
                    sums[n, t, c] += total[t, c]
