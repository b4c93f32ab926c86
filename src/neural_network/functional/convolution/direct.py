"""The convolution sum, computed as it stands, for any number of spatial dimensions.

Shapes in this room: pictures (N, G, C, *sizes), filters (G, F, C, *taps), result
(N, G, F, *outputs), where G is the number of groups, C the channels and F the
filters of *one* group.

Two ways to the same sum:

- *shifts*: for every tap, the whole picture, moved by the tap's place, times the
  tap's weight, added up. No window is ever built. Best where each filter reads
  one channel.
- *windows*: every window laid out as a column, and one matrix product of filters
  and columns. Each number is copied once for each tap, and then serves all
  filters at the speed of BLAS.

Both work through blocks that stay in the processor's cache, so the memory they
need does not grow with the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from neural_network.functional.checks import Array
from neural_network.functional.window import Sizes, reach, tap_slices

# Bytes that a block's working memory should not exceed. Measured: between a
# quarter and one megabyte the speed is flat, above and below it falls.
SHIFT_BLOCK = 1 << 18
WINDOW_BLOCK = 1 << 21

# A float32 sum of n products is off by at most n · 2⁻²⁴ of the sum of their
# sizes, whatever the numbers: 16 products stay under one millionth. Longer sums
# are taken in float64 and rounded once.
EXACT_FLOAT32_TERMS = 16

# Nanoseconds, measured on one machine; only their ratios matter, and only to
# choose between ways that agree.
NS_SHIFT_FLOAT32, NS_SHIFT_FLOAT64 = 0.35, 0.75
NS_WINDOW_COPY, NS_MATRIX_PRODUCT = 0.7, 0.025
NS_CALL = 1000.0


def convolve_direct(X: Array, W: Array, outputs: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Sum the products under each window.

    Args:
        X: padded pictures, (N, G, C, *sizes).
        W: filters, (G, F, C, *taps), of the same type.
        outputs: how often the window fits along each axis.
        stride: steps of the window along each axis.
        dilation: distance of neighbouring taps along each axis.

    Returns:
        (N, G, F, *outputs), of the type of ``X``.
    """
    groups, filters = W.shape[:2]
    out = np.empty((len(X), groups, filters, *outputs), X.dtype)
    terms = prod(W.shape[2:])
    widen = X.dtype == np.float32 and terms > EXACT_FLOAT32_TERMS
    W = W.astype(np.float64 if widen else X.dtype)
    compute = _by_shifts if _prefers_shifts(W.shape, outputs) else _by_windows
    # ∞ · 0 is NaN by the formula, and the NaN in the result says so well enough.
    with np.errstate(invalid="ignore"):
        compute(X, W, out, stride, dilation)
    return out


def cost_direct(pictures: int, W: Array, outputs: Sizes) -> float:
    """Return an estimate of the nanoseconds that :func:`convolve_direct` takes."""
    groups, filters, *summed = W.shape
    terms = prod(summed)
    positions = float(pictures * groups * prod(outputs))
    if _prefers_shifts(W.shape, outputs):
        widen = terms > EXACT_FLOAT32_TERMS or W.dtype != np.float32
        return float(positions * terms * (NS_SHIFT_FLOAT64 if widen else NS_SHIFT_FLOAT32))
    per_position = terms * (NS_WINDOW_COPY + filters * NS_MATRIX_PRODUCT)
    return float(positions * per_position + pictures * groups * NS_CALL)


def _prefers_shifts(weight_shape: tuple[int, ...], outputs: Sizes) -> bool:
    """One filter a channel shares no window with others, so a matrix product gains nothing.

    A filter with more taps than places to stand would make many calls on short runs.
    """
    _, filters, channels, *taps = weight_shape
    return filters == channels == 1 and prod(taps) <= prod(outputs)


def _by_shifts(X: Array, W: Array, out: Array, stride: Sizes, dilation: Sizes) -> None:
    """Fill ``out`` tap by tap; one channel and one filter in each group."""
    groups, taps = W.shape[0], W.shape[3:]
    weights = W.reshape(groups, *taps)
    # (N, G, *sizes): the axes of the one channel and the one filter go.
    pictures, result = X[:, :, 0], out[:, :, 0]
    keep = (slice(None), slice(None))
    row = W.dtype.itemsize * groups * prod(result.shape[3:])
    for some, rows in _blocks(len(X), result.shape[2], row, SHIFT_BLOCK):
        target = result[some, :, rows]
        strip = _rows_under(pictures[some], rows, taps, stride, dilation).astype(
            W.dtype, order="C", copy=False
        )
        total = target if target.dtype == W.dtype else np.empty(target.shape, W.dtype)
        product = np.empty(target.shape, W.dtype)
        for index, tap in enumerate(np.ndindex(*taps)):
            seen = strip[keep + tap_slices(tap, target.shape[2:], stride, dilation)]
            # One weight for each group, standing in front of the group's picture.
            weight = weights[(slice(None), *tap)].reshape(groups, *(1,) * len(taps))
            if index == 0:
                np.multiply(seen, weight, out=total)
            else:
                np.multiply(seen, weight, out=product)
                np.add(total, product, out=total)
        if total is not target:
            target[...] = total


def _by_windows(X: Array, W: Array, out: Array, stride: Sizes, dilation: Sizes) -> None:
    """Fill ``out`` by one matrix product for each block: filters × windows."""
    groups, filters, channels, *tap_list = W.shape
    taps = tuple(tap_list)
    terms = channels * prod(taps)
    matrix = W.reshape(groups, filters, terms)
    row = W.dtype.itemsize * groups * terms * prod(out.shape[4:])
    for some, rows in _blocks(len(X), out.shape[3], row, WINDOW_BLOCK):
        target = out[some, :, :, rows]
        strip = _rows_under(X[some], rows, taps, stride, dilation)
        columns = _windows(strip, taps, stride, dilation).astype(W.dtype, order="C")
        products = matrix @ columns.reshape(len(strip), groups, terms, -1)
        target[...] = products.reshape(target.shape)


def convolve_transpose(Y: Array, W: Array, sizes: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Walk a convolution backwards: add to each number what the windows over it hold.

    It is the convolution's transpose as a linear map of the picture, which is its
    gradient for the picture, and what networks that enlarge pictures compute.

    Args:
        Y: one number for each window and filter, (N, G, F, *outputs).
        W: filters, (G, F, C, *taps), of the same type.
        sizes: of the padded pictures.
        stride: steps of the window along each axis.
        dilation: distance of neighbouring taps along each axis.

    Returns:
        (N, G, C, *sizes), of the type of ``Y``.
    """
    groups, filters, channels, *tap_list = W.shape
    taps = tuple(tap_list)
    terms = channels * prod(taps)
    X = np.zeros((len(Y), groups, channels, *sizes), Y.dtype)
    matrix = W.reshape(groups, filters, terms).swapaxes(1, 2)
    row = Y.dtype.itemsize * groups * terms * prod(Y.shape[4:])
    for some, rows in _blocks(len(Y), Y.shape[3], row, WINDOW_BLOCK):
        block = Y[some, :, :, rows]
        seen, outputs = block.shape[:2], block.shape[3:]
        columns = matrix @ block.reshape(*seen, filters, -1)
        shares = columns.reshape(*seen, channels, *taps, *outputs)
        strip = _rows_under(X[some], rows, taps, stride, dilation)
        for tap in np.ndindex(*taps):
            place = (slice(None),) * 3
            strip[place + tap_slices(tap, outputs, stride, dilation)] += shares[place + tap]
    return X


def convolve_filters(X: Array, Y: Array, taps: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Add up, for each filter and tap, what the windows showed times their number.

    It is a convolution's gradient for the filters.

    Args:
        X: padded pictures, (N, G, C, *sizes).
        Y: one number for each window and filter, (N, G, F, *outputs), of the same type.
        taps: sizes of the filters.
        stride: steps of the window along each axis.
        dilation: distance of neighbouring taps along each axis.

    Returns:
        (G, F, C, *taps), of the type of ``X``.
    """
    groups, channels = X.shape[1:3]
    filters = Y.shape[2]
    terms = channels * prod(taps)
    total = np.zeros((groups, filters, terms), X.dtype)
    row = X.dtype.itemsize * groups * terms * prod(Y.shape[4:])
    for some, rows in _blocks(len(X), Y.shape[3], row, WINDOW_BLOCK):
        strip = _rows_under(X[some], rows, taps, stride, dilation)
        # Pictures and places side by side: one long matrix product for each group.
        windows = np.moveaxis(_windows(strip, taps, stride, dilation), 0, 2 + len(taps))
        numbers = np.moveaxis(Y[some, :, :, rows], 0, 2)
        total += numbers.reshape(groups, filters, -1) @ windows.reshape(groups, terms, -1).swapaxes(
            1, 2
        )
    return total.reshape(groups, filters, channels, *taps)


def _windows(strip: Array, taps: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Return a view of what each tap sees: (N, G, C, *sizes) → (N, G, C, *taps, *outputs)."""
    axes = tuple(range(3, 3 + len(taps)))
    windows = np.lib.stride_tricks.sliding_window_view(strip, reach(taps, dilation), axis=axes)
    every = tuple(slice(None, None, step) for step in stride + dilation)
    return np.moveaxis(windows[(slice(None),) * 3 + every], axes, range(-len(taps), 0))


def _blocks(count: int, rows: int, bytes_per_row: int, limit: int) -> Iterator[tuple[slice, slice]]:
    """Cut ``count`` pictures of ``rows`` output rows into blocks of about ``limit`` bytes.

    Whole pictures where one fits, else strips of one picture.
    """
    pictures = max(1, limit // max(1, bytes_per_row * rows))
    strip = rows if pictures > 1 else max(1, min(rows, limit // max(1, bytes_per_row)))
    for first in range(0, count, pictures):
        for top in range(0, rows, strip):
            yield (
                slice(first, min(first + pictures, count)),
                slice(top, min(top + strip, rows)),
            )


def _rows_under(X: Array, rows: slice, taps: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Return the rows of the pictures that the windows of these output rows see."""
    first_axis = X.ndim - len(taps)
    last = (rows.stop - 1) * stride[0] + reach(taps, dilation)[0]
    return X[(slice(None),) * first_axis + (slice(rows.start * stride[0], last),)]
