"""Sums, products, extremes and other functions along axes."""

from __future__ import annotations

import numpy as np

from neural_network.functional.op import Call, call
from tests.autograd.draws import Draw, draws


def numbers(draw: Draw) -> np.ndarray:
    a = draw.array()
    return draw.with_zeros(a) if draw.flag(0.2) else a


@draws(np.sum, np.prod, np.mean)
def _(draw: Draw) -> Call:
    a = numbers(draw)
    options = {"dtype": draw.pick("float64", "float32", None)} if draw.flag(0.15) else {}
    return call(a, axis=draw.axes(a.ndim), keepdims=draw.flag(), **options)


@draws(np.max, np.min, np.amax, np.amin)
def _(draw: Draw) -> Call:
    a = draw.array()
    return call(a, axis=draw.axes(a.ndim), keepdims=draw.flag())


@draws(np.var, np.std)
def _(draw: Draw) -> Call:
    a = draw.array()
    options = {"dtype": "float64"} if draw.flag(0.1) else {}
    ddof = draw.pick(0, 0, 1, 0.5, 3)
    return call(a, axis=draw.axes(a.ndim), ddof=ddof, keepdims=draw.flag(), **options)


@draws(np.cumsum, np.cumprod)
def _(draw: Draw) -> Call:
    a = numbers(draw)
    options = {"dtype": draw.pick("float64", "float32", "int64")} if draw.flag(0.15) else {}
    return call(a, axis=draw.pick(None, *[draw.axis(a.ndim)] * 3), **options)


@draws(np.diff)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(least=draw.pick(0, 1, 1)))
    axis = draw.axis(a.ndim)
    options = {}
    for end in ("prepend", "append"):
        if draw.flag(0.3) and -a.ndim <= axis < a.ndim:
            shape = list(a.shape)
            shape[axis] = draw.number(0, 2)
            ends = [
                draw.array(tuple(shape)),
                draw.array(tuple(shape)).tolist(),
                0.5,
                draw.array(()),
            ]
            options[end] = draw.pick(*ends)
    return call(a, n=draw.pick(0, 1, 1, 1, 2, 3, -1), axis=axis, **options)


@draws(np.linalg.norm)
def _(draw: Draw) -> Call:
    a = draw.array(draw.shape(least=1, most=3))
    return call(a, axis=draw.axes(a.ndim), keepdims=draw.flag())
