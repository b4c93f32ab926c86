"""Convolution by the Fourier transform, for any number of spatial dimensions.

The convolution theorem: a correlation of two signals is the product of one
spectrum with the conjugate of the other. A transform of P numbers costs about
P · log P whatever the size of the filter, so large filters gain. The picture is
cut into overlapping tiles ("overlap-save": each tile is wider than what it
yields by the filter's reach, and the part that wrapped around is dropped), so
that a transform stays in the cache and memory does not grow with the picture.

All transforms run in float64: rounding in a transform spreads over the whole
tile, and float32 would leave it at about a millionth of the largest sum.

Shapes are those of ``direct``: pictures (N, G, C, *sizes), filters
(G, F, C, *taps), result (N, G, F, *outputs).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import log2, prod
from typing import NamedTuple

import numpy as np

from neural_network.functional.checks import Array
from neural_network.functional.window import Sizes, reach, tap_slices

# Tiles longer than this leave the second-level cache (measured in two dimensions:
# 256 is best, 512 a third slower), unless the filter itself is long.
LONGEST_TILE = 256
# What a tile costs beside its transform, in the units of length · log2(length):
# the calls around it. Without it many tiny tiles would look cheap.
TILE_OVERHEAD = 400
# Bytes of spectra for as many pictures as share one call.
BATCH = 1 << 20
# Nanoseconds, as in ``direct``.
NS_POINT, NS_SPECTRAL_PRODUCT, NS_CALL = 0.3, 1.5, 40_000.0


class Tiling(NamedTuple):
    """How one axis is cut: transforms of ``length``, each yielding ``kept`` sums."""

    length: int
    kept: int


def convolve_fft(X: Array, W: Array, outputs: Sizes, stride: Sizes, dilation: Sizes) -> Array:
    """Compute what ``convolve_direct`` computes, through spectra."""
    groups, filters, channels, *tap_list = W.shape
    taps = tuple(tap_list)
    tilings = _tilings(X.shape[3:], taps, stride, dilation)
    lengths = [tiling.length for tiling in tilings]
    axes = tuple(range(3, X.ndim))
    wide = np.result_type(X.dtype, np.float64)

    spread = np.zeros((groups, filters, channels, *reach(taps, dilation)), wide)
    spread[(slice(None),) * 3 + tuple(slice(None, None, d) for d in dilation)] = W
    filter_spectra = np.conj(np.fft.rfftn(spread, lengths, axes=axes))

    out = np.empty((len(X), groups, filters, *outputs), X.dtype)
    batch = _batch(groups * (channels + filters) * prod(lengths))
    # One kept sum in ``stride`` is an output; ``kept`` is a multiple of the stride.
    steps = [max(1, tiling.kept // s) for tiling, s in zip(tilings, stride, strict=True)]
    for first in range(0, len(X), batch):
        pictures, maps = X[first : first + batch], out[first : first + batch]
        for corner in _corners(outputs, steps):
            starts = [place * s for place, s in zip(corner, stride, strict=True)]
            tile = pictures[_box(starts, lengths)].astype(wide)
            spectra = _product(np.fft.rfftn(tile, lengths, axes=axes), filter_spectra)
            sums = np.fft.irfftn(spectra, lengths, axes=axes)
            target = maps[_box(corner, steps)]
            every = tap_slices((0,) * len(taps), target.shape[3:], stride, dilation)
            target[...] = sums[(slice(None),) * 3 + every]
    return out


def _corners(outputs: Sizes, steps: Sequence[int]) -> Iterator[Sizes]:
    """Yield the first output of every tile."""
    return product(*(range(0, count, step) for count, step in zip(outputs, steps, strict=True)))


def _box(starts: Sequence[int], lengths: Sequence[int]) -> tuple[slice, ...]:
    """Return the index of a box in the spatial axes, which follow three others."""
    spatial = (slice(start, start + n) for start, n in zip(starts, lengths, strict=True))
    return (slice(None),) * 3 + tuple(spatial)


def cost_fft(pictures: int, X: Array, W: Array, stride: Sizes, dilation: Sizes) -> float:
    """Return an estimate of the nanoseconds that :func:`convolve_fft` takes."""
    groups, filters, channels, *tap_list = W.shape
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
    best = Tiling(_fast_length(shortest), 0)
    least = float("inf")
    length = shortest
    while True:
        length = _fast_length(length)
        kept = (length - cover + 1) // stride * stride
        tiles = -(-(size - cover + 1) // kept)
        cost = tiles * (length * log2(length + 1) + TILE_OVERHEAD)
        if cost < least:
            best, least = Tiling(length, kept), cost
        length += 1
        if length > longest or tiles == 1:
            return best


def _fast_length(least: int) -> int:
    """Return the next whole number without a prime factor above 5: those transform fastest.

    >>> _fast_length(31), _fast_length(257)
    (32, 270)
    """
    length = least
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 1
