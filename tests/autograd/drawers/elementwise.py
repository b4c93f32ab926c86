"""Functions of single elements that are no ufuncs."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.functional.op import Call, call
from tests.autograd.draws import Draw, draws


@draws(np.where)
def _(draw: Draw) -> Call:
    condition = draw.rng.random(draw.shape()) < 0.5
    condition = draw.pick(condition, condition.tolist(), draw.array(condition.shape))
    if draw.flag(0.1):
        return call(draw.array(), *[0.5] * draw.number(0, 1))
    choices = [draw.pick(draw.partner(np.shape(condition)), 1, 0.5) for _ in range(2)]
    return call(condition, *[draw.listed(choice) for choice in choices])


@draws(np.clip)
def _(draw: Draw) -> Call:
    a = draw.array()
    bounds = [draw.pick(None, side, draw.listed(draw.partner(a.shape))) for side in (-1.1, 1)]
    if draw.flag(0.3):
        names = draw.pick(("min", "max"), ("a_min", "a_max"), ("min", "a_max"))
        return call(a, **dict(list(zip(names, bounds, strict=True))[: draw.number(0, 2)]))
    return call(a, *bounds)


@draws(np.round, np.around)
def _(draw: Draw) -> Call:
    options: dict[str, Any] = {"decimals": draw.pick(0, 1, 3, -1)} if draw.flag() else {}
    return call(draw.array() + 0.013, **options)


@draws(np.copy)
def _(draw: Draw) -> Call:
    return call(draw.array(), **({"order": draw.pick("K", "C")} if draw.flag(0.2) else {}))


@draws(np.astype)
def _(draw: Draw) -> Call:
    return call(draw.array(), draw.pick("float64", "float32", "float16", "int64", "bool"))


@draws(np.sinc)
def _(draw: Draw) -> Call:
    return call(draw.listed(draw.array()))


@draws(np.fix)
def _(draw: Draw) -> Call:
    return call(draw.listed(draw.array(low=0.1, high=0.9)))
