"""Rules of functions that are computed element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.autograd.rules.table import rule
from neural_network.functional import elementwise, products, shaping, ufuncs
from neural_network.lifting import array_under, joined, tensors_in

# Universal functions, without the table: NumPy counts their arguments.
UFUNCS: dict[Any, Callable[..., Any]] = elementwise.UFUNCS | {
    np.matmul: products.matmul,
    np.divmod: lambda a, b: (np.floor_divide(a, b), np.remainder(a, b)),
    np.modf: lambda a: (ufuncs.fraction(a), elementwise.flat(a, lambda x: np.modf(x)[1])),
}


@rule(np.where)
def where(condition: Any, *choices: Any) -> Any:
    decided = np.asarray(array_under(condition))
    if len(choices) != 2:
        return np.where(decided, *array_under(choices))  # the places where it holds, or an error
    return elementwise.where(decided, *choices)


_np: Any = np  # whose stubs differ between releases
NOTHING: Any = np._NoValue


@rule(np.clip)
def clip(
    a: Any, a_min: Any = NOTHING, a_max: Any = NOTHING, min: Any = NOTHING, max: Any = NOTHING
) -> Any:
    bounds = {"a_min": a_min, "a_max": a_max, "min": min, "max": max}
    given = {name: joined(bound) for name, bound in bounds.items() if bound is not NOTHING}
    if given.keys() != {"a_min", "a_max"}:
        _np.clip(0.0, **dict.fromkeys(given))  # raises where NumPy does
    low = given.get("a_min", given.get("min"))
    high = given.get("a_max", given.get("max"))
    if tensors_in((low, high)):
        raised = a if low is None else elementwise.maximum(a, low)
        return raised if high is None else elementwise.minimum(raised, high)
    shape = np.broadcast_shapes(a.shape, _np.shape(low), _np.shape(high))
    return elementwise.clip(a if shape == a.shape else shaping.broadcast_to(a, shape), low, high)


@rule(np.round, np.around)
def round(a: Any, decimals: int = 0) -> Any:
    return elementwise.flat(a, lambda x: np.round(x, decimals))


@rule(np.copy)
def copy(a: Any) -> Any:
    return elementwise.cast(a, a.dtype)  # there is no positive of booleans


@rule(np.astype)
def astype(x: Any, dtype: Any) -> Any:
    return elementwise.cast(x, dtype)


@rule(np.sinc)
def sinc(x: Any) -> Any:
    return ufuncs.sinc(x)


@rule(np.fix)
def fix(x: Any) -> Any:
    return np.trunc(x)
