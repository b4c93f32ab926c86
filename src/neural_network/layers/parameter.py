"""What a layer holds: numbers that are learned, and numbers that are only kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from neural_network.advice import in_shape
from neural_network.autograd.engine import no_grad
from neural_network.autograd.gradients import note_change
from neural_network.autograd.tensor import Tensor
from neural_network.checks import MOST_AXES, Array, as_count, as_dtype, as_real, held, narrowed
from neural_network.elsewhere.surface import explains_calls, refuses_assignments
from neural_network.errors import ArgumentError, DTypeError, ShapeError, brief, give_hint, sentence
from neural_network.public import public

# The slot under ``Tensor.data``, and what reads it.
_slot: Any = Tensor.data  # type: ignore[misc]  # the slot itself
_array_of = _slot.__get__

FLOAT32 = np.finfo(np.float32)
# While a file is read: no array of a layer is larger than the largest one in it.
_largest: ContextVar[int | None] = ContextVar("largest", default=None)


class _LayerTensor(Tensor):
    """A tensor that a layer holds: its array keeps its shape, its type and its place."""

    __slots__ = ()
    in_a_layer = True

    def _copy_in(self, value: ArrayLike) -> None:
        try:
            _array_of(self)
        except AttributeError:  # it is being made
            _slot.__set__(self, value)  # by Tensor itself
        else:
            copy_into(self, value, type(self).__name__, "data")
            if value is _array_of(self):  # p.data -= 0.1 * p.grad
                note_change(self)

    # Reading is left to the slot: it costs no call.
    data = property(_array_of, _copy_in, doc="The array; assigned numbers are copied into it.")

    def __deepcopy__(self, memo: Any) -> Self:
        """Copy the numbers; what froze a parameter stays."""
        copied = type(self).of_node(self.data.copy(), None)
        copied.requires_grad = self.requires_grad
        return copied


@public
class Parameter(_LayerTensor):
    """A trainable tensor of a layer: a leaf of the graph, with a copy of the array passed.

    Args:
        data: numbers of any shape; they become float32 (``Layer.astype`` changes that).

    Attributes:
        data: the array; ``parameter.data = array`` copies numbers of the same shape into it.
        grad, requires_grad: as of ``Tensor``; ``requires_grad=False`` freezes it.

    Raises:
        DTypeError: not real numbers.
        ShapeError: (when ``data`` is assigned) another shape.

    >>> Parameter(np.zeros(2))
    Parameter([0., 0.], dtype=float32, requires_grad=True)
    """

    __slots__ = ()

    @explains_calls
    def __init__(self, data: ArrayLike) -> None:
        super().__init__(_own("Parameter", data), requires_grad=True)


refuses_assignments(Parameter)


@public
class Buffer(_LayerTensor):
    """A tensor that a layer stores but does not train, such as a running mean.

    It is saved with the model, and no optimizer sees it.

    Args:
        data: as of ``Parameter``.

    Attributes:
        data: the array; ``buffer.data = array`` copies numbers of the same shape into it.

    Raises:
        DTypeError: not real numbers.
        ShapeError: (when ``data`` is assigned) another shape.

    >>> Buffer(np.zeros(2)).requires_grad
    False
    """

    __slots__ = ()

    @explains_calls
    def __init__(self, data: ArrayLike) -> None:
        super().__init__(_own("Buffer", data))


def place(tensor: Tensor, array: Array) -> None:
    """Make an array the memory of a parameter or buffer, in place of the one it had."""
    _slot.__set__(tensor, array)


def copy_into(tensor: Tensor, value: ArrayLike, function: str, name: str) -> None:
    """Copy numbers into the memory of a parameter or buffer.

    Leading axes of length 1 that it does not have are left out, as NumPy does: biases (1, h).

    Raises:
        DTypeError: not real numbers, or a tensor, whose gradient would be lost.
        ShapeError: another shape.
        GradientError: a backward pass still needs the numbers that are there.
    """
    array = as_real(function, name, value)
    if isinstance(array, Tensor):
        expected = "an array (t.data is one), or a Parameter to share"
        raise DTypeError(sentence(function, name, expected, "a tensor"))
    if array.shape != (1,) * (array.ndim - tensor.ndim) + tensor.shape:
        expected = f"the shape {tensor.shape} that it has"
        received = f"shape {array.shape}{in_shape(name, array, tensor.shape)}"
        raise ShapeError(sentence(function, name, expected, received))
    with no_grad():
        tensor[...] = array


@contextmanager
def at_most(largest: int) -> Iterator[None]:
    """Refuse larger arrays inside the block: what a file says about sizes is not trusted."""
    token = _largest.set(largest)
    try:
        yield
    finally:
        _largest.reset(token)


def from_file() -> bool:
    """Return whether a model is being loaded, so that initial values are not needed."""
    return _largest.get() is not None


def as_sizes(function: str, shape: object) -> tuple[int, ...]:
    """Return the shape of one input as whole numbers."""
    if not isinstance(shape, tuple | list) or any(isinstance(n, tuple | list) for n in shape):
        expected = "the sizes of one input, such as (1, 28, 28) or (784,)"
        raise DTypeError(sentence(function, "shape", expected, brief(shape)))
    sizes = tuple(as_count(function, "shape", size) for size in shape)
    if len(sizes) >= MOST_AXES:
        expected = f"at most {MOST_AXES - 1} sizes, beside the batch axis"
        raise ShapeError(sentence(function, "shape", expected, f"{len(sizes)} of them"))
    if prod(sizes) > sys.maxsize // 32:  # bytes of two rows
        raise ShapeError(
            sentence(function, "shape", "an input that can be addressed", brief(shape))
        )
    return sizes


# Of one input, or of each of several.
Shapes = tuple[int, ...] | Sequence[tuple[int, ...]]


def shapes_of(shape: Any, more: Sequence[Any]) -> tuple[Any, ...]:
    """Return the shape of each input: given one by one, or as one list of them."""
    if not more and isinstance(shape, list | tuple) and shape:
        together = all(isinstance(one, list | tuple) for one in shape)
        return tuple(shape) if together else (shape,)
    return (shape, *more)


def zeros_of(function: str, shape: object, dtype: DTypeLike) -> Array:
    """Return two rows of zeros, of which each has this shape."""
    return np.zeros((2, *as_sizes(function, shape)), as_dtype(function, "dtype", dtype))


def zeros_of_each(function: str, shapes: Sequence[object], dtype: Any) -> list[Array]:
    """Return two rows of zeros for each shape, of one type or of a type each."""
    types = dtype if isinstance(dtype, tuple) else (dtype,) * len(shapes)
    if len(types) != len(shapes):
        expected = f"one type, or {len(shapes)}"
        raise ArgumentError(sentence(function, "dtype", expected, len(types)))
    return [zeros_of(function, shape, kind) for shape, kind in zip(shapes, types, strict=True)]


def check_size(function: str, name: str, shape: tuple[int, ...]) -> None:
    """Raise ShapeError for an array without numbers, or larger than a file's largest."""
    size, largest = prod(shape), _largest.get()
    if size * np.dtype(float).itemsize > sys.maxsize:
        received = f"shape {brief(shape)}"
        raise ShapeError(sentence(function, name, "an array that can be addressed", received))
    if size == 0:
        raise ShapeError(sentence(function, name, "at least one number", f"shape {shape}"))
    if largest is not None and size > largest:
        raise ShapeError(sentence(function, name, f"at most {largest} numbers", f"shape {shape}"))


def _own(function: str, data: ArrayLike) -> Any:
    """Copy the numbers to float32, the type that layers work in."""
    array = data  # the usual case
    if type(array) is not np.ndarray or array.dtype.kind not in "fiub":
        sizes: Any = data
        if type(sizes) is tuple and sizes and all(type(size) is int and size > 0 for size in sizes):
            give_hint(
                f"{function}: the tuple {sizes} is taken as {len(sizes)} numbers; an array of that "
                f"shape is np.zeros({sizes}), and [{', '.join(map(str, sizes))}] are numbers"
            )
        array = as_real(function, "data", data)
    if isinstance(array, Tensor):
        raise DTypeError(sentence(function, "data", "an array", "a tensor"))
    if array.dtype.itemsize > FLOAT32.dtype.itemsize:
        sizes = np.abs(array)  # ``np.errstate`` takes long beside a small parameter
        largest = np.fmax.reduce(sizes, axis=None, initial=0)
        smallest = np.fmin.reduce(sizes, axis=None, initial=1, where=sizes > 0)
        if largest > FLOAT32.max or smallest < FLOAT32.tiny:
            array = narrowed(function, "data", array, FLOAT32.dtype, held(FLOAT32.dtype))
    return np.array(array, dtype=FLOAT32.dtype)
