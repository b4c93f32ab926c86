"""Depthwise convolution of channels-last pictures, and its way back: loops over channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, prange


@kernel
def of_pixels(
    X: Any, W: Any, bias: Any, out: Any, ph: int, pw: int, sh: int, sw: int, dh: int, dw: int
) -> None:
    """(N, H, W, C) and (fh, fw, C) → (N, OH, OW, C)."""
    count, rows, columns, channels = out.shape
    height, width = X.shape[1:3]
    fh, fw = W.shape[:2]
    for task in prange(count * rows):
        n, i = task // rows, task % rows
        for j in range(columns):
            total, left = out[n, i, j], j * sw - pw
            for c in range(channels):
                total[c] = bias[c]
            for a in range(fh):
                r = i * sh + a * dh - ph
                if r < 0 or r >= height:
                    continue
                line = X[n, r]
                if fw == 3 and left >= 0 and left + 2 * dw < width:
                    x, y, z = line[left], line[left + dw], line[left + 2 * dw]
                    u, v, w = W[a, 0], W[a, 1], W[a, 2]
                    for c in range(channels):
                        total[c] += u[c] * x[c] + v[c] * y[c] + w[c] * z[c]
                    continue
                for b in range(fw):
                    s = left + b * dw
                    if 0 <= s < width:
                        x, u = line[s], W[a, b]
                        for c in range(channels):
                            total[c] += u[c] * x[c]


@kernel
def to_pixels(Y: Any, W: Any, X: Any, ph: int, pw: int, sh: int, sw: int, dh: int, dw: int) -> None:
    """(N, OH, OW, C) and (fh, fw, C) → (N, H, W, C)."""
    count, height, width, channels = X.shape
    rows, columns = Y.shape[1:3]
    fh, fw = W.shape[:2]
    for task in prange(count * height):
        n, r = task // height, task % height + ph
        X[n, r - ph] = X.dtype.type(0)
        for a in range(fh):
            i = (r - a * dh) // sh
            if r < a * dh or (r - a * dh) % sh != 0 or i >= rows:
                continue
            line = Y[n, i]
            for s in range(pw, width + pw):
                total = X[n, r - ph, s - pw]
                if fw == 3 and sw == 1 and 2 * dw <= s < columns:
                    x, y, z = line[s], line[s - dw], line[s - 2 * dw]
                    u, v, w = W[a, 0], W[a, 1], W[a, 2]
                    for c in range(channels):
                        total[c] += u[c] * x[c] + v[c] * y[c] + w[c] * z[c]
                    continue
                for b in range(fw):
                    j = (s - b * dw) // sw
                    if s >= b * dw and (s - b * dw) % sw == 0 and j < columns:
                        x, u = line[j], W[a, b]
                        for c in range(channels):
                            total[c] += u[c] * x[c]


@kernel
def filters_of_pixels(
    X: Any, Y: Any, sums: Any, fh: int, fw: int, ph: int, pw: int, sh: int, sw: int,
    dh: int, dw: int,
) -> None:  # fmt: skip
    """(N, H, W, C) and (N, OH, OW, C) → (N, fh · fw + 1, C)."""
    count, rows, columns, channels = Y.shape
    height, width = X.shape[1:3]
    for n in prange(count):
        sums[n] = 0.0
        total = np.empty((fh * fw + 1, channels), X.dtype)
        for i in range(rows):
            total[:] = X.dtype.type(0)
            for j in range(columns):
                y = Y[n, i, j]
                for c in range(channels):
                    total[fh * fw, c] += y[c]
                for t in range(fh * fw):
                    r, s = i * sh + t // fw * dh - ph, j * sw + t % fw * dw - pw
                    if r < 0 or r >= height or s < 0 or s >= width:
                        continue
                    x, to = X[n, r, s], total[t]
                    for c in range(channels):
                        to[c] += x[c] * y[c]
            for t in range(fh * fw + 1):
                for c in range(channels):
                    sums[n, t, c] += total[t, c]
