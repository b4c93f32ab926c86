"""Prepared convolutions: buffers allocated once for given shapes, then only kernels are called.

Images are (N, C, H, W) outside and (N, H, W, C) here. ``ConvForward`` computes a convolution with
its bias, relu and max pooling; ``ConvBackward`` the gradients of a convolution, and
``PooledConvBackward`` those of a convolution with max pooling behind it. Kernels are called
through ``.compiled``, so the caller must be inside a ``parallel_region``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from neural_network.kernels.convolution import maxima, tiles
from neural_network.kernels.products import padded_columns
from neural_network.kernels.runtime.aligned import aligned
from neural_network.kernels.runtime.layouts import PADDED, Array, Pads, Sizes, as_line
from neural_network.kernels.tile import LANES

# Returns the memory of an array: (name, shape, dtype) -> array.
Buffer = Callable[[str, Sizes, Any], Array]

NO_BIAS = np.zeros(0, np.float32)
# No moments of blocks are computed.
NO_MOMENTS = (1, 1, np.zeros(0), np.zeros(0))
# A batch is cut into this many blocks for the filters' gradient; one partial sum is kept for each
# block, and the sums are added in order. Fixed, so that results do not depend on the number of
# threads; large enough for many cores.
BLOCKS = 16


def new_buffer(name: str, shape: Sizes, dtype: Any = np.float32) -> Array:  # noqa: ARG001  # a ``Buffer``
    """Return newly allocated memory."""
    return aligned(shape, dtype)


def padded(X: Array, pads: Pads, buffer: Buffer) -> Array:
    """Return (N, H, W, C) images of any strides as a contiguous array, with zeros around them."""
    n, h, w, c = X.shape
    (top, bottom), (left, right) = pads
    shape = (n, h + top + bottom, w + left + right, c)
    if shape == X.shape and X.flags.c_contiguous:
        return X
    copy = buffer(PADDED, shape, np.float32)
    tiles.copy_padded.compiled(X, _planes(X), copy, top, left, _planar(X))
    return copy


class ConvForward:
    """Convolution, bias, relu and max pooling for given shapes.

    Args:
        input_shape: (N, H, W, C), without padding.
        weight_shape: (F, C, fh, fw).
        stride: of the convolution.
        pads: zeros around the images.
        pool: size of the pooling window, or None.
        output_sizes: height and width of the result: of the convolution, or of the pooling.
        buffer: allocates memory.

    Attributes:
        argmax: (N, PH, PW, F) uint8: with pooling, the index of the largest sum of each window.
    """

    def __init__(
        self, input_shape: Sizes, weight_shape: Sizes, stride: Sizes, pads: Pads,
        pool: Sizes | None, output_sizes: Sizes, buffer: Buffer,
    ) -> None:  # fmt: skip
        n, height, width, channels = self._input_shape = input_shape
        (top, bottom), (left, right) = self._pads = pads
        self._padded_shape = (n, height + top + bottom, width + left + right, channels)
        self._buffer, self._matrix = buffer, _WeightMatrix(weight_shape, buffer)
        # A task computes all rows of an image, or some of them where there are few images.
        self._output_rows = output_sizes[0]
        self._band = max(1, self._output_rows * min(n, BLOCKS) // BLOCKS)
        # First and last row that are no padding, sizes, strides, and top left corner or pool.
        self._numbers = (top, top + height, *weight_shape[2:], *stride, *(pool or (0, 0)))
        self.argmax: Array | None = None
        if pool is not None:
            self.argmax = buffer("argmax", (n, *output_sizes, weight_shape[0]), np.uint8)
        self._memory: Array | None = None
        self._place: Array | None = None
        self._other_place: Array | None = None
        self._moments: tuple[Any, ...] = NO_MOMENTS

    def fill_moments(self, block: int, period: int, means: Array, squares: Array) -> bool:
        """Fill the moments of the blocks of the result in each call, if one task has whole images.

        The result is contiguous then.

        Args:
            block, period, means, squares: as of ``batch_norm.BlockMoments``.

        Returns:
            Whether it does.
        """
        fits = self.argmax is None and self._band == self._output_rows
        if fits:
            self._moments = block, period, means.reshape(-1), squares.reshape(-1)
        return fits

    def place_of_input(self) -> Array | None:
        """Return where images may be written that are then read without a copy.

        It is (N, H, W, C) within an array with the zeros around the images; None without padding.
        """
        if self._place is None and self._padded_shape != self._input_shape:
            memory = self._memory = self._buffer(PADDED, self._padded_shape, np.float32)
            (top, bottom), (left, right) = self._pads
            _, high, wide, _ = memory.shape
            self._place = memory[:, top : high - bottom, left : wide - right]
        return self._place

    def write_zeros(self) -> None:
        """Surround the place of the input with zeros."""
        assert self._memory is not None
        (top, bottom), (left, right) = self._pads
        _, high, wide, _ = self._memory.shape
        self._memory[:, :top] = 0
        self._memory[:, high - bottom :] = 0
        self._memory[:, top : high - bottom, :left] = 0
        self._memory[:, top : high - bottom, wide - right :] = 0

    def may_read(self, place: Array) -> bool:
        """Return whether images in another place are read without a copy; let it do so."""
        fits = self._padded_shape == self._input_shape and self.argmax is None
        self._other_place = place if fits else None
        return fits

    def __call__(
        self, X: Array, weight: Array, bias: Array, out: Array, relu: bool,
        added: Array | None = None,
    ) -> Array:  # fmt: skip
        """Fill ``out`` with the sums of each window, or the largest sum of each pooling window.

        Args:
            X: (N, H, W, C), of any strides, or ``place_of_input()``, or what it may read.
            weight: (F, C, fh, fw).
            bias: (F,), or ``NO_BIAS``.
            out: (N, OH, OW, F), of any strides that are not negative.
            relu: whether to apply relu.
            added: (N, OH, OW, F), as ``out``: added before relu; only without pooling.

        Returns:
            The padded images, which the backward pass needs; their rows are adjacent.
        """
        if X is self._place and self._memory is not None:
            images = self._memory
        elif X is self._other_place and X is not None:
            images = X
        else:
            images = padded(X, self._pads, self._buffer)
        line, steps = as_line(out)
        common = *as_line(images), images.shape[3], self._matrix.filled(weight), bias, line, steps
        if self.argmax is None:
            summand = (NO_BIAS, steps) if added is None else as_line(added)
            tiles.convolve.compiled(
                *common, out.shape, *summand, *self._numbers, relu, self._band, *self._moments
            )
        else:
            tiles.convolve_and_pool.compiled(
                *common, out.shape, self.argmax.reshape(-1), *self._numbers, relu, self._band
            )
        return images


class _Axis:
    """How the input gradient is computed along one spatial axis.

    Input i contributed to output o through tap m where i + padding = o · stride + m. All inputs
    whose i + padding has the same remainder a modulo the stride use the taps a, a + stride, …, so
    their gradient is a convolution with every stride-th tap over the outputs: a *phase*.

    Attributes:
        phases: (first input, first output counted from ``-before``, taps from last to first) of
            each phase; from the first input on, every stride-th belongs to it.
        before, after: zeros that the output gradient needs at both ends.
    """

    def __init__(self, taps: int, stride: int, outputs: int, size: int, padding: int) -> None:
        self.size, self.stride = size, stride
        self.before = last = 0
        phases = []
        for a in range(min(stride, size + padding)):
            own = range(a, taps, stride)[::-1]
            first = max(-(-(padding - a) // stride), 0)
            begin = a + first * stride - padding
            if begin >= size:
                continue
            last = max(last, first + -(-(size - begin) // stride))
            phases.append((begin, first - (len(own) - 1), own))
            self.before = max(self.before, -phases[-1][1])
        self.phases = [(begin, first + self.before, own) for begin, first, own in phases]
        self.after = max(last - outputs, 0)


class ConvBackward:
    """Gradients of a convolution for given shapes.

    Args:
        input_shape: (N, H, W, C), without padding.
        weight_shape: (F, C, fh, fw).
        stride: of the convolution.
        pads: zeros around the images.
        output_sizes: height and width of the convolution's result.
        buffer: allocates memory.
        needs_input_grad: whether ``input_gradient`` will be called.
    """

    def __init__(
        self, input_shape: Sizes, weight_shape: Sizes, stride: Sizes, pads: Pads,
        output_sizes: Sizes, buffer: Buffer, *, needs_input_grad: bool,
    ) -> None:  # fmt: skip
        n, *sizes, channels = input_shape
        filters, _, *taps = weight_shape
        self._rows = (pads[0][0], pads[0][0] + sizes[0])  # rows that are no padding
        self._weight_shape, self._output_sizes, self._stride = weight_shape, output_sizes, stride
        axes = [
            _Axis(t, s, o, size, before)
            for t, s, o, size, (before, _) in zip(
                taps, stride, output_sizes, sizes, pads, strict=True
            )
        ]
        self._corner, (high, wide) = (0, 0), output_sizes
        if needs_input_grad:
            self._corner = (axes[0].before, axes[1].before)
            high, wide = (o + a.before + a.after for o, a in zip(output_sizes, axes, strict=True))
        columns, blocks = padded_columns(filters), min(n, BLOCKS)
        self._grad_out = buffer("padded gradient", (n, high, wide, columns), np.float32)
        self._bias_sums = buffer("bias sums", (n, filters), np.float32)
        self._block = -(-n // blocks)
        self._weight_sums = buffer(
            "filter sums", (blocks, taps[0] * taps[1] * channels, columns), np.float32
        )
        self._phases = list(self._prepare_phases(n, axes, buffer)) if needs_input_grad else []

    def _prepare_phases(self, n: int, axes: list[_Axis], buffer: Buffer) -> Iterator[Any]:
        """Yield the input's slices, the taps, their matrix and the kernel's numbers of a phase."""
        filters, channels, *_ = self._weight_shape
        rows, columns = axes
        begin = self._corner[0]
        for i, top, down in rows.phases:
            band = max(1, -(-(rows.size - i) // rows.stride) * min(n, BLOCKS) // BLOCKS)
            for j, left, along in columns.phases:
                shape = (channels, padded_columns(filters), len(down), len(along))
                matrix = (
                    _WeightMatrix(shape, buffer, f"filters {i} {j}") if down and along else None
                )
                yield (slice(i, None, rows.stride), slice(j, None, columns.stride)), (
                    # Views in place of lists: nothing is copied twice.
                    slice(down.start, None, down.step), slice(along.start, None, along.step),
                ), matrix, (
                    begin, begin + self._output_sizes[0], len(down), len(along), 1, 1, top, left,
                    band,
                )  # fmt: skip

    def relu_backward(self, G: Array, out: Array | None) -> Array:
        """Copy the gradient, masked by relu, for the methods below; return the bias's gradient.

        Args:
            G: (N, OH, OW, F), of any strides.
            out: what relu returned, of any strides that are not negative; None without relu.
        """
        return masked(G, out, self._grad_out, self._bias_sums, *self._corner)

    def place_of_gradient(self) -> tuple[Array, int, int]:
        """Return where the methods below read the gradient, and the position of its corner."""
        return self._grad_out, *self._corner

    def written_in_place(self) -> None:
        """Surround a gradient that was written there with the zeros that ``relu_backward`` adds."""
        (top, left), (rows, positions) = self._corner, self._output_sizes
        whole, filters = self._grad_out[:, top : top + rows], self._weight_shape[0]
        whole[:, :, :left] = 0
        whole[:, :, left + positions :] = 0
        whole[:, :, left : left + positions, filters:] = 0

    def weight_gradient(self, X: Array) -> Array:
        """Return the filters' gradient (F, C, fh, fw) as a view.

        Args:
            X: the padded images that ``ConvForward`` returned.
        """
        _, _, *taps = self._weight_shape
        tiles.filters_gradient.compiled(
            *as_line(X), X.shape[3], self._grad_out, self._weight_sums, *self._rows, len(X),
            *self._output_sizes, *taps, *self._stride, *self._corner, self._block,
        )  # fmt: skip
        return _as_weight(self._weight_sums[0], self._weight_shape)

    def input_gradient(
        self, weight: Array, out: Array, bias: Array = NO_BIAS, *, relu: bool = False,
        add: bool = False,
    ) -> None:  # fmt: skip
        """Fill ``out`` (N, H, W, C), without padding: one convolution for each phase.

        ``bias``, (C,), and relu are those of a transposed convolution. With ``add``, the gradient
        is added to what is in ``out``.
        """
        images = *as_line(self._grad_out), self._grad_out.shape[3]
        for where, (down, along), matrix, numbers in self._phases:
            part = out[:, where[0], where[1]]
            if matrix is None:  # no tap reads these inputs
                if not add:
                    alone = np.where(bias < 0, np.float32(0), bias) if relu else bias
                    part[...] = alone if bias.size > 0 else 0
                continue
            taps = weight[:, :, down, along].swapaxes(0, 1)
            line, steps = as_line(part)
            tiles.convolve.compiled(
                *images, matrix.filled(taps), bias, line, steps, part.shape,
                line if add else NO_BIAS, steps, *numbers[:-1], relu, numbers[-1], *NO_MOMENTS,
            )  # fmt: skip


def masked(
    G: Array, out: Array | None, result: Array, sums: Array, top: int, left: int
) -> Array:  # fmt: skip
    """Copy a gradient, masked by relu, into a larger array; return the bias's gradient.

    Args:
        G: (N, OH, OW, F), of any strides.
        out: what relu returned, or None without relu.
        result: (N, H, W, columns), contiguous; rows above and below the gradient are not written.
        sums: (N, F), to be filled.
        top, left: where in ``result`` the gradient begins.
    """
    line, steps = (NO_BIAS, G.shape) if out is None else as_line(out)
    tiles.relu_backward.compiled(
        G, _planes(G), line, steps, result, sums, out is not None, top, left, _planar(G)
    )
    bias: Array = sums[0]
    return bias


class PooledConvBackward:
    """Gradients of a convolution with max pooling behind it, for given shapes.

    Args:
        input_shape, weight_shape, stride, pads, buffer, needs_input_grad: as in ``ConvBackward``.
        output_sizes: height and width of the pooling's result.
        pool: size of the pooling window.

    Attributes:
        dX: (N, H, W, C), without padding: the input's gradient after a call, where it is needed.
    """

    def __init__(
        self, input_shape: Sizes, weight_shape: Sizes, stride: Sizes, pads: Pads,
        output_sizes: Sizes, buffer: Buffer, pool: Sizes, *, needs_input_grad: bool,
    ) -> None:  # fmt: skip
        n, h, w, channels = input_shape
        filters, _, fh, fw = weight_shape
        (top, bottom), (left, right) = pads
        self._weight_shape = weight_shape
        blocks = min(n, BLOCKS)
        self._numbers = (fh, fw, *stride, *pool, -(-n // blocks))
        self._bias_sums = buffer("bias sums", (blocks, filters), np.float32)
        # Lists of maxima cost more than they save where windows hold few numbers.
        self._dense = fw * channels < LANES and not needs_input_grad
        if self._dense:
            shape = (blocks, fh * fw * channels, padded_columns(filters))
            self._conv_sizes = (output_sizes[0] * pool[0], output_sizes[1] * pool[1])
        else:
            shape = (blocks, filters, fh * fw * channels)
            self._matrix = buffer("filter rows", (filters, fh, fw, channels), np.float32)
            high, wide = h + top + bottom, w + left + right
            padded_shape = (n if needs_input_grad else 0, high, wide, channels)
            self._padded_dX = buffer("padded input gradient", padded_shape, np.float32)
            self.dX = self._padded_dX[:, top : high - bottom, left : wide - right]
        self._weight_sums = buffer("filter sums", shape, np.float32)

    def __call__(self, X: Array, weight: Array, G: Array, argmax: Array) -> tuple[Array, Array]:
        """Return the gradients of filters and bias, as views of buffers.

        Args:
            X: (N, H, W, C), the padded images that ``ConvForward`` returned.
            weight: (F, C, fh, fw).
            G: (N, PH, PW, F), of any strides.
            argmax: ``ConvForward.argmax``.
        """
        filters, channels, fh, fw = self._weight_shape
        if self._dense:
            maxima.dense_gradients.compiled(
                X, G, argmax, self._weight_sums, self._bias_sums, *self._conv_sizes, *self._numbers
            )
            return _as_weight(self._weight_sums[0], self._weight_shape), self._bias_sums[0]
        np.copyto(self._matrix, weight.transpose(0, 2, 3, 1))
        maxima.sparse_gradients.compiled(
            X, self._matrix.reshape(filters, -1), G, argmax, self._padded_dX, self._weight_sums,
            self._bias_sums, *self._numbers,
        )  # fmt: skip
        taps = self._weight_sums[0].reshape(filters, fh, fw, channels)
        return taps.transpose(0, 3, 1, 2), self._bias_sums[0]


class _WeightMatrix:
    """Filters as kernels read them: (fh · fw · C, F), columns padded to whole vectors.

    Args:
        weight_shape: (F, C, fh, fw).
        buffer: allocates memory.
        name: of the memory.
    """

    def __init__(self, weight_shape: Sizes, buffer: Buffer, name: str = "filters") -> None:
        filters, channels, fh, fw = weight_shape
        memory = buffer(name, (fh, fw, channels, padded_columns(filters)), np.float32)
        self._filters, self._padding = memory[..., :filters], memory[..., filters:]
        self._matrix = memory.reshape(fh * fw * channels, -1)

    def filled(self, weight: Array) -> Array:
        """Return the matrix of filters (F, C, fh, fw); those of channels that are missing are 0."""
        given = weight.shape[1]
        self._filters[:, :, given:] = 0
        self._padding[...] = 0
        np.copyto(self._filters[:, :, :given], weight.transpose(2, 3, 1, 0))
        return self._matrix


def _as_weight(matrix: Array, weight_shape: Sizes) -> Array:
    """View a matrix (fh · fw · C, columns) as filters (F, C, fh, fw)."""
    filters, channels, fh, fw = weight_shape
    return matrix[:, :filters].reshape(fh, fw, channels, filters).transpose(3, 2, 0, 1)


def _planar(X: Array) -> bool:
    """Return whether in (N, H, W, C) the numbers of one channel are adjacent in memory."""
    return X.strides[3] > X.strides[2] > 0


def _planes(X: Array) -> Array:
    """Return (N, H, W, C) as one axis, if it is contiguous as (N, C, H, W); else no number."""
    planes = X.transpose(0, 3, 1, 2)
    return planes.reshape(-1) if planes.flags.c_contiguous else NO_BIAS
