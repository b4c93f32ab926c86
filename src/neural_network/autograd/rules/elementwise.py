"""Rules of functions that are computed element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.autograd.rules.table import rule
from neural_network.functional import activations, elementwise, linear, reductions, shaping

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
def where(condition: Any, x: Any, y: Any) -> Any:
    return elementwise.where(np.asarray(getattr(condition, "data", condition)), x, y)


@rule(np.clip)
def clip(a: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None) -> Any:
    return elementwise.clip(a, a_min if min is None else min, a_max if max is None else max)


@rule(np.round)
def round(a: Any, decimals: int = 0) -> Any:
    return elementwise.flat(a, lambda x: np.round(x, decimals))


@rule(np.copy)
def copy(a: Any) -> Any:
    return elementwise.positive(a)


@rule(np.astype)
def astype(x: Any, dtype: Any) -> Any:
    return elementwise.cast(x, dtype)
