"""Depthwise convolution of channels-last images by tiles, with bias and relu, and its gradients.

An output reads those taps of its window that are inside the image, so there is no padded copy.
Along each axis, neighbouring outputs that read the same taps form a *segment*: the inner part, and
the positions at the edges. A rectangle of outputs, a segment by a segment, is one call of
``window_sums``. With a stride, the input gradient has segments for each remainder of the position.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from neural_network.kernels.convolution.prepared import BLOCKS, Buffer, padded
from neural_network.kernels.convolution.tiles import add_blocks
from neural_network.kernels.copies import repeated
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.runtime.layouts import Array, Pads, Sizes
from neural_network.kernels.window_tile import window_gradients, window_sums

NOT_PADDED = ((0, 0), (0, 0))
# Bytes of the rows of an image that are processed at once.
BAND = 16384


class DepthwiseConv:
    """Depthwise convolution, bias and relu for given shapes, and the gradients.

    Kernels are called through ``.compiled``, so the caller must be inside a ``parallel_region``.

    Args:
        input_shape: (N, H, W, C).
        taps, stride, pads, dilation: of the window.
        outputs: height and width of the result.
        buffer: allocates memory.
    """

    def __init__(
        self, input_shape: Sizes, taps: Sizes, stride: Sizes, pads: Pads, dilation: Sizes,
        outputs: Sizes, buffer: Buffer,
    ) -> None:  # fmt: skip
        n, self._channels = input_shape[0], input_shape[3]
        self._buffer, self._outputs = buffer, outputs
        # Padding at the ends follows from the output sizes.
        self._numbers = (pads[0][0], pads[1][0], *stride, *dilation)
        self._matrix = buffer("filters", (*taps, self._channels), np.float32)
        # Rows that are computed at once fit the first-level cache; and a task computes only some
        # rows of an image where there are few images.
        line = 4 * max(input_shape[2] * stride[0], outputs[1]) * self._channels
        self._rows = max(1, BAND // line)
        self._band = max(1, min(outputs[0] * min(n, BLOCKS) // BLOCKS, self._rows))
        self._blocks = min(n, BLOCKS)
        self._block = -(-n // self._blocks)

    def __call__(self, X: Array, weight: Array, bias: Array, out: Array, relu: bool) -> Array:
        """Fill ``out``, and return the contiguous images, which the backward pass needs.

        Args:
            X: (N, H, W, C), of any strides.
            weight: (C, 1, fh, fw).
            bias: (C,), or ``NO_BIAS``.
            out: (N, OH, OW, C), contiguous.
            relu: whether to apply relu.
        """
        images = padded(X, NOT_PADDED, partial(self._named, "input"))
        np.copyto(self._matrix, weight[:, 0].transpose(1, 2, 0))
        convolve.compiled(images, self._matrix, bias, out, *self._numbers, relu, self._band)
        return images

    def gradients(
        self, X: Array, weight: Array, G: Array, out: Array | None, dX: Array | None
    ) -> tuple[Array, Array]:
        """Return the gradients of filters and bias, as views of a buffer; fill ``dX``.

        Args:
            X: what the forward pass returned.
            weight: (C, 1, fh, fw).
            G: (N, OH, OW, C), of any strides: the gradient for the result.
            out: what relu returned, or None without relu.
            dX: (N, H, W, C), contiguous, or None where it is not needed.
        """
        fh, fw, channels = self._matrix.shape
        sums = self._buffer("gradient sums", (self._blocks, fh * fw + 1, channels), np.float32)
        grad = padded(G, NOT_PADDED, partial(self._named, "gradient"))
        np.copyto(self._matrix, weight[:, 0].transpose(1, 2, 0))
        gradients.compiled(
            X, self._matrix, grad, grad if out is None else out, X[:0] if dX is None else dX, sums,
            *self._numbers, out is not None, self._block, self._rows,
        )  # fmt: skip
        taps = sums[0, :-1].reshape(fh, fw, channels).transpose(2, 0, 1)
        return taps[:, None], sums[0, -1]

    def _named(self, name: str, _: str, shape: Sizes, dtype: Any) -> Array:
        return self._buffer(name, shape, dtype)


@part
def _taps_read(
    outputs: int, taps: int, stride: int, spacing: int, before: int, size: int, found: Any
) -> None:
    """Fill ``found`` (outputs, 2) with the first tap that is inside, and how many are."""
    for o in range(outputs):
        found[o] = 0
        for t in range(taps):
            if 0 <= o * stride + t * spacing - before < size:
                found[o, 0] = t if found[o, 1] == 0 else found[o, 0]
                found[o, 1] += 1


@part
def _taps_reading(
    size: int, taps: int, stride: int, spacing: int, before: int, outputs: int, found: Any
) -> None:
    """Fill ``found`` (size, 2) with the first tap by which outputs read each input; count them.

    The taps are ``_jump`` apart.
    """
    for i in range(size):
        found[i] = 0
        for t in range(taps):
            place = i + before - t * spacing
            if 0 <= place < outputs * stride and place % stride == 0:
                found[i, 0] = t if found[i, 1] == 0 else found[i, 0]
                found[i, 1] += 1


@part
def _jump(stride: int, spacing: int) -> int:
    """Return the distance between the taps by which outputs read one input."""
    jump = 1
    while jump * spacing % stride != 0:
        jump += 1
    return jump


@part
def _segments(found: Any, stride: int, most: int, segments: Any) -> int:
    """Fill ``segments`` with (first position, number, first tap, taps) of equal taps; count them.

    The positions of a segment, of which there are at most ``most``, are ``stride`` apart.
    """
    size, count = len(found), 0
    for a in range(min(stride, size)):
        begin = a
        while begin < size:
            first, taps = found[begin]
            end = begin + stride
            while end < min(size, begin + most * stride):
                if found[end, 0] != first or found[end, 1] != taps:
                    break
                end += stride
            segments[count, 0], segments[count, 1] = begin, (end - begin) // stride
            segments[count, 2], segments[count, 3] = first, taps
            count += 1
            begin = end
    return count


@kernel
def convolve(
    X: Any, W: Any, b: Any, out: Any, top: int, left: int, sh: int, sw: int, dh: int, dw: int,
    relu: bool, band: int,
) -> None:  # fmt: skip
    """Fill ``out`` with the convolution plus ``b``, or with relu of it.

    Args:
        X: (N, H, W, C), contiguous, without padding.
        W: (fh, fw, C), contiguous.
        b: (C,), or empty.
        out: (N, OH, OW, C), contiguous.
        top, left: zeros before the first row and column.
        sh, sw, dh, dw: stride and dilation.
        relu: whether to apply relu.
        band: rows of ``out`` that a task computes.
    """
    height, width, channels = X.shape[1:]
    images, rows, positions, _ = out.shape
    fh, fw, _ = W.shape
    bands = -(-rows // band)
    numbers, weights, sums = X.reshape(-1), W.reshape(-1), out.reshape(-1)
    down, across = np.empty((rows, 2), np.int64), np.empty((positions, 2), np.int64)
    segments = np.empty((positions, 4), np.int64)
    _taps_read(rows, fh, sh, dh, top, height, down)
    _taps_read(positions, fw, sw, dw, left, width, across)
    count = _segments(across, 1, positions, segments)
    line, length = width * channels, positions * channels
    biases = repeated(b, positions, channels)
    for task in prange(images * bands):
        n, first = task // bands, (task % bands) * band
        own = np.empty((band, 4), np.int64)
        for r in range(_segments(down[first : first + band], 1, band, own)):
            i, high, m, runs = own[r]
            i += first
            for s in range(count):
                j, wide, k, taps = segments[s]
                window_sums(
                    runs, taps, high, wide, numbers,
                    (n * height + i * sh + m * dh - top) * line
                    + (j * sw + k * dw - left) * channels,
                    sh * line, sw * channels, dh * line, dw * channels,
                    weights, (m * fw + k) * channels, fw * channels, channels,
                    sums, (n * rows + i) * length + j * channels, length, channels, channels,
                )  # fmt: skip
        for i in range(first, min(first + band, rows)):
            row_sums = sums[(n * rows + i) * length :][:length]
            for c in range(length):
                total = row_sums[c] + biases[c]
                # In this form NaN is kept, because no comparison with it is true.
                row_sums[c] = np.float32(0) if relu and total < 0 else total


@part
def _mask(source: Any, out: Any, target: Any) -> None:
    """Copy the gradient where relu let the output through; 0 elsewhere."""
    for c in range(len(source)):
        g = source[c]  # read in any case: this needs no branch
        target[c] = g if out[c] > 0 else np.float32(0)


@kernel
def gradients(
    X: Any, W: Any, G: Any, out: Any, dX: Any, blocks: Any, top: int, left: int,
    sh: int, sw: int, dh: int, dw: int, relu: bool, block: int, band: int,
) -> None:  # fmt: skip
    """Compute the gradients of ``convolve`` for images, filters and bias.

    Args:
        X, W, top, left, sh, sw, dh, dw, relu: as in ``convolve``.
        G: (N, OH, OW, C), contiguous: the gradient for the result.
        out: what relu returned; not read without ``relu``.
        dX: (N, H, W, C), contiguous, to be filled; or empty.
        blocks: (blocks, fh · fw + 1, C), to be filled: the gradients of the filters and, in the
            last row, of the bias, of each block of images; in the first block the sum of all.
        block: images of a block.
        band: rows that are computed at once.
    """
    images, height, width, channels = X.shape
    _, rows, positions, _ = G.shape
    fh, fw, _ = W.shape
    numbers, weights, sums, dx = X.reshape(-1), W.reshape(-1), blocks.reshape(-1), dX.reshape(-1)
    grad, results, ones = G.reshape(-1), out.reshape(-1), np.ones(channels, X.dtype)
    down, across = np.empty((rows, 2), np.int64), np.empty((positions, 2), np.int64)
    up, back = np.empty((height, 2), np.int64), np.empty((width, 2), np.int64)
    _taps_read(rows, fh, sh, dh, top, height, down)
    _taps_read(positions, fw, sw, dw, left, width, across)
    _taps_reading(height, fh, sh, dh, top, rows, up)
    _taps_reading(width, fw, sw, dw, left, positions, back)
    down_segments, segments = np.empty((rows, 4), np.int64), np.empty((positions, 4), np.int64)
    up_segments, back_segments = np.empty((height, 4), np.int64), np.empty((width, 4), np.int64)
    down_count, count = (
        _segments(down, 1, band, down_segments),
        _segments(across, 1, positions, segments),
    )
    up_count, back_count = (
        _segments(up, sh, band, up_segments),
        _segments(back, sw, width, back_segments),
    )
    jump_h, jump_w = _jump(sh, dh), _jump(sw, dw)
    line, length = width * channels, positions * channels
    for task in prange(len(blocks)):
        blocks[task] = 0
        mine = task * (fh * fw + 1) * channels
        masked = np.empty(rows * length if relu else 0, X.dtype)
        for n in range(task * block, min(task * block + block, images)):
            g, begin = grad, n * rows * length
            if relu:
                _mask(grad[begin:][: rows * length], results[begin:][: rows * length], masked)
                g, begin = masked, 0
            # The bias meets a one for each output.
            window_gradients(
                1, 1, rows, positions, ones, 0, 0, 0, 0, 0, sums, mine + fh * fw * channels, 0, 0,
                g, begin, length, channels, channels,
            )  # fmt: skip
            for r in range(down_count):
                i, high, m, runs = down_segments[r]
                for s in range(count):
                    j, wide, k, taps = segments[s]
                    window_gradients(
                        runs, taps, high, wide, numbers,
                        (n * height + i * sh + m * dh - top) * line
                        + (j * sw + k * dw - left) * channels,
                        sh * line, sw * channels, dh * line, dw * channels,
                        sums, mine + (m * fw + k) * channels, fw * channels, channels,
                        g, begin + i * length + j * channels, length, channels, channels,
                    )  # fmt: skip
            for r in range(up_count if dX.size > 0 else 0):
                i, high, m, runs = up_segments[r]
                for s in range(back_count):
                    j, wide, k, taps = back_segments[s]
                    window_sums(
                        runs, taps, high, wide, g,
                        begin + (i + top - m * dh) // sh * length
                        + (j + left - k * dw) // sw * channels,
                        length, channels,
                        -(jump_h * dh // sh) * length, -(jump_w * dw // sw) * channels,
                        weights, (m * fw + k) * channels, jump_h * fw * channels,
                        jump_w * channels,
                        dx, (n * height + i) * line + j * channels, sh * line, sw * channels,
                        channels,
                    )  # fmt: skip
    add_blocks(sums, len(blocks), (fh * fw + 1) * channels)
