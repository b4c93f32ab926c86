"""NumPy's functions on tensors: a table from each function to the op that computes it.

A function in the table is recorded. A function without a gradient (comparisons, ``argmax``,
``isnan``) returns plain arrays. A function that changes its argument is called where no gradient
is lost by it. Any other function raises an error that names it, because converting the tensor
would drop its gradient silently.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from inspect import Parameter
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

import neural_network.autograd.rules.bilinear
import neural_network.autograd.rules.calculus
import neural_network.autograd.rules.choosing
import neural_network.autograd.rules.linalg
import neural_network.autograd.rules.missing
import neural_network.autograd.rules.products
import neural_network.autograd.rules.rearranging
import neural_network.autograd.rules.reductions
import neural_network.autograd.rules.shaping
import neural_network.autograd.rules.statistics  # noqa: F401  # each file fills the table
from neural_network.autograd.guards import change
from neural_network.autograd.rules.arguments import as_array
from neural_network.autograd.rules.elementwise import UFUNCS
from neural_network.autograd.rules.listed import REFUSED, RETURNS_ARRAYS
from neural_network.autograd.rules.table import RULES
from neural_network.errors import (
    DroppedGradientError,
    DTypeError,
    NeuralNetworkError,
    both,
    brief,
    refusal,
    sentence,
    shorten_traceback,
)
from neural_network.functional import shaping
from neural_network.functional.op import PASSED
from neural_network.lifting import array_under


def _listed(names: str) -> Iterator[Any]:
    """Yield those of the functions that this release of NumPy has."""
    for name in names.split():
        with suppress(AttributeError):
            yield attrgetter(name)(np)


# Functions without a gradient: they return plain arrays.
WITHOUT_GRADIENT = set(_listed(RETURNS_ARRAYS))
# Functions that change one of their arguments → which one.
CHANGING = {
    np.copyto: "dst", np.put: "a", np.place: "arr", np.putmask: "a", np.fill_diagonal: "a",
    np.put_along_axis: "arr",
}  # fmt: skip
CHANGED_BY = {np.copyto: "copyto (also np.full, and np.full_like of a plain array)"}
# Methods of ufuncs → the functions that they are.
METHODS: dict[tuple[Any, str], Any] = {
    (np.add, "reduce"): np.sum, (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max, (np.minimum, "reduce"): np.min,
    (np.add, "accumulate"): np.cumsum, (np.multiply, "accumulate"): np.cumprod,
}  # fmt: skip


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Any) -> Any:
    """Compute ``ufunc(*inputs)`` where one of the inputs is a tensor."""
    try:
        if method == "__call__" and not kwargs and ufunc in UFUNCS:  # the usual case
            return UFUNCS[ufunc](*inputs)  # NumPy has counted the inputs
        if ufunc in WITHOUT_GRADIENT:
            return getattr(ufunc, method)(*array_under(inputs), **_arrays(kwargs))
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        if (ufunc, method) in METHODS:
            rule = RULES[METHODS[ufunc, method]]
            return _call(name, None, rule, inputs, {"axis": 0} | kwargs)
        function = getattr(np, ufunc.__name__, None)
        # array.clip calls a ufunc that is not public.
        if method == "__call__" and function in RULES:
            return _call(name, function, RULES[function], inputs, kwargs)
        if method == "outer" and ufunc in UFUNCS:
            first, second = (as_array(value) for value in inputs)
            column = shaping.reshape(first, (*first.shape, *[1] * second.ndim))
            return _call(name, None, UFUNCS[ufunc], (column, second), kwargs)
        if method != "__call__" or ufunc not in UFUNCS:
            raise no_rule(f"numpy.{name}" if function is ufunc else name)
        return _call(name, None, UFUNCS[ufunc], inputs, kwargs)
    except NeuralNetworkError as error:
        shorten_traceback(error)
        raise
    except PASSED:
        raise
    except Exception as error:  # NumPy raises many kinds; the class stays
        raise _refusal(ufunc, inputs, kwargs, error) from error


def call_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Compute a function of NumPy where one of the arguments is a tensor."""
    try:
        if function in WITHOUT_GRADIENT:
            return function(*array_under(args), **_arrays(kwargs))
        if function in CHANGING:
            target = args[0] if args else kwargs[CHANGING[function]]
            return change(
                CHANGED_BY.get(function, function.__name__), function, target, args, kwargs
            )
        if function not in RULES:
            module = "numpy" if function.__module__ is None else function.__module__
            raise no_rule(f"{module}.{function.__name__}")
        return _call(function.__name__, function, RULES[function], args, kwargs)
    except NeuralNetworkError as error:
        shorten_traceback(error)
        raise
    except PASSED:
        raise
    except Exception as error:  # NumPy raises many kinds; the class stays
        raise _refusal(function, args, kwargs, error) from error


# Operators of Python that compute with bits, and what was probably meant with other numbers.
_CONDITIONS = "conditions stand in brackets: (a > 0) {0} (b > 0)"
BITS = {
    np.bitwise_xor: "a ^ b is of bits; a power is a ** b",
    np.bitwise_and: "a & b is of bits; " + _CONDITIONS.format("&"),
    np.bitwise_or: "a | b is of bits; " + _CONDITIONS.format("|"),
    np.left_shift: "a << b is of bits; with other numbers it is a * 2.0**b",
    np.right_shift: "a >> b is of bits; with other numbers it is np.floor(a / 2.0**b)",
    np.invert: "~a is of bits; the opposite is -a, and of a probability 1 - a",
}


def _refusal(function: Any, args: tuple[Any, ...], kwargs: Any, error: Exception) -> Exception:
    """Return the library's error for arguments that NumPy refuses."""
    given = {f"argument {place}": value for place, value in enumerate(args, 1)} | kwargs
    if function in BITS and isinstance(error, TypeError):
        received = ", ".join(str(getattr(value, "dtype", brief(value))) for value in args)
        text = sentence(function.__name__, "the arguments", "integers or truth values", received)
        refused: Exception = both(DTypeError, TypeError)(f"{text}; {BITS[function]}")
        return refused
    return refusal(f"numpy.{function.__name__}", given, error)


def _call(
    name: str, function: Any, rule: Callable[..., Any], args: tuple[Any, ...], kwargs: Any
) -> Any:
    """Call the rule of a function; an argument that it does not take may have its default only."""
    if not kwargs and len(args) == 1:  # the usual case
        return rule(*args)
    form = _form(function, rule)
    if form.names and len(args) <= len(form.names):
        kwargs = dict(zip(form.names, args, strict=False)) | kwargs
        args = ()
    passed = {}
    for key, value in kwargs.items():
        if key in form.takes:
            if value is not np._NoValue:
                passed[key] = value
        elif value is not np._NoValue and value is not form.defaults.get(key, np._NoValue):
            raise _refused(name, key)
    if len(args) > form.most:
        raise _refused(name, f"argument {form.most + 1}")
    return rule(*args, **passed)


class _Form(NamedTuple):
    """How a function of NumPy and its rule are called.

    Attributes:
        names: of the function's arguments in order, which a rule need not take all; empty where
            NumPy does not tell, or where the function takes any number.
        defaults: of the function's arguments.
        takes: the names that the rule takes.
        most: how many arguments without name it takes.
    """

    names: tuple[str, ...]
    defaults: dict[str, Any]
    takes: frozenset[str]
    most: float


# Of ufuncs, and of functions that do not tell.
DEFAULTS = {
    "out": None, "dtype": None, "where": True, "casting": "same_kind", "order": "K",
    "subok": True, "keepdims": False,
}  # fmt: skip


@cache  # reading a signature takes longer than most ops
def _form(function: Any, rule: Callable[..., Any]) -> _Form:
    parameters = inspect.signature(rule).parameters.values()
    several = any(p.kind == p.VAR_POSITIONAL for p in parameters)
    takes = frozenset(p.name for p in parameters if p.kind != p.VAR_POSITIONAL)
    most = float("inf") if several else len(takes)
    try:
        known = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return _Form((), DEFAULTS, takes, most)
    defaults = {p.name: p.default for p in known if p.default is not p.empty}
    ordered = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    names = () if several else tuple(p.name for p in known if p.kind in ordered)
    return _Form(names, DEFAULTS | defaults, takes, most)


def _refused(name: str, argument: str) -> DroppedGradientError:
    return DroppedGradientError(
        f"numpy.{name}: {argument}: has no rule for this argument on tensors; leave it out, or use "
        "t.data where the gradient should end"
    )


def no_rule(name: str) -> DroppedGradientError:
    """Return the error for a function, such as "numpy.fix", that tensors have no rule for."""
    own = "functions that have one, or an op of your own (neural_network.functional.op)"
    use = REFUSED.get(name.removeprefix("numpy."), own)
    return DroppedGradientError(
        f"{name}: has no rule for tensors; use {use}; or t.data where the gradient should end"
    )


def _arrays(values: dict[str, Any]) -> dict[str, Any]:
    return {name: array_under(value) for name, value in values.items()}
