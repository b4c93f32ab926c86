"""Flat buffers: what optimizers, clipping and averaging share.

A model keeps all its parameters as views of one 1-D array. What changes it goes
through it once, in blocks that stay in the cache, so that a formula of many small
steps reads and writes the main memory once and needs no temporary of the model's size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from neural_network.checks import Array, as_count, as_number, as_real, check_ndim
from neural_network.errors import ArgumentError, DTypeError, ShapeError, sentence

# Numbers in a block: of float32, seven such arrays (parameters, gradients, two of state,
# three temporaries) are 1.8 MB, about a second-level cache. In smaller blocks the calls
# cost more than the cache saves.
BLOCK = 65536

Part = tuple[int, int]


def check_buffer(function: str, name: str, array: object, *, written: bool = False) -> None:
    """Raise unless this is a 1-D NumPy array of float32 or float64, writeable if it is ``written``.

    float16 is refused: the small constants that keep a division finite are 0 in it.
    """
    if not isinstance(array, np.ndarray):
        raise DTypeError(sentence(function, name, "a NumPy array", type(array).__name__))
    if array.dtype not in (np.float32, np.float64):
        raise DTypeError(sentence(function, name, "float32 or float64", f"dtype {array.dtype}"))
    check_ndim(function, name, array, 1)
    if written and not array.flags.writeable:
        raise ArgumentError(sentence(function, name, "an array to write to", "a read-only one"))


def check_like(function: str, name: str, array: Array, like: Array, of: str) -> None:
    """Raise unless the array has the shape and the type of another one."""
    if array.shape != like.shape:
        expected = f"the shape {like.shape} of {of}"
        raise ShapeError(sentence(function, name, expected, f"shape {array.shape}"))
    if array.dtype != like.dtype:
        expected = f"the dtype {like.dtype} of {of}"
        raise DTypeError(sentence(function, name, expected, f"dtype {array.dtype}"))


def is_like(array: object, like: Array, *, written: bool = False) -> bool:
    """Say whether this is a NumPy array of the shape and type of another one, and writeable.

    >>> is_like(np.ones(3), np.zeros(3)), is_like([1.0], np.zeros(1))
    (True, False)
    """
    return (
        type(array) is np.ndarray
        and array.dtype == like.dtype
        and array.shape == like.shape
        and (not written or array.flags.writeable)
    )


def outline(array: Array) -> Array:
    """Return the shape and type of an array, without its memory: zeros that are all one zero.

    >>> outline(np.ones(1000)).strides
    (0,)
    """
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)


def started(function: str, given: Array | None) -> Array:
    """Return the outline that ``start`` kept, or say that there was no ``start``."""
    if given is None:
        raise ArgumentError(sentence(function, "state", "a call of start() before", "none"))
    return given


def checked_state(
    function: str, state: Mapping[str, Any], like: Mapping[str, Array]
) -> dict[str, Array]:
    """Return the arrays of a saved state, if they have the names, shapes and types of ``like``.

    >>> checked_state("load", {"steps": np.array(3)}, like={"steps": np.array(0)})
    {'steps': array(3)}
    """
    if not isinstance(state, Mapping):
        raise DTypeError(sentence(function, "state", "a table of arrays", type(state).__name__))
    if set(state) != set(like):
        names = " ".join(sorted(like)) or "nothing"
        received = " ".join(sorted(map(str, state))) or "nothing"
        raise ArgumentError(sentence(function, "state", f"the names {names}", received))
    arrays = {}
    for name, own in like.items():
        place = f"state[{name!r}]"
        array = arrays[name] = as_real(function, place, state[name])
        check_like(function, place, array, own, "what it continues")
        if not np.isfinite(array).all():
            raise ArgumentError(sentence(function, place, "finite numbers", "others too"))
        if own.dtype.kind == "i" and array < 0:
            raise ArgumentError(sentence(function, place, "a count of at least 0", int(array)))
    return arrays


def chosen_parts(function: str, where: Sequence[slice] | None, size: int) -> list[Part]:
    """Return the parts of a buffer that ``where`` names, in order, neighbours joined.

    >>> chosen_parts("update", [slice(4, 6), slice(0, 2), slice(2, 3)], 6)
    [(0, 3), (4, 6)]
    """
    if where is None:
        return [(0, size)]
    joined: list[Part] = []
    for start, stop in sorted(_as_part(function, part, size) for part in where):
        if joined and start < joined[-1][1]:
            both = f"{joined[-1]} and {(start, stop)}"
            raise ArgumentError(sentence(function, "where", "parts that do not overlap", both))
        if joined and start == joined[-1][1]:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined


def _as_part(function: str, part: object, size: int) -> Part:
    if not isinstance(part, slice) or part.step not in (None, 1):
        raise DTypeError(sentence(function, "where", "slices of step 1", repr(part)))
    start = 0 if part.start is None else as_count(function, "where", part.start, minimum=0)
    stop = size if part.stop is None else as_count(function, "where", part.stop, minimum=0)
    # A slice forgives an end beyond the array; here it would freeze what was meant to move.
    if not start <= stop <= size:
        raise ArgumentError(sentence(function, "where", f"parts of 0 to {size}", repr(part)))
    return start, stop


def blocks(parts: Sequence[Part]) -> Iterator[slice]:
    """Cut parts of a buffer into pieces of at most ``BLOCK`` numbers."""
    for start, stop in parts:
        for left in range(start, stop, BLOCK):
            yield slice(left, min(left + BLOCK, stop))


def as_share(function: str, name: str, value: object) -> float:
    """Return a float from 0 to below 1: how much of the old remains."""
    number = as_number(function, name, value, between=(0, 1))
    if number == 1:
        raise ArgumentError(sentence(function, name, "a number below 1", number))
    return number


def blend(mean: Array, share: float, new: Array) -> None:
    """Move a running mean in place: ``mean ← share · mean + (1 − share) · new``."""
    mean *= share
    mean += (1 - share) * new
