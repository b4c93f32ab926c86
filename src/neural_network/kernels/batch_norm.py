"""Batch norm in training for the plan, with relu and max pooling: float32, channels last.

Memory is seen as a line of numbers, cut into pieces of one *period*: a multiple of the channels, so
that the numbers of a channel stand at the same places of each piece. An array with a number for
each place of a period serves all of them, and inner loops are long for few channels as well.

Sums are added up in float32 over short blocks and in float64 over the blocks, in order. The mean
is subtracted in two parts: what float32 holds of it, and, within the shift, the rest.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from neural_network.kernels import normalization
from neural_network.kernels.convolution.tiles import NOWHERE
from neural_network.kernels.copies import copy
from neural_network.kernels.moments import BLOCK, block_of, combine, moments_of_image, period_of
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.runtime.layouts import Array, Sizes, as_line

# No fast-math: relu's mask is computed again in the backward pass, and has to be the same.
AS_WRITTEN: frozenset[str] = frozenset()
exact_kernel = partial(kernel, flags=AS_WRITTEN)
exact_part = partial(part, flags=AS_WRITTEN)


class BlockMoments:
    """The moments of the blocks of images, which the kernel that makes the images may fill.

    Args:
        shape: N, H, W and C.

    Attributes:
        block, period: positions of a block, and numbers of a period; see ``kernels.moments``.
        means, squares: (blocks, C) in float64.
    """

    def __init__(self, shape: Sizes) -> None:
        images, height, width, channels = shape
        self._positions = height * width
        self.block = block_of(self._positions, channels)
        self.period = period_of(channels)
        blocks = images * -(-self._positions // self.block)
        self.means, self.squares = np.empty((2, blocks, channels))

    def of_all(self, X: Array, *, filled: bool) -> tuple[Array, Array]:
        """Return mean and variance of each channel, (C,) and (C,) in float64.

        Called inside a ``parallel_region``, as all functions of this file.

        Args:
            X: (N, H, W, C), contiguous.
            filled: whether the moments of its blocks are here already.
        """
        mean, variance = np.empty((2, X.shape[-1]))
        own, result = (self.means, self.squares), (mean, variance)
        numbers = X.reshape(-1)[:0] if filled else X.reshape(-1)  # of no image, or of all
        block_moments.compiled(numbers, self._positions, self.block, self.period, *own, *result)
        if np.isfinite(variance).all():
            return mean, variance
        # Not finite, or beyond what squares in float32 can represent.
        return normalization.moments(X.transpose(0, 3, 1, 2))


def gradient_sums(G: Array, X: Array, numbers: Array, above: float | None) -> tuple[Array, Array]:
    """Return Σ g and Σ g · x̂ of each channel, (C,) and (C,) in float64.

    Args:
        G: the gradient for the result, contiguous.
        X: the normalized array, contiguous.
        numbers: (5, C) float32: ``mean``, ``scale`` and ``shift`` of the result, and ``over`` and
            ``rest``, for ``x̂ = (X − mean) · over + rest``.
        above: where the result is not above it, ``g`` counts as 0; None: nowhere.
    """
    count, channels, period, block = _blocks(X)
    sums, products = np.empty((2, count, channels))
    masked, limit = above is not None, np.float32(above or 0)
    block_gradient_sums.compiled(
        G.reshape(-1), X.reshape(-1), numbers, period, block, masked, limit, sums, products
    )
    return sums[0], products[0]


def normalized(
    X: Array, numbers: Array, out: Array, relu: bool, added: Array | None = None
) -> None:  # fmt: skip
    """Fill ``out`` with ``(X − mean) · scale + shift``, plus ``added``, or with relu of it.

    Args:
        X: (N, H, W, C), contiguous.
        numbers: (3, C): mean, scale and shift.
        out: (N, H, W, C); the numbers of each row are adjacent.
        relu: whether to apply relu.
        added: as ``out``, or None.
    """
    line, steps = as_line(out)
    summand = (line[:0], steps) if added is None else as_line(added)
    normalize.compiled(X.reshape(-1), numbers, line, steps, X.shape, *summand, relu)


def _blocks(X: Array) -> tuple[int, int, int, int]:
    """Return how many blocks there are, the channels, and the numbers of a period and a block."""
    channels = X.shape[-1]
    period = period_of(channels)
    block = period * max(4, BLOCK // period)
    return -(-X.size // block), channels, period, block


@exact_part
def _repeated(numbers: Any, period: int) -> Any:
    """Return (rows, period) from (rows, C): the numbers of a channel at each of its places."""
    rows, channels = numbers.shape
    result = np.empty((rows, period), numbers.dtype)
    for row in range(rows):
        for begin in range(0, period, channels):
            for c in range(channels):
                result[row, begin + c] = numbers[row, c]
    return result


@exact_kernel
def block_moments(
    X: Any, positions: int, block: int, period: int, means: Any, squares: Any, mean: Any,
    variance: Any,
) -> None:  # fmt: skip
    """Fill means and sums of squared differences from them, (blocks, C), of each block of X.

    And mean and variance of all, (C,). Where X is empty, the blocks are filled already. Other
    arguments as of ``moments.moments_of_image``.
    """
    channels = means.shape[1]
    size = positions * channels
    for image in prange(len(X) // size):
        moments_of_image(
            X, image * size, positions, channels, block, period, means.reshape(-1),
            squares.reshape(-1), image,
        )  # fmt: skip
    combine(means, squares, block, positions, mean, variance)


@exact_part
def _normalize(X: Any, mean: Any, scale: Any, shift: Any, out: Any) -> None:
    """``(X − mean) · scale + shift`` of a piece."""
    for i in range(len(X)):
        out[i] = (X[i] - mean[i]) * scale[i] + shift[i]


@exact_part
def _relu(numbers: Any) -> None:
    """Relu in place; NaN is kept, because no comparison with it is true."""
    for i in range(len(numbers)):
        numbers[i] = np.float32(0) if numbers[i] < 0 else numbers[i]


@exact_part
def _add_to(numbers: Any, added: Any) -> None:
    for i in range(len(numbers)):
        numbers[i] += added[i]


@exact_kernel
def normalize(
    X: Any, numbers: Any, out: Any, steps: Any, sizes: Any, added: Any, added_steps: Any, relu: bool
) -> None:
    """``(X − mean) · scale + shift``, plus ``added``, or relu of it.

    Args:
        X: (N, H, W, C) as one axis, contiguous.
        numbers: (3, C): mean, scale and shift.
        out, steps: (N, H, W, C) as ``layouts.as_line`` returns it; the numbers of a row adjacent.
        sizes: N, H, W and C.
        added, added_steps: as ``out``, or empty.
        relu: whether to apply relu.
    """
    images, height, width, channels = sizes
    length = width * channels
    repeated = _repeated(numbers, length)
    mean, scale, shift = repeated[0], repeated[1], repeated[2]
    for task in prange(images * height):
        n, i = task // height, task % height
        to = n * steps[0] + i * steps[1]
        here = out[to : to + length]
        _normalize(X[task * length : (task + 1) * length], mean, scale, shift, here)
        if added.size > 0:
            at = n * added_steps[0] + i * added_steps[1]
            _add_to(here, added[at : at + length])
        if relu:
            _relu(here)


@exact_part
def _keep_larger(
    normal: Any,
    line: Any,
    largest: Any,
    taps: Any,
    origin: Any,
    channels: int,
    along: int,
    tap: Any,
) -> None:
    """Keep the larger numbers, which tap they are of, and what they were made of.

    Of the windows of a row, whose corners are ``along`` numbers apart.
    """
    first = tap == 0
    for q in range(len(largest) // channels):
        for c in range(channels):
            # Unsigned, and without branches, so that the compiler vectorizes it.
            here, to = np.uint64(q * along + c), np.uint64(q * channels + c)
            found, there, most = normal[here], line[here], largest[to]
            which, before = taps[to], origin[to]
            better = first | (found > most) | (found != found)  # noqa: PLR0124  # NaN is kept
            largest[to] = found if better else most
            taps[to] = tap if better else which
            origin[to] = there if better else before


@exact_part
def _finish_pooling(largest: Any, taps: Any, argmax: Any, relu: bool) -> None:
    """Apply relu, and store the taps, where the gradient is not 0 because of relu or NaN."""
    if relu:
        for i in range(len(largest)):
            most, tap = largest[i], taps[i]
            argmax[i] = np.uint8(tap if most > 0 else np.int32(NOWHERE))
            largest[i] = np.float32(0) if most < 0 else most
    else:
        for i in range(len(largest)):
            most, tap = largest[i], taps[i]
            number = most == most  # noqa: PLR0124  # NaN is unequal to itself
            argmax[i] = np.uint8(tap if number else np.int32(NOWHERE))


@exact_part
def _spread(grad: Any, argmax: Any, target: Any, channels: int, along: int, tap: Any) -> None:
    """Write the gradient of the windows of a row to one of their taps; see ``_keep_larger``."""
    for q in range(len(grad) // channels):
        for c in range(channels):
            here, to = np.uint64(q * channels + c), np.uint64(q * along + c)
            g = grad[here]
            target[to] = g if argmax[here] == tap else np.float32(0)


@exact_kernel
def normalize_and_pool(
    X: Any, numbers: Any, out: Any, argmax: Any, best: Any, ph: int, pw: int, relu: bool
) -> None:
    """Normalize, and keep the largest number of each pooling window.

    Args:
        X: (N, H, W, C), contiguous.
        numbers: (3, C): mean, scale and shift.
        out: (N, PH, PW, C), of any strides.
        argmax: (N, PH, PW, C) uint8, to be filled: the index in the window, row by row, of the
            first largest number; ``NOWHERE`` where the gradient is 0 because of relu or NaN.
        best: (N, PH, PW, C), contiguous, to be filled: what stands there in ``X``.
        ph, pw: size of the pooling window, and its stride.
        relu: whether to apply relu.
    """
    _, _, width, channels = X.shape
    images, rows, positions, _ = out.shape
    repeated = _repeated(numbers, width * channels)
    for task in prange(images * rows):
        n, p = task // rows, task % rows
        normal = np.empty(width * channels, X.dtype)
        largest = np.empty(positions * channels, X.dtype)
        taps = np.empty(positions * channels, np.int32)  # as wide as what it is chosen with
        origin = best[n, p].reshape(-1)
        for r in range(ph):
            line = X[n, p * ph + r].reshape(-1)
            _normalize(line, repeated[0], repeated[1], repeated[2], normal)
            for s in range(pw):
                _keep_larger(
                    normal[s * channels :], line[s * channels :], largest, taps, origin,
                    channels, pw * channels, np.int32(r * pw + s),
                )  # fmt: skip
        _finish_pooling(largest, taps, argmax[n, p].reshape(-1), relu)
        for j in range(positions):
            copy(largest[j * channels : (j + 1) * channels], out[n, p, j])


@exact_kernel
def block_gradient_sums(
    G: Any, X: Any, numbers: Any, period: int, block: int, masked: bool, above: Any, sums: Any,
    products: Any,
) -> None:  # fmt: skip
    """Fill Σ g and Σ g · x̂, (blocks, C), of each block; of all in the first.

    Arguments as in ``gradient_sums``.
    """
    channels, repeated = sums.shape[1], _repeated(numbers, period)
    mean, scale, shift, over, rest = (
        repeated[0], repeated[1], repeated[2], repeated[3], repeated[4]
    )  # fmt: skip
    for task in prange(len(sums)):
        begin, end = task * block, min(task * block + block, len(X))
        total, product = np.zeros(period, X.dtype), np.zeros(period, X.dtype)
        for at in range(begin, end, period):
            stop = min(at + period, end)
            grad, there = G[at:stop], X[at:stop]
            for i in range(len(grad)):
                left = there[i] - mean[i]
                out = left * scale[i] + shift[i]
                g = grad[i] * np.float32(0 if masked and not out > above else 1)
                total[i] += g
                product[i] += g * (left * over[i] + rest[i])
        for c in range(channels):
            whole, whole_product = 0.0, 0.0
            for i in range(c, period, channels):
                whole += total[i]
                whole_product += product[i]
            sums[task, c] = whole
            products[task, c] = whole_product
    for task in range(1, len(sums)):
        for c in range(channels):
            sums[0, c] += sums[task, c]
            products[0, c] += products[task, c]


@exact_part
def _combine(grad: Any, X: Any, numbers: Any, result: Any, masked: bool) -> None:
    """``g · by_g + (X − mean) · by_X + rest`` of a piece; see ``input_gradient``."""
    mean, scale, shift = numbers[0], numbers[1], numbers[2]
    by_g, by_X, rest = numbers[3], numbers[4], numbers[5]
    for i in range(len(result)):
        left, g = X[i] - mean[i], grad[i]
        if masked:
            g *= np.float32(1 if left * scale[i] + shift[i] > 0 else 0)
        result[i] = g * by_g[i] + left * by_X[i] + rest[i]


@exact_kernel
def input_gradient(
    G: Any, argmax: Any, X: Any, numbers: Any, result: Any, top: int, left: int,
    ph: int, pw: int, masked: bool,
) -> None:  # fmt: skip
    """``g · by_g + (X − mean) · by_X + rest``.

    Args:
        G: the gradient for the result: of X's size, or (N, PH, PW, C) with pooling; contiguous.
        argmax: as ``normalize_and_pool`` filled it; not read without pooling.
        X: (N, H, W, C), contiguous.
        numbers: (6, C): mean, scale and shift of the result; by_g, by_X and rest.
        result: (N, high, wide, columns), contiguous, into which the gradient is written.
        top, left: where in ``result`` it begins.
        ph, pw: size of the pooling window, or 0.
        masked: whether ``g`` counts as 0 where the result is not above 0, as with relu.
    """
    images, height, width, channels = X.shape
    _, rows, positions, _ = argmax.shape
    size = width * channels
    repeated, columns = _repeated(numbers, size), result.shape[3]
    # A row of the result is contiguous where no columns are added to the channels.
    pieces, length = (1, size) if columns == channels else (width, channels)
    gradients, which = G.reshape(-1), argmax.reshape(-1)
    line = positions * channels
    for task in prange(images * height):
        n, i = task // height, task % height
        if ph == 0:
            grad = gradients[task * size : (task + 1) * size]
        else:
            grad = np.zeros(size, X.dtype)
            p, r = i // ph, i % ph
            if p < rows:
                begin, end = (n * rows + p) * line, (n * rows + p + 1) * line
                for s in range(pw):
                    _spread(
                        gradients[begin:end], which[begin:end], grad[s * channels :],
                        channels, pw * channels, np.uint8(r * pw + s),
                    )  # fmt: skip
        there, target = X[n, i].reshape(-1), result[n, top + i].reshape(-1)
        for piece in range(pieces):
            at, to = piece * length, (left + piece) * columns
            _combine(
                grad[at : at + length], there[at : at + length], repeated,
                target[to : to + length], masked,
            )  # fmt: skip
