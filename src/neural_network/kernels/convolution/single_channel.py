"""Which compiled body sums where a filter reads one channel, and what it should cost.

``shifts`` sums as the formula says, ``spectra`` by the Fourier transform. Here is decided,
by shapes and types alone and without loading a compiler, whether they are to work.

Shapes: pictures (N, G, 1, *sizes), filters (G, F, 1, *taps), outputs one number for each size.
"""

from __future__ import annotations

from math import log2, prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neural_network.kernels.runtime.gate import kernel_wanted

Array = NDArray[Any]
Sizes = tuple[int, ...]


# Places whose sums ``shifts`` takes together: a buffer of them stays in the first-level cache.
RUN = 2048
# Numbers between two rows that it may as well sum: cheaper than to begin again.
LITTLE = 64

# Nanoseconds on two threads, measured on one machine: for each sum, for each product in it,
# and for each product of a run, however short.
NS_SUM, NS_PRODUCT, NS_TAP_OF_RUN = 0.35, 0.0105, 0.9
# For each number of a tile: once, and for each halving of its columns; for each number of its
# rows of sums: for each tap in a row.
NS_NUMBER, NS_HALVING, NS_TAP = 0.6, 0.055, 0.026
# Columns of a tile, and its rows: powers of two, the longest half as fast again.
WIDE = 192
LENGTHS = (16, 32, 64, 128, 256, 512)
LONG, SLOWER = 256, 1.3


def shifts_serve(X: Array, W: Array, outputs: Sizes) -> bool:
    """Say whether the compiled shifts are to sum this."""
    return _serves(X, W, outputs) and len(outputs) <= 3


def _serves(X: Array, W: Array, outputs: Sizes) -> bool:
    if W.shape[2] != 1 or X.dtype not in (np.float32, np.float64):
        return False
    return kernel_wanted("convolution of one channel", len(X) * prod(outputs) * W.size)


def cost_shifts(X: Array, W: Array, outputs: Sizes) -> float:
    """Return an estimate of the nanoseconds that the compiled shifts take."""
    taps, width = prod(W.shape[3:]), outputs[-1]
    pitch = min(X.shape[-1], width + W.shape[-1] - 1)
    rows, length = 1, min(width, RUN)
    if pitch - width < LITTLE and len(outputs) > 1:
        rows = min(max(1, RUN // pitch), outputs[-2])
        length = min((rows - 1) * pitch + width, RUN)
    runs = len(X) * W.shape[0] * W.shape[1] * prod(outputs[:-1]) / rows * -(-width // RUN)
    a_sum = X.itemsize / 4 * (NS_SUM + NS_PRODUCT * taps)
    return float(runs * (length * a_sum + taps * NS_TAP_OF_RUN))


class Tile(NamedTuple):
    """How a picture is cut for ``spectra``."""

    length: int
    cost: float  # nanoseconds


def tile(X: Array, W: Array, outputs: Sizes, stride: Sizes, dilation: Sizes) -> Tile | None:
    """Choose the tiles for the compiled transform, or None where it does not serve."""
    if len(outputs) != 2 or not _serves(X, W, outputs):
        return None
    high, wide = (d * (n - 1) + 1 for d, n in zip(dilation, W.shape[3:], strict=True))
    if high > max(LENGTHS) or wide > WIDE // 2:
        return None
    yields = (WIDE - wide) // stride[1] + 1
    across = -(-outputs[1] // yields)
    summed = min(outputs[1], yields) * stride[1]
    groups, filters = W.shape[:2]

    def of(length: int) -> Tile:
        tall = -(-outputs[0] // ((length - high) // stride[0] + 1))
        # The way there once, the way back for each filter.
        a_row = WIDE * (1 + filters) * (NS_NUMBER + NS_HALVING * log2(length)) / 2
        a_row += summed * filters * NS_TAP * W.shape[4]
        tiles = groups * across * -(-len(X) * tall // 2) * 2
        slower = SLOWER if length > LONG else 1.0
        return Tile(length, tiles * length * a_row * slower)

    return min((of(length) for length in LENGTHS if length >= high), key=lambda each: each.cost)
