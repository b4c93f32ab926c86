"""Rules of functions that are computed element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.autograd.rules.table import rule
from neural_network.functional import activations, elementwise, linear, reductions, shaping
from neural_network.lifting import array_under, joined, tensors_in

# Universal functions, without the table: NumPy counts their arguments.
UFUNCS: dict[Any, Callable[..., Any]] = elementwise.UFUNCS | {
    np.float_power: elementwise.power,
    np.fabs: elementwise.absolute,
    np.tanh: activations.tanh,
    np.matmul: linear.matmul,
    np.reciprocal: lambda a: elementwise.divide(1.0, a),
    np.log2: lambda a: elementwise.divide(elementwise.log(a), np.log(2.0)),
    np.log10: lambda a: elementwise.divide(elementwise.log(a), np.log(10.0)),
    np.exp2: lambda a: elementwise.power(2.0, a),
    np.tan: lambda a: elementwise.divide(elementwise.sin(a), elementwise.cos(a)),
    np.logaddexp: lambda a, b: reductions.logsumexp(shaping.stack(list(_together(a, b))), axis=0),
    np.hypot: lambda a, b: elementwise.sqrt(
        elementwise.add(elementwise.square(a), elementwise.square(b))
    ),
    np.floor: lambda a: elementwise.flat(a, np.floor),
    np.ceil: lambda a: elementwise.flat(a, np.ceil),
    np.rint: lambda a: elementwise.flat(a, np.rint),
    np.trunc: lambda a: elementwise.flat(a, np.trunc),
}


def _together(a: Any, b: Any) -> tuple[Any, Any]:
    """Broadcast two values against each other."""
    shape = np.broadcast_shapes(np.shape(a), np.shape(b))
    return shaping.broadcast_to(a, shape), shaping.broadcast_to(b, shape)


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
