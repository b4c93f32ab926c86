"""Functions of ``numpy.linalg``."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from neural_network.functional.op import Call, call
from tests.autograd.draws import Draw, draws


def matrices(draw: Draw, size: int, stack: int = 1) -> Any:
    """Matrices with different singular values away from 0; now and then not square."""
    lead = draw.shape(most=stack) if draw.flag(0.4) else ()
    shape = (*lead, size, size + draw.flag(0.05)) if draw.flag(0.95) else (size,)
    kept = np.resize(3 * np.eye(size) * np.arange(1, size + 1), shape)
    return draw.array(shape, -1, 1) + kept.astype(draw.dtype)


@draws(np.linalg.solve)
def _(draw: Draw) -> Call:
    size = draw.number(1, 3)
    a = matrices(draw, size)
    b = (*(a.shape[:-2] if draw.flag() else ()), size + draw.flag(0.1), draw.number(1, 2))
    return call(draw.listed(a), draw.listed(draw.array(draw.pick(b, b[-2:], (size,)))))


@draws(
    np.linalg.inv, np.linalg.det, np.linalg.slogdet, np.linalg.eigvalsh, np.linalg.svdvals,
    np.linalg.matrix_transpose,
)  # fmt: skip
def _(draw: Draw) -> Call:
    return call(matrices(draw, draw.number(1, 3)))


@draws(np.linalg.eigh)
def _(draw: Draw) -> Call:
    a = matrices(draw, draw.number(1, 3))
    # Beside a diagonal matrix, the signs of the vectors jump.
    a = a + np.asarray(0.0137, a.dtype) if a.dtype.kind == "f" else a
    return call(a, draw.pick("L", "U", "l", "L", "U", "x"))


@draws(np.linalg.cholesky)
def _(draw: Draw) -> Call:
    a = matrices(draw, draw.number(1, 3))
    return call(a, upper=draw.flag())


@draws(np.linalg.pinv)
def _(draw: Draw) -> Call:
    shape = (*draw.shape(most=1), *draw.pick((2, 3), (3, 2), (2, 2), (1, 3)))
    a = draw.array(shape, -1, 1) + (3 * np.eye(*shape[-2:])).astype(draw.dtype)
    return call(a, **draw.pick({}, {}, {"rcond": 1e-3}, {"rtol": None}, {"rtol": 1e-4}))


@draws(np.linalg.svd)
def _(draw: Draw) -> Call:
    shape = (*draw.shape(most=1), *draw.pick((2, 3), (3, 2), (2, 2), (3, 3)))
    a = draw.array(shape, -1, 1)
    a = a + (3 * np.eye(*shape[-2:]) * np.arange(1, shape[-1] + 1)).astype(a.dtype)
    whole = shape[-1] == shape[-2] and draw.flag()
    return call(a, full_matrices=whole, compute_uv=draw.flag(0.8))


@draws(np.linalg.norm)
def _(draw: Draw) -> Call:
    a = draw.array()
    orders = [None, 2, 1, np.inf, -np.inf, -1, -2, "fro", "nuc", 3, 0.5, 0, "x", -3]
    pair = tuple(draw.axis(a.ndim) for _ in range(2))
    axis = draw.pick(None, draw.axis(a.ndim), pair, pair, draw.axes(a.ndim))
    return call(a, draw.pick(*orders), axis, draw.flag())


@draws(np.linalg.matrix_norm)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(least=2))
    return call(a, ord=draw.pick(2, -2, 1, -1, np.inf, -np.inf, "fro", "nuc"), keepdims=draw.flag())


@draws(np.linalg.vector_norm)
def _(draw: Draw) -> Call:
    a = draw.array()
    order = draw.pick(2, 1, 3, np.inf, -np.inf, 0, 1.5)
    return call(a, ord=order, axis=draw.axes(a.ndim), keepdims=draw.flag())


@draws(np.linalg.matrix_power)
def _(draw: Draw) -> Call:
    return call(matrices(draw, draw.number(1, 3)), draw.pick(0, 1, 2, 3, 5, -1, -2, 0.5))


@draws(np.linalg.multi_dot)
def _(draw: Draw) -> Call:
    sizes = [draw.number(1, 3) for _ in range(draw.number(2, 5))]
    shapes = list(pairwise(sizes))
    arrays = [draw.array(shape) for shape in shapes]
    if draw.flag(0.3):
        arrays[0] = draw.array((shapes[0][1],))
    if draw.flag(0.3):
        arrays[-1] = draw.array((shapes[-1][0],))
    return call(arrays)


@draws(np.linalg.tensorinv)
def _(draw: Draw) -> Call:
    flat = matrices(draw, 4, 0)
    shape, ind = draw.pick(((2, 2, 2, 2), 2), ((4, 2, 2), 1), ((2, 2, 4), 2), ((4, 4), 0))
    return call(flat.reshape(shape) if flat.size == 16 else flat, ind)


@draws(np.linalg.tensorsolve)
def _(draw: Draw) -> Call:
    a = draw.array((4, 4), -1, 1) + 4 * np.eye(4).astype(draw.dtype)
    shape, b, axes = draw.pick(
        ((2, 2, 4), (2, 2), None), ((4, 2, 2), (4,), None), ((2, 2, 2, 2), (2, 2), (0, 2)),
        ((4, 2, 2), (3,), None),
    )  # fmt: skip
    return call(a.reshape(shape), draw.array(b), **({} if axes is None else {"axes": axes}))


@draws(np.linalg.outer)
def _(draw: Draw) -> Call:
    shapes = [(draw.number(0, 3),) if draw.flag(0.9) else draw.shape() for _ in range(2)]
    return call(*[draw.listed(draw.array(shape)) for shape in shapes])


@draws(np.linalg.matmul)
def _(draw: Draw) -> Call:
    rows, inner, columns = (draw.number(1, 3) for _ in range(3))
    return call(draw.array((rows, inner)), draw.array((2, inner + draw.flag(0.1), columns)))


@draws(np.linalg.diagonal, np.linalg.trace)
def _(draw: Draw) -> Call:
    return call(draw.array(draw.shape(least=draw.pick(1, 2, 2))), offset=draw.number(-2, 2))


@draws(np.linalg.vecdot)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(least=1))
    b = draw.array(a.shape if draw.flag(0.8) else draw.shape())
    return call(a, b, axis=draw.axis(a.ndim))


@draws(np.linalg.cross)
def _(draw: Draw) -> Call:
    shape = (*draw.shape(most=2), 3)
    axis = draw.pick(-1, -1, -1, draw.axis(len(shape)))
    return call(draw.array(shape), draw.array(shape), axis=axis)
