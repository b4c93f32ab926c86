"""Gradient clipping, which bounds the effect of a single batch."""

from __future__ import annotations

import math

import numpy as np

from neural_network.checks import Array, as_number
from neural_network.public import public
from neural_network.training.buffers import blocks, check_buffer


@public
def clip_by_norm(gradients: Array, maximum: float) -> float:
    """Scale a gradient down in place, keeping its direction: ``g ← g · min(1, maximum / ‖g‖)``.

    The norm ``‖g‖ = √Σ g²`` is summed in float64: squares of float32 numbers cannot
    overflow there (those of float64 numbers beyond 1e154 can, and the norm is ∞).

    Args:
        gradients: all gradients in one 1-D buffer, float32 or float64.
        maximum: the largest norm allowed, above 0.

    Returns:
        The norm before, a float. If it is not finite, the gradients are left as they
        are, because no factor makes them finite.

    Raises:
        DTypeError: ``gradients`` is no array of these types.
        ShapeError: it has not one dimension.
        ArgumentError: it is read-only; ``maximum`` is not above 0.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent
    neural networks", arXiv 1211.5063, algorithm 1.

    >>> g = np.array([3.0, 4.0])
    >>> clip_by_norm(g, 1.0), g
    (5.0, array([0.6, 0.8]))
    """
    check_buffer("clip_by_norm", "gradients", gradients, written=True)
    maximum = as_number("clip_by_norm", "maximum", maximum, above=0)
    pieces = [gradients[block] for block in blocks([(0, gradients.size)])]
    with np.errstate(over="ignore", under="ignore"):
        squares = [float(np.sum(np.square(piece, dtype=np.float64))) for piece in pieces]
        norm = math.sqrt(sum(squares))
        if math.isfinite(norm) and norm > maximum:
            for piece in pieces:
                # In float64, because the factor alone may be too small for float32.
                piece[...] = piece * np.float64(maximum / norm)
    return norm


@public
def clip_by_value(gradients: Array, limit: float) -> None:
    """Clip each entry of a gradient in place: ``g ← min(max(g, −limit), limit)``.

    Args:
        gradients: all gradients in one 1-D buffer, float32 or float64.
        limit: the largest absolute value allowed, above 0.

    Returns:
        Nothing; the buffer keeps its type. NaN stays NaN.

    Raises:
        DTypeError: ``gradients`` is no array of these types.
        ShapeError: it has not one dimension.
        ArgumentError: it is read-only; ``limit`` is not above 0.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 10.11.1.

    >>> g = np.array([-3.0, 0.5, 2.0])
    >>> clip_by_value(g, 1.0)
    >>> g
    array([-1. ,  0.5,  1. ])
    """
    check_buffer("clip_by_value", "gradients", gradients, written=True)
    limit = as_number("clip_by_value", "limit", limit, above=0)
    np.clip(gradients, -limit, limit, out=gradients)
