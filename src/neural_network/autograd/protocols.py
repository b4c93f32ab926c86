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

from neural_network.errors import DroppedGradientError
from neural_network.functional import activations, elementwise, linear, reductions, shaping
from neural_network.lifting import array_under

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


def _together(a: Any, b: Any) -> tuple[Any, Any]:
    """Broadcast two values against each other."""
    shape = np.broadcast_shapes(np.shape(a), np.shape(b))
    return shaping.broadcast_to(a, shape), shaping.broadcast_to(b, shape)


def _moveaxis(a: Any, source: Any, destination: Any) -> Any:
    # NumPy rearranges an array whose sizes are the numbers of its axes.
    numbered = np.broadcast_to(np.zeros(()), tuple(range(a.ndim)))
    return shaping.transpose(a, np.moveaxis(numbered, source, destination).shape)


def _swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    numbered = np.broadcast_to(np.zeros(()), tuple(range(a.ndim)))
    return shaping.transpose(a, np.swapaxes(numbered, axis1, axis2).shape)


def _squeeze(a: Any, axis: Any = None) -> Any:
    return shaping.reshape(a, np.squeeze(a.data, axis).shape)


def _expand_dims(a: Any, axis: Any) -> Any:
    return shaping.reshape(a, np.expand_dims(a.data, axis).shape)


def _flip(m: Any, axis: Any = None) -> Any:
    axes = reductions.normal_axes(axis, m.ndim)
    return shaping.index(m, tuple(slice(None, None, -1 if i in axes else 1) for i in range(m.ndim)))


def _places(a: Any, choose: Callable[[Any], Any]) -> Any:
    """Rearrange the indices of the elements by NumPy, then index with them."""
    return shaping.index(shaping.reshape(a, -1), choose(np.arange(a.size).reshape(a.shape)))


def _take(a: Any, indices: Any, axis: int | None = None) -> Any:
    return _places(a, lambda places: np.take(places, indices, axis))


def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    return _places(a, lambda places: np.repeat(places, repeats, axis))


def _tile(A: Any, reps: Any) -> Any:
    return _places(A, lambda places: np.tile(places, reps))


def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return _places(a, lambda places: np.roll(places, shift, axis))


def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    return _places(a, lambda places: np.diagonal(places, offset, axis1, axis2))


def _sort(a: Any, axis: int = -1) -> Any:
    order = np.argsort(a.data, axis=axis)
    return _places(a, lambda places: np.take_along_axis(places, order, axis))


def _dot(a: Any, b: Any) -> Any:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return elementwise.multiply(a, b)
    if np.ndim(b) > 2:
        raise DroppedGradientError("numpy.dot: no rule for more than 2 dimensions; use np.matmul")
    return linear.matmul(a, b)


def _outer(a: Any, b: Any) -> Any:
    return elementwise.multiply(shaping.reshape(a, (-1, 1)), shaping.reshape(b, (1, -1)))


def _prod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Multiply along one axis, element by element: the gradient is right where one is 0."""
    if axis is None:
        a, axis = shaping.reshape(a, -1), 0
        if keepdims:
            raise DroppedGradientError("numpy.prod: keepdims has no rule without an axis")
    lead = (slice(None),) * (axis % a.ndim)
    total: Any = 1.0
    for i in range(a.shape[axis]):
        total = elementwise.multiply(shaping.index(a, (*lead, i)), total)
    return _expand_dims(total, axis) if keepdims else total


def _cumsum(a: Any, axis: int | None = None) -> Any:
    if axis is None:
        a, axis = shaping.reshape(a, -1), 0
    size = a.shape[axis]
    moved = _moveaxis(a, axis, -1)
    return _moveaxis(linear.matmul(moved, np.triu(np.ones((size, size), a.dtype))), -1, axis)


def _cumprod(a: Any, axis: int | None = None) -> Any:
    if axis is None:
        a, axis = shaping.reshape(a, -1), 0
    lead = (slice(None),) * (axis % a.ndim)
    totals = [shaping.index(a, (*lead, 0))]
    for i in range(1, a.shape[axis]):
        totals.append(elementwise.multiply(totals[-1], shaping.index(a, (*lead, i))))
    return shaping.stack(totals, axis)


def _pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    if mode != "constant" or np.any(np.asarray(constant_values)):
        raise DroppedGradientError("numpy.pad: has a rule for zeros only")
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2))
    return shaping.pad(array, tuple((int(a), int(b)) for a, b in widths))


def _where(condition: Any, x: Any, y: Any) -> Any:
    return elementwise.where(np.asarray(getattr(condition, "data", condition)), x, y)


def _std(a: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
    return elementwise.sqrt(reductions.var(a, axis, keepdims, ddof))


def _atleast_2d(*arrays: Any) -> Any:
    raised = [a if np.ndim(a) >= 2 else shaping.reshape(a, (1, -1)) for a in arrays]
    return raised[0] if len(raised) == 1 else tuple(raised)


FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.sum: lambda a, axis=None, keepdims=False: reductions.sum(a, axis, keepdims),
    np.mean: lambda a, axis=None, keepdims=False: reductions.mean(a, axis, keepdims),
    np.var: lambda a, axis=None, ddof=0, keepdims=False: reductions.var(a, axis, keepdims, ddof),
    np.std: _std,
    np.max: lambda a, axis=None, keepdims=False: reductions.max(a, axis, keepdims),
    np.min: lambda a, axis=None, keepdims=False: reductions.min(a, axis, keepdims),
    np.prod: _prod,
    np.cumsum: _cumsum,
    np.cumprod: _cumprod,
    np.reshape: lambda a, shape: shaping.reshape(a, shape),  # noqa: PLW0108  (NumPy's names)
    np.ravel: lambda a: shaping.reshape(a, -1),
    np.transpose: lambda a, axes=None: shaping.transpose(a, axes),
    np.matrix_transpose: lambda x: _swapaxes(x, -1, -2),
    np.moveaxis: _moveaxis,
    np.swapaxes: _swapaxes,
    np.squeeze: _squeeze,
    np.expand_dims: _expand_dims,
    np.broadcast_to: lambda array, shape: shaping.broadcast_to(array, shape),  # noqa: PLW0108  # names
    np.concatenate: lambda arrays, axis=0: shaping.concatenate(arrays, axis),
    np.stack: lambda arrays, axis=0: shaping.stack(arrays, axis),
    np.vstack: lambda tup: shaping.concatenate([_atleast_2d(a) for a in tup], 0),
    np.hstack: lambda tup: shaping.concatenate(tup, 0 if np.ndim(tup[0]) == 1 else 1),
    np.split: lambda ary, indices_or_sections, axis=0: shaping.split(
        ary, indices_or_sections, axis
    ),
    np.atleast_2d: _atleast_2d,
    np.pad: _pad,
    np.flip: _flip,
    np.take: _take,
    np.repeat: _repeat,
    np.tile: _tile,
    np.roll: _roll,
    np.diagonal: _diagonal,
    np.diag: lambda v, k=0: _diagonal(v, k) if v.ndim == 2 else _diagonal_matrix(v, k),
    np.trace: lambda a, offset=0: reductions.sum(_diagonal(a, offset)),
    np.sort: _sort,
    np.where: _where,
    np.clip: lambda a, a_min=None, a_max=None, min=None, max=None: elementwise.clip(
        a, a_min if min is None else min, a_max if max is None else max
    ),
    np.round: lambda a, decimals=0: elementwise.flat(a, lambda x: np.round(x, decimals)),
    np.dot: _dot,
    np.vdot: lambda a, b: reductions.sum(elementwise.multiply(a, b)),
    np.inner: lambda a, b: linear.matmul(a, _swapaxes(b, -1, -2) if np.ndim(b) > 1 else b),
    np.outer: _outer,
    np.einsum: linear.einsum,
    np.linalg.norm: lambda x, ord=None, axis=None, keepdims=False: _norm(x, ord, axis, keepdims),
    np.copy: elementwise.positive,
    np.astype: lambda x, dtype: elementwise.cast(x, dtype),  # noqa: PLW0108  # names
    np.diff: lambda a, n=1, axis=-1: _diff(a, n, axis),
}


def _diagonal_matrix(v: Any, k: int) -> Any:
    size = v.size + abs(k)
    rows = np.arange(v.size) + max(0, -k)
    return shaping.unindex(v, (rows, rows + k), (size, size))


def _diff(a: Any, n: int, axis: int) -> Any:
    lead = (slice(None),) * (axis % a.ndim)
    for _ in range(n):
        later, earlier = (shaping.index(a, (*lead, s)) for s in (slice(1, None), slice(None, -1)))
        a = elementwise.subtract(later, earlier)
    return a


def _norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    if ord not in (None, 2) or (ord == 2 and x.ndim != 1 and not isinstance(axis, int)):
        raise DroppedGradientError(f"numpy.linalg.norm: no rule for ord={ord!r}")
    return elementwise.sqrt(reductions.sum(elementwise.square(x), axis, keepdims))


REDUCING = {np.add: reductions.sum, np.maximum: reductions.max, np.minimum: reductions.min}


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: Any) -> Any:
    """Compute ``ufunc(*inputs)`` where one of the inputs is a tensor."""
    if ufunc in UFUNCS_WITHOUT_GRADIENT:
        return getattr(ufunc, method)(*array_under(inputs), **kwargs)
    if method == "reduce" and ufunc in REDUCING:
        keywords = {"axis": 0} | kwargs
        return _bound(f"{ufunc.__name__}.reduce", REDUCING[ufunc], inputs, keywords)
    if method != "__call__" or ufunc not in UFUNCS:
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        raise _no_rule(name)
    if not kwargs:  # the usual case; NumPy has counted the inputs
        return UFUNCS[ufunc](*inputs)
    return _bound(ufunc.__name__, UFUNCS[ufunc], inputs, kwargs)


def call_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Compute a function of NumPy where one of the arguments is a tensor."""
    if function in FUNCTIONS_WITHOUT_GRADIENT:
        return function(*array_under(args), **_arrays(kwargs))
    if function not in FUNCTIONS:
        module = "numpy" if function.__module__ is None else function.__module__
        raise _no_rule(f"{function.__name__}", module)
    return _bound(function.__name__, FUNCTIONS[function], args, kwargs)


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
