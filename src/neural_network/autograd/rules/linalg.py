"""Rules of ``numpy.linalg``."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache, reduce
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from neural_network.autograd.rules.arguments import as_array, stand_in
from neural_network.autograd.rules.products import outer as outer_product
from neural_network.autograd.rules.shaping import diagonal as diagonal_of, expand_dims, moveaxis
from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError
from neural_network.functional import elementwise, linalg, products, reductions, shaping
from neural_network.functional.linalg import svd_parts
from neural_network.lifting import array_under

LinAlgError = np.linalg.LinAlgError


@cache
def _result(function: Callable[..., Any]) -> Any:
    """Return the named tuple that a decomposition of NumPy returns."""
    return type(function(np.eye(1)))


# --- solutions and inverses -----------------------------------------------------------


@rule(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    return linalg.solve(as_array(a), as_array(b))


@rule(np.linalg.inv)
def inv(a: Any) -> Any:
    return linalg.inv(as_array(a))


@rule(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    if hermitian:
        raise DroppedGradientError(
            "numpy.linalg.pinv: has no rule for hermitian=True; leave it out"
        )
    a = as_array(a)
    if rtol is not np._NoValue:
        if rcond is not None:
            raise ValueError("pinv: rtol: expected no rcond beside it, received both")
        rcond = max(a.shape[-2:]) * np.finfo(a.dtype).eps if rtol is None else rtol
    return linalg.pinv(a, rcond)


@rule(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    a = as_array(a)
    if ind <= 0:
        raise ValueError(f"tensorinv: ind: expected a number above 0, received {ind}")
    matrix = shaping.reshape(a, (int(np.prod(a.shape[ind:])), -1))
    return shaping.reshape(inv(matrix), a.shape[ind:] + a.shape[:ind])


@rule(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    a, b = as_array(a), as_array(b)
    if axes is not None:
        last = [axis % a.ndim for axis in axes]
        a = shaping.transpose(a, [i for i in range(a.ndim) if i not in last] + last)
    shape = a.shape[-(a.ndim - b.ndim) :] if a.ndim != b.ndim else ()
    size = int(np.prod(shape))
    if size * size != a.size:
        raise LinAlgError(
            f"tensorsolve: a: expected {size} numbers for each of x, received {a.size}"
        )
    matrix = shaping.reshape(a, (size, size))
    return shaping.reshape(solve(matrix, shaping.reshape(b, -1)), shape)


# --- determinants and decompositions ----------------------------------------------------


@rule(np.linalg.det)
def det(a: Any) -> Any:
    return linalg.det(as_array(a))


@rule(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    a = as_array(a)
    # The sign changes in steps, so it has no gradient.
    sign = np.linalg.slogdet(array_under(a))[0]
    return _result(np.linalg.slogdet)(sign, linalg.logabsdet(a))


@rule(np.linalg.cholesky)
def cholesky(a: Any, upper: bool = False) -> Any:
    a = as_array(a)
    return linalg.cholesky(a.mT).mT if upper and a.ndim > 1 else linalg.cholesky(a)


def _eigh(a: Any, UPLO: str) -> Any:
    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"eigh: UPLO: expected 'L' or 'U', received {UPLO!r}")
    return linalg.eigh(as_array(a), UPLO.upper())


@rule(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    packed = _eigh(a, UPLO)
    return _result(np.linalg.eigh)(packed[..., 0, :], packed[..., 1:, :])


@rule(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    return _eigh(a, UPLO)[..., 0, :]


@rule(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    if hermitian:
        raise DroppedGradientError("numpy.linalg.svd: has no rule for hermitian=True; leave it out")
    if not compute_uv:
        return svdvals(a)
    a = as_array(a)
    return _result(np.linalg.svd)(*svd_parts(linalg.svd(a, full_matrices), a.shape, full_matrices))


@rule(np.linalg.svdvals)
def svdvals(x: Any) -> Any:
    x = as_array(x)
    return svd_parts(linalg.svd(x, False), x.shape, False)[1]


# --- norms ------------------------------------------------------------------------------


@rule(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    x = as_array(x)
    x = x if x.dtype.kind == "f" else elementwise.cast(x, np.float64)
    ord = ord if ord is None or isinstance(ord, str) else float(ord)
    if axis is None and ord is None:
        return linalg.norm(x, 2, None, keepdims)
    if not isinstance(axis, tuple):
        axis = tuple(range(x.ndim)) if axis is None else (int(axis),)
    axes = normalize_axis_tuple(axis, x.ndim)
    if len(axes) == 1:
        if isinstance(ord, str):
            raise ValueError(f"norm: ord: expected a number for vectors, received {ord!r}")
        return linalg.norm(x, 2 if ord is None else ord, axes[0], keepdims)
    if len(axes) != 2:
        raise ValueError(f"norm: axis: expected one or two axes, received {len(axes)}")
    out = _matrix_norm(x, ord, axes)
    kept = [n for i, n in enumerate(out.shape) if i not in axes]
    return out if keepdims else shaping.reshape(out, kept)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    """Return the norms of matrices, whose axes stay with size 1."""
    if ord in (None, "fro", "f"):
        return linalg.norm(x, 2, axes, True)
    if ord in (2, -2, "nuc"):
        values = svdvals(moveaxis(x, axes, (-2, -1)))
        reduced = {2: reductions.max, -2: reductions.min, "nuc": reductions.sum}[ord]
        if ord == 2 and values.shape[-1] == 0:  # the largest of no values is 0
            reduced = reductions.sum
        return expand_dims(reduced(values, -1), axes)
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"norm: ord: expected 1, 2, inf, 'fro' or 'nuc', received {ord!r}")
    along, across = axes if abs(ord) == 1 else axes[::-1]
    sums = reductions.sum(elementwise.absolute(x), along, True)
    if ord > 0 and sums.shape[across] == 0:
        return reductions.sum(sums, across, True)
    return (reductions.max if ord > 0 else reductions.min)(sums, across, True)


@rule(np.linalg.vector_norm)
def vector_norm(x: Any, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    return linalg.norm(as_array(x), ord, axis, keepdims)


@rule(np.linalg.matrix_norm)
def matrix_norm(x: Any, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)


# --- products and parts -----------------------------------------------------------------


@rule(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    a = as_array(a)
    np.linalg.matrix_power(stand_in(a), 0)  # is it square?
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"matrix_power: n: expected a whole number, received {n!r}") from None
    if n == 0:
        return elementwise.flat(a, lambda x: np.linalg.matrix_power(x, 0))
    power, n = (a, n) if n > 0 else (inv(a), -n)
    factors = []
    while n:  # n in binary digits
        if n % 2:
            factors.append(power)
        n //= 2
        if n:
            power = products.matmul(power, power)
    return reduce(products.matmul, factors)


@rule(np.linalg.multi_dot)
def multi_dot(arrays: Any) -> Any:
    arrays = [as_array(a) for a in arrays]
    if len({a.dtype for a in arrays}) > 1:
        # The order in which NumPy multiplies would decide how much is rounded to float32.
        raise DroppedGradientError("numpy.linalg.multi_dot: has no rule for several types")
    if len(arrays) < 2:
        raise ValueError(f"multi_dot: arrays: expected at least two, received {len(arrays)}")
    if any(a.ndim != 2 for a in arrays[1:-1]) or not all(a.ndim in (1, 2) for a in arrays):
        raise LinAlgError("multi_dot: arrays: expected matrices, and vectors at the ends")
    return reduce(products.matmul, arrays)


@rule(np.linalg.outer)
def outer(x1: Any, x2: Any) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError("outer: expected vectors, received more or fewer dimensions")
    return outer_product(x1, x2)


@rule(np.linalg.matmul)
def matmul(x1: Any, x2: Any) -> Any:
    return products.matmul(as_array(x1), as_array(x2))


@rule(np.linalg.matrix_transpose)
def matrix_transpose(x: Any) -> Any:
    np.linalg.matrix_transpose(stand_in(x))
    return as_array(x).mT


@rule(np.linalg.diagonal)
def diagonal(x: Any, offset: int = 0) -> Any:
    return diagonal_of(as_array(x), offset, -2, -1)


@rule(np.linalg.trace)
def trace(x: Any, offset: int = 0) -> Any:
    return reductions.sum(diagonal(x, offset), -1)
