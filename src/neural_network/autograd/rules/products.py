"""Rules of products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.autograd.rules.shaping import swapaxes
from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError
from neural_network.functional import elementwise, linear, reductions, shaping


@rule(np.dot)
def dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return elementwise.multiply(a, b)
    if np.ndim(b) > 2:
        raise DroppedGradientError("numpy.dot: no rule for more than 2 dimensions; use np.matmul")
    return linear.matmul(a, b)


@rule(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    return reductions.sum(elementwise.multiply(a, b))


@rule(np.inner)
def inner(a: Any, b: Any) -> Any:
    return linear.matmul(a, swapaxes(b, -1, -2) if np.ndim(b) > 1 else b)


@rule(np.outer)
def outer(a: Any, b: Any) -> Any:
    return elementwise.multiply(shaping.reshape(a, (-1, 1)), shaping.reshape(b, (1, -1)))


rule(np.einsum)(linear.einsum)
