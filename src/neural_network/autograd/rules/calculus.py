"""Rules of differences, integrals, polynomials and interpolation along a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from neural_network.autograd.rules.arguments import as_array, cast, untyped
from neural_network.autograd.rules.reductions import cumprod, cumsum, diff
from neural_network.autograd.rules.table import rule
from neural_network.errors import DroppedGradientError, ShapeError, sentence
from neural_network.functional import elementwise, reductions, shaping
from neural_network.functional.shaping import gather
from neural_network.lifting import array_under, tensors_in

# --- differences and integrals --------------------------------------------------------


@rule(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    ary = shaping.reshape(as_array(ary), -1)
    parts = [part if part is None else as_array(part) for part in (to_begin, to_end)]
    np.ediff1d(array_under(ary)[:0], *[array_under(part) for part in parts[::-1]])
    before, after = (
        [] if part is None else [shaping.reshape(part, -1).astype(ary.dtype)] for part in parts
    )
    between = diff(ary) if ary.size else ary
    return shaping.concatenate([*before, between, *after])


@rule(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    if tensors_in(varargs) and any(t.requires_grad for t in tensors_in(varargs)):
        raise DroppedGradientError(
            "numpy.gradient: has no rule for distances that require a gradient; divide "
            "differences by them"
        )
    f, varargs = as_array(f), array_under(list(varargs))
    plain = untyped.gradient(array_under(f), *varargs, axis=axis, edge_order=edge_order)
    axes = range(f.ndim) if axis is None else normalize_axis_tuple(axis, f.ndim)
    spacings = list(varargs) * (len(axes) if len(varargs) == 1 else 1) or [1.0] * len(axes)
    parts = [
        _slopes(f, spacing, along, edge_order)
        for spacing, along in zip(spacings, axes, strict=True)
    ]
    return type(plain)(parts) if isinstance(plain, list | tuple) else parts[0]


def _slopes(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """Return the differences along an axis: each the sum of three neighbours with weights.

    The weights are what NumPy makes of an array that is 1 at every third place: among three
    neighbours there is one of these.
    """
    size = f.shape[axis]
    first = np.clip(np.arange(size) - 1, 0, max(size - 3, 0))
    shape = [size if i == axis else 1 for i in range(f.ndim)]
    dtype = untyped.gradient(np.zeros(size, f.dtype), edge_order=edge_order).dtype
    total: Any = None
    for third in range(3):
        comb = (np.arange(size) % 3 == third).astype(np.float64)
        weights = untyped.gradient(comb, spacing, edge_order=edge_order).astype(dtype)
        places = np.minimum(first + (third - first) % 3, size - 1)
        weights = weights.reshape(shape)
        part = elementwise.multiply(gather(f, places, axis), weights)
        part = elementwise.where(weights == 0, 0, part)  # also where the neighbour is infinite
        total = part if total is None else elementwise.add(total, part)
    return total


@rule(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = as_array(y)
    axis = normalize_axis_index(axis, y.ndim)
    widths = dx
    if x is not None:
        x = as_array(x)
        widths = diff(x, axis=0 if x.ndim == 1 else axis)
        if x.ndim == 1:
            widths = shaping.reshape(widths, [-1 if i == axis else 1 for i in range(y.ndim)])
    lead = (slice(None),) * axis
    later, earlier = y[(*lead, slice(1, None))], y[(*lead, slice(None, -1))]
    areas = elementwise.divide(elementwise.multiply(widths, elementwise.add(later, earlier)), 2.0)
    return reductions.sum(areas, axis)


@rule(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    p = as_array(p)
    plain = array_under(p)
    # What is added changes in steps.
    return elementwise.add(p, np.unwrap(plain, discont, axis, period=period) - plain)


def _cumulative(
    running: Callable[..., Any], x: Any, axis: int | None, dtype: Any, first: float | None
) -> Any:
    """Return running sums or products; ``first`` stands before them."""
    x = as_array(x)
    if x.ndim > 1 and axis is None:
        raise ShapeError(sentence("cumulative_sum", "axis", "an axis", f"none for shape {x.shape}"))
    x = shaping.reshape(x, 1) if x.ndim == 0 else x
    axis = normalize_axis_index(0 if axis is None else axis, x.ndim)
    out = running(x, axis=axis, dtype=dtype)
    if first is None:
        return out
    edge = [1 if i == axis else n for i, n in enumerate(x.shape)]
    return shaping.concatenate([np.full(edge, first, out.dtype), out], axis)


@rule(np.cumulative_sum)
def cumulative_sum(
    x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    return _cumulative(cumsum, x, axis, dtype, 0 if include_initial else None)


@rule(np.cumulative_prod)
def cumulative_prod(
    x: Any, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> Any:
    return _cumulative(cumprod, x, axis, dtype, 1 if include_initial else None)


# --- polynomials ------------------------------------------------------------------------


@rule(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    p, x = as_array(p), as_array(x)
    if isinstance(x, np.poly1d):
        raise DroppedGradientError("numpy.polyval: has no rule for poly1d; pass an array")
    total: Any = elementwise.flat(x, np.zeros_like)
    for i in range(len(p)):
        total = elementwise.add(elementwise.multiply(total, x), p[i])
    return total


@rule(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    x = as_array(x)
    plain = np.vander(array_under(x), 1 if N is None else min(N, 1))
    count = len(x) if N is None else N
    x = cast(x, plain.dtype)
    if count < 1:
        return x[:, None][:, :0]
    powers = [elementwise.flat(x, np.ones_like)]
    for _ in range(count - 1):
        powers.append(elementwise.multiply(powers[-1], x))
    return shaping.stack(powers if increasing else powers[::-1], 1)


# --- interpolation ------------------------------------------------------------------------


@rule(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    x, xp, fp = (as_array(part) for part in (x, xp, fp))
    if np.iscomplexobj(array_under(fp)):
        raise DroppedGradientError("numpy.interp: has no rule for complex numbers")
    if tensors_in([period]):
        raise DroppedGradientError("numpy.interp: has no rule for a tensor as the period")
    np.interp(np.zeros(0), array_under(xp), array_under(fp), period=period)  # checks them
    x, xp, fp = (cast(part, np.dtype(np.float64)) for part in (x, xp, fp))
    if period is not None:
        left = right = None
        x, xp, fp = _periodic(x, xp, fp, abs(period))
    places, ends = array_under(x), array_under(xp)
    count = len(ends)
    left = fp[0] if left is None else left
    right = fp[-1] if right is None else right
    if count == 1:
        inside: Any = fp[0]
    else:
        before = np.clip(np.searchsorted(ends, places, side="right") - 1, 0, count - 2)
        held = (places >= ends[0]) & (places < ends[-1])
        before = np.where(held, before, 0)
        # Outside, also at infinity, the slopes below are 0.
        within = elementwise.where(held, x, ends[0])
        width = elementwise.subtract(xp[before + 1], xp[before])
        # Equal places have no width; they are not between two others.
        width = elementwise.where(array_under(width) == 0, 1.0, width)
        rise = elementwise.divide(elementwise.subtract(fp[before + 1], fp[before]), width)
        inside = elementwise.add(
            elementwise.multiply(rise, elementwise.subtract(within, xp[before])), fp[before]
        )
        inside = elementwise.where(places == ends[-1], fp[-1], inside)
        inside = elementwise.where(np.isnan(places), np.nan, inside)
    out = elementwise.where(places < ends[0], left, inside)
    return elementwise.where(places > ends[-1], right, out)


def _periodic(x: Any, xp: Any, fp: Any, period: float) -> tuple[Any, Any, Any]:
    """Return the arguments with all places inside one period, and one before and after it."""

    def inside(value: Any) -> Any:
        plain = array_under(value)
        return elementwise.add(value, plain % period - plain)

    x, xp = inside(x), inside(xp)
    order = np.argsort(array_under(xp))
    xp, fp = xp[order], fp[order]
    before = elementwise.subtract(xp[-1:], period)
    after = elementwise.add(xp[:1], period)
    return x, shaping.concatenate([before, xp, after]), shaping.concatenate([fp[-1:], fp, fp[:1]])


@rule(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    plain = np.linspace(array_under(start), array_under(stop), num, endpoint, axis=axis)
    if dtype is not None and np.dtype(dtype) != plain.dtype:
        raise DroppedGradientError("numpy.linspace: has no rule for another dtype; use astype")
    start, stop = (cast(as_array(end), plain.dtype) for end in (start, stop))
    steps = num - 1 if endpoint else num
    across = elementwise.subtract(stop, start)
    shares = np.arange(num, dtype=np.float64) / max(steps, 1)
    shares = shares.reshape(-1, *[1] * len(across.shape)).astype(plain.dtype)
    out = elementwise.add(elementwise.multiply(shares, across), start)
    if endpoint and num > 1:
        out = shaping.concatenate([out[:-1], shaping.broadcast_to(stop, out.shape[1:])[None]])
    if axis != 0:
        order = list(range(1, out.ndim))
        order.insert(normalize_axis_index(axis, out.ndim), 0)
        out = shaping.transpose(out, order)
    if not retstep:
        return out
    step = elementwise.divide(across, steps) if steps > 0 else np.nan
    return out, step
