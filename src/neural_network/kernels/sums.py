"""The sum of two arrays with relu, and relu's gradient, for residual blocks; float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.kernels.runtime.compiler import kernel, part, prange

# Numbers that a task computes.
PIECE = 8192


@part
def _add(first: Any, second: Any, out: Any, relu: bool) -> None:
    if relu:
        for i in range(len(out)):
            total = first[i] + second[i]
            # In this form NaN is kept, because no comparison with it is true.
            out[i] = np.float32(0) if total < 0 else total
    else:
        for i in range(len(out)):
            out[i] = first[i] + second[i]


@part
def _relu_gradient(G: Any, out: Any, result: Any) -> None:
    for i in range(len(out)):
        result[i] = G[i] * np.float32(1 if out[i] > 0 else 0)


@kernel
def add(first: Any, second: Any, out: Any, relu: bool) -> None:
    """Fill ``out`` with the sum of two arrays of its size, or with relu of it."""
    for task in prange(-(-len(out) // PIECE)):
        begin, end = task * PIECE, min(task * PIECE + PIECE, len(out))
        _add(first[begin:end], second[begin:end], out[begin:end], relu)


@kernel
def relu_gradient(G: Any, out: Any, steps: Any, sizes: Any, result: Any) -> None:
    """Fill ``result`` with ``G`` where ``out``, the result of relu, is above 0, else with 0.

    Args:
        G, result: (N, H, W, C) as one axis, contiguous.
        out, steps: (N, H, W, C) as ``layouts.as_line`` returns it; the numbers of a row adjacent.
        sizes: N, H, W and C.
    """
    images, height, width, channels = sizes
    length = width * channels
    for task in prange(images * height):
        there, at = (task // height) * steps[0] + (task % height) * steps[1], task * length
        _relu_gradient(G[at : at + length], out[there : there + length], result[at : at + length])
