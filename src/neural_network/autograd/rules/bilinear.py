"""Rules of products that are sums over pairs of elements."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from neural_network.autograd.rules.arguments import as_array, stand_in, untyped
from neural_network.autograd.rules.elementwise import UFUNCS
from neural_network.autograd.rules.shaping import flip, moveaxis
from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError, ShapeError, sentence
from neural_network.functional import elementwise, linalg, products, shaping
from neural_network.lifting import array_under


@rule(np.kron)
def kron(a: Any, b: Any) -> Any:
    a, b = as_array(a), as_array(b)
    ndim = max(a.ndim, b.ndim)
    left, right = ((1,) * (ndim - part.ndim) + part.shape for part in (a, b))
    # Axes of a and b in turn, so that each two of them become one.
    spread_a = shaping.reshape(a, [n for size in left for n in (size, 1)])
    spread_b = shaping.reshape(b, [n for size in right for n in (1, size)])
    shape = [m * n for m, n in zip(left, right, strict=True)]
    return shaping.reshape(elementwise.multiply(spread_a, spread_b), shape)


@rule(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    a, b = as_array(a), as_array(b)
    if not isinstance(axes, list | tuple | np.ndarray):
        axes = range(-axes, 0), range(axes)
    over_a, over_b = ([of] if isinstance(of, int) else list(of) for of in axes)
    if len(over_a) != len(over_b) or any(
        a.shape[i] != b.shape[j] for i, j in zip(over_a, over_b, strict=True)
    ):
        raise ShapeError(sentence("tensordot", "axes", "axes of equal size", str(axes)))
    sizes = [a.shape[i] for i in over_a]
    over_a, over_b = [i % a.ndim for i in over_a], [j % b.ndim for j in over_b]
    kept_a = [i for i in range(a.ndim) if i not in over_a]
    kept_b = [i for i in range(b.ndim) if i not in over_b]
    outer_a, outer_b = [a.shape[i] for i in kept_a], [b.shape[i] for i in kept_b]
    inner = prod(sizes)
    rows = shaping.reshape(shaping.transpose(a, kept_a + over_a), (prod(outer_a), inner))
    columns = shaping.reshape(shaping.transpose(b, over_b + kept_b), (inner, prod(outer_b)))
    return shaping.reshape(products.matmul(rows, columns), outer_a + outer_b)


@rule(np.linalg.tensordot)
def linalg_tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    return tensordot(x1, x2, axes)


@rule(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    a, b = as_array(a), as_array(b)
    if axis is not None:
        axisa = axisb = axisc = axis
    if a.ndim < 1 or b.ndim < 1:
        raise ValueError("cross: expected vectors, received a single number")
    a, b = moveaxis_to_end(a, axisa), moveaxis_to_end(b, axisb)
    if not {a.shape[-1], b.shape[-1]} <= {2, 3}:
        raise ValueError(f"cross: expected vectors of 3, received {a.shape[-1]}, {b.shape[-1]}")
    if a.shape[-1] == 2 or b.shape[-1] == 2:
        raise DroppedGradientError("numpy.cross: has a rule for vectors of 3 only; append a 0")

    lead = np.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    axisc = normalize_axis_index(axisc, len(lead) + 1)

    def product(i: int, j: int) -> Any:
        return elementwise.subtract(
            elementwise.multiply(a[..., i], b[..., j]), elementwise.multiply(a[..., j], b[..., i])
        )

    parts = [product(1, 2), product(2, 0), product(0, 1)]
    return shaping.stack(parts, axisc)


def moveaxis_to_end(a: Any, axis: int) -> Any:
    return moveaxis(a, normalize_axis_index(axis, a.ndim), -1)


@rule(np.linalg.cross)
def cross_of_three(x1: Any, x2: Any, axis: int = -1) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    np.linalg.cross(array_under(x1), array_under(x2), axis=axis)  # checks
    return cross(x1, x2, axis=axis)


# --- vectors beside matrices --------------------------------------------------------------


@rule(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    untyped.vecdot(stand_in(x1), stand_in(x2), axis=axis)
    x1, x2 = moveaxis_to_end(x1, axis), moveaxis_to_end(x2, axis)
    return products.matmul(x1[..., None, :], x2[..., :, None])[..., 0, 0]


def matvec(x1: Any, x2: Any) -> Any:
    return products.matmul(as_array(x1), as_array(x2)[..., None])[..., 0]


def vecmat(x1: Any, x2: Any) -> Any:
    x2 = as_array(x2)
    if x2.ndim < 2:
        raise ShapeError(sentence("vecmat", "x2", "a matrix", f"shape {x2.shape}"))
    return products.matmul(as_array(x1)[..., None, :], x2)[..., 0, :]


UFUNCS[np.vecdot] = vecdot
# NumPy 2.2 brought these two.
for _name, _function in (("matvec", matvec), ("vecmat", vecmat)):
    if hasattr(np, _name):
        UFUNCS[getattr(np, _name)] = _function


# --- along a line ---------------------------------------------------------------------------


def _vectors(function: Callable[..., Any], a: Any, v: Any, mode: Any) -> tuple[Any, Any]:
    """Return the arguments as vectors, after NumPy checked the mode and their dimensions."""
    a, v = as_array(a), as_array(v)
    function(np.ones(1), np.ones(1), mode)
    if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
        function(stand_in(a), stand_in(v), mode)
    return shaping.reshape(a, -1), shaping.reshape(v, -1)


def _part(whole: Any, mode: Any, sizes: tuple[int, int], start: int) -> Any:
    """Return the part of a whole convolution that a mode means."""
    mode = {"v": 0, "s": 1, "f": 2}.get(mode[0].lower()) if isinstance(mode, str) else int(mode)
    if mode == 2:
        return whole
    if mode == 1:
        return whole[start : start + max(sizes)]
    return whole[min(sizes) - 1 : max(sizes)]


@rule(np.convolve)
def convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    a, v = _vectors(np.convolve, a, v, mode)
    sizes = a.size, v.size
    return _part(linalg.convolve(a, v), mode, sizes, (min(sizes) - 1) // 2)


@rule(np.correlate)
def correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    a, v = _vectors(np.correlate, a, v, mode)
    sizes = a.size, v.size
    # Where the second vector is longer, NumPy exchanges them and reverses the result.
    start = (min(sizes) - (a.size >= v.size)) // 2
    return _part(linalg.convolve(a, flip(v)), mode, sizes, start)
