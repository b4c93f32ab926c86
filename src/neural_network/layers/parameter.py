"""What a layer holds: numbers that are learned, and numbers that are only kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from neural_network.autograd.tensor import Tensor
from neural_network.checks import as_real
from neural_network.errors import DTypeError, ShapeError, sentence
from neural_network.public import public

T = TypeVar("T", bound=Tensor)

# While a file is read: no array of a layer is larger than the largest one in it.
_largest: ContextVar[int | None] = ContextVar("largest", default=None)


@public
class Parameter(Tensor):
    """A tensor that a layer learns: a leaf of every record, with a copy of what it is given.

    Args:
        data: numbers of any shape; they become float32 (``Layer.astype`` changes that).

    Attributes:
        data, grad, requires_grad: as of ``Tensor``; ``requires_grad=False`` freezes it.

    Raises:
        DTypeError: not real numbers.

    >>> Parameter(np.zeros(2))
    Parameter([0., 0.], dtype=float32, requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike) -> None:
        super().__init__(_own("Parameter", data), requires_grad=True)

    def __deepcopy__(self, memo: Any) -> Self:
        """Copy the numbers; what froze it stays."""
        return _copied(self)


@public
class Buffer(Tensor):
    """A tensor that a layer keeps but does not learn: running means and the like.

    It is saved with the model, and no optimizer sees it.

    Args:
        data: as of ``Parameter``.

    Attributes:
        data: the array.

    Raises:
        DTypeError: not real numbers.

    >>> Buffer(np.zeros(2)).requires_grad
    False
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike) -> None:
        super().__init__(_own("Buffer", data))

    def __deepcopy__(self, memo: Any) -> Self:
        """Copy the numbers."""
        return _copied(self)


@contextmanager
def at_most(largest: int) -> Iterator[None]:
    """Refuse larger arrays inside the block: what a file says about sizes is not trusted."""
    token = _largest.set(largest)
    try:
        yield
    finally:
        _largest.reset(token)


def from_file() -> bool:
    """Say whether a file's numbers are about to replace whatever parameters begin with."""
    return _largest.get() is not None


def check_size(function: str, name: str, shape: tuple[int, ...]) -> None:
    """Raise ShapeError for an array without numbers, or larger than a file's largest."""
    size, largest = prod(shape), _largest.get()
    if size == 0:
        raise ShapeError(sentence(function, name, "at least one number", f"shape {shape}"))
    if largest is not None and size > largest:
        raise ShapeError(sentence(function, name, f"at most {largest} numbers", f"shape {shape}"))


def _own(function: str, data: ArrayLike) -> Any:
    """Copy the numbers to float32, the type that layers work in."""
    array = as_real(function, "data", data)
    if isinstance(array, Tensor):
        raise DTypeError(sentence(function, "data", "an array", "a tensor"))
    return np.array(array, dtype=np.float32)


def _copied(tensor: T) -> T:
    copied = type(tensor).of_node(tensor.data.copy(), None)
    copied.requires_grad = tensor.requires_grad
    return copied
