"""Softmax cross-entropy of a training batch.

NumPy needs about ten calls for it, each of which costs more than its arithmetic on a few hundred
logits. These functions run on one thread, and only behind a network computed by kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import part, serial_kernel


@serial_kernel
def cross_entropy_sum(Z: Any, labels: Any) -> Any:
    """Return the sum over rows of ``log Σ_j exp z_j − z_y``; −1 if a label is no class.

    Args:
        Z: (n, k) logits, contiguous.
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


@serial_kernel
def cross_entropy_gradient(Z: Any, labels: Any, factor: Any, out: Any) -> Any:
    """Fill ``out`` with ``factor · (softmax(z) − [j = y])``; arguments as above.

    Returns:
        False if a label is no class; then ``out`` is incomplete.
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
        scale = factor / exponentials
        for j in range(classes):
            out[i, j] *= scale
        out[i, label] -= factor
    return True


@part
def _highest(logits: Any) -> Any:
    highest = logits[0]
    for j in range(1, logits.shape[0]):
        highest = max(highest, logits[j])
    return highest
