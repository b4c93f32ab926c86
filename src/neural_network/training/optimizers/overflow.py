"""Steps that numbers of the parameters' type cannot hold are undone, and said.

The square of 2e19 is infinite in float32: without an error, Adam would never move that
parameter again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from neural_network.checks import Array
from neural_network.errors import DivergenceError, sentence
from neural_network.functional.finite import all_within
from neural_network.layers.flat import parts
from neural_network.layers.parameter import Parameter


def cannot_overflow(parameters: Array, gradients: Array, weight_decay: float) -> bool:
    """Return whether gradients are so small that no sum of their squares overflows.

    The square of the limit is less than half a step between the largest numbers of the type: to
    be added to them changes nothing. So this holds for sums over any number of steps, too.

    Args:
        parameters, gradients: the buffers.
        weight_decay: how much of the parameters is added to the gradients.
    """
    limit = _limit(gradients.dtype)
    if not weight_decay:
        return all_within(gradients, limit)
    return all_within(gradients, limit / 2) and all_within(parameters, limit / 2 / weight_decay)


@cache
def _limit(dtype: np.dtype[Any]) -> float:
    info = np.finfo(dtype)
    return math.sqrt(float(info.max) * float(info.eps)) / 4


def largest_square_sum(dtype: np.dtype[Any], weight_decay: float) -> float:
    """Return the sum of squared gradients up to which ``cannot_overflow`` returns True.

    Divided by the square of the weight decay it is that of the parameters.
    """
    return (_limit(dtype) / (2 if weight_decay else 1)) ** 2


@contextmanager
def undone_where_not_finite(
    function: str,
    arrays: Mapping[str, Array],
    gradients: Array,
    named: Sequence[tuple[str, Parameter]],
    rate: float,
) -> Iterator[None]:
    """Restore arrays that a block changes, and raise, if numbers are not finite that were before.

    Args:
        function: the caller's name, for the error.
        arrays: name → array of the state and the parameters, "parameters".
        gradients: the buffer of the gradients.
        named: the parameters of which it consists; with none, they may become infinite.
        rate: the learning rate, for the error.

    Raises:
        DivergenceError: a number is not finite any more.
    """
    before = {name: array.copy() for name, array in arrays.items()}
    with np.errstate(all="ignore"):
        yield
    for name, array in arrays.items():
        if name == "parameters" and not named:
            continue
        new = np.isfinite(before[name]) & ~np.isfinite(array)
        if new.any():
            largest = f"{np.finfo(array.dtype).max:.2g}, the largest of {array.dtype}"
            for other, numbers in before.items():
                arrays[other][...] = numbers
            place = int(np.argmax(new))
            if np.isfinite(gradients[place]):
                expected = f"numbers with which {name} stay below {largest} (clip_by_norm helps)"
            else:
                expected = "finite numbers"
            received = f"{gradients[place]:.3g} {_place(place, named)}, with a rate of {rate:.3g}"
            raise DivergenceError(sentence(function, "gradients", expected, received))


def _place(place: int, named: Sequence[tuple[str, Parameter]]) -> str:
    """Return the name of the parameter that has a place in the buffer, or the place."""
    places = parts([parameter for _, parameter in named])
    for (name, _), part in zip(named, places, strict=True):
        if name and part.start <= place < part.stop:
            return f"in {name}"
    return f"at place {place}"
