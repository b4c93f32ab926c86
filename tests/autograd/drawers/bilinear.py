"""Products that are sums over pairs of elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.functional.op import Call, call
from tests.autograd.draws import Draw, draws


@draws(np.kron)
def _(draw: Draw) -> Call:
    return call(*[draw.listed(draw.array(draw.shape(most=3))) for _ in range(2)])


@draws(np.tensordot, np.linalg.tensordot)
def _(draw: Draw) -> Call:
    count = draw.number(0, 2)
    middle = draw.shape(count, count)
    a, b = (*draw.shape(most=2), *middle), (*middle, *draw.shape(most=2))
    axes: Any = count
    if draw.flag():
        over_a = list(range(len(a) - count, len(a)))
        axes = (over_a, [k - len(b) if draw.flag(0.3) else k for k in range(count)])
        if count == 1 and draw.flag():
            axes = (-1, 0)
    if draw.flag(0.1):
        axes = draw.pick(3, 5, ([0], [1]), ([7], [0]), ([0, 1], [0]))
    return call(draw.array(a), draw.listed(draw.array(b)), axes=axes)


@draws(np.cross)
def _(draw: Draw) -> Call:
    lead = draw.shape(most=2)
    a, b = (*lead, 3 + draw.flag(0.05)), (*(lead if draw.flag() else ()), 3)
    if draw.flag(0.3):
        return call(draw.array((3, *lead)), draw.array((3, *lead)), axis=0)
    options = {"axisc": draw.axis(len(lead) + 1)} if draw.flag(0.3) else {}
    return call(draw.array(a), draw.listed(draw.array(b)), **options)


@draws(np.vecdot)
def _(draw: Draw) -> Call:
    a = draw.shape(least=1, most=3)
    b = a if draw.flag() else (a[-1] + draw.flag(0.2),)
    options = {"axis": -1} if draw.flag(0.2) else {}
    return call(draw.array(a), draw.listed(draw.array(b)), **options)


if hasattr(np, "matvec"):

    @draws(np.matvec)
    def _(draw: Draw) -> Call:
        a = draw.shape(least=2, most=3)
        b = (*(a[:-2] if draw.flag() else ()), a[-1] + draw.flag(0.1))
        return call(draw.array(a), draw.array(b))

    @draws(np.vecmat)
    def _(draw: Draw) -> Call:
        b = draw.shape(least=2, most=3)
        a = (*(b[:-2] if draw.flag() else ()), b[-2] + draw.flag(0.1))
        return call(draw.array(a), draw.array(b if draw.flag(0.95) else b[:1]))


@draws(np.convolve, np.correlate)
def _(draw: Draw) -> Call:
    sizes = [(draw.number(1, 5),) if draw.flag(0.95) else draw.shape() for _ in range(2)]
    mode = draw.pick("full", "same", "valid", "valid", "same", "odd")
    return call(*[draw.listed(draw.array(size)) for size in sizes], mode)
