"""Rules of NumPy's functions that leave out NaN, or replace it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from neural_network.autograd.rules import reductions as rules
from neural_network.autograd.rules.arguments import as_array, cast
from neural_network.autograd.rules.statistics import (
    between,
    kept_shape,
    median,
    ordered,
    quantile_rule,
)
from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError
from neural_network.functional import elementwise, reductions, shaping
from neural_network.lifting import array_under


def _filled(a: Any, value: float) -> Any:
    """Return a number in place of each NaN, which then has no gradient."""
    missing = np.isnan(array_under(a))
    return elementwise.where(missing, value, a) if missing.any() else a


@rule(np.nansum)
def nansum(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return rules.sum(_filled(as_array(a), 0), axis=axis, keepdims=keepdims)


@rule(np.nanprod)
def nanprod(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return rules.prod(_filled(as_array(a), 1), axis=axis, keepdims=keepdims)


@rule(np.nancumsum)
def nancumsum(a: Any, axis: int | None = None) -> Any:
    return rules.cumsum(_filled(as_array(a), 0), axis=axis)


@rule(np.nancumprod)
def nancumprod(a: Any, axis: int | None = None) -> Any:
    return rules.cumprod(_filled(as_array(a), 1), axis=axis)


def _extreme(
    numpy_function: Callable[..., Any], reduce: Callable[..., Any], fill: float
) -> Callable[..., Any]:
    def extreme(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
        a = as_array(a)
        plain = numpy_function(array_under(a), axis=axis, keepdims=keepdims)  # checks and warns
        out = reduce(_filled(a, fill), axis, keepdims)
        missing = np.isnan(plain)
        return elementwise.where(missing, np.nan, out) if np.any(missing) else out

    return extreme


rule(np.nanmax)(_extreme(np.nanmax, reductions.max, -np.inf))
rule(np.nanmin)(_extreme(np.nanmin, reductions.min, np.inf))


def _counts(a: Any, axis: Any) -> Any:
    """Return how many numbers are not NaN along axes, which stay."""
    present = ~np.isnan(array_under(a))
    return np.sum(present, axis=axis, keepdims=True)


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a type for counts and positions, which float16 would round, or end before."""
    return np.dtype(np.float32) if dtype == np.float16 else dtype


@rule(np.nanmean)
def nanmean(a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    a = as_array(a)
    plain = np.nanmean(array_under(a), axis=axis, keepdims=keepdims)  # checks and warns
    counts = _counts(a, axis).reshape(plain.shape)
    total = reductions.sum(_filled(a, 0), axis, keepdims)
    # A slice of NaN alone has the mean NaN; no warning but NumPy's.
    counts = np.where(counts == 0, np.nan, counts).astype(_wide(plain.dtype))
    return cast(elementwise.divide(total, counts), plain.dtype)


@rule(np.nanvar)
def nanvar(a: Any, axis: Any = None, ddof: Any = 0, keepdims: Any = False) -> Any:
    a = as_array(a)
    if a.dtype.kind != "f":
        return rules.var(a, axis=axis, ddof=ddof, keepdims=keepdims)
    plain = np.nanvar(array_under(a), axis=axis, ddof=ddof, keepdims=keepdims)  # checks and warns
    counts = _counts(a, axis)
    divisors = np.maximum(counts, 1).astype(_wide(plain.dtype))
    mean = elementwise.divide(reductions.sum(_filled(a, 0), axis, True), divisors)
    missing = np.isnan(array_under(a))
    centred = elementwise.where(missing, 0, elementwise.subtract(_filled(a, 0), mean))
    total = reductions.sum(elementwise.square(centred), axis, keepdims)
    degrees = (counts - ddof).reshape(plain.shape)
    degrees = np.where(degrees <= 0, np.nan, degrees).astype(divisors.dtype)
    return cast(elementwise.divide(total, degrees), plain.dtype)


@rule(np.nanstd)
def nanstd(a: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    a = as_array(a)
    if a.dtype.kind != "f":
        return rules.std(a, axis=axis, ddof=ddof, keepdims=keepdims)
    variance = nanvar(a, axis, ddof, keepdims)
    # The slope of a deviation of 0 is 0.
    zero = array_under(variance) == 0
    root = elementwise.sqrt(elementwise.where(zero, 1, variance))
    return elementwise.where(zero, 0, root)


def _nan_quantile(slices: Any, share: Any) -> Any:
    counts = np.sum(~np.isnan(array_under(slices)), axis=-1, keepdims=True)
    last = np.maximum(counts - 1, 0)
    # NaN is at the end; in a slice of NaN alone it is at the position 0, too.
    return between(slices, elementwise.multiply(share, last.astype(share.dtype)), last)


@rule(np.nanmedian)
def nanmedian(
    a: Any,
    axis: Any = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:
    a = as_array(a)
    if a.dtype.kind != "f":
        return median(a, axis, keepdims=keepdims)
    plain = np.nanmedian(array_under(a), axis=axis, keepdims=keepdims)  # checks and warns
    if a.size == 0:
        return reductions.mean(a, axis, keepdims)
    out = _nan_quantile(ordered(a, axis), np.asarray(0.5, _wide(plain.dtype)))
    out = cast(out, plain.dtype)
    return shaping.reshape(out, kept_shape(a, axis)) if keepdims else out


rule(np.nanquantile)(quantile_rule(np.nanquantile, 1.0, _nan_quantile))
rule(np.nanpercentile)(quantile_rule(np.nanpercentile, 100.0, _nan_quantile))


@rule(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if not copy:
        raise DroppedGradientError(
            "numpy.nan_to_num: has no rule for copy=False, which changes the tensor in place"
        )
    x = as_array(x)
    plain = array_under(x)
    if plain.dtype.kind != "f":
        return shaping.index(x, ...)
    limits = np.finfo(plain.dtype)
    out = elementwise.where(np.isnan(plain), nan, x)
    out = elementwise.where(np.isposinf(plain), limits.max if posinf is None else posinf, out)
    out = elementwise.where(np.isneginf(plain), limits.min if neginf is None else neginf, out)
    return cast(out, plain.dtype)
