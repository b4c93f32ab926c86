"""Gradient clipping, which bounds the effect of a single batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from neural_network.checks import Array, as_number, silent
from neural_network.elsewhere.surface import explains_calls
from neural_network.errors import DTypeError, sentence
from neural_network.layers.flat import parts
from neural_network.public import public
from neural_network.training.buffers import blocks, check_buffer
from neural_network.training.optimizers.binding import (
    KINDS,
    Binding,
    Trainable,
    gathered,
    kind_of,
    looks_trainable,
    with_gradient,
)

# Sums of squares below it have lost digits.
_SMALLEST = 1e-280


@public
@explains_calls
@silent
def clip_by_norm(gradients: Array | Trainable, maximum: float) -> float:
    """Scale a gradient down in place, keeping its direction: ``g ← g · min(1, maximum / ‖g‖)``.

    The norm ``‖g‖ = √Σ g²`` is summed in float64, of numbers divided by the largest where their
    squares would overflow or vanish.

    Args:
        gradients: all gradients in one 1-D buffer, float32 or float64; or a model, a layer, a
            ``Parameter`` or a list of them, after ``backward()``: the gradients of all their
            parameters that are not frozen are then taken together.
        maximum: the largest norm allowed, above 0.

    Returns:
        The norm before, a float. If a gradient is not finite, all are left as they are,
        because no factor makes them finite.

    Raises:
        DTypeError: ``gradients`` is no array of these types, and not what has parameters.
        ShapeError: it has not one dimension.
        ArgumentError: it is read-only; a model without parameters; ``maximum`` is not above 0.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent
    neural networks", arXiv 1211.5063, algorithm 1.

    >>> g = np.array([3.0, 4.0])
    >>> clip_by_norm(g, 1.0), g
    (5.0, array([0.6, 0.8]))
    """
    maximum = as_number("clip_by_norm", "maximum", maximum, above=0)
    with _buffer("clip_by_norm", gradients) as buffer:
        pieces = [buffer[block] for block in blocks([(0, buffer.size)])]
        norm = _norm(pieces)
        if math.isfinite(norm) and norm > maximum:
            for piece in pieces:
                # In float64, because the factor alone may be too small for float32.
                piece[...] = piece * np.float64(maximum / norm)
    return norm


@public
@explains_calls
@silent
def clip_by_value(gradients: Array | Trainable, limit: float) -> None:
    """Clip each entry of a gradient in place: ``g ← min(max(g, −limit), limit)``.

    Args:
        gradients: all gradients in one 1-D buffer, float32 or float64; or a model, as
            ``clip_by_norm`` takes it.
        limit: the largest absolute value allowed, above 0.

    Returns:
        Nothing; the buffer keeps its type. NaN stays NaN.

    Raises:
        DTypeError: ``gradients`` is no array of these types, and not what has parameters.
        ShapeError: it has not one dimension.
        ArgumentError: it is read-only; a model without parameters; ``limit`` is not above 0.

    Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 10.11.1.

    >>> g = np.array([-3.0, 0.5, 2.0])
    >>> clip_by_value(g, 1.0)
    >>> g
    array([-1. ,  0.5,  1. ])
    """
    limit = as_number("clip_by_value", "limit", limit, above=0)
    with _buffer("clip_by_value", gradients) as buffer:
        np.clip(buffer, -limit, limit, out=buffer)


@contextmanager
def _buffer(function: str, gradients: Array | Trainable) -> Iterator[Array]:
    """Yield a buffer of gradients to change; those of a model become views of it.

    They are taken in the order and into the buffer in which an optimizer takes them, so that sums
    are the same bits as those of a ``Trainer``.
    """
    if isinstance(gradients, np.ndarray):
        check_buffer(function, "gradients", gradients, written=True)
        yield gradients
        return
    if not looks_trainable(gradients) and not isinstance(gradients, Iterator):
        expected = f"a NumPy array, or {KINDS}"
        raise DTypeError(sentence(function, "gradients", expected, kind_of(gradients)))
    named, flat = Binding(function, "gradients", gradients).flat(function)
    check_buffer(function, "parameters", flat)
    found = [parameter for _, parameter in named]
    chosen = with_gradient(found)
    buffer = gathered(function, named, chosen, flat.dtype)
    yield buffer
    for parameter, part, is_chosen in zip(found, parts(found), chosen, strict=True):
        if is_chosen:
            parameter.grad = buffer[part].reshape(parameter.shape)


def _norm(pieces: list[Array]) -> float:
    """Return √Σ g² of the pieces of a buffer."""
    squares = sum([float(np.sum(np.square(piece, dtype=np.float64))) for piece in pieces])
    if _SMALLEST < squares < math.inf:
        return math.sqrt(squares)
    largest = float(np.max([np.max(np.abs(piece)) for piece in pieces], initial=0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    shares = [piece / np.float64(largest) for piece in pieces]
    return largest * math.sqrt(sum([float(np.sum(np.square(share))) for share in shares]))
