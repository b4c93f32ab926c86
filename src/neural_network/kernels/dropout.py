"""Dropout of drawn numbers; float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, prange


@kernel
def drop(X: Any, drawn: Any, least: Any, scale: Any, out: Any) -> None:
    """Fill ``out`` with ``X`` times ``scale`` where the drawn number is at least ``least``, else 0.

    The gradient is computed likewise, from that of the result.

    Args:
        X: (N, places, C).
        drawn: whole numbers (N, C · places), of which the places of a channel are neighbours, or
            (N, C), for whole channels.
        least: of the drawn numbers that keep.
        scale: of what is kept.
        out: as ``X``.
    """
    rows, places, channels = X.shape
    single = drawn.shape[1] == channels
    zero = np.float32(0)
    for n in prange(rows):
        for p in range(places):
            numbers, target = X[n, p], out[n, p]
            if single:
                bits = drawn[n]
                for c in range(channels):
                    target[c] = numbers[c] * (scale if bits[c] >= least else zero)
            else:
                for c in range(channels):
                    target[c] = numbers[c] * (scale if drawn[n, c * places + p] >= least else zero)
