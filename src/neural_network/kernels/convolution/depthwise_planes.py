"""Depthwise convolution of channels-first images, and its gradients: a task is a plane.

A plane is read as a flat array: with a stride of 1, a tap has one offset for all positions, so
that the loops are long. Where the result has the image's size, rows follow each other without
padding; for each column of taps there is a copy of the plane, with zeros where the taps would read
from the row before or after. Elsewhere the plane is copied with its padding, and the sums between
the rows are ignored. Where that would add ``0 · ∞``, or with larger strides, rows are processed
one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, part, prange

# Planes of a task, where it allocates a buffer.
PLANES = 32


@part
def _copy(to: Any, x: Any) -> None:
    for i in range(len(to)):
        to[i] = x[i]


@part
def _add(to: Any, x: Any, w: Any) -> None:
    for i in range(len(to)):
        to[i] += w * x[i]


@part
def _add_three(to: Any, x: Any, y: Any, z: Any, u: Any, v: Any, w: Any) -> None:
    for i in range(len(to)):
        to[i] += u * x[i] + v * y[i] + w * z[i]


@part
def _nine(to: Any, x: Any, at: Any, w: Any) -> None:
    """Add the taps of a 3 × 3 filter, all while the sum is in a register."""
    p, q, r = x[at[0] :], x[at[1] :], x[at[2] :]
    s, t, u = x[at[3] :], x[at[4] :], x[at[5] :]
    v, y, z = x[at[6] :], x[at[7] :], x[at[8] :]
    a, b, c, d, e, f, g, h, k = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
    for i in range(len(to)):
        to[i] += (
            a * p[i] + b * q[i] + c * r[i] + d * s[i] + e * t[i] + f * u[i]
            + g * v[i] + h * y[i] + k * z[i]
        )  # fmt: skip


@part
def _add_taps(to: Any, x: Any, at: Any, w: Any) -> None:
    """Add the taps with the offsets ``at``."""
    size, count = len(to), len(at)
    if count == 9:
        _nine(to, x, at, w)
        return
    for t in range(0, count - 2, 3):
        i, j, k = at[t], at[t + 1], at[t + 2]
        _add_three(to, x[i : i + size], x[j : j + size], x[k : k + size], w[t], w[t + 1], w[t + 2])
    for t in range(count - count % 3, count):
        _add(to, x[at[t] : at[t] + size], w[t])


@part
def _offsets(fh: int, fw: int, dh: int, dw: int, width: int) -> Any:
    """Return the offset of each tap from the first one, in a flat plane."""
    at = np.empty(fh * fw, np.int64)
    for t in range(fh * fw):
        at[t] = t // fw * dh * width + t % fw * dw
    return at


@part
def _reach(outputs: int, taps: int, step: int, spacing: int) -> int:
    """Return how many numbers all windows cover along an axis."""
    return (outputs - 1) * step + (taps - 1) * spacing + 1


@part
def _padded(plane: Any, tall: int, wide: int, top: int, left: int) -> Any:
    """Return the plane flat, in this many rows and columns, with zeros around it."""
    height, width = plane.shape
    if tall == height and wide == width and top == 0 and left == 0:
        return plane.reshape(tall * wide)
    flat = np.zeros(tall * wide, plane.dtype)
    count = min(width, wide - left)
    for r in range(min(height, tall - top)):
        start = (top + r) * wide + left
        _copy(flat[start : start + count], plane[r])
    return flat


@part
def _margin(fh: int, fw: int, dh: int, dw: int, width: int) -> int:
    """Return how many zeros the copies of ``_shift`` need at both ends."""
    return (fh - 1) * dh * width + (fw - 1) * dw


@part
def _shift(flat: Any, plane: Any, width: int, margin: int, fw: int, dw: int, pw: int) -> None:
    """Copy the flat plane once for each column of taps, with zeros where they leave a row."""
    size = len(plane)
    none = plane.dtype.type(0)
    for b in range(fw):
        own = flat[b * (size + 2 * margin) + margin :]
        _copy(own[:size], plane)
        side = b * dw - pw
        first, end = (0, min(side, width)) if side > 0 else (max(width + side, 0), width)
        for s in range(first, end):
            for q in range(s, size, width):
                own[q] = none


@part
def _shifted_offsets(
    fh: int, fw: int, dh: int, dw: int, ph: int, pw: int, width: int, size: int, margin: int
) -> Any:
    """Return the offset of each tap in the copies of ``_shift``."""
    copy = size + 2 * margin
    return _offsets(fh, fw, dh, copy + dw, width) + (margin - ph * width - pw)


@part
def _tap_row(flat: Any, start: int, columns: int, step: int) -> Any:
    """Return the numbers that a tap reads for a row of outputs."""
    return flat[start : start + (columns - 1) * step + 1 : step]


@kernel
def forward_planes(
    X: Any, W: Any, bias: Any, out: Any, ph: int, pw: int, sh: int, sw: int, dh: int, dw: int
) -> None:
    """(N, G, H, W) and (G · F, fh, fw) → (N, G · F, OH, OW)."""
    count, groups = X.shape[:2]
    filters, fh, fw = W.shape
    rows, columns = out.shape[2:]
    each = filters // groups
    tall, wide = _reach(rows, fh, sh, dh), _reach(columns, fw, sw, dw)
    height, width = X.shape[2:]
    size = height * width
    if sh == 1 and sw == 1 and rows == height and columns == width:
        margin = _margin(fh, fw, dh, dw, width)
        offsets = _shifted_offsets(fh, fw, dh, dw, ph, pw, width, size, margin)
        for chunk in prange(-(-count * filters // PLANES)):
            flat = np.zeros(fw * (size + 2 * margin), X.dtype)
            for task in range(chunk * PLANES, min((chunk + 1) * PLANES, count * filters)):
                n, f = task // filters, task % filters
                total = out[n, f].reshape(size)
                total[:] = bias[f]
                _shift(flat, X[n, f // each].reshape(size), width, margin, fw, dw, pw)
                _add_taps(total, flat, offsets, W[f].reshape(fh * fw))
        return
    for task in prange(count * filters):
        n, f = task // filters, task % filters
        weights = W[f].reshape(fh * fw)
        plane = _padded(X[n, f // each], tall, wide, ph, pw)
        at = _offsets(fh, fw, dh, dw, wide)
        if sh == 1 and sw == 1:
            sums = np.full((rows - 1) * wide + columns, bias[f])
            _add_taps(sums, plane, at, weights)
            for i in range(rows):
                _copy(out[n, f, i], sums[i * wide :])
            continue
        for i in range(rows):
            line = out[n, f, i]
            line[:] = bias[f]
            for t in range(fh * fw):
                _add(line, _tap_row(plane, i * sh * wide + at[t], columns, sw), weights[t])


@part
def _sum(x: Any) -> Any:
    total = x.dtype.type(0)
    for i in range(len(x)):
        total += x[i]
    return total


@part
def _dot(x: Any, y: Any) -> Any:
    total = x.dtype.type(0)
    for i in range(len(y)):
        total += x[i] * y[i]
    return total


@part
def _dots(x: Any, y: Any, at: Any, sums: Any) -> None:
    """Sum the products of ``y`` and ``x`` at each offset, three at a time."""
    size, count = len(y), len(at)
    for t in range(0, count - 2, 3):
        p, q, r = x[at[t] :], x[at[t + 1] :], x[at[t + 2] :]
        u = v = w = x.dtype.type(0)
        for i in range(size):
            u += y[i] * p[i]
            v += y[i] * q[i]
            w += y[i] * r[i]
        sums[t], sums[t + 1], sums[t + 2] = u, v, w
    for t in range(count - count % 3, count):
        sums[t] = _dot(x[at[t] :], y)


@part
def _exact_filters(
    plane: Any, Y: Any, at: Any, wide: int, sh: int, sw: int, again: bool, sums: Any
) -> None:
    """Sum the products of a padded plane and ``Y`` by rows; ``again``: only sums not finite."""
    rows, columns = Y.shape
    for t in range(len(at)):
        if again and np.isfinite(sums[t]):
            continue
        total = Y.dtype.type(0)
        for i in range(rows):
            total += _dot(_tap_row(plane, i * sh * wide + at[t], columns, sw), Y[i])
        sums[t] = total


@kernel
def backward_planes(
    Y: Any, W: Any, X: Any, gradient: Any, sums: Any, ph: int, pw: int, sh: int, sw: int,
    dh: int, dw: int,
) -> None:  # fmt: skip
    """Compute both gradients from ``Y``, that for the result, (N, G · F, OH, OW).

    ``gradient``: for the images, (N, G, H, W). ``sums``: for the filters, of each image,
    (N, G · F, fh · fw + 1); the last column is for the bias.
    """
    count, groups, height, width = X.shape
    filters, fh, fw = W.shape
    rows, columns = Y.shape[2:]
    each, taps = filters // groups, fh * fw
    tall, wide = _reach(rows, fh, sh, dh), _reach(columns, fw, sw, dw)
    at = _offsets(fh, fw, dh, dw, wide)
    finite = np.all(np.isfinite(W))
    visible, reach = min(width, wide - pw), at[taps - 1]
    flat_rows = sh == 1 and sw == 1
    for task in prange(count * groups):
        n, g = task // groups, task % groups
        padded = _padded(X[n, g], tall, wide, ph, pw)
        flat = np.zeros(tall * wide, X.dtype)
        # ``Y`` with the image's row length, and zeros before and after.
        spread = np.zeros(tall * wide + reach, X.dtype)
        for f in range(g * each, (g + 1) * each):
            if flat_rows:
                for i in range(rows):
                    place = reach + i * wide
                    _copy(spread[place : place + columns], Y[n, f, i])
                _dots(padded, spread[reach : tall * wide], at, sums[n, f])
            if flat_rows and finite:
                _add_taps(flat, spread, reach - at, W[f].reshape(taps))
            else:
                for i in range(rows):
                    for t in range(taps):
                        row = _tap_row(flat, i * sh * wide + at[t], columns, sw)
                        _add(row, Y[n, f, i], W[f, t // fw, t % fw])
            _exact_filters(padded, Y[n, f], at, wide, sh, sw, flat_rows, sums[n, f])
            sums[n, f, taps] = _sum(Y[n, f].reshape(rows * columns))
        gradient[n, g] = X.dtype.type(0)
        for r in range(min(height, tall - ph)):
            _copy(gradient[n, g, r, :visible], flat[(ph + r) * wide + pw :])


@kernel
def backward_same_planes(
    Y: Any, W: Any, X: Any, gradient: Any, sums: Any, ph: int, pw: int, sh: int, sw: int,
    dh: int, dw: int,
) -> None:  # fmt: skip
    """As ``backward_planes``, for a stride of 1, a result of the image's size, finite filters.

    The images' gradient is the same convolution with the taps in reverse order.
    """
    count, groups, height, width = X.shape
    filters, fh, fw = W.shape
    each, taps, size = filters // groups, fh * fw, height * width
    tall, wide = _reach(height, fh, sh, dh), _reach(width, fw, sw, dw)
    at = _offsets(fh, fw, dh, dw, wide)
    high, wider = (fh - 1) * dh - ph, (fw - 1) * dw - pw
    margin = _margin(fh, fw, dh, dw, width)
    offsets = _shifted_offsets(fh, fw, dh, dw, high, wider, width, size, margin)
    for chunk in prange(-(-count * groups // PLANES)):
        shifted = np.zeros(fw * (size + 2 * margin), X.dtype)
        reversed_taps, products = np.empty((2, taps), X.dtype)
        for task in range(chunk * PLANES, min((chunk + 1) * PLANES, count * groups)):
            n, g = task // groups, task % groups
            plane, total = X[n, g].reshape(size), gradient[n, g].reshape(size)
            total[:] = X.dtype.type(0)
            for f in range(g * each, (g + 1) * each):
                grad, weights = Y[n, f].reshape(size), W[f].reshape(taps)
                for t in range(taps):
                    reversed_taps[t] = weights[taps - 1 - t]
                _shift(shifted, grad, width, margin, fw, dw, wider)
                _add_taps(total, shifted, offsets, reversed_taps)
                _dots(shifted, plane, offsets, products)
                for t in range(taps):
                    sums[n, f, t] = products[taps - 1 - t]
                sums[n, f, taps] = _sum(grad)
                if not np.all(np.isfinite(products)):
                    padded = _padded(X[n, g], tall, wide, ph, pw)
                    _exact_filters(padded, Y[n, f], at, wide, 1, 1, True, sums[n, f])
