"""Transposed convolution for given shapes, with bias and relu, and its gradients.

It is the transpose of a convolution: its result is that convolution's input gradient, and its own
input gradient is that convolution. So both are computed by the kernels of ``prepared``.
"""

from __future__ import annotations

import numpy as np

from neural_network.kernels.convolution import few_filters
from neural_network.kernels.convolution.prepared import (
    BLOCKS,
    NO_BIAS,
    Buffer,
    ConvBackward,
    ConvForward,
    masked,
)
from neural_network.kernels.products import padded_columns
from neural_network.kernels.runtime.layouts import Array, Pads, Sizes, as_line


class TransposedConv:
    """Transposed convolution for given shapes; see ``prepared`` about kernels and layouts.

    Args:
        output_shape: (N, OH, OW, F) of its result.
        weight_shape: (C, F, fh, fw).
        stride, pads: of the convolution that it is the transpose of.
        sizes: height and width of its input.
        buffer: allocates memory.
    """

    def __init__(
        self, output_shape: Sizes, weight_shape: Sizes, stride: Sizes, pads: Pads, sizes: Sizes,
        buffer: Buffer,
    ) -> None:  # fmt: skip
        n, height, width, filters = output_shape
        (top, bottom), (left, right) = self._pads = pads
        self._buffer, self._sizes = buffer, sizes
        self._by = ConvBackward(
            output_shape, weight_shape, stride, pads, sizes, buffer, needs_input_grad=True
        )
        self._padded_shape = (n, height + top + bottom, width + left + right, filters)
        self._options = weight_shape, stride
        self._input_shape = (n, *sizes, weight_shape[0])
        self._place: Array | None = None
        # A task computes all rows of an image, or some of them where there are few images.
        self._band = max(1, height * min(n, BLOCKS) // BLOCKS)
        channels, _, *taps = weight_shape
        self._matrix: Array | None = None
        if filters <= few_filters.FEW:
            columns = padded_columns(filters * taps[0] * taps[1])
            self._matrix = buffer("filters of a pixel", (channels, columns), np.float32)
        # The kernels of the backward pass are prepared on first use.
        self._convolve: ConvForward | None = None

    def place_of_input(self) -> Array | None:
        """Return where images (N, H, W, C) may be written that are then read without a copy.

        None where what follows an image there is not its next pixel: it has fewer channels than
        numbers of whole vectors.
        """
        memory, top, left = self._by.place_of_gradient()
        _, height, width, channels = self._input_shape
        if self._place is None and memory.shape[3] == channels:
            self._place = memory[:, top : top + height, left : left + width]
        return self._place

    def __call__(self, X: Array, weight: Array, bias: Array, out: Array, relu: bool) -> None:
        """Fill ``out``; keep the input.

        Args:
            X: (N, H, W, C), of any strides, or ``place_of_input()``.
            weight: (C, F, fh, fw).
            bias: (F,), or ``NO_BIAS``.
            out: (N, OH, OW, F), of any strides.
            relu: whether to apply relu.
        """
        if X is self._place:
            self._by.written_in_place()
        else:
            self._by.relu_backward(X, None)
        if self._matrix is None:
            self._by.input_gradient(weight, out, bias, relu=relu)
            return
        columns = weight.transpose(0, 2, 3, 1).reshape(len(weight), -1)
        self._matrix[:, : columns.shape[1]] = columns
        self._matrix[:, columns.shape[1] :] = 0
        memory, *corner = self._by.place_of_gradient()
        (top, _), (left, _) = self._pads
        few_filters.transposed.compiled(
            memory, self._input_shape[1:], self._matrix, bias, *as_line(out), out.shape,
            *weight.shape[2:], *self._options[1], tuple(corner), top, left, relu, self._band,
        )  # fmt: skip

    def gradients(
        self, weight: Array, G: Array, out: Array | None, dX: Array | None
    ) -> tuple[Array, Array]:
        """Return the gradients of the last call for filters and bias, as views; fill ``dX``.

        Args:
            weight: (C, F, fh, fw).
            G: (N, OH, OW, F), of any strides: the gradient for the result.
            out: what relu returned, or None without relu.
            dX: (N, H, W, C), contiguous, or None where it is not needed.
        """
        grad = self._buffer("padded result gradient", self._padded_shape, np.float32)
        sums = self._buffer("result bias sums", (len(grad), grad.shape[3]), np.float32)
        (top, _), (left, _) = self._pads
        grad[:, :top] = 0
        grad[:, top + G.shape[1] :] = 0
        bias = masked(G, out, grad, sums, top, left)
        if dX is not None:
            if self._convolve is None:
                no_pads = ((0, 0), (0, 0))
                self._convolve = ConvForward(
                    self._padded_shape, *self._options, no_pads, None, self._sizes, self._buffer
                )
            self._convolve(grad, weight, NO_BIAS, dX, False)
        return self._by.weight_gradient(grad), bias
