"""Flat parameter buffers: what optimizers, clipping and averaging share.

A model stores all its parameters as views of one 1-D array. Whatever changes them goes over
that array once, in blocks that stay in the cache, so that a formula of many small operations
reads and writes the main memory once and needs no temporary array of the model's size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from neural_network.checks import Array, as_count, as_number, as_real, check_ndim
from neural_network.describing import Described
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, sentence
from neural_network.kernels.runtime.aligned import aligned
from neural_network.lifting import is_tensor

# Numbers in a block: of float32, seven such arrays (parameters, gradients, two of state,
# three temporaries) are 1.8 MB, about a second-level cache. In smaller blocks the calls
# cost more than the cache saves.
BLOCK = 65536

Part = tuple[int, int]
# A part, and how many updates it has had.
Counted = tuple[int, int, int]


class Like(NamedTuple):
    """The shape and type that an array must have."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class BufferState(Described):
    """State arrays beside a flat parameter buffer, and the number of steps so far.

    Attributes:
        slots: names of the state arrays.
        slots_state: the state arrays by name; zeros after ``start``.
        steps: updates made since ``start``.
    """

    slots: tuple[str, ...] = ()
    # The type of the state arrays; None: that of the parameters.
    _slots_dtype: DTypeLike | None = None

    def __init__(self) -> None:
        self.steps = 0
        self.slots_state: dict[str, Array] = {}
        self._like: Like | None = None

    def start(self, parameters: Array) -> None:
        """Reset the step count, and allocate state for these parameters, filled with zeros.

        Args:
            parameters: a 1-D buffer of float32 or float64; only its shape and type matter.

        Raises:
            DTypeError, ShapeError: another kind of array.
        """
        check_buffer(f"{type(self).__name__}.start", "parameters", parameters)
        self.steps = 0
        dtype = np.dtype(self._slots_dtype or parameters.dtype)
        self.slots_state = {slot: aligned(parameters.shape, dtype) for slot in self.slots}
        for array in self.slots_state.values():
            array[...] = 0
        self._like = Like(parameters.shape, parameters.dtype)

    def _started(self, method: str) -> Like:
        """Return the shape and type that ``start`` was given.

        Raises:
            ArgumentError: ``start`` was not called.
        """
        if self._like is None:
            function = f"{type(self).__name__}.{method}"
            raise ArgumentError(sentence(function, "state", "a call of start() before", "none"))
        return self._like

    def state(self) -> dict[str, Array]:
        """Return ``{"steps": …, slot: array, …}``, not copied, for a checkpoint.

        Returns:
            The count as an int64 array without dimensions, and the state arrays.

        Raises:
            ArgumentError: ``start`` was not called.
        """
        self._started("state")
        return {"steps": np.array(self.steps, dtype=np.int64), **self.slots_state}

    def load_state(self, state: Mapping[str, Array]) -> None:
        """Continue from what ``state`` returned, after ``start`` with a buffer of that size.

        Args:
            state: the arrays; they are copied.

        Raises:
            DTypeError, ShapeError, ArgumentError: names, types, shapes or values that
                ``state`` cannot have returned, or no ``start``; nothing is changed then.
        """
        like = BufferState.state(self)
        arrays = checked_state(f"{type(self).__name__}.load_state", state, like=like)
        self.steps = int(arrays["steps"])
        for slot, array in self.slots_state.items():
            array[...] = arrays[slot]


def check_buffer(
    function: str,
    name: str,
    array: object,
    like: Like | None = None,
    of: str = "",
    *,
    written: bool = False,
) -> None:
    """Raise unless this is a 1-D NumPy array of float32 or float64.

    float16 is refused: the small constants that keep a division finite are 0 in it.

    Args:
        function, name: for the error.
        array: the array.
        like: the shape and type it must have; None: any.
        of: what has that shape and type, for the error.
        written: whether it has to be writeable.
    """
    # A step of a small network takes tens of microseconds: the usual case returns at once.
    if not isinstance(array, np.ndarray):
        received = type(array).__name__
        if is_tensor(array):
            received += " (t.data is its array; p - rate * g is a step that can be differentiated)"
        raise DTypeError(sentence(function, name, "a NumPy array", received))
    if (array.shape, array.dtype) == like and (array.flags.writeable or not written):
        return
    if array.dtype not in (np.float32, np.float64):
        raise DTypeError(sentence(function, name, "float32 or float64", f"dtype {array.dtype}"))
    check_ndim(function, name, array, 1)
    if written and not array.flags.writeable:
        raise ArgumentError(sentence(function, name, "an array to write to", "a read-only one"))
    if like is not None:
        check_like(function, name, array, like, of)


def check_like(function: str, name: str, array: Array, like: Like | Array, of: str) -> None:
    """Raise unless the array has the given shape and type, those of ``of``."""
    if array.shape != like.shape:
        expected = f"the shape {like.shape} of {of}"
        raise ShapeError(sentence(function, name, expected, f"shape {array.shape}"))
    if array.dtype != like.dtype:
        expected = f"the dtype {like.dtype} of {of}"
        raise DTypeError(sentence(function, name, expected, f"dtype {array.dtype}"))


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
            raise ArgumentError(sentence(function, place, "finite numbers", "NaN or infinity"))
        if own.dtype.kind == "i" and np.any(array < 0):
            expected = "a count of at least 0"
            raise ArgumentError(sentence(function, place, expected, int(array.min())))
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
        raise DTypeError(sentence(function, "where", "slices of step 1", brief(part)))
    start = 0 if part.start is None else as_count(function, "where", part.start, minimum=0)
    stop = size if part.stop is None else as_count(function, "where", part.stop, minimum=0)
    # NumPy accepts a slice whose end lies beyond the array; here it would freeze parameters.
    if not start <= stop <= size:
        raise ArgumentError(sentence(function, "where", f"parts of 0 to {size}", brief(part)))
    return start, stop


def counted_once_more(counts: Sequence[Counted], parts: Sequence[Part]) -> list[Counted]:
    """Return the counts of a whole buffer after one more update of some parts, in order.

    Neighbours of one count are joined.

    >>> counted_once_more([(0, 4, 7), (4, 6, 8)], [(0, 4)])
    [(0, 6, 8)]
    >>> counted_once_more([(0, 6, 8)], [(1, 2), (5, 6)])
    [(0, 1, 8), (1, 2, 9), (2, 5, 8), (5, 6, 9)]
    """
    if len(counts) == 1 and [(counts[0][0], counts[0][1])] == parts:  # the usual case
        return [(*parts[0], counts[0][2] + 1)]
    cuts = sorted({0, *[end for _, end, _ in counts], *[end for part in parts for end in part]})
    found: list[Counted] = []
    for start, stop in pairwise(cuts):
        count = next(count for first, end, count in counts if first <= start < end)
        count += any(first <= start < end for first, end in parts)
        joined = found and found[-1][2] == count
        found.append((found.pop()[0] if joined else start, stop, count))
    return found


def common_parts(counts: Sequence[Counted], parts: Sequence[Part]) -> list[Counted]:
    """Return what of the parts has which count, in order.

    >>> common_parts([(0, 4, 7), (4, 6, 8)], [(1, 2), (3, 6)])
    [(1, 2, 7), (3, 4, 7), (4, 6, 8)]
    """
    return [
        (max(start, first), min(stop, end), count)
        for first, end in parts
        for start, stop, count in counts
        if max(start, first) < min(stop, end)
    ]


def blocks(parts: Sequence[Part]) -> Iterator[slice]:
    """Cut parts of a buffer into blocks of at most ``BLOCK`` numbers."""
    for start, stop in parts:
        for left in range(start, stop, BLOCK):
            yield slice(left, min(left + BLOCK, stop))


def as_fraction(function: str, name: str, value: object) -> float:
    """Return a float from 0 to below 1, such as a decay rate."""
    number = as_number(function, name, value, between=(0, 1))
    if number == 1:
        raise ArgumentError(sentence(function, name, "a number below 1", number))
    return number


def blend(mean: Array, decay: float, new: Array) -> None:
    """Update a running mean in place: ``mean ← decay · mean + (1 − decay) · new``."""
    mean *= decay
    mean += (1 - decay) * new
