"""Convolution by the Fourier transform, for any number of spatial dimensions.

The convolution theorem: a correlation of two signals is the product of one
spectrum with the conjugate of the other. A transform of P numbers costs about
P · log P whatever the size of the filter, so large filters gain. The picture is
cut into overlapping tiles ("overlap-save": each tile is wider than what it
yields by the filter's reach, and the part that wrapped around is dropped), so
that a transform stays in the cache and memory does not grow with the picture.

All transforms run in float64: rounding in a transform spreads over the whole
tile, and float32 would leave it at about a millionth of the largest sum.

Large pictures of which each filter reads one channel are the work of a compiled transform
along the columns (``kernels/convolution/fft.py``).

Shapes are those of ``direct``: pictures (N, G, C, *sizes), filters
(G, F, C, *taps), result (N, G, F, *outputs).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import log2, prod
from typing import NamedTuple

import numpy as np

from neural_network.checks import Array
from neural_network.functional.window import Sizes, reach, tap_slices
from neural_network.kernels.convolution.single_channel import tile
from neural_network.kernels.runtime.gate import kernel_wanted

# Tiles longer than this leave the second-level cache (measured in two dimensions:
# 256 is best, 512 a third slower), unless the filter itself is long.
LONGEST_TILE = 256
# What a tile costs beside its transform, in the units of length · log2(length):
# the calls around it. Without it many tiny tiles would look cheap.
TILE_OVERHEAD = 400
# Bytes of spectra for as many pictures as share one call, and for as many filters
# as are kept at a time.
BATCH = 1 << 20
FILTER_SPECTRA = 1 << 26
# Nanoseconds, as in ``direct``.
NS_POINT, NS_SPECTRAL_PRODUCT, NS_CALL = 0.3, 1.5, 40_000.0


class Tiling(NamedTuple):
    """How one axis is cut: transforms of ``length``, each yielding ``kept`` sums."""

    length: int
    kept: int


def convolve_fft(X: Array, W: Array, outputs: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Compute what ``convolve_direct`` computes, through spectra."""
    filters = W.shape[1]
    cut = tile(X, W, outputs, stride, dilation)
    lengths = [t.length for t in _tilings(X.shape[3:], W.shape[3:], stride, dilation)]
    if cut:  # along columns only
        lengths = [cut.length, W.shape[4]]
    wide = np.result_type(X.dtype, np.float64)
    # Spectra hold sums over whole tiles, which could overflow where no window does.
    # Powers of two change no digit.
    up, down = _power_of_two(X), _power_of_two(W)
    seen = _only_seen(X, W.shape[3:], outputs, stride, dilation)
    out = np.empty((len(X), W.shape[0], filters, *outputs), X.dtype)
    at_once = _filters_at_once(W.shape, prod(lengths))
    for first in range(0, filters, at_once):
        some = slice(first, first + at_once)
        weights = np.ldexp(W[:, some].astype(wide), -down)
        if cut:
            from neural_network.kernels.convolution.fft import by_columns

            by_columns(seen, weights, out[:, :, some], stride, dilation, cut.length, 2.0**-up)
        else:
            _fill(seen, weights, out[:, :, some], stride, dilation, -up)
    # One at a time: their sum may be more than a float's exponent.
    return np.ldexp(np.ldexp(out, up), down) if up or down else out


def _fill(X: Array, W: Array, out: Array, stride: Sizes, dilation: Sizes, power: int) -> None:
    """Fill ``out`` tile by tile; the picture's numbers are taken times 2 to a power."""
    groups, filters, channels, *tap_list = W.shape
    taps, outputs = tuple(tap_list), out.shape[3:]
    tilings = _tilings(X.shape[3:], taps, stride, dilation)
    lengths = [tiling.length for tiling in tilings]
    axes = tuple(range(3, X.ndim))
    spread = np.zeros((groups, filters, channels, *reach(taps, dilation)), W.dtype)
    spread[(slice(None),) * 3 + tuple(slice(None, None, d) for d in dilation)] = W
    filter_spectra = np.fft.rfftn(spread, lengths, axes=axes)
    np.conj(filter_spectra, out=filter_spectra)

    batch = _batch(groups * (channels + filters) * prod(lengths))
    # One kept sum in ``stride`` is an output; ``kept`` is a multiple of the stride.
    steps = [max(1, tiling.kept // s) for tiling, s in zip(tilings, stride, strict=True)]
    for first in range(0, len(X), batch):
        pictures, maps = X[first : first + batch], out[first : first + batch]
        for corner in _corners(outputs, steps):
            starts = [place * s for place, s in zip(corner, stride, strict=True)]
            tile = pictures[_box(starts, lengths)].astype(W.dtype)
            if power:
                tile = np.ldexp(tile, power)
            spectra = _product(np.fft.rfftn(tile, lengths, axes=axes), filter_spectra)
            sums = np.fft.irfftn(spectra, lengths, axes=axes)
            target = maps[_box(corner, steps)]
            every = tap_slices((0,) * len(taps), target.shape[3:], stride, dilation)
            target[...] = sums[(slice(None),) * 3 + every]


def _power_of_two(array: Array) -> int:
    """Return the exponent of the largest number if sums might overflow, else 0."""
    if array.dtype.itemsize < 8:  # too short for such numbers
        return 0
    largest = float(np.max(_largest_sizes(array)))
    return int(np.frexp(largest)[1]) if np.isfinite(largest) and largest > 1e100 else 0


def _largest_sizes(X: Array) -> Array:
    """Return the largest |number| of each picture: NaN if one is NaN."""
    if X.dtype in (np.float32, np.float64) and kernel_wanted("largest of a picture", X.size):
        from neural_network.kernels.convolution.fft import largest_sizes

        return largest_sizes(X)
    within = tuple(range(1, X.ndim))
    largest: Array = np.maximum(np.max(X, axis=within), -np.min(X, axis=within))
    return largest


def _only_seen(X: Array, taps: Sizes, outputs: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Return the pictures with 0 wherever no tap ever looks.

    A transform looks everywhere, and the rounding of large numbers that count for
    nothing would spoil the small ones that do.
    """
    if all(s == 1 for s in stride + dilation):
        return X
    seen = np.zeros(X.shape[3:], bool)
    for tap in np.ndindex(*taps):
        seen[tap_slices(tap, outputs, stride, dilation)] = True
    return X if seen.all() else np.where(seen, X, np.zeros((), X.dtype))


def rounds_within(
    bound: float, X: Array, W: Array, outputs: Sizes, stride: Sizes, dilation: Sizes
) -> bool:
    """Say whether the transform's rounding stays under ``bound`` times each picture's largest sum.

    The rounding of one transform spreads evenly over its tile: it is about
    ε · log2(points) · max|tile| · Σ|filter| everywhere, with a factor of 4 to be
    safe. It is compared with the sums Σ|picture · filter| of a few windows, among
    them the one over the picture's largest number: a lower bound of the largest sum.
    """
    points = prod(t.length for t in _tilings(X.shape[3:], W.shape[3:], stride, dilation))
    sizes = np.abs(W).astype(float)
    heaviest = float(np.max(np.sum(sizes, axis=tuple(range(2, W.ndim)))))
    largest = _largest_sizes(X).astype(float)
    rounding = 4 * float(np.finfo(float).eps) * log2(points + 1) * largest * heaviest
    if not np.all(np.isfinite(rounding)):
        return False
    covered = reach(W.shape[3:], dilation)

    def sums_at(pictures: Array, place: Sequence[int]) -> Array:
        starts = [o * s for o, s in zip(place, stride, strict=True)]
        windows = np.abs(pictures[(slice(None),) * 3 + tuple(_spans(starts, covered, dilation))])
        groups, filters = W.shape[:2]
        columns = windows.reshape(len(pictures), groups, 1, -1).astype(float)
        sums = columns @ sizes.reshape(groups, filters, -1).swapaxes(1, 2)
        largest_sums: Array = np.max(sums, axis=(1, 2, 3))
        return largest_sums

    middle, corner = [count // 2 for count in outputs], [0] * len(outputs)
    large = np.maximum(sums_at(X, middle), sums_at(X, corner))
    for i in np.flatnonzero(rounding > bound * large):
        peak = np.unravel_index(int(np.argmax(np.abs(X[i]))), X[i].shape)[2:]
        over_peak = [
            min(max(0, (int(p) - cover // 2) // s), count - 1)
            for p, cover, s, count in zip(peak, covered, stride, outputs, strict=True)
        ]
        if rounding[i] > bound * sums_at(X[i : i + 1], over_peak)[0]:
            return False
    return True


def _spans(starts: Sequence[int], lengths: Sequence[int], steps: Sequence[int]) -> list[slice]:
    """Return a slice for each axis."""
    return [slice(a, a + n, d) for a, n, d in zip(starts, lengths, steps, strict=True)]


def _corners(outputs: Sizes, steps: Sequence[int]) -> Iterator[Sizes]:
    """Yield the first output of every tile."""
    return product(*(range(0, count, step) for count, step in zip(outputs, steps, strict=True)))


def _box(starts: Sequence[int], lengths: Sequence[int]) -> tuple[slice, ...]:
    """Return the index of a box in the spatial axes, which follow three others."""
    return (slice(None),) * 3 + tuple(_spans(starts, lengths, [1] * len(starts)))


def cost_fft(X: Array, W: Array, outputs: Sizes, stride: Sizes, dilation: Sizes) -> float:
    """Return an estimate of the nanoseconds that :func:`convolve_fft` takes."""
    if cut := tile(X, W, outputs, stride, dilation):
        return cut.cost
    pictures, (groups, filters, channels, *tap_list) = len(X), W.shape
    taps, sizes = tuple(tap_list), X.shape[3:]
    tilings = _tilings(sizes, taps, stride, dilation)
    points = prod(tiling.length for tiling in tilings)
    tiles = prod(
        -(-(size - cover + 1) // tiling.kept)
        for size, cover, tiling in zip(sizes, reach(taps, dilation), tilings, strict=True)
    )
    calls = tiles * -(-pictures // _batch(groups * (channels + filters) * points))
    pairs = groups * channels * filters
    transform = points * log2(points + 1) * NS_POINT
    per_tile = groups * (channels + filters) * transform + pairs * points / 2 * NS_SPECTRAL_PRODUCT
    # The filters' own spectra are transforms too.
    return float(pictures * tiles * per_tile + pairs * transform + calls * NS_CALL)


def _filters_at_once(weight_shape: Sizes, points: int) -> int:
    """Return for how many filters the spectra are kept at a time."""
    groups, _, channels = weight_shape[:3]
    return max(1, FILTER_SPECTRA // (16 * groups * channels * points))


def _batch(points_per_picture: int) -> int:
    """Return how many pictures share one call: as many as fit, 16 bytes a complex number."""
    return max(1, BATCH // (16 * points_per_picture))


def _product(spectra: Array, filter_spectra: Array) -> Array:
    """Multiply spectra and sum over the channels: (n, G, C, …) × (G, F, C, …) → (n, G, F, …)."""
    if filter_spectra.shape[1] == filter_spectra.shape[2] == 1:
        product_: Array = spectra * filter_spectra[:, 0]
        return product_
    summed: Array = np.einsum("ngc...,gfc...->ngf...", spectra, filter_spectra)
    return summed


def _tilings(sizes: Sizes, taps: Sizes, stride: Sizes, dilation: Sizes) -> list[Tiling]:
    covered = reach(taps, dilation)
    return [
        _tiling(size, cover, step) for size, cover, step in zip(sizes, covered, stride, strict=True)
    ]


def _tiling(size: int, cover: int, stride: int) -> Tiling:
    """Choose the transform length that costs least for the whole axis."""
    stride = min(stride, size - cover + 1)  # a longer step than the axis makes one output too
    shortest = cover + stride - 1  # yields one output
    longest = max(min(size, LONGEST_TILE), 4 * shortest)

    def tiling(length: int) -> tuple[float, Tiling]:
        kept = (length - cover + 1) // stride * stride
        tiles = -(-(size - cover + 1) // kept)
        return tiles * (length * log2(length + 1) + TILE_OVERHEAD), Tiling(length, kept)

    return min(tiling(length) for length in _fast_lengths(shortest, longest))[1]


def _fast_lengths(least: int, most: int) -> list[int]:
    """Return the whole numbers without a prime factor above 5, which transform fastest.

    All from ``least`` to ``most``, and the first beyond.

    >>> _fast_lengths(28, 40)
    [30, 32, 36, 40, 45]
    """
    found = []
    twos = 1
    while twos < 2 * most:
        threes = twos
        while threes < 2 * most:
            fives = threes
            while fives < 2 * most:
                found.append(fives)
                fives *= 5
            threes *= 3
        twos *= 2
    fast = sorted(length for length in found if length >= least)
    beyond = next(i for i, length in enumerate(fast) if length > most)
    return fast[: beyond + 1]
