"""Cross-entropy of softmax for a batch of training.

NumPy takes about ten calls for it, each of which costs more than its arithmetic on a few hundred
scores. These run on one thread, and only behind a network that kernels have computed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import part


@part
def total_loss(Z: Any, labels: Any) -> Any:
    """Return the sum over rows of ``log Σ_j exp z_j − z_y``; −1 where a label is no class.

    Args:
        Z: (n, k), contiguous.
        labels: (n,) of type intp.
    """
    rows, classes = Z.shape
    total = 0.0
    for i in range(rows):
        label = labels[i]
        if label < 0 or label >= classes:
            return -1.0
        highest = _highest(Z[i])
        exponentials = np.float32(0)
        for j in range(classes):
            exponentials += np.exp(Z[i, j] - highest)
        total += np.log(exponentials) - (Z[i, label] - highest)
    return total


@part
def slopes(Z: Any, labels: Any, share: Any, out: Any) -> Any:
    """Fill ``out`` with ``share · (softmax(z) − [j = y])``; arguments as of ``total_loss``.

    Returns:
        False where a label is no class; then the rest is not filled.
    """
    rows, classes = Z.shape
    for i in range(rows):
        label = labels[i]
        if label < 0 or label >= classes:
            return False
        highest = _highest(Z[i])
        exponentials = np.float32(0)
        for j in range(classes):
            out[i, j] = np.exp(Z[i, j] - highest)
            exponentials += out[i, j]
        factor = share / exponentials
        for j in range(classes):
            out[i, j] *= factor
        out[i, label] -= share
    return True


@part
def _highest(scores: Any) -> Any:
    highest = scores[0]
    for j in range(1, scores.shape[0]):
        highest = max(highest, scores[j])
    return highest
