"""The numbers of each channel between the passes of batch norm over memory.

They are few: one thread computes them, in float64, in less time than a call of NumPy takes.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import serial_kernel

# No fast-math: relu's mask is computed from them in both passes.
exact = partial(serial_kernel, flags=frozenset())


@exact
def forward_numbers(
    mean: Any, variance: Any, weights: Any, epsilon: float, over: Any, numbers: Any
) -> None:
    """Fill what a normalized number is computed with.

    Args:
        mean, variance: (C,) float64, of the batch.
        weights: (2, C) float32: γ and β.
        epsilon: ε.
        over: (C,) float64, to be filled with ``1 / √(variance + ε)``.
        numbers: (5, C) float32, to be filled with ``mean``, ``scale`` and ``shift`` for
            ``(X − mean) · scale + shift``, and ``over`` and ``rest`` for
            ``x̂ = (X − mean) · over + rest``. The mean has more digits than float32: the rest of it
            is within ``shift`` and ``rest``.
    """
    for c in range(len(mean)):
        over[c] = 1 / np.sqrt(variance[c] + epsilon)
        scale, near = weights[0, c] * over[c], np.float32(mean[c])
        rest = near - mean[c]
        numbers[0, c] = near
        numbers[1, c] = scale
        numbers[2, c] = weights[1, c] + rest * scale
        numbers[3, c] = over[c]
        numbers[4, c] = rest * over[c]


@exact
def backward_numbers(
    of_g: Any, of_products: Any, weights: Any, over: Any, numbers: Any, count: int, more: Any,
    sums: Any,
) -> None:  # fmt: skip
    """Fill what the gradient for the input is computed with.

    It is ``γ · over · (g − mean(g) − x̂ · mean(g · x̂))``, with x̂ as in the forward pass.

    Args:
        of_g, of_products: (C,) float64: Σ g and Σ g · x̂.
        weights, over, numbers: as in ``forward_numbers``.
        count: how many numbers a channel has.
        more: (6, C) float32, to be filled with the first three of ``numbers``, and ``by_g``,
            ``by_X`` and ``rest`` for ``g · by_g + (X − mean) · by_X + rest``.
        sums: (C,) float64, to be filled with the sum of that gradient.
    """
    for c in range(len(over)):
        by_g = weights[0, c] * over[c]
        by_x_hat, rest = -by_g * of_products[c] / count, -by_g * of_g[c] / count
        for row in range(3):
            more[row, c] = numbers[row, c]
        more[3, c] = by_g
        more[4, c] = by_x_hat * over[c]
        more[5, c] = rest + by_x_hat * numbers[4, c]
        sums[c] = by_g * of_g[c] + rest * count  # that of x̂ is 0
