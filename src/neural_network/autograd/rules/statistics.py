"""Rules of averages, quantiles and covariances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from neural_network.autograd.rules.arguments import as_array, cast, untyped
from neural_network.autograd.rules.shaping import atleast_2d, diagonal, places
from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError
from neural_network.functional import elementwise, products, reductions, shaping
from neural_network.lifting import array_under, is_tensor, joined


@rule(np.ptp)
def ptp(a: Any, axis: Any = None, keepdims: bool = False) -> Any:
    a = as_array(a)
    np.ptp(array_under(a), axis)
    return elementwise.subtract(
        reductions.max(a, axis, keepdims), reductions.min(a, axis, keepdims)
    )


@rule(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    a = as_array(a)
    if weights is None:
        untyped.average(array_under(a), axis, keepdims=keepdims)  # checks
        out = reductions.mean(a, axis, keepdims)
        if not returned:
            return out
        return out, np.full(out.shape, a.size / out.size if out.size else 0.0, out.dtype)
    weights = as_array(weights)
    plain = untyped.average(array_under(a), axis, array_under(weights), keepdims=keepdims)  # checks
    if weights.shape != a.shape:
        axes = normalize_axis_tuple(axis, a.ndim)
        weights = shaping.transpose(weights, [int(i) for i in np.argsort(axes)])
        shape = [n if i in axes else 1 for i, n in enumerate(a.shape)]
        weights = shaping.reshape(weights, shape)
    weights = cast(weights, plain.dtype)
    total = reductions.sum(weights, axis, keepdims)
    weighted = elementwise.multiply(cast(a, plain.dtype), weights)
    out = elementwise.divide(reductions.sum(weighted, axis, keepdims), total)
    if not returned:
        return out
    return out, shaping.broadcast_to(total, out.shape)


# --- quantiles --------------------------------------------------------------------------


def ordered(a: Any, axis: Any) -> Any:
    """Return the numbers of each slice in order along the last axis, NaN at the end."""
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    kept = [i for i in range(a.ndim) if i not in axes]
    shape = [a.shape[i] for i in kept]
    count = int(np.prod([a.shape[i] for i in axes]))
    slices = shaping.reshape(shaping.transpose(a, [*kept, *axes]), (*shape, count))
    order = np.argsort(array_under(slices), axis=-1, kind="stable")
    return places(slices, lambda numbers: np.take_along_axis(numbers, order, -1))


def between(slices: Any, positions: Any, last: Any) -> Any:
    """Return what lies at a position (…, 1) up to the last, also at a fraction, of each slice."""
    plain = np.clip(array_under(positions), 0, last).astype(positions.dtype)
    below = np.floor(plain).astype(np.intp)
    share = elementwise.subtract(positions, below.astype(plain.dtype))

    def at(chosen: Any) -> Any:
        chosen = np.broadcast_to(chosen, (*slices.shape[:-1], 1))
        return places(slices, lambda numbers: np.take_along_axis(numbers, chosen, -1))[..., 0]

    low, high = at(below), at(np.minimum(below + 1, last))
    # As NumPy: from the nearer end, and the low one alone where nothing is between them.
    share = share[..., 0]
    rise = elementwise.subtract(high, low)
    from_low = elementwise.add(low, elementwise.multiply(rise, share))
    rest = elementwise.multiply(rise, elementwise.subtract(1, share))
    return elementwise.where(array_under(share) >= 0.5, elementwise.subtract(high, rest), from_low)


def kept_shape(a: Any, axis: Any) -> tuple[int, ...]:
    """Return the shape of a reduction's result with ``keepdims``."""
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    return tuple(1 if i in axes else n for i, n in enumerate(a.shape))


def _whole(slices: Any, out: Any) -> Any:
    """Return NaN for the slices with a NaN."""
    missing = np.isnan(array_under(slices)[..., -1])
    return elementwise.where(missing, np.nan, out) if missing.any() else out


@rule(np.median)
def median(a: Any, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Any:
    a = as_array(a)
    if a.size == 0:
        np.median(array_under(a), axis, keepdims=keepdims)  # checks and warns
    slices = ordered(a, axis)
    count = slices.shape[-1]
    if count == 0:
        return reductions.mean(a, axis, keepdims)
    middle = slices[..., (count - 1) // 2 : count // 2 + 1]
    out = _whole(slices, reductions.mean(middle, -1))
    return shaping.reshape(out, kept_shape(a, axis)) if keepdims else out


def quantile_rule(
    numpy_function: Callable[..., Any], divisor: float, find: Callable[[Any, Any], Any]
) -> Callable[..., Any]:
    """Return the rule of a function that gives one array for each q.

    Args:
        numpy_function: the function, which checks the arguments and tells the type.
        divisor: 100 for percentiles.
        find: takes the slices in order and a share, and returns their quantile.
    """
    name = numpy_function.__name__

    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: bool = False,
        *,
        weights: Any = None,
    ) -> Any:
        if method != "linear" or weights is not None:
            raise DroppedGradientError(
                f"numpy.{name}: has a rule for method='linear' without weights only"
            )
        a, q = as_array(a), joined(q)
        if name.startswith("nan") and np.ndim(array_under(q)) > 1:
            # NumPy arranges the result in another way than ``np.quantile``.
            raise DroppedGradientError(f"numpy.{name}: q: has a rule for one axis only")
        # Old versions of NumPy count the numbers in float16, which ends at 65504. Only the type of
        # their result is taken; what the rule itself computes below warns as ever.
        wrong: Literal["ignore"] | None = "ignore" if a.dtype == np.float16 else None
        with np.errstate(over=wrong, invalid=wrong):
            plain = numpy_function(array_under(a), array_under(q), axis, keepdims=keepdims)
        slices = ordered(a, axis)
        if a.size == 0:
            raise DroppedGradientError(f"numpy.{name}: has no rule for empty arrays")
        shares = q if is_tensor(q) else np.asarray(q, plain.dtype)
        # Positions have more digits than float16, in which those after 2048 are rounded.
        shares = cast(shares, np.dtype(float)) if shares.dtype == np.float16 else shares
        flat = shaping.reshape(elementwise.divide(shares, divisor), -1)
        found = [find(slices, flat[i]) for i in range(flat.size)]
        if not found:
            return plain
        shape = kept_shape(a, axis) if keepdims else slices.shape[:-1]
        out = shaping.reshape(shaping.stack(found), (*np.shape(array_under(q)), *shape))
        return cast(out, plain.dtype)

    return quantile


def _quantile(slices: Any, share: Any) -> Any:
    positions = elementwise.multiply(share, float(slices.shape[-1] - 1))
    last = slices.shape[-1] - 1
    return _whole(slices, between(slices, shaping.reshape(positions, 1), last))


rule(np.quantile)(quantile_rule(np.quantile, 1.0, _quantile))
rule(np.percentile)(quantile_rule(np.percentile, 100.0, _quantile))


# --- covariances ------------------------------------------------------------------------


@rule(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None
) -> Any:
    m = as_array(m)
    y = None if y is None else as_array(y)
    # NumPy checks, and tells the shape.
    plain = np.cov(array_under(m), array_under(y), rowvar, bias, ddof)
    variables = m.T if m.ndim == 2 and not rowvar else atleast_2d(m)
    if y is not None:
        others = atleast_2d(y)
        others = others.T if not rowvar and others.shape[0] != 1 else others
        variables = shaping.concatenate([variables, others])
    variables = cast(variables, plain.dtype)
    count = variables.shape[1] - ((0 if bias else 1) if ddof is None else ddof)
    centred = elementwise.subtract(variables, reductions.mean(variables, 1, True))
    sums = products.matmul(centred, shaping.transpose(centred))
    with np.errstate(divide="ignore", invalid="ignore"):  # NumPy has warned
        out = elementwise.multiply(sums, np.true_divide(1, max(count, 0)).astype(plain.dtype))
    return shaping.reshape(out, plain.shape)


@rule(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True) -> Any:
    covariances = cov(x, y, rowvar)
    if covariances.ndim == 0:
        return elementwise.divide(covariances, covariances)
    deviations = elementwise.sqrt(diagonal(covariances))
    out = elementwise.divide(covariances, deviations[:, None])
    return elementwise.clip(elementwise.divide(out, deviations[None, :]), -1, 1)
