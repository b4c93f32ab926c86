"""Tiled convolution of channels-last images, with bias, relu and max pooling.

Images are (N, H, W, C) in memory, so that the numbers under one row of a filter are ``fw · C``
consecutive ones. A tile of sums reads them where they are, without copying windows. Bias, relu
and pooling are applied while a row is in the cache. Filters are a matrix (fh · fw · C, filters),
its columns padded to whole vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.copies import BLOCK, copy, fill, repeated, transpose_places
from neural_network.kernels.moments import moments_of_image
from neural_network.kernels.products import products
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.tile import largest
from neural_network.kernels.window_tile import window_gradients

# Entry of ``argmax`` where no number of the window gets the gradient.
NOWHERE = 255
# Numbers of the partial sums that a task adds up at most.
PIECE = 8192


@part
def add_piece(sums: Any, blocks: int, size: int, begin: int) -> None:
    """Add ``PIECE`` numbers of all blocks, from ``begin`` on, to those of the first."""
    length = min(PIECE, size - begin)
    total = sums[begin : begin + length]
    for block in range(1, blocks):
        more = sums[block * size + begin : block * size + begin + length]
        for i in range(length):
            total[i] += more[i]


@part
def add_blocks(sums: Any, blocks: int, size: int) -> None:
    """Add all blocks, of ``size`` numbers each, to the first, in order."""
    for begin in range(0, size, PIECE):
        add_piece(sums, blocks, size, begin)


@part
def _taps_inside(row: int, taps: int, begin: int, end: int) -> Any:
    """Return the first tap of a window from ``row`` on that is inside, and how many are."""
    upper = max(0, begin - row)
    return upper, max(0, min(taps, end - row) - upper)


@kernel
def convolve(
    X: Any, x_steps: Any, channels: int, W: Any, b: Any, out: Any, out_steps: Any, sizes: Any,
    added: Any, added_steps: Any, begin: int, end: int,
    fh: int, fw: int, sh: int, sw: int, top: int, left: int, relu: bool, band: int,
    block: int, period: int, means: Any, squares: Any,
) -> None:  # fmt: skip
    """Fill ``out`` with the convolution, plus ``b`` and ``added``, or with relu of it.

    Images are given as ``layouts.as_line`` returns them: one axis, and its steps.

    Args:
        X, x_steps: (N, H, W, C), padded; the numbers of a row are adjacent.
        channels: C.
        W: (fh · fw · C, columns), the columns padded to whole vectors.
        b: (F,), or empty.
        out, out_steps: (N, OH, OW, F), of any steps.
        sizes: N, OH, OW and F.
        added, added_steps: of the sizes of ``out``, or empty; ``out`` itself may be given.
        begin, end: the rows of ``X`` that are no padding; others are not read.
        fh, fw: size of the filters.
        sh, sw: stride.
        top, left: position of the first window.
        relu: whether to apply relu.
        band: rows of ``out`` that a task computes.
        block, period, means, squares: as in ``moments.moments_of_image``, for images of ``out``,
            which are contiguous and computed by one task each; or empty.
    """
    images, rows, positions, filters = sizes
    columns = W.shape[1]
    bands = -(-rows // band)
    weights, (image, line, _, _), run = W.reshape(-1), x_steps, fw * channels
    # Sums are computed where they stay, if they lie there as they do here.
    direct = added.size == 0 and out_steps[2] == columns == filters and out_steps[3] == 1
    length = positions * columns
    biases = repeated(b, positions, columns)
    for task in prange(images * bands):
        n, first = task // bands, (task % bands) * band
        row = np.empty(0 if direct else length, out.dtype)
        sums = out if direct else row
        for i in range(first, min(first + band, rows)):
            top_row = top + i * sh
            upper, runs = _taps_inside(top_row, fh, begin, end)
            place = n * out_steps[0] + i * out_steps[1]
            to = place if direct else 0
            products(
                positions, columns, X, n * image + (top_row + upper) * line + left * channels,
                sw * channels, 1, runs, line, run,
                weights, upper * run * columns, columns, run * columns,
                sums, to, columns, False,
            )  # fmt: skip
            row_sums = sums[to : to + length]
            if added.size > 0:
                _add_row(
                    added, n * added_steps[0] + i * added_steps[1], added_steps[2], added_steps[3],
                    row_sums, positions, columns, filters,
                )  # fmt: skip
            if b.size > 0 or relu:
                for c in range(length):
                    total = row_sums[c] + biases[c]
                    # In this form NaN is kept, because no comparison with it is true.
                    row_sums[c] = np.float32(0) if relu and total < 0 else total
            if not direct:
                _write_row(
                    row_sums, columns, out, place, out_steps[2], out_steps[3], positions, filters
                )
        if means.size > 0:  # while the image is in the cache
            moments_of_image(
                out, n * out_steps[0], rows * positions, filters, block, period, means, squares, n
            )


@kernel
def convolve_and_pool(
    X: Any, x_steps: Any, channels: int, W: Any, b: Any, out: Any, out_steps: Any, sizes: Any,
    argmax: Any, begin: int, end: int, fh: int, fw: int, sh: int, sw: int, ph: int, pw: int,
    relu: bool, band: int,
) -> None:  # fmt: skip
    """Convolve, and keep the largest sum of each pooling window.

    Args:
        X, x_steps, channels, W, b, begin, end, fh, fw, sh, sw, relu, band: as in ``convolve``.
        out, out_steps: (N, PH, PW, F), of any steps.
        sizes: N, PH, PW and F.
        argmax: (N, PH, PW, F) uint8, as one axis, to be filled: the index in the window, row by
            row, of the first largest sum; ``NOWHERE`` where the gradient is 0 because of relu or
            NaN.
        ph, pw: size of the pooling window, and its stride.
    """
    images, rows, positions, filters = sizes
    columns = W.shape[1]
    bands = -(-rows // band)
    weights, (image, line, _, _), run = W.reshape(-1), x_steps, fw * channels
    conv_positions = positions * pw
    down = conv_positions * columns
    for task in prange(images * bands):
        n, first = task // bands, (task % bands) * band
        sums = np.empty(ph * down, out.dtype)
        best = np.empty(positions * columns, out.dtype)
        which = np.empty(positions * columns, np.uint8)
        biases = repeated(b, positions, columns)
        for p in range(first, min(first + band, rows)):
            for r in range(ph):
                row = (p * ph + r) * sh
                upper, runs = _taps_inside(row, fh, begin, end)
                products(
                    conv_positions, columns, X, n * image + (row + upper) * line,
                    sw * channels, 1, runs, line, run,
                    weights, upper * run * columns, columns, run * columns,
                    sums, r * down, columns, False,
                )  # fmt: skip
            for q in range(positions):
                to = q * columns
                largest(sums, to * pw, down, columns, ph, pw, best, which, to, columns)
            for i in range(positions * columns):
                largest_sum = best[i] + biases[i]
                passes = largest_sum > 0 if relu else not np.isnan(largest_sum)
                which[i] = which[i] if passes else NOWHERE
                best[i] = np.float32(0) if relu and largest_sum < 0 else largest_sum
            _write_row(
                best, columns, out, n * out_steps[0] + p * out_steps[1], out_steps[2],
                out_steps[3], positions, filters,
            )  # fmt: skip
            at = (n * rows + p) * positions * filters
            _write_row(which, columns, argmax, at, filters, 1, positions, filters)


@kernel
def filters_gradient(
    X: Any, x_steps: Any, channels: int, G: Any, partial: Any, begin: int, end: int, images: int,
    rows: int, positions: int, fh: int, fw: int, sh: int, sw: int, top: int, left: int, block: int,
) -> None:  # fmt: skip
    """Compute the filters' gradient.

    Args:
        X, x_steps, channels, begin, end, fh, fw, sh, sw: as in ``convolve``.
        G: (N, GH, GW, columns), contiguous: the gradient for the result, its columns padded.
        partial: (blocks, fh · fw · C, columns), to be filled: the sum over each block of images;
            in the first block the sum of all.
        images: N.
        rows, positions: the convolution's output sizes, OH and OW.
        top, left: where in ``G`` the gradient begins.
        block: images of a block.
    """
    _, high, wide, columns = G.shape
    gradients, sums = G.reshape(-1), partial.reshape(-1)
    (image, line, _, _), run = x_steps, fw * channels
    for task in prange(partial.shape[0]):
        fill(sums, task * fh * run * columns, (task + 1) * fh * run * columns, np.float32(0))
        for n in range(task * block, min(task * block + block, images)):
            for m in range(fh):
                # Outputs whose window has this tap inside the image.
                first = max(0, -(-(begin - m) // sh))
                last = min(rows, -(-(end - m) // sh))
                products(
                    run, columns, X, n * image + (first * sh + m) * line, 1, sw * channels,
                    max(0, last - first), sh * line, positions,
                    gradients, ((n * high + top + first) * wide + left) * columns,
                    columns, wide * columns, sums,
                    (task * fh + m) * run * columns, columns, True,
                )  # fmt: skip
    for task in prange(-(-fh * run * columns // PIECE)):
        add_piece(sums, partial.shape[0], fh * run * columns, task * PIECE)


@part
def _pieces(positions: int, columns: int, filters: int, pixel: int) -> Any:
    """Return in how many pieces a row is gone through, and their length: in one without gaps."""
    return (1, positions * filters) if pixel == columns == filters else (positions, filters)


@part
def _add_row(
    added: Any, at: int, pixel: int, channel: int, sums: Any, positions: int, columns: int,
    filters: int,
) -> None:  # fmt: skip
    """Add a row of numbers, of these steps, to one of sums, each pixel padded to ``columns``."""
    if channel == 1:
        pieces, length = _pieces(positions, columns, filters, pixel)
        for j in range(pieces):
            # Slices, as their indices cannot be negative: the compiler vectorizes the loop.
            more, total = added[at + j * pixel :][:length], sums[j * columns :][:length]
            for c in range(length):
                total[c] += more[c]
    else:
        for j in range(positions):
            for c in range(filters):
                sums[j * columns + c] += added[at + j * pixel + c * channel]


@part
def _write_row(
    sums: Any, columns: int, out: Any, at: int, pixel: int, channel: int, positions: int,
    filters: int,
) -> None:  # fmt: skip
    """Copy a row of sums, each pixel padded to ``columns``, to numbers of these steps."""
    if channel == 1:
        pieces, length = _pieces(positions, columns, filters, pixel)
        for j in range(pieces):
            copy(sums[j * columns :][:length], out[at + j * pixel :][:length])
    else:
        for c in range(filters):
            for j in range(positions):
                out[at + j * pixel + c * channel] = sums[j * columns + c]


@part
def _copy_row(source: Any, target: Any, planar: bool) -> None:
    """Copy a row of (W, C) numbers, channel by channel if ``planar``."""
    positions, channels = target.shape
    if planar:
        for c in range(channels):
            for j in range(positions):
                target[j, c] = source[j, c]
    else:
        for j in range(positions):
            for c in range(channels):
                target[j, c] = source[j, c]


@part
def _transpose_image(
    planes: Any, n: int, height: int, width: int, out: Any, top: int, left: int
) -> bool:
    """Copy planes (C, H, W) of an image into a larger array (N, H, W, C), if they are large enough.

    ``planes``: of all images, as one axis, or empty.
    """
    _, high, wide, columns = out.shape
    channels, whole = planes.size // (len(out) * height * width), wide == width
    if channels < BLOCK or (width if not whole else height * width) < BLOCK:
        return False
    size, numbers = height * width, out.reshape(-1)
    at, to = n * channels * size, ((n * high + top) * wide + left) * columns
    if whole:
        transpose_places(planes, at, size, numbers, to, columns, size, channels)
    else:
        for i in range(height):
            transpose_places(
                planes, at + i * width, size, numbers, to + i * wide * columns, columns, width,
                channels,
            )  # fmt: skip
    return True


@kernel
def copy_padded(X: Any, planes: Any, out: Any, top: int, left: int, planar: bool) -> None:
    """Copy (N, H, W, C) images of any strides into larger ones, from (top, left) on, with zeros.

    ``planes``: ``X`` as one axis, if it is contiguous as (N, C, H, W); else empty. ``planar``:
    whether in ``X`` the numbers of one channel are adjacent.
    """
    images, height, width, _ = X.shape
    _, high, wide, columns = out.shape
    numbers, line, zero = out.reshape(-1), wide * columns, np.float32(0)
    for n in prange(images):
        first = (n * high + top) * line
        fill(numbers, n * high * line, first, zero)
        for i in range(height):
            at = first + i * line
            fill(numbers, at, at + left * columns, zero)
            fill(numbers, at + (left + width) * columns, at + line, zero)
        fill(numbers, first + height * line, (n + 1) * high * line, zero)
        if not _transpose_image(planes, n, height, width, out, top, left):
            for i in range(height):
                _copy_row(X[n, i], out[n, top + i, left : left + width], planar)


@part
def _relu_backward_row(
    source: Any, out: Any, at: int, pixel: int, channel: int, target: Any, planar: bool
) -> None:
    """Copy a row of the gradient, masked by relu; ``out``: its result, of these steps."""
    positions, filters = source.shape
    if planar:
        for f in range(filters):
            for j in range(positions):
                # Both are read in any case: this needs no branch.
                g, passes = source[j, f], out[at + j * pixel + f * channel] > 0
                target[j, f] = g if passes else np.float32(0)
    elif channel == 1:
        for j in range(positions):
            result = out[at + j * pixel :][:filters]
            for f in range(filters):
                g, passes = source[j, f], result[f] > 0
                target[j, f] = g if passes else np.float32(0)
    else:
        for j in range(positions):
            for f in range(filters):
                g, passes = source[j, f], out[at + j * pixel + f * channel] > 0
                target[j, f] = g if passes else np.float32(0)


@kernel
def relu_backward(
    G: Any, planes: Any, out: Any, out_steps: Any, result: Any, partial: Any, relu: bool,
    top: int, left: int, planar: bool,
) -> None:  # fmt: skip
    """Copy the gradient, masked by relu, into a larger array, with zeros left and right of it.

    Args:
        G: (N, OH, OW, F), of any strides.
        planes: as in ``copy_padded``, of ``G``.
        out, out_steps: (N, OH, OW, F), as in ``convolve``: what relu returned; not read without
            ``relu``.
        result: (N, H, W, columns), contiguous; rows above and below the gradient are not written.
        partial: (N, F), to be filled: the sum over each image, in the first of them the sum of
            all, which is the bias's gradient.
        relu: whether relu was applied.
        top, left: where in ``result`` the gradient begins.
        planar: whether in ``G`` the numbers of one filter are adjacent.
    """
    images, rows, positions, filters = G.shape
    _, height, width, columns = result.shape
    numbers, sums, ones = result.reshape(-1), partial.reshape(-1), np.empty(filters, G.dtype)
    zero = np.float32(0)
    fill(ones, 0, filters, np.float32(1))  # np.ones would be computed by all threads
    for n in prange(images):
        fill(sums, n * filters, (n + 1) * filters, zero)
        for i in range(rows):
            at = (n * height + top + i) * width * columns
            first, end = at + left * columns, at + (left + positions) * columns
            fill(numbers, at, first, zero)
            for to in range(first, end, columns):
                fill(numbers, to + filters, to + columns, zero)
            fill(numbers, end, at + width * columns, zero)
        whole = _transpose_image(planes, n, rows, positions, result, top, left)
        if relu or not whole:
            for i in range(rows):
                target = result[n, top + i, left : left + positions, :filters]
                source, by_channel = target if whole else G[n, i], planar and not whole
                if relu:
                    at = n * out_steps[0] + i * out_steps[1]
                    _relu_backward_row(
                        source, out, at, out_steps[2], out_steps[3], target, by_channel
                    )
                else:
                    _copy_row(source, target, by_channel)
        # A sum meets a one for each output.
        window_gradients(
            1, 1, rows, positions, ones, 0, 0, 0, 0, 0, sums, n * filters, 0, 0,
            numbers, ((n * height + top) * width + left) * columns, width * columns, columns,
            filters,
        )  # fmt: skip
    add_blocks(sums, images, filters)
