"""Checks of arguments, and their conversion to arrays and numbers.

All functions of the library convert their arguments here, so that one rule of types holds
everywhere: the result has the widest floating type among the arguments, integers and booleans
follow it, and where there is no floating type it is float64. float16 is computed in float32 and
rounded once, at the end.
"""

from __future__ import annotations

import inspect
import operator
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import wraps
from math import prod
from typing import Any, TypeGuard, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from neural_network import advice
from neural_network.elsewhere.surface import explain
from neural_network.errors import (
    ArgumentError,
    DroppedGradientError,
    DTypeError,
    NeuralNetworkError,
    ShapeError,
    brief,
    refusal,
    returned,
    sentence,
    several_arrays,
)
from neural_network.lifting import LISTS, array_under, is_tensor, joined, lift_hook

Array = NDArray[Any]
MOST_AXES = 64  # of an array of NumPy's
# Of a list of names: what is longer is no such list.
MOST_NAMES = 1_000_000
# What NumPy says of arrays that no memory could hold.
BEYOND = re.compile("array is too big|[Mm]aximum (allowed|supported) dimension")
Wrapped = TypeVar("Wrapped", bound=Callable[..., Any])
# Decorates the library's own functions of arrays: infinity and NaN in a result say enough, and
# compiled kernels do not warn either. What has the name of a function of NumPy's warns as that
# does, according to ``np.errstate``.
silent = np.errstate(all="ignore")


def beyond(dtype: DTypeLike) -> str:
    """Return what is expected where numbers are larger than a model's type can hold."""
    return held(dtype, "the model's ") + " (scale them, or model.astype(float))"


def held(dtype: DTypeLike, owner: str = "") -> str:
    """Return what is expected where numbers are larger than a type can hold."""
    return f"numbers that {owner}{np.dtype(dtype).name} can hold, at most {np.finfo(dtype).max:.3g}"


def narrowed(
    function: str, name: str, array: Array, dtype: np.dtype[Any], expected: str = ""
) -> Array:
    """Return floating numbers in a type; raise ArgumentError if one becomes infinite.

    Args:
        function, name, expected: for the error; by default the type is a model's.
        array: the numbers, or a tensor.
        dtype: the type.
    """
    if array.dtype.kind != "f" or array.dtype == dtype:
        return array
    try:
        with np.errstate(over="raise", under="ignore"):
            return array.astype(dtype, copy=False)
    except FloatingPointError:  # infinity in the array may look like an overflow, too
        with np.errstate(over="ignore", under="ignore"):
            typed = array.astype(dtype)
    numbers = array_under(array)
    new = numbers[np.isfinite(numbers) & ~np.isfinite(array_under(typed))]
    if new.size:
        expected = expected or beyond(dtype)
        raise ArgumentError(sentence(function, name, expected, f"{new.flat[0]:.3g}"))
    return typed


def as_real(function: str, name: str, value: ArrayLike) -> Array:
    """Return ``value`` as an array of real numbers (bool, integer or floating).

    A tensor is returned as it is: code that reads only shapes and types, and computes by
    ops, works with arrays and tensors alike.
    """
    if type(value) is np.ndarray and value.dtype.kind in "fiub":  # the usual case
        return value
    if is_tensor(value):
        return value  # type: ignore[return-value]  # it has an array's attributes
    # np.asarray would drop the mask without a word.
    if "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray):
        raise DTypeError(sentence(function, name, "an array without a mask", "a masked array"))
    array = _together(function, name, value)
    if array.dtype.kind not in "fiub":
        hint = advice.of_no_numbers(array, value, name)
        raise DTypeError(sentence(function, name, "real numbers", f"dtype {array.dtype}{hint}"))
    return array


def _together(function: str, name: str, value: Any) -> Array:
    """Return a number or nested lists as one array; as a tensor where they contain one."""
    advice.hint_of_dask(function, name, value)
    try:
        try:
            return np.asarray(value)
        except (ValueError, DroppedGradientError):
            if not isinstance(value, LISTS) or lift_hook(value) is None:
                raise
            together: Array = joined(value)
            return together
    except (DroppedGradientError, FloatingPointError):
        raise
    except ValueError as error:
        received = f"a ragged sequence{several_arrays(value)}"
        raise ShapeError(sentence(function, name, "rows of equal length", received)) from error
    except Exception as error:  # of the memory, or of an object that only looks like an array
        raise refusal(function, {name: value}, error) from error


def as_floating(function: str, **values: ArrayLike) -> tuple[list[Array], np.dtype[Any]]:
    """Cast all arguments to the type they are computed in; return the result's type too.

    Returns:
        The arrays in the *computing* type (float32 where the result is float16)
        and the *result* type. An array that already has the type is not copied.

    >>> (X, W), dtype = as_floating("f", X=np.ones(2, "float32"), W=np.ones(2, "int8"))
    >>> X.dtype, W.dtype, dtype
    (dtype('float32'), dtype('float32'), dtype('float32'))
    """
    if len(values) == 1:  # the usual case, in every training step
        (only,) = values.values()
        if type(only) is np.ndarray and only.dtype.char in "fd" and only.dtype.isnative:
            return [only], only.dtype
    arrays = [
        # A call of Python is dear where the usual case needs none.
        value
        if type(value) is np.ndarray and value.dtype.kind in "fiub"
        else as_real(function, name, value)
        for name, value in values.items()
    ]
    # A plain Python number does not decide the precision, as in NumPy itself.
    floating = [
        array.dtype
        for array, value in zip(arrays, values.values(), strict=True)
        if array.dtype.kind == "f" and type(value) is not float
    ]
    result = np.result_type(*floating) if floating else np.dtype(np.float64)
    result = result.newbyteorder("=")
    computing = np.dtype(np.float32) if result == np.float16 else result
    cast = [
        array.astype(computing, copy=False)
        if array.dtype.itemsize <= computing.itemsize
        else narrowed(function, name, array, computing, held(computing)).astype(computing)
        for name, array in zip(values, arrays, strict=True)
    ]
    return cast, result


def check_ndim(function: str, name: str, array: Array, *ndims: int) -> None:
    """Raise ShapeError unless the array has one of these numbers of dimensions."""
    if array.ndim not in ndims:
        expected = f"{' or '.join(map(str, ndims))} dimension{'' if ndims == (1,) else 's'}"
        received = f"shape {array.shape}{advice.one_row(name, array.shape, ndims)}"
        raise ShapeError(sentence(function, name, expected, received))


def check_shape(function: str, name: str, array: Array, *shapes: tuple[int, ...]) -> None:
    """Raise ShapeError unless the array has one of these shapes."""
    if array.shape not in shapes:
        allowed = " or ".join(dict.fromkeys(str(shape) for shape in shapes))
        found = next(filter(None, (advice.in_shape(name, array, shape) for shape in shapes)), "")
        received = f"shape {array.shape}{found}"
        raise ShapeError(sentence(function, name, f"shape {allowed}", received))


def check_same_shape(
    function: str, name: str, array: Array, other: str, like: Array, *, what: str = ""
) -> None:
    """Raise ShapeError unless the array has the shape of another one; never broadcast.

    ``what`` says in words what the other one is, before its name.
    """
    if array.shape != like.shape:
        cure = advice.in_shape_of(name, array, other, like.shape)
        received = f"shape {array.shape}{cure}"
        expected = f"the shape {like.shape} of {what}{other}"
        raise ShapeError(sentence(function, name, expected, received))


def check_not_empty(function: str, name: str, array: Array, *ndims: int) -> None:
    """Raise ShapeError if the array has no element, or none of these numbers of dimensions."""
    if ndims and array.ndim not in ndims:
        check_ndim(function, name, array, *ndims)
    if array.size == 0:
        raise ShapeError(
            sentence(function, name, "at least one element", f"an empty array {array.shape}")
        )


def check_no_nan(function: str, name: str, array: Array) -> None:
    """Raise ArgumentError if a label or target is NaN."""
    if array.dtype.kind == "f" and np.isnan(array).any():
        count = int(np.isnan(array).sum())
        raise ArgumentError(sentence(function, name, "no NaN", f"{count} NaN"))


# A loss of probabilities → that of scores.
OF_SCORES = {
    "cross_entropy": "softmax_cross_entropy takes scores and class numbers",
    "binary_cross_entropy": "binary_cross_entropy_with_logits takes scores",
}


def check_probabilities(function: str, name: str, array: Array, dtype: np.dtype[Any]) -> None:
    """Raise ArgumentError for a value outside [0, 1], allowing for rounding; NaN passes.

    ``dtype`` is the type of the result: what was computed in float16 is rounded coarsely.
    """
    slack = 1e-2 if dtype == np.float16 else 1e-6
    low, high = float(np.min(array)), float(np.max(array))
    if low < -slack or high > 1 + slack:
        received = f"values from {low:.9g} to {high:.9g}"
        if function in OF_SCORES and name == "A":
            received += f"; {OF_SCORES[function]}"
        raise ArgumentError(sentence(function, name, "values from 0 to 1", received))


def as_count(
    function: str, name: str, value: object, minimum: int = 1, maximum: float = sys.maxsize
) -> int:
    """Return a whole number of at least ``minimum``; floats and booleans are refused.

    By default it is a number that an array can have of anything; a seed may be larger.
    """
    expected = f"a whole number of at least {minimum}"
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = operator.index(value)  # type: ignore[arg-type]  # refusing is its job
    except TypeError:
        raise DTypeError(sentence(function, name, expected, brief(value))) from None
    if not minimum <= number <= maximum:
        if number > maximum:
            expected = f"a whole number from {minimum} to {maximum}"
        raise ArgumentError(sentence(function, name, expected, brief(number)))
    return number


def as_number(
    function: str,
    name: str,
    value: object,
    *,
    above: float | None = None,
    between: tuple[float, float] | None = None,
) -> float:
    """Return a finite float: greater than ``above``, or inside ``between`` (ends allowed)."""
    expected = "a finite number"
    if above is not None:
        expected = f"a finite number above {above:g}"
    if between is not None:
        upper = "up" if between[1] == np.inf else f"to {between[1]:g}"
        expected = f"a finite number from {between[0]:g} {upper}"
    if isinstance(value, list | tuple | dict):  # of tensors perhaps, which are no array
        raise DTypeError(sentence(function, name, expected, f"a {type(value).__name__}"))
    try:
        if type(value) is not float:
            if "numpy.ma" in sys.modules and isinstance(value, np.ma.MaskedArray):
                raise TypeError
            if np.ndim(value) != 0 or np.asarray(value).dtype.kind not in "fiuO":  # type: ignore[arg-type]  # refusing is its job
                raise TypeError
        number = float(value)  # type: ignore[arg-type]  # refusing is its job
    except OverflowError:
        raise ArgumentError(sentence(function, name, expected, "a larger one")) from None
    except NeuralNetworkError:
        raise
    except Exception:  # conversions of an object of any class may raise anything
        raise DTypeError(sentence(function, name, expected, brief(value))) from None
    inside = between is None or between[0] <= number <= between[1]
    if not (np.isfinite(number) and inside and (above is None or number > above)):
        raise ArgumentError(sentence(function, name, expected, number))
    return number


def as_choice(function: str, name: str, value: object, choices: Collection[str]) -> str:
    """Return ``value`` if it is one of the words; otherwise list the words."""
    if not isinstance(value, str) or value not in choices:
        words = ", ".join(repr(choice) for choice in choices)
        from neural_network.elsewhere.answers import with_meaning

        kind = ArgumentError if isinstance(value, str) else DTypeError
        raise kind(sentence(function, name, f"one of {words}", with_meaning(value, choices)))
    return value


def as_function(
    function: str, name: str, value: object, table: Mapping[str, Callable[..., Any]]
) -> Callable[..., Any]:
    """Return a function that was given, or the one of this name in a table."""
    if isinstance(value, str):
        return table[as_choice(function, name, value, table)]
    if callable(value) and not isinstance(value, type):
        return value
    names = ", ".join(map(repr, table))
    raise DTypeError(sentence(function, name, f"a function or one of {names}", brief(value)))


def as_flag(function: str, name: str, value: object) -> bool:
    """Return a true or false; a word such as ``"no"`` is not taken for true."""
    if not isinstance(value, bool | np.bool_):
        raise DTypeError(sentence(function, name, "True or False", advice.flag(name, value)))
    return bool(value)


def as_dtype(function: str, name: str, value: Any) -> np.dtype[Any]:
    """Return the type of an array's numbers."""
    try:
        found: np.dtype[Any] = np.dtype(value)
    except Exception:  # of an object of any class
        raise DTypeError(sentence(function, name, "a dtype of NumPy's", brief(value))) from None
    return found


def as_generator(function: str, rng: object) -> np.random.Generator:
    """Return a generator from a seed or a ``numpy.random.Generator``."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None:
        return np.random.default_rng()
    return np.random.default_rng(as_count(function, "rng", rng, minimum=0, maximum=np.inf))


def as_callable(function: str, name: str, value: Any) -> Any:
    """Return the value; raise DTypeError unless it can be called."""
    if not callable(value):
        raise DTypeError(sentence(function, name, "a function", advice.function(value)))
    return value


def as_floating_type(function: str, name: str, dtype: DTypeLike) -> np.dtype[Any]:
    """Return a floating type; None, which NumPy takes for float64, is refused."""
    received = brief(dtype)
    try:
        found = None if dtype is None else np.dtype(dtype)
        received = str(found)
    except Exception:  # not even a type
        found = None
    if found is None or found.kind != "f":
        raise DTypeError(sentence(function, name, "a floating type", received))
    return found


def as_shape(function: str, name: str, shape: object) -> tuple[int, ...]:
    """Return the sizes of an array, of which some may be 0."""
    if not isinstance(shape, list | tuple):
        raise DTypeError(sentence(function, name, "a tuple of sizes", brief(shape)))
    return tuple([as_count(function, name, size, minimum=0) for size in shape])


def as_names(function: str, name: str, value: object) -> list[str]:
    """Return a list of names as text; one text is no list of them."""
    if isinstance(value, list | tuple | range | np.ndarray) and getattr(value, "ndim", 1) != 0:
        if len(value) > MOST_NAMES:
            raise ArgumentError(sentence(function, name, f"at most {MOST_NAMES:,}", brief(value)))
        return [brief(item, str) for item in value]
    raise DTypeError(sentence(function, name, "a list of names", brief(value)))


def as_mapping(function: str, name: str, value: object, expected: str) -> Mapping[Any, Any]:
    """Return a dict, or what is like one; anything else is refused."""
    if not isinstance(value, Mapping):
        raise DTypeError(sentence(function, name, expected, returned(value)))
    return value


def is_iterable(value: object) -> TypeGuard[Iterable[Any]]:
    """Return whether a value can be iterated over: an array without axes cannot."""
    return isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0


def check_addressable(*sizes: int) -> None:
    """Raise MemoryError for an array so large that NumPy raises other errors, or overflows."""
    if prod(sizes) > sys.maxsize // 32:
        raise MemoryError("no array can be of this size")


def within_memory(function: Wrapped) -> Wrapped:
    """Decorate a function whose arguments say how large its result is.

    A result that does not fit the memory is an error of the library's, and a ``MemoryError`` as
    well. The first argument of a private function is the name of the public one that called it.
    """
    names = list(inspect.signature(function).parameters)

    @wraps(function)
    def limited(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (TypeError, NeuralNetworkError) as error:
            explain(function, args, kwargs, error)
            raise
        except (MemoryError, ValueError) as error:
            if isinstance(error, ValueError) and not BEYOND.search(str(error)):
                raise
            given = dict(zip(names, args, strict=False)) | kwargs
            name = given.pop("function", function.__name__)
            given.pop("self", None)
            raise refusal(str(name), given, error) from error

    return cast("Wrapped", limited)


def as_single(function: str, name: str, value: Any) -> float:
    """Return the result of a caller's function as a float; raise DTypeError unless it is one."""
    if type(value) is np.ndarray and value.ndim == 0:
        value = value.item()
    if type(value) is float:
        return value
    try:
        if np.iscomplexobj(value):
            raise TypeError
        return float(value)
    except NeuralNetworkError:
        raise
    except Exception:  # a conversion of an object of any class may raise anything
        received = f"shape {value.shape}" if isinstance(value, np.ndarray) else returned(value)
        raise DTypeError(sentence(function, name, "a result of one number", received)) from None


def rounded(array: Array, dtype: DTypeLike) -> Array:
    """Cast from the computing type to the result type; no copy where they agree."""
    if array.dtype == dtype:
        return array
    with np.errstate(under="ignore"):
        return array.astype(dtype, copy=False)
