"""Averages, quantiles, covariances, and functions that leave out NaN."""

from __future__ import annotations

from typing import Any

import numpy as np

from neural_network.functional.op import Call, call
from tests.autograd.draws import Draw, draws


def with_nan(draw: Draw) -> np.ndarray:
    """Numbers, of which some are NaN where their type has it."""
    a = draw.array()
    if a.dtype.kind != "f" or draw.flag(0.2):
        return a
    return np.where(draw.rng.random(a.shape) < draw.pick(0.1, 0.6), np.nan, a).astype(a.dtype)


@draws(np.ptp)
def _(draw: Draw) -> Call:
    a = draw.array()
    return call(a, axis=draw.axes(a.ndim), keepdims=draw.flag())


@draws(np.average)
def _(draw: Draw) -> Call:
    a = draw.array()
    axis = draw.axes(a.ndim)
    options: dict[str, Any] = {"returned": draw.flag(0.3), "keepdims": draw.flag()}
    if draw.flag(0.7):
        shape = a.shape
        if isinstance(axis, int) and -a.ndim <= axis < a.ndim and draw.flag():
            shape = (a.shape[axis],)
        options["weights"] = draw.listed(draw.array(shape, 0.5, 2))
    return call(a, axis, **options)


@draws(np.median)
def _(draw: Draw) -> Call:
    a = with_nan(draw)
    return call(a, axis=draw.axes(a.ndim), keepdims=draw.flag())


@draws(np.nanmedian, np.nanmean, np.nansum, np.nanprod, np.nanmax, np.nanmin)
def _(draw: Draw) -> Call:
    a = with_nan(draw)
    return call(a, axis=draw.axes(a.ndim), keepdims=draw.flag())


@draws(np.nanvar, np.nanstd)
def _(draw: Draw) -> Call:
    a = with_nan(draw)
    return call(a, axis=draw.axes(a.ndim), ddof=draw.pick(0, 0, 1, 2), keepdims=draw.flag())


@draws(np.nancumsum, np.nancumprod)
def _(draw: Draw) -> Call:
    a = with_nan(draw)
    return call(a, axis=draw.pick(None, draw.axis(a.ndim)))


@draws(np.nan_to_num)
def _(draw: Draw) -> Call:
    a = with_nan(draw)
    if a.dtype.kind == "f":
        endless = np.where(draw.rng.random(a.shape) < 0.2, draw.pick(-np.inf, np.inf), a)
        limits: dict[str, Any] = {"posinf": 5.0, "neginf": -3}  # else numbers that overflow
        return call(endless.astype(a.dtype), **draw.pick({}, {"nan": 2.0}), **limits)
    return call(a, **draw.pick({}, {"nan": 2.0}, {"copy": False}))


@draws(np.quantile, np.nanquantile)
def _(draw: Draw) -> Call:
    return quantiles(draw, 1)


@draws(np.percentile, np.nanpercentile)
def _(draw: Draw) -> Call:
    return quantiles(draw, 100)


def quantiles(draw: Draw, whole: int) -> Call:
    a = with_nan(draw)
    shares = np.array([0.307, 0.713, 0.019, 0.977, 0.523])[: draw.number(0, 5)] * whole
    q = draw.pick(0.37 * whole, 0.527 * whole, shares, shares.tolist(), shares[:4].reshape(-1, 1))
    q = 1.3 * whole if draw.flag(0.1) else q
    options = {"method": draw.pick("linear", "lower")} if draw.flag(0.2) else {}
    return call(a, q, axis=draw.axes(a.ndim), keepdims=draw.flag(), **options)


@draws(np.cov)
def _(draw: Draw) -> Call:
    shape = draw.shape(most=3)
    options: dict[str, Any] = {"rowvar": draw.flag(), "bias": draw.flag()}
    if draw.flag(0.3):
        options["ddof"] = draw.pick(0, 1, 2, 0.5)
    if draw.flag(0.4):
        options["y"] = draw.listed(draw.array(shape))
    return call(draw.array(shape), **options)


@draws(np.corrcoef)
def _(draw: Draw) -> Call:
    shape = draw.pick((), (3,), (2, 3), (3, 4), (2, 4), (2, 2, 2))
    options = {"y": draw.array(shape)} if draw.flag(0.4) else {}
    return call(draw.array(shape), **options, rowvar=draw.flag())
