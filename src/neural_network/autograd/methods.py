"""The methods of an ndarray, for tensors; each calls an op."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from neural_network.autograd.guards import no_gradient_of_result
from neural_network.autograd.operators import ArrayOperators, of_array, plain
from neural_network.autograd.refused import REFUSED
from neural_network.errors import ArgumentError, DroppedGradientError, ShapeError, both, sentence
from neural_network.functional import elementwise, reductions, shaping
from neural_network.lifting import array_under

# Ops of tensors and NumPy's functions return tensors, which their annotations do not state.
_np: Any = np
_elementwise: Any = elementwise
_reductions: Any = reductions
_shaping: Any = shaping


def _kept(first: int) -> str:
    """Return the code of the sizes of the axes before one."""
    return "".join(f"t.shape[{axis}], " for axis in range(first)) if first >= 0 else "…, "


def check_options(method: str, options: Iterable[str]) -> None:
    """Raise where a method was given an option that NumPy does not have."""
    from neural_network.elsewhere.calls import unknown_option

    if (better := unknown_option(method, options)) is not None:
        raise better


class ArrayMethods(ArrayOperators):
    """The operators and methods of an array; recorded where a gradient is required."""

    __slots__ = ()

    # --- parts and shapes ------------------------------------------------------

    def __len__(self) -> int:
        if self.data.ndim == 0:
            raise both(ShapeError, TypeError)(
                sentence("len", "tensor", "at least one axis", "a single number")
            )
        return len(self.data)

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    def __delitem__(self, key: Any) -> None:
        expected = "t = np.delete(t, place, axis), as a tensor keeps its size"
        raise both(ArgumentError, ValueError)(sentence("del t[place]", "tensor", expected, "del"))

    def __contains__(self, value: Any) -> bool:
        return bool(np.any(self == value))

    def __getitem__(self, key: Any) -> Self:
        return _shaping.index(self, array_under(key))

    @property
    def T(self) -> Self:  # noqa: N802  (ndarray's name)
        """The array with its axes reversed."""
        return self.transpose()

    @property
    def mT(self) -> Self:  # noqa: N802  (ndarray's name)
        """The array with its last two axes exchanged."""
        return _np.matrix_transpose(self)

    @property
    def real(self) -> Self:
        """The tensor itself, which is real."""
        return self

    @property
    def flat(self) -> Iterator[Self]:
        """The numbers one by one."""
        return self.ravel().__iter__()

    def reshape(self, *shape: Any, order: Any = "C", **options: Any) -> Self:
        """Return the numbers in another shape."""
        sizes = shape[0] if len(shape) == 1 else shape
        if isinstance(order, str) and order == "C" and not options:  # the usual case
            return _shaping.reshape(self, sizes)
        return _np.reshape(self, sizes, order=order, **options)

    def ravel(self, order: Any = "C") -> Self:
        """Return the numbers along one axis."""
        return (
            self.reshape(-1) if isinstance(order, str) and order == "C" else _np.ravel(self, order)
        )

    @plain
    def flatten(self, order: Any = "C") -> Self:
        """Return a copy of the numbers along one axis."""
        if isinstance(order, int):  # PyTorch's first axis
            expected = "an order of NumPy, such as 'C'"
            received = f"{order}; here: flatten({order}) → t.reshape({_kept(order)}-1)"
            raise both(ArgumentError, TypeError)(
                sentence("Tensor.flatten", "order", expected, received)
            )
        return self.ravel(order).copy()

    def transpose(self, *axes: Any) -> Self:
        """Return the array with its axes in another order."""
        order = axes[0] if len(axes) == 1 else axes or None
        if len(axes) == 2 < self.data.ndim:  # PyTorch's two axes
            expected = f"the new order of all {self.data.ndim} axes"
            received = f"{axes}; t.swapaxes({axes[0]}, {axes[1]}) exchanges two"
            raise ShapeError(sentence("Tensor.transpose", "axes", expected, received))
        return _shaping.transpose(self, order)

    @of_array
    def swapaxes(self, axis1: int, axis2: int) -> Self:
        """Return the array with two axes exchanged."""
        return _np.swapaxes(self, axis1, axis2)

    @of_array
    def squeeze(self, axis: Any = None) -> Self:
        """Return the array without its axes of size 1."""
        return _np.squeeze(self, axis)

    @of_array
    def repeat(self, repeats: Any, axis: int | None = None) -> Self:
        """Return each number several times."""
        return _np.repeat(self, repeats, axis)

    @of_array
    def take(self, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Self:
        """Return the numbers at these places."""
        return _np.take(self, indices, axis, out, mode)

    @of_array
    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Self:
        """Return the diagonal."""
        return _np.diagonal(self, offset, axis1, axis2)

    @of_array
    def compress(self, condition: Any, axis: Any = None, out: Any = None) -> Self:
        """Return the slices where a condition holds."""
        return _np.compress(condition, self, axis, out)

    # --- numbers: the arguments in the order of ndarray ---------------------------

    def sum(
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
        **options: Any,
    ) -> Self:  # fmt: skip
        """Return the sum along axes."""
        if dtype is out is None and not options:  # the usual case
            return _reductions.sum(self, axis, keepdims)
        if options:
            check_options("sum", options)
        return _np.sum(self, axis, dtype, out, keepdims, **options)

    def mean(
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
        **options: Any,
    ) -> Self:  # fmt: skip
        """Return the mean along axes."""
        if dtype is out is None and not options:
            return _reductions.mean(self, axis, keepdims)
        if options:
            check_options("mean", options)
        return _np.mean(self, axis, dtype, out, keepdims, **options)

    def var(
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
        keepdims: bool = False, **options: Any,
    ) -> Self:  # fmt: skip
        """Return the variance along axes."""
        if options:
            check_options("var", options)
        return _np.var(self, axis, dtype, out, ddof, keepdims, **options)

    def std(
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: float = 0,
        keepdims: bool = False, **options: Any,
    ) -> Self:  # fmt: skip
        """Return the standard deviation along axes."""
        if options:
            check_options("std", options)
        return _np.std(self, axis, dtype, out, ddof, keepdims, **options)

    def max(
        self, axis: Any = None, out: Any = None, keepdims: bool = False, **options: Any
    ) -> Self:
        """Return the largest number along axes."""
        if options:
            check_options("max", options)
        return _np.max(self, axis, out, keepdims, **options)

    def min(
        self, axis: Any = None, out: Any = None, keepdims: bool = False, **options: Any
    ) -> Self:
        """Return the smallest number along axes."""
        if options:
            check_options("min", options)
        return _np.min(self, axis, out, keepdims, **options)

    def prod(
        self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False,
        **options: Any,
    ) -> Self:  # fmt: skip
        """Return the product along axes."""
        if options:
            check_options("prod", options)
        return _np.prod(self, axis, dtype, out, keepdims, **options)

    @of_array
    def cumsum(self, axis: int | None = None, dtype: Any = None, out: Any = None) -> Self:
        """Return the running sum."""
        return _np.cumsum(self, axis, dtype, out)

    @of_array
    def cumprod(self, axis: int | None = None, dtype: Any = None, out: Any = None) -> Self:
        """Return the running product."""
        return _np.cumprod(self, axis, dtype, out)

    @of_array
    def trace(
        self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
    ) -> Self:
        """Return the sum of the diagonal."""
        return _np.trace(self, offset, axis1, axis2, dtype, out)

    def dot(self, b: Any, out: Any = None) -> Self:
        """Return the product of vectors or matrices."""
        return _np.dot(self, b, out=out)

    def clip(self, min: Any = None, max: Any = None, out: Any = None, **options: Any) -> Self:
        """Return the numbers limited to an interval."""
        if options:
            check_options("clip", options)
        return _np.clip(self, min, max, out, **options)

    @of_array
    def round(self, decimals: int = 0, out: Any = None) -> Self:
        """Return the numbers rounded; the gradient is 0."""
        return _np.round(self, decimals, out)

    def conj(self) -> Self:
        """Return the tensor itself, which is real."""
        return self

    conjugate = conj

    @plain
    def astype(
        self, dtype: DTypeLike, order: Any = "K", casting: Any = "unsafe", subok: bool = True,
        copy: bool = True,
    ) -> Self:  # fmt: skip
        """Return the numbers in another floating type, recorded."""
        if not copy and self.data.dtype == dtype:
            return self
        if casting != "unsafe":
            np.empty(0, self.data.dtype).astype(dtype, order, casting, subok)  # may raise
        return _elementwise.cast(self, dtype)

    def copy(self, order: Any = "C") -> Self:  # noqa: ARG002  # memory makes no difference
        """Return a copy, recorded."""
        return _elementwise.cast(self, self.data.dtype)

    # --- without a gradient: plain arrays ---------------------------------------

    @plain
    def argmax(self, *args: Any, **kwargs: Any) -> Any:
        """Return the place of the largest number."""
        return self.data.argmax(*args, **kwargs)

    @plain
    def argmin(self, *args: Any, **kwargs: Any) -> Any:
        """Return the place of the smallest number."""
        return self.data.argmin(*args, **kwargs)

    @plain
    def argsort(self, *args: Any, **kwargs: Any) -> Any:
        """Return the places in the order of their numbers."""
        return self.data.argsort(*args, **kwargs)

    @plain
    def argpartition(self, *args: Any, **kwargs: Any) -> Any:
        """Return the places, the smallest before ``kth``."""
        return self.data.argpartition(*args, **kwargs)

    def searchsorted(self, *args: Any, **kwargs: Any) -> Any:
        """Return the places of numbers among these, which are in order."""
        return _np.searchsorted(self, *args, **kwargs)

    @plain
    def nonzero(self) -> Any:
        """Return the places of what is not 0."""
        return self.data.nonzero()

    @plain
    def all(self, *args: Any, **kwargs: Any) -> Any:
        """Return whether all are not 0."""
        return self.data.all(*args, **kwargs)

    @plain
    def any(self, *args: Any, **kwargs: Any) -> Any:
        """Return whether any is not 0."""
        return self.data.any(*args, **kwargs)

    @property
    def nbytes(self) -> int:
        """How many bytes the numbers take."""
        return self.data.nbytes

    def tolist(self) -> Any:
        """Return nested lists of plain numbers, without a record."""
        return self.data.tolist()

    def __getattr__(self, name: str) -> Any:
        """Return other attributes of an ndarray, or raise an error that names a substitute."""
        if name in REFUSED:
            raise DroppedGradientError(f"Tensor.{name}: not for tensors; use {REFUSED[name]}")
        if name in ("strides", "itemsize", "flags", "device", "ctypes", "base"):
            return getattr(self.data, name)
        if name == "grad":  # of a leaf it is set
            return no_gradient_of_result()
        from neural_network.elsewhere.answers import missing_attribute

        raise missing_attribute(self, name)
