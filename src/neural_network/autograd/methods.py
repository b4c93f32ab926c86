"""What an ndarray offers, for tensors: operators and methods, each an op behind it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from neural_network.errors import DroppedGradientError
from neural_network.functional import elementwise, linear, reductions, shaping
from neural_network.lifting import array_under

if TYPE_CHECKING:
    from neural_network.autograd.tensor import Tensor
    from neural_network.checks import Array

# NumPy's stubs change from release to release, and know nothing of tensors.
_np: Any = np

# Methods that change the array in place, hand out its memory, or make no sense of
# a record. They exist and say what to use.
REFUSED = {
    "fill": "t = np.full_like(t, value)",
    "itemset": "t[i] = value",
    "newbyteorder": "t.data.view",
    "ptp": "t.max() - t.min()",
    "partition": "np.sort(t.data)",
    "put": "np.where",
    "resize": "t.reshape",
    "sort": "t[np.argsort(t.data)]",
    "setfield": "np.where",
    "setflags": "t.data.setflags",
    "byteswap": "t.data.byteswap",
    "getfield": "t.data.getfield",
    "view": "t.data.view",
    "tostring": "t.data.tobytes",
    "tobytes": "t.data.tobytes",
    "tofile": "save_arrays",
    "dump": "save_arrays",
    "dumps": "save_arrays",
    "choose": "np.where",
    "searchsorted": "np.searchsorted(t.data, …)",
    "conj": "t, which is real",
    "conjugate": "t, which is real",
    "to_device": "t.data.to_device",
}


class ArrayMethods:
    """The operators and methods of an array, recorded where a gradient is wanted."""

    __slots__ = ()
    data: Array

    # --- operators -------------------------------------------------------------

    def __add__(self, other: Any) -> Tensor:
        return _op(elementwise.add(self, other))

    def __radd__(self, other: Any) -> Tensor:
        return _op(elementwise.add(other, self))

    def __sub__(self, other: Any) -> Tensor:
        return _op(elementwise.subtract(self, other))

    def __rsub__(self, other: Any) -> Tensor:
        return _op(elementwise.subtract(other, self))

    def __mul__(self, other: Any) -> Tensor:
        return _op(elementwise.multiply(self, other))

    def __rmul__(self, other: Any) -> Tensor:
        return _op(elementwise.multiply(other, self))

    def __truediv__(self, other: Any) -> Tensor:
        return _op(elementwise.divide(self, other))

    def __rtruediv__(self, other: Any) -> Tensor:
        return _op(elementwise.divide(other, self))

    def __pow__(self, other: Any) -> Tensor:
        return _op(elementwise.power(self, other))

    def __rpow__(self, other: Any) -> Tensor:
        return _op(elementwise.power(other, self))

    def __matmul__(self, other: Any) -> Tensor:
        return _op(linear.matmul(self, other))

    def __rmatmul__(self, other: Any) -> Tensor:
        return _op(linear.matmul(other, self))

    def __neg__(self) -> Tensor:
        return _op(elementwise.negative(self))

    def __pos__(self) -> Tensor:
        return _op(elementwise.positive(self))

    def __abs__(self) -> Tensor:
        return _op(elementwise.absolute(self))

    # Comparisons decide and do not slope: they return arrays.

    def __eq__(self, other: object) -> Array:  # type: ignore[override]  # as for arrays
        return _decided(np.equal(self.data, array_under(other)))

    def __ne__(self, other: object) -> Array:  # type: ignore[override]  # as for arrays
        return _decided(np.not_equal(self.data, array_under(other)))

    def __lt__(self, other: Any) -> Array:
        return _decided(np.less(self.data, array_under(other)))

    def __le__(self, other: Any) -> Array:
        return _decided(np.less_equal(self.data, array_under(other)))

    def __gt__(self, other: Any) -> Array:
        return _decided(np.greater(self.data, array_under(other)))

    def __ge__(self, other: Any) -> Array:
        return _decided(np.greater_equal(self.data, array_under(other)))

    __hash__ = object.__hash__  # by identity: a tensor can be a key, though == compares numbers

    # --- parts and shapes ------------------------------------------------------

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[Tensor]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return array_under(value) in self.data

    def __getitem__(self, key: Any) -> Tensor:
        return _op(shaping.index(self, array_under(key)))

    @property
    def T(self) -> Tensor:  # noqa: N802  (ndarray's name)
        """The array with its axes reversed."""
        return self.transpose()

    @property
    def mT(self) -> Tensor:  # noqa: N802  (ndarray's name)
        """The array with its last two axes exchanged."""
        return self.swapaxes(-1, -2)

    @property
    def real(self) -> ArrayMethods:
        """The tensor itself, which is real."""
        return self

    @property
    def flat(self) -> Iterator[Tensor]:
        """The numbers one by one."""
        return iter(self.ravel())

    def reshape(self, *shape: Any) -> Tensor:
        """Return the numbers in another shape."""
        return _op(shaping.reshape(self, shape[0] if len(shape) == 1 else shape))

    def ravel(self) -> Tensor:
        """Return the numbers along one axis."""
        return self.reshape(-1)

    def flatten(self) -> Tensor:
        """Return a copy of the numbers along one axis."""
        return +self.reshape(-1)

    def transpose(self, *axes: Any) -> Tensor:
        """Return the array with its axes in another order."""
        order = axes[0] if len(axes) == 1 else axes or None
        return _op(shaping.transpose(self, order))

    def swapaxes(self, axis1: int, axis2: int) -> Tensor:
        """Return the array with two axes exchanged."""
        return _op(np.swapaxes(self, axis1, axis2))

    def squeeze(self, axis: Any = None) -> Tensor:
        """Return the array without its axes of size 1."""
        return _op(np.squeeze(self, axis))

    def repeat(self, repeats: Any, axis: int | None = None) -> Tensor:
        """Return each number several times."""
        return _op(np.repeat(self, repeats, axis))

    def take(self, indices: Any, axis: int | None = None) -> Tensor:
        """Return the numbers at these places."""
        return _op(np.take(self, indices, axis))

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """Return the diagonal."""
        return _op(np.diagonal(self, offset, axis1, axis2))

    def compress(self, condition: Any, axis: int | None = None) -> Tensor:
        """Return the slices where a condition holds."""
        return self.take(np.flatnonzero(condition), axis)

    # --- numbers ---------------------------------------------------------------

    def sum(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Return the sum along axes."""
        return _op(reductions.sum(self, axis, keepdims))

    def mean(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Return the mean along axes."""
        return _op(reductions.mean(self, axis, keepdims))

    def var(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Return the variance along axes."""
        return _op(reductions.var(self, axis, keepdims, ddof))

    def std(self, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Tensor:
        """Return the standard deviation along axes."""
        return _op(elementwise.sqrt(self.var(axis, ddof, keepdims)))

    def max(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Return the largest number along axes."""
        return _op(reductions.max(self, axis, keepdims))

    def min(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Return the smallest number along axes."""
        return _op(reductions.min(self, axis, keepdims))

    def prod(self, axis: Any = None, keepdims: bool = False) -> Tensor:
        """Return the product along axes."""
        return _op(_np.prod(self, axis=axis, keepdims=keepdims))

    def cumsum(self, axis: int | None = None) -> Tensor:
        """Return the running sum."""
        return _op(np.cumsum(self, axis))

    def cumprod(self, axis: int | None = None) -> Tensor:
        """Return the running product."""
        return _op(np.cumprod(self, axis))

    def trace(self, offset: int = 0) -> Tensor:
        """Return the sum of the diagonal."""
        return self.diagonal(offset).sum(-1)

    def dot(self, other: Any) -> Tensor:
        """Return the product of vectors or matrices."""
        return _op(np.dot(self, other))

    def clip(self, min: Any = None, max: Any = None) -> Tensor:
        """Return the numbers held between bounds."""
        return _op(elementwise.clip(self, min, max))

    def round(self, decimals: int = 0) -> Tensor:
        """Return the numbers rounded; flat, so the gradient is 0."""
        return _op(np.round(self, decimals))

    def astype(self, dtype: DTypeLike, copy: bool = True) -> Tensor | ArrayMethods:
        """Return the numbers in another floating type, recorded."""
        if not copy and self.data.dtype == dtype:
            return self
        return _op(elementwise.cast(self, dtype))

    def copy(self) -> Tensor:
        """Return a copy, recorded."""
        return +self

    # --- decisions and places: plain arrays ------------------------------------

    def argmax(self, axis: int | None = None) -> Any:
        """Return the place of the largest number."""
        return self.data.argmax(axis)

    def argmin(self, axis: int | None = None) -> Any:
        """Return the place of the smallest number."""
        return self.data.argmin(axis)

    def argsort(self, axis: int = -1) -> Any:
        """Return the places in the order of their numbers."""
        return self.data.argsort(axis)

    def argpartition(self, kth: Any, axis: int = -1) -> Any:
        """Return the places, the smallest before ``kth``."""
        return self.data.argpartition(kth, axis)

    def nonzero(self) -> Any:
        """Return the places of what is not 0."""
        return self.data.nonzero()

    def all(self, axis: Any = None) -> Any:
        """Return whether all are not 0."""
        return self.data.all(axis)

    def any(self, axis: Any = None) -> Any:
        """Return whether any is not 0."""
        return self.data.any(axis)

    def tolist(self) -> Any:
        """Return nested lists of plain numbers, on purpose without a record."""
        return self.data.tolist()

    def __getattr__(self, name: str) -> Any:
        """Answer for the rest of what an ndarray has."""
        if name in REFUSED:
            raise DroppedGradientError(f"Tensor.{name}: not for tensors; use {REFUSED[name]}")
        if name in ("strides", "itemsize", "flags", "device", "nbytes", "ctypes", "base"):
            return getattr(self.data, name)
        raise AttributeError(f"'Tensor' object has no attribute {name!r}")


def _op(value: Any) -> Tensor:
    """Tell the type checker that an op of a tensor returns a tensor."""
    tensor: Tensor = value
    return tensor


def _decided(value: Any) -> Array:
    """Tell the type checker that a comparison of arrays returns an array."""
    array: Array = value
    return array
