"""The convolution sum in NumPy, computed as it is written, for any number of spatial axes.

Shapes in this package: images (N, G, C, *sizes), filters (G, F, C, *taps), bias (G, F), result
(N, G, F, *outputs), where G is the number of groups, and C and F are the channels and filters of
*one* group.

Two bodies compute the same sum:

- ``by_shifts``: for every tap, the whole image, moved by the tap's offset, times the tap's weight,
  added up. Needs the least memory; best for one or two filters that read one channel.
- ``by_columns``: every window is laid out as a column (im2col), and one matrix product multiplies
  filters and columns. Best everywhere else.

Both work through blocks that fit in the processor's cache, so the memory that they need does not
grow with the image.
"""

from __future__ import annotations

from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from neural_network.checks import Array
from neural_network.functional.window import Sizes, Slices, Window

# Bytes of working memory of a block: two blocks of shifts, and the columns of one product, stay
# in the second-level cache or near it.
SHIFT_BLOCK = 1 << 18
COLUMN_BLOCK = 1 << 21
# Numbers in a block of columns, each of which is multiplied with a weight of each filter.
LARGEST_COLUMNS = COLUMN_BLOCK // 4

# A float32 sum of n products is off by at most n · 2⁻²⁴ of the sum of their
# sizes, whatever the numbers: 16 products stay under one millionth. Longer sums
# are taken in float64 and rounded once.
EXACT_FLOAT32_TERMS = 16


def reference(X: Array, W: Array, window: Window) -> Array:
    """Compute the sums one window at a time: the definition, with which tests compare the rest."""
    padded = np.pad(X, ((0, 0),) * 3 + window.pads)
    axes = zip(padded.shape[3:], window.reach, window.stride, window.dilation, strict=True)
    slices = [[slice(i, i + r, d) for i in range(0, n - r + 1, s)] for n, r, s, d in axes]
    within = tuple(range(3, X.ndim + 1))  # the channel and the taps
    sums = [np.sum(padded[:, :, None, :, *at] * W, axis=within) for at in product(*slices)]
    return np.stack(sums, axis=-1).reshape(*sums[0].shape, *map(len, slices))


def add_bias(out: Array, bias: Array | None) -> Array:
    """Add a bias (G, F), if there is one, to sums (N, G, F, *outputs), in place."""
    if bias is not None:
        out += bias.reshape(*bias.shape, *(1,) * (out.ndim - 3))
    return out


def by_shifts(
    X: Array, W: Array, bias: Array | None, window: Window, accumulator: Any = None
) -> Array:
    """Sum tap by tap; each filter reads one channel.

    Args:
        X: images, (N, G, 1, *sizes).
        W: filters, (G, F, 1, *taps), of the same type.
        bias: (G, F), or None.
        window: how the filters slide.
        accumulator: the type in which sums are taken; that of ``X`` where left out.
    """
    groups, filters = W.shape[:2]
    images = window.pad(X)[:, :, 0]  # (N, G, *sizes)
    out = np.empty((len(X), groups, filters, *window.outputs), X.dtype)
    # One weight for each group, to be multiplied with the group's image.
    weights = W.astype(accumulator or X.dtype, copy=False).reshape(groups, filters, -1)
    weights = weights.reshape(*weights.shape, *(1,) * len(window.taps))
    # ∞ · 0 is NaN by the formula, and the NaN in the result is warning enough.
    for some, box in _blocks(window.outputs, len(X), weights.itemsize * groups, SHIFT_BLOCK):
        part = images[some, :, *window.receptive_field(box)].astype(weights.dtype, "C", copy=False)
        target = out[some, :, :, *box]
        places = window.tap_slices(target.shape[3:])
        for f in range(filters):
            result = target[:, :, f]
            wide = result.dtype != weights.dtype
            total = np.empty(result.shape, weights.dtype) if wide else result
            term = np.empty(result.shape, weights.dtype)
            np.multiply(part[:, :, *places[0]], weights[:, f, 0], out=total)
            for tap, place in enumerate(places[1:], start=1):
                np.multiply(part[:, :, *place], weights[:, f, tap], out=term)
                np.add(total, term, out=total)
            if wide:
                result[...] = total
    return add_bias(out, bias)


def by_columns(
    X: Array, W: Array, bias: Array | None, window: Window, accumulator: Any = None
) -> Array:
    """Sum by one matrix product of filters and columns for each block; arguments as above."""
    groups, filters, channels = W.shape[:3]
    terms = channels * prod(window.taps)
    padded = window.pad(X)
    out = np.empty((len(X), groups, filters, *window.outputs), X.dtype)
    matrix = W.astype(accumulator or X.dtype, copy=False).reshape(groups, filters, terms)
    images_last = (1, 2, 0, *range(3, X.ndim))
    for some, box in _blocks(
        window.outputs, len(X), matrix.itemsize * groups * terms, COLUMN_BLOCK
    ):
        target = out[some, :, :, *box].transpose(images_last)
        part = padded[some, :, :, *window.receptive_field(box)]
        columns = _columns(part, window, target.shape[3:]).astype(matrix.dtype, "C")
        target[...] = (matrix @ columns.reshape(groups, terms, -1)).reshape(target.shape)
    return add_bias(out, bias)


def transpose(Y: Array, W: Array, window: Window) -> Array:
    """Add, to each number of an image, what the windows over it hold, times the filter.

    It is the convolution's transpose as a linear map of the image, which is its gradient for
    the image, and what networks that enlarge images compute.

    Args:
        Y: one number for each window and filter, (N, G, F, *outputs).
        W: filters, (G, F, C, *taps), of the same type.
        window: of the convolution.

    Returns:
        (N, G, C, *sizes), of the type of ``Y``.
    """
    groups, filters, channels = W.shape[:3]
    terms = channels * prod(window.taps)
    X = np.zeros((len(Y), groups, channels, *window.padded), Y.dtype)
    matrix = W.reshape(groups, filters, terms).swapaxes(1, 2)
    images_last = (1, 2, 0, *range(3, Y.ndim))
    for some, box in _blocks(window.outputs, len(Y), Y.itemsize * groups * terms, COLUMN_BLOCK):
        block = Y[some, :, :, *box].transpose(images_last)
        outputs = block.shape[3:]
        columns = matrix @ block.reshape(groups, filters, -1)
        shares = columns.reshape(groups, channels, -1, block.shape[2], *outputs)
        part = X[some, :, :, *window.receptive_field(box)].transpose(images_last)
        for tap, place in enumerate(window.tap_slices(outputs)):
            part[:, :, :, *place] += shares[:, :, tap]
    return X[:, :, :, *window.inside]


def filter_gradient(X: Array, Y: Array, window: Window) -> Array:
    """Add up, for each filter and tap, the numbers under it times the number of their window.

    It is a convolution's gradient for the filters.

    Args:
        X: images, (N, G, C, *sizes).
        Y: one number for each window and filter, (N, G, F, *outputs), of the same type.
        window: of the convolution.

    Returns:
        (G, F, C, *taps), of the type of ``X``.
    """
    groups, channels = X.shape[1:3]
    filters, terms = Y.shape[2], channels * prod(window.taps)
    padded = window.pad(X)
    total = np.zeros((groups, filters, terms), X.dtype)
    images_last = (1, 2, 0, *range(3, Y.ndim))
    for some, box in _blocks(window.outputs, len(X), X.itemsize * groups * terms, COLUMN_BLOCK):
        block = Y[some, :, :, *box].transpose(images_last)
        columns = _columns(
            padded[some, :, :, *window.receptive_field(box)], window, block.shape[3:]
        )
        columns = columns.reshape(groups, terms, -1)
        total += block.reshape(groups, filters, -1) @ columns.swapaxes(1, 2)
    return total.reshape(groups, filters, channels, *window.taps)


def _columns(padded: Array, window: Window, outputs: Sizes) -> Array:
    """Return a view of what each tap reads: (N, G, C, *sizes) → (G, C, *taps, N, *outputs).

    Images and outputs are side by side, so that a block is one long matrix product
    for each group, and not a short one for each image.
    """
    of_image, of_group, of_channel, *of_axes = padded.strides
    between_taps = [n * d for n, d in zip(of_axes, window.dilation, strict=True)]
    between_windows = [n * s for n, s in zip(of_axes, window.stride, strict=True)]
    return as_strided(
        padded,
        (*padded.shape[1:3], *window.taps, len(padded), *outputs),
        (of_group, of_channel, *between_taps, of_image, *between_windows),
        writeable=False,
    )


def _blocks(
    outputs: Sizes, images: int, output_bytes: int, limit: int
) -> list[tuple[slice, Slices]]:
    """Cut the outputs of some images into blocks of about ``limit`` bytes.

    As many outputs of the last axis as fit, then of the axis before, and at last as
    many images.
    """
    used = max(1, output_bytes)
    cuts: list[list[slice]] = []
    for size in (*reversed(outputs), images):
        side = min(size, max(1, limit // used))
        used *= side
        cuts.insert(0, [slice(i, min(i + side, size)) for i in range(0, size, side)])
    return [(some, tuple(box)) for some, *box in product(*cuts)]
