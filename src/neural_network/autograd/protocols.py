"""NumPy's functions on tensors: a table from each function to the op that computes it.

A function in the table is recorded. A function without a gradient (comparisons, ``argmax``,
``isnan``) returns plain arrays. Any other function raises an error that names it, because
converting the tensor would drop its gradient silently.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import neural_network.autograd.rules.products
import neural_network.autograd.rules.reductions
import neural_network.autograd.rules.shaping  # noqa: F401  # each file fills the table
from neural_network.autograd.rules.elementwise import UFUNCS
from neural_network.autograd.rules.table import RULES
from neural_network.errors import DroppedGradientError
from neural_network.functional import reductions
from neural_network.lifting import array_under

# Functions without a gradient: they return plain arrays.
UFUNCS_WITHOUT_GRADIENT = {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_xor, np.logical_not,
    np.isfinite, np.isnan, np.isinf, np.signbit,
}  # fmt: skip
FUNCTIONS_WITHOUT_GRADIENT = {
    np.all, np.any, np.allclose, np.isclose, np.array_equal, np.array_equiv,
    np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero,
    np.count_nonzero, np.searchsorted, np.shape, np.ndim, np.size, np.result_type,
    np.can_cast, np.isrealobj, np.iscomplexobj, np.shares_memory, np.may_share_memory,
    np.zeros_like, np.ones_like, np.full_like, np.empty_like,
    np.array_repr, np.array_str, np.array2string,
}  # fmt: skip


REDUCING = {np.add: reductions.sum, np.maximum: reductions.max, np.minimum: reductions.min}


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Any) -> Any:
    """Compute ``ufunc(*inputs)`` where one of the inputs is a tensor."""
    if method == "__call__" and not kwargs and ufunc in UFUNCS:  # the usual case
        return UFUNCS[ufunc](*inputs)  # NumPy has counted the inputs
    if ufunc in UFUNCS_WITHOUT_GRADIENT:
        return getattr(ufunc, method)(*array_under(inputs), **kwargs)
    if method == "reduce" and ufunc in REDUCING:
        keywords = {"axis": 0} | kwargs
        return _bound(f"{ufunc.__name__}.reduce", REDUCING[ufunc], inputs, keywords)
    if method != "__call__" or ufunc not in UFUNCS:
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        raise _no_rule(name)
    return _bound(ufunc.__name__, UFUNCS[ufunc], inputs, kwargs)


def call_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Compute a function of NumPy where one of the arguments is a tensor."""
    if function in FUNCTIONS_WITHOUT_GRADIENT:
        return function(*array_under(args), **_arrays(kwargs))
    if function not in RULES:
        module = "numpy" if function.__module__ is None else function.__module__
        raise _no_rule(f"{function.__name__}", module)
    return _bound(function.__name__, RULES[function], args, kwargs)


def _bound(name: str, rule: Callable[..., Any], args: tuple[Any, ...], kwargs: Any) -> Any:
    """Call the rule with NumPy's arguments, without NumPy's markers for arguments left out."""
    passed = {
        k: v for k, v in kwargs.items() if v is not np._NoValue and not (k == "out" and v is None)
    }
    try:
        _signature(rule).bind(*args, **passed)
    except TypeError as error:
        raise DroppedGradientError(
            f"numpy.{name}: has no rule for these arguments on tensors ({error}); "
            "leave them out, or use t.data where the gradient should end"
        ) from None
    return rule(*args, **passed)


# Reading a signature takes longer than most ops.
_signature = cache(inspect.signature)


def _no_rule(name: str, module: str = "numpy") -> DroppedGradientError:
    return DroppedGradientError(
        f"{module}.{name}: has no rule for tensors; write it with functions that have one, "
        "make an op of it (neural_network.functional.op), or use t.data where the gradient "
        "should end"
    )


def _arrays(values: dict[str, Any]) -> dict[str, Any]:
    return {name: array_under(value) for name, value in values.items()}
