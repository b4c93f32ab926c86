"""Layer norm of rows, and its gradients, each in one pass over memory.

Mean and variance of a row are summed in float64, in two passes while the row is in the cache, so a
large mean costs the variance no digits. The backward pass computes them again. The gradients of γ
and β are summed for each ``ROWS`` rows, and then in order: the same bits for any number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.moments import mean_and_squares
from neural_network.kernels.runtime.compiler import kernel, part, prange
from neural_network.kernels.runtime.layouts import Array

# Rows of a block.
ROWS = 32


def normalize(X: Array, gamma: Array, beta: Array, epsilon: float) -> Array:
    """Return ``γ · (X − mean) / √(variance + ε) + β`` over the axes of γ, the last of X."""
    out = np.empty(X.shape, X.dtype)
    normalize_rows(
        _rows(X, gamma.size), _rows(gamma, gamma.size)[0], _rows(beta, gamma.size)[0], epsilon,
        out.reshape(-1, gamma.size),
    )  # fmt: skip
    return out


def normalize_gradients(g: Array, X: Array, gamma: Array, epsilon: float) -> list[Array]:
    """Return the gradients for X, γ and β.

    With ``x̂ = (X − mean) / √(variance + ε)`` and ``h = γ · g`` they are
    ``(h − mean(h) − x̂ · mean(h · x̂)) / √(variance + ε)``, ``Σ g · x̂`` and ``Σ g``.

    Args:
        g: the gradient for the result.
        X, gamma, epsilon: as of ``normalize``.
    """
    size = gamma.size
    numbers, for_X = _rows(X, size), np.empty(X.shape, X.dtype)
    for_gamma, for_beta = np.empty((2, -(-len(numbers) // ROWS), size))
    normalize_rows_backward(
        _rows(g, size), numbers, _rows(gamma, size)[0], epsilon, for_X.reshape(-1, size),
        for_gamma, for_beta,
    )  # fmt: skip
    with np.errstate(all="ignore"):
        sums = [
            np.add.reduce(blocks, axis=0).astype(X.dtype).reshape(gamma.shape)
            for blocks in (for_gamma, for_beta)
        ]
    return [for_X, *sums]


def _rows(array: Array, size: int) -> Array:
    """Return rows of so many numbers: contiguous and writeable, as kernels are compiled for."""
    return np.require(array.reshape(-1, size), requirements=("C", "W"))


@part
def _mean_and_share(numbers: Any, epsilon: float) -> Any:
    """Return the mean of a row, and ``1 / √(variance + ε)``."""
    mean, squares = mean_and_squares(numbers)
    return mean, 1.0 / np.sqrt(squares / len(numbers) + epsilon)


@kernel
def normalize_rows(X: Any, gamma: Any, beta: Any, epsilon: float, out: Any) -> None:
    """(M, C) → (M, C)."""
    rows, size = X.shape
    for block in prange(-(-rows // ROWS)):
        for row in range(block * ROWS, min((block + 1) * ROWS, rows)):
            numbers, to = X[row], out[row]
            mean, share = _mean_and_share(numbers, epsilon)
            for c in range(size):
                to[c] = (numbers[c] - mean) * share * gamma[c] + beta[c]


@kernel
def normalize_rows_backward(
    g: Any, X: Any, gamma: Any, epsilon: float, for_X: Any, for_gamma: Any, for_beta: Any
) -> None:
    """Fill the gradient of X, (M, C), and those of γ and β by each block, (blocks, C)."""
    rows, size = X.shape
    for block in prange(len(for_gamma)):
        products, sums = for_gamma[block], for_beta[block]
        for c in range(size):
            products[c] = 0.0
            sums[c] = 0.0
        for row in range(block * ROWS, min((block + 1) * ROWS, rows)):
            numbers, grad, to = X[row], g[row], for_X[row]
            mean, share = _mean_and_share(numbers, epsilon)
            total, product = 0.0, 0.0
            for c in range(size):
                normal, scaled = (numbers[c] - mean) * share, grad[c] * gamma[c]
                total += scaled
                product += scaled * normal
                products[c] += grad[c] * normal
                sums[c] += grad[c]
            total /= size
            product /= size
            for c in range(size):
                normal = (numbers[c] - mean) * share
                to[c] = (grad[c] * gamma[c] - total - normal * product) * share
