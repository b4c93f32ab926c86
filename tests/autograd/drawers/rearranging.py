"""More functions that turn, cut, join and choose."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.functional.op import Call, call
from tests.autograd.draws import Draw, draws


@draws(np.rollaxis)
def _(draw: Draw) -> Call:
    a = draw.array()
    return call(a, draw.axis(a.ndim), draw.pick(0, draw.axis(a.ndim + 1)))


@draws(
    np.fliplr, np.flipud, np.real, np.real_if_close, np.atleast_1d, np.atleast_3d, np.diagflat,
)  # fmt: skip
def _(draw: Draw) -> Call:
    return call(draw.array())


@draws(np.rot90)
def _(draw: Draw) -> Call:
    m = draw.array(draw.shape(least=draw.pick(0, 2, 2, 2)))
    axes = draw.pick((0, 1), (1, 0), (-1, 0), (draw.axis(m.ndim), draw.axis(m.ndim)))
    return call(m, draw.number(-5, 5), axes)


@draws(np.tril, np.triu)
def _(draw: Draw) -> Call:
    return call(draw.array(), draw.number(-2, 2))


@draws(np.resize)
def _(draw: Draw) -> Call:
    return call(draw.array(), draw.pick(5, (2, 3), (0,), (), (2, -1), draw.shape()))


@draws(np.broadcast_arrays)
def _(draw: Draw) -> Call:
    a = draw.array()
    return call(a, *[draw.listed(draw.partner(a.shape)) for _ in range(draw.number(0, 2))])


@draws(np.meshgrid)
def _(draw: Draw) -> Call:
    arrays = [draw.listed(draw.array(draw.shape(most=1))) for _ in range(draw.number(1, 3))]
    options = {"indexing": draw.pick("xy", "ij", "x")} if draw.flag() else {}
    return call(*arrays, sparse=draw.flag(), **options)


@draws(np.array_split)
def _(draw: Draw) -> Call:
    a = draw.array()
    return call(a, draw.pick(1, 2, 3, 0, [1], [2, 1], [0, 3, 9]), draw.axis(a.ndim))


@draws(np.hsplit, np.vsplit, np.dsplit)
def _(draw: Draw) -> Call:
    shape = tuple(draw.pick(2, 4) if draw.flag(0.9) else n for n in draw.shape(draw.pick(0, 3, 3)))
    return call(draw.array(shape), draw.pick(1, 2, 3, [1], [2, 1], [0, 3, 9]))


@draws(np.unstack)
def _(draw: Draw) -> Call:
    x = draw.array()
    return call(x, axis=draw.axis(x.ndim))


@draws(np.dstack, np.column_stack)
def _(draw: Draw) -> Call:
    shape = draw.shape(most=3)
    arrays = [draw.array(shape if draw.flag(0.95) else draw.shape()) for _ in range(3)]
    return call([draw.listed(a) for a in arrays[: draw.number(1, 3)]])


@draws(np.append)
def _(draw: Draw) -> Call:
    a = draw.array()
    axis = draw.pick(None, draw.axis(a.ndim))
    return call(a, draw.listed(draw.array(a.shape if draw.flag(0.8) else draw.shape())), axis)


@draws(np.block)
def _(draw: Draw) -> Call:
    rows, columns = draw.number(1, 3), draw.number(1, 3)
    a, b = draw.array((rows, columns)), draw.array((rows, 2))
    below = draw.array((2, columns + 2))
    nested: Any = draw.pick(
        [[a, b], [below]], [a, b], [[a], [a]], a, [a[0], b[0], 3.0], [[a, b], [a]], [a, [b]], [],
        [[1.5, 2.0], [a[0, 0], b[0, 0]]],
    )  # fmt: skip
    return call(nested)


@draws(np.insert)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(least=draw.pick(0, 1, 1)))
    axis = draw.pick(None, draw.axis(a.ndim))
    places = draw.pick(0, 1, -1, [0, 1], [1, 1, 0], slice(0, 2), 7)
    values = draw.pick(2.5, draw.array(()), draw.array((2,)), draw.array((3,)))
    if axis is not None and draw.flag() and -a.ndim <= axis < a.ndim and a.ndim:
        values = draw.array(a.take(0, axis).shape if a.shape[axis] else ())
    return call(a, places, draw.listed(values), axis)


@draws(np.delete)
def _(draw: Draw) -> Call:
    a = draw.array()
    axis = draw.pick(None, draw.axis(a.ndim))
    return call(a, draw.pick(0, -1, [0, 1], slice(0, 2), 7, []), axis)


@draws(np.select)
def _(draw: Draw) -> Call:
    a = draw.array()
    count = draw.number(1, 3)
    conditions = [draw.rng.random(a.shape) < 0.5 for _ in range(count)]
    choices = [draw.pick(draw.partner(a.shape), 1.5, a) for _ in range(count + draw.flag(0.05))]
    return call(conditions, choices, **draw.pick({}, {"default": 2.0}, {"default": a}))


@draws(np.choose)
def _(draw: Draw) -> Call:
    chosen = draw.rng.integers(0, 3 + draw.flag(0.2), draw.shape(most=2))
    choices = [draw.pick(draw.partner(chosen.shape), 1.5) for _ in range(3)]
    return call(chosen, choices, **draw.pick({}, {"mode": "wrap"}, {"mode": "clip"}))


@draws(np.take_along_axis)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(least=1))
    axis = draw.axis(a.ndim)
    shape = list(a.shape)
    if -a.ndim <= axis < a.ndim:
        shape[axis] = draw.number(1, 3)
    return call(a, draw.rng.integers(-1, 2, shape), axis=axis)


@draws(np.extract)
def _(draw: Draw) -> Call:
    a = draw.array()
    return call(draw.listed(draw.rng.random(a.shape) < 0.5), a)


@draws(np.partition)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(least=1))
    # Of more than two numbers NumPy does not say how the others are arranged.
    a = a[tuple(slice(0, 2) for _ in a.shape)]
    axis = draw.axis(a.ndim)
    return call(a, draw.pick(0, 1, -1, [0, 1], 5), axis)


@draws(np.bincount)
def _(draw: Draw) -> Call:
    places = draw.rng.integers(0, 4, draw.number(0, 5))
    weights = draw.array((places.size + draw.flag(0.1),))
    return call(places, **draw.pick({}, {"weights": weights}, {"weights": weights, "minlength": 6}))
