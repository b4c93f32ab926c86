"""Convolution by the Fourier transform, for any number of spatial axes.

The convolution theorem: a correlation of two signals is the product of one
spectrum with the conjugate of the other. A transform of P numbers costs about
P · log P whatever the size of the filter, so large filters gain. The image is
cut into overlapping tiles ("overlap-save": each tile is wider than what it
yields by the filter's reach, and the part that wrapped around is dropped), so
that a transform stays in the cache and memory does not grow with the image.

All transforms run in float64: rounding in a transform spreads over the whole
tile, and float32 would leave it at about a millionth of the largest sum.

Large images of which each filter reads one channel are computed by a compiled transform
along the columns (``kernels/convolution/fft.py``).

Shapes are those of ``direct``: images (N, G, C, *sizes), filters
(G, F, C, *taps), result (N, G, F, *outputs).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from math import log2, prod
from typing import NamedTuple

import numpy as np

from neural_network.checks import Array
from neural_network.functional.convolution.direct import add_bias
from neural_network.functional.window import Sizes, Slices, Window
from neural_network.kernels.convolution.single_channel import LENGTHS, WIDE
from neural_network.kernels.runtime.gate import kernel_wanted

# Tiles longer than this leave the second-level cache (measured in two dimensions:
# 256 is best, 512 a third slower), unless the filter itself is long.
LONGEST_TILE = 256
# What a tile costs beside its transform, in the units of length · log2(length):
# the calls around it. Without it many tiny tiles would look cheap.
TILE_OVERHEAD = 400
# Bytes of spectra for as many images as share one call, and for as many filters
# as are kept at a time.
BATCH = 1 << 20
FILTER_SPECTRA = 1 << 26
# Estimates in nanoseconds, as in ``route``.
NS_POINT, NS_SPECTRAL_PRODUCT, NS_CALL = 0.3, 1.5, 40_000.0
# Compiled: a number of a tile, once and for each halving of its columns; a number of a row of
# sums, for each tap in a row; the factor of tiles longer than ``LONG``.
NS_NUMBER, NS_HALVING, NS_TAP = 0.6, 0.055, 0.026
LONG, SLOWER = 256, 1.3


class Tiling(NamedTuple):
    """How one axis is cut: transforms of ``length``, each yielding ``kept`` sums."""

    length: int
    kept: int


class ColumnTile(NamedTuple):
    """Rows of a tile of the compiled transform, and the estimated nanoseconds of all tiles."""

    length: int
    nanoseconds: float


def convolve(
    X: Array, W: Array, bias: Array | None, window: Window, tile: ColumnTile | None = None
) -> Array:
    """Compute what ``direct.by_columns`` computes, through spectra; ``tile``: compiled."""
    X, filters = window.pad(X), W.shape[1]
    if tile is None:
        points = prod(tiling.length for tiling in _tilings(window))
    else:  # transforms go along columns only
        points = tile.length * window.taps[1]
    wide = np.result_type(X.dtype, np.float64)
    # Spectra hold sums over whole tiles, which could overflow where no window does.
    # Powers of two change no digit.
    up, down = _power_of_two(X), _power_of_two(W)
    X = _without_unread(X, window)
    out = np.empty((len(X), W.shape[0], filters, *window.outputs), X.dtype)
    at_once = _filters_at_once(W.shape, points)
    for first in range(0, filters, at_once):
        some = slice(first, first + at_once)
        weights = np.ldexp(W[:, some].astype(wide), -down)
        if tile is None:
            _fill(X, weights, out[:, :, some], window, -up)
        else:
            from neural_network.kernels.convolution.fft import convolve as by_columns

            by_columns(
                X, weights, out[:, :, some], window.stride, window.dilation, tile.length, 2.0**-up
            )
    if up or down:  # one at a time: their sum may be more than a float's exponent
        out = np.ldexp(np.ldexp(out, up), down)
    return add_bias(out, bias)


def _fill(X: Array, W: Array, out: Array, window: Window, power: int) -> None:
    """Fill ``out`` tile by tile; the padded image's numbers are taken times 2 to a power."""
    groups, filters, channels = W.shape[:3]
    stride = window.stride
    tilings = _tilings(window)
    lengths = [tiling.length for tiling in tilings]
    axes = tuple(range(3, X.ndim))
    spread = np.zeros((groups, filters, channels, *window.reach), W.dtype)
    spread[:, :, :, *[slice(None, None, d) for d in window.dilation]] = W
    filter_spectra = np.fft.rfftn(spread, lengths, axes=axes)
    np.conj(filter_spectra, out=filter_spectra)

    batch = _batch(groups * (channels + filters) * prod(lengths))
    # One kept sum in ``stride`` is an output; ``kept`` is a multiple of the stride.
    steps = [max(1, tiling.kept // s) for tiling, s in zip(tilings, stride, strict=True)]
    for first in range(0, len(X), batch):
        images, maps = X[first : first + batch], out[first : first + batch]
        for corner in _corners(window.outputs, steps):
            starts = [place * s for place, s in zip(corner, stride, strict=True)]
            tile = images[:, :, :, *_box(starts, lengths)].astype(W.dtype)
            if power:
                tile = np.ldexp(tile, power)
            spectra = _product(np.fft.rfftn(tile, lengths, axes=axes), filter_spectra)
            sums = np.fft.irfftn(spectra, lengths, axes=axes)
            target = maps[:, :, :, *_box(corner, steps)]
            kept = [
                slice(0, (n - 1) * s + 1, s) for n, s in zip(target.shape[3:], stride, strict=True)
            ]
            target[...] = sums[:, :, :, *kept]


def _power_of_two(array: Array) -> int:
    """Return the exponent of the largest number if sums might overflow, else 0."""
    if array.dtype.itemsize < 8:  # too short for such numbers
        return 0
    largest = float(np.max(_largest_sizes(array)))
    return int(np.frexp(largest)[1]) if np.isfinite(largest) and largest > 1e100 else 0


def _largest_sizes(X: Array) -> Array:
    """Return the largest |number| of each image: NaN if one is NaN."""
    if kernel_wanted("largest of an image", X.size, X):
        from neural_network.kernels.convolution.fft import largest_magnitudes

        return largest_magnitudes(X)
    within = tuple(range(1, X.ndim))
    largest: Array = np.maximum(np.max(X, axis=within), -np.min(X, axis=within))
    return largest


def all_finite(X: Array, W: Array) -> bool:
    """Return whether all numbers of images and filters are finite."""
    return bool(np.isfinite(_largest_sizes(X)).all() and np.isfinite(W).all())


def _without_unread(X: Array, window: Window) -> Array:
    """Return the padded images with 0 wherever no tap reads.

    A transform reads everything, and the rounding of large numbers that count for
    nothing would spoil the small ones that do.
    """
    if all(s == 1 for s in window.stride + window.dilation):
        return X
    read = np.zeros(X.shape[3:], bool)
    for place in window.tap_slices():
        read[place] = True
    return X if read.all() else np.where(read, X, np.zeros((), X.dtype))


def rounds_within(bound: float, X: Array, W: Array, window: Window) -> bool:
    """Return whether the transform's rounding stays under ``bound`` times each image's largest sum.

    The rounding of one transform spreads evenly over its tile: it is about
    ε · log2(points) · max|tile| · Σ|filter| everywhere, with a factor of 4 to be
    safe. It is compared with the sums Σ|image · filter| of a few windows, among
    them the one over the image's largest number: a lower bound of the largest sum.
    """
    X = window.pad(X)
    points = prod(tiling.length for tiling in _tilings(window))
    sizes = np.abs(W).astype(float)
    heaviest = float(np.max(np.sum(sizes, axis=tuple(range(2, W.ndim)))))
    largest = _largest_sizes(X).astype(float)
    rounding = 4 * float(np.finfo(float).eps) * log2(points + 1) * largest * heaviest
    if not np.all(np.isfinite(rounding)):
        return False
    groups, filters = W.shape[:2]
    weights = sizes.reshape(groups, filters, -1).swapaxes(1, 2)

    def sums_at(images: Array, place: Sequence[int]) -> Array:
        axes = zip(place, window.stride, window.reach, window.dilation, strict=True)
        under = images[:, :, :, *[slice(o * s, o * s + r, d) for o, s, r, d in axes]]
        columns = np.abs(under).reshape(len(images), groups, 1, -1).astype(float)
        largest_sums: Array = np.max(columns @ weights, axis=(1, 2, 3))
        return largest_sums

    middle, corner = [count // 2 for count in window.outputs], [0] * len(window.outputs)
    large = np.maximum(sums_at(X, middle), sums_at(X, corner))
    for i in np.flatnonzero(rounding > bound * large):
        peak = np.unravel_index(int(np.argmax(np.abs(X[i]))), X[i].shape)[2:]
        axes = zip(peak, window.reach, window.stride, window.outputs, strict=True)
        over_peak = [min(max(0, (int(p) - r // 2) // s), n - 1) for p, r, s, n in axes]
        if rounding[i] > bound * sums_at(X[i : i + 1], over_peak)[0]:
            return False
    return True


def _corners(outputs: Sizes, steps: Sequence[int]) -> Iterator[Sizes]:
    """Yield the first output of every tile."""
    return product(*(range(0, count, step) for count, step in zip(outputs, steps, strict=True)))


def _box(starts: Sequence[int], lengths: Sequence[int]) -> Slices:
    """Return a slice for each spatial axis."""
    return tuple([slice(a, a + n) for a, n in zip(starts, lengths, strict=True)])


def nanoseconds(X: Array, W: Array, window: Window) -> float:
    """Return an estimate of the time that ``convolve`` takes in NumPy."""
    images, (groups, filters, channels) = len(X), W.shape[:3]
    tilings = _tilings(window)
    points = prod(tiling.length for tiling in tilings)
    axes = zip(window.padded, window.reach, tilings, strict=True)
    tiles = prod(-(-(size - reach + 1) // tiling.kept) for size, reach, tiling in axes)
    calls = tiles * -(-images // _batch(groups * (channels + filters) * points))
    pairs = groups * channels * filters
    transform = points * log2(points + 1) * NS_POINT
    per_tile = groups * (channels + filters) * transform + pairs * points / 2 * NS_SPECTRAL_PRODUCT
    # The filters' own spectra are transforms too.
    return float(images * tiles * per_tile + pairs * transform + calls * NS_CALL)


def column_tile(X: Array, W: Array, window: Window) -> ColumnTile | None:
    """Return the fastest tile of the compiled transform, or None where filters fit in none.

    Args:
        X: images, (N, G, 1, *sizes).
        W: filters, (G, F, 1, *taps).
        window: how the filters slide.
    """
    if len(window.taps) != 2:
        return None
    (high, wide), (down, along), (rows, columns) = window.reach, window.stride, window.outputs
    if high > max(LENGTHS) or wide > WIDE // 2:
        return None
    yields = (WIDE - wide) // along + 1
    across = -(-columns // yields)
    summed = min(columns, yields) * along
    groups, filters = W.shape[:2]

    def of(length: int) -> ColumnTile:
        tall = -(-rows // ((length - high) // down + 1))
        # Transformed once for each image, and back for each filter.
        a_row = WIDE * (1 + filters) * (NS_NUMBER + NS_HALVING * log2(length)) / 2
        a_row += summed * filters * NS_TAP * window.taps[1]
        tiles = groups * across * -(-len(X) * tall // 2) * 2
        return ColumnTile(length, tiles * length * a_row * (SLOWER if length > LONG else 1.0))

    return min([of(n) for n in LENGTHS if n >= high], key=lambda tile: tile.nanoseconds)


def _filters_at_once(weight_shape: Sizes, points: int) -> int:
    """Return for how many filters the spectra are kept at a time."""
    groups, _, channels = weight_shape[:3]
    return max(1, FILTER_SPECTRA // (16 * groups * channels * points))


def _batch(points_per_image: int) -> int:
    """Return how many images share one call: as many as fit, 16 bytes a complex number."""
    return max(1, BATCH // (16 * points_per_image))


def _product(spectra: Array, filter_spectra: Array) -> Array:
    """Multiply spectra and sum over the channels: (n, G, C, …) × (G, F, C, …) → (n, G, F, …)."""
    if filter_spectra.shape[1] == filter_spectra.shape[2] == 1:
        product_: Array = spectra * filter_spectra[:, 0]
        return product_
    summed: Array = np.einsum("ngc...,gfc...->ngf...", spectra, filter_spectra)
    return summed


def _tilings(window: Window) -> list[Tiling]:
    axes = zip(window.padded, window.reach, window.stride, strict=True)
    return [_tiling(*axis) for axis in axes]


@lru_cache(256)
def _tiling(size: int, reach: int, stride: int) -> Tiling:
    """Choose the transform length that costs least for the whole axis."""
    stride = min(stride, size - reach + 1)  # a longer step than the axis makes one output too
    shortest = reach + stride - 1  # yields one output
    longest = max(min(size, LONGEST_TILE), 4 * shortest)

    def tiling(length: int) -> tuple[float, Tiling]:
        kept = (length - reach + 1) // stride * stride
        tiles = -(-(size - reach + 1) // kept)
        return tiles * (length * log2(length + 1) + TILE_OVERHEAD), Tiling(length, kept)

    return min(tiling(length) for length in _fast_lengths(shortest, longest))[1]


def _fast_lengths(least: int, most: int) -> list[int]:
    """Return the whole numbers without a prime factor above 5, which transform fastest.

    All from ``least`` to ``most``, and the first beyond.

    >>> _fast_lengths(28, 40)
    [30, 32, 36, 40, 45]
    """
    found = [1]
    for prime in (2, 3, 5):
        powers = [prime**k for k in range((2 * most).bit_length())]
        found = [n * power for n in found for power in powers if n * power < 2 * most]
    fast = sorted(length for length in found if length >= least)
    beyond = next(i for i, length in enumerate(fast) if length > most)
    return fast[: beyond + 1]
