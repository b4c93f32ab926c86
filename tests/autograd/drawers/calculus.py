"""Differences, integrals, polynomials and interpolation along a line."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.functional.op import Call, call
from tests.autograd.draws import Draw, draws


@draws(np.ediff1d)
def _(draw: Draw) -> Call:
    ends: dict[str, Any] = {}
    for name in ("to_end", "to_begin"):
        if draw.flag(0.3):
            ends[name] = draw.pick(1, draw.array(draw.shape(most=1)))
    return call(draw.array(), **ends)


@draws(np.gradient)
def _(draw: Draw) -> Call:
    f = draw.array(tuple(n + 1 for n in draw.shape(1, 3)))
    order = {"edge_order": draw.pick(1, 2, 2, 3)} if draw.flag(0.4) else {}
    if draw.flag(0.3):
        return call(f, draw.pick(1, 2, 3), **order)
    if draw.flag(0.4):
        axis = draw.axis(f.ndim)
        if -f.ndim <= axis < f.ndim:
            places = np.cumsum(draw.rng.uniform(0.5, 2, f.shape[axis])).tolist()
            return call(f, places, axis=axis, **order)
    return call(f, axis=draw.axes(f.ndim), **order)


@draws(np.trapezoid)
def _(draw: Draw) -> Call:
    y = draw.array(draw.shape(least=draw.pick(0, 1, 1, 1)))
    axis = draw.axis(y.ndim)
    if draw.flag(0.4) or not -y.ndim <= axis < y.ndim:
        return call(y, dx=draw.pick(1, 0.5), axis=axis)
    return call(y, draw.array(draw.pick(y.shape, (y.shape[axis],))), axis=axis)


@draws(np.unwrap)
def _(draw: Draw) -> Call:
    p = draw.array(draw.shape(least=1), -9, 9)
    return call(p, axis=draw.axis(p.ndim), **draw.pick({}, {}, {"period": 5}, {"discont": 4}))


@draws(np.polyval)
def _(draw: Draw) -> Call:
    return call(draw.listed(draw.array((draw.number(0, 4),))), draw.array(draw.shape(most=2)))


@draws(np.vander)
def _(draw: Draw) -> Call:
    x = draw.array((draw.number(0, 4),) if draw.flag(0.9) else draw.shape())
    return call(x, draw.pick(None, 0, 1, 2, 3, 5), increasing=draw.flag())


@draws(np.interp)
def _(draw: Draw) -> Call:
    count = draw.number(1, 5)
    xp = np.cumsum(draw.rng.uniform(0.5, 1.5, count)) - 2
    options: dict[str, Any] = {"period": draw.pick(3, 2.5)} if draw.flag(0.3) else {}
    if draw.flag(0.3):
        options |= {"left": draw.pick(1, -0.5), "right": 2}
    x = draw.array(draw.shape(most=2), -3, 4)
    fp = draw.array((count + draw.flag(0.1),))
    return call(x, xp if draw.flag() else xp.tolist(), draw.listed(fp), **options)


@draws(np.linspace)
def _(draw: Draw) -> Call:
    start = draw.array(draw.shape(most=2))
    stop = draw.pick(2.5, draw.partner(start.shape))
    return call(
        start, stop, draw.pick(0, 1, 2, 5, -1), endpoint=draw.flag(), retstep=draw.flag(0.3),
        axis=draw.pick(0, 0, draw.axis(start.ndim + 1)),
    )  # fmt: skip


@draws(np.cumulative_sum, np.cumulative_prod)
def _(draw: Draw) -> Call:
    x = draw.array()
    options = {"dtype": "float32"} if draw.flag(0.1) else {}
    axis = draw.pick(None, draw.axis(x.ndim))
    return call(x, axis=axis, include_initial=draw.flag(), **options)
