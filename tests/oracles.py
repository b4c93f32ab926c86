"""Slow, plain implementations that the library's functions are compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Array = NDArray[Any]


def pads_of(padding: Any, sizes: Any, taps: Any, stride: Any, dilation: Any) -> Any:
    """((top, bottom), (left, right)) from every form that conv2d's padding takes."""
    if padding == "valid":
        return ((0, 0), (0, 0))
    if padding == "same":
        pads = []
        for n, k, s, d in zip(sizes, taps, stride, dilation, strict=True):
            outputs = int(np.ceil(n / s))
            total = max(0, (outputs - 1) * s + d * (k - 1) + 1 - n)
            pads.append((total // 2, total - total // 2))
        return tuple(pads)
    if isinstance(padding, int):
        return ((padding, padding),) * 2
    if isinstance(padding[0], int):
        return tuple((p, p) for p in padding)
    return padding


def layer(
    X: Array,
    W: Array,
    stride: Any = (1, 1),
    padding: Any = 0,
    dilation: Any = (1, 1),
    groups: int = 1,
    flip: bool = False,
) -> Array:
    """(N, C, H, W) with (F, C/groups, fh, fw) by SciPy, picture by picture, in float64."""
    X, W = X.astype(float), W.astype(float)
    pads = pads_of(padding, X.shape[2:], W.shape[2:], stride, dilation)
    X = np.pad(X, ((0, 0), (0, 0), *pads))
    spread = np.zeros(
        (*W.shape[:2], *(d * (k - 1) + 1 for k, d in zip(W.shape[2:], dilation, strict=True)))
    )
    spread[:, :, :: dilation[0], :: dilation[1]] = W
    slide = signal.convolve2d if flip else signal.correlate2d
    per_group, inputs = len(W) // groups, W.shape[1]
    return np.array(
        [
            [
                sum(
                    slide(picture[f // per_group * inputs + c], spread[f, c], mode="valid")
                    for c in range(inputs)
                )[:: stride[0], :: stride[1]]
                for f in range(len(W))
            ]
            for picture in X
        ]
    )


def descent(
    X: Array, y: Array, W: Array, b: Array, lr: float, epochs: int, size: int, seed: int
) -> tuple[Array, Array, list[float]]:
    """Linear regression by mini-batches, drawing from NumPy's global state as the article does."""
    np.random.seed(seed)
    losses = []
    for _ in range(epochs):
        order = np.random.permutation(len(X))
        for start in range(0, len(X), size):
            rows = order[start : start + size]
            error = X[rows] @ W + b - y[rows]
            W, b = W - lr * (X[rows].T @ error) / len(rows), b - lr * error.mean()
        losses.append(float(((X @ W + b - y) ** 2).mean()))
    return W, b, losses
