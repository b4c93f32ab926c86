"""The operators of an ndarray, for tensors; each calls an op."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Self, TypeVar, cast

import numpy as np

from neural_network.autograd.engine import Recorded
from neural_network.checks import Array
from neural_network.errors import NeuralNetworkError, refusal, shorten_traceback
from neural_network.functional import elementwise, products
from neural_network.lifting import array_under

Method = TypeVar("Method", bound=Callable[..., Any])

# Ops of tensors and NumPy's functions return tensors, which their annotations do not state.
_np: Any = np
_elementwise: Any = elementwise
_products: Any = products


def plain(method: Method) -> Method:
    """Decorate a method that computes with the array: what NumPy refuses is the library's error."""

    @wraps(method)
    def computed(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except NeuralNetworkError as error:
            shorten_traceback(error)
            raise
        except Exception as error:  # NumPy raises many kinds; the class stays
            from neural_network.elsewhere.calls import unknown_option

            if (better := unknown_option(method.__name__, kwargs)) is not None:
                raise better from None
            given = {"t": self, "the arguments": args, **kwargs}
            raise refusal(f"Tensor.{method.__name__}", given, error) from error

    return cast("Method", computed)


def of_array(method: Method) -> Method:
    """Decorate a recorded method: an option that NumPy does not have gets a sentence."""

    @wraps(method)
    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        except NeuralNetworkError as error:
            shorten_traceback(error)
            raise
        except TypeError:
            from neural_network.elsewhere.calls import unknown_option

            options = [name for name in kwargs if name not in method.__code__.co_varnames]
            if (better := unknown_option(method.__name__, options)) is not None:
                raise better from None
            raise

    return cast("Method", called)


class ArrayOperators(Recorded):
    """The operators of an array; those with a gradient are recorded where one is required."""

    __slots__ = ()

    def __add__(self, other: Any) -> Self:
        return _elementwise.add(self, other)

    def __radd__(self, other: Any) -> Self:
        return _elementwise.add(other, self)

    def __sub__(self, other: Any) -> Self:
        return _elementwise.subtract(self, other)

    def __rsub__(self, other: Any) -> Self:
        return _elementwise.subtract(other, self)

    def __mul__(self, other: Any) -> Self:
        return _elementwise.multiply(self, other)

    def __rmul__(self, other: Any) -> Self:
        return _elementwise.multiply(other, self)

    def __truediv__(self, other: Any) -> Self:
        return _elementwise.divide(self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return _elementwise.divide(other, self)

    def __pow__(self, other: Any) -> Self:
        return _elementwise.power(self, other)

    def __rpow__(self, other: Any) -> Self:
        return _elementwise.power(other, self)

    def __matmul__(self, other: Any) -> Self:
        return _products.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Self:
        return _products.matmul(other, self)

    def __mod__(self, other: Any) -> Self:
        return _np.remainder(self, other)

    def __rmod__(self, other: Any) -> Self:
        return _np.remainder(other, self)

    def __floordiv__(self, other: Any) -> Self:
        return _np.floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Self:
        return _np.floor_divide(other, self)

    def __divmod__(self, other: Any) -> tuple[Self, Self]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Self, Self]:
        return other // self, other % self

    # Of integers and truth values, without a gradient; of others NumPy's refusal names what to
    # write instead.

    def __xor__(self, other: Any) -> Array:
        return _np.bitwise_xor(self, other)

    def __rxor__(self, other: Any) -> Array:
        return _np.bitwise_xor(other, self)

    def __and__(self, other: Any) -> Array:
        return _np.bitwise_and(self, other)

    def __rand__(self, other: Any) -> Array:
        return _np.bitwise_and(other, self)

    def __or__(self, other: Any) -> Array:
        return _np.bitwise_or(self, other)

    def __ror__(self, other: Any) -> Array:
        return _np.bitwise_or(other, self)

    def __lshift__(self, other: Any) -> Array:
        return _np.left_shift(self, other)

    def __rlshift__(self, other: Any) -> Array:
        return _np.left_shift(other, self)

    def __rshift__(self, other: Any) -> Array:
        return _np.right_shift(self, other)

    def __rrshift__(self, other: Any) -> Array:
        return _np.right_shift(other, self)

    def __invert__(self) -> Array:
        return _np.invert(self)

    def __round__(self, ndigits: int | None = None) -> Self:
        return _np.round(self, 0 if ndigits is None else ndigits)

    def __neg__(self) -> Self:
        return _elementwise.negative(self)

    def __pos__(self) -> Self:
        return _elementwise.positive(self)

    def __abs__(self) -> Self:
        return _elementwise.absolute(self)

    # Comparisons have no gradient: they return arrays.

    @plain
    def __eq__(self, other: object) -> Array:  # type: ignore[override]  # as for arrays
        return self.data == array_under(other)

    @plain
    def __ne__(self, other: object) -> Array:  # type: ignore[override]  # as for arrays
        return self.data != array_under(other)

    @plain
    def __lt__(self, other: Any) -> Array:
        return self.data < array_under(other)

    @plain
    def __le__(self, other: Any) -> Array:
        return self.data <= array_under(other)

    @plain
    def __gt__(self, other: Any) -> Array:
        return self.data > array_under(other)

    @plain
    def __ge__(self, other: Any) -> Array:
        return self.data >= array_under(other)

    __hash__ = object.__hash__  # by identity, so that a tensor can be a key
