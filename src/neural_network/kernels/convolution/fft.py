"""Single-channel convolution by FFT along the columns and direct sums along the rows.

An image is cut into tiles. The columns of a tile are transformed by an FFT whose butterflies
process whole rows: consecutive numbers with one factor. Then the sum over the filter's columns is
computed directly, row by row, with complex taps, and the inverse transform follows. Nothing is
transposed. A filter of n columns takes 2 · n products for each number instead of n².

Two tiles are transformed as one complex tile, one as its real and one as its imaginary part;
filters are real, so the two do not mix. A row holds ``WIDE`` real parts and then ``WIDE``
imaginary parts. All is computed in float64.
"""

from __future__ import annotations

import numpy as np

from neural_network.kernels.convolution.single_channel import WIDE
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.runtime.layouts import Array, Sizes

# Taps that are summed in one pass over a row.
FEW = 4
# Numbers in which a task finds the largest.
BLOCK = 1 << 18


def convolve(
    X: Array, W: Array, out: Array, stride: Sizes, dilation: Sizes, length: int, factor: float
) -> None:
    """Fill ``out`` with the convolution.

    Args:
        X: (N, G, 1, H, W), float32 or float64.
        W: (G, F, 1, fh, fw), float64.
        out: (N, G, F, OH, OW), of the type of ``X``.
        stride, dilation: two numbers each.
        length: rows of a tile, a power of two, at least those that a filter covers.
        factor: a power of two, by which the images are multiplied.
    """
    groups, filters, _, high, wide = W.shape
    spread = np.zeros((groups, filters, length, -(-wide // FEW) * FEW))
    spread[:, :, : high * dilation[0] : dilation[0], :wide] = W[:, :, 0]
    spectra = np.fft.fft(spread, axis=2).conj()[:, :, order(length)] / length
    offsets = np.arange(spread.shape[3]) * dilation[1]
    offsets[wide:] = 0  # their taps are 0, and must not read past the row
    powers = np.arange(length)[:, None] * np.arange(1, 4)
    turn = np.exp(-2j * np.pi / length * powers)
    rows = (length - (high - 1) * dilation[0] - 1) // stride[0] + 1
    across = (WIDE - (wide - 1) * dilation[1] - 1) // stride[1] + 1
    images = np.ascontiguousarray(X[:, :, 0]).view()
    # Numba compiles a kernel anew for read-only arrays; here all are read-only.
    images.flags.writeable = False
    result = np.ascontiguousarray(out)
    convolve_tiles(
        images, *_parts(spectra), offsets, *_parts(turn), stride, (rows, across), factor, result
    )
    if result is not out:
        out[...] = result


def _parts(numbers: Array) -> tuple[Array, Array]:
    return np.ascontiguousarray(numbers.real), np.ascontiguousarray(numbers.imag)


def largest_magnitudes(X: Array) -> Array:
    """Return the largest |number| of each image, ∞ or NaN if it contains one.

    Args:
        X: (N, …), float32 or float64.
    """
    flat = np.ascontiguousarray(X).reshape(len(X), -1)
    whole = np.int32 if X.dtype == np.float32 else np.int64
    found = np.empty((len(X), -(-flat.shape[1] // BLOCK)), whole)
    bits = flat.view(whole).view()
    bits.flags.writeable = False
    largest_bits(bits, np.array([np.iinfo(whole).max]), found)
    sizes: Array = found.max(axis=1).view(X.dtype)
    return sizes


def order(length: int) -> list[int]:
    """Return the frequencies in their order after the transform: base-4 digits reversed.

    >>> order(8)
    [0, 4, 1, 5, 2, 6, 3, 7]
    """
    if length == 1:
        return [0]
    radix = 4 if length % 4 == 0 else 2
    return [radix * k + first for first in range(radix) for k in order(length // radix)]


@part
def butterfly(za: Array, zb: Array, zc: Array, zd: Array, w: Array, h: Array) -> None:
    """Transform four rows, then multiply three of them by w, w² and w³."""
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
def inverse_butterfly(za: Array, zb: Array, zc: Array, zd: Array, w: Array, h: Array) -> None:
    """Invert ``butterfly``, times 4."""
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
def butterfly_of_two(za: Array, zb: Array) -> None:
    """Transform two rows."""
    for i in range(2 * WIDE):
        a, b = za[i], zb[i]
        za[i], zb[i] = a + b, a - b


@part
def transform(Z: Array, real: Array, imag: Array) -> None:
    """Transform the columns of a tile; the frequencies are in the order of ``order``."""
    length = len(Z)
    n = length
    while n >= 4:
        q, step = n // 4, length // n
        for first in range(0, length, n):
            for j in range(q):
                a, t = first + j, step * j
                butterfly(Z[a], Z[a + q], Z[a + 2 * q], Z[a + 3 * q], real[t], imag[t])
        n = q
    if n == 2:
        for a in range(0, length, 2):
            butterfly_of_two(Z[a], Z[a + 1])


@part
def inverse_transform(Z: Array, real: Array, imag: Array) -> None:
    """Invert ``transform``, times the length."""
    length = len(Z)
    n = length
    while n > 4:
        n //= 4
    if n == 2:
        for a in range(0, length, 2):
            butterfly_of_two(Z[a], Z[a + 1])
        n = 8
    while n <= length:
        q, step = n // 4, length // n
        for first in range(0, length, n):
            for j in range(q):
                a, t = first + j, step * j
                inverse_butterfly(Z[a], Z[a + q], Z[a + 2 * q], Z[a + 3 * q], real[t], imag[t])
        n *= 4


@part
def add_taps(to: Array, z: Array, positions: int, d: Array, r: Array, m: Array, add: bool) -> None:
    """Add the products of four complex taps with a row, or set ``to`` to them."""
    r0, r1, r2, r3, m0, m1, m2, m3 = r[0], r[1], r[2], r[3], m[0], m[1], m[2], m[3]
    z0, z1, z2, z3 = z[d[0] :], z[d[1] :], z[d[2] :], z[d[3] :]
    if not add:
        for i in range(2 * WIDE):
            to[i] = 0.0
    for i in range(positions):
        xr, xi = z0[i], z0[WIDE + i]
        yr, yi = z1[i], z1[WIDE + i]
        vr, vi = z2[i], z2[WIDE + i]
        ur, ui = z3[i], z3[WIDE + i]
        to[i] += r0 * xr - m0 * xi + r1 * yr - m1 * yi + r2 * vr - m2 * vi + r3 * ur - m3 * ui
        to[WIDE + i] += (
            r0 * xi + m0 * xr + r1 * yi + m1 * yr + r2 * vi + m2 * vr + r3 * ui + m3 * ur
        )


@part
def read_tile(Z: Array, half: int, x: Array, top: int, left: int, factor: float) -> None:
    """Copy a tile, times a factor, to the real (0) or the imaginary (WIDE) half of the rows."""
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
def write_tile(
    out: Array, Y: Array, half: int, stride: Sizes, top: int, bottom: int, left: int, right: int
) -> None:
    """Copy every stride-th sum of a half to a part of the result."""
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
def convolve_tiles(
    X: Array, real: Array, imag: Array, offsets: Array, turn_real: Array, turn_imag: Array,
    stride: Sizes, yields: Sizes, factor: float, out: Array,
) -> None:  # fmt: skip
    """Fill ``out`` with the convolution.

    Args:
        X: (N, G, H, W).
        real, imag: the filters' spectra, (G, F, length, taps), a multiple of FEW taps.
        offsets: (taps,), of the taps of a row.
        turn_real, turn_imag: (length, 3): the powers 1, 2, 3 of exp(−2πi · row / length).
        stride: of the window.
        yields: rows and columns of the result that a tile gives.
        factor: by which the images are multiplied.
        out: (N, G, F, rows, columns).
    """
    count, groups, filters, height, width = out.shape
    length, taps = real.shape[2:]
    high, wide = yields
    tall, across = (height + high - 1) // high, (width + wide - 1) // wide
    pairs = (count * tall + 1) // 2
    for task in prange(groups * pairs * across):
        g, pair, left = task // (pairs * across), task // across % pairs, task % across * wide
        columns = min(wide, width - left)
        Z = np.zeros((length, 2 * WIDE), np.float64)
        for k in range(2):
            tile = 2 * pair + k
            if tile < count * tall:
                top = tile % tall * high
                read_tile(
                    Z, k * WIDE, X[tile // tall, g], top * stride[0], left * stride[1], factor
                )
        transform(Z, turn_real, turn_imag)
        # The image's spectrum is needed again for each filter.
        Y = Z if filters == 1 else np.empty_like(Z)
        sums = np.zeros(2 * WIDE, np.float64)
        positions = (columns - 1) * stride[1] + 1
        for f in range(filters):
            for row in range(length):
                for t in range(0, taps, FEW):
                    r, m = real[g, f, row, t : t + FEW], imag[g, f, row, t : t + FEW]
                    add_taps(sums, Z[row], positions, offsets[t : t + FEW], r, m, t > 0)
                Y[row] = sums
            inverse_transform(Y, turn_real, turn_imag)
            for k in range(2):
                tile = 2 * pair + k
                if tile < count * tall:
                    top = tile % tall * high
                    bottom = min(top + high, height)
                    result = out[tile // tall, g, f]
                    write_tile(result, Y, k * WIDE, stride, top, bottom, left, left + columns)


@kernel
def largest_bits(bits: Array, mask: Array, found: Array) -> None:
    """Find the largest number of each block, without its sign bit.

    Floats without sign are in the order of their bits, infinity and NaN above all others.

    Args:
        bits: (N, numbers), floats viewed as integers.
        mask: (1,), all bits except the sign.
        found: (N, blocks).
    """
    count, blocks = found.shape
    for task in prange(count * blocks):
        n, block = task // blocks, task % blocks
        numbers = bits[n, block * BLOCK : (block + 1) * BLOCK]
        keep = mask[0]
        largest = keep & numbers[0]
        for i in range(len(numbers)):
            largest = max(largest, numbers[i] & keep)
        found[n, block] = largest
