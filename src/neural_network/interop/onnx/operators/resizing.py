"""Resizing: each output reads the input at a position of its own, axis by axis."""

from __future__ import annotations

from math import floor
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from neural_network.checks import Array
from neural_network.errors import ArgumentError, ShapeError, brief, sentence
from neural_network.functional.interpolation import interpolate, read_between
from neural_network.functional.shaping import gather
from neural_network.interop.onnx.limits import affordable
from neural_network.interop.onnx.table import exported, operator
from neural_network.interop.onnx.types import integers, is_floating
from neural_network.lifting import array_under

# How far a position lies from the number that is read, rounded as ``nearest_mode`` says.
NEAREST: dict[str, Any] = {
    "round_prefer_floor": lambda read: np.ceil(read - 0.5),
    "round_prefer_ceil": lambda read: np.floor(read + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}
POLICIES: dict[str, Any] = {"stretch": None, "not_larger": min, "not_smaller": max}


@operator("Resize", fixed=("roi", "scales"))
def resize(
    X: Any,
    roi: Any = None,
    scales: Any = None,
    sizes: Any = None,
    *,
    antialias: int = 0,
    axes: Any = None,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    mode: str = "nearest",
    nearest_mode: str = "round_prefer_floor",
    opset: int,
) -> Any:
    """Resize along some axes."""
    if opset < 11:  # Resize-10 is called with X and scales, and has asymmetric positions
        scales, roi = (roi if scales is None else scales), None
        coordinate_transformation_mode, nearest_mode = "asymmetric", "floor"
    _check_words(mode, nearest_mode, keep_aspect_ratio_policy)
    along = (
        list(range(X.ndim))
        if axes is None
        else [normalize_axis_index(axis, X.ndim) for axis in axes]
    )
    outputs, factors = _sizes(X.shape, along, scales, sizes, keep_aspect_ratio_policy)
    final = list(X.shape)
    for axis, size in zip(along, outputs, strict=True):
        final[axis] = size
    affordable("Resize", final, X.dtype.itemsize)
    crops = None if roi is None else np.ravel(array_under(roi)).astype(np.float64)
    crops = crops if coordinate_transformation_mode == "tf_crop_and_resize" else None
    out = X if is_floating(X) or mode == "nearest" else X.astype(np.float64)
    for place, (axis, size, factor) in enumerate(zip(along, outputs, factors, strict=True)):
        n = X.shape[axis]
        crop = (0.0, 1.0) if crops is None else (crops[place], crops[place + len(along)])
        # In float32, where 4 / 1.3333334 is 3: the nearest number jumps where a position rounds.
        precision = np.float32 if mode == "nearest" else np.float64
        read = positions(coordinate_transformation_mode, n, size, precision(factor), crop)
        if size == n and np.array_equal(read, np.arange(n)):
            continue
        longer = (*out.shape[:axis], size, *out.shape[axis + 1 :])
        affordable("Resize", longer, out.dtype.itemsize)
        if mode == "nearest":
            whole = np.clip(NEAREST[nearest_mode](read), 0, n - 1).astype(np.intp)
            out = gather(out, whole, axis)
        elif mode == "linear" and not antialias and not exclude_outside:
            out = read_between(out, axis, np.clip(read, 0, n - 1).astype(out.dtype))
        else:
            taps = _cubic(cubic_coeff_a) if mode == "cubic" else _linear
            weights = _weights(taps, read, n, factor if antialias else 1.0, bool(exclude_outside))
            out = np.moveaxis(
                np.matmul(np.moveaxis(out, axis, -1), weights.T.astype(out.dtype)), -1, axis
            )
        if crops is not None:
            shape = [1] * X.ndim
            shape[axis] = size
            outside = ((read < 0) | (read > n - 1)).reshape(shape)
            out = np.where(outside, np.asarray(extrapolation_value, out.dtype), out)
    return out if out.dtype == X.dtype else _as_whole(out, X.dtype)


@operator("Upsample", fixed=("scales",))
def upsample(X: Any, scales: Any = None, *, mode: str = "nearest") -> Any:
    """``Resize`` of versions 7 to 9, with asymmetric positions."""
    return resize(X, np.asarray(array_under(scales)), mode=mode, opset=10)


def _check_words(mode: str, nearest_mode: str, policy: str) -> None:
    for name, word, words in (
        ("mode", mode, ("nearest", "linear", "cubic")),
        ("nearest_mode", nearest_mode, tuple(NEAREST)),
        ("keep_aspect_ratio_policy", policy, tuple(POLICIES)),
    ):
        if word not in words:
            raise ArgumentError(sentence("Resize", name, f"one of {words}", brief(word)))


def _sizes(
    shape: tuple[int, ...], along: list[int], scales: Any, sizes: Any, policy: str
) -> tuple[list[int], list[float]]:
    """Return the size and the factor of each axis."""
    given = [value for value in (scales, sizes) if value is not None and array_under(value).size]
    if len(given) != 1 or array_under(given[0]).size != len(along):
        expected = f"{len(along)} scales or sizes"
        raise ShapeError(sentence("Resize", "scales, sizes", expected, "another number of them"))
    if sizes is None or not array_under(sizes).size:
        exact = np.ravel(array_under(scales)).astype(np.float32)
        factors = [float(factor) for factor in exact]
        if not all(np.isfinite(factor) and factor > 0 for factor in factors):
            raise ArgumentError(sentence("Resize", "scales", "numbers above 0", factors))
        # In float32, as ONNX infers shapes: 3 · 1.6666666 is 5.
        return [floor(np.float32(shape[a]) * f) for a, f in zip(along, exact, strict=True)], factors
    outputs = integers(sizes)
    if min(outputs) < 0:
        raise ArgumentError(sentence("Resize", "sizes", "numbers from 0 up", outputs))
    factors = [size / max(shape[a], 1) for a, size in zip(along, outputs, strict=True)]
    choose: Any = POLICIES[policy]
    if choose is not None:
        factors = [choose(factors)] * len(factors)
        outputs = [int(shape[a] * f + 0.5) for a, f in zip(along, factors, strict=True)]
    return outputs, factors


def positions(mode: str, n: int, m: int, factor: Any, crop: tuple[float, float]) -> Any:
    """Return where in an axis of n numbers each of m outputs reads.

    Args:
        mode: ONNX's word for the rule.
        n, m: sizes.
        factor: the scale, which m is the rounded result of; in its type all is computed.
        crop: the part of the axis that is read, as shares of it.
    """
    i = np.arange(m, dtype=factor.dtype)
    if mode == "asymmetric":
        return i / factor
    if mode == "align_corners":
        # With a scale the exact, not the rounded, length counts.
        length = n * factor
        return i * (n - 1) / (length - 1) if length > 1 else np.zeros(m)
    if mode == "tf_crop_and_resize":
        start, end = crop
        if m > 1:
            return start * (n - 1) + i * (end - start) * (n - 1) / (m - 1)
        return np.full(m, 0.5 * (start + end) * (n - 1))
    if mode == "pytorch_half_pixel" and m <= 1:
        return np.full(m, -0.5)
    if mode == "tf_half_pixel_for_nn":
        return (i + 0.5) / factor
    if mode in ("half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"):
        shift = 0.0
        if mode == "half_pixel_symmetric":
            # What rounding the length has lost is lost at both ends.
            shift = n / 2 * (1 - m / (factor * n))
        return shift + (i + 0.5) / factor - 0.5
    expected = "one of ONNX's rules, such as half_pixel"
    raise ArgumentError(sentence("Resize", "coordinate_transformation_mode", expected, brief(mode)))


def _linear(distance: Array) -> Any:
    return np.clip(1 - np.abs(distance), 0, None)


def _cubic(a: float) -> Any:
    def taps(distance: Array) -> Array:
        x = np.abs(distance)
        near = (a + 2) * x**3 - (a + 3) * x**2 + 1
        far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
        return np.where(x <= 1, near, np.where(x < 2, far, 0))

    return taps


def _weights(taps: Any, read: Array, n: int, factor: float, exclude_outside: bool) -> Any:
    """Return (m, n): how much of each input is in each output.

    Args:
        taps: weight of a number at a distance.
        read: positions.
        n: how many inputs.
        factor: below 1 the window is as much wider, so that all inputs count.
        exclude_outside: whether numbers beyond the ends weigh nothing; else the first and last
            stand for them.
    """
    narrow = min(factor, 1.0)
    reach = int(np.ceil(2 / narrow)) + 1
    affordable("Resize", (len(read), n + 2 * reach), 64)  # with what it is made of
    places = np.arange(-reach, n + reach)
    weights = taps((places - read[:, None]) * narrow)
    inner = weights[:, reach : reach + n].copy()
    if exclude_outside:
        weights = inner
    elif n:
        inner[:, 0] += weights[:, :reach].sum(axis=1)
        inner[:, -1] += weights[:, reach + n :].sum(axis=1)
    total = weights.sum(axis=1, keepdims=True)
    return inner / np.where(total == 0, 1, total)


def _as_whole(X: Any, dtype: np.dtype[Any]) -> Any:
    """Return numbers in a type of whole numbers: cut to its limits, the fraction cut off."""
    if dtype.kind == "f":
        return X.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(X, limits.min, limits.max).astype(dtype)


# --- export ----------------------------------------------------------------------------


@exported("Resize", interpolate)
def _interpolate(
    function: Any,
    graph: Any,
    X: str,
    size: Any = None,
    scale: Any = None,
    mode: str = "nearest",
    align_corners: bool = False,
) -> Any:
    """Write Resize; where it would read other numbers than the nearest, their indices."""
    sizes, dtype = graph.shape(X)[2:], graph.samples[X].dtype
    axes = list(range(2, len(sizes) + 2))
    options = {"size": size, "scale": scale, "mode": mode, "align_corners": align_corners}
    outputs = np.shape(function(np.zeros((1, 1, *sizes)), **options))[2:]
    by_sizes = ["", "", graph.constant(np.array(outputs, np.int64))]
    if mode == "nearest":
        read = _read_by_nearest(function, sizes, dtype, size, scale)
        for n, own in zip(sizes, read, strict=True):
            theirs = positions("asymmetric", n, len(own), np.float32(len(own) / n), (0.0, 1.0))
            if not np.array_equal(np.minimum(np.floor(theirs), n - 1), own):
                for axis, indices in zip(axes, read, strict=True):
                    X = graph.node("Gather", [X, graph.constant(indices)], axis=axis)
                return X
        rule: dict[str, Any] = {
            "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor",
        }  # fmt: skip
        return graph.node("Resize", [X, *by_sizes], axes=axes, mode="nearest", **rule)
    rule = {"coordinate_transformation_mode": "align_corners" if align_corners else "half_pixel"}
    if scale is not None and not align_corners:
        each = np.broadcast_to(np.asarray(scale, np.float64), len(sizes))
        # A scale that is rounded away leaves the axis as it is.
        factors = np.where(np.equal(outputs, sizes), 1, each)
        if np.any(factors * sizes != outputs):  # the scale counts, not the rounded size
            exact = factors.astype(np.float32)
            if not np.array_equal(np.floor(exact * np.float32(sizes)), outputs):
                expected = f"one that has the same size in float32; size={outputs} has it"
                raise ArgumentError(sentence("interpolate", "scale", expected, brief(scale)))
            return graph.node(
                "Resize", [X, "", graph.constant(exact)], axes=axes, mode="linear", **rule
            )
    return graph.node("Resize", [X, *by_sizes], axes=axes, mode="linear", **rule)


def _read_by_nearest(
    function: Any, sizes: tuple[int, ...], dtype: Any, size: Any, scale: Any
) -> list[Array]:
    """Return which places of each axis are read."""
    found = []
    for place, n in enumerate(sizes):
        ramp = np.arange(n, dtype=dtype).reshape(-1, *[1] * (len(sizes) - place - 1))
        made = function(np.broadcast_to(ramp, (1, 1, *sizes)), size=size, scale=scale)
        found.append(np.moveaxis(made[0, 0], place, -1).reshape(-1, made.shape[place + 2])[0])
    return [places.astype(np.int64) for places in found]
