"""Large filters that read one channel: Fourier along the columns, sums along the rows.

A picture is cut into tiles. Along a tile's columns goes a fast Fourier transform, whose
butterflies take whole rows at a time: numbers that lie side by side in memory, all with one
factor. Then the sum over the filter's columns is taken as it stands, row by row, with complex
taps; and the way back. Nothing is ever transposed. For a filter of n columns that is 2 · n
products for each number instead of n².

Two tiles make one of complex numbers, one as its real part and one as its imaginary part:
filters are real, so the two never mix. The numbers of a row lie as ``WIDE`` real parts and then
``WIDE`` imaginary ones. All is computed in float64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neural_network.kernels.convolution.single_channel import WIDE
from neural_network.kernels.runtime.compiler import kernel, part, prange

Array = NDArray[Any]
Sizes = tuple[int, ...]

# Taps that are summed while a row passes once.
FEW = 4
# Numbers of which one thread looks for the largest. Fixed, so that threads change no result.
SHARE = 1 << 18


def by_columns(
    X: Array, W: Array, out: Array, stride: Sizes, dilation: Sizes, length: int, factor: float
) -> None:
    """Fill ``out`` with the sums under each window.

    Args:
        X: (N, G, 1, H, W), float32 or float64.
        W: (G, F, 1, fh, fw), float64.
        out: (N, G, F, OH, OW), of the type of ``X``.
        stride, dilation: two numbers each.
        length: rows of a tile, a power of two, no fewer than the filters reach.
        factor: a power of two, which the pictures are taken times.
    """
    groups, filters, _, high, wide = W.shape
    spread = np.zeros((groups, filters, length, -(-wide // FEW) * FEW))
    spread[:, :, : high * dilation[0] : dilation[0], :wide] = W[:, :, 0]
    spectra = np.fft.fft(spread, axis=2).conj()[:, :, order(length)] / length
    distances = np.arange(spread.shape[3]) * dilation[1]
    distances[wide:] = 0  # their taps are 0, and must not look past the row
    powers = np.arange(length)[:, None] * np.arange(1, 4)
    turn = np.exp(-2j * np.pi / length * powers)
    kept = (length - (high - 1) * dilation[0] - 1) // stride[0] + 1
    across = (WIDE - (wide - 1) * dilation[1] - 1) // stride[1] + 1
    pictures = np.ascontiguousarray(X[:, :, 0]).view()
    # A kernel is compiled once for what can be written to and once for what cannot.
    pictures.flags.writeable = False
    maps = np.ascontiguousarray(out)
    columns_and_rows(
        pictures, *_parts(spectra), distances, *_parts(turn), stride, (kept, across), factor, maps
    )
    if maps is not out:
        out[...] = maps


def _parts(numbers: Array) -> tuple[Array, Array]:
    return np.ascontiguousarray(numbers.real), np.ascontiguousarray(numbers.imag)


def largest_sizes(X: Array) -> Array:
    """Return the largest |number| of each picture, ∞ or NaN where it holds such.

    Args:
        X: (N, …), float32 or float64.
    """
    flat = np.ascontiguousarray(X).reshape(len(X), -1)
    whole = np.int32 if X.dtype == np.float32 else np.int64
    shares = -(-flat.shape[1] // SHARE)
    found = np.empty((len(X), shares), whole)
    bits = flat.view(whole).view()
    bits.flags.writeable = False
    largest_bits(bits, np.array([np.iinfo(whole).max]), found)
    sizes: Array = found.max(axis=1).view(X.dtype)
    return sizes


def order(length: int) -> list[int]:
    """Return which frequency stands where after the transform: digits of 4 in reverse.

    >>> order(8)
    [0, 4, 1, 5, 2, 6, 3, 7]
    """
    if length == 1:
        return [0]
    radix = 4 if length % 4 == 0 else 2
    return [radix * k + first for first in range(radix) for k in order(length // radix)]


@part
def four_ahead(za: Array, zb: Array, zc: Array, zd: Array, w: Array, h: Array) -> None:
    """Transform four rows, then turn three of them by w, w² and w³."""
    wr, wi, w2r, w2i, w3r, w3i = w[0], h[0], w[1], h[1], w[2], h[2]
    for i in range(WIDE):
        pr, pi = za[i] + zc[i], za[WIDE + i] + zc[WIDE + i]
        mr, mi = za[i] - zc[i], za[WIDE + i] - zc[WIDE + i]
        qr, qi = zb[i] + zd[i], zb[WIDE + i] + zd[WIDE + i]
        nr, ni = zb[i] - zd[i], zb[WIDE + i] - zd[WIDE + i]
        za[i], za[WIDE + i] = pr + qr, pi + qi
        br, bi, cr, ci, dr, di = mr + ni, mi - nr, pr - qr, pi - qi, mr - ni, mi + nr
        zb[i], zb[WIDE + i] = br * wr - bi * wi, br * wi + bi * wr
        zc[i], zc[WIDE + i] = cr * w2r - ci * w2i, cr * w2i + ci * w2r
        zd[i], zd[WIDE + i] = dr * w3r - di * w3i, dr * w3i + di * w3r


@part
def four_back(za: Array, zb: Array, zc: Array, zd: Array, w: Array, h: Array) -> None:
    """Undo ``four_ahead``, times 4."""
    wr, wi, w2r, w2i, w3r, w3i = w[0], h[0], w[1], h[1], w[2], h[2]
    for i in range(WIDE):
        ar, ai = za[i], za[WIDE + i]
        br, bi = zb[i] * wr + zb[WIDE + i] * wi, zb[WIDE + i] * wr - zb[i] * wi
        cr, ci = zc[i] * w2r + zc[WIDE + i] * w2i, zc[WIDE + i] * w2r - zc[i] * w2i
        dr, di = zd[i] * w3r + zd[WIDE + i] * w3i, zd[WIDE + i] * w3r - zd[i] * w3i
        pr, pi, mr, mi = ar + cr, ai + ci, ar - cr, ai - ci
        qr, qi, nr, ni = br + dr, bi + di, br - dr, bi - di
        za[i], za[WIDE + i] = pr + qr, pi + qi
        zb[i], zb[WIDE + i] = mr - ni, mi + nr
        zc[i], zc[WIDE + i] = pr - qr, pi - qi
        zd[i], zd[WIDE + i] = mr + ni, mi - nr


@part
def two(za: Array, zb: Array) -> None:
    """Transform two rows."""
    for i in range(2 * WIDE):
        a, b = za[i], zb[i]
        za[i], zb[i] = a + b, a - b


@part
def ahead(Z: Array, real: Array, imag: Array) -> None:
    """Transform the columns of a tile; frequencies come in the order of ``order``."""
    length = len(Z)
    n = length
    while n >= 4:
        q, step = n // 4, length // n
        for first in range(0, length, n):
            for j in range(q):
                a, t = first + j, step * j
                four_ahead(Z[a], Z[a + q], Z[a + 2 * q], Z[a + 3 * q], real[t], imag[t])
        n = q
    if n == 2:
        for a in range(0, length, 2):
            two(Z[a], Z[a + 1])


@part
def back(Z: Array, real: Array, imag: Array) -> None:
    """Undo ``ahead``, times the length."""
    length = len(Z)
    n = length
    while n > 4:
        n //= 4
    if n == 2:
        for a in range(0, length, 2):
            two(Z[a], Z[a + 1])
        n = 8
    while n <= length:
        q, step = n // 4, length // n
        for first in range(0, length, n):
            for j in range(q):
                a, t = first + j, step * j
                four_back(Z[a], Z[a + q], Z[a + 2 * q], Z[a + 3 * q], real[t], imag[t])
        n *= 4


@part
def few_taps(to: Array, z: Array, places: int, d: Array, r: Array, m: Array, add: bool) -> None:
    """Add four complex taps' products with a row, or begin with them."""
    r0, r1, r2, r3, m0, m1, m2, m3 = r[0], r[1], r[2], r[3], m[0], m[1], m[2], m[3]
    z0, z1, z2, z3 = z[d[0] :], z[d[1] :], z[d[2] :], z[d[3] :]
    if not add:
        for i in range(2 * WIDE):
            to[i] = 0.0
    for i in range(places):
        xr, xi = z0[i], z0[WIDE + i]
        yr, yi = z1[i], z1[WIDE + i]
        vr, vi = z2[i], z2[WIDE + i]
        ur, ui = z3[i], z3[WIDE + i]
        to[i] += r0 * xr - m0 * xi + r1 * yr - m1 * yi + r2 * vr - m2 * vi + r3 * ur - m3 * ui
        to[WIDE + i] += (
            r0 * xi + m0 * xr + r1 * yi + m1 * yr + r2 * vi + m2 * vr + r3 * ui + m3 * ur
        )


@part
def take(Z: Array, half: int, x: Array, top: int, left: int, factor: float) -> None:
    """Read a tile, times a factor, into the real (0) or the imaginary (WIDE) half of the rows."""
    rows = min(len(Z), x.shape[0] - top)
    columns = min(WIDE, x.shape[1] - left)
    for r in range(rows):
        z, line = Z[r, half : half + WIDE], x[top + r, left : left + columns]
        for i in range(columns):
            z[i] = factor * line[i]
        for i in range(columns, WIDE):
            z[i] = 0.0
    for r in range(rows, len(Z)):
        z = Z[r, half : half + WIDE]
        for i in range(WIDE):
            z[i] = 0.0


@part
def put(
    out: Array, Y: Array, half: int, stride: Sizes, top: int, bottom: int, left: int, right: int
) -> None:
    """Round one in a stride of a half of the sums into a part of a map."""
    down, aside = stride
    for r in range(top, bottom):
        row, y = out[r][left:right], Y[(r - top) * down][half : half + WIDE]
        if aside == 1:
            for i in range(right - left):
                row[i] = y[i]
        else:
            for i in range(right - left):
                row[i] = y[i * aside]


@kernel
def columns_and_rows(
    X: Array, real: Array, imag: Array, distances: Array, turn_real: Array, turn_imag: Array,
    stride: Sizes, yields: Sizes, factor: float, out: Array,
) -> None:  # fmt: skip
    """Fill ``out`` with the sums under each window.

    Args:
        X: (N, G, H, W).
        real: parts of the filters' spectra, (G, F, length, taps), a multiple of FEW taps.
        imag: the same.
        distances: (taps,), of the taps of a row.
        turn_real: (length, 3): the powers 1, 2, 3 of exp(−2πi · row / length).
        turn_imag: the same.
        stride: of the window.
        yields: how many rows and columns of sums a tile yields.
        factor: the pictures are taken times this.
        out: (N, G, F, rows, columns).
    """
    count, groups, filters, height, width = out.shape
    length, taps = real.shape[2:]
    high, wide = yields
    tall, across = (height + high - 1) // high, (width + wide - 1) // wide
    pairs = (count * tall + 1) // 2
    for job in prange(groups * pairs * across):
        g, pair, left = job // (pairs * across), job // across % pairs, job % across * wide
        columns = min(wide, width - left)
        Z = np.zeros((length, 2 * WIDE), np.float64)
        for k in range(2):
            tile = 2 * pair + k
            if tile < count * tall:
                top = tile % tall * high
                take(Z, k * WIDE, X[tile // tall, g], top * stride[0], left * stride[1], factor)
        ahead(Z, turn_real, turn_imag)
        # The picture's spectrum is needed for one filter after the other.
        Y = Z if filters == 1 else np.empty_like(Z)
        sums = np.zeros(2 * WIDE, np.float64)
        places = (columns - 1) * stride[1] + 1
        for f in range(filters):
            for row in range(length):
                for t in range(0, taps, FEW):
                    r, m = real[g, f, row, t : t + FEW], imag[g, f, row, t : t + FEW]
                    few_taps(sums, Z[row], places, distances[t : t + FEW], r, m, t > 0)
                Y[row] = sums
            back(Y, turn_real, turn_imag)
            for k in range(2):
                tile = 2 * pair + k
                if tile < count * tall:
                    top = tile % tall * high
                    bottom = min(top + high, height)
                    maps = out[tile // tall, g, f]
                    put(maps, Y, k * WIDE, stride, top, bottom, left, left + columns)


@kernel
def largest_bits(bits: Array, mask: Array, found: Array) -> None:
    """Find the largest number of each share, without its first bit.

    Without their signs floats are in the order of their bits, and what is not finite is
    largest of all.

    Args:
        bits: (N, numbers), floats seen as whole numbers.
        mask: (1,), all bits but the first.
        found: (N, shares).
    """
    count, shares = found.shape
    for job in prange(count * shares):
        n, share = job // shares, job % shares
        some = bits[n, share * SHARE : (share + 1) * SHARE]
        keep = mask[0]
        largest = keep & some[0]
        for i in range(len(some)):
            largest = max(largest, some[i] & keep)
        found[n, share] = largest
