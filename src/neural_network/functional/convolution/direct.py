"""The convolution sum, computed as it stands, for any number of spatial dimensions.

Shapes in this room: pictures (N, G, C, *sizes), filters (G, F, C, *taps), result
(N, G, F, *outputs), where G is the number of groups, C the channels and F the
filters of *one* group.

Two ways to the same sum:

- *shifts*: for every tap, the whole picture, moved by the tap's place, times the
  tap's weight, added up. No window is ever built. Best for a filter or two that
  read one channel.
- *windows*: every window laid out as a column, and one matrix product of filters
  and columns. Each number is copied once for each tap, and then serves all
  filters at the speed of BLAS.

Both work through blocks that stay in the processor's cache, so the memory they
need does not grow with the picture.

Large pictures of which each filter reads one channel are the compiled shifts' work
(``kernels/convolution/shifts.py``), and those of many channels the compiled tiles'
(``kernels/convolution/prepared.py``).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

import numpy as np

from neural_network.checks import Array
from neural_network.functional.window import Sizes, reach, tap_slices
from neural_network.kernels.convolution import tiled
from neural_network.kernels.convolution.single_channel import cost_shifts, shifts_serve

# Bytes that a block's working memory should not exceed: two blocks of shifts and the
# windows of one product stay in the second-level cache or near it.
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
# Shifts need less memory, so windows have to be this much faster.
WINDOW_ADVANTAGE = 1.5


def convolve_direct(
    X: Array, W: Array, outputs: Sizes, stride: Sizes, dilation: Sizes, precise: bool = True
) -> Array:
    """Sum the products under each window.

    Args:
        X: padded pictures, (N, G, C, *sizes).
        W: filters, (G, F, C, *taps), of the same type.
        outputs: how often the window fits along each axis.
        stride: steps of the window along each axis.
        dilation: distance of neighbouring taps along each axis.
        precise: take long float32 sums in float64.

    Returns:
        (N, G, F, *outputs), of the type of ``X``.
    """
    groups, filters = W.shape[:2]
    if tiled.serve(X, W.shape, len(X) * prod(outputs), dilation, precise=precise):
        return tiled.convolve(X, W, outputs, stride)
    out = np.empty((len(X), groups, filters, *outputs), X.dtype)
    if shifts_serve(X, W, outputs):
        from neural_network.kernels.convolution import shifts

        shifts.by_shifts(X, W, out, stride, dilation)
        return out
    terms = prod(W.shape[2:])
    widen = precise and X.dtype == np.float32 and terms > EXACT_FLOAT32_TERMS
    W = W.astype(np.float64 if widen else X.dtype)
    by_shifts, by_windows = _costs(len(X), W, outputs)
    compute = _by_shifts if by_shifts <= WINDOW_ADVANTAGE * by_windows else _by_windows
    # ∞ · 0 is NaN by the formula, and the NaN in the result says so well enough.
    with np.errstate(invalid="ignore", under="ignore"):
        compute(X, W, out, stride, dilation)
    return out


def cost_direct(X: Array, W: Array, outputs: Sizes, dilation: Sizes, precise: bool = True) -> float:
    """Return an estimate of the nanoseconds that :func:`convolve_direct` takes."""
    if tiled.serve(X, W.shape, len(X) * prod(outputs), dilation, precise=precise):
        return tiled.cost(X, W, outputs)
    if shifts_serve(X, W, outputs):
        return cost_shifts(X, W, outputs)
    return min(_costs(len(X), W, outputs))


def _costs(pictures: int, W: Array, outputs: Sizes) -> tuple[float, float]:
    """Return estimates for shifts (∞ where they cannot serve) and for windows."""
    groups, filters, channels, *taps = W.shape
    terms = channels * prod(taps)
    places = pictures * prod(outputs)
    widen = terms > EXACT_FLOAT32_TERMS or W.dtype != np.float32
    a_number = NS_SHIFT_FLOAT64 if widen else NS_SHIFT_FLOAT32
    # Each tap is two calls, which count where a picture is small.
    shifts = filters * terms * (groups * places * a_number + 2 * NS_CALL)
    windows = groups * terms * places * (NS_WINDOW_COPY + filters * NS_MATRIX_PRODUCT)
    return (
        float(shifts) if channels == 1 else float("inf"),
        float(windows + pictures * groups * NS_CALL),
    )


def _by_shifts(X: Array, W: Array, out: Array, stride: Sizes, dilation: Sizes) -> None:
    """Fill ``out`` tap by tap; one channel in each group."""
    groups, filters, _, *tap_list = W.shape
    taps = tuple(tap_list)
    pictures = X[:, :, 0]  # (N, G, *sizes): the axis of the one channel goes
    keep = (slice(None), slice(None))
    place_bytes = W.dtype.itemsize * groups
    for some, box in _blocks(len(X), out.shape[3:], place_bytes, SHIFT_BLOCK):
        strip = pictures[some][keep + _under(box, taps, stride, dilation)]
        strip = strip.astype(W.dtype, order="C", copy=False)
        for f in range(filters):
            target = out[some, :, f][keep + box]
            total = target if target.dtype == W.dtype else np.empty(target.shape, W.dtype)
            term = np.empty(target.shape, W.dtype)
            for index, tap in enumerate(np.ndindex(*taps)):
                seen = strip[keep + tap_slices(tap, target.shape[2:], stride, dilation)]
                # One weight for each group, standing in front of the group's picture.
                weight = W[(slice(None), f, 0, *tap)].reshape(groups, *(1,) * len(taps))
                if index == 0:
                    np.multiply(seen, weight, out=total)
                else:
                    np.multiply(seen, weight, out=term)
                    np.add(total, term, out=total)
            if total is not target:
                target[...] = total


def _by_windows(X: Array, W: Array, out: Array, stride: Sizes, dilation: Sizes) -> None:
    """Fill ``out`` by one matrix product for each block: filters × windows."""
    groups, filters, channels, *tap_list = W.shape
    taps = tuple(tap_list)
    terms = channels * prod(taps)
    matrix = W.reshape(groups, filters, terms)
    keep = (slice(None),) * 3
    for some, box in _blocks(
        len(X), out.shape[3:], W.dtype.itemsize * groups * terms, WINDOW_BLOCK
    ):
        target = out[some][keep + box]
        strip = X[some][keep + _under(box, taps, stride, dilation)]
        columns = _side_by_side(strip, taps, stride, dilation).astype(W.dtype, order="C")
        products = matrix @ columns.reshape(groups, terms, -1)
        shown = products.reshape(groups, filters, len(strip), *target.shape[3:])
        target[...] = np.moveaxis(shown, 2, 0)


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
    if tiled.serve(Y, W.shape, len(Y) * prod(Y.shape[3:]), dilation):
        return tiled.transpose(Y, W, sizes, stride)
    groups, filters, channels, *tap_list = W.shape
    taps = tuple(tap_list)
    terms = channels * prod(taps)
    X = np.zeros((len(Y), groups, channels, *sizes), Y.dtype)
    matrix = W.reshape(groups, filters, terms).swapaxes(1, 2)
    keep = (slice(None),) * 3
    place_bytes = Y.dtype.itemsize * groups * terms
    for some, box in _blocks(len(Y), Y.shape[3:], place_bytes, WINDOW_BLOCK):
        block = Y[some][keep + box]
        outputs = block.shape[3:]
        columns = matrix @ np.moveaxis(block, 0, 2).reshape(groups, filters, -1)
        shares = columns.reshape(groups, channels, *taps, len(block), *outputs)
        strip = np.moveaxis(X[some][keep + _under(box, taps, stride, dilation)], 0, 2)
        for tap in np.ndindex(*taps):
            place = tap_slices(tap, outputs, stride, dilation)
            strip[keep + place] += shares[(slice(None), slice(None), *tap)]
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
    shape = (groups, filters, channels, *taps)
    if tiled.serve(Y, shape, len(Y) * prod(Y.shape[3:]), dilation):
        return tiled.filters(X, Y, taps, stride)
    terms = channels * prod(taps)
    total = np.zeros((groups, filters, terms), X.dtype)
    keep = (slice(None),) * 3
    place_bytes = X.dtype.itemsize * groups * terms
    for some, box in _blocks(len(X), Y.shape[3:], place_bytes, WINDOW_BLOCK):
        strip = X[some][keep + _under(box, taps, stride, dilation)]
        windows = _side_by_side(strip, taps, stride, dilation)
        numbers = np.moveaxis(Y[some][keep + box], 0, 2)
        total += numbers.reshape(groups, filters, -1) @ windows.reshape(groups, terms, -1).swapaxes(
            1, 2
        )
    return total.reshape(groups, filters, channels, *taps)


def _side_by_side(strip: Array, taps: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Return a view of what each tap sees: (N, G, C, *sizes) → (G, C, *taps, N, *outputs).

    Pictures and places stand side by side, so that a block is one long matrix product
    for each group, and not a short one for each picture.
    """
    axes = tuple(range(3, 3 + len(taps)))
    windows = np.lib.stride_tricks.sliding_window_view(strip, reach(taps, dilation), axis=axes)
    every = tuple(slice(None, None, step) for step in stride + dilation)
    seen = np.moveaxis(windows[(slice(None),) * 3 + every], axes, range(-len(taps), 0))
    return np.moveaxis(seen, 0, 2 + len(taps))


def _blocks(
    count: int, outputs: Sizes, place_bytes: int, limit: int
) -> Iterator[tuple[slice, tuple[slice, ...]]]:
    """Cut pictures of so many outputs into blocks of about ``limit`` bytes.

    As many places of the last axis as fit, then of the axis before, and at last as
    many pictures.
    """
    sides: list[int] = []
    used = max(1, place_bytes)
    for size in (*reversed(outputs), count):
        side = min(size, max(1, limit // used))
        sides.append(side)
        used *= side
    cuts = [
        [slice(start, min(start + side, size)) for start in range(0, size, side)]
        for size, side in zip((count, *outputs), reversed(sides), strict=True)
    ]
    for some, *box in product(*cuts):
        yield some, tuple(box)


def _under(
    box: tuple[slice, ...], taps: Sizes, stride: Sizes, dilation: Sizes
) -> tuple[slice, ...]:
    """Return the part of a picture that the windows of these outputs see."""
    return tuple(
        slice(part.start * s, (part.stop - 1) * s + cover)
        for part, s, cover in zip(box, stride, reach(taps, dilation), strict=True)
    )
